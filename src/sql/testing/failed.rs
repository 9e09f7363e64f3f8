//! Why a test has failed.

use super::Life;
use crate::fault::{Fault, Faulty};
use crate::sql::ExecError;
use std::path::PathBuf;

/// Why a test has failed.
///
/// ```
/// use millstream::sql::testing::Failed;
///
/// let failed = Failed::NotRefused { wanted: "LIMIT".to_owned() };
/// assert_eq!(failed.to_string(), "the program is not refused; expected a refusal with `LIMIT`");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failed {
    /// A file cannot be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The comments at the head of the program say something that cannot be.
    #[error("`{line}`: {message}")]
    Comment {
        /// The line.
        line: String,
        /// What is wrong with it.
        message: &'static str,
    },
    /// The program is refused.
    #[error("{message}")]
    Refused {
        /// With its place.
        message: String,
    },
    /// The program is refused for another reason.
    #[error("expected a refusal with `{wanted}`, found:\n{found}")]
    OtherRefusal {
        /// What should be in the message.
        wanted: String,
        /// The message.
        found: String,
    },
    /// The program should be refused and is not.
    #[error("the program is not refused; expected a refusal with `{wanted}`")]
    NotRefused {
        /// What should be in the message.
        wanted: String,
    },
    /// The program is planned but cannot be run.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// The program has no INSERT.
    #[error("there is no INSERT, so nothing to test; to test a refusal begin with `-- refused: part of the message`")]
    NothingWritten,
    /// The job has failed.
    #[error("{life}: {message}")]
    Run {
        /// In which life.
        life: Life,
        /// Why.
        message: String,
    },
    /// The program has not come to its end.
    #[error("{life}: the program does not end within an hour of its own time; let its tables end")]
    Endless {
        /// In which life.
        life: Life,
    },
    /// A row cannot be written in the format of its table.
    #[error("table `{table}`: {message}")]
    Row {
        /// The table.
        table: String,
        /// The row, and why.
        message: String,
    },
    /// A table has no expectation.
    #[error("{} is not there; `millstream test --update` writes it", path.display())]
    NoExpectation {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is an expectation of a table that is not written.
    #[error("no INSERT writes the table that {} is for; remove the file", path.display())]
    UnusedExpectation {
        /// Where it is.
        path: PathBuf,
    },
    /// The rows are not those that were expected.
    #[error("{life}: table `{table}` is not as {} says (-), but (+):\n{difference}", path.display())]
    Differs {
        /// In which life.
        life: Life,
        /// The table.
        table: String,
        /// The expectation.
        path: PathBuf,
        /// Lines that are missing, with `-`, and that are too many, with `+`.
        difference: String,
    },
    /// More or fewer rows than expected could not be processed.
    #[error(
        "{life}: {found} dead letters, expected {expected}; `-- dead letters: {found}` at the head would expect them"
    )]
    DeadLetters {
        /// In which life.
        life: Life,
        /// How many there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
}

impl Faulty for Failed {
    fn fault(&self) -> Fault {
        match self {
            Failed::File { .. } => Fault::External,
            _ => Fault::User,
        }
    }
}
