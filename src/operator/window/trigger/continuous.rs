//! The trigger that speaks at an interval.

use super::{Decision, OnTimeTrigger, Trigger, TriggerContext};
use crate::operator::TimeDomain;
use crate::time::{Timestamp, whole_millis};
use std::time::Duration;

/// Speaks early at an interval, then when the window is over, then at each late record.
///
/// Early results come on a grid of `interval` since the Unix epoch, from the first record of the window on, by the watermark
/// or by the machine's clock. When the window is over, by its own clock, it speaks on time.
///
/// Two things differ from Flink. When a watermark jumps over several lines of the grid, there is one early result and not a
/// row of equal ones (and none if it jumps over the window's end, for which the result on time speaks). And with the
/// machine's clock, windows by event time have their result on time too.
///
/// * interval: at least 1 ms, whole milliseconds.
///
/// ```
/// use millstream::operator::window::trigger::{ContinuousTrigger, Trigger};
/// use millstream::time::seconds;
///
/// let by_watermark = ContinuousTrigger::every(seconds(10));
/// assert_eq!(Trigger::<u64>::name(&by_watermark), "every 10s");
/// assert_eq!(Trigger::<u64>::name(&by_watermark.processing_time()), "every 10s of processing time");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContinuousTrigger {
    interval: Duration,
    domain: TimeDomain,
}

impl ContinuousTrigger {
    /// Early results every `interval` of event time.
    pub const fn every(interval: Duration) -> Self {
        ContinuousTrigger { interval, domain: TimeDomain::Event }
    }

    /// Early results by the machine's clock.
    #[must_use]
    pub const fn processing_time(self) -> Self {
        ContinuousTrigger { domain: TimeDomain::Processing, ..self }
    }

    /// The first line of the grid behind `time`.
    fn line_behind(self, time: Timestamp) -> Timestamp {
        time.floor_to(self.interval).plus_millis(whole_millis(self.interval))
    }

    /// The clock it goes by.
    fn clock(self, context: &TriggerContext<'_>) -> Timestamp {
        match self.domain {
            TimeDomain::Event => context.watermark(),
            TimeDomain::Processing => context.processing_time(),
        }
    }

    /// Whether the window is over at `time`, if it ends by the same clock.
    fn is_end(self, context: &TriggerContext<'_>, time: Timestamp) -> bool {
        self.domain == context.domain() && context.end_time() <= time
    }

    /// Sets the timer for the next early result, if the window lasts until then.
    fn set_next(self, next: &mut Option<Timestamp>, after: Timestamp, context: &mut TriggerContext<'_>) {
        let line = self.line_behind(after);
        // Where time ends there is no next line.
        *next = (line > after && !self.is_end(context, line)).then_some(line);
        if let Some(line) = *next {
            context.set_timer(self.domain, line);
        }
    }

    fn on_timer(
        self,
        next: &mut Option<Timestamp>,
        domain: TimeDomain,
        time: Timestamp,
        context: &mut TriggerContext<'_>,
    ) -> Decision {
        if domain == context.domain() && time == context.end_time() {
            *next = None;
            return Decision::Fire;
        }
        if domain != self.domain || *next != Some(time) {
            return Decision::Continue;
        }
        if context.is_over() {
            *next = None;
            return Decision::Continue;
        }
        self.set_next(next, self.clock(context).max(time), context);
        Decision::Fire
    }
}

impl<T> Trigger<T> for ContinuousTrigger {
    /// When the next early result is due.
    type State = Option<Timestamp>;

    fn name(&self) -> String {
        let interval = humantime::format_duration(self.interval);
        match self.domain {
            TimeDomain::Event => format!("every {interval}"),
            TimeDomain::Processing => format!("every {interval} of processing time"),
        }
    }

    fn check(&self) -> Result<(), String> {
        match whole_millis(self.interval) {
            0 => Err(format!("the interval of a trigger is {:?}; it must be at least 1 ms", self.interval)),
            _ => Ok(()),
        }
    }

    fn on_record(
        &self,
        next: &mut Option<Timestamp>,
        record: &T,
        time: Timestamp,
        context: &mut TriggerContext<'_>,
    ) -> Decision {
        if next.is_none() && !context.is_over() {
            let from = match self.domain {
                TimeDomain::Event => time.max(context.watermark()),
                TimeDomain::Processing => context.processing_time(),
            };
            self.set_next(next, from, context);
        }
        OnTimeTrigger.on_record(&mut (), record, time, context)
    }

    fn on_event_time(
        &self,
        next: &mut Option<Timestamp>,
        time: Timestamp,
        context: &mut TriggerContext<'_>,
    ) -> Decision {
        self.on_timer(next, TimeDomain::Event, time, context)
    }

    fn on_processing_time(
        &self,
        next: &mut Option<Timestamp>,
        time: Timestamp,
        context: &mut TriggerContext<'_>,
    ) -> Decision {
        self.on_timer(next, TimeDomain::Processing, time, context)
    }

    fn can_merge(&self) -> bool {
        true
    }

    fn merge(&self, into: &mut Option<Timestamp>, other: Option<Timestamp>) {
        *into = (*into).into_iter().chain(other).min();
    }

    fn on_merge(&self, next: &mut Option<Timestamp>, context: &mut TriggerContext<'_>) {
        if let Some(next) = *next {
            context.set_timer(self.domain, next);
        }
        Trigger::<T>::on_merge(&OnTimeTrigger, &mut (), context);
    }
}
