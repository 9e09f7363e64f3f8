//! How far the splits of one source may part in event time, over all its subtasks.
//!
//! Each subtask writes its slowest split's watermark on a common board and reads the lowest of all. Nobody waits for an answer:
//! an entry may be old, but then it is too low, and holds somebody back a little longer than need be. The slowest split of all
//! is never held back, so there is always one that goes on (or waits for its own input, until it counts as idle).

use crate::time::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// The slowest watermark of each subtask of a source, in one life of the job.
#[derive(Debug)]
pub(super) struct DriftBoard {
    slowest: Vec<AtomicI64>,
}

impl DriftBoard {
    /// A board on which nobody has begun.
    pub(super) fn new(subtasks: usize) -> Self {
        DriftBoard { slowest: (0..subtasks).map(|_| AtomicI64::new(Timestamp::MIN.millis())).collect() }
    }

    /// Tells how far the slowest split of a subtask has come ([`Timestamp::MAX`]: it has none), and returns how far that of
    /// all subtasks has.
    pub(super) fn tell(&self, subtask: usize, slowest: Timestamp) -> Timestamp {
        self.slowest[subtask].store(slowest.millis(), Relaxed);
        let all = self.slowest.iter().map(|slowest| slowest.load(Relaxed)).min();
        all.map_or(Timestamp::MAX, Timestamp::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_of_all_counts_and_who_has_not_begun_is_slowest() {
        let (board, at) = (DriftBoard::new(3), Timestamp::from_millis);
        assert_eq!(board.tell(0, at(50)), Timestamp::MIN);
        assert_eq!(board.tell(1, at(20)), Timestamp::MIN);
        assert_eq!(board.tell(2, at(30)), at(20));
        assert_eq!(board.tell(1, Timestamp::MAX), at(30));
        assert_eq!(board.tell(2, at(60)), at(50));
    }
}
