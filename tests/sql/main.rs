//! The standalone binary on SQL files, as an operator runs it.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare has failed")]

mod commands;
#[path = "../../examples/pageviews/dataflow.rs"]
#[allow(dead_code, reason = "only the job is of interest here")]
mod dataflow;
mod killed;
mod mistakes;
mod nexmark;
mod pageviews;
mod poison;
mod process;
mod queries;
