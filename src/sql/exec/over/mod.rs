//! `OVER`: columns that are computed of the rows before each row, and of that row.
//!
//! | frame | of which rows a column is computed | state per key |
//! |---|---|---|
//! | `ROWS BETWEEN n PRECEDING AND CURRENT ROW` | the row and the `n` before it | the last `n` rows, what the function keeps |
//! | `RANGE BETWEEN INTERVAL .. PRECEDING AND CURRENT ROW` | all whose event time is at most so much earlier, and all of the same time | those rows, what the function keeps |
//! | `.. UNBOUNDED PRECEDING ..` | all before it; by `RANGE` also all of the same time | what the function keeps |
//!
//! # Invariants
//! * Rows of a key wait until the watermark has come to their time, and then go on in the order of event time; those of one time
//!   in the order in which they came, as in Flink. What comes later is late: it is dropped and counted.
//! * A row goes on once, as it came, with its columns behind its own.
//! * What a frame leaves behind is taken back from what the functions keep; rows are dropped with the last frame that holds them.
//!   Of a key whose frames are all by time and empty nothing is kept.
//! * `table.exec.state.ttl`, by the machine's clock, is counted from the last row of a key that went on: then it begins anew.
//!
//! Where Flink has one frame per SELECT, here each function may have its own. `RANK` and `DENSE_RANK` work, too.

mod frame;
mod function;
mod planned;
mod process;
#[cfg(test)]
mod tests;

pub(super) use planned::Planned;

use super::{ExecError, Prepared};
use crate::operator::OnError;
use crate::sql::row::{KeyCodec, RowCodec};
use arrow::datatypes::Schema;
use frame::Frame;
use function::Function;
use process::Looking;
use std::time::Duration;

/// The rows of `input` with a column for each function.
///
/// * `columns`: where in the input each of [`Planned::reads`] is.
/// * `output`: the first columns of the input, and behind them the functions'.
/// * `ttl`: how long a key is remembered after its last row; `None`: for ever.
/// * `uid`: of the operator.
pub(super) fn over(
    input: &Prepared,
    planned: Planned,
    columns: &[usize],
    (output, ttl, uid): (&Schema, Option<Duration>, &str),
) -> Result<Prepared, ExecError> {
    let (partition, functions) = planned.placed(columns, &input.codec)?;
    let keys = KeyCodec::new(&input.codec, &partition)?;
    let codec = RowCodec::new(output)?;
    let keyed = input.stream.key_by(move |row| keys.key(row).expect("a row has the columns of its stream"));
    let keyed = keyed.uid(format!("{uid}/key")).on_error(OnError::dead_letter());
    let looking = Looking::new(input.codec.clone(), codec.clone(), functions, ttl);
    Ok(Prepared { stream: keyed.process(looking).uid(uid).on_error(OnError::dead_letter()), codec })
}
