//! Joins: which rows of two streams belong together, and what becomes of those that are alone.
//!
//! | join | partners are rows of one key | kept until | rows without a partner are told |
//! |---|---|---|---|
//! | [`interval`] | whose times differ by what the bounds allow | the watermark says that no partner can come | then |
//! | [`regular`] | | for ever, or for a time to live | at once, and taken back when a partner comes |
//! | [`window`](window()) | that are in the same window | the watermark passes the window's end | then |
//! | [`lookup`](lookup()) | one of them of a table that does not change | the job ends | at once |
//!
//! # How
//! The streams are keyed by the columns that are to be equal, and what each brings is kept by key; a table that is looked up is
//! in memory, and whole in each subtask. A further condition is
//! evaluated for one row and all its candidates at once. The columns of a result are copied as bytes, never read.
//!
//! # Invariants
//! * A row with NULL in a key has no partner. It is told alone at once, or dropped, and never kept.
//! * A row for which the condition fails becomes a dead letter, and is as if it had never come: the condition is evaluated before
//!   anything is kept or sent on.
//! * Where two rows of one key meet, results come in the order in which rows arrive; those of one arrival in the order in which
//!   partners are kept: by time and arrival (interval), by their bytes (regular), or by arrival (window).

mod condition;
mod interval;
mod kind;
mod lookup;
mod regular;
mod shape;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
mod window;

pub(in crate::sql) use interval::interval;
pub(in crate::sql) use lookup::{TableRows, lookup};
pub(in crate::sql) use regular::regular;
pub(in crate::sql) use window::window;

use super::Prepared;
use super::late::LATE;
use crate::api::{KeyedStream, Stream};
use crate::operator::OnError;
use crate::operator::process::{CoProcess, Tag};
use crate::sql::position::Position;
use crate::sql::row::{Row, RowCodec, RowKey};
use arrow::datatypes::Schema;
use datafusion_common::{DFSchema, JoinType};
use datafusion_expr::Expr;
use shape::Shape;
use std::sync::Arc;

/// One of the two inputs.
#[derive(Clone)]
pub(in crate::sql) struct Side {
    /// Its rows.
    pub(in crate::sql) stream: Stream<Row>,
    /// Their columns.
    pub(in crate::sql) columns: Columns,
}

/// The columns of one of the two inputs.
#[derive(Clone, Debug)]
pub(in crate::sql) struct Columns {
    /// Of its rows.
    pub(in crate::sql) codec: RowCodec,
    /// So many of its first columns are its own; what is behind them has been computed for the join.
    pub(in crate::sql) width: usize,
    /// The columns that are to be equal to those of the other side, one by one and of the same types.
    pub(in crate::sql) keys: Vec<usize>,
}

/// What all joins are told.
#[derive(Clone, Copy)]
pub(in crate::sql) struct Join<'j> {
    /// What of each side stays.
    pub(in crate::sql) kind: JoinType,
    /// A further condition, and the columns it is about: the left ones and then the right ones, without those that have been
    /// computed for the join.
    pub(in crate::sql) condition: Option<(&'j DFSchema, &'j Expr)>,
    /// The columns of the result.
    pub(in crate::sql) output: &'j Schema,
    /// The statement.
    pub(in crate::sql) at: Position,
    /// Of the operator.
    pub(in crate::sql) uid: &'j str,
}

/// Where what comes late goes, by the side of the function.
fn late(exchanged: bool) -> [Tag<Row>; 2] {
    let [left, right] = LATE;
    if exchanged { [right, left] } else { [left, right] }
}

/// Both sides into one function.
///
/// * `exchanged`: side 0 is not the left one.
fn connect<F>(
    (left, right): (&Side, &Side),
    exchanged: bool,
    shape: &Arc<Shape>,
    join: &Join<'_>,
    function: F,
) -> Prepared
where
    F: CoProcess<Key = RowKey, Left = Row, Right = Row, Output = Row>,
{
    let keyed = |side: usize| -> KeyedStream<RowKey, Row> {
        let (shape, from) = (Arc::clone(shape), if (side == 0) == exchanged { right } else { left });
        let key = move |row: &Row| shape.key(side, row).expect("a row has the columns of its stream");
        from.stream.key_by(key).uid(format!("{}/key{side}", join.uid))
    };
    let joined = keyed(0).connect(&keyed(1)).process(function).uid(join.uid).on_error(OnError::dead_letter());
    Prepared { stream: joined, codec: shape.output().clone() }
}
