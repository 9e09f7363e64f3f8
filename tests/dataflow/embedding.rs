//! A job runs inside any program: with a runtime of its own, an actor system, or several jobs at once.

use crate::support::{Gate, GatedSource, collected, ended, eventually, records_out, run};
use millstream::prelude::*;
use std::time::Duration;

fn counting(name: &str, count: u64) -> (Job, millstream::connector::Collected<u64>) {
    let job = Job::new(name);
    let rows = collected(&job.source(MemorySource::new(0..count)).map(|n| n + 1));
    (job, rows)
}

async fn runs_and_is_awaited() {
    let (job, rows) = counting("awaited", 100);
    let handle = job.start(Config::default()).unwrap();
    let status = tokio::time::timeout(Duration::from_secs(60), handle.finished()).await.unwrap().unwrap();
    assert_eq!((status.state, rows.rows().len()), (JobState::Finished, 100));
}

#[test]
fn a_job_starts_and_is_awaited_in_a_tokio_runtime_of_one_thread() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(runs_and_is_awaited());
}

#[test]
fn a_job_starts_and_is_awaited_in_a_tokio_runtime_of_many_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let tasks: Vec<_> = (0..3).map(|_| runtime.spawn(runs_and_is_awaited())).collect();
    tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
}

#[test]
fn a_job_starts_and_is_awaited_in_an_actix_system_and_leaves_it_running() {
    actix::System::new().block_on(async {
        runs_and_is_awaited().await;
        runs_and_is_awaited().await;
        let answer = actix::spawn(async { 7 }).await.unwrap();
        assert_eq!(answer, 7, "the program's own system still works");
    });
}

#[test]
fn awaiting_a_job_that_fails_gives_its_error() {
    let job = Job::new("failing");
    collected(&job.source(MemorySource::new([1_u64])).map(|n| if n == 1 { panic!("no ones") } else { n }).uid("picky"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let handle = job.start(Config::default().restart(Restart::None)).unwrap();
    let told = runtime.block_on(handle.finished()).unwrap_err().to_string();
    assert!(told.contains("`picky`") && told.contains("no ones"), "{told}");
}

#[test]
fn the_status_tells_how_far_a_running_job_has_come() {
    let job = Job::new("watched");
    let gate = Gate::default();
    let numbers = job.source(GatedSource { gate: gate.clone(), count: 100, splits: 1, block: 10 }).uid("numbers");
    let kept = numbers.event_time(|n| Timestamp::from_millis(*n as i64), Watermarks::monotonic());
    let rows = collected(&kept.key_by(|n| n % 2).window(Tumbling::of(millis(10))).count().uid("windows"));
    gate.open_to(50);
    let handle = job.start(Config::default().checkpoint_interval(millis(5))).unwrap();
    eventually("half has passed", || records_out(&handle, "numbers") == 50);
    eventually("half is in windows", || handle.status().operator("windows").unwrap().records_in == 50);
    eventually("windows are fired", || records_out(&handle, "windows") == 8);
    let status = handle.status();
    assert_eq!((status.job.as_str(), status.state, status.attempt), ("watched", JobState::Running, 1));
    assert_eq!(status.watermark, Some(Timestamp::from_millis(48)));
    eventually("they are committed", || rows.rows().len() == 8);
    assert!(handle.status().checkpoints > 0);
    assert!(!handle.wait_for(Duration::ZERO), "it has not ended");
    gate.open_to(100);
    let last = ended(handle);
    assert_eq!((last.state, last.watermark), (JobState::Finished, Some(Timestamp::MAX)));
    assert_eq!((last.failed_checkpoints, last.restarts, last.failure), (0, 0, None));
}

#[test]
fn a_job_without_an_end_stops_when_it_is_asked_to() {
    for parallelism in [1, 2] {
        let job = Job::new("endless");
        let rows =
            collected(&job.source(GeneratorSource::new(|n| n).splits(2)).uid("numbers").key_by(|n| n % 9).count());
        let handle = job.start(Config::default().parallelism(parallelism)).unwrap();
        eventually("records flow", || records_out(&handle, "numbers") > 1_000);
        handle.stop();
        handle.stop();
        let last = ended(handle);
        assert_eq!(last.state, JobState::Stopped);
        assert_eq!(
            rows.rows().len() as u64,
            last.operator("numbers").unwrap().records_out,
            "all that was read came out"
        );
    }
}

#[test]
fn a_job_asked_to_stop_at_once_stops() {
    let job = Job::new("hasty");
    collected(&job.source(GatedSource { gate: Gate::default(), count: 10, splits: 1, block: 1 }));
    let handle = job.start(Config::default()).unwrap();
    handle.stop();
    assert_eq!(ended(handle).state, JobState::Stopped);
}

#[test]
fn several_jobs_run_side_by_side_in_one_process() {
    let jobs: Vec<_> = (0..6_u64).map(|number| counting(&format!("job-{number}"), 1_000 + number)).collect();
    let handles: Vec<_> = jobs.iter().map(|(job, _)| job.start(Config::default().parallelism(2)).unwrap()).collect();
    handles.into_iter().for_each(|handle| drop(ended(handle)));
    for (number, (_, rows)) in jobs.iter().enumerate() {
        assert_eq!(rows.rows().len(), 1_000 + number);
    }
}

#[test]
fn one_dataflow_may_run_twice() {
    let (job, rows) = counting("again", 10);
    run(&job, Config::default());
    run(&job, Config::default());
    assert_eq!(rows.rows().len(), 20);
}

#[test]
fn a_source_with_fewer_splits_than_subtasks_ends() {
    let job = Job::new("few-splits");
    let rows = collected(&job.source(MemorySource::new(0..10_u64)).key_by(|n| *n).count());
    assert_eq!(run(&job, Config::default().parallelism(4)).state, JobState::Finished);
    assert_eq!(rows.rows().len(), 10);
}

#[test]
fn an_empty_source_ends_and_leaves_nothing() {
    for parallelism in [1, 3] {
        let job = Job::new("empty");
        let keyed = job.source(MemorySource::<u64>::new([])).key_by(|n| *n);
        let rows = collected(&keyed.window(Session::gap(seconds(1))).count());
        let status = run(&job, Config::default().parallelism(parallelism));
        assert_eq!((status.state, rows.rows().len()), (JobState::Finished, 0));
    }
}
