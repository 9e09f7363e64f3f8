//! A subtask that fails is restarted by itself: the others see a pause, the answer stays the same, and a record that kills
//! it again and again is dealt with as its operator's policy says.

use millstream::prelude::*;
use millstream::record::Epoch;
use millstream::testing::{Harness, Simulation, assert_same_rows};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Blows at some calls, over all threads.
#[derive(Clone, Default)]
struct Calls(Arc<AtomicU64>);

impl Calls {
    fn count(&self) -> u64 {
        self.0.fetch_add(1, Relaxed) + 1
    }
}

fn config() -> Config {
    Config::default().parallelism(2).batch_size(16).restart(Restart::fixed_delay(millis(1), 10))
}

/// A running sum by key, in which `fails` may panic before each addition.
fn sums(
    policy: OnError,
    fails: impl Fn(u64) -> bool + Send + Sync + 'static,
) -> (Job, millstream::connector::Collected<(u64, u64)>) {
    let (job, sink) = (Job::new("sums"), CollectSink::new());
    let rows = sink.handle();
    let numbers = job.source(MemorySource::new(0..2_000_u64));
    let sums = numbers.key_by(|n| n % 7).reduce(move |sum: &u64, n| {
        assert!(!fails(*n), "no sum with {n}");
        sum + n
    });
    sums.uid("sums").on_error(policy).map(|sum| (sum % 7, sum)).sink(sink);
    (job, rows)
}

fn without_failures() -> Vec<(u64, u64)> {
    let (job, rows) = sums(OnError::fail(), |_| false);
    job.run(config()).unwrap();
    rows.rows()
}

#[test]
fn only_the_subtask_that_failed_is_restarted() {
    let calls = Calls::default();
    let (job, rows) = sums(OnError::fail(), move |_| [100, 101, 700].contains(&calls.count()));
    let status = job.run(config().parallelism(1)).unwrap();
    assert_eq!((status.restarts, status.attempt, status.local_restarts), (0, 1, 3));
    assert_eq!(status.restarted.len(), 2, "twice in a row is one pause");
    assert_eq!(status.restarted[0].operator, "sums");
    assert!(status.restarted[0].cause.contains("no sum with"), "{:?}", status.restarted);
    assert_same_rows(rows.rows(), without_failures());
    assert_eq!(status.operator("sums").unwrap().records_in, 2_000, "a record that is replayed counts once");
}

#[test]
fn a_full_journal_is_cut_and_state_beyond_its_memory_is_found_again() {
    for (journal, memory) in [(1, 64 << 20), (4_000, 1), (64 << 20, 1)] {
        let calls = Calls::default();
        let (job, rows) = sums(OnError::fail(), move |_| calls.count() % 190 == 0);
        let config = config().journal(journal).memory(memory).restart(Restart::fixed_delay(millis(1), 100));
        let status = job.run(config.without_checkpoints()).unwrap();
        assert!(status.local_restarts >= 9 && status.restarts == 0, "{status:?}");
        assert_same_rows(rows.rows(), without_failures());
    }
}

#[test]
fn a_journal_that_would_cost_much_is_given_up_until_something_has_failed() {
    const KEYS: u64 = 200_000;
    let job = |fails: fn(u64) -> bool| {
        let (job, sink, calls) = (Job::new("many"), CollectSink::new(), Calls::default());
        let rows = sink.handle();
        let counts = job.source(MemorySource::new(0..KEYS)).key_by(|n| *n).map_with_state(
            || 0_u64,
            move |count, n, _| {
                assert!(!fails(calls.count()), "no count of {n}");
                *count += 1;
                (*n, *count)
            },
        );
        counts.sink(sink);
        (job, rows)
    };
    let config = || config().parallelism(1).batch_size(1_000).journal(3_000_000).without_checkpoints();
    // The first one comes when a megabyte of state has changed, the second in the life behind it.
    let (fragile, rows) = job(|call| [KEYS - 1_000, 2 * KEYS - 2_000].contains(&call));
    let status = fragile.run(config()).unwrap();
    assert_eq!((status.restarts, status.local_restarts), (1, 1));
    let (whole, expected) = job(|_| false);
    whole.run(config()).unwrap();
    assert_same_rows(rows.rows(), expected.rows());
}

#[test]
fn without_a_journal_the_whole_job_goes_back() {
    let calls = Calls::default();
    let (job, rows) = sums(OnError::fail(), move |_| calls.count() == 700);
    let status = job.run(config().journal(0)).unwrap();
    assert_eq!((status.restarts, status.local_restarts), (1, 0));
    assert_same_rows(rows.rows(), without_failures());
    let [went_back] = &status.went_back[..] else { panic!("{status:?}") };
    assert_eq!((went_back.operator.as_str(), went_back.epoch), ("sums", Epoch::ZERO));
    assert!(went_back.cause.contains("no sum with") && went_back.took >= millis(1), "{went_back:?}");
}

#[test]
fn a_restart_tells_from_which_checkpoint() {
    let (job, rows) = sums(OnError::fail(), |_| false);
    let mut simulation = Simulation::start(&job, config().parallelism(1).without_checkpoints(), 1).unwrap();
    for (number, epoch) in [Epoch::ZERO, Epoch::new(1, 1)].into_iter().enumerate() {
        simulation.panics_one_in(1).step(1).unwrap();
        simulation.panics_one_in(0);
        while simulation.status().restarted.len() == number {
            assert!(simulation.step(1).unwrap(), "nothing fails any more");
        }
        assert_eq!(simulation.status().restarted[number].epoch, epoch);
        simulation.checkpoint().unwrap();
    }
    simulation.run().unwrap();
    assert_same_rows(rows.rows(), without_failures());
}

#[test]
fn a_record_that_always_fails_is_left_out_and_counted() {
    for policy in [OnError::skip(), OnError::dead_letter(), OnError::skip().after_restarts(0)] {
        let (job, rows) = sums(policy, |n| n % 500 == 499);
        // The policy bears with it, so the strategy is not asked.
        let status = job.run(config().restart(Restart::None)).unwrap();
        assert_eq!((status.restarts, status.operator("sums").unwrap().dead), (0, 4));
        assert_eq!(status.operator("sums").unwrap().records_in, 2_000);
        let mut so_far = [0_u64; 7];
        let mut expected = Vec::new();
        for n in (0..2_000_u64).filter(|n| n % 500 != 499) {
            so_far[n as usize % 7] += n;
            expected.push(so_far[n as usize % 7]);
        }
        let mut found: Vec<u64> = rows.rows().into_iter().map(|row| row.1).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}

#[test]
fn by_default_a_record_that_always_fails_ends_the_job_and_is_told() {
    let (job, _) = sums(OnError::fail(), |n| n == 1_234);
    let error = job.run(config().restart(Restart::fixed_delay(millis(1), 5))).unwrap_err().to_string();
    assert!(error.contains("operator `sums`") && error.contains("no sum with 1234"), "{error}");
}

#[test]
fn an_operator_without_state_leaves_out_a_record_with_all_that_came_of_it() {
    let mut harness = Harness::new(|numbers: Stream<u32>| {
        let twice = numbers.flat_map(|n| {
            (0..n).map(move |i| {
                assert!(i < 3, "too many");
                n * 10 + i
            })
        });
        twice.uid("twice").on_error(OnError::skip())
    });
    for n in [1, 5, 2] {
        harness.push(n, Timestamp::EPOCH);
    }
    assert_eq!(harness.drain(), [10, 20, 21], "nothing is left of 5");
    let status = harness.status();
    let twice = status.operator("twice").unwrap();
    assert_eq!((twice.records_in, twice.records_out, twice.dead), (3, 3, 1));
}

#[test]
fn an_operator_that_brings_something_else_the_second_time_is_found_out() {
    let job = Job::new("fickle");
    let (seen, blows) = (Calls::default(), Calls::default());
    job.source(MemorySource::new(0..500_u64))
        .key_by(|n| n % 3)
        .flat_map_with_state(
            || 0_u64,
            move |sum, _, n| {
                assert_ne!(blows.count(), 300, "once");
                *sum += n;
                // Only the first calls bring something, whoever calls.
                (seen.count() < 250).then_some(*sum)
            },
        )
        .uid("fickle")
        .sink(DiscardSink);
    let status = job.run(config().parallelism(1).without_checkpoints()).unwrap();
    assert_eq!(status.restarts, 1);
    let told = status.failure.unwrap();
    assert!(told.contains("operator `fickle`") && told.contains("must be deterministic"), "{told}");
}

#[test]
fn one_that_is_declared_nondeterministic_takes_the_whole_job_back() {
    let calls = Calls::default();
    let (job, sink) = (Job::new("declared"), CollectSink::new());
    let rows = sink.handle();
    job.source(MemorySource::new(0..500_u64))
        .key_by(|n| n % 3)
        .reduce(move |sum, n| {
            assert_ne!(calls.count(), 300, "once");
            sum + n
        })
        .nondeterministic()
        .sink(sink);
    let status = job.run(config()).unwrap();
    assert_eq!((status.restarts, status.local_restarts), (1, 0));
    assert_eq!(rows.rows().len(), 500);
}

#[test]
fn a_window_that_fails_while_it_fires_fires_once() {
    for parallelism in [1, 2] {
        let calls = Calls::default();
        let (job, sink) = (Job::new("windows"), CollectSink::new());
        let rows = sink.handle();
        let hits = job.source(MemorySource::new(0..3_000_i64));
        hits.event_time(|n| Timestamp::from_millis(*n), Watermarks::monotonic())
            .key_by(|n| n % 50)
            .window(Tumbling::of(millis(500)))
            .process(move |key, _, records, emit| {
                emit((*key, records.len()));
                assert!(![120, 270].contains(&calls.count()), "a window is not for every day");
                emit((*key, records.len()));
            })
            .sink(sink);
        let status = job.run(config().parallelism(parallelism)).unwrap();
        assert_eq!((status.restarts, rows.rows().len()), (0, 600));
        assert!(status.local_restarts >= 2, "{status:?}");
        assert!(rows.rows().iter().all(|window| window.1 == 10));
    }
}

#[test]
fn a_window_and_a_timer_that_always_fail_are_left_out_alone() {
    /// Tells each key one second after its records.
    struct Echo;

    impl KeyedProcess for Echo {
        type Key = i64;
        type Input = i64;
        type Output = i64;
        type State = ();

        fn open(&self, _: &mut States<'_, i64>) -> Result<(), Failure> {
            Ok(())
        }

        fn process(&self, (): &(), _: i64, ctx: &mut Context<'_, i64, i64>) -> Result<(), Failure> {
            ctx.set_event_timer(ctx.time() + seconds(1))
        }

        fn on_timer(&self, (): &(), _: Timer, ctx: &mut Context<'_, i64, i64>) -> Result<(), Failure> {
            ctx.emit(*ctx.key());
            assert_ne!(*ctx.key(), 3, "not for this key");
            Ok(())
        }
    }

    for seed in 0..10 {
        let (job, windows, echoes) = (Job::new("timers"), CollectSink::new(), CollectSink::new());
        let (rows, echoed) = (windows.handle(), echoes.handle());
        let hits = job.source(MemorySource::new(0..600_i64));
        let hits = hits.event_time(|n| Timestamp::from_millis(*n), Watermarks::monotonic()).key_by(|n| n % 10);
        let sizes = hits.window(Tumbling::of(millis(100))).process(|key, info, records, emit| {
            emit((*key, records.len()));
            assert!(*key != 7 || info.window.start.millis() != 300, "not this window");
        });
        sizes.uid("sizes").on_error(OnError::dead_letter()).sink(windows);
        hits.process(Echo).uid("echo").on_error(OnError::skip().after_restarts(1)).sink(echoes);
        let mut simulation = Simulation::start(&job, config().restart(Restart::None), seed).unwrap();
        let status = simulation.checkpoints_one_in(40).panics_one_in(60).run().unwrap();
        assert_eq!((rows.rows().len(), echoed.rows().len()), (59, 540));
        assert!(echoed.rows().iter().all(|key| *key != 3));
        assert_eq!(status.operator("sizes").unwrap().dead_timers, 1);
        assert_eq!(status.operator("echo").unwrap().dead_timers, 60);
    }
}

/// Refuses one rule.
struct Rules;

impl BroadcastProcess for Rules {
    type Input = u64;
    type Broadcast = u64;
    type Output = u64;
    type RuleKey = u64;
    type Rule = ();

    fn process(&self, _: &BroadcastState<u64, ()>, n: u64, ctx: &mut UnkeyedContext<'_, u64>) -> Result<(), Failure> {
        ctx.emit(n);
        Ok(())
    }

    fn process_broadcast(
        &self,
        _: &mut BroadcastState<u64, ()>,
        rule: u64,
        _: &mut UnkeyedContext<'_, u64>,
    ) -> Result<(), Failure> {
        assert_ne!(rule, 2, "not this rule");
        Ok(())
    }
}

#[test]
fn a_record_of_a_broadcast_stream_is_never_left_out() {
    let job = Job::new("rules");
    let rules = job.source(MemorySource::new(vec![1_u64, 2, 3]));
    let numbers = job.source(MemorySource::new(0..10_u64));
    numbers.connect_broadcast(&rules).process(Rules).uid("ruled").on_error(OnError::skip()).sink(DiscardSink);
    let error = job.run(config().restart(Restart::fixed_delay(millis(1), 1))).unwrap_err().to_string();
    assert!(error.contains("operator `ruled`") && error.contains("not this rule"), "{error}");
}

#[test]
fn panics_at_every_seed_and_size_of_journal_change_nothing() {
    let expected = without_failures();
    let mut restarts = 0;
    for seed in 0..20 {
        let (job, rows) = sums(OnError::fail(), |_| false);
        let config = config()
            .batch_size(4)
            .journal([1, 700, 1 << 20][seed as usize % 3])
            .memory([1, 1 << 20][seed as usize % 2]);
        let mut simulation = Simulation::start(&job, config, seed).unwrap();
        simulation.panics_one_in(15).checkpoints_one_in(50).crashes_one_in(400, 2);
        let status = simulation.run().unwrap();
        restarts += status.local_restarts;
        assert_same_rows(rows.rows(), expected.clone());
    }
    assert!(restarts > 100, "{restarts} restarts in 20 runs");
}

#[test]
fn a_source_or_sink_has_no_error_policy() {
    let job = Job::new("policies");
    job.source(MemorySource::new(0..3)).uid("numbers").on_error(OnError::skip()).sink(DiscardSink);
    let error = job.run(config()).unwrap_err().to_string();
    assert!(error.contains("`numbers` is a source or a sink"), "{error}");
}
