//! Which epoch is open, who has acknowledged it, and what comes of it.

use crate::bug::{self, Bug};
use crate::record::Epoch;
use std::collections::BTreeMap;

/// What an acknowledgement has led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict<A> {
    /// Others are missing.
    Wait,
    /// All have acknowledged: these are their parts, by subtask. Commit the manifest.
    Complete(Epoch, Vec<A>),
    /// All have answered and at least one had failed: the epoch is void, a later one will hold what it would have held.
    Failed(Epoch, String),
    /// It belongs to no open epoch.
    Stale,
}

/// Collects the acknowledgements of one epoch at a time.
///
/// The next epoch opens only when all subtasks have answered the last, so that at most one barrier is under way and a
/// subtask never has to tell two hand-offs apart.
#[derive(Debug)]
pub(crate) struct Tracker<A> {
    subtasks: usize,
    last: Epoch,
    open: Option<Open<A>>,
}

#[derive(Debug)]
struct Open<A> {
    answers: BTreeMap<usize, Option<A>>,
    failure: Option<String>,
}

impl<A> Tracker<A> {
    /// For a new life of a job with this many subtasks.
    pub(crate) fn new(attempt: u32, subtasks: usize) -> Self {
        Tracker { subtasks, last: Epoch::new(attempt, 0), open: None }
    }

    /// Opens the next epoch, unless one is open.
    pub(crate) fn open(&mut self) -> Option<Epoch> {
        if self.open.is_some() {
            return None;
        }
        self.last = self.last.next();
        self.open = Some(Open { answers: BTreeMap::new(), failure: None });
        Some(self.last)
    }

    /// The subtasks that have not answered the open epoch; none if no epoch is open.
    pub(crate) fn missing(&self) -> impl Iterator<Item = usize> {
        let open = self.open.iter();
        open.flat_map(|open| (0..self.subtasks).filter(|subtask| !open.answers.contains_key(subtask)))
    }

    /// A subtask has made its part durable, or could not.
    pub(crate) fn answer(&mut self, subtask: usize, epoch: Epoch, part: Result<A, String>) -> Verdict<A> {
        let Some(open) = self.open.as_mut().filter(|_| epoch == self.last || bug::is(Bug::SkipFence)) else {
            return Verdict::Stale;
        };
        let part = part.map_err(|failure| open.failure.get_or_insert(failure).clone()).ok();
        open.answers.entry(subtask).or_insert(part);
        if open.answers.len() < self.subtasks && !bug::is(Bug::CommitEarly) {
            return Verdict::Wait;
        }
        match self.open.take() {
            Some(Open { failure: Some(failure), .. }) => Verdict::Failed(epoch, failure),
            Some(Open { answers, .. }) => Verdict::Complete(epoch, answers.into_values().flatten().collect()),
            None => Verdict::Stale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_epoch_is_complete_when_all_have_acknowledged_it() {
        let mut tracker = Tracker::new(3, 2);
        let epoch = tracker.open().unwrap();
        assert_eq!(epoch, Epoch::new(3, 1));
        assert_eq!(tracker.open(), None, "one at a time");
        assert_eq!(tracker.answer(1, epoch, Ok("b")), Verdict::Wait);
        assert_eq!(tracker.missing().collect::<Vec<_>>(), [0]);
        assert_eq!(tracker.answer(1, epoch, Ok("again")), Verdict::Wait, "an answer counts once");
        assert_eq!(tracker.answer(0, epoch, Ok("a")), Verdict::Complete(epoch, vec!["a", "b"]));
        assert_eq!(tracker.answer(0, epoch, Ok("late")), Verdict::Stale);
    }

    #[test]
    fn a_failed_epoch_is_void_and_the_next_one_opens() {
        let mut tracker = Tracker::new(1, 2);
        let first = tracker.open().unwrap();
        assert_eq!(tracker.answer(0, first, Err("disk full".into())), Verdict::Wait);
        assert_eq!(tracker.open(), None, "the other subtask still writes");
        assert_eq!(tracker.answer(1, first, Ok(())), Verdict::Failed(first, "disk full".into()));
        assert!(tracker.open().unwrap() > first);
    }

    proptest! {
        /// Against a naive model: the list of all answers so far.
        #[test]
        fn decisions_follow_from_the_answers_alone(
            subtasks in 1_usize..5,
            events in proptest::collection::vec((0_usize..5, 0_u64..2, any::<bool>()), 0..60),
        ) {
            let mut tracker = Tracker::new(1, subtasks);
            let mut epoch = tracker.open().unwrap();
            let mut answers: BTreeMap<usize, bool> = BTreeMap::new();
            for (subtask, behind, good) in events {
                let subtask = subtask % subtasks;
                if behind > 0 {
                    let old = Epoch::from_u64(epoch.as_u64() - behind);
                    prop_assert_eq!(tracker.answer(subtask, old, Ok(subtask)), Verdict::Stale);
                    continue;
                }
                let verdict = tracker.answer(subtask, epoch, if good { Ok(subtask) } else { Err("bad".into()) });
                // A second answer of one subtask changes nothing unless it tells of a failure.
                let merged = answers.get(&subtask).is_none_or(|&before| before) && good;
                answers.insert(subtask, merged);
                if answers.len() < subtasks {
                    prop_assert_eq!(verdict, Verdict::Wait);
                    continue;
                }
                let all_good = answers.values().all(|&good| good);
                let expected = if all_good {
                    Verdict::Complete(epoch, (0..subtasks).collect())
                } else {
                    Verdict::Failed(epoch, "bad".into())
                };
                prop_assert_eq!(verdict, expected);
                answers.clear();
                epoch = tracker.open().unwrap();
            }
        }
    }
}
