//! A savepoint holds all state of a job, is found out when it is damaged, and is restored into programs that have changed.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare has failed")]

mod automatic;
mod changed;
mod disk_full;
mod everything;
mod fixtures;
mod killed;
mod lives;
mod running;
#[path = "../pageviews/small_disk.rs"]
mod small_disk;
