//! Joins find the pairs that a nested loop over all records finds, whatever the order, the crashes and the parallelism.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare has failed")]

mod history;
mod interval;
mod lives;
mod regular;
mod windows;
