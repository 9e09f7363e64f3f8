//! A kit for testing dataflows: no thread, no waiting, a clock that moves when told, and faults that are lines of the test.
//!
//! * [`Harness`] drives a piece of a dataflow by hand: push a record, move the watermark or the clock, look what comes out,
//!   crash and restore in the middle.
//! * [`Simulation`] runs a whole [`Job`](crate::api::Job) in virtual time on one thread. A seed chooses in which order things
//!   happen that threads would do side by side; the same seed gives the same run.
//! * [`Script`] is a source whose items are records, watermarks, pauses and faults.
//! * [`Probe`] is a sink that shows each record at once.
//! * [`Checked`] puts a checker between two operators, which panics when the protocol of streams is broken.
//! * [`assert_same_rows`] and [`golden`] compare results; [`three_lives`] runs a job straight through, with checkpoints at
//!   another parallelism, and restored at a third, and wants one answer.
//! * [`Faults`] says what goes wrong in a simulation besides, by chance: disks that fail, the loss of power, panics; and an
//!   [`Exploration`] runs many seeds and compares each with a run in which nothing goes wrong.
//!
//! Both harness and simulation run the engine itself: the same operators, state files, checkpoints and recovery as a job of
//! actors, driven step by step. What they leave out is threads.
//!
//! ```
//! use millstream::prelude::*;
//! use millstream::testing::Harness;
//!
//! let mut sessions = Harness::new(|clicks: Stream<&'static str>| {
//!     clicks.key_by(|user| user.to_string()).window(Session::gap(minutes(10))).count()
//! });
//! sessions.push("ada", Timestamp::EPOCH + minutes(0));
//! sessions.push("ada", Timestamp::EPOCH + minutes(5));
//! sessions.crash_and_restore();
//! sessions.watermark(Timestamp::EPOCH + minutes(15));
//! let fired = sessions.drain();
//! assert_eq!(fired.len(), 1);
//! assert_eq!((fired[0].start, fired[0].end, fired[0].value), (Timestamp::EPOCH, Timestamp::EPOCH + minutes(15), 2));
//! ```

mod check;
mod compare;
mod explore;
mod faults;
mod harness;
mod lives;
mod probe;
mod script;
mod simulation;

#[cfg(feature = "seeded-bugs")]
pub use crate::bug::{Bug, with_bug};
pub use check::Checked;
pub use compare::{assert_same_rows, golden};
pub use explore::{Exploration, Explored, Finding};
pub use faults::{Faults, Fuse};
pub use harness::Harness;
pub use lives::three_lives;
pub use probe::Probe;
pub use script::{Item, Script};
pub use simulation::Simulation;
