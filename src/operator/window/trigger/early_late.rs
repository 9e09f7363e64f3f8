//! The trigger with a say before the window's end, at it, and after it.

use super::{Decision, NeverTrigger, OnTimeTrigger, Trigger, TriggerContext};
use crate::time::Timestamp;

/// Speaks when the window is over; before that when one trigger says so, and after that when another does.
///
/// Until the window is over by its own clock the early trigger is asked, from then on the late one. Without an early one
/// there are no early results, without a late one none after the end.
///
/// Source: Akidau et al., "The Dataflow Model", PVLDB 8(12), 2015; in Apache Beam `AfterWatermark.pastEndOfWindow()`.
///
/// ```
/// use millstream::operator::window::trigger::{ContinuousTrigger, CountTrigger, EarlyLateTrigger, Trigger};
/// use millstream::time::seconds;
///
/// let early = ContinuousTrigger::every(seconds(10)).processing_time();
/// let trigger = EarlyLateTrigger::on_time().early(early).late(CountTrigger::of(1));
/// assert_eq!(Trigger::<u64>::name(&trigger), "early (every 10s of processing time), late (count 1)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlyLateTrigger<E = NeverTrigger, L = NeverTrigger> {
    early: E,
    late: L,
}

impl EarlyLateTrigger {
    /// Speaks when the window is over, and only then.
    pub const fn on_time() -> Self {
        EarlyLateTrigger { early: NeverTrigger, late: NeverTrigger }
    }
}

impl<E, L> EarlyLateTrigger<E, L> {
    /// Speaks before the end when `early` says so.
    pub fn early<R>(self, early: R) -> EarlyLateTrigger<R, L> {
        EarlyLateTrigger { early, late: self.late }
    }

    /// Speaks after the end when `late` says so.
    pub fn late<R>(self, late: R) -> EarlyLateTrigger<E, R> {
        EarlyLateTrigger { early: self.early, late }
    }
}

impl<T, E: Trigger<T>, L: Trigger<T>> Trigger<T> for EarlyLateTrigger<E, L> {
    type State = (E::State, L::State);

    fn name(&self) -> String {
        format!("early ({}), late ({})", self.early.name(), self.late.name())
    }

    fn check(&self) -> Result<(), String> {
        self.early.check()?;
        self.late.check()
    }

    fn on_record(
        &self,
        (early, late): &mut Self::State,
        record: &T,
        time: Timestamp,
        context: &mut TriggerContext<'_>,
    ) -> Decision {
        if context.is_over() {
            return self.late.on_record(late, record, time, context);
        }
        OnTimeTrigger.on_record(&mut (), record, time, context);
        self.early.on_record(early, record, time, context)
    }

    fn on_event_time(
        &self,
        (early, late): &mut Self::State,
        time: Timestamp,
        context: &mut TriggerContext<'_>,
    ) -> Decision {
        if Trigger::<T>::on_event_time(&OnTimeTrigger, &mut (), time, context).fires() {
            return Decision::Fire;
        }
        match context.is_over() {
            true => self.late.on_event_time(late, time, context),
            false => self.early.on_event_time(early, time, context),
        }
    }

    fn on_processing_time(
        &self,
        (early, late): &mut Self::State,
        time: Timestamp,
        context: &mut TriggerContext<'_>,
    ) -> Decision {
        if Trigger::<T>::on_processing_time(&OnTimeTrigger, &mut (), time, context).fires() {
            return Decision::Fire;
        }
        match context.is_over() {
            true => self.late.on_processing_time(late, time, context),
            false => self.early.on_processing_time(early, time, context),
        }
    }

    fn can_merge(&self) -> bool {
        self.early.can_merge() && self.late.can_merge()
    }

    fn merge(&self, (early, late): &mut Self::State, other: Self::State) {
        self.early.merge(early, other.0);
        self.late.merge(late, other.1);
    }

    fn on_merge(&self, (early, late): &mut Self::State, context: &mut TriggerContext<'_>) {
        Trigger::<T>::on_merge(&OnTimeTrigger, &mut (), context);
        match context.is_over() {
            true => self.late.on_merge(late, context),
            false => self.early.on_merge(early, context),
        }
    }
}
