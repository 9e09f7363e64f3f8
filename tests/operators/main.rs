//! Three lives for every operator: straight through; with crashes at another parallelism; restored at a third. Each gives the
//! rows that a few naive lines give. In front of each operator and behind it stands a checker of the protocol.
//!
//! | operators | where |
//! |---|---|
//! | map, inspect, tap; flat_map; try_map; filter, split; sample; event_time by each strategy; lookup | `records.rs` |
//! | union, union_all, rebalance, broadcast, partition_custom, throttle | `shaping.rs` |
//! | count, count_distinct, reduce, aggregate, dedup by either clock, zip_with_index, map_with_state, flat_map_with_state, process with timers and a side output | `keyed.rs` |
//! | windows: tumbling, sliding, session, count, global, matching, custom, by processing time, without keys; aggregate, count, count_distinct, reduce, collect, process, process_with_state; unassigned; in two phases | `windows.rs` |
//! | windows with records that are late: late, allowed_lateness, aggregate_with_late; triggers that speak early | `late.rs` |
//! | joins: by window (inner, left, right, full), by interval (bounds in and out, late_left, late_right), without bounds (with a time to live by either clock) | `joins.rs` |
//! | connect, connect_broadcast with and without keys | `two_streams.rs` |

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod joins;
mod keyed;
mod late;
mod records;
mod shaping;
mod two_streams;
mod windows;

use millstream::prelude::*;
use millstream::testing::{Checked, Script, three_lives};
use std::fmt::Debug;

/// A key, a number, and when it happened.
type Hit = (u8, u64, i64);

const COUNT: u64 = 150;

/// The input: three keys, up to 30 ms out of order, a silence after every 50.
fn hits() -> Vec<Hit> {
    let hit = |n: u64| ((n * 7 % 3) as u8, n, (n * 10 + n * 13 % 30 + n / 50 * 1_000) as i64);
    (0..COUNT).map(hit).collect()
}

fn time(hit: &Hit) -> Timestamp {
    Timestamp::from_millis(hit.2)
}

/// A script of these hits, with watermarks that make none late and tell of each silence before it is over.
fn script(hits: &[Hit]) -> Script<Hit> {
    let mut script = Script::new();
    let mut latest = i64::MIN;
    for (number, hit) in hits.iter().enumerate() {
        if number > 0 && hit.2 > latest + 700 {
            script = script.watermark(Timestamp::from_millis(latest + 600));
        }
        script = script.record(*hit, time(hit));
        latest = latest.max(hit.2);
        if number % 8 == 7 {
            script = script.watermark(Timestamp::from_millis(latest - 40));
        }
    }
    script
}

/// All hits, checked.
fn stream(job: &Job) -> Stream<Hit> {
    script(&hits()).attach(job).checked()
}

/// The rows, sorted, of the operator that `build` puts behind the job's sources: the same in every life.
#[track_caller]
fn rows<R: Data + Ord + Debug>(seed: u64, build: impl Fn(&Job) -> Stream<R>) -> Vec<R> {
    let rows = three_lives(seed, || {
        let (job, sink) = (Job::new("lives"), CollectSink::new());
        let rows = sink.handle();
        build(&job).checked_with_late().sink(sink);
        (job, rows)
    });
    rows.unwrap()
}

/// The operator that `build` puts behind the job's sources gives these rows in every life.
#[track_caller]
fn lives<R: Data + Ord + Debug>(build: impl Fn(&Job) -> Stream<R>, expected: impl IntoIterator<Item = R>) {
    let mut expected: Vec<R> = expected.into_iter().collect();
    expected.sort();
    for seed in 0..2 {
        assert_eq!(rows(seed, &build), expected, "seed {seed}");
    }
}
