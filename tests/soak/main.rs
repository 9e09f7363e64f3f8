//! The same answer whatever happens to the process, its disk and its files.
//!
//! A job runs as a real process: it follows files, counts by key and by window, and writes three files exactly once. It is
//! killed, stopped, continued and started twice, its disk is filled, its files are damaged between two lives. After each
//! round what is visible is compared with what was written to the inputs, and rows that were visible once must stay.
//!
//! The program is this test binary itself, started again to run the test [`program::the_job`] alone: so it is never older
//! than the tests. What needs a mount runs in a namespace of its own ([`disk`]), and is skipped with a word where that is
//! not permitted.
//!
//! `MILLSTREAM_ROUNDS=100 cargo test --test soak rounds -- --nocapture` runs many rounds, with a line for each;
//! `MILLSTREAM_SEED` chooses their order.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare has failed")]

mod damage;
mod disk;
mod full_disk;
mod lives;
mod process;
mod program;
mod refusing;
mod rounds;
mod world;
