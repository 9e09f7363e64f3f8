//! Watching over checkpoints: one that does not complete is told of, with everybody it waits for.
//!
//! A barrier is never cancelled, and the next epoch opens only when the last one is settled; so a checkpoint that takes long
//! is not given up: as soon as those who hold it up go on, it completes. What can be done about it is to know who they are.
//! Each subtask publishes where it stands, so also one that is stuck in the user's code can be named.

use super::exchange::End;
use crate::graph::Plan;
use crate::record::Epoch;
use serde::Serialize;
use std::time::Duration;

/// A checkpoint that has not been completed for longer than
/// [`Config::checkpoint_warning`](crate::config::Config::checkpoint_warning).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SlowCheckpoint {
    /// Which.
    pub epoch: Epoch,
    /// For how long it had been open when this was told. It is told again each time that this has doubled.
    pub open_for: Duration,
    /// The subtasks that have not acknowledged it.
    pub waits: Vec<CheckpointWait>,
}

/// A subtask for which a checkpoint waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckpointWait {
    /// The operator in front of it.
    pub operator: String,
    /// Its number.
    pub subtask: usize,
    /// What it is at, in words.
    pub reason: String,
}

/// Where a subtask stands in a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has not met the barrier on any channel.
    #[default]
    Before,
    /// It has met it, but not on these channels.
    Aligning(Vec<End>),
    /// This has to be made durable: its state, and these sinks.
    Writing { state: bool, sinks: Vec<String> },
}

impl Stage {
    /// In words.
    pub(super) fn describe(&self, plan: &Plan) -> String {
        match self {
            Stage::Before => "it has not come to the barrier: it is busy with what is before it".to_owned(),
            Stage::Aligning(missing) => {
                let from = |end: &End| {
                    let operator = plan.graph.nodes[plan.edges[end.edge].origin.0].label();
                    format!("`{operator}`, subtask {}", end.subtask)
                };
                let from: Vec<String> = missing.iter().map(from).collect();
                format!("the barrier has not come from {}", from.join("; "))
            }
            Stage::Writing { state, sinks } => {
                let state = state.then(|| "its state is being written".to_owned());
                let sinks = sinks.iter().map(|sink| format!("sink `{sink}` makes its rows durable"));
                let all: Vec<String> = state.into_iter().chain(sinks).collect();
                if all.is_empty() { "its acknowledgement is on the way".to_owned() } else { all.join(", ") }
            }
        }
    }
}

/// When a checkpoint that is open is to be told of: after a while, and then ever more seldom.
#[derive(Debug)]
pub(super) struct Watchdog {
    warning: Duration,
    /// The epoch, since when it is open, and after how long it is told of next.
    open: Option<(Epoch, Duration, Duration)>,
}

impl Watchdog {
    pub(super) fn new(warning: Duration) -> Self {
        Watchdog { warning, open: None }
    }

    /// An epoch has been opened. Returns after how long to look at it.
    pub(super) fn opened(&mut self, epoch: Epoch, now: Duration) -> Duration {
        self.open = Some((epoch, now, self.warning));
        self.warning
    }

    /// The open epoch has been settled, or its life has ended.
    pub(super) fn settled(&mut self) {
        self.open = None;
    }

    /// Looks at the open epoch: for how long it has been open if that is to be told now, and in any case how long it is until
    /// the next look. `None` if that epoch is not open any more.
    pub(super) fn look(&mut self, epoch: Epoch, now: Duration) -> Option<(Option<Duration>, Duration)> {
        let (_, since, told_at) = self.open.as_mut().filter(|open| open.0 == epoch)?;
        let open_for = now.saturating_sub(*since);
        let due = open_for >= *told_at;
        if due {
            *told_at = open_for.max(Duration::from_millis(1)) * 2;
        }
        Some((due.then_some(open_for), told_at.saturating_sub(open_for)))
    }

    /// The open epoch.
    pub(super) fn epoch(&self) -> Option<Epoch> {
        self.open.map(|open| open.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_that_stays_open_is_told_of_ever_more_seldom_until_it_is_settled() {
        let seconds = Duration::from_secs;
        let mut dog = Watchdog::new(seconds(30));
        let epoch = Epoch::new(1, 1);
        assert_eq!(dog.opened(epoch, seconds(100)), seconds(30));
        assert_eq!(dog.look(epoch, seconds(129)), Some((None, seconds(1))));
        assert_eq!(dog.look(epoch, seconds(130)), Some((Some(seconds(30)), seconds(30))));
        assert_eq!(dog.look(epoch, seconds(150)), Some((None, seconds(10))));
        assert_eq!(dog.look(epoch, seconds(160)), Some((Some(seconds(60)), seconds(60))));
        assert_eq!(dog.look(Epoch::new(1, 2), seconds(500)), None, "another one is not open");
        dog.settled();
        assert_eq!((dog.look(epoch, seconds(500)), dog.epoch()), (None, None));
    }
}
