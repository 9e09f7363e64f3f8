//! General aggregates against their definitions: in parts, merged, taken back, and written and read between.

use super::{Accumulators, Aggregates, Lowered};
use crate::operator::Aggregate;
use crate::record::{decode, encode};
use crate::sql::row::{Row, RowCodec, RowKind, Value};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion_common::DFSchema;
use datafusion_expr::expr::{AggregateFunction, Sort};
use datafusion_expr::{AggregateUDF, Expr, ExprSchemable, col, lit};
use datafusion_functions_aggregate as known;
use proptest::prelude::*;
use std::sync::Arc;

/// `x`, `y` numbers, `n` a whole one, `b` a truth, `s` a text.
fn columns() -> Schema {
    let number = DataType::Float64;
    let types = [number.clone(), number, DataType::Int64, DataType::Boolean, DataType::Utf8View];
    Schema::new(
        ["x", "y", "n", "b", "s"].into_iter().zip(types).map(|(name, t)| Field::new(name, t, true)).collect::<Vec<_>>(),
    )
}

fn call(function: Arc<AggregateUDF>, args: Vec<Expr>, distinct: bool, order: Vec<Sort>) -> Expr {
    Expr::AggregateFunction(AggregateFunction::new_udf(function, args, distinct, None, order, None))
}

fn machine(call: Expr, retracts: bool) -> Aggregates {
    let schema = columns();
    let names = DFSchema::try_from(schema.clone()).unwrap();
    let result = call.get_type(&names).unwrap();
    let lowered = Lowered::new(&names, &[], &[call], &[result]).unwrap_or_else(|refused| panic!("{refused:?}"));
    let numbers = lowered.columns.iter().map(|column| match column {
        Expr::Column(column) => names.index_of_column(column).unwrap(),
        other => panic!("{other} is no column"),
    });
    let numbers: Vec<usize> = numbers.collect();
    lowered.placed(&numbers).machine(&schema, retracts).unwrap()
}

/// A value, from which those of all columns are made; the part of the rows it is in; whether it is taken back.
type Given = (Option<i8>, usize, bool);

fn row(value: Option<i8>) -> Row {
    let values = match value {
        None => vec![Value::Null; 5],
        Some(value) => vec![
            Value::Float(f64::from(value)),
            Value::Float(f64::from(value).powi(2)),
            Value::Int(value.into()),
            Value::Bool(value > -4),
            Value::Text(value.to_string().into()),
        ],
    };
    RowCodec::new(&columns()).unwrap().row(RowKind::Insert, &values).unwrap()
}

/// What the machine makes of rows in three parts, merged, some taken back; written and read at each step.
fn found(machine: &Aggregates, given: &[Given]) -> Value<'static> {
    let again = |kept: &Accumulators| decode::<Accumulators>(&encode(kept).unwrap()).unwrap();
    let mut parts = [0, 1, 2].map(|_| machine.create());
    for (value, part, _) in given {
        machine.change(&mut parts[*part], &row(*value), 1).unwrap();
    }
    let mut all = machine.create();
    parts.iter().for_each(|part| machine.merge(&mut all, again(part)));
    for (value, _, _) in given.iter().filter(|(_, _, goes)| *goes) {
        machine.change(&mut all, &row(*value), -1).unwrap();
    }
    machine.finish(again(&all)).unwrap().pop().unwrap()
}

/// The values that stay, in the order in which they are merged.
fn staying(given: &[Given]) -> Vec<Option<i8>> {
    let parts = (0..3).flat_map(|part| given.iter().filter(move |(_, of, _)| *of == part));
    let mut values: Vec<_> = parts.map(|(value, ..)| *value).collect();
    for (gone, ..) in given.iter().filter(|(_, _, goes)| *goes) {
        let at = values.iter().position(|value| value == gone).unwrap();
        values.remove(at);
    }
    values
}

fn whole(value: Option<i8>) -> Value<'static> {
    value.map_or(Value::Null, |value| Value::Int(value.into()))
}

fn near(found: &Value<'_>, expected: Option<f64>) -> bool {
    match (found, expected) {
        (Value::Null, None) => true,
        (Value::Float(found), Some(expected)) => (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        _ => false,
    }
}

fn given() -> impl Strategy<Value = Vec<Given>> {
    proptest::collection::vec(
        (proptest::option::weighted(0.8, -5..6_i8), 0..3_usize, proptest::bool::weighted(0.3)),
        0..30,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn spread_and_percentiles_are_what_their_definitions_say(given in given()) {
        let mut xs: Vec<f64> = staying(&given).into_iter().flatten().map(f64::from).collect();
        xs.sort_by(f64::total_cmp);
        let n = xs.len() as f64;
        let mean = xs.iter().sum::<f64>() / n;
        let squares: f64 = xs.iter().map(|x| (x - mean).powi(2)).sum();
        let percentile = |p: f64| (!xs.is_empty()).then(|| {
            let at = p * (n - 1.0);
            let (low, high) = (xs[at.floor() as usize], xs[at.ceil() as usize]);
            low + (high - low) * at.fract()
        });
        let x = || vec![col("x")];
        let of = |function, args| found(&machine(call(function, args, false, vec![]), true), &given);
        let pop = (!xs.is_empty()).then(|| squares / n);
        let samp = (xs.len() > 1).then(|| squares / (n - 1.0));
        prop_assert!(near(&of(known::variance::var_pop_udaf(), x()), pop));
        prop_assert!(near(&of(known::variance::var_samp_udaf(), x()), samp));
        prop_assert!(near(&of(known::stddev::stddev_pop_udaf(), x()), pop.map(f64::sqrt)));
        prop_assert!(near(&of(known::stddev::stddev_udaf(), x()), samp.map(f64::sqrt)));
        prop_assert!(near(&of(known::median::median_udaf(), x()), percentile(0.5)));
        let quarter = of(known::percentile_cont::percentile_cont_udaf(), vec![col("x"), lit(0.25)]);
        prop_assert!(near(&quarter, percentile(0.25)), "{quarter:?} {:?}", percentile(0.25));
        let mean_y = xs.iter().map(|x| x * x).sum::<f64>() / n;
        let together: f64 = xs.iter().map(|x| (x - mean) * (x * x - mean_y)).sum();
        let covar = (!xs.is_empty()).then(|| together / n);
        prop_assert!(near(&of(known::covariance::covar_pop_udaf(), vec![col("x"), col("y")]), covar));
    }

    #[test]
    fn bits_truths_and_lists_are_what_their_definitions_say(given in given()) {
        let all = staying(&given);
        let there: Vec<i8> = all.iter().flatten().copied().collect();
        let of = |function, args, distinct| found(&machine(call(function, args, distinct, vec![]), true), &given);
        let fold = |f: fn(i8, i8) -> i8| whole(there.iter().copied().reduce(f));
        prop_assert_eq!(of(known::bit_and_or_xor::bit_and_udaf(), vec![col("n")], false), fold(|a, b| a & b));
        prop_assert_eq!(of(known::bit_and_or_xor::bit_or_udaf(), vec![col("n")], false), fold(|a, b| a | b));
        prop_assert_eq!(of(known::bit_and_or_xor::bit_xor_udaf(), vec![col("n")], false), fold(|a, b| a ^ b));
        let truths = |every: bool| match there.is_empty() {
            true => Value::Null,
            false if every => Value::Bool(there.iter().all(|n| *n > -4)),
            false => Value::Bool(there.iter().any(|n| *n > -4)),
        };
        prop_assert_eq!(of(known::bool_and_or::bool_and_udaf(), vec![col("b")], false), truths(true));
        prop_assert_eq!(of(known::bool_and_or::bool_or_udaf(), vec![col("b")], false), truths(false));
        prop_assert_eq!(of(known::first_last::first_value_udaf(), vec![col("n")], false), whole(there.first().copied()));
        prop_assert_eq!(of(known::first_last::last_value_udaf(), vec![col("n")], false), whole(there.last().copied()));

        // NULLs are listed, and do not count in a text.
        let list = if all.is_empty() { Value::Null } else { Value::List(all.iter().map(|n| whole(*n)).collect()) };
        prop_assert_eq!(of(known::array_agg::array_agg_udaf(), vec![col("n")], false), list);
        let text = |parts: &[i8], between: &str| match parts {
            [] => Value::Null,
            _ => Value::Text(parts.iter().map(i8::to_string).collect::<Vec<_>>().join(between).into()),
        };
        let listagg = || super::functions().into_iter().find(|function| function.name() == "listagg").unwrap();
        prop_assert_eq!(of(listagg(), vec![col("s")], false), text(&there, ","));
        let json = |name: &str, args| {
            let function = super::functions().into_iter().find(|function| function.name() == name).unwrap();
            of(function, args, false)
        };
        let written = |value: &Option<i8>| value.map_or("null".to_owned(), |value| value.to_string());
        let items = |all: Vec<String>| Value::Text(format!("[{}]", all.join(",")).into());
        let found = json("json_arrayagg", vec![col("n"), lit("NULL"), lit("VALUE")]);
        prop_assert_eq!(found, items(all.iter().map(written).collect()));
        prop_assert_eq!(json("json_arrayagg", vec![col("n")]), items(there.iter().map(i8::to_string).collect()));
        let mut once = Vec::new();
        there.iter().for_each(|n| if !once.contains(n) { once.push(*n) });
        prop_assert_eq!(of(listagg(), vec![col("s"), lit("; ")], true), text(&once, "; "));
    }

    #[test]
    fn an_order_of_its_own_makes_the_order_of_arrival_nothing(given in given()) {
        let down = vec![Sort::new(col("n"), false, false)];
        let ordered = machine(call(known::array_agg::array_agg_udaf(), vec![col("n")], false, down.clone()), false);
        let added: Vec<Given> = given.iter().map(|(value, part, _)| (*value, *part, false)).collect();
        let mut all = staying(&added);
        all.sort_by(|a, b| b.cmp(a));
        let list = if all.is_empty() { Value::Null } else { Value::List(all.iter().map(|n| whole(*n)).collect()) };
        prop_assert_eq!(found(&ordered, &added), list);
        let greatest = machine(call(known::first_last::first_value_udaf(), vec![col("s")], false, down), false);
        let first = all.iter().flatten().next().map_or(Value::Null, |n| Value::Text(n.to_string().into()));
        prop_assert_eq!(found(&greatest, &added), first);
    }

    #[test]
    fn without_taking_back_one_value_is_kept_of_the_first_and_the_last(given in given()) {
        let added: Vec<Given> = given.iter().map(|(value, part, _)| (*value, *part, false)).collect();
        let there: Vec<i8> = staying(&added).into_iter().flatten().collect();
        let first = machine(call(known::first_last::first_value_udaf(), vec![col("n")], false, vec![]), false);
        let last = machine(call(known::first_last::last_value_udaf(), vec![col("n")], false, vec![]), false);
        prop_assert_eq!(found(&first, &added), whole(there.first().copied()));
        prop_assert_eq!(found(&last, &added), whole(there.last().copied()));
        let mut kept = last.create();
        added.iter().for_each(|(value, ..)| last.add(&mut kept, &row(*value)));
        prop_assert!(encode(&kept).unwrap().len() < 32);
    }

    #[test]
    fn an_approximate_percentile_is_near(numbers in proptest::collection::vec(1..100_i8, 1..60)) {
        let given: Vec<Given> = numbers.iter().enumerate().map(|(at, n)| (Some(*n), at % 3, false)).collect();
        let args = vec![col("x"), lit(0.9)];
        let function = known::approx_percentile_cont::approx_percentile_cont_udaf();
        let Value::Float(found) = found(&machine(call(function, args, false, vec![]), false), &given) else {
            return Err(TestCaseError::fail("no number"));
        };
        let mut sorted = numbers;
        sorted.sort_unstable();
        let exact = f64::from(sorted[(0.9 * (sorted.len() - 1) as f64) as usize]);
        prop_assert!((found - exact).abs() <= exact / 128.0);
    }
}

#[test]
fn an_object_has_each_key_once() {
    let function = super::functions().into_iter().find(|function| function.name() == "json_objectagg").unwrap();
    let clauses = |nulls: &str| vec![col("s"), col("n"), lit(nulls), lit("VALUE")];
    let of = |clauses: Vec<Expr>, rows: &[Row]| {
        let machine = machine(call(Arc::clone(&function), clauses, false, vec![]), true);
        let mut kept = machine.create();
        rows.iter().for_each(|row| machine.change(&mut kept, row, 1).unwrap());
        machine.finish(kept).map(|mut values| values.pop().unwrap()).map_err(|error| error.to_string())
    };
    let codec = RowCodec::new(&columns()).unwrap();
    let null = Value::Null;
    let named = [null.clone(), null.clone(), null.clone(), null, Value::Text("\"".into())];
    let rows = [row(Some(1)), row(Some(2)), codec.row(RowKind::Insert, &named).unwrap()];
    assert_eq!(of(clauses("NULL"), &rows), Ok(Value::Text(r#"{"1":1,"2":2,"\"":null}"#.into())));
    assert_eq!(of(clauses("ABSENT"), &rows), Ok(Value::Text(r#"{"1":1,"2":2}"#.into())));
    assert_eq!(
        of(clauses("NULL"), &[row(Some(1)), row(Some(1))]).unwrap_err(),
        "JSON_OBJECTAGG fails: the key `1` comes twice"
    );
    assert_eq!(of(clauses("NULL"), &[row(None)]).unwrap_err(), "JSON_OBJECTAGG fails: a key is NULL");
}

#[test]
fn what_cannot_be_computed_is_refused_with_what_to_write() {
    let names = DFSchema::try_from(columns()).unwrap();
    let refused = |call: Expr| Lowered::new(&names, &[], &[call], &[DataType::Float64]).unwrap_err();
    let down = vec![Sort::new(col("x"), false, false)];
    let percentile = known::percentile_cont::percentile_cont_udaf;
    assert!(refused(call(percentile(), vec![col("x"), lit(0.1)], false, down)).what.contains("descending"));
    assert!(refused(call(percentile(), vec![col("x"), col("y")], false, vec![])).instead.contains("constants"));
    let approximate = known::approx_percentile_cont::approx_percentile_cont_udaf();
    assert!(refused(call(approximate, vec![col("x"), lit(1.5)], false, vec![])).instead.contains("0 to 1"));
}
