//! How a dataflow is said in Rust: fluent types that only build a graph.
//!
//! A [`Job`] gives the first [`Stream`] from a source; each call on a stream adds an operator and returns the stream behind
//! it. Every type can be written down (`Stream<Order>`, `KeyedStream<String, Order>`), so that a part of a dataflow can be
//! a function. Nothing runs before [`Job::run`] or [`Job::start`].
//!
//! Mistakes that can be seen while building (no sink, a uid used twice, an empty window, parallelism 0) come from `run`,
//! `start` or [`Job::explain`] as errors that name the operator.
//!
//! ```
//! use millstream::prelude::*;
//!
//! /// A part of a dataflow, as a function.
//! fn shout(words: &Stream<String>) -> Stream<String> {
//!     words.filter(|word| word.len() > 2).map(|word| word.to_uppercase())
//! }
//!
//! let job = Job::new("shouting");
//! let loud = CollectSink::new();
//! let words = job.source(MemorySource::new(vec!["hey".to_string(), "ho".to_string()]));
//! let rows = loud.handle();
//! shout(&words).sink(loud);
//! job.run(Config::default())?;
//! assert_eq!(rows.rows(), ["HEY"]);
//! # Ok::<(), millstream::Error>(())
//! ```

mod connected;
mod job;
mod joined;
mod keyed;
mod local_global;
mod shaping;
mod stream;
mod windowed;

pub use connected::{BroadcastStream, ConnectedStreams, KeyedBroadcastStream};
pub use job::Job;
pub use joined::{IntervalJoin, Join, JoinOn, RegularJoin};
pub use keyed::KeyedStream;
pub use local_global::LocalGlobal;
pub use stream::{End, Stream};
pub use windowed::WindowedStream;
