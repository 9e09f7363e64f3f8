//! What can go wrong with stored state.

use crate::fault::{Fault, Faulty};
use crate::record::{CodecError, Epoch};
use std::path::{Path, PathBuf};

/// Why a state file could not be made, opened, read or written.
///
/// ```
/// use millstream::fault::{Fault, Faulty};
/// use millstream::state::{JobFile, Survives};
///
/// let error = JobFile::open("no/such/job.redb".as_ref(), Survives::PowerLoss).map(|_| ()).unwrap_err();
/// assert!(error.to_string().starts_with("no/such/job.redb: cannot open"));
/// assert_eq!(error.fault(), Fault::User);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file is to be made where there is one.
    #[error("{path}: exists already; a new job needs an empty state directory", path = path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{path}: cannot {doing}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was to be done.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database inside the file refused.
    #[error("{path}: cannot {doing}: {source}", path = path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What was to be done.
        doing: &'static str,
        /// What the database said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A write failed, and the file cannot be read to see whether it holds the new bytes or the old.
    #[error("{path}: it is not known whether this was written, until it can be read: {source}", path = path.display())]
    Undecided {
        /// The file.
        path: PathBuf,
        /// Why the write failed.
        source: Box<Error>,
    },
    /// Somebody else has the file open.
    #[error("{path}: is in use by another process or an earlier life of this job; stop that first", path = path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file's bytes are not what was written.
    #[error("{path}: is damaged or no state file: {found}; restore it from a copy", path = path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// The file belongs to another job, operator, subtask or generation.
    #[error("{path}: belongs to {found}, not to {expected}; was it copied from elsewhere?", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it should be.
        expected: String,
        /// Whose it is.
        found: String,
    },
    /// A later version of Millstream wrote the file.
    #[error("{path}: has format {found}, and this version reads formats up to {known}; use the newer version", path = path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// The file lacks what the job knows was written to it.
    #[error("{path}: ends at epoch {newest}, but epoch {written} was written to it; it is an older copy", path = path.display())]
    Stale {
        /// The file.
        path: PathBuf,
        /// The newest epoch in the file.
        newest: Epoch,
        /// The epoch that should be there.
        written: Epoch,
    },
    /// More records have failed than the job may keep.
    #[error(
        "{path}: would hold {found} dead letters, and the setting `dead_letter_limit` is {limit}; look at them, mend the operator that fails, remove those that are not needed, or raise the limit", path = path.display()
    )]
    TooManyLetters {
        /// The file.
        path: PathBuf,
        /// How many there would be.
        found: u64,
        /// How many there may be.
        limit: u64,
    },
    /// The epoch to go back to has been folded into later ones.
    #[error("{path}: cannot go back to epoch {epoch}, only to {folded} and later ones", path = path.display())]
    Folded {
        /// The file.
        path: PathBuf,
        /// The epoch asked for.
        epoch: Epoch,
        /// The oldest that is left.
        folded: Epoch,
    },
    /// A state is read as another type than it was written as.
    #[error("state `{state}` of operator `{uid}` was written as {was}, is now read as {now}; rename it or migrate it")]
    Changed {
        /// The state's name.
        state: String,
        /// The operator.
        uid: String,
        /// Its type in the file.
        was: String,
        /// Its type in the program.
        now: String,
    },
    /// A state has keys of another type than those it was written with.
    #[error(
        "state `{state}` of operator `{uid}` was written with keys {was}, and has keys {now} now; keys say where state is, and cannot be converted: give it another name"
    )]
    ChangedKey {
        /// The state's name.
        state: String,
        /// The operator.
        uid: String,
        /// The shape of the keys in the file.
        was: String,
        /// Their shape in the program.
        now: String,
    },
    /// A state's type has changed, and what was written does not fit the new one.
    #[error(
        "state `{state}` of operator `{uid}` was written as {was}, and cannot be read as {now}: {found}; give a field that was added a `#[serde(default)]`, register a migration, or rename the state"
    )]
    Misfit {
        /// The state's name.
        state: String,
        /// The operator.
        uid: String,
        /// The shape of its type in the file.
        was: String,
        /// The shape of its type in the program.
        now: String,
        /// What does not fit.
        found: String,
    },
    /// A time to live is below the finest time there is.
    #[error(
        "state `{state}` of operator `{uid}` has a time to live below 1 ms; give it a longer one, or keep no state"
    )]
    ShortTtl {
        /// The state's name.
        state: String,
        /// The operator.
        uid: String,
    },
    /// An operator asks twice for the same state.
    #[error("operator `{uid}` has two states named `{state}`; rename one")]
    Twice {
        /// The state's name.
        state: String,
        /// The operator.
        uid: String,
    },
    /// An operator has had more states than a file can hold.
    #[error("operator `{uid}` has more than 256 states; put some into one")]
    TooMany {
        /// The operator.
        uid: String,
    },
    /// A key or value cannot be written or read.
    #[error("state `{state}` of operator `{uid}` cannot be encoded or decoded: {source}")]
    Codec {
        /// The state's name.
        state: String,
        /// The operator.
        uid: String,
        /// What the codec said.
        source: CodecError,
    },
}

impl Error {
    /// An I/O error on `path`.
    pub(crate) fn io(path: &Path, doing: &'static str, source: std::io::Error) -> Self {
        Error::Io { path: path.to_owned(), doing, source }
    }

    /// A file with wrong bytes.
    pub(crate) fn corrupt(path: &Path, found: impl Into<String>) -> Self {
        Error::Corrupt { path: path.to_owned(), found: found.into() }
    }

    /// What the database said about `path`.
    pub(super) fn database(path: &Path, doing: &'static str, source: redb::Error) -> Self {
        use std::io::ErrorKind::{InvalidData, UnexpectedEof};
        match source {
            redb::Error::Corrupted(found) => Error::corrupt(path, found),
            redb::Error::Io(e) if matches!(e.kind(), InvalidData | UnexpectedEof) => {
                Error::corrupt(path, e.to_string())
            }
            redb::Error::Io(e) => Error::io(path, doing, e),
            redb::Error::DatabaseAlreadyOpen => Error::InUse { path: path.to_owned() },
            redb::Error::UpgradeRequired(_) | redb::Error::TableDoesNotExist(_) => {
                Error::corrupt(path, source.to_string())
            }
            _ => Error::Database { path: path.to_owned(), doing, source: Box::new(source) },
        }
    }
}

impl Faulty for Error {
    fn fault(&self) -> Fault {
        match self {
            Error::Io { source, .. } => source.fault(),
            Error::Database { .. } | Error::Undecided { .. } | Error::InUse { .. } => Fault::External,
            _ => Fault::User,
        }
    }
}
