//! A dataflow said with the typed API does what its calls say, however it is cut into subtasks, batches and lives.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare has failed")]

mod builder;
mod embedding;
mod flow;
mod lives;
mod lookup;
mod memory;
mod operators;
mod order;
mod refusals;
mod shaping;
mod silence;
mod slow_checkpoint;
mod slow_sink;
mod stalled;
mod support;
mod watermarks;
mod window_edges;
mod windows;
