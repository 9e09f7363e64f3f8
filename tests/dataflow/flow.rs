//! Back pressure: what is under way is bounded, barriers pass all the same, and nothing waits for itself.

use crate::support::{TapSink, collected, ended, eventually, run, sorted};
use millstream::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

/// Lets records pass slowly until it is told to hurry.
#[derive(Clone, Default)]
struct Brake {
    passed: Arc<AtomicU64>,
    released: Arc<AtomicU64>,
}

impl Brake {
    fn pass(&self) {
        if self.released.load(SeqCst) == 0 {
            std::thread::sleep(Duration::from_micros(500));
        }
        self.passed.fetch_add(1, SeqCst);
    }
}

/// How many records may be between two operators: on the channel, at the receiver's hands, and waiting in the sender's.
fn bound(config: &Config, channels: u64, block: u64) -> u64 {
    let credit = channels * (config.channel_batches * config.batch_size) as u64;
    let receiver = config.batch_size as u64;
    credit + receiver + 2 * block.max(config.batch_size as u64)
}

#[test]
fn a_slow_operator_holds_its_source_back_and_checkpoints_pass() {
    let mut config = Config::default().checkpoint_interval(millis(2)).batch_size(16);
    config.channel_batches = 2;
    let job = Job::new("slow");
    let (brake, made, most) = (Brake::default(), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let slow = {
        let (made, brake, most) = (made.clone(), brake.clone(), most.clone());
        move |n: u64| {
            most.fetch_max(made.load(SeqCst) - brake.passed.load(SeqCst), SeqCst);
            brake.pass();
            n
        }
    };
    let count = {
        let made = made.clone();
        move |n: u64| {
            made.fetch_add(1, SeqCst);
            n
        }
    };
    let rows = collected(&job.source(MemorySource::new(0..20_000_u64)).map(count).rebalance().map(slow));
    let bound = bound(&config, 1, 1024);
    let handle = job.start(config).unwrap();
    eventually("three checkpoints are complete", || handle.status().checkpoints >= 3);
    assert!(made.load(SeqCst) < 20_000, "the source should have been held back");
    brake.released.store(1, SeqCst);
    ended(handle);
    assert_eq!(sorted(rows.rows()), (0..20_000).collect::<Vec<_>>());
    let most = most.load(SeqCst);
    assert!(most <= bound, "{most} records were under way, above {bound}");
}

#[test]
fn a_slow_sink_holds_its_source_back() {
    let mut config = Config::default().checkpoint_interval(millis(2)).batch_size(16);
    config.channel_batches = 2;
    let job = Job::new("slow-sink");
    let (brake, made, most) = (Brake::default(), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let counted = made.clone();
    let numbers = job.source(MemorySource::new(0..20_000_u64)).inspect(move |_| {
        counted.fetch_add(1, SeqCst);
    });
    let (sink, seen) = TapSink::new();
    let (at_sink, looked, greatest) = (brake.clone(), made.clone(), most.clone());
    let sinking = numbers.key_by(|n| n % 5).reduce(|_, now| *now).inspect(move |_| {
        greatest.fetch_max(looked.load(SeqCst) - at_sink.passed.load(SeqCst), SeqCst);
        at_sink.pass();
    });
    sinking.sink(sink);
    let bound = bound(&config, 1, 1024);
    let handle = job.start(config).unwrap();
    eventually("three checkpoints are complete", || handle.status().checkpoints >= 3);
    brake.released.store(1, SeqCst);
    ended(handle);
    assert_eq!(seen.lock().unwrap().len(), 20_000);
    let most = most.load(SeqCst);
    assert!(most <= bound, "{most} records were under way, above {bound}");
}

/// The least credit there can be.
fn tiny(interval: u64, parallelism: usize) -> Config {
    let mut config = Config::default().batch_size(1).parallelism(parallelism).checkpoint_interval(millis(interval));
    config.channel_batches = 1;
    config.channel_bytes = 1;
    config
}

#[test]
fn a_diamond_with_branches_of_different_length_does_not_wait_for_itself() {
    for (interval, parallelism) in [(1, 1), (2, 2), (5, 3)] {
        let job = Job::new("diamond");
        let numbers = job.source(MemorySource::new(0..600_u64).splits(2));
        let (even, odd) = numbers.split(|n| n % 2 == 0);
        let long = even.rebalance().map(|n| n).isolated().map(|n| n).isolated().rebalance().filter(|_| true);
        let joined = long.union(&odd).union(&numbers.broadcast());
        let counts = collected(&joined.key_by(|n| n % 7).count().key_by(|(key, _)| *key).count());
        run(&job, tiny(interval, parallelism));
        // Each once by its branch, and by broadcast once per subtask.
        let mut all: Vec<u64> = vec![0; 7];
        counts.rows().iter().for_each(|(key, count)| all[*key as usize] = all[*key as usize].max(*count));
        let expected: Vec<u64> =
            (0..7).map(|key| (0..600).filter(|n| n % 7 == key).count() as u64 * (1 + parallelism as u64)).collect();
        assert_eq!(all, expected, "at parallelism {parallelism}");
    }
}

#[test]
fn diamonds_in_a_row_keep_event_time_and_do_not_wait_for_themselves() {
    for parallelism in [1, 2] {
        let job = Job::new("diamonds");
        let numbers = job
            .source(MemorySource::new(0..300_u64))
            .event_time(|n| Timestamp::from_millis(*n as i64), Watermarks::monotonic());
        let mut stream = numbers;
        for _ in 0..3 {
            let (left, right) = stream.split(|n| n % 3 == 0);
            stream = left.map(|n| n).isolated().rebalance().map(|n| n).union(&right.key_by(|n| *n).reduce(|_, n| *n));
        }
        let windowed = stream.key_by(|_| 0_u8).window(Tumbling::of(millis(10)));
        let (late, windows) = (collected(&windowed.late()), collected(&windowed.count().map(|window| window.value)));
        run(&job, tiny(1, parallelism));
        assert_eq!((late.rows().len(), windows.rows()), (0, vec![10; 30]));
    }
}

#[test]
fn a_record_larger_than_the_credit_passes_alone() {
    let job = Job::new("large");
    let rows =
        collected(&job.source(MemorySource::new(0..50_u64)).map(|n| vec![n; 1_000]).rebalance().map(|v| v.len()));
    run(&job, tiny(5, 2));
    assert_eq!(rows.rows(), [1_000; 50]);
}
