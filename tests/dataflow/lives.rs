//! One pipeline, straight through and in three lives at three parallelisms: one answer.

use crate::support::{Gate, GatedSource, ended, eventually, records_out, run, sorted};
use millstream::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

const COUNT: u64 = 6_000;
const KEYS: u64 = 23;

/// When record `number` happened, in milliseconds: up to 50 ms out of order, and a long silence after every 600.
fn time(number: u64) -> i64 {
    (number * 10 + (number * 7_919) % 50 + number / 600 * 5_000) as i64
}

/// Rows as they are in a file.
fn rows(path: &Path) -> Vec<String> {
    sorted(std::fs::read_to_string(path).unwrap().lines().map(str::to_owned))
}

/// The pipeline: three stateful operators, each into a file.
fn pipeline(folder: &Path, gate: &Gate) -> Job {
    let job = Job::new("lives");
    let source = GatedSource { gate: gate.clone(), count: COUNT, splits: 4, block: 20 };
    let keyed = job
        .source(source)
        .uid("numbers")
        .event_time(|n| Timestamp::from_millis(time(*n)), Watermarks::out_of_order(millis(50)))
        .uid("times")
        .key_by(|n| n % KEYS);
    keyed.count().uid("counts").sink(FileSink::json(folder.join("counts.jsonl"))).uid("counts-file");
    let minutes = keyed.window(Tumbling::of(seconds(1))).count().uid("windows");
    minutes.sink(FileSink::json(folder.join("windows.jsonl"))).uid("windows-file");
    let sessions = keyed.window(Session::gap(seconds(1))).collect().uid("sessions");
    sessions
        .map(|window| (window.key, window.start, window.end, sorted(window.value)))
        .sink(FileSink::json(folder.join("sessions.jsonl")))
        .uid("sessions-file");
    job
}

/// All rows of all three files.
fn answer(folder: &Path) -> [Vec<String>; 3] {
    ["counts.jsonl", "windows.jsonl", "sessions.jsonl"].map(|file| rows(&folder.join(file)))
}

fn nothing_was_late(status: &JobStatus) {
    let late: u64 = status.operators.iter().map(|operator| operator.late).sum();
    assert_eq!(late, 0, "{status:#?}");
}

fn straight_through() -> [Vec<String>; 3] {
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::default();
    gate.open_to(COUNT);
    let status = run(&pipeline(folder.path(), &gate), Config::default());
    nothing_was_late(&status);
    answer(folder.path())
}

/// Three lives at these parallelisms; each stops when its third has passed the source.
fn three_lives(parallelisms: [usize; 3]) -> [Vec<String>; 3] {
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::default();
    for (life, parallelism) in parallelisms.into_iter().enumerate() {
        let until = COUNT * (life as u64 + 1) / 3;
        let config = Config::default()
            .state_dir(folder.path().join("state"))
            .parallelism(parallelism)
            .checkpoint_interval(millis(5))
            .batch_size(50);
        gate.open_to(until);
        let handle = pipeline(folder.path(), &gate).start(config).unwrap();
        if life < 2 {
            eventually("a third has passed", || records_out(&handle, "numbers") == until);
            handle.stop();
        }
        let status = ended(handle);
        nothing_was_late(&status);
        let expected = if life < 2 { JobState::Stopped } else { JobState::Finished };
        assert_eq!((status.state, status.operator("numbers").unwrap().records_out), (expected, until));
        assert_eq!((status.attempt, status.restarts), (life as u32 + 1, 0));
    }
    answer(folder.path())
}

#[test]
fn three_lives_at_three_parallelisms_give_the_answer_of_one() {
    let expected = straight_through();
    assert_eq!(expected[0].len(), COUNT as usize);
    let mut last: BTreeMap<u64, u64> = BTreeMap::new();
    for row in &expected[0] {
        let (key, count): (u64, u64) = serde_json::from_str(row).unwrap();
        last.entry(key).and_modify(|most| *most = count.max(*most)).or_insert(count);
    }
    let model: BTreeMap<u64, u64> =
        (0..KEYS).map(|key| (key, (0..COUNT).filter(|n| n % KEYS == key).count() as u64)).collect();
    assert_eq!(last, model);
    for parallelisms in [[1, 3, 2], [4, 1, 3], [2, 2, 5]] {
        assert!(three_lives(parallelisms) == expected, "another answer at {parallelisms:?}");
    }
}

#[test]
fn a_stop_fires_no_window_and_a_second_start_after_the_end_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = || Config::default().state_dir(folder.path().join("state"));
    let gate = Gate::default();
    gate.open_to(10);
    let handle = pipeline(folder.path(), &gate).start(config()).unwrap();
    eventually("ten have passed", || records_out(&handle, "numbers") == 10);
    handle.stop();
    assert_eq!(ended(handle).state, JobState::Stopped);
    let [counts, windows, sessions] = answer(folder.path());
    assert_eq!((counts.len(), windows.len(), sessions.len()), (10, 0, 0));
    gate.open_to(COUNT);
    assert_eq!(run(&pipeline(folder.path(), &gate), config()).state, JobState::Finished);
    let finished = answer(folder.path());
    let again = run(&pipeline(folder.path(), &gate), config());
    assert_eq!((again.state, again.already_finished), (JobState::Finished, true));
    assert!(answer(folder.path()) == finished);
}

#[test]
fn a_job_that_is_stopped_again_and_again_gets_on() {
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::default();
    for life in 1..=8_u64 {
        gate.open_to(life * 50);
        let config = Config::default()
            .state_dir(folder.path().join("state"))
            .parallelism(life as usize % 3 + 1)
            .without_checkpoints();
        let handle = pipeline(folder.path(), &gate).start(config).unwrap();
        eventually("fifty more have passed", || records_out(&handle, "numbers") == life * 50);
        handle.stop();
        ended(handle);
        assert_eq!(rows(&folder.path().join("counts.jsonl")).len() as u64, life * 50);
    }
}
