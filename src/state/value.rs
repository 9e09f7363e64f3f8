//! Handles to single values: per key, and per window and key.

use super::Error;
use super::shape::{Aged, Hold, Keyed, Namespace, One, StateValue};
use super::table::{Either, Place, Shared, Table, either};
use crate::record::Key;
use crate::time::Timestamp;

impl<N: Namespace, K: Key, H: Hold> Table<N, K, H> {
    /// Where the key's value is, if it has one that is not over.
    #[inline]
    fn living(&mut self, namespace: N, at: Keyed<'_, K>) -> Result<Option<Place>, Error> {
        let place = self.locate(namespace, at)?;
        if !H::AGES {
            return Ok(place);
        }
        let aging = self.aging.clone();
        Ok(place.filter(|&place| self.slot(place).shape.lives(aging.as_deref())))
    }

    fn value(&mut self, namespace: N, at: Keyed<'_, K>) -> Result<Option<&H::Value>, Error> {
        let Some(place) = self.living(namespace, at)? else { return Ok(None) };
        if H::AGES {
            let aging = self.aging.clone();
            if self.slot(place).shape.is_refreshed_by_reading(aging.as_deref()) {
                self.soil(namespace, place).value_mut(aging.as_deref());
            }
        }
        Ok(Some(self.slot(place).shape.value()))
    }

    fn put(&mut self, namespace: N, at: Keyed<'_, K>, value: H::Value) -> Result<(), Error> {
        let held = H::new(value, self.aging.as_deref());
        match self.locate(namespace, at)? {
            Some(place) => *self.soil(namespace, place) = held,
            None => drop(self.insert(namespace, at, held)),
        }
        Ok(())
    }

    #[inline]
    fn update<R>(
        &mut self,
        namespace: N,
        at: Keyed<'_, K>,
        create: impl FnOnce() -> H::Value,
        change: impl FnOnce(&mut H::Value) -> R,
    ) -> Result<R, Error> {
        let aging = if H::AGES { self.aging.clone() } else { None };
        match self.living(namespace, at)? {
            Some(place) => Ok(change(self.soil(namespace, place).value_mut(aging.as_deref()))),
            None => {
                let mut value = create();
                let result = change(&mut value);
                let held = H::new(value, aging.as_deref());
                // What is over may still be there.
                match if H::AGES { self.locate(namespace, at)? } else { None } {
                    Some(place) => *self.soil(namespace, place) = held,
                    None => drop(self.insert(namespace, at, held)),
                }
                Ok(result)
            }
        }
    }

    fn take(&mut self, namespace: N, at: Keyed<'_, K>) -> Result<Option<H::Value>, Error> {
        let place = self.living(namespace, at)?;
        place.map(|place| self.remove(namespace, place).map(H::into_value)).transpose()
    }
}

/// One value per key.
///
/// A clone is another handle to the same state. Every method may have to read from the file what does not fit in memory,
/// and then fails as the disk does.
///
/// # Panics
/// If a closure given to one of its methods uses the same state.
///
/// ```
/// use millstream::record::Epoch;
/// use millstream::state::{Identity, Keyed, Store, StoreOptions};
///
/// let dir = tempfile::tempdir()?;
/// let identity = Identity { job_id: 1, uid: "count".into(), subtask: 0, generation: 0 };
/// let mut store = Store::create(&dir.path().join("0.redb"), &identity, StoreOptions::default())?;
/// let visits = store.value::<String, u32>("visits")?;
/// let ada = String::from("ada");
/// for _ in 0..3 {
///     visits.update(Keyed::of(&ada), || 0, |n| *n += 1)?;
/// }
/// assert_eq!(visits.get(Keyed::of(&ada))?, Some(3));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct ValueState<K, V>(pub(super) Either<Plain<K, V>, WithTtl<K, V>>);

type Plain<K, V> = Shared<(), K, One<V>>;
type WithTtl<K, V> = Shared<(), K, Aged<V>>;

impl<K, V> Clone for ValueState<K, V> {
    fn clone(&self) -> Self {
        ValueState(self.0.clone())
    }
}

impl<K: Key, V: StateValue> ValueState<K, V> {
    /// The key's value.
    ///
    /// # Errors
    /// If it must be read from the file and cannot.
    pub fn get(&self, at: Keyed<'_, K>) -> Result<Option<V>, Error>
    where
        V: Clone,
    {
        self.with(at, |value| value.cloned())
    }

    /// Shows the key's value to `read`.
    ///
    /// # Errors
    /// If it must be read from the file and cannot.
    pub fn with<R>(&self, at: Keyed<'_, K>, read: impl FnOnce(Option<&V>) -> R) -> Result<R, Error> {
        either!(&self.0, table => Ok(read(table.value((), at)?)))
    }

    /// Sets the key's value.
    ///
    /// # Errors
    /// If the old one must be read from the file and cannot.
    pub fn put(&self, at: Keyed<'_, K>, value: V) -> Result<(), Error> {
        either!(&self.0, table => table.put((), at, value))
    }

    /// Removes the key's value and returns it.
    ///
    /// # Errors
    /// If it must be read from the file and cannot.
    pub fn remove(&self, at: Keyed<'_, K>) -> Result<Option<V>, Error> {
        either!(&self.0, table => table.take((), at))
    }

    /// Changes the key's value, which `create` makes if there is none. Returns what `change` returns.
    ///
    /// # Errors
    /// If the value must be read from the file and cannot; nothing has been called then.
    #[inline]
    pub fn update<R>(
        &self,
        at: Keyed<'_, K>,
        create: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> R,
    ) -> Result<R, Error> {
        either!(&self.0, table => table.update((), at, create, change))
    }
}

/// One value per window and key, the window named by a time, such as its last instant. The state is its own timer: what is
/// due is found by that time.
///
/// # Panics
/// If a closure given to one of its methods uses the same state.
pub struct WindowedState<K, V>(pub(super) Shared<Timestamp, K, One<V>>);

impl<K, V> Clone for WindowedState<K, V> {
    fn clone(&self) -> Self {
        WindowedState(self.0.clone())
    }
}

/// What a window held: hash, key and value of each key, in the order of keys.
pub type Drained<K, V> = (Timestamp, Vec<(u64, K, V)>);

impl<K: Key, V: StateValue> WindowedState<K, V> {
    /// The key's value in that window.
    ///
    /// # Errors
    /// If it must be read from the file and cannot.
    pub fn get(&self, window: Timestamp, at: Keyed<'_, K>) -> Result<Option<V>, Error>
    where
        V: Clone,
    {
        Ok(self.0.borrow_mut().value(window, at)?.cloned())
    }

    /// Shows the key's value in that window to `read`.
    ///
    /// # Errors
    /// If it must be read from the file and cannot.
    pub fn with<R>(&self, window: Timestamp, at: Keyed<'_, K>, read: impl FnOnce(Option<&V>) -> R) -> Result<R, Error> {
        Ok(read(self.0.borrow_mut().value(window, at)?))
    }

    /// Sets the key's value in that window.
    ///
    /// # Errors
    /// If the old one must be read from the file and cannot.
    pub fn put(&self, window: Timestamp, at: Keyed<'_, K>, value: V) -> Result<(), Error> {
        self.0.borrow_mut().put(window, at, value)
    }

    /// Removes the key's value in that window and returns it.
    ///
    /// # Errors
    /// If it must be read from the file and cannot.
    pub fn remove(&self, window: Timestamp, at: Keyed<'_, K>) -> Result<Option<V>, Error> {
        self.0.borrow_mut().take(window, at)
    }

    /// Changes the key's value in that window, which `create` makes if there is none. Returns what `change` returns.
    ///
    /// # Errors
    /// If the value must be read from the file and cannot; nothing has been called then.
    #[inline]
    pub fn update<R>(
        &self,
        window: Timestamp,
        at: Keyed<'_, K>,
        create: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> R,
    ) -> Result<R, Error> {
        self.0.borrow_mut().update(window, at, create, change)
    }

    /// The earliest window in which something is.
    pub fn first_namespace(&self) -> Option<Timestamp> {
        self.0.borrow().first_namespace()
    }

    /// Takes the earliest window, if it is at most `up_to`, out of the state as a whole.
    ///
    /// # Errors
    /// If a part of it must be read from the file and cannot; nothing has been taken then.
    pub fn drain_first(&self, up_to: Timestamp) -> Result<Option<Drained<K, V>>, Error> {
        let drained = self.0.borrow_mut().drain_first(up_to)?;
        let open = |(hash, key, One(value))| (hash, key, value);
        Ok(drained.map(|(window, slots)| (window, slots.into_iter().map(open).collect())))
    }
}

/// Times at which keys want to be called. A key has at most one timer at each time.
pub struct Timers<K>(pub(super) Shared<Timestamp, K, One<()>>);

impl<K> Clone for Timers<K> {
    fn clone(&self) -> Self {
        Timers(self.0.clone())
    }
}

impl<K: Key> Timers<K> {
    /// Sets a timer; one that is set stays.
    ///
    /// # Errors
    /// If the file must be read and cannot.
    pub fn set(&self, time: Timestamp, at: Keyed<'_, K>) -> Result<(), Error> {
        let mut table = self.0.borrow_mut();
        if table.locate(time, at)?.is_none() {
            table.insert(time, at, One(()));
        }
        Ok(())
    }

    /// Takes a timer back; says whether it was set.
    ///
    /// # Errors
    /// If the file must be read and cannot.
    pub fn delete(&self, time: Timestamp, at: Keyed<'_, K>) -> Result<bool, Error> {
        Ok(self.0.borrow_mut().take(time, at)?.is_some())
    }

    /// The earliest time for which one is set.
    pub fn first_time(&self) -> Option<Timestamp> {
        self.0.borrow().first_namespace()
    }

    /// Takes all timers of the earliest time, if that is at most `up_to`: hash and key of each, in the order of keys.
    ///
    /// # Errors
    /// If a part must be read from the file and cannot; nothing has been taken then.
    #[expect(clippy::type_complexity, reason = "a name would not say more")]
    pub fn drain_first(&self, up_to: Timestamp) -> Result<Option<(Timestamp, Vec<(u64, K)>)>, Error> {
        let drained = self.0.borrow_mut().drain_first(up_to)?;
        Ok(drained.map(|(time, slots)| (time, slots.into_iter().map(|(hash, key, _)| (hash, key)).collect())))
    }
}
