//! Formats: lines of text as rows, and rows as lines of text.
//!
//! | format | reads | writes | what |
//! |---|---|---|---|
//! | `csv` | yes | yes | RFC 4180, with Flink's options |
//! | `json` | yes | yes | an object per line |
//! | `raw` | yes | yes | the line as it is, for a table of one column |
//! | `combined-log`, `common-log` | yes | no | access logs of Apache and Nginx |
//! | `debezium-json` | yes | yes | changes, as Debezium tells them |
//!
//! A record is a line: a line break within quotes, as CSV knows it, is not read. A line that is malformed is told with its
//! reason and goes the way of the source's error policy; with `ignore-parse-errors` a field that does not fit is NULL, and a
//! line that is none is left out and counted, as in Flink.

mod debezium;
mod delimited;
mod digits;
mod json;
mod log;
mod object;
mod raw;
#[cfg(test)]
mod tests;

pub use debezium::DebeziumJson;
pub use delimited::Csv;
pub use json::Json;
pub use log::AccessLog;
pub use raw::Raw;

use crate::sql::catalog::OptionError;
use crate::sql::connector::{OptionDoc, Options};
use crate::sql::row::{RowKind, Value};
use arrow::datatypes::SchemaRef;
use std::sync::Arc;

/// A way to write rows as lines.
///
/// ```
/// use millstream::sql::format::{Csv, Format};
///
/// assert_eq!(Csv.name(), "csv");
/// assert!(!Csv.takes_changes());
/// ```
pub trait Format: Send + Sync {
    /// Its name, as `'format' = '…'` says it.
    fn name(&self) -> &'static str;

    /// What it is, in a sentence.
    fn doc(&self) -> &'static str;

    /// Its options, without its name in front.
    fn options(&self) -> &'static [OptionDoc];

    /// Whether rows of all kinds can be written; else only `+I`.
    fn takes_changes(&self) -> bool {
        false
    }

    /// Whether rows of all kinds can be read.
    fn brings_changes(&self) -> bool {
        false
    }

    /// Reads lines of a table.
    ///
    /// * `columns`: all that are physical, in order, as the lines have them.
    /// * `wanted`: the numbers of those that are to be read, ascending.
    ///
    /// # Errors
    /// What does not fit: an option, or a column's name or type.
    fn reader(
        &self,
        options: Options<'_>,
        columns: &SchemaRef,
        wanted: &[usize],
    ) -> Result<Arc<dyn ReadLine>, OptionError>;

    /// Writes lines of a table.
    ///
    /// * `columns`: those that are written, in order.
    ///
    /// # Errors
    /// What does not fit: an option, or a column's name or type.
    fn writer(&self, options: Options<'_>, columns: &SchemaRef) -> Result<Arc<dyn WriteLine>, OptionError>;
}

/// The rows of a line.
#[derive(Debug, Default)]
pub struct Found<'l> {
    /// The values of all rows, one behind the other.
    pub values: Vec<Value<'l>>,
    /// The kind of each row.
    pub kinds: Vec<RowKind>,
    /// Lines that were malformed and are left out.
    pub ignored: u64,
}

impl Found<'_> {
    /// The values pushed last are a row.
    pub fn row(&mut self, kind: RowKind) {
        self.kinds.push(kind);
    }
}

/// Reads lines. The same line is always read as the same rows.
pub trait ReadLine: Send + Sync {
    /// Appends the rows of a line: for each a value per wanted column, and its kind.
    ///
    /// # Errors
    /// Why it is none; what was appended then is taken back.
    fn read<'l>(&self, line: &'l [u8], found: &mut Found<'l>) -> Result<(), String>;

    /// Whether the first line of each file is a heading.
    fn has_header(&self) -> bool {
        false
    }
}

/// Writes lines. The same row is always the same line.
pub trait WriteLine: Send + Sync {
    /// Appends the line of a row, without a line end.
    ///
    /// # Errors
    /// Why it cannot be written; what was appended then is taken back.
    fn write(&self, kind: RowKind, values: &[Value<'_>], out: &mut String) -> Result<(), String>;

    /// The first line of each file.
    fn header(&self) -> Option<String> {
        None
    }
}

/// A refusal of a direction that a format does not have.
fn one_way(format: &str, message: &str) -> OptionError {
    OptionError { key: Some("format".to_owned()), message: format!("format '{format}' {message}") }
}

/// What is done with a text that is no value of its column: NULL if errors are ignored.
fn misfit(column: &str, text: &str, data_type: &arrow::datatypes::DataType) -> String {
    const SHOWN: usize = 80;
    let end = text.char_indices().nth(SHOWN).map_or(text.len(), |(at, _)| at);
    let more = if end < text.len() { "…" } else { "" };
    format!("column `{column}` is a {}, found '{}{more}'", crate::sql::type_name(data_type), &text[..end])
}
