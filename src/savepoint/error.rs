//! What can go wrong with savepoints.

use crate::fault::{Fault, Faulty};
use std::path::{Path, PathBuf};

/// Why a savepoint could not be taken, read or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("savepoint {path}: cannot {doing}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was to be done.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is a file of that name.
    #[error("savepoint {path}: exists already, and is never written over; take another name, or delete it first", path = path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A savepoint of that name is being written.
    #[error("savepoint {path}: is being written just now; wait for that, or take another name", path = path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The file's bytes are not what was written.
    #[error("savepoint {path}: is damaged or no savepoint: {found}; use a copy of it, or another savepoint", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// A later version of Millstream wrote the file.
    #[error("savepoint {path}: has format {found}, and this version reads formats up to {known}; use the newer version", path = path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// The job's state could not be read, or that of the new job not be written.
    #[error(transparent)]
    State(Box<crate::state::Error>),
    /// The directory holds no job.
    #[error("state directory {path}: holds no job of which a savepoint could be taken: there is no job.redb", path = path.display())]
    NoJob {
        /// The directory.
        path: PathBuf,
    },
    /// The job did not come to the savepoint.
    #[error("savepoint {path}: not taken of job `{job}`: {reason}", path = path.display())]
    NotTaken {
        /// The file that was asked for.
        path: PathBuf,
        /// The job.
        job: String,
        /// Why not.
        reason: String,
    },
    /// A savepoint can only be restored where nothing is.
    #[error(
        "state directory {directory}: holds `{found}` already, so savepoint {path} is not restored into it; choose another directory, throw it away with --fresh, or go on from it without the savepoint",
        directory = directory.display(),
        path = path.display()
    )]
    NotEmpty {
        /// The savepoint.
        path: PathBuf,
        /// The directory.
        directory: PathBuf,
        /// What is in it.
        found: String,
    },
    /// The savepoint does not fit the program.
    #[error("savepoint {path}: does not fit the program: {}", reasons.join("; "), path = path.display())]
    Misfit {
        /// The savepoint.
        path: PathBuf,
        /// What does not fit, and how to mend it.
        reasons: Vec<String>,
    },
}

impl Error {
    pub(crate) fn io(path: &Path, doing: &'static str, source: std::io::Error) -> Self {
        Error::Io { path: path.to_owned(), doing, source }
    }

    pub(crate) fn damaged(path: &Path, found: impl Into<String>) -> Self {
        Error::Damaged { path: path.to_owned(), found: found.into() }
    }
}

impl From<crate::state::Error> for Error {
    fn from(error: crate::state::Error) -> Self {
        Error::State(Box::new(error))
    }
}

impl Faulty for Error {
    fn fault(&self) -> Fault {
        match self {
            Error::Io { source, .. } => source.fault(),
            Error::State(error) => error.fault(),
            Error::Busy { .. } | Error::NotTaken { .. } => Fault::External,
            _ => Fault::User,
        }
    }
}
