//! Joins of two keyed streams: which records of one side meet which of the other.
//!
//! | join | a pair is | kept until | late records |
//! |---|---|---|---|
//! | window | two records of one key and one window | the window is gone | [`late`](crate::api::WindowedStream::late) |
//! | interval | two records of one key whose times differ by what the bounds allow | the watermark says that no partner can come | `late_left`, `late_right` |
//! | regular | two records of one key | for ever, or for a time to live | there are none |
//!
//! * A window join is a window over both streams in one, as [`Either`], whose content is paired when it fires.
//! * Interval and regular join keep each side in a sorted map per key, and pair a record when it arrives with what the other
//!   side has kept. So the results for one key come in the order in which its records arrive, and those for one record in the
//!   order in which the partners are kept.
//! * A key has at most one timer, at the time when its first record can go; when it fires it moves on. What can go and has
//!   not been removed yet is never paired.
//!
//! ```
//! use millstream::operator::join::Offset;
//! use millstream::time::minutes;
//!
//! assert_eq!(Offset::from(minutes(5)), Offset::After(minutes(5)));
//! ```

#[cfg(test)]
mod forgetting_tests;
mod interval;
mod kept;
mod regular;
mod window;

pub(crate) use interval::{Bounds, IntervalJoin};
pub(crate) use regular::{RegularJoin, Retention};
pub(crate) use window::{Kind, each_pair};

use crate::time::whole_millis;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many timers a head fires before it lets others have their turn.
const PIECE: usize = 4096;

/// A record of one of two streams.
///
/// ```
/// use millstream::operator::join::Either;
///
/// let both: [Either<u64, &str>; 2] = [Either::Left(7), Either::Right("seven")];
/// assert_eq!((both[0].left(), both[1].left()), (Some(&7), None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Either<L, R> {
    /// Of the left stream.
    Left(L),
    /// Of the right stream.
    Right(R),
}

impl<L, R> Either<L, R> {
    /// The record, if it is of the left stream.
    pub fn left(&self) -> Option<&L> {
        match self {
            Either::Left(record) => Some(record),
            Either::Right(_) => None,
        }
    }

    /// The record, if it is of the right stream.
    pub fn right(&self) -> Option<&R> {
        match self {
            Either::Left(_) => None,
            Either::Right(record) => Some(record),
        }
    }
}

/// How far a partner's event time may be from a record's. A duration says: after it.
///
/// Whole milliseconds; what is below is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// The partner is that much earlier.
    Before(Duration),
    /// The partner is that much later.
    After(Duration),
}

impl Offset {
    /// Earlier by `duration`.
    pub const fn before(duration: Duration) -> Self {
        Offset::Before(duration)
    }

    /// Later by `duration`.
    pub const fn after(duration: Duration) -> Self {
        Offset::After(duration)
    }

    /// Milliseconds from the record to its partner.
    pub(crate) fn millis(self) -> i64 {
        match self {
            Offset::Before(duration) => -whole_millis(duration),
            Offset::After(duration) => whole_millis(duration),
        }
    }
}

impl From<Duration> for Offset {
    fn from(duration: Duration) -> Self {
        Offset::After(duration)
    }
}
