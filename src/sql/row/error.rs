//! What cannot be a row.

use crate::fault::{Fault, Faulty};
use crate::sql::type_name;
use arrow::datatypes::DataType;

/// Why columns cannot be rows, or bytes are no row.
///
/// ```
/// use arrow::datatypes::{DataType, Field, Schema};
/// use millstream::sql::row::RowCodec;
///
/// let schema = Schema::new(vec![Field::new_dictionary("host", DataType::Int32, DataType::Utf8, true)]);
/// let error = RowCodec::new(&schema).unwrap_err();
/// assert!(error.to_string().starts_with("column `host`"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// A column has a type that rows do not have.
    #[error("column `{column}` is a {}, which no row can hold; cast it to another type", type_name(data_type))]
    Type {
        /// The column.
        column: String,
        /// Its type.
        data_type: Box<DataType>,
    },
    /// A row would take more than 4 GiB.
    #[error("a row takes {bytes} bytes, and at most 4 GiB can be kept; select less of it")]
    TooLarge {
        /// How many.
        bytes: u64,
    },
    /// Bytes are no row of the columns.
    #[error(
        "{bytes} bytes are no row of {columns} columns: {what}; they were written by another query, or are damaged: start with --fresh"
    )]
    Damaged {
        /// How many bytes.
        bytes: usize,
        /// How many columns.
        columns: usize,
        /// What does not fit.
        what: &'static str,
    },
    /// A value is of another type than its column.
    #[error("a value of column {column} is {found}, the column a {}", type_name(data_type))]
    Misfit {
        /// The column's number.
        column: usize,
        /// What was found.
        found: String,
        /// The column's type.
        data_type: Box<DataType>,
    },
    /// An aggregate fails on the values of a group.
    #[error("{function} fails: {message}")]
    Aggregate {
        /// Its name.
        function: String,
        /// Why.
        message: String,
    },
}

impl Faulty for RowError {
    /// Always the user's: the same row would meet it again.
    fn fault(&self) -> Fault {
        Fault::User
    }
}
