//! Mistakes that the builder can see are errors that name the operator, before anything runs.

use crate::support::collected;
use millstream::prelude::*;
use std::time::Duration;

fn numbers(job: &Job) -> Stream<u64> {
    job.source(MemorySource::new(0..3_u64)).uid("numbers")
}

/// The message with which a job refuses to start, and to be explained.
fn refusal(build: impl Fn(&Job)) -> String {
    let job = Job::new("mistaken");
    build(&job);
    let told = job.start(Config::default()).err().expect("the job should not start").to_string();
    assert_eq!(told, job.explain(&Config::default()).unwrap_err().to_string());
    assert!(told.starts_with("job `mistaken`: "), "{told}");
    told
}

fn refused(words: &[&str], build: impl Fn(&Job)) {
    let told = refusal(build);
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
}

#[test]
fn a_job_without_a_source_is_refused() {
    refused(&["has no source", "job.source(..)"], |_| {});
}

#[test]
fn a_stream_without_a_sink_is_refused_by_its_last_operator() {
    refused(&["`totals` leads to no sink"], |job| {
        collected(&numbers(job));
        let _totals = numbers(job).uid("others").map(|n| n).uid("totals");
    });
}

#[test]
fn a_window_that_nobody_asks_for_its_results_is_refused() {
    refused(&["tumbling", "leads to no sink"], |job| {
        collected(&numbers(job));
        let _windows = numbers(job).uid("others").key_by(|n| *n).window(Tumbling::of(minutes(1)));
    });
}

#[test]
fn one_uid_for_two_operators_is_refused() {
    refused(&["two operators bear the uid `totals`"], |job| {
        collected(&numbers(job).map(|n| n).uid("totals").filter(|_| true).uid("totals"));
    });
}

#[test]
fn a_uid_that_is_empty_or_too_long_is_refused() {
    refused(&["the uid `` is empty"], |job| {
        collected(&numbers(job).map(|n| n).uid(""));
    });
    let long = "x".repeat(101);
    refused(&[&long, "longer than 100 bytes"], |job| {
        collected(&numbers(job).map(|n| n).uid(long.clone()));
    });
    let job = Job::new("just-right");
    collected(&numbers(&job).map(|n| n).uid("x".repeat(100)));
    job.explain(&Config::default()).unwrap();
}

#[test]
fn a_window_of_no_length_is_refused() {
    for nothing in [Duration::ZERO, Duration::from_micros(999)] {
        refused(&["operator `sizes`", "size of a tumbling window", "at least 1 ms"], |job| {
            collected(&numbers(job).key_by(|n| *n).window(Tumbling::of(nothing)).count().uid("sizes"));
        });
        refused(&["operator `gaps`", "gap of a session window", "at least 1 ms"], |job| {
            collected(&numbers(job).key_by(|n| *n).window(Session::gap(nothing)).count().uid("gaps"));
        });
    }
    refused(&["operator `sizes`", "beyond the range of time"], |job| {
        collected(&numbers(job).key_by(|n| *n).window(Tumbling::of(Duration::MAX)).count().uid("sizes"));
    });
}

#[test]
fn a_parallelism_of_nothing_or_beyond_the_limit_is_refused() {
    for (parallelism, limit) in [(0, "between 1 and 1024"), (1025, "between 1 and 1024")] {
        refused(&["`mapped` has parallelism", limit], |job| {
            collected(&numbers(job).map(|n| n).uid("mapped").parallelism(parallelism));
        });
    }
    for parallelism in [0, 129] {
        refused(&["`counted` has parallelism", "between 1 and 128"], |job| {
            collected(&numbers(job).key_by(|n| *n).count().uid("counted").parallelism(parallelism));
        });
    }
    let job = Job::new("mistaken");
    collected(&numbers(&job).key_by(|n| *n).count().uid("counted"));
    let told = job.start(Config::default().parallelism(129)).err().unwrap().to_string();
    assert!(told.contains("`counted` has parallelism 129"), "{told}");
}

#[test]
fn streams_of_two_jobs_do_not_mix() {
    let other = Job::new("other");
    refused(&["`numbers` joins streams of two jobs"], |job| {
        collected(&numbers(job).union(&numbers(&other)));
    });
}

#[test]
fn a_union_has_no_uid() {
    refused(&["a union is no operator"], |job| {
        let numbers = numbers(job);
        collected(&numbers.union(&numbers.map(|n| n)).uid("both"));
    });
}

#[test]
fn settings_of_nothing_are_refused_by_name() {
    let job = Job::new("settings");
    collected(&numbers(&job));
    let refused = |name: &str, change: fn(&mut Config)| {
        let mut config = Config::default();
        change(&mut config);
        let told = job.start(config).err().expect("should be refused").to_string();
        assert!(told.contains(&format!("`{name}`")) && told.contains("at least 1"), "{told}");
    };
    refused("parallelism", |config| config.parallelism = 0);
    refused("batch_size", |config| config.batch_size = 0);
    refused("channel_batches", |config| config.channel_batches = 0);
    refused("checkpoint_interval", |config| config.checkpoint_interval = Some(Duration::from_micros(999)));
}
