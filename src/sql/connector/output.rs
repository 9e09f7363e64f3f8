//! Where a table's rows go.

use crate::api::{End, Stream};
use crate::connector::Sink;
use crate::sql::catalog::Takes;
use crate::sql::row::Row;

/// Ends a stream.
type EndIn<T> = Box<dyn FnOnce(&Stream<T>) -> End>;

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
    /// Given the first line of each file, if the format has one.
    Lines(Box<dyn FnOnce(Option<String>) -> EndIn<String>>),
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
        Output(Goes::Lines(Box::new(end)))
    }

    /// Rows with the columns that an INSERT writes, in order.
    ///
    /// * `takes`: whether it can be told that rows change.
    pub fn rows(takes: Takes, sink: impl Sink<Row>) -> Self {
        Output(Goes::Rows(takes, Box::new(move |rows| rows.sink(sink))))
    }
}
