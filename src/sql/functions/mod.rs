//! Functions that are ours, because Flink has them and the planner's library has them otherwise or not at all.

mod clock;

pub(super) use clock::{INSTANT, clocks, is_clock};
