//! The first rows of each partition, numbered: Top-N and deduplication.
//!
//! | plan | rows given | state per key |
//! |---|---|---|
//! | within windows | once, when the watermark passes the window's end | the first rows so far |
//! | the earliest row by event time | once, when the watermark passes it: an earlier one cannot come any more | that row, then a mark |
//! | the latest row by event time | at once, each later one replaces it | that row |
//! | any order | at once; rows come, change their number, and go | the first rows; all rows if the input changes |
//!
//! Flink gives the earliest row at once and replaces it when an earlier one comes; here it is never replaced, so it fits sinks
//! that only take new rows. Rows that the order does not tell apart are ordered by their stored form, so that the result does not
//! depend on which came first; of rows with one event time, the first (or last) to come is kept, as in Flink.

mod by_time;
mod changing;
mod in_window;

use super::late::Dropped;
use super::order::Order;
use super::windowing::Windowing;
use super::{ExecError, Prepared};
use crate::operator::OnError;
use crate::operator::TimeDomain;
use crate::operator::process::{Failure, States};
use crate::sql::plan::RankBy;
use crate::sql::row::{KeyCodec, Row, RowCodec, RowError, RowKey, RowKind, Value};
use crate::state::{StateValue, Ttl, ValueState};
use arrow::datatypes::Schema;
use std::time::Duration;

/// What a rank is.
pub(super) struct Rank<'r> {
    /// The columns that rows are kept apart by.
    pub(super) partition: &'r [usize],
    /// The order within a partition.
    pub(super) order: Order,
    /// How many rows of each partition are given.
    pub(super) limit: usize,
    /// How they are found.
    pub(super) by: RankBy,
    /// How rows come to be in their windows, if the partition is one.
    pub(super) windowing: Option<Windowing>,
    /// Whether rows of the input change.
    pub(super) changes: bool,
    /// How long state is kept after it was last written; `None`: for ever.
    pub(super) ttl: Option<Duration>,
    /// The first columns of the input, and behind them the number.
    pub(super) output: &'r Schema,
    /// Of the operator.
    pub(super) uid: &'r str,
}

/// The rows of `input` that are among the first of their partition; and those that come too late for their window, if the
/// partition is one.
pub(super) fn rank(input: &Prepared, rank: Rank<'_>) -> Result<(Prepared, Option<Dropped>), ExecError> {
    let Rank { partition, order, limit, by, windowing, changes, ttl, output, uid } = rank;
    let keys = KeyCodec::new(&input.codec, partition)?;
    let numbered = Numbered { input: input.codec.clone(), output: RowCodec::new(output)? };
    let codec = numbered.output.clone();
    let keyed = input.stream.key_by(move |row| keys.key(row).expect("a row has the columns of its stream"));
    let keyed = keyed.uid(format!("{uid}/key"));
    let mut late = None;
    let stream = match (by, windowing) {
        (RankBy::Window, Some(windowing)) => {
            let windowed = keyed.window(windowing.windows(&input.codec));
            late = Some(windowed.late());
            let first = windowed.aggregate(in_window::FirstRows { order, limit }).uid(uid);
            // The same uid twice is none: the second operator has no state.
            let numbered = first.flat_map(move |window| numbered.all(window.value, RowKind::Insert));
            numbered.uid(format!("{uid}/number"))
        }
        (RankBy::First, _) => keyed.process(by_time::First { numbered, ttl }).uid(uid),
        (RankBy::Last, _) => keyed.process(by_time::Last { numbered, ttl }).uid(uid),
        _ => keyed.process(changing::Changing { numbered, order, limit, changes, ttl }).uid(uid),
    };
    Ok((Prepared { stream: stream.on_error(OnError::dead_letter()), codec }, late))
}

/// Makes rows with their number.
#[derive(Clone, Debug)]
struct Numbered {
    input: RowCodec,
    output: RowCodec,
}

impl Numbered {
    /// The row as the `number`th, counted from 1.
    fn row(&self, row: &Row, number: usize, kind: RowKind) -> Result<Row, RowError> {
        let mut values = self.input.values(row)?;
        values.truncate(self.output.schema().fields().len() - 1);
        values.push(Value::Unsigned(number as u64));
        self.output.row(kind, &values)
    }

    fn all(&self, rows: Vec<Row>, kind: RowKind) -> Vec<Row> {
        let number = |(at, row)| self.row(row, at + 1, kind).expect("a row of the input fits the output");
        rows.iter().enumerate().map(number).collect()
    }
}

/// A value per key, perhaps for a while.
fn value<V: StateValue>(
    states: &mut States<'_, RowKey>,
    ttl: Option<Duration>,
) -> Result<ValueState<RowKey, V>, Failure> {
    match ttl {
        Some(ttl) => states.value_with_ttl("rows", Ttl::after(ttl), TimeDomain::Processing),
        None => states.value("rows"),
    }
}
