//! Triggers that speak when a window is over.

use super::{Decision, Trigger, TriggerContext};
use crate::operator::TimeDomain;
use crate::time::Timestamp;

/// Speaks when the watermark comes to the window's last instant, and at each record after that, as long as lateness is
/// allowed. The default of windows by event time.
///
/// ```
/// use millstream::operator::window::trigger::{EventTimeTrigger, Trigger};
///
/// assert_eq!(Trigger::<u64>::name(&EventTimeTrigger), "event time");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventTimeTrigger;

impl<T> Trigger<T> for EventTimeTrigger {
    type State = ();

    fn name(&self) -> String {
        "event time".to_owned()
    }

    fn on_record(&self, (): &mut (), _: &T, _: Timestamp, context: &mut TriggerContext<'_>) -> Decision {
        let last = context.window().last_instant();
        if last <= context.watermark() {
            return Decision::Fire;
        }
        context.set_timer(TimeDomain::Event, last);
        Decision::Continue
    }

    fn on_event_time(&self, (): &mut (), time: Timestamp, context: &mut TriggerContext<'_>) -> Decision {
        if time == context.window().last_instant() { Decision::Fire } else { Decision::Continue }
    }

    fn can_merge(&self) -> bool {
        true
    }

    fn on_merge(&self, (): &mut (), context: &mut TriggerContext<'_>) {
        let last = context.window().last_instant();
        if last > context.watermark() {
            context.set_timer(TimeDomain::Event, last);
        }
    }
}

/// Speaks when the machine's clock comes to the window's end. The default of windows by processing time.
///
/// (Flink sets its timer for the last instant and adds 1 ms to each timer; the outcome is the same.)
///
/// ```
/// use millstream::operator::window::trigger::{ProcessingTimeTrigger, Trigger};
///
/// assert_eq!(Trigger::<u64>::name(&ProcessingTimeTrigger), "processing time");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessingTimeTrigger;

impl<T> Trigger<T> for ProcessingTimeTrigger {
    type State = ();

    fn name(&self) -> String {
        "processing time".to_owned()
    }

    fn on_record(&self, (): &mut (), _: &T, _: Timestamp, context: &mut TriggerContext<'_>) -> Decision {
        context.set_timer(TimeDomain::Processing, context.window().end);
        Decision::Continue
    }

    fn on_processing_time(&self, (): &mut (), time: Timestamp, context: &mut TriggerContext<'_>) -> Decision {
        if time == context.window().end { Decision::Fire } else { Decision::Continue }
    }

    fn can_merge(&self) -> bool {
        true
    }

    fn on_merge(&self, (): &mut (), context: &mut TriggerContext<'_>) {
        context.set_timer(TimeDomain::Processing, context.window().end);
    }
}

/// Speaks when the window is over by its own clock: [`EventTimeTrigger`] or [`ProcessingTimeTrigger`].
pub(in crate::operator::window) struct OnTimeTrigger;

impl<T> Trigger<T> for OnTimeTrigger {
    type State = ();

    fn name(&self) -> String {
        "on time".to_owned()
    }

    fn on_record(&self, state: &mut (), record: &T, time: Timestamp, context: &mut TriggerContext<'_>) -> Decision {
        match context.domain() {
            TimeDomain::Event => EventTimeTrigger.on_record(state, record, time, context),
            TimeDomain::Processing => ProcessingTimeTrigger.on_record(state, record, time, context),
        }
    }

    fn on_event_time(&self, state: &mut (), time: Timestamp, context: &mut TriggerContext<'_>) -> Decision {
        match context.domain() {
            TimeDomain::Event => Trigger::<T>::on_event_time(&EventTimeTrigger, state, time, context),
            TimeDomain::Processing => Decision::Continue,
        }
    }

    fn on_processing_time(&self, state: &mut (), time: Timestamp, context: &mut TriggerContext<'_>) -> Decision {
        match context.domain() {
            TimeDomain::Event => Decision::Continue,
            TimeDomain::Processing => Trigger::<T>::on_processing_time(&ProcessingTimeTrigger, state, time, context),
        }
    }

    fn can_merge(&self) -> bool {
        true
    }

    fn on_merge(&self, state: &mut (), context: &mut TriggerContext<'_>) {
        match context.domain() {
            TimeDomain::Event => Trigger::<T>::on_merge(&EventTimeTrigger, state, context),
            TimeDomain::Processing => Trigger::<T>::on_merge(&ProcessingTimeTrigger, state, context),
        }
    }
}
