//! Process functions do what they are told, when they are told, and forget nothing in a crash.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare has failed")]

mod broadcast;
mod connected;
mod failing;
#[path = "../recovery/fuse.rs"]
mod fuse;
mod sides;
mod states;
mod timers;
mod versions;

use millstream::prelude::Timestamp;

/// A moment, in seconds.
fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(second)
}
