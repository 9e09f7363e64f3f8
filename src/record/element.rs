//! What an edge carries.

use super::Batch;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Anything on an edge.
#[derive(Clone)]
pub enum Element {
    /// Records.
    Batch(Batch),
    /// No record with event time at or before this follows.
    Watermark(Timestamp),
    /// The input is silent and must not hold event time back until something else comes.
    Idle,
    /// What came before belongs to this epoch, what follows to the next.
    Barrier(Epoch),
    /// No data follows; the final watermark. Barriers still do.
    End,
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Element::Batch(batch) => write!(f, "Batch({})", batch.len()),
            Element::Watermark(t) => write!(f, "Watermark({t})"),
            Element::Idle => f.write_str("Idle"),
            Element::Barrier(epoch) => write!(f, "Barrier({epoch})"),
            Element::End => f.write_str("End"),
        }
    }
}

/// The number of a barrier: a pair (attempt, count), ordered by attempt first, in one `u64`.
///
/// The attempt is raised durably before any source of a new start or restart runs, so no number is used twice and what an
/// older attempt left behind can never pass for new. `Epoch::ZERO` is the empty state before the first checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(u64);

impl Epoch {
    /// Before the first checkpoint: no state at all.
    pub const ZERO: Epoch = Epoch(0);
    const COUNT_BITS: u32 = 40;

    /// The `count`-th epoch of `attempt`.
    pub const fn new(attempt: u32, count: u64) -> Self {
        Epoch((attempt as u64) << Self::COUNT_BITS | (count & ((1 << Self::COUNT_BITS) - 1)))
    }

    /// From its stored form.
    pub const fn from_u64(number: u64) -> Self {
        Epoch(number)
    }

    /// Its stored form.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The life of the job that made it.
    pub const fn attempt(self) -> u32 {
        (self.0 >> Self::COUNT_BITS) as u32
    }

    /// Its place within its attempt.
    pub const fn count(self) -> u64 {
        self.0 & ((1 << Self::COUNT_BITS) - 1)
    }

    /// The epoch after this one in the same attempt.
    #[must_use]
    pub const fn next(self) -> Self {
        Epoch(self.0 + 1)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.attempt(), self.count())
    }
}
