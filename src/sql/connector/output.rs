//! Where a table's rows go.

use super::line_key::LineKeys;
use crate::api::{End, Stream};
use crate::connector::{LineChange, Sink};
use crate::sql::catalog::Takes;
use crate::sql::row::Row;

/// Ends a stream.
type EndIn<T> = Box<dyn FnOnce(&Stream<T>) -> End>;
/// Ends a stream of lines, given the first line of each file, if the format has one.
type LinesEnd = Box<dyn FnOnce(Option<String>) -> EndIn<String>>;
/// The same of changes, given also what finds the key of a line.
type KeyedEnd = Box<dyn FnOnce(Option<String>, LineKeys) -> EndIn<LineChange>>;

/// What a connector writes: lines of the table's format, or rows.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::sql::connector::Output;
///
/// let output = Output::lines(|header| match header {
///     Some(header) => FileSink::lines("out.csv").header([header]),
///     None => FileSink::lines("out.csv"),
/// });
/// # let _ = output;
/// ```
pub struct Output(pub(in crate::sql) Goes);

pub(in crate::sql) enum Goes {
    Lines {
        all: LinesEnd,
        /// How the current line of each key is written, if it can be.
        keyed: Option<KeyedEnd>,
    },
    /// The current line of each key.
    Keyed {
        end: KeyedEnd,
        keys: LineKeys,
        /// The columns of the key, among those that are written.
        columns: Vec<usize>,
    },
    Rows(Takes, EndIn<Row>),
}

impl Output {
    /// Lines, without line ends, as the table's format writes them. Which rows it takes is the format's to say.
    ///
    /// * `sink`: is given the line that stands at the head of each file, if the format has one.
    pub fn lines<S: Sink<String>>(sink: impl FnOnce(Option<String>) -> S + 'static) -> Self {
        let end = |header| -> EndIn<String> {
            let sink = sink(header);
            Box::new(move |lines| lines.sink(sink))
        };
        Output(Goes::Lines { all: Box::new(end), keyed: None })
    }

    /// How a table with a PRIMARY KEY is written instead, in a format that cannot say that rows change.
    pub(super) fn or_keyed<S: Sink<LineChange>>(
        self,
        sink: impl FnOnce(Option<String>, LineKeys) -> S + 'static,
    ) -> Self {
        let end = |header, keys| -> EndIn<LineChange> {
            let sink = sink(header, keys);
            Box::new(move |lines| lines.sink(sink))
        };
        match self.0 {
            Goes::Lines { all, .. } => Output(Goes::Lines { all, keyed: Some(Box::new(end)) }),
            other => Output(other),
        }
    }

    /// Rows with the columns that an INSERT writes, in order.
    ///
    /// * `takes`: whether it can be told that rows change.
    pub fn rows(takes: Takes, sink: impl Sink<Row>) -> Self {
        Output(Goes::Rows(takes, Box::new(move |rows| rows.sink(sink))))
    }
}
