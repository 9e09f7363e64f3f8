//! A checkpoint that does not fit the program is refused by the name of what does not fit, with what to do.

use crate::support::{Gate, GatedSource, collected, ended, eventually, records_out, run};
use millstream::operator::Aggregate;
use millstream::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Sums as another type each.
struct SumAs<A>(fn(u64) -> A);

impl<A> Aggregate<u64> for SumAs<A>
where
    A: Data + Clone + serde::Serialize + serde::de::DeserializeOwned + std::ops::AddAssign,
{
    type Accumulator = Option<A>;
    type Output = bool;

    fn create(&self) -> Option<A> {
        None
    }

    fn add(&self, sum: &mut Option<A>, record: &u64) {
        let more = Some((self.0)(*record));
        self.merge(sum, more);
    }

    fn merge(&self, into: &mut Option<A>, other: Option<A>) {
        match (into.as_mut(), other) {
            (Some(sum), Some(more)) => *sum += more,
            (None, more) => *into = more,
            (_, None) => {}
        }
    }

    fn finish(&self, sum: Option<A>) -> bool {
        sum.is_some()
    }
}

/// A sum that is no number any more.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Price {
    cents: u64,
}

impl std::ops::AddAssign for Price {
    fn add_assign(&mut self, more: Price) {
        self.cents += more.cents;
    }
}

/// Numbers of two splits, of which the first 100 may pass.
fn numbers(job: &Job, splits: u64) -> Stream<u64> {
    let gate = Gate::default();
    gate.open_to(100);
    job.source(GatedSource { gate, count: 200, splits, block: 10 }).uid("numbers")
}

fn sums(numbers: &Stream<u64>) -> Stream<bool> {
    numbers.key_by(|n| n % 5).aggregate(SumAs::<u64>(|n| n)).uid("sums").map(|(_, some)| some)
}

/// Leaves the state of a job that was stopped in its middle.
fn stopped(state: &Path) {
    let job = Job::new("billing");
    collected(&sums(&numbers(&job, 2)));
    let handle = job.start(Config::default().state_dir(state)).unwrap();
    eventually("half has passed", || records_out(&handle, "numbers") == 100);
    handle.stop();
    assert_eq!(ended(handle).state, JobState::Stopped);
}

/// The message with which a changed program is refused on that state.
fn refused(name: &str, words: &[&str], build: impl Fn(&Job)) {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    stopped(&state);
    let job = Job::new(name);
    build(&job);
    let handle = job.start(Config::default().state_dir(&state).restart(Restart::None)).unwrap();
    assert!(handle.wait_for(std::time::Duration::from_secs(60)), "it was not refused");
    let told = handle.wait().unwrap_err().to_string();
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
    // Nothing was lost by the attempt: the old program goes on.
    let job = Job::new("billing");
    let rows = collected(&sums(&numbers(&job, 2)));
    let handle = job.start(Config::default().state_dir(&state)).unwrap();
    eventually("it runs", || handle.status().state == JobState::Running);
    handle.stop();
    assert_eq!(ended(handle).operator("sums").unwrap().records_in, 100);
    assert_eq!(rows.rows().len(), 0);
}

#[test]
fn an_operator_that_is_gone_is_missed() {
    refused("billing", &["operator `sums` (aggregate)", "not in the program any more", ".uid(\"sums\")"], |job| {
        collected(&numbers(job, 2));
    });
}

#[test]
fn an_operator_that_is_new_is_told() {
    refused("billing", &["operator `more` (aggregate)", "not in the checkpoint", "--fresh"], |job| {
        let numbers = numbers(job, 2);
        collected(&sums(&numbers));
        collected(&numbers.key_by(|n| *n).count().uid("more"));
    });
}

#[test]
fn an_operator_of_another_kind_does_not_take_over() {
    refused("billing", &["operator `sums` was aggregate and is now tumbling(1m)", "--fresh"], |job| {
        let windows = numbers(job, 2).key_by(|n| n % 5).window(Tumbling::of(minutes(1)));
        collected(&windows.aggregate(SumAs::<u64>(|n| n)).uid("sums").map(|window| window.value));
    });
}

#[test]
fn an_accumulator_of_another_type_is_refused_by_operator_and_state() {
    refused("billing", &["of operator `sums`", "state `", "was written as", "cannot be read as"], |job| {
        let keyed = numbers(job, 2).key_by(|n| n % 5);
        let price = SumAs::<Price>(|cents| Price { cents });
        collected(&keyed.aggregate(price).uid("sums").map(|(_, some)| some));
    });
}

#[test]
fn a_key_of_another_type_is_refused_by_operator_and_state() {
    refused(
        "billing",
        &["of operator `sums`", "state `", "was written with keys u64, and has keys String now"],
        |job| {
            let keyed = numbers(job, 2).key_by(|n| (n % 5).to_string());
            collected(&keyed.aggregate(SumAs::<u64>(|n| n)).uid("sums").map(|(_, some)| some));
        },
    );
}

#[test]
fn another_jobs_state_is_refused() {
    refused("payroll", &["holds the state of job `billing`, not of `payroll`"], |job| {
        collected(&sums(&numbers(job, 2)));
    });
}

#[test]
fn a_split_that_was_read_in_part_and_is_gone_is_missed() {
    refused("billing", &["operator `numbers`", "`1` has been read in part and is not there any more"], |job| {
        collected(&sums(&numbers(job, 1)));
    });
}

#[test]
fn a_finished_job_refuses_another_input_and_a_fresh_start_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let build = |splits: usize| {
        let job = Job::new("finished");
        let rows = collected(&job.source(MemorySource::new(0..10_u64).splits(splits)).uid("numbers"));
        (job, rows)
    };
    let config = || Config::default().state_dir(folder.path());
    run(&build(1).0, config());
    let told = build(2).0.start(config()).unwrap().wait().unwrap_err().to_string();
    assert!(told.contains("the finished job over [0]") && told.contains("input of `numbers` is [0, 1]"), "{told}");
    let (job, rows) = build(2);
    let status = run(&job, config().fresh(true));
    assert_eq!((status.already_finished, rows.rows().len()), (false, 10));
}

#[test]
fn a_state_directory_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let job = Job::new("billing");
    collected(&sums(&numbers(&job, 2)));
    let handle = job.start(Config::default().state_dir(folder.path())).unwrap();
    eventually("it runs", || handle.status().state == JobState::Running);
    let second = job.start(Config::default().state_dir(folder.path())).unwrap();
    let told = second.wait().unwrap_err().to_string();
    assert!(told.contains("is in use"), "{told}");
    handle.stop();
    ended(handle);
}
