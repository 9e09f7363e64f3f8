//! A piece of a dataflow, driven by hand.

use millstream::prelude::*;
use millstream::testing::{Harness, Probe};

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(second)
}

/// Counts by ten seconds.
fn counts(words: Stream<&'static str>) -> Stream<(String, i64, u64)> {
    let windows = words.key_by(|word| word.to_string()).window(Tumbling::of(seconds(10))).count();
    windows.map(|window| (window.key, window.end.millis() / 1_000, window.value))
}

#[test]
fn what_is_pushed_has_been_processed_when_the_call_returns() {
    let mut harness = Harness::new(|numbers: Stream<u64>| numbers.map(|n| n * 2));
    harness.push(1, at(1)).push(2, at(2));
    assert_eq!(harness.drain_timed(), [(2, at(1)), (4, at(2))]);
    assert!(harness.drain().is_empty());
}

#[test]
fn a_crash_loses_what_was_not_saved_and_the_source_brings_it_again() {
    let mut harness = Harness::new(counts);
    harness.push("a", at(1)).snapshot().push("a", at(2));
    harness.crash();
    harness.watermark(at(30));
    assert_eq!(harness.drain(), [("a".to_owned(), 10, 2)]);
}

#[test]
fn what_came_out_since_the_last_snapshot_comes_again_after_a_crash_and_not_after_a_restore() {
    let mut harness = Harness::new(counts);
    harness.push("a", at(1)).snapshot().watermark(at(10));
    let once = vec![("a".to_owned(), 10, 1)];
    assert_eq!(harness.drain(), once);
    harness.crash();
    assert_eq!(harness.drain(), once);
    harness.crash_and_restore();
    assert!(harness.drain().is_empty());
}

#[test]
fn state_moves_to_any_parallelism() {
    let mut harness = Harness::new(counts);
    for word in ["a", "b", "c", "d", "a"] {
        harness.push(word, at(3));
    }
    harness.rescale(3).push("d", at(4)).rescale(2).end();
    let mut found = harness.drain();
    found.sort();
    let expected = [("a", 2), ("b", 1), ("c", 1), ("d", 2)];
    assert_eq!(found, expected.map(|(word, count)| (word.to_owned(), 10, count)));
}

#[test]
fn the_end_of_input_fires_what_waits_for_event_time() {
    let mut harness = Harness::new(counts);
    harness.push("a", at(1)).end();
    assert_eq!(harness.drain(), [("a".to_owned(), 10, 1)]);
}

#[test]
fn a_record_that_is_late_goes_where_the_dataflow_sends_it() {
    let late = Probe::new();
    let seen = late.clone();
    let mut harness = Harness::new(move |words: Stream<&'static str>| {
        let windows = words.key_by(|word| word.to_string()).window(Tumbling::of(seconds(10)));
        windows.late().map(|late| late.record).sink(late);
        windows.count()
    });
    harness.watermark(at(20)).push("a", at(3)).crash_and_restore().push("b", at(4)).push("c", at(21));
    assert_eq!(seen.all(), ["a", "b"]);
    let windows = harness.status().operators.into_iter().find(|operator| operator.late > 0).unwrap();
    assert_eq!((windows.records_in, windows.late), (3, 2));
}

#[test]
#[should_panic(expected = "no such luck")]
fn an_operator_that_panics_fails_the_test_at_its_line() {
    let mut harness = Harness::new(|numbers: Stream<u64>| numbers.inspect(|n| assert!(*n != 3, "no such luck")));
    harness.push(1, at(1)).push(3, at(1));
}

#[test]
fn the_clock_moves_only_when_told() {
    let mut harness = Harness::new(|numbers: Stream<u64>| numbers);
    assert_eq!(harness.now(), Timestamp::EPOCH);
    harness.push(1, at(1)).advance(hours(5));
    assert_eq!(harness.now(), Timestamp::EPOCH + hours(5));
}
