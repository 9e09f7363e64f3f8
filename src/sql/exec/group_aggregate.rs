//! Aggregates by key without windows: a result that changes with each row.

use super::{ExecError, Prepared};
use crate::operator::process::{Context, Failure, KeyedProcess, States};
use crate::operator::{Aggregate, OnError, TimeDomain};
use crate::sql::aggregate::{Accumulators, Aggregates};
use crate::sql::row::{KeyCodec, Row, RowCodec, RowKey, RowKind, Value};
use crate::state::{Ttl, ValueState};
use arrow::datatypes::Schema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is aggregated.
pub(super) struct GroupAggregate<'g> {
    /// The columns of the key.
    pub(super) keys: &'g [usize],
    pub(super) aggregates: Aggregates,
    /// The key's columns, and behind them the aggregates'.
    pub(super) output: &'g Schema,
    /// How long a key is remembered after its last row; `None`: for ever.
    pub(super) ttl: Option<Duration>,
    pub(super) uid: &'g str,
}

/// The result per key, as it changes: `+I` with the first row of a key, then `-U` and `+U` where a row changes it, `-D` when
/// all rows of the key have been taken back. Without aggregates: the different keys, each once.
///
/// As Flink's: a row that changes nothing tells nothing. State: what the aggregates keep, and how many rows there are, per key.
pub(super) fn group_aggregate(input: &Prepared, aggregate: GroupAggregate<'_>) -> Result<Prepared, ExecError> {
    let GroupAggregate { keys, aggregates, output, ttl, uid } = aggregate;
    let keys = KeyCodec::new(&input.codec, keys)?;
    let codec = RowCodec::new(output)?;
    let key = keys.clone();
    let keyed = input.stream.key_by(move |row| key.key(row).expect("a row has the columns of its stream"));
    let keyed = keyed.uid(format!("{uid}/key")).on_error(OnError::dead_letter());
    let stream = keyed.process(Changing { keys, aggregates, codec: codec.clone(), ttl });
    Ok(Prepared { stream: stream.uid(uid).on_error(OnError::dead_letter()), codec })
}

struct Changing {
    keys: KeyCodec,
    aggregates: Aggregates,
    codec: RowCodec,
    ttl: Option<Duration>,
}

/// What is known of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Group {
    /// How many rows there are.
    rows: i64,
    kept: Accumulators,
}

impl Changing {
    fn row(&self, key: &RowKey, values: &[Value<'static>], kind: RowKind) -> Result<Row, Failure> {
        let mut all = self.keys.values(key)?;
        all.extend(values.iter().cloned());
        Ok(self.codec.row(kind, &all)?)
    }
}

impl KeyedProcess for Changing {
    type Key = RowKey;
    type Input = Row;
    type Output = Row;
    type State = ValueState<RowKey, Group>;

    fn open(&self, states: &mut States<'_, RowKey>) -> Result<Self::State, Failure> {
        match self.ttl {
            Some(ttl) => states.value_with_ttl("groups", Ttl::after(ttl), TimeDomain::Processing),
            None => states.value("groups"),
        }
    }

    fn process(&self, state: &Self::State, row: Row, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        let at = ctx.keyed();
        let known = state.get(at)?;
        let sign = if row.kind().adds() { 1 } else { -1 };
        // A row is taken back whose key has been forgotten.
        if known.is_none() && sign < 0 {
            return Ok(());
        }
        let before = known.as_ref().map(|group| self.aggregates.values(&group.kept)).transpose()?;
        let mut group = known.unwrap_or_else(|| Group { rows: 0, kept: self.aggregates.create() });
        group.rows += sign;
        self.aggregates.change(&mut group.kept, &row, sign)?;
        if group.rows <= 0 {
            if let Some(before) = before {
                ctx.emit(self.row(at.key, &before, RowKind::Delete)?);
            }
            state.remove(at)?;
            return Ok(());
        }
        let after = self.aggregates.values(&group.kept)?;
        match before {
            None => ctx.emit(self.row(at.key, &after, RowKind::Insert)?),
            Some(before) if before != after => {
                ctx.emit(self.row(at.key, &before, RowKind::UpdateBefore)?);
                ctx.emit(self.row(at.key, &after, RowKind::UpdateAfter)?);
            }
            Some(_) => {}
        }
        Ok(state.put(at, group)?)
    }
}
