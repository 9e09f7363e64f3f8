//! A source that brings numbers slowly enough for checkpoints to fall between, and breaks where it is told to.

use crate::fuse::Fuse;
use millstream::connector::{Error, Position, Read, Source, Split, SplitReader};
use millstream::fault::Fault;
use millstream::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

/// How many numbers a block has.
const BLOCK: u64 = 40;
const SPLITS: u64 = 2;

/// Brings the numbers below `count`, in blocks that are dealt round to two splits.
#[derive(Clone)]
pub(crate) struct Trickle {
    pub(crate) count: u64,
    pub(crate) read: Fuse,
    pub(crate) decode: Fuse,
    blocks: bool,
    failures: Option<Failures>,
}

/// So many reads fail, with this fault, behind the first half.
#[derive(Clone)]
struct Failures {
    left: Arc<AtomicU64>,
    fault: Fault,
}

impl Trickle {
    pub(crate) fn new(count: u64) -> Self {
        Trickle { count, blocks: true, read: Fuse::default(), decode: Fuse::default(), failures: None }
    }

    /// Whether it is read on a thread of its own.
    pub(crate) fn blocking(self, blocks: bool) -> Self {
        Trickle { blocks, ..self }
    }

    /// So many reads behind the first half fail.
    pub(crate) fn failing(self, times: u64, fault: Fault) -> Self {
        Trickle { failures: Some(Failures { left: Arc::new(AtomicU64::new(times)), fault }), ..self }
    }
}

impl Source for Trickle {
    type Record = u64;
    type Block = u64;

    fn describe(&self) -> String {
        "trickle".to_owned()
    }

    fn splits(&self) -> Result<Vec<Split>, Error> {
        Ok((0..SPLITS).map(|split| Split::new(split.to_string())).collect())
    }

    fn open(&self, split: &Split, position: Option<&Position>) -> Result<Box<dyn SplitReader<Block = u64>>, Error> {
        let first = split.id().parse().expect("a split of this source");
        let next = position.map_or(Ok(first), Position::read)?;
        Ok(Box::new(Drops { source: self.clone(), next, waited: false }))
    }

    fn decode(&self, block: u64, emit: &mut dyn FnMut(u64, Timestamp)) {
        for number in (block * BLOCK..self.count).take(BLOCK as usize) {
            self.decode.call();
            emit(number, Timestamp::MIN);
        }
    }
}

struct Drops {
    source: Trickle,
    /// The next block of this split.
    next: u64,
    waited: bool,
}

impl SplitReader for Drops {
    type Block = u64;

    fn read(&mut self) -> Result<Read<u64>, Error> {
        self.source.read.call();
        self.waited = !self.waited;
        if self.waited {
            return Ok(Read::Wait(Duration::from_millis(1)));
        }
        if let Some(Failures { left, fault }) = &self.source.failures {
            let is_behind = self.next * BLOCK >= self.source.count / 2;
            if is_behind && left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
                return Err(Error::new(*fault, "the trickle ran dry; wait for rain"));
            }
        }
        if self.next * BLOCK >= self.source.count {
            return Ok(Read::End);
        }
        let block = self.next;
        self.next += SPLITS;
        Ok(Read::Block(block, Position::new(self.next)))
    }

    fn blocks(&self) -> bool {
        self.source.blocks
    }
}
