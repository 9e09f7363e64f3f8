//! The page view job gives the rows that a naive reading of the same logs gives.

#[path = "../../examples/support/access_log.rs"]
mod access_log;
mod bundled_log;
#[path = "../../benches/support/hand_loop.rs"]
mod hand_loop;
mod hand_written;
mod naive;
mod reference;
#[path = "../../benches/support/shifted_log.rs"]
mod shifted_log;
