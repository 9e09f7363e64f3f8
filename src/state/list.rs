//! Lists: grow at the end, are read and taken as a whole.

use super::Error;
use super::arena::Arena;
use super::shape::{FullKey, Keyed, Namespace, Shape, StateValue};
use super::table::{Shared, Table};
use crate::record::{CodecError, Key, decode, encode_into};
use crate::time::Timestamp;
use std::mem;

/// A list in memory. It is stored in pieces, each what was appended between two hand-offs, under the piece's number
/// (4 bytes, big endian): so an epoch writes only what it appended.
pub(super) struct Pieces<T> {
    items: Vec<T>,
    /// How many items have been handed off.
    stored: usize,
    /// In how many pieces.
    pieces: u32,
}

impl<T: StateValue> Shape for Pieces<T> {
    const SINGLE: bool = false;
    const CELL: usize = mem::size_of::<T>();
    const HEAP: bool = mem::needs_drop::<T>();

    fn cells(&self) -> usize {
        self.items.len()
    }

    fn save<N: Namespace, K: Key>(&mut self, key: &FullKey<'_, N, K>, arena: &mut Arena) -> Result<(), CodecError> {
        if self.stored == self.items.len() {
            return Ok(());
        }
        let number = self.pieces.to_be_bytes();
        let full = |out: &mut Vec<u8>| {
            key.write(out)?;
            out.extend_from_slice(&number);
            Ok(())
        };
        arena.put(full, |out| encode_into(&self.items[self.stored..], out))?;
        self.stored = self.items.len();
        self.pieces += 1;
        Ok(())
    }

    fn load(loaded: &mut Option<Self>, sub_key: &[u8], value: &[u8]) -> Result<(), CodecError> {
        let list = loaded.get_or_insert(Pieces { items: Vec::new(), stored: 0, pieces: 0 });
        list.items.append(&mut decode::<Vec<T>>(value)?);
        list.stored = list.items.len();
        list.pieces = sub_key.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte)) + 1;
        Ok(())
    }

    fn stored(&self, _: bool, mut name: impl FnMut(&[u8]) -> Result<(), CodecError>) -> Result<(), CodecError> {
        (0..self.pieces).try_for_each(|piece| name(&piece.to_be_bytes()))
    }
}

impl<N: Namespace, K: Key, T: StateValue> Table<N, K, Pieces<T>> {
    fn push(&mut self, namespace: N, at: Keyed<'_, K>, item: T) -> Result<(), Error> {
        match self.locate(namespace, at)? {
            Some(place) => {
                self.soil(namespace, place).items.push(item);
                self.cells += 1;
            }
            None => drop(self.insert(namespace, at, Pieces { items: vec![item], stored: 0, pieces: 0 })),
        }
        Ok(())
    }

    fn items(&mut self, namespace: N, at: Keyed<'_, K>) -> Result<&[T], Error> {
        let place = self.locate(namespace, at)?;
        Ok(place.map_or(&[], |place| &self.slot(place).shape.items))
    }

    fn take_items(&mut self, namespace: N, at: Keyed<'_, K>) -> Result<Vec<T>, Error> {
        let place = self.locate(namespace, at)?;
        Ok(place.map(|place| self.remove(namespace, place)).transpose()?.map_or_else(Vec::new, |list| list.items))
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
pub struct ListState<K, T>(pub(super) Shared<(), K, Pieces<T>>);

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
        self.0.borrow_mut().push((), at, item)
    }

    /// Shows the items to `read`.
    ///
    /// # Errors
    /// If they must be read from the file and cannot.
    pub fn with<R>(&self, at: Keyed<'_, K>, read: impl FnOnce(&[T]) -> R) -> Result<R, Error> {
        Ok(read(self.0.borrow_mut().items((), at)?))
    }

    /// Takes all items.
    ///
    /// # Errors
    /// If they must be read from the file and cannot.
    pub fn take(&self, at: Keyed<'_, K>) -> Result<Vec<T>, Error> {
        self.0.borrow_mut().take_items((), at)
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
        let open = |(hash, key, list): (u64, K, Pieces<T>)| (hash, key, list.items);
        Ok(drained.map(|(window, slots)| (window, slots.into_iter().map(open).collect())))
    }
}
