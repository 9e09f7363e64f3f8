//! The error of a job: what failed, where, why, and whose fault it is.

use crate::fault::{Fault, Faulty};
use std::path::PathBuf;

/// `Result` with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a job could not run, or gave up. The message names the thing and the remedy, in one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The dataflow is not complete or not possible.
    #[error("job `{job}`: {error}")]
    Graph {
        /// The job.
        job: String,
        /// What is wrong.
        #[source]
        error: crate::graph::Error,
    },
    /// A setting is out of its bounds.
    #[error("{0}")]
    Config(String),
    /// The state directory cannot be used by this job.
    #[error("state directory {}: {reason}", path.display())]
    StateDirectory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        reason: Box<crate::checkpoint::Refusal>,
    },
    /// Another process uses the state directory.
    #[error("state directory {} is in use by another process{holder}; stop that one, or give this job another directory", path.display())]
    StateDirectoryInUse {
        /// The directory.
        path: PathBuf,
        /// The other process, like " (pid 17)", if it is known.
        holder: String,
    },
    /// State could not be read or written.
    #[error(transparent)]
    State(#[from] crate::state::Error),
    /// A savepoint could not be taken or restored.
    #[error(transparent)]
    Savepoint(#[from] crate::savepoint::Error),
    /// A source or sink cannot be used.
    #[error("operator `{operator}`: {error}")]
    Connector {
        /// The source or sink.
        operator: String,
        /// What is wrong.
        #[source]
        error: crate::connector::Error,
    },
    /// An operator failed and the restart strategy gave up.
    #[error("job `{job}` failed in operator `{operator}`, subtask {subtask}: {cause} (not restarted: {reason})")]
    Failed {
        /// The job.
        job: String,
        /// The operator.
        operator: String,
        /// Which subtask of it.
        subtask: usize,
        /// The error, or the panic's message and place.
        cause: String,
        /// Whose fault it is.
        fault: Fault,
        /// Why it was not restarted.
        reason: String,
    },
    /// What is to be looked at is not there.
    #[error("state directory {}: {reason}", path.display())]
    Inspect {
        /// The directory.
        path: PathBuf,
        /// What is not there, and what is.
        reason: String,
    },
    /// Something cannot be done with a dead letter.
    #[error("dead letter {id}: {reason}")]
    DeadLetter {
        /// Its id.
        id: crate::record::LetterId,
        /// Why not.
        reason: String,
    },
    /// A running job could not be rescaled.
    #[error("job `{job}` cannot be rescaled to {parallelism}: {reason}")]
    Rescale {
        /// The job.
        job: String,
        /// What was asked for.
        parallelism: usize,
        /// Why not.
        reason: String,
    },
    /// The socket of a running job cannot be used.
    #[error("control socket {}: {reason}", socket.display())]
    Control {
        /// The socket.
        socket: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A running job in another process refused what it was asked.
    #[error("{reason}")]
    Refused {
        /// What it says.
        reason: String,
    },
    /// The job is not running any more.
    #[error("job `{job}` has ended; what it keeps is found in its state directory")]
    Over {
        /// The job.
        job: String,
    },
    /// The job has read all its input and takes no more records.
    #[error("job `{job}` has finished and takes no more records; start it anew over its input with --fresh")]
    Finished {
        /// The job.
        job: String,
    },
    /// The job's threads are gone without a word.
    #[error("job `{job}` ended without a result; this is a mistake in Millstream")]
    Lost {
        /// The job.
        job: String,
    },
}

impl Error {
    /// A mistake in a dataflow.
    pub(crate) fn graph(job: &str, error: crate::graph::Error) -> Self {
        Error::Graph { job: job.to_owned(), error }
    }
}

impl Faulty for Error {
    fn fault(&self) -> Fault {
        match self {
            Error::State(error) => error.fault(),
            Error::Savepoint(error) => error.fault(),
            Error::Connector { error, .. } => error.fault(),
            Error::Failed { fault, .. } => *fault,
            Error::Lost { .. } => Fault::Internal,
            Error::StateDirectoryInUse { .. } | Error::Rescale { .. } | Error::Control { .. } => Fault::External,
            Error::Graph { .. }
            | Error::Config(_)
            | Error::StateDirectory { .. }
            | Error::Inspect { .. }
            | Error::DeadLetter { .. }
            | Error::Refused { .. }
            | Error::Over { .. }
            | Error::Finished { .. } => Fault::User,
        }
    }
}
