//! A running job changes its parallelism, and nothing is lost or doubled.

use millstream::prelude::*;
use millstream::testing::assert_same_rows;
use millstream::{Error, JobHandle};
use std::time::Duration;

const RECORDS: u64 = 6_000;

fn running(handle: &JobHandle, records: u64) {
    while handle.status().operators[0].records_in < records && handle.status().state != JobState::Finished {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn expected() -> Vec<(u64, u64)> {
    (0..RECORDS).map(|n| (n % 10, n / 10 + 1)).collect()
}

#[test]
fn a_job_is_rescaled_up_and_down_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counts.csv");
    let (job, sink) = (Job::new("counts"), CollectSink::new());
    let rows = sink.handle();
    let numbers = job.source(GeneratorSource::new(|n| n).rate(8_000).count(RECORDS).splits(4));
    let counts = numbers.event_time(|n| Timestamp::from_millis(*n as i64), Watermarks::monotonic());
    let counts = counts.key_by(|n| n % 10).map_with_state(
        || 0_u64,
        |count, key, _| {
            *count += 1;
            (*key, *count)
        },
    );
    counts.sink(sink);
    counts.sink(FileSink::csv(&file));
    let config = Config::default().state_dir(folder.path().join("state")).checkpoint_interval(millis(30));
    let handle = job.start(config).unwrap();
    for (records, parallelism) in [(500, 3), (1_500, 1), (2_500, 2)] {
        running(&handle, records);
        let before = handle.status().operators[0].parallelism;
        let rescaled = handle.rescale(parallelism).unwrap();
        assert_eq!((rescaled.from, rescaled.to), (before, parallelism));
        let status = handle.status();
        assert_eq!(status.operators.iter().map(|operator| operator.parallelism).max(), Some(parallelism));
        assert!(rescaled.gap > Duration::ZERO);
    }
    let status = handle.wait().unwrap();
    assert_eq!((status.state, status.restarts, status.attempt), (JobState::Finished, 0, 4));
    assert_same_rows(rows.rows(), expected());
    let mut lines: Vec<String> = std::fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    let mut wanted: Vec<String> = expected().iter().map(|(key, count)| format!("{key},{count}")).collect();
    wanted.sort();
    assert_eq!(lines, wanted);
}

#[test]
fn what_cannot_be_is_refused_and_the_job_goes_on_as_it_was() {
    let (job, sink) = (Job::new("counts"), CollectSink::new());
    let rows = sink.handle();
    let numbers = job.source(GeneratorSource::new(|n| n).rate(8_000).count(RECORDS));
    numbers.key_by(|n| n % 10).count().sink(sink);
    let handle = job.start(Config::default()).unwrap();
    running(&handle, 100);
    for (parallelism, told) in [(0, "`parallelism` is 0"), (5_000, "5000")] {
        let error = handle.rescale(parallelism).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    handle.rescale(2).unwrap();
    let status = handle.wait().unwrap();
    assert_eq!(status.attempt, 2);
    assert_same_rows(rows.rows(), expected());
}

#[test]
fn a_job_that_is_stopping_is_not_rescaled() {
    let job = Job::new("endless");
    job.source(GeneratorSource::new(|n| n).rate(1_000)).key_by(|n| n % 10).count().sink(DiscardSink);
    let handle = job.start(Config::default()).unwrap();
    running(&handle, 10);
    handle.stop();
    let error = handle.rescale(2).unwrap_err();
    assert!(matches!(error, Error::Rescale { .. } | Error::Over { .. }), "{error}");
    assert_eq!(handle.wait().unwrap().state, JobState::Stopped);
}
