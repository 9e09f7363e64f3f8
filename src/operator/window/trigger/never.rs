//! The trigger that never speaks.

use super::{Decision, Trigger, TriggerContext};
use crate::time::Timestamp;

/// Never speaks. Of use inside other triggers; a window that has it alone gathers for nothing, as in Flink.
///
/// ```
/// use millstream::operator::window::trigger::{NeverTrigger, Trigger};
///
/// assert_eq!(Trigger::<u64>::name(&NeverTrigger), "never");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeverTrigger;

impl<T> Trigger<T> for NeverTrigger {
    type State = ();

    fn name(&self) -> String {
        "never".to_owned()
    }

    fn on_record(&self, (): &mut (), _: &T, _: Timestamp, _: &mut TriggerContext<'_>) -> Decision {
        Decision::Continue
    }

    fn can_merge(&self) -> bool {
        true
    }
}
