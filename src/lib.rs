#![forbid(unsafe_code)]
//! Millstream: an actor-based dataflow runtime. Flink's guarantees without the cluster.

pub mod connector;
pub mod fault;
pub mod formats;
pub mod record;
pub mod state;
pub mod time;
