//! A running job is asked for a savepoint, and goes on.

use millstream::connector::Collected;
use millstream::prelude::*;
use millstream::savepoint;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

const KEYS: u64 = 1_000;

/// Counts keys, for as long as `go_on` says; the counts of a savepoint add up to its position in the source.
fn job(count: Option<u64>, rate: f64) -> (Job, Collected<(u64, u64)>) {
    let (job, sink) = (Job::new("counts"), CollectSink::new());
    let rows = sink.handle();
    let source = GeneratorSource::new(|n| n).rate(rate);
    let source = if let Some(count) = count { source.count(count) } else { source };
    let numbers = job.source(source).uid("numbers");
    numbers.key_by(|n| n % KEYS).count().uid("counts").sink(sink).uid("rows");
    (job, rows)
}

/// Restores a savepoint, and checks that each number has been counted once: the next of each key is one more.
fn check(path: &Path, total: u64) {
    Savepoint::open(path).unwrap().verify().unwrap();
    let (job, rows) = job(Some(total), 1e9);
    job.run(Config::default().parallelism(3).restore_from(path)).unwrap();
    let rows = rows.rows();
    let mut last: Vec<u64> = vec![0; KEYS as usize];
    for (key, count) in &rows {
        let before = std::mem::replace(&mut last[*key as usize], *count);
        assert!(before == 0 || before + 1 == *count, "key {key} goes from {before} to {count}");
    }
    for (key, count) in last.iter().enumerate().filter(|(_, count)| **count > 0) {
        let expected = total / KEYS + u64::from((key as u64) < total % KEYS);
        assert_eq!(*count, expected, "key {key}");
    }
    assert!(!rows.is_empty(), "there was more to count");
}

/// How many numbers a job has read.
fn read(status: &JobStatus) -> u64 {
    status.operators.iter().find(|operator| operator.uid == "numbers").unwrap().records_out
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn savepoints_of_a_running_job_hold_each_record_once_and_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (job, rows) = job(None, 20_000.0);
    let config = Config::default().parallelism(2).checkpoint_interval(millis(20)).state_dir(at("state"));
    let handle = job.start(config).unwrap();
    let mut bytes = 0;
    for number in 0..3 {
        let path = at(&format!("{number}.savepoint"));
        let info = handle.savepoint(&path).unwrap();
        assert_eq!((info.job.as_str(), info.path == path), ("counts", true));
        bytes = bytes.max(info.bytes);
        let before = rows.rows().len();
        while rows.rows().len() <= before {
            assert!(!handle.wait_for(millis(1)), "it goes on");
        }
    }
    assert!(bytes > KEYS, "{bytes} bytes");
    let refused = handle.savepoint(at("0.savepoint")).unwrap_err();
    assert!(matches!(refused, millstream::Error::Savepoint(savepoint::Error::Exists { .. })), "{refused}");
    let refused = handle.savepoint(at("no/such/directory.savepoint")).unwrap_err().to_string();
    assert!(refused.contains("cannot make it"), "{refused}");
    handle.stop();
    let last = handle.wait().unwrap();
    assert_eq!(last.restarts, 0);
    let expected: Vec<_> = (0..3).map(|n| format!("{n}.savepoint")).chain(["state".to_owned()]).collect();
    assert_eq!(names(folder.path()), expected);
    for number in 0..3 {
        check(&at(&format!("{number}.savepoint")), read(&last) + 10_000);
    }
}

#[test]
fn what_a_job_has_shown_when_it_stops_is_in_its_last_savepoint_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.savepoint");
    let (first, before) = job(None, 20_000.0);
    // Without checkpoints but the one that is asked for.
    let handle = first.start(Config::default().parallelism(2).without_checkpoints()).unwrap();
    while handle.status().operators.iter().all(|operator| operator.records_in < 5_000) {
        assert!(!handle.wait_for(millis(1)));
    }
    handle.stop_with_savepoint(&path).unwrap();
    let last = handle.wait().unwrap();
    assert_eq!(last.state, JobState::Stopped);
    let total = (read(&last) / KEYS + 10) * KEYS;
    let (second, after) = job(Some(total), 1e9);
    second.run(Config::default().parallelism(1).restore_from(&path)).unwrap();
    let mut all = before.rows();
    all.extend(after.rows());
    all.sort_unstable();
    let expected: Vec<(u64, u64)> =
        (0..KEYS).flat_map(|key| (1..=total / KEYS).map(move |count| (key, count))).collect();
    assert!(all == expected, "{} rows instead of {}", all.len(), expected.len());
}

#[test]
fn a_job_that_has_ended_refuses_and_its_directory_can_be_used_instead() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.savepoint");
    let (job, _rows) = job(Some(100), 1e9);
    let handle = job.start(Config::default().state_dir(folder.path().join("state"))).unwrap();
    while !handle.wait_for(seconds(1)) {}
    let refused = handle.savepoint(&path).unwrap_err().to_string();
    assert!(refused.contains("state directory"), "{refused}");
    assert_eq!(Savepoint::create(folder.path().join("state"), &path).unwrap().info().entries, 100);
}

#[test]
fn a_job_that_fails_leaves_no_half_savepoint_and_the_next_one_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let fails = Arc::new(AtomicBool::new(false));
    let (job, sink) = (Job::new("failing"), CollectSink::new());
    let armed = fails.clone();
    let numbers = job.source(GeneratorSource::new(|n| n).rate(50_000.0)).uid("numbers");
    // A source's chain is not restarted by itself: the whole job goes back.
    let numbers = numbers.map(move |n| if armed.swap(false, Relaxed) { panic!("struck") } else { n });
    numbers.key_by(|n| n % KEYS).count().uid("counts").sink(sink).uid("rows");
    let config = Config::default().checkpoint_interval(millis(10)).restart(Restart::fixed_delay(millis(1), 1_000));
    let handle = job.start(config).unwrap();
    let (mut taken, mut refused) = (0, 0);
    for number in 0.. {
        let path = folder.path().join(format!("{number}.savepoint"));
        fails.store(true, Relaxed);
        match handle.savepoint(&path) {
            Ok(_) => {
                Savepoint::open(&path).unwrap().verify().unwrap();
                taken += 1;
            }
            Err(error) => {
                assert!(error.to_string().contains("not taken of job `failing`"), "{error}");
                assert!(!path.exists());
                refused += 1;
            }
        }
        fails.store(false, Relaxed);
        if taken > 0 && (refused > 0 || number > 50) {
            break;
        }
    }
    handle.savepoint(folder.path().join("last.savepoint")).unwrap();
    handle.stop();
    handle.wait().unwrap();
    assert!(names(folder.path()).iter().all(|name| name.ends_with(".savepoint")), "{:?}", names(folder.path()));
}
