//! Operators that look at one record at a time.

use super::{Hit, hits, lives, stream, time};
use millstream::operator::Lookup;
use millstream::prelude::*;
use millstream::testing::Checked;
use millstream::time::WatermarkStrategy;
use std::collections::{BTreeMap, BTreeSet};

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
    // Hits that are alike in what is sampled by: runs of three.
    let of = |fraction: f64| {
        super::rows(3, |job| stream(job).sample(fraction, |hit| hit.1 / 3).map(|hit| hit.1)).into_iter().collect()
    };
    let [none, some, most, all]: [BTreeSet<u64>; 4] = [0.0, 0.4, 0.7, 1.0].map(of);
    assert!(none.is_empty() && all == (0..super::COUNT).collect());
    assert!(some.is_subset(&most) && 30 < some.len() && some.len() < most.len() && most.len() < 130);
    assert!(some.iter().all(|n| (0..3).all(|other| some.contains(&(n / 3 * 3 + other)))), "runs are kept whole");
}

/// Windows behind `watermarks`, which make no record late.
fn timed<W: Into<WatermarkStrategy<Hit>>>(hits: Vec<Hit>, watermarks: impl Fn() -> W) {
    let mut expected: BTreeMap<(u8, i64), u64> = BTreeMap::new();
    hits.iter().for_each(|hit| *expected.entry((hit.0, hit.2 / 100 * 100 + 100)).or_default() += 1);
    let build = |job: &Job| {
        let source = job.source(MemorySource::new(hits.clone()).splits(2));
        let windows =
            source.event_time(time, watermarks()).checked().key_by(|hit| hit.0).window(Tumbling::of(millis(100)));
        windows.count().map(|window| ((window.key, window.end.millis()), window.value))
    };
    lives(build, expected);
}

#[test]
fn event_time() {
    let mut sorted = hits();
    sorted.sort_by_key(|hit| hit.2);
    timed(sorted, Watermarks::monotonic);
    timed(hits(), || Watermarks::out_of_order(millis(30)));
    timed(hits(), || Watermarks::out_of_order(millis(30)).aligned(millis(100)).idle_after(minutes(1)));
    timed(hits(), || Watermarks::custom(|max: Timestamp| max.plus_millis(-50).floor_to(millis(20))));
    timed(hits(), || Watermarks::punctuated(|hit: &Hit, at| hit.1.is_multiple_of(5).then_some(at.plus_millis(-40))));
}

#[test]
fn lookups() {
    let ask = |hit: &Hit| {
        let n = hit.1;
        async move { Ok::<_, String>(n + 5) }
    };
    lives(move |job| stream(job).lookup(Lookup::ordered(ask).concurrency(3)), hits().into_iter().map(|hit| hit.1 + 5));
    lives(move |job| stream(job).lookup(Lookup::unordered(ask)), hits().into_iter().map(|hit| hit.1 + 5));
}
