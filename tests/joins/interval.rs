//! The interval join against a nested loop.

use crate::history::{Row, Side, arrivals, histories, numbers, parted, play, rows, t};
use millstream::prelude::*;
use millstream::testing::{Checked, Harness, Probe};
use proptest::prelude::*;

/// A pair by the numbers of its records, and its event time.
type Pair = ((usize, usize), Timestamp);

/// The pairs with their event times in the order in which they come, and the numbers of late records.
fn nested_loop(arrivals: &[(Side, i64)], lower: i64, upper: i64) -> (Vec<Pair>, Vec<usize>) {
    let (mut lefts, mut rights): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
    let (mut pairs, mut late) = (Vec::new(), Vec::new());
    let is_pair = |l: &Row, r: &Row| l.key == r.key && (lower..=upper).contains(&(r.time - l.time));
    for (side, watermark) in arrivals {
        let (Either::Left(row) | Either::Right(row)) = side;
        if row.time <= *watermark {
            late.push(row.number);
            continue;
        }
        let mut found: Vec<(i64, usize, (usize, usize))> = match side {
            Either::Left(l) => {
                lefts.push(*l);
                rights.iter().filter(|r| is_pair(l, r)).map(|r| (r.time, r.number, numbers(l, r))).collect()
            }
            Either::Right(r) => {
                rights.push(*r);
                lefts.iter().filter(|l| is_pair(l, r)).map(|l| (l.time, l.number, numbers(l, r))).collect()
            }
        };
        found.sort();
        pairs.extend(found.into_iter().map(|(time, _, pair)| (pair, t(time.max(row.time)))));
    }
    (pairs, late)
}

fn offset(millis: i64) -> Offset {
    let duration = std::time::Duration::from_millis(millis.unsigned_abs());
    if millis < 0 { Offset::before(duration) } else { Offset::after(duration) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn an_interval_join_finds_what_a_nested_loop_finds(
        steps in histories(),
        (one, other) in (-25..25_i64, -25..25_i64),
        (open_lower, open_upper) in any::<(bool, bool)>(),
    ) {
        let (lower, upper) = (one.min(other), one.max(other) + 2);
        let (late_left, late_right) = (Probe::new(), Probe::new());
        let late = [late_left.clone(), late_right.clone()];
        let found = play(&steps, move |both| {
            let (left, right) = parted(&both);
            let mut join = left.join(&right).on(|l| l.key, |r| r.key).interval(offset(lower), offset(upper));
            join = if open_lower { join.exclusive_lower() } else { join };
            join = if open_upper { join.exclusive_upper() } else { join };
            join.late_left().map(|late| late.record.number).sink(late_left);
            join.late_right().map(|late| late.record.number).sink(late_right);
            join.inner(numbers).checked()
        });
        let arrivals: Vec<(Side, i64)> = arrivals(&steps).into_iter().map(|(side, at)| (side, at.watermark)).collect();
        let (pairs, expected_late) = nested_loop(&arrivals, lower + i64::from(open_lower), upper - i64::from(open_upper));
        prop_assert_eq!(found, pairs);
        let mut late: Vec<usize> = late.iter().flat_map(Probe::all).collect();
        late.sort();
        prop_assert_eq!(late, expected_late);
    }
}

fn payments(lower: Offset, upper: Offset) -> Harness<Side, (i64, i64)> {
    Harness::new(move |both: Stream<Side>| {
        let (left, right) = parted(&both);
        left.join(&right).on(|l| l.key, |r| r.key).interval(lower, upper).inner(|l, r| (l.time, r.time))
    })
}

#[test]
fn both_bounds_belong_to_the_interval_unless_they_are_said_not_to() {
    let pairs = |open: bool| {
        let mut joined = Harness::new(move |both: Stream<Side>| {
            let (left, right) = parted(&both);
            let join = left.join(&right).on(|l| l.key, |r| r.key).interval(Offset::before(millis(5)), millis(10));
            let join = if open { join.exclusive_lower().exclusive_upper() } else { join };
            join.inner(|_, r| r.time)
        });
        joined.push(Either::Left(rows(&[(1, 100)])[0]), t(100));
        for row in rows(&[(1, 94), (1, 95), (1, 96), (1, 109), (1, 110), (1, 111), (2, 100)]) {
            joined.push(Either::Right(row), t(row.time));
        }
        joined.drain()
    };
    assert_eq!((pairs(false), pairs(true)), (vec![95, 96, 109, 110], vec![96, 109]));
}

#[test]
fn a_record_is_kept_until_its_last_partner_could_have_come() {
    for (watermark, expected) in [(109, vec![(100, 110)]), (110, vec![])] {
        let mut joined = payments(millis(0).into(), millis(10).into());
        joined.push(Either::Left(rows(&[(1, 100)])[0]), t(100)).watermark(t(watermark)).crash_and_restore();
        joined.push(Either::Right(rows(&[(1, 110)])[0]), t(110));
        assert_eq!(joined.drain(), expected, "at {watermark}");
        let late: u64 = joined.status().operators.iter().map(|operator| operator.late).sum();
        assert_eq!(late, u64::from(expected.is_empty()), "and if not, then the late record is counted");
    }
}

#[test]
fn partners_may_lie_on_one_side_only() {
    let mut joined = payments(millis(20).into(), millis(30).into());
    for row in rows(&[(1, 100), (1, 95)]) {
        joined.push(Either::Left(row), t(row.time));
    }
    joined.watermark(t(119));
    for row in rows(&[(1, 120), (1, 125), (1, 131)]) {
        joined.push(Either::Right(row), t(row.time));
    }
    assert_eq!(joined.drain(), [(95, 120), (100, 120), (95, 125), (100, 125)]);
}

#[test]
fn a_pair_whose_partner_comes_from_a_stream_joined_with_itself_is_found_from_both_ends() {
    let mut joined = Harness::new(|rows: Stream<Row>| {
        rows.join(&rows).on(|l| l.key, |r| r.key).interval(millis(1), millis(10)).inner(numbers)
    });
    for row in rows(&[(1, 100), (1, 105), (2, 105), (1, 111)]) {
        joined.push(row, t(row.time));
    }
    assert_eq!(joined.drain(), [(0, 1), (1, 3)]);
}

#[test]
fn an_empty_interval_a_foreign_stream_and_a_record_without_event_time_are_told() {
    let job = Job::new("empty");
    let numbers = job.source(MemorySource::new(0..9_u64));
    let on = || numbers.join(&numbers).on(|n| *n, |n| *n);
    on().interval(millis(5), millis(4)).inner(|l, _| *l).uid("pairs").sink(CollectSink::new());
    let error = job.explain(&Config::default()).unwrap_err().to_string();
    assert!(error.contains("`pairs`: the interval of a join is empty: from 5 ms to 4 ms"), "{error}");

    let (one, other) = (Job::new("one"), Job::new("other"));
    let foreign = other.source(MemorySource::new(0..9_u32));
    let numbers = one.source(MemorySource::new(0..9_u64)).uid("numbers");
    let joined = numbers.join(&foreign).on(|l| *l, |r| u64::from(*r)).unbounded().inner(|l, _| *l);
    joined.sink(CollectSink::new());
    let error = one.explain(&Config::default()).unwrap_err().to_string();
    assert!(error.contains("`numbers` joins streams of two jobs"), "{error}");

    let mut timeless = payments(millis(0).into(), millis(10).into());
    let error = timeless.try_push(Either::Left(rows(&[(1, 0)])[0]), Timestamp::MIN).unwrap_err().to_string();
    assert!(error.contains("a record has no event time; give the stream event time"), "{error}");
}
