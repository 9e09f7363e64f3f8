//! State may be far larger than the memory it may hold.

use crate::support::{Gate, GatedSource, collected, ended, eventually, records_out, run, sorted};
use millstream::prelude::*;
use std::path::Path;

const KEYS: u64 = 8_000;
const COUNT: u64 = 2 * KEYS;

/// Every key comes twice, the second time in another order; a window holds half of the keys, a session all records of one.
fn build(gate: &Gate) -> (Job, [millstream::connector::Collected<(u64, u64)>; 3]) {
    let job = Job::new("large-state");
    let source = GatedSource { gate: gate.clone(), count: COUNT, splits: 2, block: 1_000 };
    let time = |n: u64| Timestamp::from_millis(n as i64);
    let records = source_of(&job, source).event_time(move |(n, _)| time(*n), Watermarks::out_of_order(seconds(10)));
    let keyed = records.key_by(|(_, key)| *key);
    let counts = collected(&keyed.count().filter(|(_, count)| *count > 1));
    let windows = keyed.window(Tumbling::of(seconds(KEYS / 2_000))).count();
    let sessions = keyed.window(Session::gap(seconds(10_000))).count();
    let rows = |stream: Stream<millstream::operator::window::Windowed<u64, u64>>| {
        collected(&stream.map(|window| (window.key, window.value)))
    };
    (job, [counts, rows(windows), rows(sessions)])
}

fn source_of(job: &Job, source: GatedSource) -> Stream<(u64, u64)> {
    job.source(source).uid("numbers").map(|n| (n, if n < KEYS { n } else { (n * 7_919) % KEYS }))
}

fn config(state: &Path) -> Config {
    Config::default().state_dir(state).memory(512 << 10).checkpoint_interval(millis(200))
}

fn check(rows: [Vec<(u64, u64)>; 3]) {
    let [counts, windows, sessions] = rows.map(sorted);
    let twice: Vec<_> = (0..KEYS).map(|key| (key, 2)).collect();
    assert!(counts == twice, "{} keys were counted twice", counts.len());
    assert!(sessions == twice, "{} sessions of two", sessions.len());
    assert_eq!(windows.iter().map(|(_, count)| count).sum::<u64>(), COUNT);
}

#[test]
fn state_larger_than_its_memory_gives_right_results_also_after_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::default();
    gate.open_to(COUNT * 3 / 4);
    let (job, first) = build(&gate);
    let handle = job.start(config(folder.path())).unwrap();
    eventually("three quarters have passed", || records_out(&handle, "numbers") == COUNT * 3 / 4);
    handle.stop();
    assert_eq!(ended(handle).state, JobState::Stopped);
    gate.open_to(COUNT);
    let (job, second) = build(&gate);
    assert_eq!(run(&job, config(folder.path()).parallelism(2)).state, JobState::Finished);
    let [a, b, c] = first.map(|rows| rows.rows());
    let [x, y, z] = second.map(|rows| rows.rows());
    check([[a, x].concat(), [b, y].concat(), [c, z].concat()]);
}

/// What was spilled to make room was part of the checkpoint in the file, but not in the manifest, if its barrier found nothing
/// left to write: the next life began with an empty file.
#[test]
fn state_that_was_written_ahead_of_its_barrier_is_found_again() {
    for parallelism in [1, 2] {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::default();
        let build = || {
            let job = Job::new("spilled");
            let numbers = job.source(GatedSource { gate: gate.clone(), count: 400, splits: 1, block: 50 });
            let counts = collected(&numbers.key_by(|n| n % 200).count().uid("counts"));
            (job, counts)
        };
        // Not a byte may stay in memory.
        let config = || Config::default().state_dir(folder.path()).memory(1).without_checkpoints();
        gate.open_to(200);
        let (job, first) = build();
        let handle = job.start(config()).unwrap();
        eventually("half has been counted", || handle.status().operator("counts").unwrap().records_in == 200);
        // So that the last spill is most likely over; the test holds without it too.
        std::thread::sleep(millis(100));
        handle.stop();
        ended(handle);
        gate.open_to(400);
        let (job, second) = build();
        run(&job, config().parallelism(parallelism));
        assert_eq!(sorted(first.rows()), (0..200).map(|key| (key, 1)).collect::<Vec<_>>());
        assert_eq!(sorted(second.rows()), (0..200).map(|key| (key, 2)).collect::<Vec<_>>());
    }
}
