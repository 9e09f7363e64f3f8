//! A source of records that are in memory, or made from their index.

use super::indices::{Indices, TimeOf};
use super::{Error, IndexBlock, Position, Source, Split, SplitReader};
use crate::record::Data;
use crate::time::Timestamp;

/// Brings records that are in memory already, for tests and benches.
///
/// Shape: each record once, dealt round to the splits (one, unless told otherwise), in order within a split. Without
/// [`with_time`](Self::with_time) the records bear no event time.
///
/// Guarantee: replayable by index, as long as the program makes the same records again.
///
/// ```
/// use millstream::connector::{MemorySource, Read, Source};
///
/// let source = MemorySource::new(["ada", "bob"]);
/// let mut reader = source.open(&Source::splits(&source)?[0], None)?;
/// let Read::Block(block, _) = reader.read()? else { unreachable!() };
/// let mut seen = Vec::new();
/// source.decode(block, &mut |record, _| seen.push(record));
/// assert_eq!(seen, ["ada", "bob"]);
/// # Ok::<(), millstream::connector::Error>(())
/// ```
pub struct MemorySource<T> {
    records: Records<T>,
    indices: Indices,
    time: Option<TimeOf<T>>,
}

enum Records<T> {
    Stored(Vec<T>),
    Made(Box<dyn Fn(u64) -> T + Send + Sync>),
}

impl<T: Data> MemorySource<T> {
    /// Brings these records; each is cloned when its turn comes.
    pub fn new(records: impl IntoIterator<Item = T>) -> Self {
        let records: Vec<T> = records.into_iter().collect();
        Self::over(records.len() as u64, Records::Stored(records))
    }

    /// Brings `make(0)` to `make(count - 1)`, made when their turn comes, so that any number of them takes no memory.
    ///
    /// * `make`: must return the same record for the same index, else a replay differs from what was first read.
    pub fn from_fn(count: u64, make: impl Fn(u64) -> T + Send + Sync + 'static) -> Self {
        Self::over(count, Records::Made(Box::new(make)))
    }

    fn over(count: u64, records: Records<T>) -> Self {
        MemorySource { records, indices: Indices { count: Some(count), splits: 1, pacer: None }, time: None }
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

impl<T: Data> Source for MemorySource<T> {
    type Record = T;
    type Block = IndexBlock;

    fn describe(&self) -> String {
        format!("memory ({} records)", self.indices.count.unwrap_or(0))
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
        let stamped = |record: T, emit: &mut dyn FnMut(T, Timestamp)| {
            let time = self.time.as_ref().map_or(Timestamp::MIN, |time| time(&record));
            emit(record, time);
        };
        match &self.records {
            Records::Made(make) => block.indices().for_each(|index| stamped(make(index), emit)),
            // An index beyond the records is that of a replay of more of them: there is nothing to bring.
            Records::Stored(records) => block
                .indices()
                .filter_map(|index| records.get(usize::try_from(index).ok()?))
                .for_each(|record| stamped(record.clone(), emit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::Read;

    fn drain<T: Data>(source: &MemorySource<T>) -> Vec<Vec<(T, Timestamp)>> {
        let drain_split = |split| {
            let (mut reader, mut seen) = (source.open(&split, None).unwrap(), Vec::new());
            while let Read::Block(block, _) = reader.read().unwrap() {
                source.decode(block, &mut |record, time| seen.push((record, time)));
            }
            seen
        };
        Source::splits(source).unwrap().into_iter().map(drain_split).collect()
    }

    #[test]
    fn records_are_dealt_round_and_stamped() {
        let source = MemorySource::new(vec![5_i64, 6, 7]).splits(2).with_time(|n| Timestamp::from_millis(*n));
        let at = |n| (n, Timestamp::from_millis(n));
        assert_eq!(drain(&source), [vec![at(5), at(7)], vec![at(6)]]);
    }

    #[test]
    fn records_made_from_their_index_are_all_there() {
        let source = MemorySource::from_fn(3_000, |index| index * 2);
        let expected: Vec<_> = (0..3_000).map(|n| (n * 2, Timestamp::MIN)).collect();
        assert_eq!(drain(&source), [expected]);
        assert_eq!(source.describe(), "memory (3000 records)");
    }

    #[test]
    fn no_records_are_no_error() {
        assert_eq!(drain(&MemorySource::<u8>::new([]).splits(2)), [[], []]);
    }
}
