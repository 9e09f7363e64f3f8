//! A source that makes its records up, at a given rate.

use super::indices::{Indices, TimeOf};
use super::pacer::Pacer;
use super::{Error, IndexBlock, Position, Source, Split, SplitReader};
use crate::record::Data;
use crate::time::Timestamp;
use std::sync::Arc;

/// Makes records from their index, for demonstrations and load tests.
///
/// Shape: record 0, 1, 2, .. without end unless [`count`](Self::count) gives one; dealt round to the splits (one, unless
/// told otherwise), in order within a split. As fast as the job takes them unless [`rate`](Self::rate) is given.
///
/// Guarantee: replayable by index.
///
/// ```
/// use millstream::connector::{GeneratorSource, Source};
///
/// let orders = GeneratorSource::new(|index| format!("order {index}")).rate(1_000).count(50_000);
/// assert_eq!(Source::splits(&orders)?.len(), 1);
/// # Ok::<(), millstream::connector::Error>(())
/// ```
pub struct GeneratorSource<T> {
    make: Box<dyn Fn(u64) -> T + Send + Sync>,
    indices: Indices,
    time: Option<TimeOf<T>>,
}

impl<T: Data> GeneratorSource<T> {
    /// Brings `make(0)`, `make(1)`, ..
    ///
    /// * `make`: must return the same record for the same index, else a replay differs from what was first read.
    pub fn new(make: impl Fn(u64) -> T + Send + Sync + 'static) -> Self {
        let indices = Indices { count: None, splits: 1, pacer: None };
        GeneratorSource { make: Box::new(make), indices, time: None }
    }

    /// Makes this many records per second, all splits together.
    ///
    /// * `per_second`: above 0; may be a fraction.
    #[must_use]
    pub fn rate(mut self, per_second: impl Into<f64>) -> Self {
        self.indices.pacer = Some(Arc::new(Pacer::new(per_second.into())));
        self
    }

    /// Ends after `count` records, all splits together.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.indices.count = Some(count);
        self
    }

    /// Deals the records round to `splits` splits: record `i` goes to split `i % splits`.
    ///
    /// * `splits`: at least 1; must stay the same over restarts.
    #[must_use]
    pub fn splits(mut self, splits: usize) -> Self {
        self.indices.splits = splits;
        self
    }

    /// Stamps each record with this event time.
    #[must_use]
    pub fn with_time(mut self, time: impl Fn(&T) -> Timestamp + Send + Sync + 'static) -> Self {
        self.time = Some(Box::new(time));
        self
    }
}

impl<T: Data> Source for GeneratorSource<T> {
    type Record = T;
    type Block = IndexBlock;

    fn describe(&self) -> String {
        match self.indices.count {
            Some(count) => format!("generator ({count} records)"),
            None => "generator (no end)".to_owned(),
        }
    }

    fn splits(&self) -> Result<Vec<Split>, Error> {
        self.indices.splits(&self.describe())
    }

    fn open(
        &self,
        split: &Split,
        position: Option<&Position>,
    ) -> Result<Box<dyn SplitReader<Block = IndexBlock>>, Error> {
        self.indices.open(&self.describe(), split, position)
    }

    fn decode(&self, block: IndexBlock, emit: &mut dyn FnMut(T, Timestamp)) {
        for index in block.indices() {
            let record = (self.make)(index);
            let time = self.time.as_ref().map_or(Timestamp::MIN, |time| time(&record));
            emit(record, time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::Read;

    #[test]
    fn it_goes_on_without_end_and_stamps_what_it_makes() {
        let source = GeneratorSource::new(|index| index as i64).with_time(|n| Timestamp::from_seconds(*n));
        let mut reader = source.open(&Split::new("0"), None).unwrap();
        let mut last = None;
        for _ in 0..100 {
            let Read::Block(block, _) = reader.read().unwrap() else { panic!("ended") };
            source.decode(block, &mut |record, time| last = Some((record, time)));
        }
        assert_eq!(last, Some((102_399, Timestamp::from_seconds(102_399))));
    }

    #[test]
    fn it_ends_at_its_count_and_refuses_a_rate_of_nothing() {
        let source = GeneratorSource::new(|index| index).count(3).splits(2);
        let mut seen = Vec::new();
        for split in Source::splits(&source).unwrap() {
            let mut reader = source.open(&split, None).unwrap();
            while let Read::Block(block, _) = reader.read().unwrap() {
                source.decode(block, &mut |record, _| seen.push(record));
            }
        }
        assert_eq!(seen, [0, 2, 1]);
        let error = Source::splits(&source.rate(0)).unwrap_err();
        assert!(error.to_string().contains("generator (3 records)"), "{error}");
    }
}
