//! Where a table's rows come from.

use crate::api::{Job, Stream};
use crate::connector::{Line, Source};
use crate::sql::catalog::{Column, OptionError};
use crate::sql::row::Row;
use crate::sql::settings::unknown;
use crate::sql::type_name;
use arrow::datatypes::DataType;

/// Opens a stream, once.
type Open<T> = Box<dyn FnOnce(&Job) -> Stream<T>>;

/// What a connector reads: lines for the table's format, or rows.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::sql::connector::Input;
///
/// let input = Input::lines(FileSource::lines(["access.log"]));
/// assert!(input.has_lines());
/// ```
pub struct Input(pub(in crate::sql) Brings);

pub(in crate::sql) enum Brings {
    Lines(Open<Line>),
    Rows(Open<Row>),
}

impl Input {
    /// Lines; the table's format makes rows of them.
    pub fn lines(source: impl Source<Record = Line>) -> Self {
        Input(Brings::Lines(Box::new(move |job| job.source(source))))
    }

    /// Rows with the physical columns of the table, all of them, in order.
    pub fn rows(source: impl Source<Record = Row>) -> Self {
        Input(Brings::Rows(Box::new(move |job| job.source(source))))
    }

    /// Whether it brings lines.
    pub fn has_lines(&self) -> bool {
        matches!(self.0, Brings::Lines(_))
    }

    /// Whether it knows what a column of METADATA asks for.
    pub(in crate::sql) fn check_metadata(&self, column: &Column, key: &str) -> Result<(), OptionError> {
        if self.has_lines() {
            return LinePart::of(column, key).map(|_| ());
        }
        let message = format!("`{}`: this connector has no METADATA; leave the column out", column.name);
        Err(OptionError { key: None, message })
    }
}

/// What is known of a line besides its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sql) enum LinePart {
    /// The path of its file.
    Path,
    /// The last part of that.
    Name,
    /// The place of its first byte in the file, as it is when decompressed.
    Offset,
}

impl LinePart {
    const ALL: [(&str, LinePart); 3] =
        [("file.path", LinePart::Path), ("file.name", LinePart::Name), ("offset", LinePart::Offset)];

    /// What a column of METADATA is filled with.
    ///
    /// * `key`: the name under which it asks.
    ///
    /// # Errors
    /// If nothing of that name is known, or the column is of another type.
    pub(in crate::sql) fn of(column: &Column, key: &str) -> Result<Self, OptionError> {
        let refused = |message| Err(OptionError { key: None, message });
        if ["file.size", "file.modification-time"].contains(&key) {
            return refused(format!(
                "column `{}`: '{key}' may be another one when the file is read again after a restart, so it is not told; \
                 there are file.path, file.name, offset",
                column.name
            ));
        }
        let Some((_, part)) = LinePart::ALL.iter().find(|(name, _)| *name == key) else {
            let names = LinePart::ALL.iter().map(|(name, _)| *name);
            return refused(format!("column `{}`: {}", column.name, unknown("metadata of a line", key, names)));
        };
        let (fits, wanted) = match part {
            LinePart::Path | LinePart::Name => {
                (matches!(column.data_type, DataType::Utf8 | DataType::Utf8View), "STRING")
            }
            LinePart::Offset => (column.data_type == DataType::Int64, "BIGINT"),
        };
        if !fits {
            let found = type_name(&column.data_type);
            return refused(format!("column `{}` is a {found}, but '{key}' is a {wanted}", column.name));
        }
        Ok(*part)
    }
}
