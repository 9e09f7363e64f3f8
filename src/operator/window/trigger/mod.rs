//! Triggers: when a window speaks.
//!
//! A trigger is asked after each record and at each timer it has set. It has a state of its own for each window of each key,
//! which survives crashes as the window's contents do, and goes with the window.
//!
//! * A trigger cannot make an empty window speak: firing without contents does nothing.
//! * What a trigger sets is forgotten with its window: nothing need be cleaned up.
//! * When windows merge, their triggers' states merge, and the timers of the old windows are forgotten.
//!
//! ```
//! use millstream::operator::window::trigger::{CountTrigger, PurgingTrigger};
//! use millstream::prelude::*;
//! use millstream::testing::Harness;
//!
//! // Windows of all time that speak after every second record of a key, and begin anew.
//! let mut pairs = Harness::new(|words: Stream<&'static str>| {
//!     let words = words.map(str::to_owned).key_by(|word| word.len());
//!     words.window(Global).trigger(PurgingTrigger::of(CountTrigger::of(2))).collect()
//! });
//! for word in ["to", "be", "or", "not", "to"] {
//!     pairs.push(word, Timestamp::EPOCH);
//! }
//! let pairs = pairs.drain().into_iter().map(|window| window.value);
//! assert_eq!(pairs.collect::<Vec<_>>(), [["to", "be"], ["or", "to"]]);
//! ```

mod any;
mod continuous;
mod count;
mod delta;
mod early_late;
mod never;
mod purging;
mod time;

pub(super) use any::{AnyTrigger, Asked};
pub use continuous::ContinuousTrigger;
pub use count::CountTrigger;
pub use delta::DeltaTrigger;
pub use early_late::EarlyLateTrigger;
pub use never::NeverTrigger;
pub use purging::PurgingTrigger;
pub(super) use time::OnTimeTrigger;
pub use time::{EventTimeTrigger, ProcessingTimeTrigger};

use super::assigner::Window;
use crate::operator::TimeDomain;
use crate::time::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

/// What a trigger says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Nothing happens.
    Continue,
    /// The window's result is emitted; its contents stay.
    Fire,
    /// The window's result is emitted, and its contents go. The window itself stands, with its trigger's state.
    FireAndPurge,
    /// The window's contents go without a result.
    Purge,
}

impl Decision {
    /// Whether a result is emitted.
    pub const fn fires(self) -> bool {
        matches!(self, Decision::Fire | Decision::FireAndPurge)
    }

    /// Whether the contents go.
    pub const fn purges(self) -> bool {
        matches!(self, Decision::Purge | Decision::FireAndPurge)
    }
}

/// A timer that a trigger has set or taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Set(TimeDomain, Timestamp),
    Delete(TimeDomain, Timestamp),
}

/// What a trigger sees and may do while it is asked.
#[derive(Debug)]
pub struct TriggerContext<'a> {
    pub(super) window: Window,
    pub(super) domain: TimeDomain,
    pub(super) watermark: Timestamp,
    pub(super) now: Timestamp,
    pub(super) changes: &'a mut Vec<Change>,
}

impl TriggerContext<'_> {
    /// The window it is about.
    pub fn window(&self) -> Window {
        self.window
    }

    /// The clock by which the window ends.
    pub fn domain(&self) -> TimeDomain {
        self.domain
    }

    /// How far event time has come.
    pub fn watermark(&self) -> Timestamp {
        self.watermark
    }

    /// The time at which what happens now is handled.
    pub fn processing_time(&self) -> Timestamp {
        self.now
    }

    /// When the window is over, by its own clock: its last instant of event time, or its end of processing time.
    ///
    /// A watermark tells that an instant is over, so windows of event time are over 1 ms before their end. The machine's
    /// clock only tells that an instant has begun.
    pub fn end_time(&self) -> Timestamp {
        self.domain.end_of(self.window)
    }

    /// Whether the window is over, by its own clock.
    pub fn is_over(&self) -> bool {
        let clock = match self.domain {
            TimeDomain::Event => self.watermark,
            TimeDomain::Processing => self.now,
        };
        self.end_time() <= clock
    }

    /// Asks to be called when that clock has come to `time`. One timer per clock and time; one that is set stays. A timer of
    /// event time behind the watermark fires with the next watermark.
    pub fn set_timer(&mut self, domain: TimeDomain, time: Timestamp) {
        self.changes.push(Change::Set(domain, time));
    }

    /// Takes a timer back. One that is not set does no harm.
    pub fn delete_timer(&mut self, domain: TimeDomain, time: Timestamp) {
        self.changes.push(Change::Delete(domain, time));
    }
}

impl TimeDomain {
    /// When a window that ends by this clock is over.
    pub(super) fn end_of(self, window: Window) -> Timestamp {
        match self {
            TimeDomain::Event => window.last_instant(),
            TimeDomain::Processing => window.end,
        }
    }
}

/// Decides when a window of one key speaks.
///
/// All methods must be deterministic: what they need besides their arguments belongs into the state.
///
/// ```
/// use millstream::operator::window::trigger::{Decision, Trigger, TriggerContext};
/// use millstream::prelude::*;
/// use millstream::testing::Harness;
///
/// /// Speaks whenever the sum has doubled since it last spoke.
/// struct Doubling;
///
/// impl Trigger<u64> for Doubling {
///     /// The sum so far, and the sum when it last spoke.
///     type State = (u64, u64);
///
///     fn name(&self) -> String {
///         "doubling".to_owned()
///     }
///
///     fn on_record(
///         &self,
///         (sum, spoken): &mut (u64, u64),
///         record: &u64,
///         _time: Timestamp,
///         _context: &mut TriggerContext<'_>,
///     ) -> Decision {
///         *sum += record;
///         if *sum < 2 * *spoken {
///             return Decision::Continue;
///         }
///         *spoken = *sum;
///         Decision::Fire
///     }
/// }
///
/// let mut sums = Harness::new(|numbers: Stream<u64>| {
///     numbers.key_by(|_| ()).window(Global).trigger(Doubling).aggregate(Sum::of(|n: &u64| *n))
/// });
/// for _ in 0..8 {
///     sums.push(1, Timestamp::EPOCH);
/// }
/// assert_eq!(sums.drain().iter().map(|window| window.value).collect::<Vec<_>>(), [1, 2, 4, 8]);
/// ```
pub trait Trigger<T>: Send + Sync + 'static {
    /// What it remembers for each window of each key.
    type State: Default + Serialize + DeserializeOwned + 'static;

    /// What it is called, with all settings: state written under another name is refused at a restart.
    fn name(&self) -> String;

    /// What is wrong with its settings, if anything; the job is refused with this text.
    ///
    /// # Errors
    /// A sentence that names the setting, what was found, and how to mend it.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// A record has been added to the window.
    ///
    /// * time: the record's event time.
    fn on_record(
        &self,
        state: &mut Self::State,
        record: &T,
        time: Timestamp,
        context: &mut TriggerContext<'_>,
    ) -> Decision;

    /// A timer of event time fires that was set for `time`.
    fn on_event_time(&self, state: &mut Self::State, time: Timestamp, context: &mut TriggerContext<'_>) -> Decision {
        let _ = (state, time, context);
        Decision::Continue
    }

    /// A timer of processing time fires that was set for `time`.
    fn on_processing_time(
        &self,
        state: &mut Self::State,
        time: Timestamp,
        context: &mut TriggerContext<'_>,
    ) -> Decision {
        let _ = (state, time, context);
        Decision::Continue
    }

    /// Whether it can be used with windows that merge.
    fn can_merge(&self) -> bool {
        false
    }

    /// Windows merge: adds what was remembered for a later one to that of an earlier one.
    fn merge(&self, into: &mut Self::State, other: Self::State) {
        let _ = (into, other);
    }

    /// Windows have merged into the context's window: their timers are gone, and those that are still wanted must be set
    /// again. The record because of which they merged comes after this.
    fn on_merge(&self, state: &mut Self::State, context: &mut TriggerContext<'_>) {
        let _ = (state, context);
    }
}
