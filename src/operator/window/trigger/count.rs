//! The trigger that counts records.

use super::{Decision, Trigger, TriggerContext};
use crate::time::Timestamp;

/// Speaks after every `n` records of a window. Fewer that are left when the window goes are not spoken of, as in Flink.
///
/// ```
/// use millstream::operator::window::trigger::{CountTrigger, Trigger};
///
/// assert_eq!(Trigger::<u64>::name(&CountTrigger::of(100)), "count 100");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountTrigger {
    every: u64,
}

impl CountTrigger {
    /// Speaks after every `every` records. At least 1.
    pub const fn of(every: u64) -> Self {
        CountTrigger { every }
    }
}

impl<T> Trigger<T> for CountTrigger {
    /// How many records have come since it last spoke.
    type State = u64;

    fn name(&self) -> String {
        format!("count {}", self.every)
    }

    fn check(&self) -> Result<(), String> {
        match self.every {
            0 => Err("the count of a trigger is 0; it must be at least 1 record".to_owned()),
            _ => Ok(()),
        }
    }

    fn on_record(&self, count: &mut u64, _: &T, _: Timestamp, _: &mut TriggerContext<'_>) -> Decision {
        *count += 1;
        if *count < self.every {
            return Decision::Continue;
        }
        *count = 0;
        Decision::Fire
    }

    fn can_merge(&self) -> bool {
        true
    }

    fn merge(&self, into: &mut u64, other: u64) {
        *into += other;
    }
}
