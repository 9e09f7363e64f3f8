//! The first rows in any order, which change with every row that comes or goes.

use super::super::order::Order;
use super::{Numbered, value};
use crate::operator::process::{Context, Failure, KeyedProcess, States};
use crate::sql::row::{Row, RowKey, RowKind};
use crate::state::ValueState;
use std::time::Duration;

/// Tells how the first rows of a key change: `+I` and `-D` for a number that is new or gone, `-U` and `+U` for another row under
/// a number.
pub(super) struct Changing {
    pub(super) numbered: Numbered,
    pub(super) order: Order,
    pub(super) limit: usize,
    /// Whether rows go, too: then those behind the limit must be kept.
    pub(super) changes: bool,
    pub(super) ttl: Option<Duration>,
}

impl KeyedProcess for Changing {
    type Key = RowKey;
    type Input = Row;
    type Output = Row;
    /// In order, as `+I`.
    type State = ValueState<RowKey, Vec<Row>>;

    fn open(&self, states: &mut States<'_, RowKey>) -> Result<Self::State, Failure> {
        value(states, self.ttl)
    }

    fn process(&self, state: &Self::State, row: Row, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        let mut rows = state.get(ctx.keyed())?.unwrap_or_default();
        let before: Vec<Row> = rows.iter().take(self.limit).cloned().collect();
        let plain = row.with_kind(RowKind::Insert);
        if row.kind().adds() {
            let at = self.order.place(&rows, &plain);
            if !self.changes && at >= self.limit {
                return Ok(());
            }
            rows.insert(at, plain);
            if !self.changes {
                rows.truncate(self.limit);
            }
        } else {
            // State that has expired does not know the row any more.
            let Some(at) = rows.iter().position(|known| *known == plain) else { return Ok(()) };
            rows.remove(at);
        }
        let after = rows.len().min(self.limit);
        for number in 0..before.len().max(after) {
            let (old, new) = (before.get(number), rows.get(number).filter(|_| number < after));
            let changed = match (old, new) {
                (Some(old), Some(new)) if old == new => continue,
                (Some(old), Some(new)) => [Some((old, RowKind::UpdateBefore)), Some((new, RowKind::UpdateAfter))],
                (Some(old), None) => [Some((old, RowKind::Delete)), None],
                (None, new) => [new.map(|new| (new, RowKind::Insert)), None],
            };
            for (row, kind) in changed.into_iter().flatten() {
                ctx.emit(self.numbered.row(row, number + 1, kind)?);
            }
        }
        if rows.is_empty() {
            state.remove(ctx.keyed())?;
            return Ok(());
        }
        Ok(state.put(ctx.keyed(), rows)?)
    }
}
