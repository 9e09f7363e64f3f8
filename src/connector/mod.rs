//! Where records come from and where they go: the [`Source`] and [`Sink`] traits, and the connectors that come with
//! Millstream.
//!
//! # What each one gives
//! A source is *replayable* when it can be opened again at a position and reads the same records from there; only then can
//! a restart lose nothing. A sink is *exactly once* when a record that a crash takes back never becomes visible and a
//! record that was visible never comes twice; else it is *at least once*, and says so. Each connector's page tells.
//!
//! | connector | direction | gives |
//! |---|---|---|
//! | [`FileSource`] | source | replayable (but for named pipes and `-`) |
//! | [`StdinSource`] | source | not replayable |
//! | [`SocketSource`] | source | at most once |
//! | [`MemorySource`], [`GeneratorSource`] | source | replayable |
//! | [`FileSink`], [`KeyedFileSink`] | sink | exactly once |
//! | [`CollectSink`] | sink | exactly once, within one process |
//! | [`StdoutSink`], [`DiscardSink`] | sink | at least once |
//!
//! ```
//! use millstream::connector::{FileSink, FileSource, Guarantee, Sink, Source};
//!
//! assert_eq!(FileSource::lines(["access.log"]).describe(), "files access.log");
//! let sink = FileSink::<u64>::json("hits.jsonl");
//! assert_eq!(sink.guarantee(), Guarantee::ExactlyOnce);
//! ```
mod collect;
mod discard;
mod file;
mod file_sink;
mod files;
mod generator;
mod indices;
mod line;
mod memory;
mod pacer;
mod sink;
mod socket;
mod source;
mod stdin;
mod stdout;

pub use collect::{CollectSink, Collected};
pub use discard::DiscardSink;
pub use file::FileSource;
pub use file_sink::{FileSink, KeyedFileSink, LineChange};
pub use generator::GeneratorSource;
pub use indices::IndexBlock;
pub use line::{Line, LineBlock};
pub use memory::MemorySource;
pub use sink::{Committer, Guarantee, Prepared, Sink, SinkContext, SinkJob, SinkWriter};
pub use socket::SocketSource;
pub use source::{Position, Read, Source, Split, SplitReader};
pub use stdin::StdinSource;
pub use stdout::StdoutSink;

use crate::fault::{Fault, Faulty};

/// What went wrong outside: what was being done to which thing, and why it failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    message: String,
    fault: Fault,
    #[source]
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a message that names the thing and the remedy, and whose fault it is.
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        Error { message: message.into(), fault, cause: None }
    }

    /// A mistake of the user: what is wrong with which thing, and how to mend it.
    pub(crate) fn user(message: impl Into<String>) -> Self {
        Error::new(Fault::User, message)
    }

    /// An I/O error on something: `what` reads like "cannot read access.log".
    pub fn io(what: impl std::fmt::Display, cause: std::io::Error) -> Self {
        Error { message: format!("{what}: {cause}"), fault: cause.fault(), cause: Some(Box::new(cause)) }
    }

    /// The same about a place that was good a moment ago: that it may not be written now is nothing that a job must end of.
    pub(crate) fn for_now(self) -> Self {
        let cause = self.cause.as_ref().and_then(|cause| cause.downcast_ref::<std::io::Error>());
        let is_refused = cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::PermissionDenied);
        Error { fault: if is_refused { Fault::External } else { self.fault }, ..self }
    }
}

impl Faulty for Error {
    fn fault(&self) -> Fault {
        self.fault
    }
}
