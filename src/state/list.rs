//! Lists: grow at the end, are read and taken as a whole.

use super::Error;
use super::pieces::{AgedPieces, List, Pieces};
use super::shape::{Keyed, Namespace, StateValue};
use super::table::{Either, Shared, Table, either};
use crate::record::Key;
use crate::time::Timestamp;

impl<N: Namespace, K: Key, L: List> Table<N, K, L> {
    fn push(&mut self, namespace: N, at: Keyed<'_, K>, item: L::Item) -> Result<(), Error> {
        let aging = self.aging.clone();
        match self.locate(namespace, at)? {
            Some(place) => {
                self.soil(namespace, place).push(item, aging.as_deref());
                self.cells += 1;
            }
            None => {
                let mut list = L::default();
                list.push(item, aging.as_deref());
                self.insert(namespace, at, list);
            }
        }
        Ok(())
    }

    fn items(&mut self, namespace: N, at: Keyed<'_, K>) -> Result<&[L::Item], Error> {
        let Some(place) = self.locate(namespace, at)? else { return Ok(&[]) };
        let aging = self.aging.clone();
        if self.slot(place).shape.is_refreshed_by_reading(aging.as_deref()) {
            let list = self.soil(namespace, place);
            let before = list.cells();
            list.refresh(aging.as_deref());
            self.cells -= before - self.slot(place).shape.cells();
        }
        Ok(self.slot(place).shape.items(aging.as_deref()))
    }

    fn take_items(&mut self, namespace: N, at: Keyed<'_, K>) -> Result<Vec<L::Item>, Error> {
        let aging = self.aging.clone();
        let place = self.locate(namespace, at)?;
        let list = place.map(|place| self.remove(namespace, place)).transpose()?;
        Ok(list.map_or_else(Vec::new, |list| list.into_items(aging.as_deref())))
    }
}

/// A list per key, in the order of appending.
///
/// # Panics
/// If a closure given to one of its methods uses the same state.
///
/// ```
/// use millstream::state::{Identity, Keyed, Store, StoreOptions};
///
/// let dir = tempfile::tempdir()?;
/// let identity = Identity { job_id: 1, uid: "join".into(), subtask: 0, generation: 0 };
/// let mut store = Store::create(&dir.path().join("0.redb"), &identity, StoreOptions::default())?;
/// let bids = store.list::<u64, String>("bids")?;
/// bids.push(Keyed::of(&7), "low".into())?;
/// bids.push(Keyed::of(&7), "high".into())?;
/// assert_eq!(bids.take(Keyed::of(&7))?, ["low", "high"]);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct ListState<K, T>(pub(super) Either<Plain<K, T>, WithTtl<K, T>>);

type Plain<K, T> = Shared<(), K, Pieces<T>>;
type WithTtl<K, T> = Shared<(), K, AgedPieces<T>>;

impl<K, T> Clone for ListState<K, T> {
    fn clone(&self) -> Self {
        ListState(self.0.clone())
    }
}

impl<K: Key, T: StateValue> ListState<K, T> {
    /// Appends an item.
    ///
    /// # Errors
    /// If the list must be read from the file and cannot.
    pub fn push(&self, at: Keyed<'_, K>, item: T) -> Result<(), Error> {
        either!(&self.0, table => table.push((), at, item))
    }

    /// Shows the items to `read`.
    ///
    /// # Errors
    /// If they must be read from the file and cannot.
    pub fn with<R>(&self, at: Keyed<'_, K>, read: impl FnOnce(&[T]) -> R) -> Result<R, Error> {
        either!(&self.0, table => Ok(read(table.items((), at)?)))
    }

    /// Takes all items.
    ///
    /// # Errors
    /// If they must be read from the file and cannot.
    pub fn take(&self, at: Keyed<'_, K>) -> Result<Vec<T>, Error> {
        either!(&self.0, table => table.take_items((), at))
    }

    /// Removes all items.
    ///
    /// # Errors
    /// If the file must be read and cannot.
    pub fn clear(&self, at: Keyed<'_, K>) -> Result<(), Error> {
        self.take(at).map(drop)
    }
}

/// A list per window and key; see [`WindowedState`](super::WindowedState) and [`ListState`].
pub struct WindowedList<K, T>(pub(super) Shared<Timestamp, K, Pieces<T>>);

impl<K, T> Clone for WindowedList<K, T> {
    fn clone(&self) -> Self {
        WindowedList(self.0.clone())
    }
}

impl<K: Key, T: StateValue> WindowedList<K, T> {
    /// Appends an item.
    ///
    /// # Errors
    /// If the list must be read from the file and cannot.
    pub fn push(&self, window: Timestamp, at: Keyed<'_, K>, item: T) -> Result<(), Error> {
        self.0.borrow_mut().push(window, at, item)
    }

    /// Shows the items to `read`.
    ///
    /// # Errors
    /// If they must be read from the file and cannot.
    pub fn with<R>(&self, window: Timestamp, at: Keyed<'_, K>, read: impl FnOnce(&[T]) -> R) -> Result<R, Error> {
        Ok(read(self.0.borrow_mut().items(window, at)?))
    }

    /// Takes all items.
    ///
    /// # Errors
    /// If they must be read from the file and cannot.
    pub fn take(&self, window: Timestamp, at: Keyed<'_, K>) -> Result<Vec<T>, Error> {
        self.0.borrow_mut().take_items(window, at)
    }

    /// The earliest window in which something is.
    pub fn first_namespace(&self) -> Option<Timestamp> {
        self.0.borrow().first_namespace()
    }

    /// Takes the earliest window, if it is at most `up_to`, out of the state as a whole.
    ///
    /// # Errors
    /// If a part of it must be read from the file and cannot; nothing has been taken then.
    pub fn drain_first(&self, up_to: Timestamp) -> Result<Option<super::Drained<K, Vec<T>>>, Error> {
        let drained = self.0.borrow_mut().drain_first(up_to)?;
        let open = |(hash, key, list): (u64, K, Pieces<T>)| (hash, key, list.into_items(None));
        Ok(drained.map(|(window, slots)| (window, slots.into_iter().map(open).collect())))
    }
}
