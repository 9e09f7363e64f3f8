//! Joins of two sources in three lives, with crashes, at three parallelisms: one answer.

use millstream::prelude::*;
use millstream::testing::{assert_same_rows, three_lives};

const COUNT: u64 = 160;
const KEYS: u64 = 5;

/// When a number happened in either stream: up to 30 ms out of order.
fn time(number: u64) -> i64 {
    (number * 10 + number * 7_919 % 30) as i64
}

fn times() -> [Vec<(u64, i64)>; 2] {
    [0, 1].map(|odd| (0..COUNT).map(|n| 2 * n + odd).map(|n| (n, time(n))).collect())
}

/// Two streams of records (number, time), with keys, out of order within what their watermarks allow.
fn streams(job: &Job) -> [Stream<(u64, i64)>; 2] {
    times().map(|records| {
        // One subtask per stream: the order of its records is that of its numbers, whatever the parallelism.
        let numbers = job.source(MemorySource::new(records)).parallelism(1);
        let time = |record: &(u64, i64)| Timestamp::from_millis(record.1);
        numbers.event_time(time, Watermarks::out_of_order(millis(30))).parallelism(1)
    })
}

fn key(record: &(u64, i64)) -> u64 {
    record.0 % KEYS
}

/// All pairs with equal keys for which `is_pair` holds for their times.
fn pairs(is_pair: impl Fn(i64, i64) -> bool) -> Vec<(u64, u64)> {
    let [left, right] = times();
    let all = left.iter().flat_map(|l| right.iter().map(move |r| (l, r)));
    all.filter(|(l, r)| key(l) == key(r) && is_pair(l.1, r.1)).map(|(l, r)| (l.0, r.0)).collect()
}

#[track_caller]
fn one_answer(
    expected: Vec<(u64, u64)>,
    join: impl Fn(&Stream<(u64, i64)>, &Stream<(u64, i64)>) -> Stream<(u64, u64)>,
) {
    assert!(expected.len() > 100, "{} pairs prove little", expected.len());
    for seed in 0..3 {
        let found = three_lives(seed, || {
            let (job, sink) = (Job::new("joined"), CollectSink::new());
            let rows = sink.handle();
            let [left, right] = streams(&job);
            join(&left, &right).sink(sink);
            (job, rows)
        });
        assert_same_rows(found.unwrap(), expected.clone());
    }
}

#[test]
fn an_interval_join_has_one_answer_in_three_lives() {
    one_answer(pairs(|l, r| (l - 100..=l + 200).contains(&r)), |left, right| {
        let join = left.join(right).on(key, key).interval(Offset::before(millis(100)), millis(200));
        join.inner(|l, r| (l.0, r.0))
    });
}

#[test]
fn a_window_join_has_one_answer_in_three_lives() {
    one_answer(pairs(|l, r| l.div_euclid(200) == r.div_euclid(200)), |left, right| {
        let windows = left.join(right).on(key, key).window(Tumbling::of(millis(200)));
        windows.inner(|l, r| (l.0, r.0)).map(|window| window.value)
    });
}

#[test]
fn an_unbounded_join_has_one_answer_in_three_lives() {
    one_answer(pairs(|_, _| true), |left, right| left.join(right).on(key, key).unbounded().inner(|l, r| (l.0, r.0)));
}

#[test]
fn a_panic_in_the_middle_of_a_join_changes_no_answer() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    let calls = Arc::new(AtomicU32::new(0));
    let (job, sink) = (Job::new("fragile"), CollectSink::new());
    let rows = sink.handle();
    let [left, right] = streams(&job);
    let join = left.join(&right).on(key, key).interval(Offset::before(millis(100)), millis(200));
    let fragile = move |l: &(u64, i64), r: &(u64, i64)| {
        assert!(calls.fetch_add(1, SeqCst) != 300, "the 301st pair is too much");
        (l.0, r.0)
    };
    join.inner(fragile).uid("pairs").sink(sink);
    let config = Config::default().parallelism(2).checkpoint_interval(millis(5)).batch_size(8);
    let status = job.start(config).unwrap().wait().unwrap();
    assert_eq!((status.restarts, status.restarted.len()), (0, 1), "the join goes back alone");
    assert_eq!(status.restarted[0].operator, "pairs", "the panic is told of the join");
    assert_same_rows(rows.rows(), pairs(|l, r| (l - 100..=l + 200).contains(&r)));
}
