//! Where records come from and where they go: the [`Source`] and [`Sink`] traits, and the connectors that come with
//! Millstream.
//!
//! # What each one gives
//! A source is *replayable* when it can be opened again at a position and reads the same records from there; only then can
//! a restart lose nothing. A sink is *exactly once* when a record that a crash takes back never becomes visible and a
//! record that was visible never comes twice; else it is *at least once*, and says so. Each connector's page tells.
mod sink;
mod source;

pub use sink::{Committer, Guarantee, Prepared, Sink, SinkContext, SinkJob, SinkWriter};
pub use source::{Position, Read, Source, Split, SplitReader};

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

    /// An I/O error on something: `what` reads like "cannot read access.log".
    pub fn io(what: impl std::fmt::Display, cause: std::io::Error) -> Self {
        Error { message: format!("{what}: {cause}"), fault: cause.fault(), cause: Some(Box::new(cause)) }
    }
}

impl Faulty for Error {
    fn fault(&self) -> Fault {
        self.fault
    }
}
