//! Windows that share panes, and those that records cut: one answer in three lives, at any parallelism.

use millstream::prelude::*;
use millstream::testing::three_lives;
use std::collections::BTreeMap;

/// Key, start, end, records.
type Row = (u64, i64, i64, Vec<u64>);

const RECORDS: u64 = 240;

/// A little out of order, and before 1970 too.
fn time(record: u64) -> i64 {
    record as i64 * 7 - 400 - (record % 4) as i64 * 11
}

fn key(record: u64) -> u64 {
    record % 5
}

/// The windows' records in the order in which they come out, the same in three lives.
fn rows(windows: impl Fn() -> Windows<u64>) -> Vec<Row> {
    let lives = three_lives(7, || {
        let (job, sink) = (Job::new("panes"), CollectSink::new());
        let rows = sink.handle();
        let windows = job
            .source(MemorySource::new(0..RECORDS))
            .event_time(|record| Timestamp::from_millis(time(*record)), Watermarks::out_of_order(millis(40)))
            .key_by(|record| key(*record))
            .window(windows());
        let row = |row: Windowed<u64, Vec<u64>>| (row.key, row.start.millis(), row.end.millis(), row.value);
        windows.collect().map(row).sink(sink);
        (job, rows)
    });
    lives.unwrap()
}

fn sliding(size: i64, slide: i64, offset: i64) -> Vec<Row> {
    let mut windows: BTreeMap<(u64, i64), Vec<u64>> = BTreeMap::new();
    for record in 0..RECORDS {
        let starts = (time(record) - size + 1)..=time(record);
        for start in starts.filter(|start| (start - offset).rem_euclid(slide) == 0) {
            windows.entry((key(record), start)).or_default().push(record);
        }
    }
    windows.into_iter().map(|((key, start), records)| (key, start, start + size, records)).collect()
}

#[test]
fn sliding_windows_hold_each_record_in_all_their_lives() {
    for (size, slide, offset) in [(100, 20, 0), (100, 30, 7), (35, 60, 10)] {
        let windows = Sliding::of(millis(size)).every(millis(slide)).offset(millis(offset));
        let mut found = rows(|| windows.into());
        // Records stand by pane; which pane comes first, other tests tell.
        found.iter_mut().for_each(|row| row.3.sort_unstable());
        assert_eq!(found, sliding(size as i64, slide as i64, offset as i64), "{windows:?}");
    }
}

/// The records of each key, as they come.
fn by_key() -> impl Iterator<Item = (u64, Vec<u64>)> {
    (0..5).map(|key| (key, (0..RECORDS).filter(|record| self::key(*record) == key).collect()))
}

fn row(key: u64, records: &[u64]) -> Row {
    let times = || records.iter().map(|record| time(*record));
    (key, times().min().unwrap(), times().max().unwrap() + 1, records.to_vec())
}

#[test]
fn count_windows_hold_the_last_records_of_a_key_in_all_their_lives() {
    for (size, slide) in [(7, 7), (7, 3), (3, 7)] {
        let mut expected = Vec::new();
        for (key, records) in by_key() {
            let ends = (slide..=records.len()).step_by(slide);
            expected.extend(ends.map(|end| row(key, &records[end.saturating_sub(size)..end])));
        }
        expected.sort();
        assert_eq!(rows(|| CountWindows::of(size as u64).every(slide as u64).into()), expected);
    }
}

#[test]
fn windows_that_records_cut_are_the_same_in_all_their_lives() {
    let (opens, closes) = (|record: &u64| record.is_multiple_of(3), |record: &u64| record.is_multiple_of(7));
    let mut expected = Vec::new();
    for (key, records) in by_key() {
        let mut open: Vec<u64> = Vec::new();
        for record in records {
            if !open.is_empty() || opens(&record) {
                open.push(record);
                if closes(&record) {
                    expected.push(row(key, &open));
                    open.clear();
                }
            }
        }
        expected.extend((!open.is_empty()).then(|| row(key, &open)));
    }
    expected.sort();
    assert_eq!(rows(|| Matching::new(opens, closes).into()), expected);
}
