//! The machine: adds rows, takes rows back, merges, and finishes.

use super::accumulator::{Accumulator, Accumulators, FloatSum};
use super::function::{Function, Kind, Number};
use super::general::Keep;
use crate::operator::{Aggregate, HyperLogLog, OnError, Quantiles};
use crate::sql::exec::compare;
use crate::sql::row::{KeyCodec, Row, RowCodec, RowError, RowKey, Value};
use arrow::datatypes::DataType;
use std::cmp::Ordering;
use xxhash_rust::xxh3::xxh3_64;

/// 4 KiB: within 1.6 %.
const PRECISION: u8 = 12;

/// Several aggregates over rows of one codec.
#[derive(Clone, Debug)]
pub(in crate::sql) struct Aggregates {
    rows: RowCodec,
    functions: Vec<(Function, Option<KeyCodec>)>,
    retracts: bool,
    apart: bool,
}

impl Aggregates {
    /// * `retracts`: whether rows are taken back.
    pub(super) fn new(rows: &RowCodec, functions: Vec<Function>, retracts: bool) -> Result<Self, RowError> {
        let keyed = functions.into_iter().map(|function| {
            let key = function.columns().map(|columns| KeyCodec::new(rows, &columns)).transpose()?;
            Ok((function, key))
        });
        Ok(Aggregates {
            rows: rows.clone(),
            functions: keyed.collect::<Result<_, RowError>>()?,
            retracts,
            apart: false,
        })
    }

    /// What becomes of a row or a result on which one of them fails. Only those that are not built in can, and what could not
    /// fail need not pay for a guard.
    pub(in crate::sql) fn on_error(&self) -> OnError {
        let can_fail = self.functions.iter().any(|(function, _)| function.call.is_some());
        if can_fail { OnError::dead_letter() } else { OnError::fail() }
    }

    /// The same, but the values of DISTINCT aggregates are kept by who asks: see [`change_apart`](Self::change_apart).
    pub(in crate::sql) fn with_values_apart(self) -> Self {
        Aggregates { apart: true, ..self }
    }

    /// Whether there are values for others to keep.
    pub(in crate::sql) fn has_values_apart(&self) -> bool {
        self.functions.iter().any(|(function, _)| self.is_apart(function))
    }

    fn is_apart(&self, function: &Function) -> bool {
        self.apart && function.distinct && !matches!(function.kind, Kind::General(_))
    }

    fn empty(&self, function: &Function) -> Accumulator {
        match function.kind {
            Kind::Min | Kind::Max if self.retracts => Accumulator::Ordered(Vec::new()),
            Kind::Min | Kind::Max => Accumulator::Extreme(None),
            Kind::General(Keep::All) => Accumulator::Distinct(Default::default()),
            Kind::General(_) => Accumulator::Listed(Vec::new()),
            Kind::ApproxPercentile(_) => Accumulator::Quantiles(Quantiles::default()),
            _ if function.distinct && !self.apart => Accumulator::Distinct(Default::default()),
            Kind::Count => Accumulator::Count(0),
            Kind::Sum(Number::Float) | Kind::Avg(Number::Float) => Accumulator::Float(FloatSum::default()),
            Kind::Sum(_) | Kind::Avg(_) => Accumulator::Sum(0, 0),
            Kind::ApproxDistinct => Accumulator::Sketch(HyperLogLog::new(PRECISION)),
        }
    }

    /// What is done with the values: of those that may be taken back, all are kept.
    fn kind(&self, function: &Function) -> Kind {
        match function.kind {
            Kind::General(Keep::First | Keep::Last) if self.retracts => Kind::General(Keep::Listed),
            kind => kind,
        }
    }

    /// Adds a row, or takes it back.
    ///
    /// * `sign`: 1 or -1.
    ///
    /// # Errors
    /// [`RowError::Damaged`] if it is no row of these columns.
    pub(in crate::sql) fn change(&self, into: &mut Accumulators, row: &Row, sign: i64) -> Result<(), RowError> {
        self.change_apart(into, row, sign, |_, _| Ok(sign))
    }

    /// The same, with the values of DISTINCT aggregates kept elsewhere.
    ///
    /// * `set`: is told the number of an aggregate and a value, which it adds or takes back once. Returns 1 if the value is there
    ///   now and was not, -1 if it is gone now, else 0.
    ///
    /// # Errors
    /// Those of `set`, and [`RowError::Damaged`] if it is no row of these columns.
    pub(in crate::sql) fn change_apart<E: From<RowError>>(
        &self,
        into: &mut Accumulators,
        row: &Row,
        sign: i64,
        mut set: impl FnMut(usize, RowKey) -> Result<i64, E>,
    ) -> Result<(), E> {
        let parts = match into {
            Accumulators::One(part) => std::slice::from_mut(part),
            Accumulators::Many(parts) => &mut parts[..],
        };
        for (number, ((function, key), part)) in self.functions.iter().zip(parts).enumerate() {
            if let Some(filter) = function.filter
                && self.rows.value(row, filter)? != Value::Bool(true)
            {
                continue;
            }
            let Some((column, key)) = function.argument.zip(key.as_ref()) else {
                if let Accumulator::Count(count) = part {
                    *count += sign;
                }
                continue;
            };
            let value = self.rows.value(row, column)?;
            if value.is_null() && !function.counts_nulls() {
                continue;
            }
            let sign = if self.is_apart(function) { set(number, key.key(row)?)? } else { sign };
            if sign != 0 {
                change(part, self.kind(function), &value, || key.key(row), key, sign)?;
            }
        }
        Ok(())
    }

    fn merge_one(&self, into: &mut Accumulator, other: Accumulator, function: Option<&(Function, Option<KeyCodec>)>) {
        merge(into, other, function, function.map(|(function, _)| self.kind(function)));
    }

    /// The values, one per aggregate.
    pub(in crate::sql) fn values(&self, from: &Accumulators) -> Result<Vec<Value<'static>>, RowError> {
        let parts = match from {
            Accumulators::One(part) => std::slice::from_ref(part),
            Accumulators::Many(parts) => &parts[..],
        };
        self.functions.iter().zip(parts).map(|((function, key), part)| value(function, key.as_ref(), part)).collect()
    }
}

impl Aggregate<Row> for Aggregates {
    type Accumulator = Accumulators;
    /// An error is that of a function on these values.
    type Output = Result<Vec<Value<'static>>, RowError>;

    fn create(&self) -> Accumulators {
        match &self.functions[..] {
            [(one, _)] => Accumulators::One(self.empty(one)),
            many => Accumulators::Many(many.iter().map(|(function, _)| self.empty(function)).collect()),
        }
    }

    fn add(&self, into: &mut Accumulators, row: &Row) {
        let sign = if row.kind().adds() { 1 } else { -1 };
        self.change(into, row, sign).expect("a row has the columns of its stream");
    }

    fn merge(&self, into: &mut Accumulators, other: Accumulators) {
        match (into, other) {
            (Accumulators::One(into), Accumulators::One(other)) => self.merge_one(into, other, self.functions.first()),
            (Accumulators::Many(into), Accumulators::Many(other)) => {
                let parts = into.iter_mut().zip(other).zip(&self.functions);
                parts.for_each(|((into, other), function)| self.merge_one(into, other, Some(function)));
            }
            _ => {}
        }
    }

    fn finish(&self, from: Accumulators) -> Result<Vec<Value<'static>>, RowError> {
        self.values(&from)
    }

    fn grows(&self) -> bool {
        let grows = |(function, _): &(Function, _)| {
            matches!(self.empty(function), Accumulator::Distinct(_) | Accumulator::Ordered(_) | Accumulator::Listed(_))
        };
        self.functions.iter().any(grows)
    }
}

fn change(
    part: &mut Accumulator,
    kind: Kind,
    value: &Value<'_>,
    cell: impl FnOnce() -> Result<RowKey, RowError>,
    key: &KeyCodec,
    sign: i64,
) -> Result<(), RowError> {
    match part {
        Accumulator::Count(count) => *count += sign,
        Accumulator::Sum(sum, count) => {
            let number = match value {
                Value::Int(number) => i128::from(*number),
                Value::Unsigned(number) => i128::from(*number),
                Value::Decimal(number) => *number,
                _ => 0,
            };
            *sum = sum.saturating_add(if sign < 0 { number.saturating_neg() } else { number });
            *count += sign;
        }
        Accumulator::Float(sum) => {
            if let Value::Float(number) = value {
                sum.add(*number, sign);
            }
        }
        Accumulator::Extreme(best) => {
            let is_better = match best {
                None => true,
                Some(known) => {
                    let known = key.values(known)?;
                    let order = compare(value, &known[0]);
                    order == if kind == Kind::Max { Ordering::Greater } else { Ordering::Less }
                }
            };
            if is_better {
                *best = Some(cell()?);
            }
        }
        Accumulator::Ordered(values) => {
            let mut failed = None;
            let place = values.binary_search_by(|(known, _)| match key.values(known) {
                Ok(known) => compare(&known[0], value),
                Err(error) => {
                    failed = Some(error);
                    Ordering::Less
                }
            });
            failed.map_or(Ok(()), Err)?;
            match place {
                Ok(at) => {
                    values[at].1 += sign;
                    if values[at].1 == 0 {
                        values.remove(at);
                    }
                }
                Err(at) => values.insert(at, (cell()?, sign)),
            }
        }
        Accumulator::Distinct(values) => {
            let cell = cell()?;
            let count = values.entry(cell.clone()).or_default();
            *count += sign;
            if *count == 0 {
                values.remove(&cell);
            }
        }
        Accumulator::Sketch(sketch) => sketch.add(xxh3_64(cell()?.bytes())),
        Accumulator::Quantiles(sketch) => match value {
            Value::Int(number) => sketch.add(*number as f64),
            Value::Unsigned(number) => sketch.add(*number as f64),
            Value::Float(number) => sketch.add(*number),
            _ => {}
        },
        Accumulator::Listed(values) => match kind {
            _ if sign < 0 => {
                let cell = cell()?;
                if let Some(at) = values.iter().position(|known| *known == cell) {
                    values.remove(at);
                }
            }
            Kind::General(Keep::First) if !values.is_empty() => {}
            Kind::General(Keep::Last) => *values = vec![cell()?],
            _ => values.push(cell()?),
        },
    }
    Ok(())
}

fn merge(
    into: &mut Accumulator,
    other: Accumulator,
    function: Option<&(Function, Option<KeyCodec>)>,
    kind: Option<Kind>,
) {
    match (into, other) {
        (Accumulator::Count(into), Accumulator::Count(other)) => *into += other,
        (Accumulator::Sum(sum, count), Accumulator::Sum(more, others)) => {
            *sum = sum.saturating_add(more);
            *count += others;
        }
        (Accumulator::Float(into), Accumulator::Float(other)) => into.merge(&other),
        (Accumulator::Sketch(into), Accumulator::Sketch(other)) => into.merge(other),
        (Accumulator::Quantiles(into), Accumulator::Quantiles(other)) => into.merge(&other),
        (Accumulator::Listed(into), Accumulator::Listed(other)) => match kind {
            Some(Kind::General(Keep::First)) if !into.is_empty() => {}
            Some(Kind::General(Keep::Last)) if other.is_empty() => {}
            Some(Kind::General(Keep::Last)) => *into = other,
            _ => into.extend(other),
        },
        (Accumulator::Distinct(into), Accumulator::Distinct(other)) => {
            for (cell, more) in other {
                let count = into.entry(cell.clone()).or_default();
                *count += more;
                if *count == 0 {
                    into.remove(&cell);
                }
            }
        }
        (into @ (Accumulator::Extreme(_) | Accumulator::Ordered(_)), other) => {
            let cells = match other {
                Accumulator::Extreme(cell) => cell.map(|cell| (cell, 1)).into_iter().collect(),
                Accumulator::Ordered(cells) => cells,
                _ => Vec::new(),
            };
            let Some((Function { kind, .. }, Some(key))) = function else { return };
            for (cell, count) in cells {
                let values = key.values(&cell).expect("what was kept was made of rows");
                let added = change(into, *kind, &values[0], || Ok(cell.clone()), key, count);
                added.expect("what was kept was made of rows");
            }
        }
        _ => {}
    }
}

/// A value of the type of a result.
fn value(function: &Function, key: Option<&KeyCodec>, part: &Accumulator) -> Result<Value<'static>, RowError> {
    let cell = |cell: &RowKey| -> Result<Value<'static>, RowError> {
        let Some(key) = key else { return Ok(Value::Null) };
        Ok(key.values(cell)?.swap_remove(0).into_owned())
    };
    if let Some((call, key)) = function.call.as_ref().zip(key) {
        return match part {
            Accumulator::Listed(values) => call.value(key, values.iter().map(|cell| (cell, 1)), &function.result),
            Accumulator::Distinct(values) => {
                call.value(key, values.iter().map(|(cell, count)| (cell, *count)), &function.result)
            }
            _ => Ok(Value::Null),
        };
    }
    Ok(match part {
        Accumulator::Count(count) => whole(&function.result, (*count).into()),
        Accumulator::Sum(_, 0) => Value::Null,
        Accumulator::Sum(sum, count) => number(function, *sum, *count),
        Accumulator::Float(sum) if sum.count == 0 => Value::Null,
        Accumulator::Float(sum) => match function.kind {
            Kind::Avg(_) => Value::Float(sum.value() / sum.count as f64),
            _ => Value::Float(sum.value()),
        },
        Accumulator::Extreme(best) => best.as_ref().map_or(Ok(Value::Null), cell)?,
        Accumulator::Ordered(values) => {
            // A value that was taken back before it came counts for nothing.
            let mut there = values.iter().filter(|(_, count)| *count > 0);
            let best = if function.kind == Kind::Max { there.next_back() } else { there.next() };
            best.map_or(Ok(Value::Null), |(best, _)| cell(best))?
        }
        Accumulator::Distinct(values) => {
            let once = Function { distinct: false, ..function.clone() };
            let there = || values.iter().filter(|(_, count)| **count > 0);
            if function.kind == Kind::Count {
                return Ok(whole(&function.result, there().count() as i128));
            }
            let mut sum = match function.kind {
                Kind::Sum(Number::Float) | Kind::Avg(Number::Float) => Accumulator::Float(FloatSum::default()),
                _ => Accumulator::Sum(0, 0),
            };
            for (value, _) in there() {
                let Some(key) = key else { continue };
                change(&mut sum, function.kind, &cell(value)?, || Ok(value.clone()), key, 1)?;
            }
            self::value(&once, key, &sum)?
        }
        Accumulator::Sketch(sketch) => whole(&function.result, sketch.count().into()),
        Accumulator::Quantiles(sketch) => {
            let fraction = if let Kind::ApproxPercentile(fraction) = function.kind { fraction } else { 0.5 };
            match (sketch.quantile(fraction), Number::of(&function.result)) {
                (Some(found), Some(Number::Whole)) => whole(&function.result, found.round() as i128),
                (Some(found), _) => Value::Float(found),
                (None, _) => Value::Null,
            }
        }
        // Only general aggregates have one.
        Accumulator::Listed(_) => Value::Null,
    })
}

/// A sum of whole numbers or last digits, or its mean.
fn number(function: &Function, sum: i128, count: i64) -> Value<'static> {
    let scale = |kind: Kind| match kind {
        Kind::Sum(Number::Decimal(scale)) | Kind::Avg(Number::Decimal(scale)) => scale,
        _ => 0,
    };
    let is_mean = matches!(function.kind, Kind::Avg(_));
    match &function.result {
        DataType::Float32 | DataType::Float64 => {
            let sum = sum as f64 / 10_f64.powi(scale(function.kind).into());
            Value::Float(if is_mean { sum / count as f64 } else { sum })
        }
        DataType::Decimal128(precision, result) => {
            let more = 10_i128.pow(u32::from((result - scale(function.kind)).unsigned_abs()));
            let sum = sum.saturating_mul(more);
            // Half away from zero, as decimals are rounded in Flink.
            let mean = |count: i128| {
                let half = if sum < 0 { -count / 2 } else { count / 2 };
                (sum + half) / count
            };
            let bound = 10_i128.pow(u32::from(*precision)) - 1;
            Value::Decimal(if is_mean { mean(count.into()) } else { sum }.clamp(-bound, bound))
        }
        other => whole(other, if is_mean { sum / i128::from(count) } else { sum }),
    }
}

/// A whole number of a type, or the bound of the type that it is beyond.
fn whole(data_type: &DataType, number: i128) -> Value<'static> {
    let (min, max) = match data_type {
        DataType::UInt64 => return Value::Unsigned(number.clamp(0, u64::MAX.into()) as u64),
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    };
    Value::Int(number.clamp(min.into(), max.into()) as i64)
}
