//! Aggregates by key without windows: a result that changes with each row.

use super::{ExecError, Prepared};
use crate::operator::process::{Context, Failure, KeyedProcess, States, Timer};
use crate::operator::{Aggregate, TimeDomain};
use crate::sql::aggregate::{Accumulators, Aggregates};
use crate::sql::row::{KeyCodec, Row, RowCodec, RowKey, RowKind, Value};
use crate::state::{MapState, Ttl, ValueState};
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
/// As Flink's: a row that changes nothing tells nothing. State: what the aggregates keep, and how many rows there are, per key;
/// and the values of DISTINCT aggregates with how often each is there, so that a row costs the same however many there are.
pub(super) fn group_aggregate(input: &Prepared, aggregate: GroupAggregate<'_>) -> Result<Prepared, ExecError> {
    let GroupAggregate { keys, aggregates, output, ttl, uid } = aggregate;
    let keys = KeyCodec::new(&input.codec, keys)?;
    let codec = RowCodec::new(output)?;
    let (key, on_error) = (keys.clone(), aggregates.on_error());
    let keyed = input.stream.key_by(move |row| key.key(row).expect("a row has the columns of its stream"));
    let keyed = keyed.uid(format!("{uid}/key")).on_error(on_error);
    let aggregates = aggregates.with_values_apart();
    let stream = keyed.process(Changing { keys, aggregates, codec: codec.clone(), ttl });
    Ok(Prepared { stream: stream.uid(uid).on_error(on_error), codec })
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

/// The values of DISTINCT aggregates by the number of the aggregate, and how often each has been added.
type Sets = MapState<RowKey, (u32, RowKey), i64>;

impl Changing {
    /// The sets of a key that is forgotten have no end of their own: a value that comes seldom must not be over before its key.
    /// So each time that this time is over it is looked whether the key is still known; at an instant of the key's own, so that
    /// keys are not looked at all at once, and a second timer is the first one.
    fn look_again(&self, ctx: &Context<'_, RowKey, Row>) -> Result<(), Failure> {
        let Some(ttl) = self.ttl.filter(|_| self.aggregates.has_values_apart()) else { return Ok(()) };
        let ttl = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX).max(1);
        let phase = (ctx.keyed().hash >> 1) as i64 % ttl;
        let into = ctx.now().millis().saturating_sub(phase).rem_euclid(ttl);
        ctx.set_processing_timer(ctx.now().plus_millis(ttl - into))
    }

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
    type State = (ValueState<RowKey, Group>, Option<Sets>);

    fn open(&self, states: &mut States<'_, RowKey>) -> Result<Self::State, Failure> {
        let groups = match self.ttl {
            Some(ttl) => states.value_with_ttl("groups", Ttl::after(ttl), TimeDomain::Processing),
            None => states.value("groups"),
        };
        let sets = self.aggregates.has_values_apart().then(|| states.map("distinct")).transpose()?;
        Ok((groups?, sets))
    }

    fn process(
        &self,
        (state, sets): &Self::State,
        row: Row,
        ctx: &mut Context<'_, RowKey, Row>,
    ) -> Result<(), Failure> {
        let at = ctx.keyed();
        let known = state.get(at)?;
        let sign = if row.kind().adds() { 1 } else { -1 };
        // A row is taken back whose key has been forgotten.
        if known.is_none() && sign < 0 {
            return Ok(());
        }
        let before = known.as_ref().map(|group| self.aggregates.values(&group.kept)).transpose()?;
        let mut group = match known {
            Some(group) => group,
            None => {
                sets.as_ref().map_or(Ok(()), |sets| sets.clear(at))?;
                self.look_again(ctx)?;
                Group { rows: 0, kept: self.aggregates.create() }
            }
        };
        group.rows += sign;
        self.aggregates.change_apart(&mut group.kept, &row, sign, |number, value| -> Result<i64, Failure> {
            let Some(sets) = sets else { return Ok(sign) };
            let entry = (number as u32, value);
            let count = sets.update(
                at,
                entry.clone(),
                || 0,
                |count| {
                    *count += sign;
                    *count
                },
            )?;
            if count == 0 {
                sets.remove(at, &entry)?;
            }
            Ok(i64::from(count > 0) - i64::from(count > sign))
        })?;
        if group.rows <= 0 {
            if let Some(before) = before {
                ctx.emit(self.row(at.key, &before, RowKind::Delete)?);
            }
            state.remove(at)?;
            sets.as_ref().map_or(Ok(()), |sets| sets.clear(at))?;
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

    fn on_timer(
        &self,
        (state, sets): &Self::State,
        _: Timer,
        ctx: &mut Context<'_, RowKey, Row>,
    ) -> Result<(), Failure> {
        if state.with(ctx.keyed(), |group| group.is_some())? {
            return self.look_again(ctx);
        }
        Ok(sets.as_ref().map_or(Ok(()), |sets| sets.clear(ctx.keyed()))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::aggregate::Lowered;
    use crate::testing::Harness;
    use crate::time::Timestamp;
    use arrow::datatypes::{DataType, Field};
    use datafusion_common::DFSchema;
    use datafusion_expr::expr::AggregateFunction;
    use datafusion_expr::{Expr, col};
    use datafusion_functions_aggregate::{count::count_udaf, sum::sum_udaf};

    fn columns(names: &[&str]) -> Schema {
        Schema::new(names.iter().map(|name| Field::new(*name, DataType::Int64, true)).collect::<Vec<_>>())
    }

    /// `SELECT key, COUNT(DISTINCT n), SUM(DISTINCT n) .. GROUP BY key`.
    fn harness(ttl: Option<Duration>) -> Harness<Row, Row> {
        let (input, output) = (columns(&["key", "n"]), columns(&["key", "count", "sum"]));
        let names = DFSchema::try_from(input.clone()).unwrap();
        let calls = [count_udaf(), sum_udaf()]
            .map(|function| AggregateFunction::new_udf(function, vec![col("n")], true, None, vec![], None))
            .map(Expr::AggregateFunction);
        let lowered = Lowered::new(&names, &[], &calls, &[DataType::Int64, DataType::Int64]);
        let lowered = lowered.unwrap_or_else(|refused| panic!("{refused:?}"));
        assert_eq!(lowered.columns, [col("n")]);
        let aggregates = lowered.placed(&[1]).machine(&input, true).unwrap();
        Harness::new(move |stream| {
            let input = Prepared { stream, codec: RowCodec::new(&input).unwrap() };
            let aggregate = GroupAggregate { keys: &[0], aggregates, output: &output, ttl, uid: "group" };
            group_aggregate(&input, aggregate).unwrap().stream
        })
    }

    /// Adds rows, or takes them back, and shows what changes.
    fn told(rows: &mut Harness<Row, Row>, given: &[(RowKind, i64)]) -> Vec<String> {
        let codec = RowCodec::new(&columns(&["key", "n"])).unwrap();
        for (kind, n) in given {
            rows.push(codec.row(*kind, &[Value::Int(1), Value::Int(*n)]).unwrap(), Timestamp::EPOCH);
        }
        let codec = RowCodec::new(&columns(&["key", "count", "sum"])).unwrap();
        rows.drain().iter().map(|row| codec.show(row)).filter(|row| !row.starts_with("-U")).collect()
    }

    #[test]
    fn a_distinct_value_counts_once_until_it_is_taken_back_as_often() {
        use RowKind::{Delete, Insert};
        let mut rows = harness(None);
        assert_eq!(told(&mut rows, &[(Insert, 5), (Insert, 5), (Insert, 7)]), ["+I[1, 1, 5]", "+U[1, 2, 12]"]);
        rows.snapshot().crash_and_restore().rescale(3);
        assert_eq!(told(&mut rows, &[(Delete, 5), (Insert, 7), (Delete, 5)]), ["+U[1, 1, 7]"]);
        assert_eq!(told(&mut rows, &[(Delete, 7), (Delete, 7)]), ["-D[1, 1, 7]"]);
        assert_eq!(told(&mut rows, &[(Insert, 7)]), ["+I[1, 1, 7]"]);
    }

    #[test]
    fn a_value_is_over_with_its_key_and_not_before() {
        use RowKind::Insert;
        let mut rows = harness(Some(Duration::from_secs(10)));
        assert_eq!(told(&mut rows, &[(Insert, 5)]), ["+I[1, 1, 5]"]);
        for _ in 0..5 {
            rows.advance(Duration::from_secs(9));
            told(&mut rows, &[(Insert, 7)]);
        }
        assert_eq!(told(&mut rows, &[(Insert, 5), (Insert, 1)]), ["+U[1, 3, 13]"]);
        rows.snapshot().advance(Duration::from_secs(10));
        assert_eq!(told(&mut rows, &[(Insert, 5)]), ["+I[1, 1, 5]"]);
        rows.crash_and_restore().advance(Duration::from_secs(40));
        assert_eq!(told(&mut rows, &[(Insert, 7)]), ["+I[1, 1, 7]"]);
    }
}
