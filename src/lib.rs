#![forbid(unsafe_code)]
//! Millstream is an actor-based dataflow runtime: Flink's guarantees without the cluster.
//!
//! A program describes a dataflow of sources, operators and sinks. Millstream runs it as actors in one process, each with a
//! mailbox and its own durable state, and gives exactly the same answer whether or not anything crashed on the way.
//!
//! ```
//! use millstream::prelude::*;
//!
//! fn main() -> millstream::Result<()> {
//!     let views = vec![("/", 3), ("/about", 4), ("/", 9), ("/", 61)];
//!     let job = Job::new("views-per-page");
//!     let sink = CollectSink::new();
//!     let results = sink.handle();
//!     job.source(MemorySource::new(views))
//!         .event_time(|view| Timestamp::from_seconds(view.1), Watermarks::out_of_order(seconds(5)))
//!         .key_by(|view| view.0.to_string())
//!         .window(Tumbling::of(minutes(1)))
//!         .count()
//!         .sink(sink);
//!     job.run(Config::default())?;
//!     assert_eq!(results.rows().len(), 3);
//!     Ok(())
//! }
//! ```
//!
//! # How it works
//! One idea carries everything: **an operator is a deterministic function of its mailbox.** All that can influence it
//! (batches, watermarks, barriers, the stamp of the clock, answers of the outside) reaches it as a message, in one order; so
//! its state is a snapshot plus the messages since.
//!
//! From the program down to the disk, each room with its own page:
//! * `sql` plans an SQL file and builds the same graph of it; it needs the feature `sql`, as `cli` needs its own;
//! * [`api`] builds a graph from fluent calls; [`graph`] checks it and cuts it into chains of operators;
//! * [`runtime`] makes an actor of each parallel instance of a chain, moves batches between them with back pressure by credit,
//!   supervises them, and coordinates checkpoints;
//! * [`operator`] is what one step does, without actors; [`connector`] is where records come from and go;
//! * [`checkpoint`] holds the protocol as pure decisions: aligned barriers, one manifest whose commit is the moment of truth;
//! * [`savepoint`] is a checkpoint in one portable file, to be restored into a changed program;
//! * [`state`] keeps what must survive, in one redb file per stateful subtask;
//! * [`control`] is how other processes talk to a running job, and `cli` what people type for that;
//! * [`testing`] is a kit for testing dataflows, in virtual time and with injected faults;
//! * [`record`] and [`time`] are what travels and when it happened; [`formats`] reads what others wrote.
//!
//! # What is promised
//! With a replayable source and an exactly-once sink, each record counts exactly once in state and in output, across panics
//! of operators, `kill -9` of the process, the loss of power, a full disk, and restarts at another parallelism.
//! [`connector`] tells what each source and sink gives.

pub mod api;
mod bug;
pub mod checkpoint;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod connector;
mod error;
pub mod fault;
pub mod formats;
pub mod graph;
pub mod operator;
pub mod record;
pub mod runtime;
pub mod savepoint;
#[cfg(feature = "sql")]
pub mod sql;
pub mod state;
pub mod testing;
pub mod time;

pub use checkpoint::Refusal;
pub use error::{Error, Result};
pub use graph::Error as GraphError;
pub use runtime::control;
pub use runtime::{
    CheckpointWait, Checkpoints, DeadLetters, GeneratorWatermark, InputWatermark, JobHandle, JobRestart, JobState,
    JobStatus, LocalRestart, OperatorStatus, Rescaled, SlowCheckpoint, SplitWatermark, SubtaskWatermark,
    WatermarkReport, WatermarkStall,
};
pub use runtime::{KeptOperator, StateChange, StateSummary, StateView};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// What a program that defines a dataflow needs.
pub mod prelude {
    pub use crate::api::{
        BroadcastStream, ConnectedStreams, Job, KeyedBroadcastStream, KeyedStream, Stream, WindowedStream,
    };
    pub use crate::config::{Config, Restart};
    pub use crate::connector::{
        CollectSink, DiscardSink, FileSink, FileSource, GeneratorSource, Line, MemorySource, Sink, Source, StdinSource,
        StdoutSink,
    };
    pub use crate::operator::join::{Either, Offset};
    pub use crate::operator::process::{
        AggregatingState, BroadcastProcess, BroadcastState, CoProcess, Context, Failure, KeyedBroadcastProcess,
        KeyedProcess, States, Tag, Timer, UnkeyedContext,
    };
    pub use crate::operator::window::{
        CountWindows, Global, Late, Matching, Session, Sliding, Tumbling, Windowed, Windows,
    };
    pub use crate::operator::{
        Aggregate, ApproxDistinct, Avg, Count, Distinct, Fold, Max, MaxBy, Min, MinBy, OnError, Percentiles, Reduce,
        Sum, TimeDomain, TopN,
    };
    pub use crate::record::{Data, Key};
    pub use crate::savepoint::{PlanDiff, Savepoint, SavepointInfo};
    pub use crate::state::{ListState, MapState, ReducingState, Ttl, ValueState};
    pub use crate::time::{TimeFormat, Timestamp, Watermarks, hours, millis, minutes, seconds};
    pub use crate::{JobHandle, JobState, JobStatus};
}
