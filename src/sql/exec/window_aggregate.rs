//! Aggregates by key and window.

use super::late::Dropped;
use super::windowing::Windowing;
use super::{ExecError, Prepared};
use crate::operator::window::Windowed;
use crate::sql::aggregate::Aggregates;
use crate::sql::row::{KeyCodec, RowCodec, RowError, RowKey, RowKind, Value};
use arrow::datatypes::Schema;
use std::mem;

/// Where a column of the result comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// The column of the key with this number.
    Key(usize),
    Start,
    End,
    /// The instant before the end.
    Time,
    /// The aggregate with this number.
    Aggregate(usize),
}

/// What is aggregated.
pub(super) struct WindowAggregate<'w> {
    pub(super) windowing: Windowing,
    /// The columns of the key.
    pub(super) keys: &'w [usize],
    pub(super) aggregates: Aggregates,
    /// Where each column of the result comes from.
    pub(super) from: Vec<From>,
    pub(super) output: &'w Schema,
    pub(super) uid: &'w str,
}

/// One row per key and window, when the watermark (or the clock) passes the window's end; its event time is the last instant of the
/// window. At the end of input, windows by the clock are told at once.
///
/// Rows that come later are dropped and counted, as in Flink. State: what the aggregates keep, per key and window (HOP: per key
/// and slide).
///
/// Returns also the rows that it drops.
pub(super) fn window_aggregate(
    input: &Prepared,
    aggregate: WindowAggregate<'_>,
) -> Result<(Prepared, Dropped), ExecError> {
    let WindowAggregate { windowing, keys, aggregates, from, output, uid } = aggregate;
    let keys = KeyCodec::new(&input.codec, keys)?;
    let codec = RowCodec::new(output)?;
    let (key, on_error) = (keys.clone(), aggregates.on_error());
    let keyed = input.stream.key_by(move |row| key.key(row).expect("a row has the columns of its stream"));
    let keyed = keyed.uid(format!("{uid}/key")).on_error(on_error);
    let windowed = keyed.window(windowing.windows(&input.codec));
    let late = windowed.late();
    let closed = windowed.aggregate(aggregates).uid(uid).on_error(on_error);
    let result = codec.clone();
    let rows = closed.map(move |window: Windowed<RowKey, Result<Vec<Value<'static>>, RowError>>| {
        // What is raised here makes a dead letter of the result.
        let mut results = window.value.unwrap_or_else(|error| panic!("{error}"));
        let mut key = keys.values(&window.key).expect("a key has the columns of its stream");
        let values = from.iter().map(|from| match from {
            // Each is told once.
            From::Key(column) => mem::replace(&mut key[*column], Value::Null),
            From::Start => Value::Int(windowing.start(window.start, window.end).millis()),
            From::End => Value::Int(window.end.millis()),
            From::Time => Value::Int(window.end.plus_millis(-1).millis()),
            From::Aggregate(number) => mem::replace(&mut results[*number], Value::Null),
        });
        let values: Vec<Value<'_>> = values.collect();
        result.row(RowKind::Insert, &values).unwrap_or_else(|error| panic!("{error}"))
    });
    Ok((Prepared { stream: rows.uid(format!("{uid}/result")).on_error(on_error), codec }, late))
}
