//! The trigger that makes another one purge.

use super::{Decision, Trigger, TriggerContext};
use crate::time::Timestamp;

/// Speaks when another trigger does, and lets the window's contents go then, so that each result tells of the records since
/// the one before.
///
/// ```
/// use millstream::operator::window::trigger::{CountTrigger, PurgingTrigger, Trigger};
///
/// assert_eq!(Trigger::<u64>::name(&PurgingTrigger::of(CountTrigger::of(3))), "purging count 3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgingTrigger<R> {
    inner: R,
}

impl<R> PurgingTrigger<R> {
    /// Purges when `inner` fires.
    pub const fn of(inner: R) -> Self {
        PurgingTrigger { inner }
    }
}

fn purging(decision: Decision) -> Decision {
    if decision.fires() { Decision::FireAndPurge } else { decision }
}

impl<T, R: Trigger<T>> Trigger<T> for PurgingTrigger<R> {
    type State = R::State;

    fn name(&self) -> String {
        format!("purging {}", self.inner.name())
    }

    fn check(&self) -> Result<(), String> {
        self.inner.check()
    }

    fn on_record(
        &self,
        state: &mut R::State,
        record: &T,
        time: Timestamp,
        context: &mut TriggerContext<'_>,
    ) -> Decision {
        purging(self.inner.on_record(state, record, time, context))
    }

    fn on_event_time(&self, state: &mut R::State, time: Timestamp, context: &mut TriggerContext<'_>) -> Decision {
        purging(self.inner.on_event_time(state, time, context))
    }

    fn on_processing_time(&self, state: &mut R::State, time: Timestamp, context: &mut TriggerContext<'_>) -> Decision {
        purging(self.inner.on_processing_time(state, time, context))
    }

    fn can_merge(&self) -> bool {
        self.inner.can_merge()
    }

    fn merge(&self, into: &mut R::State, other: R::State) {
        self.inner.merge(into, other);
    }

    fn on_merge(&self, state: &mut R::State, context: &mut TriggerContext<'_>) {
        self.inner.on_merge(state, context);
    }
}
