//! Windows of every kind.

use super::{Hit, hits, lives, stream};
use millstream::operator::window::trigger::{CountTrigger, PurgingTrigger};
use millstream::operator::window::{Assigner, Window, Windows};
use millstream::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Key, window end, number of records, and the sum of their numbers.
type Row = (u8, i64, u64, u64);

fn rows(windows: Stream<Windowed<u8, (u64, u64)>>) -> Stream<Row> {
    windows.map(|window| (window.key, window.end.millis(), window.value.0, window.value.1))
}

/// How many records, and the sum of their numbers.
type Sums = (Count, Sum<fn(&Hit) -> u64>);

fn sums() -> Sums {
    let number: fn(&Hit) -> u64 = |hit| hit.1;
    (Count, Sum::of(number))
}

/// Each hit in the windows that end where `ends` says.
fn naive(ends: impl Fn(i64) -> Vec<i64>) -> Vec<Row> {
    let mut windows: BTreeMap<(u8, i64), (u64, u64)> = BTreeMap::new();
    for hit in hits() {
        for end in ends(hit.2) {
            let window = windows.entry((hit.0, end)).or_default();
            *window = (window.0 + 1, window.1 + hit.1);
        }
    }
    windows.into_iter().map(|((key, end), (count, sum))| (key, end, count, sum)).collect()
}

fn tumbling(time: i64) -> Vec<i64> {
    vec![time - time.rem_euclid(100) + 100]
}

fn sliding(time: i64) -> Vec<i64> {
    let first = time - time.rem_euclid(30) + 30;
    (0..4).map(|n| first + n * 30).filter(|end| end - 100 <= time).collect()
}

#[test]
fn tumbling_and_sliding() {
    let build = |job: &Job| rows(stream(job).key_by(|hit| hit.0).window(Tumbling::of(millis(100))).aggregate(sums()));
    lives(build, naive(tumbling));
    // Starts are on the grid of 30 ms, so ends are 100 ms behind it.
    let ends = |time: i64| sliding(time - 10).into_iter().map(|end| end + 10).filter(|end| end - 100 <= time).collect();
    let build = |job: &Job| {
        let windows = stream(job).key_by(|hit| hit.0).window(Sliding::of(millis(100)).every(millis(30)));
        rows(windows.aggregate(sums()))
    };
    lives(build, naive(ends));
}

#[test]
fn in_two_phases_and_with_lateness_that_nothing_needs() {
    let windows = |job: &Job| stream(job).key_by(|hit| hit.0).window(Tumbling::of(millis(100)));
    lives(|job| rows(windows(job).local_global().aggregate(sums())), naive(tumbling));
    lives(|job| rows(windows(job).allowed_lateness(seconds(1)).aggregate(sums())), naive(tumbling));
}

#[test]
fn count_and_reduce_and_count_distinct() {
    let windows = |job: &Job| stream(job).key_by(|hit| hit.0).window(Tumbling::of(millis(100)));
    let counts: Vec<_> = naive(tumbling).into_iter().map(|(key, end, count, _)| (key, end, count)).collect();
    let row = |w: Windowed<u8, u64>| (w.key, w.end.millis(), w.value);
    lives(|job| windows(job).count().map(row), counts.clone());
    lives(|job| windows(job).local_global().count().map(row), counts);

    let sums = naive(tumbling).into_iter().map(|(key, end, _, sum)| (key, end, sum));
    let build = |job: &Job| {
        let reduced = windows(job).reduce(|a, b| (a.0, a.1 + b.1, a.2));
        reduced.map(|w| (w.key, w.end.millis(), w.value.1))
    };
    lives(build, sums);

    let distinct = |ends: fn(i64) -> Vec<i64>| {
        let mut values: BTreeMap<(u8, i64), BTreeSet<u64>> = BTreeMap::new();
        for hit in hits() {
            for end in ends(hit.2) {
                values.entry((hit.0, end)).or_default().insert(hit.1 % 6);
            }
        }
        values.into_iter().map(|((key, end), values)| (key, end, values.len() as u64)).collect::<Vec<_>>()
    };
    lives(|job| windows(job).count_distinct(|hit| hit.1 % 6).map(row), distinct(tumbling));
    let build = |job: &Job| {
        let windows = stream(job).key_by(|hit| hit.0).window(Sliding::of(millis(100)).every(millis(50)));
        windows.count_distinct(|hit| hit.1 % 6).map(row)
    };
    lives(build, distinct(|time| vec![time / 50 * 50 + 50, time / 50 * 50 + 100]));
}

#[test]
fn process_with_state() {
    // By how much the sum of a window differs from that of the key's window before.
    let mut before = [0; 3];
    let expected = naive(tumbling).into_iter().map(|(key, end, _, sum)| {
        (key, end, sum as i64 - std::mem::replace(&mut before[usize::from(key)], sum as i64))
    });
    let build = |job: &Job| {
        let windows = stream(job).key_by(|hit| hit.0).window(Tumbling::of(millis(100)));
        windows.process_with_state(|key, info, hits, before: &mut i64, emit| {
            let sum = hits.iter().map(|hit| hit.1 as i64).sum();
            emit((*key, info.window.end.millis(), sum - std::mem::replace(before, sum)));
        })
    };
    lives(build, expected.collect::<Vec<_>>());
}

#[test]
fn unassigned() {
    // Windows of 30 ms, with 70 ms between them.
    let build = |job: &Job| {
        let windows = stream(job).key_by(|hit| hit.0).window(Sliding::of(millis(30)).every(millis(100)));
        let between = windows.unassigned().map(|hit| (hit.0, -1, 1, hit.1));
        rows(windows.aggregate(sums())).union(&between)
    };
    let (inside, between): (Vec<_>, Vec<_>) = hits().into_iter().partition(|hit| hit.2 % 100 < 30);
    assert!(inside.len() > 20);
    let mut expected = naive(|time| if time % 100 < 30 { vec![time / 100 * 100 + 30] } else { Vec::new() });
    expected.extend(between.into_iter().map(|hit| (hit.0, -1, 1, hit.1)));
    lives(build, expected);
}

#[test]
fn by_processing_time() {
    // Where windows are cut depends on when records come, not what they hold together.
    fn each(windows: impl Into<Windows<Hit>> + Clone, times: usize) {
        let build = |job: &Job| {
            let windows = stream(job).key_by(|hit| hit.0).window(windows.clone());
            windows.collect().flat_map(|window| window.value.into_iter().map(move |hit| (window.key, hit)))
        };
        lives(build, hits().into_iter().flat_map(|hit| vec![(hit.0, hit); times]));
    }
    each(Tumbling::of(millis(5)).processing_time(), 1);
    each(Sliding::of(millis(20)).every(millis(10)).processing_time(), 2);
    each(Session::gap(millis(1)).processing_time(), 1);
}

/// The tenth of a second of a record, and its second.
struct TenthAndSecond;

impl Assigner<Hit> for TenthAndSecond {
    fn name(&self) -> String {
        "tenth and second".to_owned()
    }

    fn assign(&self, _: &Hit, time: Timestamp, windows: &mut Vec<Window>) {
        for size in [millis(100), seconds(1)] {
            let start = time.floor_to(size);
            windows.push(Window::new(start, start + size));
        }
    }
}

#[test]
fn of_an_assigner_of_ones_own() {
    let mut expected = naive(tumbling);
    expected.extend(naive(|time| vec![time / 1_000 * 1_000 + 1_000]));
    let build =
        |job: &Job| rows(stream(job).key_by(|hit| hit.0).window(Windows::custom(TenthAndSecond)).aggregate(sums()));
    lives(build, expected);
}

#[test]
fn collect_and_process() {
    let expected: Vec<_> = naive(tumbling).into_iter().map(|(key, end, count, _)| (key, end, count as usize)).collect();
    let windows = |job: &Job| stream(job).key_by(|hit| hit.0).window(Tumbling::of(millis(100)));
    let build = |job: &Job| windows(job).collect().map(|w| (w.key, w.end.millis(), w.value.len()));
    lives(build, expected.clone());
    let build =
        |job: &Job| windows(job).process(|key, info, hits, emit| emit((*key, info.window.end.millis(), hits.len())));
    lives(build, expected);
}

#[test]
fn sessions() {
    let mut expected = Vec::new();
    for key in 0..3 {
        for part in [0..50, 50..100, 100..150] {
            let hits = hits().into_iter().filter(|hit| hit.0 == key && part.contains(&hit.1));
            let end = hits.clone().map(|hit| hit.2).max().unwrap() + 500;
            expected.push((key, end, hits.clone().count() as u64, hits.map(|hit| hit.1).sum()));
        }
    }
    let keyed = |job: &Job| stream(job).key_by(|hit| hit.0);
    lives(|job| rows(keyed(job).window(Session::gap(millis(500))).aggregate(sums())), expected.clone());
    lives(|job| rows(keyed(job).window(Session::gap_by(|_: &Hit| millis(500))).aggregate(sums())), expected);
}

/// The hits of each key in runs of ten: how many, and the sum of their numbers.
fn tens() -> Vec<(u8, u64, u64)> {
    let by_key = (0..3_u8).map(|key| hits().into_iter().filter(|hit| hit.0 == key).collect::<Vec<_>>());
    let runs = by_key.flat_map(|hits| hits.chunks_exact(10).map(<[Hit]>::to_vec).collect::<Vec<_>>());
    runs.map(|run| (run[0].0, 10, run.iter().map(|hit| hit.1).sum())).collect()
}

#[test]
fn by_count() {
    let keyed = |job: &Job| stream(job).key_by(|hit| hit.0);
    let rows = |windows: Stream<Windowed<u8, (u64, u64)>>| windows.map(|w| (w.key, w.value.0, w.value.1));
    lives(|job| rows(keyed(job).window(CountWindows::of(10)).aggregate(sums())), tens());
    let build = |job: &Job| {
        let global = keyed(job).window(Global);
        rows(global.trigger(PurgingTrigger::of(CountTrigger::of(10))).aggregate(sums()))
    };
    lives(build, tens());

    // After every 5 of a key, of its last 10.
    let mut expected = Vec::new();
    for key in 0..3 {
        let numbers: Vec<u64> = hits().into_iter().filter(|hit| hit.0 == key).map(|hit| hit.1).collect();
        for end in (5..=numbers.len()).step_by(5) {
            let last = &numbers[end.saturating_sub(10)..end];
            expected.push((key, last.len() as u64, last.iter().sum()));
        }
    }
    lives(|job| rows(keyed(job).window(CountWindows::of(10).every(5)).aggregate(sums())), expected);
}

#[test]
fn opened_and_closed_by_records() {
    // The numbers of a key are three apart.
    let build = |job: &Job| {
        let matching = Matching::new(|hit: &Hit| hit.1 % 30 < 3, |hit: &Hit| hit.1 % 30 >= 27);
        stream(job).key_by(|hit| hit.0).window(matching).aggregate(sums()).map(|w| (w.key, w.value.0, w.value.1))
    };
    lives(build, tens());
}

#[test]
fn without_keys() {
    let build = |job: &Job| {
        let windows = stream(job).window_all(Tumbling::of(millis(100))).count();
        windows.map(|window| (window.end.millis(), window.value))
    };
    let mut expected: BTreeMap<i64, u64> = BTreeMap::new();
    hits().into_iter().for_each(|hit| *expected.entry(tumbling(hit.2)[0]).or_default() += 1);
    lives(build, expected);
}
