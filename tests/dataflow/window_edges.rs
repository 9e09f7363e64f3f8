//! The edges of windows, one by one: where a session ends, what is late, and the ends of time.

use crate::support::{Gate, GatedSource, collected, ended, eventually, records_out, run, sorted};
use millstream::operator::Aggregate;
use millstream::prelude::*;

/// What came of records of one key at these times, in this order: windows as (start, end, count), and late times.
fn counted(times: &[i64], bound: u64, windows: impl Into<Windows<i64>>) -> (Vec<(i64, i64, u64)>, Vec<i64>) {
    let job = Job::new("edges");
    let windowed = job
        .source(MemorySource::new(times.to_vec()))
        .rebalance()
        .event_time(|time| Timestamp::from_millis(*time), Watermarks::out_of_order(millis(bound)))
        .key_by(|_| ())
        .window(windows);
    let late = collected(&windowed.late());
    let rows = collected(&windowed.count());
    // One record a batch, so that each is followed by its watermark.
    run(&job, Config::default().batch_size(1));
    let rows = rows.rows().into_iter().map(|window| (window.start.millis(), window.end.millis(), window.value));
    (rows.collect(), late.rows().into_iter().map(|late| late.time.millis()).collect())
}

#[test]
fn windows_begin_at_multiples_of_their_size_also_before_1970() {
    let (windows, late) = counted(&[-11, -10, -1, 0, 9, 10], 0, Tumbling::of(millis(10)));
    assert_eq!(windows, [(-20, -10, 1), (-10, 0, 2), (0, 10, 2), (10, 20, 1)]);
    assert_eq!(late, [0_i64; 0]);
}

#[test]
fn records_exactly_the_gap_apart_are_one_session_and_one_more_is_two() {
    assert_eq!(counted(&[0, 10, 20], 0, Session::gap(millis(10))).0, [(0, 30, 3)]);
    assert_eq!(counted(&[0, 11], 0, Session::gap(millis(10))).0, [(0, 10, 1), (11, 21, 1)]);
    assert_eq!(counted(&[-15, -5, 5], 0, Session::gap(millis(10))).0, [(-15, 15, 3)]);
}

#[test]
fn a_record_between_two_sessions_joins_them() {
    assert_eq!(counted(&[0, 20, 10], 100, Session::gap(millis(10))).0, [(0, 30, 3)]);
    assert_eq!(counted(&[0, 40, 19, 30, 9], 100, Session::gap(millis(12))).0, [(0, 52, 5)]);
    assert_eq!(counted(&[0, 21, 10], 100, Session::gap(millis(10))).0, [(0, 20, 2), (21, 31, 1)]);
}

#[test]
fn a_record_in_front_of_a_session_makes_it_begin_earlier() {
    assert_eq!(counted(&[20, 10, 0], 100, Session::gap(millis(10))).0, [(0, 30, 3)]);
}

/// Counts at these times, one after the other: the operator's clock has heard each before the next is let through.
fn step_by_step(times: &'static [i64], windows: impl Into<Windows<i64>>) -> (Vec<(i64, i64, u64)>, Vec<i64>) {
    let job = Job::new("steps");
    let gate = Gate::default();
    let source = GatedSource { gate: gate.clone(), count: times.len() as u64, splits: 1, block: 1 };
    let windowed = job
        .source(source)
        .map(|index| times[index as usize])
        .event_time(|time| Timestamp::from_millis(*time), Watermarks::monotonic())
        .key_by(|_| ())
        .window(windows);
    let late = collected(&windowed.late());
    let rows = collected(&windowed.count());
    let handle = job.start(Config::default().without_checkpoints()).unwrap();
    let mut latest = i64::MIN;
    for (index, time) in times.iter().enumerate() {
        latest = latest.max(*time);
        gate.open_to(index as u64 + 1);
        let clock = Timestamp::from_millis(latest - 1);
        eventually("the clock has come to the record", || handle.status().watermark >= Some(clock));
        eventually("the record has come", || records_out(&handle, "source") == index as u64 + 1);
    }
    ended(handle);
    let rows = rows.rows().into_iter().map(|window| (window.start.millis(), window.end.millis(), window.value));
    (rows.collect(), late.rows().into_iter().map(|late| late.time.millis()).collect())
}

#[test]
fn a_record_behind_the_clock_whose_window_stands_is_not_late() {
    assert_eq!(step_by_step(&[5, 9, 3, 10], Tumbling::of(millis(10))), (vec![(0, 10, 3), (10, 20, 1)], vec![]));
    assert_eq!(step_by_step(&[5, 10, 3, 12], Tumbling::of(millis(10))), (vec![(0, 10, 1), (10, 20, 2)], vec![3]));
}

#[test]
fn a_record_behind_the_clock_that_joins_an_open_session_is_not_late() {
    // At 25 the clock is 24. Alone, the record at 10 would be a session that ended at 20; it touches the one from 20 on.
    let (windows, late) = step_by_step(&[20, 25, 10], Session::gap(millis(10)));
    assert_eq!((windows, late), (vec![(10, 35, 3)], vec![]));
    let (windows, late) = step_by_step(&[20, 25, 9], Session::gap(millis(10)));
    assert_eq!((windows, late), (vec![(20, 35, 2)], vec![9]));
}

#[test]
fn windows_at_the_ends_of_time_are_cut_off_there() {
    let (first, last) = (i64::MIN, i64::MAX);
    // The grid of 10 ms has lines at MIN + 8 and at MAX - 7.
    let (windows, late) =
        counted(&[first + 5, first + 7, first + 8, last - 8, last - 7, last], 0, Tumbling::of(millis(10)));
    let expected = [(first, first + 8, 2), (first + 8, first + 18, 1), (last - 17, last - 7, 1), (last - 7, last, 2)];
    assert_eq!((windows.as_slice(), late.as_slice()), (expected.as_slice(), [].as_slice()));
    let (windows, late) = counted(&[first + 5, last - 20, last - 3, last], 0, Session::gap(millis(10)));
    let expected = [(first + 5, first + 15, 1), (last - 20, last - 10, 1), (last - 3, last, 2)];
    assert_eq!((windows.as_slice(), late.as_slice()), (expected.as_slice(), [].as_slice()));
}

#[test]
fn records_without_event_time_are_in_the_first_window_there_is() {
    let job = Job::new("timeless");
    let windows = job.source(MemorySource::new(0..10_u64)).key_by(|n| n % 2).window(Tumbling::of(minutes(1))).count();
    let rows = collected(&windows);
    run(&job, Config::default());
    let rows: Vec<_> = rows.rows().into_iter().map(|window| (window.key, window.start, window.value)).collect();
    assert_eq!(rows, [(0, Timestamp::MIN, 5), (1, Timestamp::MIN, 5)]);
}

#[test]
fn a_tumbling_collect_keeps_the_order_in_which_records_came() {
    let job = Job::new("collect");
    let windows = job
        .source(MemorySource::new(vec![("a", 5), ("b", 1), ("a", 3), ("a", 12), ("a", 4)]))
        .event_time(|hit| Timestamp::from_millis(hit.1), Watermarks::out_of_order(millis(50)))
        .map(|hit| (hit.0.to_owned(), hit.1))
        .key_by(|hit| hit.0.clone())
        .window(Tumbling::of(millis(10)))
        .collect();
    let rows = collected(&windows.map(|window| (window.key, window.value.iter().map(|hit| hit.1).collect::<Vec<_>>())));
    run(&job, Config::default());
    let expected = [("a", vec![5, 3, 4]), ("b", vec![1]), ("a", vec![12])];
    assert_eq!(rows.rows(), expected.map(|(key, times)| (key.to_owned(), times)));
}

/// The least and the greatest.
struct Range;

impl Aggregate<i64> for Range {
    type Accumulator = Option<(i64, i64)>;
    type Output = (i64, i64);

    fn create(&self) -> Option<(i64, i64)> {
        None
    }

    fn add(&self, range: &mut Option<(i64, i64)>, value: &i64) {
        let (least, greatest) = range.unwrap_or((*value, *value));
        *range = Some((least.min(*value), greatest.max(*value)));
    }

    fn merge(&self, into: &mut Option<(i64, i64)>, other: Option<(i64, i64)>) {
        for value in other.into_iter().flat_map(|(least, greatest)| [least, greatest]) {
            self.add(into, &value);
        }
    }

    fn finish(&self, range: Option<(i64, i64)>) -> (i64, i64) {
        range.expect("a window holds a record")
    }
}

#[test]
fn windows_are_reduced_and_aggregated_also_when_sessions_merge() {
    let job = Job::new("aggregates");
    let numbers = job
        .source(MemorySource::new(vec![0_i64, 30, 60, 15, 45, 200]))
        .event_time(|time| Timestamp::from_millis(*time), Watermarks::out_of_order(millis(500)))
        .key_by(|_| 0_u8);
    let ranges = collected(&numbers.window(Session::gap(millis(15))).aggregate(Range).map(|window| window.value));
    let sums = collected(&numbers.window(Session::gap(millis(15))).reduce(|a, b| a + b).map(|window| window.value));
    let tumbling = collected(&numbers.window(Tumbling::of(millis(50))).aggregate(Range).map(|window| window.value));
    let reduced = collected(&numbers.window(Tumbling::of(millis(50))).reduce(|a, b| a + b).map(|window| window.value));
    run(&job, Config::default());
    assert_eq!(ranges.rows(), [(0, 60), (200, 200)]);
    assert_eq!(sums.rows(), [150, 200]);
    assert_eq!(tumbling.rows(), [(0, 45), (60, 60), (200, 200)]);
    assert_eq!(reduced.rows(), [90, 60, 200]);
}

#[test]
fn a_late_record_tells_how_late_it_was() {
    let job = Job::new("lateness");
    let windowed = job
        .source(MemorySource::new(vec![1_000_i64, 0]))
        .rebalance()
        .event_time(|time| Timestamp::from_millis(*time), Watermarks::monotonic())
        .key_by(|_| 0_u8)
        .window(Tumbling::of(millis(10)));
    let late = collected(&windowed.late().map(|late| (late.record, late.lateness())));
    let rows = collected(&windowed.count().map(|window| window.value));
    run(&job, Config::default().batch_size(1));
    let (late, rows) = (late.rows(), sorted(rows.rows()));
    assert_eq!((late, rows), (vec![(0, millis(999))], vec![1]));
}
