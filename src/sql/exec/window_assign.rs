//! Window functions whose windows are columns of the rows.

use super::grid::Grid;
use super::late::Dropped;
use super::{ExecError, Prepared};
use crate::operator::OnError;
use crate::operator::window::{Session, Window as Span};
use crate::sql::plan::Window;
use crate::sql::row::{KeyCodec, Row, RowCodec, RowError, Value};
use crate::time::{Timestamp, millis};
use arrow::datatypes::{DataType, Schema, TimeUnit};

/// What is assigned.
pub(super) struct Assign<'a> {
    pub(super) window: Window,
    /// The column of the event time. A row in which it is NULL is in no window.
    pub(super) time: usize,
    /// What sessions are kept apart by.
    pub(super) partition: &'a [usize],
    /// So many of the input's last columns stay behind those three.
    pub(super) behind: usize,
    /// The columns of the input and those three.
    pub(super) output: &'a Schema,
    /// Of the operator.
    pub(super) uid: &'a str,
}

/// Adds the columns `window_start`, `window_end` and `window_time` to each row; a row of several windows becomes several, the
/// window that ends first in front.
///
/// Stateless, except for sessions: their rows wait until the session is over, and a row that is late for its session is dropped
/// and counted.
///
/// Returns also the rows that it drops, if it can drop any.
pub(super) fn window_assign(input: &Prepared, assign: Assign<'_>) -> Result<(Prepared, Option<Dropped>), ExecError> {
    let Assign { window, time, partition, behind, output, uid } = assign;
    let width = input.codec.schema().fields().len() - behind;
    let widen =
        Widen { input: input.codec.clone(), output: RowCodec::new(output)?, width, scale: scale(output, width + 2) };
    let mut dropped = None;
    let codec = widen.output.clone();
    let stream = match (window, Grid::new(window)) {
        (_, Some(grid)) => input.stream.flat_map(move |row: Row| {
            let mut widened = Vec::new();
            if let Some(time) = widen.time(&row, time) {
                grid.windows(time, |window| widened.push(widen.row(&row, window)));
            }
            widened
        }),
        (Window::Session { gap }, None) => {
            let keys = KeyCodec::new(&input.codec, partition)?;
            let keyed = input.stream.key_by(move |row| keys.key(row).expect("a row has the columns of its stream"));
            let sessions = keyed.uid(format!("{uid}/key")).window(Session::gap(millis(gap.unsigned_abs())));
            dropped = Some(sessions.late());
            sessions.process(move |_, info, rows: &[Row], emit| {
                rows.iter().for_each(|row| emit(widen.row(row, info.window)));
            })
        }
        _ => unreachable!("all but sessions lie on a grid"),
    };
    Ok((Prepared { stream: stream.uid(uid).on_error(OnError::dead_letter()), codec }, dropped))
}

/// How many of a time column's units are in a millisecond, as a fraction.
fn scale(output: &Schema, column: usize) -> (i64, i64) {
    match output.fields().get(column).map(|field| field.data_type()) {
        Some(DataType::Timestamp(TimeUnit::Second, _)) => (1, 1000),
        Some(DataType::Timestamp(TimeUnit::Microsecond, _)) => (1000, 1),
        Some(DataType::Timestamp(TimeUnit::Nanosecond, _)) => (1_000_000, 1),
        _ => (1, 1),
    }
}

/// Makes rows with a window's columns.
struct Widen {
    input: RowCodec,
    output: RowCodec,
    /// Where the three columns stand.
    width: usize,
    /// Of the event time, and so of `window_time`; the bounds are milliseconds.
    scale: (i64, i64),
}

impl Widen {
    fn time(&self, row: &Row, column: usize) -> Option<Timestamp> {
        let Ok(Value::Int(time)) = self.input.value(row, column) else { return None };
        let (units, millis) = self.scale;
        Some(Timestamp::from_millis(time.div_euclid(units).saturating_mul(millis)))
    }

    fn row(&self, row: &Row, window: Span) -> Row {
        let (units, millis) = self.scale;
        let widened = || -> Result<Row, RowError> {
            let mut values = self.input.values(row)?;
            let last = window.last_instant().millis().saturating_mul(units).div_euclid(millis);
            let bounds = [window.start.millis(), window.end.millis(), last].map(Value::Int);
            values.splice(self.width..self.width, bounds);
            self.output.row(row.kind(), &values)
        };
        widened().expect("a row of the input fits the output, which has three columns more")
    }
}
