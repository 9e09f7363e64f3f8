//! Windows promise: each kind of window, with each trigger and any lateness, speaks when the table in the docs of
//! `operator::window` says, also when it crashes in its middle.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod custom;
mod distinct;
mod global;
mod local_global;
mod model;
mod panes;
mod processing_time;
mod refusals;
mod sessions;
mod sliding;
mod support;
mod tumbling;
