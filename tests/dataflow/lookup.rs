//! Records that ask the outside.

use millstream::operator::Lookup;
use millstream::prelude::*;
use millstream::testing::{Harness, Script, Simulation, three_lives};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Answers with the number after as many turns of the runtime as `turns` says.
async fn echo(number: u64, turns: u64) -> Result<u64, String> {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    Ok(number)
}

fn answers(lookup: Lookup<u64, u64>, config: Config) -> Vec<u64> {
    let (job, sink) = (Job::new("lookup"), CollectSink::new());
    let rows = sink.handle();
    job.source(MemorySource::new(0..500_u64)).lookup(lookup).sink(sink);
    job.run(config).unwrap();
    rows.rows()
}

/// The first of each ten takes long.
fn turns(number: u64) -> u64 {
    if number.is_multiple_of(10) { 500 } else { 0 }
}

#[test]
fn an_ordered_lookup_keeps_the_order_of_records() {
    let lookup = Lookup::ordered(|n: &u64| echo(*n, turns(*n))).concurrency(20);
    assert_eq!(answers(lookup, Config::default()), (0..500).collect::<Vec<_>>());
}

#[test]
fn an_unordered_lookup_gives_each_record_once_and_lets_quick_ones_overtake() {
    let lookup = Lookup::unordered(|n: &u64| echo(*n, turns(*n))).concurrency(20);
    let mut found = answers(lookup, Config::default());
    assert_ne!(found, (0..500).collect::<Vec<_>>());
    found.sort();
    assert_eq!(found, (0..500).collect::<Vec<_>>());
}

#[test]
fn no_more_calls_are_open_than_allowed() {
    let open = Arc::new(AtomicU64::new(0));
    let most = Arc::new(AtomicU64::new(0));
    let (now, peak) = (open.clone(), most.clone());
    let ask = move |n: &u64| {
        let (n, now, peak) = (*n, now.clone(), peak.clone());
        async move {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let answer = echo(n, 3).await;
            now.fetch_sub(1, Ordering::SeqCst);
            answer
        }
    };
    answers(Lookup::unordered(ask).concurrency(7), Config::default());
    assert_eq!((most.load(Ordering::SeqCst), open.load(Ordering::SeqCst)), (7, 0));
}

#[test]
fn a_call_that_fails_is_made_again_and_then_goes_on_as_its_fallback() {
    let tries = Arc::new(Mutex::new(std::collections::BTreeMap::<u64, u64>::new()));
    let asked = tries.clone();
    let ask = move |n: &u64| {
        let n = *n;
        let count = asked.lock().unwrap().entry(n).and_modify(|count| *count += 1).or_insert(1).to_owned();
        async move { if n.is_multiple_of(100) && count <= n / 100 { Err("busy") } else { Ok(n) } }
    };
    let lookup = Lookup::ordered(ask).retries(2, millis(1)).fallback(|n, cause| {
        assert_eq!(cause, "busy");
        n + 1_000_000
    });
    let found = answers(lookup, Config::default());
    let expected = (0..500).map(|n| if n >= 300 && n % 100 == 0 { n + 1_000_000 } else { n });
    assert_eq!(found, expected.collect::<Vec<_>>());
    assert_eq!(tries.lock().unwrap()[&400], 3);
}

#[test]
fn a_call_that_takes_too_long_or_has_no_fallback_fails_the_operator_by_name() {
    let job = Job::new("stuck");
    let never = |_: &u64| std::future::pending::<Result<u64, String>>();
    let lookup = Lookup::ordered(never).timeout(millis(5)).retries(1, millis(1));
    job.source(MemorySource::new(0..3_u64)).lookup(lookup).uid("ask").sink(DiscardSink);
    let error = job.run(Config::default().restart(Restart::None)).unwrap_err().to_string();
    assert!(error.contains("`ask`") && error.contains("no answer in 2 attempts: no answer within 5ms"), "{error}");
}

#[test]
fn a_panic_in_a_call_is_the_operators() {
    let job = Job::new("panics");
    let ask = |n: &u64| {
        let n = *n;
        async move { if n == 2 { panic!("no such luck") } else { Ok::<_, String>(n) } }
    };
    job.source(MemorySource::new(0..3_u64)).lookup(Lookup::ordered(ask)).uid("ask").sink(DiscardSink);
    let error = job.run(Config::default().restart(Restart::None)).unwrap_err().to_string();
    assert!(error.contains("`ask`") && error.contains("no such luck"), "{error}");
}

#[test]
fn a_lookup_without_calls_is_refused() {
    let job = Job::new("none");
    let lookup = Lookup::ordered(|n: &u64| echo(*n, 0)).concurrency(0);
    job.source(MemorySource::new(0..3_u64)).lookup(lookup).sink(DiscardSink);
    let error = job.run(Config::default()).unwrap_err().to_string();
    assert!(error.contains("concurrency of a lookup is 0"), "{error}");
}

/// A watermark that overtook a record would make it late for the window behind.
#[test]
fn no_record_is_overtaken_by_a_watermark() {
    for ordered in [true, false] {
        let (job, sink) = (Job::new("watermarks"), CollectSink::new());
        let rows = sink.handle();
        let second = |n: u64| Timestamp::from_seconds(n as i64);
        let ask = |n: &u64| echo(*n, turns(*n));
        let lookup = if ordered { Lookup::ordered(ask) } else { Lookup::unordered(ask) };
        let numbers = (0..300).fold(Script::new(), |s, n| s.record(n, second(n)).watermark(second(n)));
        let windows = numbers.attach(&job).lookup(lookup).key_by(|_| ()).window(Tumbling::of(seconds(10))).count();
        windows.map(|window| window.value).sink(sink);
        let mut simulation = Simulation::start(&job, Config::default(), 9).unwrap();
        let status = simulation.checkpoints_one_in(20).crashes_one_in(100, 10).run().unwrap();
        assert_eq!(rows.rows(), vec![10; 30], "ordered: {ordered}");
        assert!(status.restarts > 3, "{}", status.restarts);
    }
}

#[test]
fn calls_that_are_open_at_a_crash_are_made_again_at_any_parallelism() {
    let expected = three_lives(4, || {
        let (job, sink) = (Job::new("lives"), CollectSink::new());
        let rows = sink.handle();
        let numbers = job.source(MemorySource::new(0..200_u64).splits(3));
        numbers.lookup(Lookup::unordered(|n: &u64| echo(*n, 1)).concurrency(3)).sink(sink);
        (job, rows)
    });
    assert_eq!(expected.unwrap(), (0..200).collect::<Vec<_>>());
}

#[test]
fn a_lookup_can_be_tested_by_hand() {
    let lookup = || Lookup::ordered(|n: &u64| echo(n * 2, 0));
    let mut harness = Harness::new(|numbers: Stream<u64>| numbers.lookup(lookup()));
    harness.push(1, Timestamp::EPOCH).crash_and_restore().push(2, Timestamp::EPOCH);
    assert_eq!(harness.drain(), [2, 4]);
}
