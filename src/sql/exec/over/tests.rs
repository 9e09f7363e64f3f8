//! OVER against a naive reference, over crashes, and in three lives.

use super::super::Prepared;
use super::super::tests::{Input, rows};
use super::{Planned, over};
use crate::api::Stream;
use crate::sql::row::{Row, RowCodec, RowKind, Value};
use crate::testing::Harness;
use crate::time::{Timestamp, seconds};
use arrow::datatypes::{DataType, Field, IntervalMonthDayNano, Schema};
use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::expr::WindowFunction;
use datafusion_expr::{Expr, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition, col};
use datafusion_functions_aggregate::{count::count_udaf, min_max::min_udaf, sum::sum_udaf};
use datafusion_functions_window::{nth_value, row_number::row_number_udwf};
use proptest::prelude::*;
use std::time::Duration;

fn input() -> RowCodec {
    let fields = [("key", DataType::Int64), ("time", DataType::Int64), ("n", DataType::Int64)];
    RowCodec::new(&Schema::new(fields.map(|(name, t)| Field::new(name, t, true)).to_vec())).unwrap()
}

fn rows_before(count: Option<u64>) -> WindowFrame {
    let start = WindowFrameBound::Preceding(ScalarValue::UInt64(count));
    WindowFrame::new_bounds(WindowFrameUnits::Rows, start, WindowFrameBound::CurrentRow)
}

fn millis_before(millis: Option<i64>) -> WindowFrame {
    let bound = millis.map(|millis| IntervalMonthDayNano::new(0, 0, millis * 1_000_000));
    let start = WindowFrameBound::Preceding(ScalarValue::IntervalMonthDayNano(bound));
    WindowFrame::new_bounds(WindowFrameUnits::Range, start, WindowFrameBound::CurrentRow)
}

fn call(function: impl Into<WindowFunctionDefinition>, args: Vec<Expr>, frame: WindowFrame) -> Expr {
    let mut call = WindowFunction::new(function, args);
    call.params.partition_by = vec![col("key")];
    call.params.window_frame = frame;
    Expr::from(call)
}

/// A harness of functions over rows of `key`, `time` and `n`, and how to read what comes out.
fn harness(functions: &[(Expr, DataType)], ttl: Option<Duration>) -> (Harness<Row, Row>, RowCodec) {
    let codec = input();
    let mut fields: Vec<_> = codec.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    let results = functions.iter().enumerate();
    fields.extend(results.map(|(at, (_, result))| Field::new(format!("f{at}"), result.clone(), true)));
    let output = Schema::new(fields);
    let names = DFSchema::try_from(codec.schema().as_ref().clone()).unwrap();
    let calls: Vec<Expr> = functions.iter().map(|(call, _)| call.clone()).collect();
    let planned = Planned::new(&names, &calls, &output).unwrap_or_else(|refused| panic!("{refused:?}"));
    let number = |read: &Expr| match read {
        Expr::Column(column) => names.index_of_column(column).unwrap(),
        other => panic!("{other} is no column"),
    };
    let columns: Vec<usize> = planned.reads().iter().map(number).collect();
    let dataflow = |stream: Stream<Row>| {
        over(&Prepared { stream, codec }, planned, &columns, (&output, ttl, "over")).unwrap().stream
    };
    (Harness::new(dataflow), RowCodec::new(&output).unwrap())
}

fn row(key: i64, time: i64, n: Option<i64>) -> Row {
    input().row(RowKind::Insert, &[Value::Int(key), Value::Int(time), n.map_or(Value::Null, Value::Int)]).unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[derive(Clone, Debug)]
enum Move {
    Push(i64, i64, Option<i64>),
    Watermark(i64),
    Crash,
    Rescale(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        12 => (0..2_i64, 0..30_i64, proptest::option::weighted(0.8, -5..5_i64)).prop_map(|(k, t, n)| Move::Push(k, t, n)),
        3 => (0..30_i64).prop_map(Move::Watermark),
        1 => Just(Move::Crash),
        1 => (1..4_usize).prop_map(Move::Rescale),
    ];
    proptest::collection::vec(one, 1..60)
}

/// What the functions of the test below are by definition, for the rows of a key in order.
fn reference(rows: &[(i64, Option<i64>)]) -> Vec<[Option<i64>; 8]> {
    let whole = |range: &[(i64, Option<i64>)]| {
        let known: Vec<i64> = range.iter().filter_map(|(_, n)| *n).collect();
        ((!known.is_empty()).then(|| known.iter().sum()), known.iter().min().copied(), known.len() as i64)
    };
    let columns = (0..rows.len()).map(|at| {
        let time = rows[at].0;
        let peers = rows.partition_point(|(other, _)| *other <= time);
        let (three, all) = (&rows[at.saturating_sub(2)..=at], &rows[..peers]);
        let five = &rows[rows.partition_point(|(other, _)| *other < time - 5)..peers];
        [
            whole(three).0,
            whole(three).1,
            whole(five).0,
            Some(whole(five).2),
            whole(all).0,
            Some(at as i64 + 1),
            three.iter().find_map(|(_, n)| *n),
            rows[..=at].iter().rev().find_map(|(_, n)| *n),
        ]
    });
    columns.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn each_column_is_what_its_definition_says_over_crashes_and_at_any_parallelism(moves in moves()) {
        let n = || vec![col("n")];
        let whole = DataType::Int64;
        let functions = [
            (call(sum_udaf(), n(), rows_before(Some(2))), whole.clone()),
            (call(min_udaf(), n(), rows_before(Some(2))), whole.clone()),
            (call(sum_udaf(), n(), millis_before(Some(5))), whole.clone()),
            (call(count_udaf(), n(), millis_before(Some(5))), whole.clone()),
            (call(sum_udaf(), n(), millis_before(None)), whole.clone()),
            (call(row_number_udwf(), vec![], rows_before(None)), DataType::UInt64),
            (call(nth_value::first_value_udwf(), n(), rows_before(Some(2))), whole.clone()),
            (call(nth_value::last_value_udwf(), n(), rows_before(None)), whole),
        ];
        let (mut harness, codec) = harness(&functions, None);
        let (mut accepted, mut watermark, mut late) = ([Vec::new(), Vec::new()], i64::MIN, 0_u64);
        for step in moves {
            match step {
                Move::Push(key, time, n) => {
                    harness.push(row(key, time, n), at(time));
                    match time > watermark {
                        true => accepted[key as usize].push((time, n)),
                        false => late += 1,
                    }
                }
                Move::Watermark(time) => {
                    harness.watermark(at(time));
                    watermark = watermark.max(time);
                }
                Move::Crash => { harness.crash_and_restore(); }
                Move::Rescale(parallelism) => { harness.rescale(parallelism); }
            }
        }
        prop_assert_eq!(harness.status().operators.iter().map(|operator| operator.late).sum::<u64>(), late);
        harness.end();
        let found = harness.drain_timed();
        prop_assert_eq!(found.len(), accepted.iter().map(Vec::len).sum::<usize>());
        for (key, mut rows) in (0..).zip(accepted) {
            rows.sort_by_key(|(time, _)| *time);
            let expected = rows.iter().zip(reference(&rows)).map(|((time, n), columns)| {
                [Some(key), Some(*time), *n].into_iter().chain(columns).collect::<Vec<_>>()
            });
            let whole = |value: Value<'_>| match value {
                Value::Int(number) => Some(number),
                Value::Unsigned(number) => Some(number as i64),
                _ => None,
            };
            let read = found.iter().map(|(row, time)| {
                let values: Vec<_> = codec.values(row).unwrap().into_iter().map(whole).collect();
                assert_eq!(values[1], Some(time.millis()), "a row has its own event time");
                values
            });
            let of_key: Vec<_> = read.filter(|values| values[0] == Some(key)).collect();
            prop_assert_eq!(of_key, expected.collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_key_whose_frames_are_empty_begins_anew_and_so_does_one_whose_time_to_live_is_over() {
    let sum = |frame| [(call(sum_udaf(), vec![col("n")], frame), DataType::Int64)];
    let last = |harness: &mut Harness<Row, Row>, codec: &RowCodec| {
        let rows = harness.drain();
        codec.show(rows.last().unwrap())
    };
    let (mut by_time, codec) = harness(&sum(millis_before(Some(10))), None);
    by_time.push(row(1, 5, Some(1)), at(5)).push(row(1, 15, Some(2)), at(15)).watermark(at(15));
    assert_eq!(last(&mut by_time, &codec), "+I[1, 15, 2, 3]");
    // The first timer that looks whether to forget comes when it must not, the second when it must.
    by_time.crash_and_restore().watermark(at(16)).push(row(1, 18, Some(4)), at(18)).watermark(at(20));
    assert_eq!(last(&mut by_time, &codec), "+I[1, 18, 4, 6]");
    by_time.watermark(at(90)).push(row(1, 91, Some(8)), at(91)).watermark(at(91));
    assert_eq!(last(&mut by_time, &codec), "+I[1, 91, 8, 8]");

    let (mut for_a_while, codec) = harness(&sum(rows_before(None)), Some(seconds(10)));
    for_a_while.push(row(1, 1, Some(1)), at(1)).watermark(at(1)).advance(seconds(6));
    for_a_while.push(row(1, 2, Some(1)), at(2)).watermark(at(2)).advance(seconds(6));
    for_a_while.push(row(1, 3, Some(1)), at(3)).watermark(at(3));
    assert_eq!(last(&mut for_a_while, &codec), "+I[1, 3, 1, 3]");
    for_a_while.crash_and_restore().advance(seconds(30)).push(row(1, 4, Some(1)), at(4)).watermark(at(4));
    assert_eq!(last(&mut for_a_while, &codec), "+I[1, 4, 1, 1]");
}

/// What a query over hits that are out of order gives, in three lives.
fn over_hits(out: &str, select: &str) -> Vec<String> {
    let hits = [("ada", 4, "5"), ("bob", 2, "4"), ("ada", 1, "3"), ("ada", 4, ""), ("bob", 26, "8"), ("ada", 14, "7")];
    let lines = hits.map(|(who, second, n)| format!("{who},1970-01-01 00:00:{second:02},{n}"));
    let input = Input::new(&lines.each_ref().map(String::as_str));
    rows(&format!(
        "CREATE TABLE hits (who STRING, ts TIMESTAMP_LTZ(3), n INT, WATERMARK FOR ts AS ts - INTERVAL '20' SECOND)
         WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv', 'csv.null-literal' = '');
         CREATE TABLE out ({out}) WITH ('connector' = 'collect');
         INSERT INTO out {select}",
        input.path()
    ))
}

#[test]
fn rows_that_come_out_of_order_are_looked_at_in_order() {
    let found = over_hits(
        "who STRING, n INT, total BIGINT, near BIGINT, least INT, names STRING",
        "SELECT who, n, SUM(n) OVER (PARTITION BY who ORDER BY ts),
           COUNT(*) OVER (PARTITION BY who ORDER BY ts RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW),
           MIN(n) OVER (PARTITION BY who ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW),
           LISTAGG(CAST(n AS STRING)) OVER (PARTITION BY who ORDER BY ts ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)
         FROM hits",
    );
    assert_eq!(
        found,
        [
            "+I[ada, 3, 3, 1, 3, 3]",
            "+I[ada, 5, 8, 3, 3, 3,5]",
            "+I[ada, 7, 15, 3, 7, 5,7]",
            "+I[ada, null, 8, 3, 5, 3,5]",
            "+I[bob, 4, 4, 1, 4, 4]",
            "+I[bob, 8, 12, 1, 4, 4,8]",
        ]
    );
}

#[test]
fn rows_are_numbered_and_see_the_row_before() {
    let found = over_hits(
        "who STRING, n INT, number BIGINT, place BIGINT, dense BIGINT, before INT, early INT",
        "SELECT who, n, ROW_NUMBER() OVER w, RANK() OVER w, DENSE_RANK() OVER w, LAG(n) OVER w, LAG(n, 2, -1) OVER w
         FROM hits WINDOW w AS (PARTITION BY who ORDER BY ts)",
    );
    assert_eq!(
        found,
        [
            "+I[ada, 3, 1, 1, 1, null, -1]",
            "+I[ada, 5, 2, 2, 2, 3, -1]",
            "+I[ada, 7, 4, 4, 3, null, 5]",
            "+I[ada, null, 3, 2, 2, 5, 3]",
            "+I[bob, 4, 1, 1, 1, null, -1]",
            "+I[bob, 8, 2, 2, 2, 4, -1]",
        ]
    );
}

#[test]
fn all_values_of_a_window_or_a_key_are_aggregated() {
    let found = over_hits(
        "who STRING, names STRING, middle DOUBLE, spread DOUBLE, latest INT",
        "SELECT who, LISTAGG(DISTINCT CAST(n AS STRING)), PERCENTILE(n, 0.5), VAR_POP(n), LAST_VALUE(n)
         FROM TABLE(TUMBLE(TABLE hits, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY who, window_start, window_end",
    );
    let variance = 8.0 / 3.0;
    assert_eq!(found, [format!("+I[ada, 5,3,7, 5.0, {variance}, 7]"), "+I[bob, 4,8, 6.0, 4.0, 8]".to_owned()]);
}
