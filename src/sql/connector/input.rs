//! Where a table's rows come from.

use crate::api::{Job, Stream};
use crate::connector::{Line, Source};
use crate::sql::row::Row;

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
}
