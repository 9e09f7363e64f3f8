//! A whole job in virtual time.

use millstream::connector::Collected;
use millstream::prelude::*;
use millstream::testing::{Script, Simulation, assert_same_rows, three_lives};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const COUNT: u64 = 200;

/// Two keyed stages over four splits: the order of rows depends on how subtasks interleave, the rows do not.
fn job() -> (Job, Collected<(u64, u64)>) {
    let (job, sink) = (Job::new("simulated"), CollectSink::new());
    let rows = sink.handle();
    let counts = job.source(MemorySource::new(0..COUNT).splits(4)).key_by(|n| n % 10).count();
    counts.key_by(|(_, count)| count % 3).count().sink(sink);
    (job, rows)
}

fn expected() -> Vec<(u64, u64)> {
    let mut counts = [0_u64; 3];
    let mut rows = Vec::new();
    for n in 0..COUNT {
        let which = (n / 10 + 1) % 3;
        counts[which as usize] += 1;
        rows.push((which, counts[which as usize]));
    }
    rows
}

fn small() -> Config {
    Config::default().parallelism(2).batch_size(3)
}

fn run(seed: u64) -> (Vec<(u64, u64)>, JobStatus) {
    let (job, rows) = job();
    let mut simulation = Simulation::start(&job, small(), seed).unwrap();
    simulation.checkpoints_one_in(20).crashes_one_in(60, 5);
    let status = simulation.run().unwrap();
    (rows.rows(), status)
}

#[test]
fn one_seed_is_one_run_and_every_run_gives_the_answer() {
    let mut orders = std::collections::BTreeSet::new();
    let mut restarts = 0;
    for seed in 0..20 {
        let (rows, status) = run(seed);
        assert_eq!(run(seed).0, rows, "seed {seed}");
        assert_same_rows(rows.clone(), expected());
        orders.insert(rows);
        restarts += status.restarts;
    }
    assert!(orders.len() > 1, "seeds choose different orders");
    assert!(restarts > 10, "crashes happen: {restarts}");
}

#[test]
fn an_hour_by_the_clock_takes_no_hour() {
    let (job, sink) = (Job::new("patient"), CollectSink::new());
    let rows = sink.handle();
    let script = Script::new().record(1, Timestamp::EPOCH).pause(hours(1)).record(2, Timestamp::EPOCH);
    script.attach(&job).sink(sink);
    let mut simulation = Simulation::start(&job, Config::default(), 1).unwrap();
    simulation.run_for(minutes(59)).unwrap();
    assert_eq!(rows.rows(), [1]);
    let status = simulation.run().unwrap();
    assert_eq!((rows.rows(), status.state), (vec![1, 2], JobState::Finished));
    assert!(simulation.now() >= Timestamp::EPOCH + hours(1));
    assert_eq!(status.checkpoints, 2, "one for each record; nothing happened in between");
}

#[test]
fn a_fault_of_the_source_strikes_once_and_the_job_gets_past_it() {
    let (job, sink) = (Job::new("faulty"), CollectSink::new());
    let rows = sink.handle();
    let numbers = (0..10_u64).map(|n| (n, Timestamp::from_seconds(n as i64)));
    let script = Script::new().records(numbers.clone()).fail("the line is cut").records(numbers);
    script.attach(&job).sink(sink);
    let mut simulation = Simulation::start(&job, Config::default(), 5).unwrap();
    let status = simulation.checkpoints_one_in(4).run().unwrap();
    assert_eq!(status.restarts, 1);
    assert!(status.failure.unwrap().contains("the line is cut"));
    assert_same_rows(rows.rows(), (0..10).chain(0..10));
}

#[test]
fn a_job_without_a_restart_fails_with_the_operator_and_the_cause() {
    let job = Job::new("brittle");
    let script = Script::new().record(1, Timestamp::EPOCH).fail("the line is cut");
    script.attach(&job).sink(DiscardSink);
    let mut simulation = Simulation::start(&job, Config::default().restart(Restart::None), 5).unwrap();
    let error = simulation.run().unwrap_err().to_string();
    assert!(error.contains("`source`") && error.contains("the line is cut"), "{error}");
}

/// The operator counts in a variable of the process, which no snapshot holds.
#[test]
#[should_panic(expected = "too many")]
fn a_job_with_state_outside_its_state_handles_is_found_out() {
    let build = || {
        let (job, sink) = (Job::new("forgetful"), CollectSink::new());
        let rows = sink.handle();
        let seen = Arc::new(AtomicU64::new(0));
        job.source(MemorySource::new(0..400_u64)).map(move |_| seen.fetch_add(1, Ordering::Relaxed)).sink(sink);
        (job, rows)
    };
    for seed in 0..50 {
        three_lives(seed, build).unwrap();
    }
}
