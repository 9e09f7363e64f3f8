//! The window joins against a nested loop.

use crate::history::{Row, Side, arrivals, histories, parted, play, rows, t};
use millstream::prelude::*;
use millstream::testing::{Checked, Harness, Probe};
use proptest::prelude::*;

const SIZE: i64 = 16;

#[derive(Clone, Copy, Debug)]
enum Kind {
    Inner,
    Left,
    Right,
    Full,
}

type Pair = (i64, Option<usize>, Option<usize>);

/// The pairs by window end, and the numbers of late records.
fn nested_loop(arrivals: &[(Side, i64)], kind: Kind) -> (Vec<Pair>, Vec<usize>) {
    let end = |row: &Row| row.time - row.time.rem_euclid(SIZE) + SIZE;
    let is_late = |row: &Row, watermark: i64| end(row) - 1 <= watermark;
    let (mut lefts, mut rights, mut late): (Vec<Row>, Vec<Row>, Vec<usize>) = (Vec::new(), Vec::new(), Vec::new());
    for (side, watermark) in arrivals {
        match side {
            Either::Left(row) | Either::Right(row) if is_late(row, *watermark) => late.push(row.number),
            Either::Left(row) => lefts.push(*row),
            Either::Right(row) => rights.push(*row),
        }
    }
    let is_pair = |l: &Row, r: &Row| l.key == r.key && end(l) == end(r);
    let mut pairs = Vec::new();
    for l in &lefts {
        let partners: Vec<&Row> = rights.iter().filter(|r| is_pair(l, r)).collect();
        pairs.extend(partners.iter().map(|r| (end(l), Some(l.number), Some(r.number))));
        if partners.is_empty() && matches!(kind, Kind::Left | Kind::Full) {
            pairs.push((end(l), Some(l.number), None));
        }
    }
    if matches!(kind, Kind::Right | Kind::Full) {
        let alone = rights.iter().filter(|r| !lefts.iter().any(|l| is_pair(l, r)));
        pairs.extend(alone.map(|r| (end(r), None, Some(r.number))));
    }
    (pairs, late)
}

fn number(row: Option<&Row>) -> Option<usize> {
    row.map(|row| row.number)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_window_join_finds_what_a_nested_loop_finds(
        steps in histories(),
        kind in prop_oneof![Just(Kind::Inner), Just(Kind::Left), Just(Kind::Right), Just(Kind::Full)],
    ) {
        let late = Probe::new();
        let seen = late.clone();
        let found = play(&steps, move |both| {
            let (left, right) = parted(&both);
            let windows = left.join(&right).on(|l| l.key, |r| r.key).window(Tumbling::of(millis(SIZE as u64)));
            let late_number = |late: Late<Side>| {
                let (Either::Left(row) | Either::Right(row)) = late.record;
                row.number
            };
            windows.late().map(late_number).sink(late);
            let paired = match kind {
                Kind::Inner => windows.inner(|l, r| (number(Some(l)), number(Some(r)))),
                Kind::Left => windows.left(|l, r| (number(Some(l)), number(r))),
                Kind::Right => windows.right(|l, r| (number(l), number(Some(r)))),
                Kind::Full => windows.full(|l, r| (number(l), number(r))),
            };
            paired.checked()
        });
        prop_assert!(found.iter().all(|(window, time)| *time == window.end.plus_millis(-1)));
        let found: Vec<_> = found.iter().map(|(window, _)| (window.end.millis(), window.value.0, window.value.1)).collect();
        let arrivals: Vec<(Side, i64)> = arrivals(&steps).into_iter().map(|(side, at)| (side, at.watermark)).collect();
        let (pairs, expected_late) = nested_loop(&arrivals, kind);
        prop_assert_eq!(sorted(found), sorted(pairs));
        prop_assert_eq!(sorted(seen.all()), expected_late);
    }
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
    values
}

#[test]
fn a_session_is_of_both_streams_in_common() {
    let mut joined = Harness::new(|both: Stream<Side>| {
        let (left, right) = parted(&both);
        let sessions = left.join(&right).on(|l| l.key, |r| r.key).window(Session::gap(millis(10)));
        sessions.full(|l, r| (l.map(|l| l.time), r.map(|r| r.time)))
    });
    for (number, row) in rows(&[(1, 0), (1, 9), (1, 18), (1, 40)]).into_iter().enumerate() {
        joined.push(if number % 2 == 0 { Either::Left(row) } else { Either::Right(row) }, t(row.time));
        joined.crash_and_restore();
    }
    let fired: Vec<_> =
        joined.end().drain().into_iter().map(|window| (window.start, window.end, window.value)).collect();
    let first = |left| (t(0), t(28), (Some(left), Some(9)));
    assert_eq!(fired, [first(0), first(18), (t(40), t(50), (None, Some(40)))]);
}

#[test]
fn the_operator_that_is_named_counts_pairs_and_holds_the_state() {
    let mut joined = Harness::new(|both: Stream<Side>| {
        let (left, right) = parted(&both);
        let windows = left.join(&right).on(|l| l.key, |r| r.key).window(Tumbling::of(millis(10)));
        windows.inner(|l, r| (l.number, r.number)).uid("pairs")
    });
    for row in rows(&[(1, 0), (1, 1), (1, 2)]) {
        joined.push(Either::Left(row), t(row.time)).push(Either::Right(row), t(row.time));
    }
    joined.push(Either::Left(rows(&[(2, 5)])[0]), t(5)).crash_and_restore();
    assert_eq!(joined.end().drain().len(), 9);
    let status = joined.status();
    let pairs = status.operator("pairs").unwrap();
    assert_eq!((pairs.records_in, pairs.records_out), (7, 9));
}
