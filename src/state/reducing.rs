//! The handle to values that grow by combining.

use super::shape::{Keyed, StateValue};
use super::{Error, ValueState};
use crate::record::Key;
use std::cell::Cell;
use std::rc::Rc;

/// One value per key: all that was added, combined into one.
///
/// A view of a [`ValueState`], and stored as one: the same state can be read as a plain value. A clone is another handle to
/// the same state.
///
/// What is not combined from values of its own type, such as an average from a sum and a count, is a [`ValueState`] of the
/// accumulator: [`update`](ValueState::update) makes it and adds to it.
///
/// ```
/// use millstream::state::{Identity, Keyed, ReducingState, Store, StoreOptions};
///
/// let dir = tempfile::tempdir()?;
/// let identity = Identity { job_id: 1, uid: "best".into(), subtask: 0, generation: 0 };
/// let mut store = Store::create(&dir.path().join("0.redb"), &identity, StoreOptions::default())?;
/// let best = ReducingState::new(store.value::<String, u32>("best")?, |a, b| *a.max(b));
/// let ada = String::from("ada");
/// for points in [3, 8, 5] {
///     best.add(Keyed::of(&ada), points)?;
/// }
/// assert_eq!(best.get(Keyed::of(&ada))?, Some(8));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct ReducingState<K, V> {
    values: ValueState<K, V>,
    combine: Rc<Combine<V>>,
}

type Combine<V> = dyn Fn(&V, &V) -> V;

impl<K, V> Clone for ReducingState<K, V> {
    fn clone(&self) -> Self {
        ReducingState { values: self.values.clone(), combine: self.combine.clone() }
    }
}

impl<K: Key, V: StateValue> ReducingState<K, V> {
    /// Combines what is added to `values`.
    ///
    /// * `combine`: makes one value of what is there and what is added, in this order; a deterministic function. It must not
    ///   use the same state.
    pub fn new(values: ValueState<K, V>, combine: impl Fn(&V, &V) -> V + 'static) -> Self {
        ReducingState { values, combine: Rc::new(combine) }
    }

    /// Adds to the key's value; the first one is taken as it is.
    ///
    /// # Errors
    /// If the value must be read from the file and cannot; nothing has been combined then.
    ///
    /// # Panics
    /// If the function that combines uses the same state.
    pub fn add(&self, at: Keyed<'_, K>, value: V) -> Result<(), Error> {
        let added = Cell::new(Some(value));
        let first = || added.take().expect("a value is made before it is changed");
        self.values.update(at, first, |sum| {
            if let Some(value) = added.take() {
                *sum = (self.combine)(sum, &value);
            }
        })
    }

    /// The key's value; none before the first [`add`](Self::add).
    ///
    /// # Errors
    /// If it must be read from the file and cannot.
    pub fn get(&self, at: Keyed<'_, K>) -> Result<Option<V>, Error>
    where
        V: Clone,
    {
        self.values.get(at)
    }

    /// Shows the key's value to `read`.
    ///
    /// # Errors
    /// If it must be read from the file and cannot.
    pub fn with<R>(&self, at: Keyed<'_, K>, read: impl FnOnce(Option<&V>) -> R) -> Result<R, Error> {
        self.values.with(at, read)
    }

    /// Removes the key's value and returns it.
    ///
    /// # Errors
    /// If it must be read from the file and cannot.
    pub fn remove(&self, at: Keyed<'_, K>) -> Result<Option<V>, Error> {
        self.values.remove(at)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{checkpoint, create, epoch, open};
    use super::*;

    #[test]
    fn what_is_added_is_combined_in_its_order_across_a_restore() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.redb");
        let join = |a: &String, b: &String| format!("{a}{b}");
        let mut store = create(&path);
        let words = ReducingState::new(store.value::<u8, String>("words").unwrap(), join);
        words.add(Keyed::of(&1), "a".into()).unwrap();
        words.add(Keyed::of(&1), "b".into()).unwrap();
        checkpoint(&mut store, 1).unwrap();
        drop((store, words));
        let words = ReducingState::new(open(&path, epoch(1)).unwrap().value::<u8, String>("words").unwrap(), join);
        words.add(Keyed::of(&1), "c".into()).unwrap();
        assert_eq!(words.remove(Keyed::of(&1)).unwrap().as_deref(), Some("abc"));
        words.add(Keyed::of(&1), "d".into()).unwrap();
        assert_eq!(words.get(Keyed::of(&1)).unwrap().as_deref(), Some("d"));
    }
}
