//! Many records moved at once.

use super::{Data, KeyGroup};
use crate::time::Timestamp;
use std::any::Any;
use std::sync::Arc;

/// A batch of records as the engine sees it: shared, immutable, and of a type that only the operators on both ends know.
#[derive(Clone)]
pub struct Batch {
    payload: Arc<dyn Payload>,
}

/// The little that the engine must know about a batch.
trait Payload: Any + Send + Sync {
    fn len(&self) -> usize;
    fn bytes(&self) -> usize;
    fn split(&self, parts: usize, part_of: fn(u64, usize) -> usize) -> Vec<Option<Batch>>;
    fn filter(&self, keep: &dyn Fn(usize) -> bool) -> Batch;
    fn record(&self, index: usize) -> Option<RecordView<'_>>;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl Batch {
    /// Wraps rows.
    pub fn new<T: Data>(rows: Rows<T>) -> Self {
        Batch { payload: Arc::new(rows) }
    }

    /// How many records.
    pub fn len(&self) -> usize {
        self.payload.len()
    }

    /// Whether it holds no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes it takes in memory, without what its records point to.
    pub fn bytes(&self) -> usize {
        self.payload.bytes()
    }

    /// Its records by the subtask (of `parts`) that owns their key; `None` for a subtask that gets nothing. Order is kept
    /// within each part.
    ///
    /// # Panics
    /// If the rows bear no key hashes.
    pub fn split_by_key(&self, parts: usize) -> Vec<Option<Batch>> {
        self.split(parts, |hash, parts| KeyGroup::of(hash).subtask(parts))
    }

    /// Its records by the subtask (of `parts`) that was chosen for each; `None` for a subtask that gets nothing. Order is
    /// kept within each part.
    ///
    /// # Panics
    /// If the rows bear no choices, or choices beyond `parts`.
    pub fn split_by_choice(&self, parts: usize) -> Vec<Option<Batch>> {
        self.split(parts, |choice, _| usize::try_from(choice).unwrap_or(usize::MAX))
    }

    fn split(&self, parts: usize, part_of: fn(u64, usize) -> usize) -> Vec<Option<Batch>> {
        if parts == 1 { vec![Some(self.clone())] } else { self.payload.split(parts, part_of) }
    }

    /// Those of its records that `keep` wants, by their places.
    pub(crate) fn filter(&self, keep: impl Fn(usize) -> bool) -> Batch {
        self.payload.filter(&keep)
    }

    /// One of its records.
    pub(crate) fn record(&self, index: usize) -> Option<RecordView<'_>> {
        self.payload.record(index)
    }

    /// The rows inside.
    ///
    /// # Panics
    /// If the batch holds records of another type: an edge joins two ends of one type.
    pub fn rows<T: Data>(self) -> Arc<Rows<T>> {
        self.payload.as_any().downcast().expect("both ends of an edge have one record type")
    }

    /// The rows inside, to take apart; they are copied if somebody else has the batch too.
    ///
    /// # Panics
    /// As [`rows`](Batch::rows).
    pub fn into_rows<T: Data>(self) -> Rows<T> {
        Arc::try_unwrap(self.rows()).unwrap_or_else(|shared| Rows::clone(&shared))
    }
}

/// A record of a batch, of a type that only the operators on both ends know.
pub(crate) struct RecordView<'a> {
    pub(crate) record: &'a dyn Any,
    pub(crate) type_name: &'static str,
    /// [`Timestamp::MIN`] if it has none.
    pub(crate) time: Timestamp,
    /// The hash of its key, on a keyed edge.
    pub(crate) hash: Option<u64>,
}

/// Typed rows: records, their event times, and on a keyed edge the hashes of their keys, column by column.
#[derive(Clone, Debug)]
pub struct Rows<T> {
    /// The records.
    pub records: Vec<T>,
    /// The event time of each record; [`Timestamp::MIN`] where it has none.
    pub times: Vec<Timestamp>,
    /// The hash of each record's key; where a function chooses the subtask, the subtask's number; empty on other edges.
    pub hashes: Vec<u64>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Rows { records: Vec::new(), times: Vec::new(), hashes: Vec::new() }
    }
}

impl<T> Rows<T> {
    /// No rows, with room for `capacity` of them.
    pub fn with_capacity(capacity: usize, keyed: bool) -> Self {
        Rows {
            records: Vec::with_capacity(capacity),
            times: Vec::with_capacity(capacity),
            hashes: Vec::with_capacity(if keyed { capacity } else { 0 }),
        }
    }

    /// How many records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

impl<T: Data> Payload for Rows<T> {
    fn len(&self) -> usize {
        self.records.len()
    }

    fn bytes(&self) -> usize {
        self.records.len() * (size_of::<T>() + size_of::<Timestamp>()) + self.hashes.len() * size_of::<u64>()
    }

    fn split(&self, parts: usize, part_of: fn(u64, usize) -> usize) -> Vec<Option<Batch>> {
        assert_eq!(self.hashes.len(), self.records.len(), "an exchange by key or choice needs one for each record");
        let mut split: Vec<Rows<T>> =
            (0..parts).map(|_| Rows::with_capacity(self.len() / parts + self.len() / 8 + 1, true)).collect();
        for ((record, time), hash) in self.records.iter().zip(&self.times).zip(&self.hashes) {
            let part = &mut split[part_of(*hash, parts)];
            part.records.push(record.clone());
            part.times.push(*time);
            part.hashes.push(*hash);
        }
        split.into_iter().map(|rows| (!rows.is_empty()).then(|| Batch::new(rows))).collect()
    }

    fn filter(&self, keep: &dyn Fn(usize) -> bool) -> Batch {
        let mut rows = Rows::with_capacity(self.len(), !self.hashes.is_empty());
        for index in (0..self.len()).filter(|index| keep(*index)) {
            rows.records.push(self.records[index].clone());
            rows.times.push(self.times[index]);
            rows.hashes.extend(self.hashes.get(index));
        }
        Batch::new(rows)
    }

    fn record(&self, index: usize) -> Option<RecordView<'_>> {
        let (record, time) = (self.records.get(index)?, *self.times.get(index)?);
        let hash = self.hashes.get(index).copied();
        Some(RecordView { record, type_name: std::any::type_name::<T>(), time, hash })
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
