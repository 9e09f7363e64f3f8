//! The page view job gives the rows that a naive reading of the same logs gives.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare has failed")]

#[path = "../../examples/support/access_log.rs"]
mod access_log;
mod bundled_log;
mod disk_full;
#[path = "../../benches/support/hand_loop.rs"]
mod hand_loop;
mod hand_written;
mod killed;
mod late;
mod naive;
mod process;
mod reference;
mod refused;
#[path = "../../benches/support/shifted_log.rs"]
mod shifted_log;
mod small_disk;
mod stopped;
mod straight;
mod witness;
