//! A source that brings hits drop by drop, so that checkpoints and crashes fall between any two.

use super::graphs::Hit;
use millstream::connector::{Error, Position, Read, Source, Split, SplitReader};
use millstream::prelude::*;
use std::sync::Arc;

/// How many hits a block has at most.
const BLOCK: usize = 4;

/// Brings hits, dealt round to some splits in blocks, with pauses.
pub(super) struct Drip {
    hits: Arc<[Hit]>,
    splits: usize,
}

impl Drip {
    pub(super) fn new(hits: Vec<Hit>, splits: usize) -> Self {
        Drip { hits: hits.into(), splits }
    }
}

impl Source for Drip {
    type Record = Hit;
    type Block = Vec<Hit>;

    fn describe(&self) -> String {
        "drip".to_owned()
    }

    fn splits(&self) -> Result<Vec<Split>, Error> {
        Ok((0..self.splits).map(|split| Split::new(split.to_string())).collect())
    }

    fn open(
        &self,
        split: &Split,
        position: Option<&Position>,
    ) -> Result<Box<dyn SplitReader<Block = Vec<Hit>>>, Error> {
        let first: usize = split.id().parse().unwrap();
        let next = position.map_or(Ok(first), Position::read)?;
        Ok(Box::new(Drops { hits: self.hits.clone(), splits: self.splits, next, paused: false }))
    }

    fn decode(&self, block: Vec<Hit>, emit: &mut dyn FnMut(Hit, Timestamp)) {
        block.into_iter().for_each(|hit| emit(hit, Timestamp::MIN));
    }
}

struct Drops {
    hits: Arc<[Hit]>,
    splits: usize,
    /// The number of the next block.
    next: usize,
    paused: bool,
}

impl SplitReader for Drops {
    type Block = Vec<Hit>;

    fn read(&mut self) -> Result<Read<Vec<Hit>>, Error> {
        self.paused = !self.paused && self.next.is_multiple_of(3);
        if self.paused {
            return Ok(Read::Wait(millis(3)));
        }
        let block: Vec<Hit> = self.hits.iter().skip(self.next * BLOCK).take(BLOCK).copied().collect();
        if block.is_empty() {
            return Ok(Read::End);
        }
        self.next += self.splits;
        Ok(Read::Block(block, Position::new(self.next)))
    }

    fn blocks(&self) -> bool {
        self.splits.is_multiple_of(2)
    }
}
