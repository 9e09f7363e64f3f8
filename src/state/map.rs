//! The handle to maps: a sorted map per key.

use super::Error;
use super::entries::Entries;
use super::shape::{Keyed, StateValue};
use super::table::{Place, Shared, Table};
use crate::record::{Key, encode_into};
use std::ops::RangeBounds;

/// A sorted map per key. An epoch writes only the entries that it changed, but a key's whole map is in memory or none of it.
///
/// # Panics
/// If a closure given to one of its methods uses the same state.
///
/// ```
/// use millstream::state::{Identity, Keyed, Store, StoreOptions};
///
/// let dir = tempfile::tempdir()?;
/// let identity = Identity { job_id: 1, uid: "sessions".into(), subtask: 0, generation: 0 };
/// let mut store = Store::create(&dir.path().join("0.redb"), &identity, StoreOptions::default())?;
/// let sessions = store.map::<String, i64, u32>("sessions")?;
/// let ada = String::from("ada");
/// for start in [70, 10, 40] {
///     sessions.put(Keyed::of(&ada), start, 1)?;
/// }
/// assert_eq!(sessions.range(Keyed::of(&ada), 20..)?, [(40, 1), (70, 1)]);
/// assert_eq!(sessions.last_in(Keyed::of(&ada), ..40)?, Some((10, 1)));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct MapState<K, UK, UV>(pub(super) Shared<(), K, Entries<UK, UV>>);

impl<K, UK, UV> Clone for MapState<K, UK, UV> {
    fn clone(&self) -> Self {
        MapState(self.0.clone())
    }
}

impl<K: Key, UK: Key, UV: StateValue> Table<(), K, Entries<UK, UV>> {
    /// Adds an entry that is not there to the map at `place`, or to a new one.
    fn insert_entry(&mut self, place: Option<Place>, at: Keyed<'_, K>, map_key: UK, value: UV) {
        match place {
            Some(place) => {
                self.soil((), place).insert(map_key, value);
                self.cells += 1;
            }
            None => {
                let mut entries = Entries::new();
                entries.insert(map_key, value);
                self.insert((), at, entries);
            }
        }
    }

    /// Removes an entry from the map at `place`, and the map with its last one.
    fn remove_entry(&mut self, place: Place, at: Keyed<'_, K>, map_key: &UK) -> Result<Option<UV>, Error> {
        let entries = self.soil((), place);
        let Some(cell) = entries.remove(map_key) else { return Ok(None) };
        let is_empty = entries.len() == 0;
        self.cells -= 1;
        if is_empty {
            self.remove((), place)?;
        }
        if cell.stored {
            self.bury_one((), at, |out| encode_into(map_key, out))?;
        }
        Ok(Some(cell.value))
    }
}

impl<K: Key, UK: Key, UV: StateValue> MapState<K, UK, UV> {
    /// Shows the key's map, if it has one, to `read`.
    fn read<R>(&self, at: Keyed<'_, K>, read: impl FnOnce(Option<&Entries<UK, UV>>) -> R) -> Result<R, Error> {
        let mut table = self.0.borrow_mut();
        let place = table.locate((), at)?;
        Ok(read(place.map(|place| &table.slot(place).shape)))
    }

    /// The value under `map_key` in the key's map.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn get(&self, at: Keyed<'_, K>, map_key: &UK) -> Result<Option<UV>, Error>
    where
        UV: Clone,
    {
        self.with(at, map_key, |value| value.cloned())
    }

    /// Shows the value under `map_key` to `read`.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn with<R>(&self, at: Keyed<'_, K>, map_key: &UK, read: impl FnOnce(Option<&UV>) -> R) -> Result<R, Error> {
        self.read(at, |entries| read(entries.and_then(|entries| entries.get(map_key))))
    }

    /// Sets the value under `map_key`.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn put(&self, at: Keyed<'_, K>, map_key: UK, value: UV) -> Result<(), Error> {
        let mut table = self.0.borrow_mut();
        let place = table.locate((), at)?;
        match place.and_then(|place| table.soil((), place).get_mut(&map_key)) {
            Some(old) => *old = value,
            None => table.insert_entry(place, at, map_key, value),
        }
        Ok(())
    }

    /// Changes the value under `map_key`, which `create` makes if there is none. Returns what `change` returns.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot; nothing has been called then.
    pub fn update<R>(
        &self,
        at: Keyed<'_, K>,
        map_key: UK,
        create: impl FnOnce() -> UV,
        change: impl FnOnce(&mut UV) -> R,
    ) -> Result<R, Error> {
        let mut table = self.0.borrow_mut();
        let place = table.locate((), at)?;
        if let Some(value) = place.and_then(|place| table.soil((), place).get_mut(&map_key)) {
            return Ok(change(value));
        }
        let mut value = create();
        let result = change(&mut value);
        table.insert_entry(place, at, map_key, value);
        Ok(result)
    }

    /// Changes the last entry in the range. Returns what `change` returns, or `None` without a call if there is no entry.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot; nothing has been called then.
    pub fn update_last<R>(
        &self,
        at: Keyed<'_, K>,
        range: impl RangeBounds<UK>,
        change: impl FnOnce(&UK, &mut UV) -> R,
    ) -> Result<Option<R>, Error> {
        let mut table = self.0.borrow_mut();
        let Some(place) = table.locate((), at)? else { return Ok(None) };
        let last = table.slot(place).shape.range(range).next_back().map(|(map_key, _)| map_key.clone());
        let Some(map_key) = last else { return Ok(None) };
        let value = table.soil((), place).get_mut(&map_key).expect("the entry has just been seen");
        Ok(Some(change(&map_key, value)))
    }

    /// Removes the value under `map_key` and returns it.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn remove(&self, at: Keyed<'_, K>, map_key: &UK) -> Result<Option<UV>, Error> {
        let mut table = self.0.borrow_mut();
        let Some(place) = table.locate((), at)? else { return Ok(None) };
        if table.slot(place).shape.get(map_key).is_none() {
            return Ok(None);
        }
        table.remove_entry(place, at, map_key)
    }

    /// Removes the first entry and returns it, if `condition` holds for it.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot; nothing has been called then.
    pub fn remove_first_if(
        &self,
        at: Keyed<'_, K>,
        condition: impl FnOnce(&UK, &UV) -> bool,
    ) -> Result<Option<(UK, UV)>, Error> {
        let mut table = self.0.borrow_mut();
        let Some(place) = table.locate((), at)? else { return Ok(None) };
        let first = table.slot(place).shape.range(..).next().filter(|(key, value)| condition(key, value));
        let Some(map_key) = first.map(|(key, _)| key.clone()) else { return Ok(None) };
        Ok(table.remove_entry(place, at, &map_key)?.map(|value| (map_key, value)))
    }

    /// Shows each entry in the range to `visit`, in the order of map keys.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn for_each(
        &self,
        at: Keyed<'_, K>,
        range: impl RangeBounds<UK>,
        mut visit: impl FnMut(&UK, &UV),
    ) -> Result<(), Error> {
        self.read(at, |entries| {
            if let Some(entries) = entries {
                entries.range(range).for_each(|(key, value)| visit(key, value));
            }
        })
    }

    /// The entries in the range, in the order of map keys.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn range(&self, at: Keyed<'_, K>, range: impl RangeBounds<UK>) -> Result<Vec<(UK, UV)>, Error>
    where
        UV: Clone,
    {
        let mut found = Vec::new();
        self.for_each(at, range, |key, value| found.push((key.clone(), value.clone())))?;
        Ok(found)
    }

    /// All entries, in the order of map keys.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn entries(&self, at: Keyed<'_, K>) -> Result<Vec<(UK, UV)>, Error>
    where
        UV: Clone,
    {
        self.range(at, ..)
    }

    /// The first entry in the range.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn first_in(&self, at: Keyed<'_, K>, range: impl RangeBounds<UK>) -> Result<Option<(UK, UV)>, Error>
    where
        UV: Clone,
    {
        self.read(at, |entries| entries?.range(range).next().map(|(key, value)| (key.clone(), value.clone())))
    }

    /// The last entry in the range.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn last_in(&self, at: Keyed<'_, K>, range: impl RangeBounds<UK>) -> Result<Option<(UK, UV)>, Error>
    where
        UV: Clone,
    {
        self.read(at, |entries| entries?.range(range).next_back().map(|(key, value)| (key.clone(), value.clone())))
    }

    /// How many entries the key's map has.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn len(&self, at: Keyed<'_, K>) -> Result<usize, Error> {
        self.read(at, |entries| entries.map_or(0, Entries::len))
    }

    /// Whether the key's map has no entry.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn is_empty(&self, at: Keyed<'_, K>) -> Result<bool, Error> {
        self.read(at, |entries| entries.is_none())
    }

    /// Removes the key's map.
    ///
    /// # Errors
    /// If it must be read from the file and cannot.
    pub fn clear(&self, at: Keyed<'_, K>) -> Result<(), Error> {
        let mut table = self.0.borrow_mut();
        let place = table.locate((), at)?;
        place.map_or(Ok(()), |place| table.remove((), place).map(drop))
    }
}
