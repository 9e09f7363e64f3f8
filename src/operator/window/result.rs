//! What comes out of windows: results, with what kind of result each is, and records that came too late.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// When a window spoke, as seen from its end.
///
/// Names as in Akidau et al., "The Dataflow Model", PVLDB 8(12), 2015, and in Apache Beam.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Timing {
    /// Before the window's last instant: more may come.
    Early,
    /// When time came to the window's last instant.
    OnTime,
    /// After that, within the allowed lateness: a correction.
    Late,
}

/// Which of a window's results one is.
///
/// ```
/// use millstream::operator::window::{Pane, Timing};
///
/// assert_eq!(Pane::ONLY, Pane { timing: Timing::OnTime, index: 0 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pane {
    /// Whether it is early, on time, or late.
    pub timing: Timing,
    /// How often this window of this key has fired before. Sessions that merge go on behind the one that fired most often.
    pub index: u32,
}

impl Pane {
    /// The pane of a window that fires once, on time.
    pub const ONLY: Pane = Pane { timing: Timing::OnTime, index: 0 };
}

/// What became of one window of one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Windowed<K, R> {
    /// Whose window it is.
    pub key: K,
    /// Its first instant.
    pub start: Timestamp,
    /// The first instant behind it.
    pub end: Timestamp,
    /// The result.
    pub value: R,
    /// Which of the window's results it is.
    pub pane: Pane,
}

/// A record that came too late for all of its windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late<T> {
    /// The record.
    pub record: T,
    /// Its event time.
    pub time: Timestamp,
    /// The operator's clock when it came.
    pub watermark: Timestamp,
}

impl<T> Late<T> {
    /// How far the clock was ahead of the record.
    pub fn lateness(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.watermark.millis_since(self.time)).unwrap_or(0))
    }
}
