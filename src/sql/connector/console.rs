//! The standard streams of the process.

use super::registry::written;
use super::{Connector, Input, OptionDoc, Options, Output};
use crate::connector::{Error, StdinSource, StdoutSink};
use crate::sql::catalog::{OptionError, Takes};
use crate::sql::row::{Row, RowCodec};
use crate::sql::text::print_row;

/// `print`: rows of all kinds on standard output, as Flink prints them: `+I[ada, 3]`.
///
/// At least once: what was printed cannot be taken back, so rows since the last checkpoint come again after a restart.
///
/// ```
/// use millstream::sql::connector::{Connector, Print};
///
/// assert_eq!(Print.options()[0].key, "print-identifier");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Print;

impl Connector for Print {
    fn name(&self) -> &str {
        "print"
    }

    fn doc(&self) -> &str {
        "rows on standard output, with how each changes the table: +I[ada, 3]"
    }

    fn options(&self) -> &[OptionDoc] {
        &[OptionDoc { key: "print-identifier", default: None, doc: "stands before each row, with `> `" }]
    }

    fn sink(&self, options: Options<'_>) -> Result<Output, OptionError> {
        let prefix = options.text("print-identifier").filter(|text| !text.is_empty());
        let prefix = prefix.map(|text| format!("{text}> ")).unwrap_or_default();
        let codec =
            RowCodec::new(&written(options.table())).map_err(|error| options.refuse("connector", error.to_string()))?;
        let print = move |row: &Row, line: &mut Vec<u8>| {
            let mut text = prefix.clone();
            let values = codec.values(row).map_err(|error| Error::user(error.to_string()))?;
            print_row(&mut text, row.kind(), &values, codec.schema().fields().iter().map(|field| field.data_type()));
            line.extend_from_slice(text.as_bytes());
            Ok(())
        };
        Ok(Output::rows(Takes::Changes, StdoutSink::with(print)))
    }
}

/// `stdout`: lines of a format on standard output, at least once.
///
/// ```
/// use millstream::sql::connector::{Connector, Stdout};
///
/// assert!(Stdout.has_format());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Stdout;

impl Connector for Stdout {
    fn name(&self) -> &str {
        "stdout"
    }

    fn doc(&self) -> &str {
        "lines on standard output (not in Flink)"
    }

    fn options(&self) -> &[OptionDoc] {
        &[]
    }

    fn has_format(&self) -> bool {
        true
    }

    fn sink(&self, _: Options<'_>) -> Result<Output, OptionError> {
        // Lines of several subtasks and lives have no common first one.
        Ok(Output::lines(|_| StdoutSink::<String>::lines()))
    }
}

/// `stdin`: lines of standard input, once: it cannot be read again, so after a crash a job that reads it starts anew.
///
/// ```
/// use millstream::sql::connector::{Connector, Stdin};
///
/// assert!(Stdin.has_format());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Stdin;

impl Connector for Stdin {
    fn name(&self) -> &str {
        "stdin"
    }

    fn doc(&self) -> &str {
        "lines of standard input (not in Flink)"
    }

    fn options(&self) -> &[OptionDoc] {
        &[]
    }

    fn has_format(&self) -> bool {
        true
    }

    fn source(&self, _: Options<'_>) -> Result<Input, OptionError> {
        Ok(Input::lines(StdinSource::lines()))
    }
}
