//! Records of one key keep the order of their sender, through every exchange, and running state sees them in it.

use crate::support::{TapSink, collected, run, sorted};
use millstream::operator::Aggregate;
use millstream::prelude::*;

/// For each key the numbers in the order in which they came, when `stream` is counted per key.
fn in_order(parallelism: usize, batch_size: usize, build: impl Fn(&Job) -> KeyedStream<u64, u64>) {
    let job = Job::new("order");
    let (sink, seen) = TapSink::new();
    build(&job).reduce(|_, now| *now).sink(sink);
    run(&job, Config::default().parallelism(parallelism).batch_size(batch_size));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 5_000);
    for key in 0..17 {
        let of_key: Vec<u64> = seen.iter().map(|row| row.1).filter(|n| n % 17 == key).collect();
        assert!(of_key.is_sorted(), "key {key} at parallelism {parallelism}, batches of {batch_size}");
    }
}

#[test]
fn the_order_of_a_key_is_kept_through_a_hash_exchange() {
    for parallelism in [1, 2, 4] {
        for batch_size in [1, 7, 1024] {
            in_order(parallelism, batch_size, |job| job.source(MemorySource::new(0..5_000_u64)).key_by(|n| n % 17));
        }
    }
}

#[test]
fn the_order_of_a_key_is_kept_when_its_sender_has_another_parallelism() {
    for (sender, job_wide) in [(1, 4), (1, 2), (4, 1), (2, 4)] {
        in_order(job_wide, 7, move |job| {
            job.source(MemorySource::new(0..5_000_u64)).parallelism(sender).key_by(|n| n % 17)
        });
    }
}

#[test]
fn the_order_of_a_key_is_kept_through_a_union_of_different_parallelisms() {
    in_order(4, 7, |job| {
        let numbers = job.source(MemorySource::new(0..5_000_u64)).parallelism(1);
        numbers.union(&job.source(MemorySource::new([])).parallelism(3)).key_by(|n| n % 17)
    });
}

#[test]
fn all_records_of_a_key_come_to_one_subtask() {
    let job = Job::new("one-subtask");
    let (sink, seen) = TapSink::new();
    let numbers = job.source(MemorySource::new(0..2_000_u64).splits(4));
    numbers.key_by(|n| n % 50).count().sink(sink);
    run(&job, Config::default().parallelism(4));
    let places = sorted(seen.lock().unwrap().iter().map(|(subtask, (key, _), _)| (*key, *subtask)));
    let mut distinct = places.clone();
    distinct.dedup();
    assert_eq!((places.len(), distinct.len()), (2_000, 50));
    assert!((0..4).all(|subtask| distinct.iter().any(|place| place.1 == subtask)), "{distinct:?}");
}

#[test]
fn a_running_count_tells_every_number_once_per_key() {
    for parallelism in [1, 3] {
        let job = Job::new("running");
        let counts = collected(&job.source(MemorySource::new(0..300_u64).splits(2)).key_by(|n| n % 3).count());
        run(&job, Config::default().parallelism(parallelism));
        let expected: Vec<_> = (0..3).flat_map(|key| (1..=100).map(move |count| (key, count))).collect();
        assert_eq!(sorted(counts.rows()), expected);
    }
}

/// The longest word, and how many there were.
struct Longest;

impl Aggregate<String> for Longest {
    type Accumulator = (String, u64);
    type Output = String;

    fn create(&self) -> (String, u64) {
        (String::new(), 0)
    }

    fn add(&self, (longest, count): &mut (String, u64), word: &String) {
        *count += 1;
        if word.len() > longest.len() {
            longest.clone_from(word);
        }
    }

    fn merge(&self, into: &mut (String, u64), other: (String, u64)) {
        into.1 += other.1;
        if other.0.len() > into.0.len() {
            into.0 = other.0;
        }
    }

    fn finish(&self, (longest, count): (String, u64)) -> String {
        format!("{longest} of {count}")
    }
}

#[test]
fn an_aggregate_of_the_users_own_runs_over_each_key() {
    let job = Job::new("words");
    let words = ["ant", "bee", "alpaca", "bison", "ape"].map(str::to_owned);
    let longest = job.source(MemorySource::new(words)).key_by(|word| word.as_bytes()[0]).aggregate(Longest);
    let rows = collected(&longest);
    run(&job, Config::default());
    let of = |key: u8| rows.rows().into_iter().filter(|row| row.0 == key).map(|row| row.1).collect::<Vec<_>>();
    assert_eq!(of(b'a'), ["ant of 1", "alpaca of 2", "alpaca of 3"]);
    assert_eq!(of(b'b'), ["bee of 1", "bison of 2"]);
}

#[test]
fn a_keyed_stream_used_three_times_feeds_all_three() {
    let job = Job::new("thrice");
    let keyed = job.source(MemorySource::new(1..=100_u64)).key_by(|n| n % 2 == 0);
    let (counts, sums) = (collected(&keyed.count()), collected(&keyed.reduce(|a, b| a + b)));
    let windows = collected(&keyed.window(Tumbling::of(minutes(1))).count());
    run(&job, Config::default().parallelism(2));
    assert_eq!(sorted(counts.rows()).last(), Some(&(true, 50)));
    assert_eq!(sums.rows().into_iter().max(), Some(2_550));
    assert_eq!(windows.rows().iter().map(|window| window.value).collect::<Vec<_>>(), [50, 50]);
}
