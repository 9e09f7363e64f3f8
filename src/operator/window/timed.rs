//! What a window holds whose bounds come from its records.

use super::result::{Pane, Windowed};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An accumulator, and from when to when its records are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Timed<S> {
    first: Timestamp,
    last: Timestamp,
    pub(super) accumulator: S,
}

impl<S> Timed<S> {
    /// Nothing yet.
    pub(super) fn new(accumulator: S) -> Self {
        Timed { first: Timestamp::MAX, last: Timestamp::MIN, accumulator }
    }

    /// A record of that time belongs to it.
    pub(super) fn stretch(&mut self, time: Timestamp) {
        (self.first, self.last) = (self.first.min(time), self.last.max(time));
    }

    /// All that another holds belongs to it.
    pub(super) fn merge(&mut self, other: Timed<S>, merge: impl FnOnce(&mut S, S)) {
        (self.first, self.last) = (self.first.min(other.first), self.last.max(other.last));
        merge(&mut self.accumulator, other.accumulator);
    }

    /// Behind its latest record.
    pub(super) fn end(&self) -> Timestamp {
        self.last.plus_millis(1)
    }

    /// The result: a window from its earliest record up to its latest one, that included.
    pub(super) fn finish<K, R>(self, key: K, finish: impl FnOnce(S) -> R) -> Windowed<K, R> {
        let (start, end) = (self.first, self.last.plus_millis(1));
        Windowed { key, start, end, value: finish(self.accumulator), pane: Pane::ONLY }
    }
}
