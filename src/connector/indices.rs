//! Sources whose records are made from an index: what they read is numbers.

use super::pacer::Pacer;
use super::{Error, Position, Read, Split, SplitReader};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many indices a block holds at most.
const BLOCK_INDICES: u64 = 1024;

/// Tells a record's event time.
pub(crate) type TimeOf<T> = Box<dyn Fn(&T) -> Timestamp + Send + Sync>;

/// Indices of records still to be made: what readers of made-up records hand to their decoder.
#[derive(Clone, Debug)]
pub struct IndexBlock {
    first: u64,
    step: u64,
    count: u64,
}

impl IndexBlock {
    /// The indices, in order.
    pub(crate) fn indices(&self) -> impl Iterator<Item = u64> + use<> {
        let (first, step) = (self.first, self.step);
        (0..self.count).map(move |n| first + n * step)
    }
}

/// The indices from 0 on, dealt round to a number of splits: split `k` of `n` has `k`, `k + n`, `k + 2n`, ..
#[derive(Clone)]
pub(crate) struct Indices {
    /// How many indices there are; `None`: no end.
    pub(crate) count: Option<u64>,
    pub(crate) splits: usize,
    pub(crate) pacer: Option<Arc<Pacer>>,
}

/// The position in a split: the next index of it.
#[derive(Serialize, Deserialize)]
struct IndexPosition {
    next: u64,
    splits: usize,
}

impl Indices {
    /// Splits named by their number.
    ///
    /// # Errors
    /// If there are to be no splits, or the rate is none.
    pub(crate) fn splits(&self, what: &str) -> Result<Vec<Split>, Error> {
        if self.splits == 0 {
            return Err(Error::user(format!("{what} has 0 splits; give it at least 1")));
        }
        self.pacer.as_ref().map_or(Ok(()), |pacer| pacer.check(what))?;
        Ok((0..self.splits).map(|split| Split::new(split.to_string())).collect())
    }

    /// Opens a split.
    ///
    /// # Errors
    /// If it does not exist, or the position was written with another number of splits.
    pub(crate) fn open(
        &self,
        what: &str,
        split: &Split,
        position: Option<&Position>,
    ) -> Result<Box<dyn SplitReader<Block = IndexBlock>>, Error> {
        let number = split.id().parse::<usize>().ok().filter(|number| *number < self.splits);
        let number = number.ok_or_else(|| {
            Error::user(format!("{what} has {} splits, and no split {split}; keep their number", self.splits))
        })?;
        let mut next = number as u64;
        if let Some(position) = position {
            let position: IndexPosition = position.read()?;
            if position.splits != self.splits {
                let message = format!(
                    "{what} was read in {} splits and has {} now; keep their number, or start with a new state directory",
                    position.splits, self.splits
                );
                return Err(Error::user(message));
            }
            next = position.next;
        }
        Ok(Box::new(IndexReader { indices: self.clone(), next }))
    }
}

struct IndexReader {
    indices: Indices,
    next: u64,
}

impl SplitReader for IndexReader {
    type Block = IndexBlock;

    fn blocks(&self) -> bool {
        false
    }

    fn read(&mut self) -> Result<Read<IndexBlock>, Error> {
        let step = self.indices.splits as u64;
        let end = self.indices.count.unwrap_or(u64::MAX);
        let left = end.saturating_sub(self.next).div_ceil(step).min(BLOCK_INDICES);
        if left == 0 {
            return Ok(Read::End);
        }
        let count = match &self.indices.pacer {
            None => left,
            Some(pacer) => match pacer.take(left as usize) {
                Ok(granted) => granted as u64,
                Err(wait) => return Ok(Read::Wait(wait)),
            },
        };
        let block = IndexBlock { first: self.next, step, count };
        self.next = self.next.saturating_add(count * step);
        Ok(Read::Block(block, Position::new(IndexPosition { next: self.next, splits: self.indices.splits })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{ManualClock, millis};

    fn indices(count: u64, splits: usize) -> Indices {
        Indices { count: Some(count), splits, pacer: None }
    }

    fn drain(reader: &mut dyn SplitReader<Block = IndexBlock>) -> Vec<u64> {
        let mut seen = Vec::new();
        while let Read::Block(block, _) = reader.read().unwrap() {
            seen.extend(block.indices());
        }
        seen
    }

    #[test]
    fn the_splits_together_hold_each_index_once() {
        for (count, splits) in [(0, 1), (1, 3), (10, 3), (5_000, 1), (5_000, 7)] {
            let indices = indices(count, splits);
            let mut seen: Vec<u64> = Vec::new();
            for split in indices.splits("it").unwrap() {
                seen.extend(drain(&mut *indices.open("it", &split, None).unwrap()));
            }
            seen.sort_unstable();
            assert_eq!(seen, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_split_goes_on_behind_any_block() {
        let indices = indices(5_000, 2);
        let split = Split::new("1");
        let all = drain(&mut *indices.open("it", &split, None).unwrap());
        let mut reader = indices.open("it", &split, None).unwrap();
        let mut seen = Vec::new();
        while let Read::Block(block, position) = reader.read().unwrap() {
            seen.extend(block.indices());
            reader = indices.open("it", &split, Some(&position)).unwrap();
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn other_splits_than_before_are_refused() {
        let Read::Block(_, position) = indices(10, 2).open("it", &Split::new("1"), None).unwrap().read().unwrap()
        else {
            panic!("no block");
        };
        let error = |indices: Indices, split| {
            indices.open("it", &Split::new(split), Some(&position)).map(|_| ()).unwrap_err().to_string()
        };
        assert!(error(indices(10, 3), "1").contains("2 splits"));
        assert!(error(indices(10, 2), "2").contains("no split 2"));
        assert!(indices(10, 0).splits("it").unwrap_err().to_string().contains("0 splits"));
    }

    #[test]
    fn a_rate_is_shared_by_all_splits() {
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let pacer = Some(Arc::new(Pacer::with_clock(1_000.0, clock.clone())));
        let indices = Indices { count: None, splits: 2, pacer };
        let open = |split| indices.open("it", &Split::new(split), None).unwrap();
        let (mut a, mut b) = (open("0"), open("1"));
        assert!(matches!(a.read().unwrap(), Read::Wait(_)));
        clock.advance(millis(10));
        let Read::Block(block, _) = a.read().unwrap() else { panic!("no block") };
        assert_eq!(block.indices().collect::<Vec<_>>(), (0..20).step_by(2).collect::<Vec<_>>());
        assert!(matches!(b.read().unwrap(), Read::Wait(_)));
    }
}
