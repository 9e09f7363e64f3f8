//! The test kit keeps its own promises.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod harness;
mod simulation;
