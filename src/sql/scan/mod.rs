//! Tables as sources: from lines (or rows) to the rows that queries read.
//!
//! # How
//! One operator behind the source does all of it, column by column, for a block of input at a time:
//! 1. the table's format reads the lines into columns, only those that are needed;
//! 2. computed columns are computed, and the event time is taken out of its column;
//! 3. the steps that follow in the plan (filters, projections) are taken, so that no row is made of what is filtered out;
//! 4. what is left becomes [`Row`](super::row::Row)s, each with its event time, and the watermark is told.
//!
//! # Invariants
//! * Watermarks are made per split, of all its rows, also those that are filtered out: a query does not change when a window
//!   closes. They are told at the end of a batch, or behind each row if the table says so.
//! * The watermark is what `WATERMARK FOR` says, as in Flink: a row whose event time is not above it is late.
//! * A line that is malformed, a row without event time, and a row for which an expression fails become dead letters, with the
//!   line and its place.

mod columns;
mod decode;
mod stage;
#[cfg(test)]
mod tests;

use super::catalog::Table;
use super::connector::{Brings, Registry};
use super::eval::{EvalError, Expressions, Steps};
use super::exec::ExecError;
use super::row::Row;
use crate::api::{Job, Stream};
use crate::connector::Line;
use crate::operator::OnError;
use crate::time::Watermarks;
use columns::Columns;
use decode::{Lines, Rows};
use stage::Scan;
use std::sync::Arc;
use std::time::Duration;

/// The rows of a table.
///
/// * `columns`: which of its columns are read by the steps, or given if there are none.
/// * `steps`: what is done with them.
/// * `idle`: after what silence a split no longer holds event time back, if the table does not say; `None`: never, as in Flink.
///
/// # Errors
/// What does not fit: an option, a type, an expression.
pub(in crate::sql) fn scan(
    job: &Job,
    registry: &Registry,
    table: &Arc<Table>,
    columns: &[usize],
    steps: Vec<Arc<Expressions>>,
    idle: Option<Duration>,
) -> Result<Stream<Row>, ExecError> {
    let refused = |error| ExecError::table(&table.name, error);
    let (input, reader) = registry.input(table).map_err(refused)?;
    let timing = registry.timing(table).map_err(refused)?;
    let idle = timing.idle.or(idle).filter(|idle| !idle.is_zero());
    let columns = Columns::new(table, columns)?;
    let steps = Steps::new(columns.given(), steps);
    let watermarks = table.watermark.as_ref().map(|watermark| {
        let delay = watermark.delay_ms.filter(|_| !columns.has_mark()).unwrap_or(0);
        let watermarks = Watermarks::custom(move |max: crate::time::Timestamp| max.plus_millis(-delay));
        // As good as never: longer than a program lives.
        let watermarks = watermarks.idle_after(idle.unwrap_or(Duration::from_secs(100 * 365 * 86_400)));
        match timing.max_drift {
            Some(max_drift) => watermarks.aligned(max_drift),
            None => watermarks,
        }
    });
    let watermarks = (watermarks, timing.emit);
    let uid = format!("scan/{}", table.name);
    let rows = match input.0 {
        Brings::Lines(open) => {
            job.record_type::<Line>();
            let lines = Lines::new(table, reader, &columns).map_err(refused)?;
            open(job).uid(&uid).then("scan", Scan::new(lines, columns, steps, watermarks)?)
        }
        Brings::Rows(open) => {
            let rows = Rows::new(table, &columns)?;
            open(job).uid(&uid).then("scan", Scan::new(rows, columns, steps, watermarks)?)
        }
    };
    Ok(rows.uid(format!("{uid}/rows")).on_error(OnError::dead_letter()))
}
