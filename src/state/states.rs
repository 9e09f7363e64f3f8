//! How a store gives out its states: by name, each once, with the type that they were written as.

use super::entries::Entries;
use super::list::{ListState, WindowedList};
use super::map::MapState;
use super::pieces::{AgedPieces, Pieces};
use super::shape::{Aged, Namespace, One, Shape, StateValue};
use super::table::{Either, Names, Shared, Table};
use super::ttl::{Aging, Stamp, Ttl};
use super::value::{Timers, ValueState, WindowedState};
use super::versions::{Declared, Holds};
use super::{Error, Store};
use crate::record::Key;
use crate::time::Timestamp;
use std::cell::RefCell;
use std::rc::Rc;

impl Store {
    /// The state named `name`, a value per key.
    ///
    /// # Errors
    /// [`Error::Twice`] if the name is taken; [`Error::Changed`], [`Error::ChangedKey`] or [`Error::Misfit`] if it was
    /// written as another type that cannot be read as this one (see [`migrate`](Self::migrate)); [`Error::TooMany`] at the
    /// 257th name; else what reading the file says. So do the methods below.
    pub fn value<K: Key, V: StateValue>(&mut self, name: &str) -> Result<ValueState<K, V>, Error> {
        let table = self.register::<(), K, One<V>>(name, Declared::new::<K, (), V>("value", Holds::One), None)?;
        Ok(ValueState(Either::Plain(table)))
    }

    /// As [`value`](Self::value), with a time to live: see [`Ttl`].
    ///
    /// # Errors
    /// As [`value`](Self::value); [`Error::ShortTtl`] if it is below 1 ms.
    pub fn value_with_ttl<K: Key, V: StateValue>(
        &mut self,
        name: &str,
        ttl: Ttl,
        stamp: &Stamp,
    ) -> Result<ValueState<K, V>, Error> {
        let aging = self.aging(name, ttl, stamp)?;
        let declared = Declared::new::<K, (), V>("value with ttl", Holds::Aged);
        let table = self.register::<(), K, Aged<V>>(name, declared, Some(aging))?;
        Ok(ValueState(Either::Aging(table)))
    }

    /// The state named `name`, a value per window and key.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn windowed_value<K: Key, V: StateValue>(&mut self, name: &str) -> Result<WindowedState<K, V>, Error> {
        let declared = Declared::new::<K, (), V>("windowed value", Holds::One);
        self.register::<Timestamp, K, One<V>>(name, declared, None).map(WindowedState)
    }

    /// The timers named `name`.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn timers<K: Key>(&mut self, name: &str) -> Result<Timers<K>, Error> {
        let declared = Declared::new::<K, (), ()>("timers", Holds::One);
        self.register::<Timestamp, K, One<()>>(name, declared, None).map(Timers)
    }

    /// The state named `name`, a sorted map per key.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn map<K: Key, UK: Key, UV: StateValue>(&mut self, name: &str) -> Result<MapState<K, UK, UV>, Error> {
        let declared = Declared::new::<K, UK, UV>("map", Holds::One);
        let table = self.register::<(), K, Entries<UK, One<UV>>>(name, declared, None)?;
        Ok(MapState(Either::Plain(table)))
    }

    /// As [`map`](Self::map), each entry with a time to live: see [`Ttl`].
    ///
    /// # Errors
    /// As [`value_with_ttl`](Self::value_with_ttl).
    pub fn map_with_ttl<K: Key, UK: Key, UV: StateValue>(
        &mut self,
        name: &str,
        ttl: Ttl,
        stamp: &Stamp,
    ) -> Result<MapState<K, UK, UV>, Error> {
        let aging = self.aging(name, ttl, stamp)?;
        let declared = Declared::new::<K, UK, UV>("map with ttl", Holds::Aged);
        let table = self.register::<(), K, Entries<UK, Aged<UV>>>(name, declared, Some(aging))?;
        Ok(MapState(Either::Aging(table)))
    }

    /// The state named `name`, a list per key.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn list<K: Key, T: StateValue>(&mut self, name: &str) -> Result<ListState<K, T>, Error> {
        let declared = Declared::new::<K, (), T>("list", Holds::Many);
        let table = self.register::<(), K, Pieces<T>>(name, declared, None)?;
        Ok(ListState(Either::Plain(table)))
    }

    /// As [`list`](Self::list), each item with a time to live: see [`Ttl`].
    ///
    /// # Errors
    /// As [`value_with_ttl`](Self::value_with_ttl).
    pub fn list_with_ttl<K: Key, T: StateValue>(
        &mut self,
        name: &str,
        ttl: Ttl,
        stamp: &Stamp,
    ) -> Result<ListState<K, T>, Error> {
        let aging = self.aging(name, ttl, stamp)?;
        let declared = Declared::new::<K, (), T>("list with ttl", Holds::AgedMany);
        let table = self.register::<(), K, AgedPieces<T>>(name, declared, Some(aging))?;
        Ok(ListState(Either::Aging(table)))
    }

    /// The state named `name`, a list per window and key.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn windowed_list<K: Key, T: StateValue>(&mut self, name: &str) -> Result<WindowedList<K, T>, Error> {
        let declared = Declared::new::<K, (), T>("windowed list", Holds::Many);
        self.register::<Timestamp, K, Pieces<T>>(name, declared, None).map(WindowedList)
    }

    fn aging(&self, name: &str, ttl: Ttl, stamp: &Stamp) -> Result<Rc<Aging>, Error> {
        if ttl.millis < 1 {
            return Err(Error::ShortTtl { state: name.to_owned(), uid: self.identity.uid.clone() });
        }
        Ok(Rc::new(Aging { ttl, stamp: stamp.clone() }))
    }

    fn register<N: Namespace, K: Key, S: Shape>(
        &mut self,
        name: &str,
        declared: Declared,
        aging: Option<Rc<Aging>>,
    ) -> Result<Shared<N, K, S>, Error> {
        let (state, uid) = (name.to_owned(), self.identity.uid.clone());
        let names = Names { state: state.clone(), uid: uid.clone() };
        if self.taken.contains(&state) {
            return Err(Error::Twice { state, uid });
        }
        let id = self.number_of(name, declared)?;
        if let Some(table) = self.rewound::<N, K, S>(name, id) {
            table.borrow_mut().rewind(aging)?;
            self.add(state, table.clone());
            return Ok(table);
        }
        let reads = self.unforeseen_reads();
        let mut table = Table::new(id, names, self.lower.clone(), aging);
        table.load_all((self.memory / 8 * 7).saturating_sub(self.memory().cached))?;
        self.lower.reads.set(reads);
        let table = Rc::new(RefCell::new(table));
        self.add(state, table.clone());
        Ok(table)
    }

    fn add<N: Namespace, K: Key, S: Shape>(&mut self, name: String, table: Shared<N, K, S>) {
        self.tables.push(table.clone());
        self.handles.push(table);
        self.taken.push(name);
    }

    /// The table that the state had before the store was rewound.
    fn rewound<N: Namespace, K: Key, S: Shape>(&mut self, name: &str, id: u8) -> Option<Shared<N, K, S>> {
        let place = self.before.iter().position(|(known, _)| known == name)?;
        let (_, table) = self.before.swap_remove(place);
        let table: Shared<N, K, S> = table.downcast().ok()?;
        let same = table.borrow().state == id;
        same.then_some(table)
    }
}
