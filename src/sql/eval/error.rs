//! What cannot be evaluated.

use crate::fault::{Fault, Faulty};
use crate::sql::row::RowError;

/// Why expressions cannot be evaluated at all. (What fails for one row is no error of the operator: see
/// [`OnError`](crate::operator::OnError).)
///
/// ```
/// use millstream::fault::{Fault, Faulty};
/// use millstream::sql::{EvalError, row::RowError};
///
/// let error = EvalError::from(RowError::TooLarge { bytes: 1 << 33 });
/// assert_eq!(error.fault(), Fault::User);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// The library refuses an expression.
    #[error("`{expression}` cannot be evaluated: {cause}")]
    Expression {
        /// As the plan has it.
        expression: String,
        /// Why.
        cause: String,
    },
    /// Rows cannot hold what comes in or out.
    #[error(transparent)]
    Row(#[from] RowError),
}

impl Faulty for EvalError {
    fn fault(&self) -> Fault {
        Fault::User
    }
}
