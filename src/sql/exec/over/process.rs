//! The operator: rows wait for the watermark, and go on with their columns.

use super::function::{Behind, Function, Held, Past, Place};
use crate::operator::TimeDomain;
use crate::operator::process::{Context, Failure, KeyedProcess, States, Timer};
use crate::sql::exec::late::LATE;
use crate::sql::row::{Row, RowCodec, RowKey, RowKind};
use crate::state::{MapState, ValueState};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Adds columns to the rows of a key.
pub(super) struct Looking {
    input: RowCodec,
    output: RowCodec,
    functions: Vec<Function>,
    ttl: Option<i64>,
    /// How many milliseconds after its last row a key is forgotten, if all frames are by time.
    horizon: Option<i64>,
    looks_back: bool,
}

/// What is known of a key besides its rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    /// How many rows have gone on.
    rows: u64,
    /// How many different times they had.
    times: u64,
    /// The last of them.
    time: i64,
    /// When that was, by processing time.
    touched: i64,
    /// When it is to be looked whether the key can be forgotten.
    forgets: i64,
    functions: Vec<Held>,
}

/// The states of an operator.
pub(super) struct Handles {
    /// Rows that the watermark has not come to, by event time.
    waiting: MapState<RowKey, i64, Vec<Row>>,
    past: Past,
    kept: ValueState<RowKey, Kept>,
}

impl Looking {
    /// * `output`: the first columns of `input`, and behind them the functions'.
    pub(super) fn new(input: RowCodec, output: RowCodec, functions: Vec<Function>, ttl: Option<Duration>) -> Self {
        let horizons = functions.iter().map(Function::horizon).collect::<Option<Vec<_>>>();
        Looking {
            horizon: horizons.and_then(|horizons| horizons.into_iter().max()),
            looks_back: functions.iter().any(Function::looks_back),
            ttl: ttl.map(|ttl| i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX)),
            input,
            output,
            functions,
        }
    }

    fn create(&self) -> Kept {
        let functions = self.functions.iter().map(Function::create).collect();
        Kept { rows: 0, times: 0, time: i64::MIN, touched: 0, forgets: i64::MIN, functions }
    }

    /// The rows of one time, with their columns.
    fn widen(&self, kept: &mut Kept, rows: &[Row], time: i64, behind: &Behind<'_>) -> Result<Vec<Row>, Failure> {
        let peers = kept.rows + 1;
        kept.times += 1;
        kept.time = time;
        let place = |number| Place { number, peers, times: kept.times, time };
        if self.looks_back {
            for (number, row) in (peers..).zip(rows) {
                behind.past.put(behind.at, number, (time, row.clone()))?;
            }
        }
        let last = kept.rows + rows.len() as u64;
        let mut shared = Vec::new();
        for (function, held) in self.functions.iter().zip(&mut kept.functions) {
            if !function.has_peers() {
                shared.push(None);
                continue;
            }
            for row in rows {
                function.enter(held, row, &self.input)?;
            }
            function.leave(held, place(last), behind)?;
            shared.push(Some(function.value(held, place(last), &rows[0], behind)?));
        }
        let width = self.output.schema().fields().len() - self.functions.len();
        let mut widened = Vec::with_capacity(rows.len());
        for (number, row) in (peers..).zip(rows) {
            let mut values = self.input.values(row)?;
            values.truncate(width);
            for ((function, held), shared) in self.functions.iter().zip(&mut kept.functions).zip(&shared) {
                values.push(match shared {
                    Some(value) => value.clone(),
                    None => {
                        function.enter(held, row, &self.input)?;
                        function.leave(held, place(number), behind)?;
                        function.value(held, place(number), row, behind)?
                    }
                });
            }
            widened.push(self.output.row(RowKind::Insert, &values)?);
        }
        kept.rows = last;
        let needed = self.functions.iter().zip(&kept.functions).map(|(function, held)| function.needs(held, last));
        let needed = needed.min().unwrap_or(u64::MAX);
        while self.looks_back && behind.past.remove_first_if(behind.at, |number, _| *number < needed)?.is_some() {}
        Ok(widened)
    }

    /// Forgets a key whose frames are empty, or asks to look again.
    fn forget(&self, state: &Handles, now: i64, ctx: &Context<'_, RowKey, Row>) -> Result<(), Failure> {
        let at = ctx.keyed();
        let Some(horizon) = self.horizon else { return Ok(()) };
        let Some((time, forgets)) = state.kept.with(at, |kept| kept.map(|kept| (kept.time, kept.forgets)))? else {
            return Ok(());
        };
        if now < forgets {
            return Ok(());
        }
        let Some(next) = time.checked_add(horizon).and_then(|last| last.checked_add(1)) else { return Ok(()) };
        if next <= now {
            return self.clear(state, ctx);
        }
        state.kept.update(at, || self.create(), |kept| kept.forgets = next)?;
        ctx.set_event_timer(Timestamp::from_millis(next))
    }

    fn clear(&self, state: &Handles, ctx: &Context<'_, RowKey, Row>) -> Result<(), Failure> {
        state.kept.remove(ctx.keyed())?;
        Ok(state.past.clear(ctx.keyed())?)
    }
}

impl KeyedProcess for Looking {
    type Key = RowKey;
    type Input = Row;
    type Output = Row;
    type State = Handles;

    fn open(&self, states: &mut States<'_, RowKey>) -> Result<Handles, Failure> {
        Ok(Handles { waiting: states.map("waiting")?, past: states.map("past")?, kept: states.value("kept")? })
    }

    fn process(&self, state: &Handles, row: Row, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        let (at, time) = (ctx.keyed(), ctx.time());
        let last = state.kept.with(at, |kept| kept.map(|kept| kept.time))?;
        if time <= ctx.watermark() || last.is_some_and(|last| time.millis() <= last) {
            ctx.late();
            ctx.side(&LATE[0], row);
            return Ok(());
        }
        state.waiting.update(at, time.millis(), Vec::new, |rows| rows.push(row))?;
        ctx.set_event_timer(time)
    }

    fn on_timer(&self, state: &Handles, timer: Timer, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        let at = ctx.keyed();
        if timer.domain == TimeDomain::Processing {
            let touched = state.kept.with(at, |kept| kept.map(|kept| kept.touched))?;
            let Some((touched, ttl)) = touched.zip(self.ttl) else { return Ok(()) };
            let ends = touched.saturating_add(ttl);
            if ends <= timer.time.millis() {
                return self.clear(state, ctx);
            }
            return ctx.set_processing_timer(Timestamp::from_millis(ends));
        }
        let time = timer.time.millis();
        if let Some(rows) = state.waiting.remove(at, &time)? {
            let now = ctx.now();
            let behind = Behind { codec: &self.input, past: &state.past, at };
            let widen = |kept: &mut Kept| {
                kept.touched = now.millis();
                let is_new = kept.rows == 0;
                self.widen(kept, &rows, time, &behind).map(|rows| (rows, is_new))
            };
            let (widened, is_new) = state.kept.update(at, || self.create(), widen)??;
            widened.into_iter().for_each(|row| ctx.emit(row));
            if let Some(ttl) = self.ttl.filter(|_| is_new) {
                ctx.set_processing_timer(Timestamp::from_millis(now.millis().saturating_add(ttl)))?;
            }
        }
        self.forget(state, time, ctx)
    }
}
