//! The handle to maps: a sorted map per key.
//!
//! What the handle does is written once, over tables whose entries age or do not: see [`Hold`].

use super::Error;
use super::entries::Entries;
use super::shape::{Aged, Hold, Keyed, One, StateValue};
use super::table::{Either, Place, Shared, Table, either};
use super::ttl::Aging;
use crate::record::{Key, encode_into};
use std::ops::RangeBounds;
use std::rc::Rc;

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
pub struct MapState<K, UK, UV>(pub(super) Either<Plain<K, UK, UV>, WithTtl<K, UK, UV>>);

type Plain<K, UK, UV> = Shared<(), K, Entries<UK, One<UV>>>;
type WithTtl<K, UK, UV> = Shared<(), K, Entries<UK, Aged<UV>>>;

impl<K, UK, UV> Clone for MapState<K, UK, UV> {
    fn clone(&self) -> Self {
        MapState(self.0.clone())
    }
}

impl<K: Key, UK: Key, H: Hold> Table<(), K, Entries<UK, H>> {
    /// By what time entries are over; nothing where they do not age.
    #[inline]
    fn life(&self) -> Option<Rc<Aging>> {
        if H::AGES { self.aging.clone() } else { None }
    }

    /// Adds an entry that is not there to the map at `place`, or to a new one.
    fn insert_entry(&mut self, place: Option<Place>, at: Keyed<'_, K>, map_key: UK, held: H) {
        match place {
            Some(place) => {
                self.soil((), place).insert(map_key, held);
                self.cells += 1;
            }
            None => {
                let mut entries = Entries::new();
                entries.insert(map_key, held);
                self.insert((), at, entries);
            }
        }
    }

    /// Removes an entry from the map at `place`, and the map with its last one.
    fn remove_entry(&mut self, place: Place, at: Keyed<'_, K>, map_key: &UK) -> Result<Option<H::Value>, Error> {
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
        Ok(Some(cell.value.into_value()))
    }

    /// Marks as used now the entry under `map_key`, if reading does that.
    fn refresh(&mut self, place: Place, map_key: &UK, life: Option<&Aging>) {
        if H::AGES
            && self.slot(place).shape.get(map_key).is_some_and(|held| held.is_refreshed_by_reading(life))
            && let Some(held) = self.soil((), place).get_mut(map_key)
        {
            held.value_mut(life);
        }
    }

    fn value_under(&mut self, at: Keyed<'_, K>, map_key: &UK) -> Result<Option<&H::Value>, Error> {
        let life = self.life();
        let Some(place) = self.locate((), at)? else { return Ok(None) };
        if H::AGES && self.slot(place).shape.get(map_key).is_some_and(|held| held.lives(life.as_deref())) {
            self.refresh(place, map_key, life.as_deref());
        }
        Ok(self.slot(place).shape.get(map_key).filter(|held| held.lives(life.as_deref())).map(H::value))
    }

    fn put_under(&mut self, at: Keyed<'_, K>, map_key: UK, value: H::Value) -> Result<(), Error> {
        let held = H::new(value, self.life().as_deref());
        let place = self.locate((), at)?;
        match place.and_then(|place| self.soil((), place).get_mut(&map_key)) {
            Some(old) => *old = held,
            None => self.insert_entry(place, at, map_key, held),
        }
        Ok(())
    }

    fn update_under<R>(
        &mut self,
        at: Keyed<'_, K>,
        map_key: UK,
        create: impl FnOnce() -> H::Value,
        change: impl FnOnce(&mut H::Value) -> R,
    ) -> Result<R, Error> {
        let life = self.life();
        let place = self.locate((), at)?;
        if let Some(held) = place.and_then(|place| self.soil((), place).get_mut(&map_key))
            && held.lives(life.as_deref())
        {
            return Ok(change(held.value_mut(life.as_deref())));
        }
        let mut value = create();
        let result = change(&mut value);
        let held = H::new(value, life.as_deref());
        // What is over may still be there.
        let place_over = if H::AGES { place } else { None };
        match place_over.and_then(|place| self.soil((), place).get_mut(&map_key)) {
            Some(over) => *over = held,
            None => self.insert_entry(place, at, map_key, held),
        }
        Ok(result)
    }

    fn update_last<R>(
        &mut self,
        at: Keyed<'_, K>,
        range: impl RangeBounds<UK>,
        change: impl FnOnce(&UK, &mut H::Value) -> R,
    ) -> Result<Option<R>, Error> {
        let life = self.life();
        let Some(place) = self.locate((), at)? else { return Ok(None) };
        let mut living = self.slot(place).shape.range(range).filter(|(_, held)| held.lives(life.as_deref()));
        let Some(map_key) = living.next_back().map(|(map_key, _)| map_key.clone()) else { return Ok(None) };
        let held = self.soil((), place).get_mut(&map_key).expect("the entry has just been seen");
        Ok(Some(change(&map_key, held.value_mut(life.as_deref()))))
    }

    fn remove_under(&mut self, at: Keyed<'_, K>, map_key: &UK) -> Result<Option<H::Value>, Error> {
        let life = self.life();
        let Some(place) = self.locate((), at)? else { return Ok(None) };
        if !self.slot(place).shape.get(map_key).is_some_and(|held| held.lives(life.as_deref())) {
            return Ok(None);
        }
        self.remove_entry(place, at, map_key)
    }

    fn remove_first_if(
        &mut self,
        at: Keyed<'_, K>,
        condition: impl FnOnce(&UK, &H::Value) -> bool,
    ) -> Result<Option<(UK, H::Value)>, Error> {
        let life = self.life();
        let Some(place) = self.locate((), at)? else { return Ok(None) };
        let mut living = self.slot(place).shape.range(..).filter(|(_, held)| held.lives(life.as_deref()));
        let first = living.next().filter(|(map_key, held)| condition(map_key, held.value()));
        let Some(map_key) = first.map(|(map_key, _)| map_key.clone()) else { return Ok(None) };
        Ok(self.remove_entry(place, at, &map_key)?.map(|value| (map_key, value)))
    }

    /// Shows the first `most` entries in the range to `visit`, or the last ones from the end.
    fn visit(
        &mut self,
        at: Keyed<'_, K>,
        range: impl RangeBounds<UK>,
        order: Order,
        most: usize,
        mut visit: impl FnMut(&UK, &H::Value),
    ) -> Result<(), Error> {
        let life = self.life();
        let life = life.as_deref();
        let Some(place) = self.locate((), at)? else { return Ok(()) };
        let refreshes = H::AGES && life.is_some_and(|aging| aging.ttl.on_read);
        let mut shown = Vec::new();
        let mut show = |(map_key, held): (&UK, &H)| {
            visit(map_key, held.value());
            if refreshes {
                shown.push(map_key.clone());
            }
        };
        let living = self.slot(place).shape.range(range).filter(|(_, held)| held.lives(life));
        match order {
            Order::Forward => living.take(most).for_each(&mut show),
            Order::Backward => living.rev().take(most).for_each(&mut show),
        }
        shown.iter().for_each(|map_key| self.refresh(place, map_key, life));
        Ok(())
    }

    fn count(&mut self, at: Keyed<'_, K>) -> Result<usize, Error> {
        let life = self.life();
        let Some(place) = self.locate((), at)? else { return Ok(0) };
        let entries = &self.slot(place).shape;
        if !H::AGES {
            return Ok(entries.len());
        }
        Ok(entries.range(..).filter(|(_, held)| held.lives(life.as_deref())).count())
    }
}

/// From which end entries are shown.
#[derive(Clone, Copy)]
enum Order {
    Forward,
    Backward,
}

impl<K: Key, UK: Key, UV: StateValue> MapState<K, UK, UV> {
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
        either!(&self.0, table => Ok(read(table.value_under(at, map_key)?)))
    }

    /// Sets the value under `map_key`.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn put(&self, at: Keyed<'_, K>, map_key: UK, value: UV) -> Result<(), Error> {
        either!(&self.0, table => table.put_under(at, map_key, value))
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
        either!(&self.0, table => table.update_under(at, map_key, create, change))
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
        either!(&self.0, table => table.update_last(at, range, change))
    }

    /// Removes the value under `map_key` and returns it.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn remove(&self, at: Keyed<'_, K>, map_key: &UK) -> Result<Option<UV>, Error> {
        either!(&self.0, table => table.remove_under(at, map_key))
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
        either!(&self.0, table => table.remove_first_if(at, condition))
    }

    /// Shows each entry in the range to `visit`, in the order of map keys.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn for_each(
        &self,
        at: Keyed<'_, K>,
        range: impl RangeBounds<UK>,
        visit: impl FnMut(&UK, &UV),
    ) -> Result<(), Error> {
        either!(&self.0, table => table.visit(at, range, Order::Forward, usize::MAX, visit))
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
        let mut found = None;
        let find = |map_key: &UK, value: &UV| found = Some((map_key.clone(), value.clone()));
        either!(&self.0, table => table.visit(at, range, Order::Forward, 1, find))?;
        Ok(found)
    }

    /// The last entry in the range.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn last_in(&self, at: Keyed<'_, K>, range: impl RangeBounds<UK>) -> Result<Option<(UK, UV)>, Error>
    where
        UV: Clone,
    {
        let mut found = None;
        let find = |map_key: &UK, value: &UV| found = Some((map_key.clone(), value.clone()));
        either!(&self.0, table => table.visit(at, range, Order::Backward, 1, find))?;
        Ok(found)
    }

    /// The map key of the first entry in the range.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn first_key_in(&self, at: Keyed<'_, K>, range: impl RangeBounds<UK>) -> Result<Option<UK>, Error> {
        let mut found = None;
        let find = |map_key: &UK, _: &UV| found = Some(map_key.clone());
        either!(&self.0, table => table.visit(at, range, Order::Forward, 1, find))?;
        Ok(found)
    }

    /// The map key of the last entry in the range.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn last_key_in(&self, at: Keyed<'_, K>, range: impl RangeBounds<UK>) -> Result<Option<UK>, Error> {
        let mut found = None;
        let find = |map_key: &UK, _: &UV| found = Some(map_key.clone());
        either!(&self.0, table => table.visit(at, range, Order::Backward, 1, find))?;
        Ok(found)
    }

    /// How many entries the key's map has.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn len(&self, at: Keyed<'_, K>) -> Result<usize, Error> {
        either!(&self.0, table => table.count(at))
    }

    /// Whether the key's map has no entry.
    ///
    /// # Errors
    /// If the map must be read from the file and cannot.
    pub fn is_empty(&self, at: Keyed<'_, K>) -> Result<bool, Error> {
        Ok(self.len(at)? == 0)
    }

    /// Removes the key's map.
    ///
    /// # Errors
    /// If it must be read from the file and cannot.
    pub fn clear(&self, at: Keyed<'_, K>) -> Result<(), Error> {
        either!(&self.0, table => {
            let place = table.locate((), at)?;
            place.map_or(Ok(()), |place| table.remove((), place).map(drop))
        })
    }
}
