//! The graphs: each with its input, made from the seed, and what reads its rows.
//!
//! Rows do not depend on the order of things; that of the rows may.

use super::drip::Drip;
use super::processes::{Rules, Timed};
use millstream::prelude::*;
use millstream::testing::{Checked, Fuse};

/// A key, a number, and when it happened.
pub(super) type Hit = (u8, u64, i64);

/// What a graph is tested by.
pub(super) type Built<R> = (Job, Box<dyn FnOnce() -> Vec<R>>);

const COUNT: u64 = 100;
/// How far hits are out of order.
const SCATTER: u64 = 20;

/// Three keys, one hit in 10 ms of which some are a little out of order, and a silence after every 50.
fn hits(seed: u64) -> Vec<Hit> {
    let time = |n: u64| (n * 10 + (n * 13 + seed) % SCATTER + n / 50 * 1_000) as i64;
    (0..COUNT).map(|n| ((n % 3) as u8, n, time(n))).collect()
}

/// The hits from some splits, with their event times, none late; the user's code may panic.
fn stream_of(job: &Job, hits: Vec<Hit>, splits: usize, fuse: &Fuse) -> Stream<Hit> {
    let (in_source, fuse) = (fuse.clone(), fuse.clone());
    let time = move |hit: &Hit| {
        in_source.check();
        Timestamp::from_millis(hit.2)
    };
    // No split falls silent, whatever the clock does: hits would be late.
    let watermarks = Watermarks::out_of_order(millis(SCATTER)).idle_after(hours(10_000));
    job.source(Drip::new(hits, splits)).event_time(time, watermarks).inspect(move |_| fuse.check()).isolated()
}

fn stream(job: &Job, seed: u64, fuse: &Fuse) -> Stream<Hit> {
    stream_of(job, hits(seed), 1 + (seed % 4) as usize, fuse)
}

/// Puts a sink behind a stream.
fn collected<R: Data>(job: Job, rows: &Stream<R>) -> Built<R> {
    let sink = CollectSink::new();
    let collected = sink.handle();
    rows.checked_with_late().sink(sink);
    (job, Box::new(move || collected.rows()))
}

/// Four running answers, by number: the sum of a key's hits, how many there were, the first hits of each 300 ms, and how many
/// different ones there were. Each row has its key behind the number.
pub(super) fn running_totals(seed: u64, fuse: &Fuse) -> Built<(u8, u8, u64)> {
    let job = Job::new("running-totals");
    let hits = stream_of(&job, hits(seed), 1, fuse);
    let sums = hits.key_by(|hit| hit.0).aggregate(Sum::of(|hit: &Hit| hit.1)).map(|(key, sum)| (0, key, sum));
    let counts = sums.key_by(|row| row.1).count().map(|(key, count)| (1, key, count));
    let firsts = hits.key_by(|hit| hit.1 % 20).dedup(millis(300)).map(|hit| (2, (hit.1 % 20) as u8, hit.1));
    let some = hits.key_by(|hit| hit.0).count_distinct(|hit| hit.1 % 7).map(|(key, count)| (3, key, count));
    collected(job, &sums.union(&counts).union(&firsts).union(&some))
}

/// 0, key and window for each window that has fired; 1, key, window and number for each hit, also the late ones.
pub(super) fn windows_with_late_records(seed: u64, fuse: &Fuse) -> Built<(u8, u8, i64, u64)> {
    const SIZE: i64 = 100;
    let job = Job::new("windows");
    // Some come far too late, into windows that hold others which do not.
    let late = |hit: Hit| if hit.1 % 50 > 40 && hit.1 % 4 == seed % 4 { (hit.0, hit.1, hit.2 - 4 * SIZE) } else { hit };
    let hits = stream_of(&job, hits(seed).into_iter().map(late).collect(), 1 + (seed % 3) as usize, fuse);
    let windows = hits.key_by(|hit| hit.0).window(Tumbling::of(millis(SIZE as u64)));
    let late = windows.late().map(|late| (1, late.record.0, late.time.millis() / SIZE * SIZE, late.record.1));
    let fired = windows.collect().flat_map(|window| {
        let (key, start) = (window.key, window.start.millis());
        let rows = window.value.into_iter().map(move |hit| (1, key, start, hit.1));
        std::iter::once((0, key, start, 0)).chain(rows).collect::<Vec<_>>()
    });
    collected(job, &fired.union(&late))
}

/// Key, start, end and count of each session.
pub(super) fn sessions(seed: u64, fuse: &Fuse) -> Built<(u8, i64, i64, u64)> {
    let job = Job::new("sessions");
    let hits = stream(&job, seed, fuse).filter(move |hit| hit.1 * 7 % 13 != seed % 13);
    let sessions = hits.key_by(|hit| hit.0).window(Session::gap(millis(55))).count();
    let rows = sessions.map(|it| (it.key, it.start.millis(), it.end.millis(), it.value));
    collected(job, &rows)
}

/// Key, start and sum of each window, and how many windows of a key there were.
pub(super) fn sliding_windows(seed: u64, fuse: &Fuse) -> Built<(u8, i64, u64)> {
    let job = Job::new("sliding");
    let hits = stream(&job, seed, fuse);
    let windows = hits.key_by(|hit| hit.0).window(Sliding::of(millis(200)).every(millis(50)));
    let sums = windows.aggregate(Sum::of(|hit: &Hit| hit.1)).map(|it| (it.key, it.start.millis(), it.value));
    let counts = sums.key_by(|row| row.0).count().map(|(key, count)| (key + 100, 0, count));
    collected(job, &sums.union(&counts))
}

/// What timers of either clock tell.
pub(super) fn timers(seed: u64, fuse: &Fuse) -> Built<(bool, u8, i64)> {
    let job = Job::new("timers");
    let rows = stream(&job, seed, fuse).key_by(|hit| hit.0).process(Timed);
    collected(job, &rows)
}

/// Key and count behind two ways of different lengths.
pub(super) fn diamond(seed: u64, fuse: &Fuse) -> Built<(u64, u64)> {
    let job = Job::new("diamond");
    let hits = stream(&job, seed, fuse);
    let long = hits.key_by(|hit| hit.1 % 5).count().map(|(key, _)| key).isolated().map(|key| key + 1);
    let short = hits.map(|hit| hit.1 % 4).isolated();
    let rows = long.union(&short).rebalance().key_by(|key| *key).count();
    collected(job, &rows)
}

/// The numbers of hits that happened at nearly the same time.
pub(super) fn interval_join(seed: u64, fuse: &Fuse) -> Built<(u64, u64)> {
    let job = Job::new("join");
    let (even, odd): (Vec<Hit>, Vec<Hit>) = hits(seed).into_iter().partition(|hit| hit.1 % 2 == 0);
    let (left, right) = (stream_of(&job, even, 2, fuse), stream_of(&job, odd, 1, fuse));
    let join = left.join(&right).on(|hit| hit.0, |hit| hit.0).interval(Offset::before(millis(39)), millis(60));
    collected(job, &join.inner(|left, right| (left.1, right.1)))
}

/// Numbers of hits, each by what one rule says.
pub(super) fn broadcast(seed: u64, fuse: &Fuse) -> Built<u64> {
    let job = Job::new("broadcast");
    let rules = job.source(MemorySource::new([1_000_u64]));
    let rows = stream(&job, seed, fuse).key_by(|hit| hit.0).connect_broadcast(&rules).process(Rules);
    collected(job, &rows)
}

/// The lines of a file.
pub(super) fn file_sink(seed: u64, fuse: &Fuse) -> Built<String> {
    let job = Job::new("file");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("counts.csv");
    let counts = stream(&job, seed, fuse).key_by(|hit| hit.1 % 9).count();
    counts.sink(FileSink::csv(&path).header(["key", "count"]));
    let lines = move || {
        let text = std::fs::read_to_string(folder.path().join("counts.csv")).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    (job, Box::new(lines))
}
