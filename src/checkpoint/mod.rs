//! The checkpoint protocol as pure decisions over facts already read.
//!
//! # The protocol
//! Aligned barriers, after Chandy and Lamport in the form of Carbone et al., "Lightweight Asynchronous Snapshots for
//! Distributed Dataflows" (2015). Every interval the coordinator opens an [`Epoch`](crate::record::Epoch) *e*:
//! 1. Sources note their positions and send `Barrier(e)`.
//! 2. A subtask aligns (`Alignment`): a channel whose barrier is at the front waits until all are. Then the subtask hands
//!    over its changed state, forwards the barrier, and goes on.
//! 3. What was handed over is made durable off the actor, so that the subtask can still go back to every epoch not yet
//!    freed; then it acknowledges.
//! 4. When all have (`Tracker`), the coordinator commits the `Manifest` with *e*. **That commit is the only moment of
//!    truth.** Only then does output of *e* become visible, and only then is freed what was kept for going back.
//!
//! # Invariants
//! * An epoch's number is (attempt, count); the attempt is raised durably before any source of a new life runs, so no number
//!   is used twice.
//! * A subtask file may be ahead of the manifest, never behind what the manifest says it has written. At a start what is
//!   ahead is taken back.
//! * The last few complete epochs are kept: nothing is freed that going back to one of them needs. Back behind output that
//!   readers have seen it goes on demand only.
//! * Barriers are never cancelled. A failed epoch's still align and snapshot; only its completion is void.
//! * At a barrier nothing is under way, so what was sent was received: see `accounting`.
//! * `End` closes the data, not the barriers. When all sources have ended one last epoch follows, is retried until it
//!   completes, and marks the manifest finished.

pub(crate) mod accounting;
mod align;
mod keep;
mod manifest;
mod resolve;
mod tracker;

pub(crate) use align::Alignment;
pub(crate) use keep::{go_back, may_take_back};
pub(crate) use manifest::{Life, Manifest, OperatorEntry, SubtaskEntry};
pub use resolve::Refusal;
pub(crate) use resolve::{Resolution, resolve};
pub(crate) use tracker::{Tracker, Verdict};
