//! The trigger that speaks when records have moved far enough.

use super::{Decision, Trigger, TriggerContext};
use crate::record::Data;
use crate::time::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

/// Tells how far a record is from another.
type Distance<T> = Box<dyn Fn(&T, &T) -> f64 + Send + Sync>;

/// Speaks when a record is further than a threshold from the one at which it last spoke (at first: from the first one).
///
/// Not for windows that merge, as in Flink: two reference records cannot become one.
///
/// ```
/// use millstream::operator::window::trigger::{DeltaTrigger, Trigger};
///
/// let jumps = DeltaTrigger::over(2.5, |last: &f64, this: &f64| (this - last).abs());
/// assert_eq!(jumps.name(), "delta 2.5");
/// ```
pub struct DeltaTrigger<T> {
    threshold: f64,
    distance: Distance<T>,
}

impl<T> DeltaTrigger<T> {
    /// Speaks when `distance(last, this)` is greater than `threshold`.
    pub fn over(threshold: f64, distance: impl Fn(&T, &T) -> f64 + Send + Sync + 'static) -> Self {
        DeltaTrigger { threshold, distance: Box::new(distance) }
    }
}

impl<T: Data + Serialize + DeserializeOwned> Trigger<T> for DeltaTrigger<T> {
    /// The record at which it last spoke.
    type State = Option<T>;

    fn name(&self) -> String {
        format!("delta {}", self.threshold)
    }

    fn check(&self) -> Result<(), String> {
        if self.threshold.is_nan() {
            return Err(
                "the threshold of a delta trigger is no number, so no record would reach it; take a number".into()
            );
        }
        Ok(())
    }

    fn on_record(&self, last: &mut Option<T>, record: &T, _: Timestamp, _: &mut TriggerContext<'_>) -> Decision {
        let far = last.as_ref().map(|last| (self.distance)(last, record) > self.threshold);
        if far != Some(false) {
            *last = Some(record.clone());
        }
        if far == Some(true) { Decision::Fire } else { Decision::Continue }
    }
}
