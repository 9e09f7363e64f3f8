//! What keeps a plan from becoming a dataflow.

use crate::fault::{Fault, Faulty};
use crate::sql::EvalError;
use crate::sql::catalog::OptionError;
use crate::sql::position::Position;
use crate::sql::row::RowError;

/// Why a planned program cannot be run. A plan whose tables have been checked by the connectors that are to run it has few of
/// these left.
///
/// ```
/// use millstream::fault::{Fault, Faulty};
/// use millstream::sql::ExecError;
/// use millstream::sql::row::RowError;
///
/// let error = ExecError::from(RowError::TooLarge { bytes: 1 << 33 });
/// assert_eq!(error.fault(), Fault::User);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// An expression cannot be evaluated.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// Rows cannot hold a column.
    #[error(transparent)]
    Row(#[from] RowError),
    /// A table cannot be read or written.
    #[error("table `{table}`: {message}")]
    Table {
        /// Its name.
        table: String,
        /// What was found, and what to write.
        message: String,
    },
    /// Something that is planned but cannot be run.
    #[error("{at}: {what} cannot be run; {instead}")]
    Unsupported {
        /// The statement.
        at: Position,
        /// What.
        what: String,
        /// What to write.
        instead: String,
    },
}

impl ExecError {
    pub(in crate::sql) fn table(name: &str, error: OptionError) -> Self {
        ExecError::Table { table: name.to_owned(), message: error.message }
    }
}

impl Faulty for ExecError {
    fn fault(&self) -> Fault {
        Fault::User
    }
}
