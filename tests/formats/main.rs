//! What an older version has written opens for ever, and goes on as if this version had written it.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare has failed")]

mod job;
mod state_directory;
