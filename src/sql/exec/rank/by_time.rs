//! One row of each key: the earliest, or the latest.

use super::{Numbered, value};
use crate::operator::process::{Context, Failure, KeyedProcess, States, Timer};
use crate::sql::row::{Row, RowKey, RowKind};
use crate::state::ValueState;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Gives the earliest row of a key when the watermark has come to it.
pub(super) struct First {
    pub(super) numbered: Numbered,
    pub(super) ttl: Option<Duration>,
}

/// What is known of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Earliest {
    /// The earliest row so far, and its event time.
    Waits(i64, Row),
    /// It has been given.
    Given,
}

impl KeyedProcess for First {
    type Key = RowKey;
    type Input = Row;
    type Output = Row;
    type State = ValueState<RowKey, Earliest>;

    fn open(&self, states: &mut States<'_, RowKey>) -> Result<Self::State, Failure> {
        value(states, self.ttl)
    }

    fn process(&self, state: &Self::State, row: Row, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        let time = ctx.time();
        match state.get(ctx.keyed())? {
            Some(Earliest::Given) => return Ok(()),
            Some(Earliest::Waits(before, _)) if before <= time.millis() => return Ok(()),
            _ => {}
        }
        state.put(ctx.keyed(), Earliest::Waits(time.millis(), row))?;
        ctx.set_event_timer(time)
    }

    fn on_timer(&self, state: &Self::State, timer: Timer, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        // The timers of rows that an earlier one has replaced come later, and find nothing to do.
        if let Some(Earliest::Waits(time, row)) = state.get(ctx.keyed())?
            && time == timer.time.millis()
        {
            state.put(ctx.keyed(), Earliest::Given)?;
            ctx.emit_at(self.numbered.row(&row, 1, RowKind::Insert)?, timer.time);
        }
        Ok(())
    }
}

/// Gives the latest row of a key; each that is not earlier replaces the one before.
pub(super) struct Last {
    pub(super) numbered: Numbered,
    pub(super) ttl: Option<Duration>,
}

impl KeyedProcess for Last {
    type Key = RowKey;
    type Input = Row;
    type Output = Row;
    /// The latest row, and its event time.
    type State = ValueState<RowKey, (i64, Row)>;

    fn open(&self, states: &mut States<'_, RowKey>) -> Result<Self::State, Failure> {
        value(states, self.ttl)
    }

    fn process(&self, state: &Self::State, row: Row, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        let time = ctx.time().millis();
        let before = state.get(ctx.keyed())?;
        if before.as_ref().is_some_and(|(before, _)| *before > time) {
            return Ok(());
        }
        let kind = match &before {
            Some((_, before)) if *before == row => return Ok(()),
            Some((_, before)) => {
                ctx.emit(self.numbered.row(before, 1, RowKind::UpdateBefore)?);
                RowKind::UpdateAfter
            }
            None => RowKind::Insert,
        };
        ctx.emit(self.numbered.row(&row, 1, kind)?);
        Ok(state.put(ctx.keyed(), (time, row))?)
    }
}
