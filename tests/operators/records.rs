//! Operators that look at one record at a time.

use super::{hits, lives, stream, time};
use millstream::operator::Lookup;
use millstream::prelude::*;

#[test]
fn map_and_inspect_and_tap() {
    let build = |job: &Job| stream(job).map(|hit| hit.1 * 2).inspect(|_| {}).tap("doubled");
    lives(build, hits().into_iter().map(|hit| hit.1 * 2));
}

#[test]
fn flat_map() {
    let some = |n: u64| (0..n % 3).map(move |copy| (n, copy));
    lives(move |job| stream(job).flat_map(move |hit| some(hit.1)), hits().into_iter().flat_map(|hit| some(hit.1)));
}

#[test]
fn try_map() {
    let build = |job: &Job| {
        let (good, bad) = stream(job).try_map(|hit| if hit.1 % 7 == 0 { Err(hit.1) } else { Ok(hit.1 + 1_000) });
        good.union(&bad)
    };
    lives(build, hits().into_iter().map(|hit| if hit.1 % 7 == 0 { hit.1 } else { hit.1 + 1_000 }));
}

#[test]
fn filter_and_split() {
    let build = |job: &Job| {
        let (even, odd) = stream(job).map(|hit| hit.1).split(|n| n % 2 == 0);
        even.filter(|n| n % 4 == 0).union(&odd.map(|n| n + 1_000))
    };
    let expected = (0..super::COUNT).filter(|n| n % 2 == 1 || n % 4 == 0);
    lives(build, expected.map(|n| if n % 2 == 1 { n + 1_000 } else { n }));
}

#[test]
fn sample() {
    let taken = |job: &Job| stream(job).sample(0.5, |hit| hit.1).map(|hit| hit.1);
    let rows = millstream::testing::three_lives(3, || {
        let (job, sink) = (Job::new("sample"), CollectSink::new());
        let rows = sink.handle();
        taken(&job).sink(sink);
        (job, rows)
    });
    let rows = rows.unwrap();
    assert!((40..110).contains(&rows.len()), "{} of 150", rows.len());
}

#[test]
fn event_time() {
    let build = |job: &Job| {
        let source = job.source(MemorySource::new(hits()).splits(2));
        let timed = source.event_time(time, Watermarks::out_of_order(millis(2_000)));
        timed.window_all(Tumbling::of(hours(1))).count().map(|window| (window.end, window.value))
    };
    lives(build, [(Timestamp::EPOCH + hours(1), super::COUNT)]);
}

#[test]
fn lookups() {
    let ask = |hit: &super::Hit| {
        let n = hit.1;
        async move { Ok::<_, String>(n + 5) }
    };
    lives(move |job| stream(job).lookup(Lookup::ordered(ask).concurrency(3)), hits().into_iter().map(|hit| hit.1 + 5));
    lives(move |job| stream(job).lookup(Lookup::unordered(ask)), hits().into_iter().map(|hit| hit.1 + 5));
}
