//! Which records go on, where, and how fast: union of many, partition, dedup, throttle, sample, index, tap.

use crate::support::{TapSink, collected, run, sorted};
use millstream::prelude::*;
use millstream::testing::{Harness, Script, Simulation, three_lives};
use millstream::time::{Clock, SystemClock};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

fn t(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[test]
fn a_union_of_many_has_the_records_of_all() {
    let job = Job::new("many");
    let parts: Vec<Stream<u64>> = (0..5).map(|n| job.source(MemorySource::new(n * 10..n * 10 + 10))).collect();
    let all = collected(&parts[0].union_all(&parts[1..]));
    let alone = collected(&parts[4].union_all([]));
    run(&job, Config::default().parallelism(2));
    assert_eq!(sorted(all.rows()), (0..50).collect::<Vec<_>>());
    assert_eq!(sorted(alone.rows()), (40..50).collect::<Vec<_>>());
}

#[test]
fn a_union_with_another_jobs_stream_is_refused() {
    let (one, other) = (Job::new("one"), Job::new("other"));
    let foreign = other.source(MemorySource::new(0..3_u64));
    collected(&one.source(MemorySource::new(0..3_u64)).uid("numbers").union_all([&foreign]));
    let error = one.explain(&Config::default()).unwrap_err().to_string();
    assert!(error.contains("`numbers` joins streams of two jobs"), "{error}");
}

#[test]
fn each_record_goes_to_the_subtask_that_was_chosen_in_the_order_of_its_sender() {
    for batch_size in [1, 7, 1024] {
        let job = Job::new("chosen");
        let (sink, seen) = TapSink::new();
        let numbers = job.source(MemorySource::new(0..3_000_u64));
        numbers.partition_custom(|n, subtasks| (*n as usize / 10) % subtasks).sink(sink).parallelism(3);
        run(&job, Config::default().parallelism(2).batch_size(batch_size));
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 3_000);
        for subtask in 0..3 {
            let here: Vec<u64> = seen.iter().filter(|row| row.0 == subtask).map(|row| row.1).collect();
            let expected: Vec<u64> = (0..3_000).filter(|n| n / 10 % 3 == subtask as u64).collect();
            assert_eq!(here, expected, "subtask {subtask}, batches of {batch_size}");
        }
    }
}

#[test]
fn a_subtask_that_does_not_exist_fails_the_operator_that_chose_it() {
    let job = Job::new("beyond");
    let numbers = job.source(MemorySource::new(0..10_u64));
    collected(&numbers.partition_custom(|n, _| *n as usize).uid("by-number"));
    let error = job.start(Config::default().parallelism(3)).unwrap().wait().unwrap_err().to_string();
    assert!(
        error.contains("`by-number`") && error.contains("chose subtask 3, but the operator behind has 3"),
        "{error}"
    );
}

#[test]
fn one_choice_among_different_numbers_of_subtasks_is_refused() {
    let job = Job::new("unequal");
    let chosen = job.source(MemorySource::new(0..10_u64)).partition_custom(|_, _| 0).uid("chooser");
    for parallelism in [2, 3] {
        chosen.sink(CollectSink::new()).parallelism(parallelism);
    }
    let error = job.explain(&Config::default()).unwrap_err().to_string();
    assert!(error.contains("`chooser` chooses among 2 and among 3 subtasks"), "{error}");
}

type Click = (u8, u64);

fn once(within: u64) -> Harness<Click, Click> {
    Harness::new(move |clicks: Stream<Click>| clicks.key_by(|click| click.0).dedup(millis(within)))
}

#[test]
fn a_record_passes_if_none_near_it_has_passed_before() {
    let mut once = once(10);
    for (number, time) in [100, 109, 110, 119, 95, 90, 81, 80, 120].into_iter().enumerate() {
        once.push((1, number as u64), t(time));
    }
    let times: Vec<i64> = once.drain_timed().iter().map(|(_, time)| time.millis()).collect();
    assert_eq!(times, [100, 110, 90, 80, 120]);
}

#[test]
fn what_has_passed_is_remembered_in_a_crash_and_until_nothing_near_it_can_come() {
    let mut once = once(10);
    once.push((1, 0), t(100)).push((1, 1), t(90)).crash_and_restore();
    once.push((1, 2), t(109)).push((1, 3), t(81)).watermark(t(108)).crash_and_restore();
    once.push((1, 4), t(109));
    assert_eq!(once.drain(), [(1, 0), (1, 1)]);
    once.watermark(t(109));
    // It comes too late, and what is near it is forgotten: rather twice than never.
    once.push((1, 5), t(99)).push((1, 6), t(110));
    assert_eq!(once.drain(), [(1, 5), (1, 6)]);
}

#[test]
fn by_processing_time_the_span_begins_when_the_first_arrives() {
    let mut once =
        Harness::new(|clicks: Stream<u8>| clicks.key_by(|click| *click).dedup_by_processing_time(seconds(10)));
    once.push(1, Timestamp::MIN).advance(millis(9_999)).push(1, Timestamp::MIN).crash_and_restore();
    assert_eq!(once.drain(), [1]);
    once.push(1, Timestamp::MIN).advance(millis(1)).push(1, Timestamp::MIN).push(2, Timestamp::MIN);
    assert_eq!(once.drain(), [1, 2]);
}

#[test]
fn a_dedup_without_event_time_or_span_says_so() {
    let error = once(10).try_push((1, 1), Timestamp::MIN).unwrap_err().to_string();
    assert!(error.contains("a record has no event time; give the stream event time"), "{error}");
    let job = Job::new("no-span");
    collected(&job.source(MemorySource::new(0..9_u64)).key_by(|n| *n).dedup(millis(0)).uid("once"));
    let error = job.explain(&Config::default()).unwrap_err().to_string();
    assert!(error.contains("`once`: the span of a dedup is 0ns; it must be at least 1 ms"), "{error}");
}

#[test]
fn dedup_and_index_have_one_answer_in_three_lives() {
    let build = || {
        let (job, sink) = (Job::new("shaped"), CollectSink::new());
        let rows = sink.handle();
        let numbers = job.source(MemorySource::new(0..400_u64)).parallelism(1);
        let timed = numbers.event_time(|n| t(*n as i64), Watermarks::monotonic()).parallelism(1);
        let once = timed.key_by(|n| n % 7).dedup(millis(30)).uid("once");
        once.key_by(|n| n % 7).zip_with_index().sink(sink);
        (job, rows)
    };
    let mut last: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    let mut expected = Vec::new();
    for n in 0..400_u64 {
        let index = match last.get(&(n % 7)) {
            Some((passed, _)) if n - passed < 30 => continue,
            Some((_, index)) => index + 1,
            None => 0,
        };
        last.insert(n % 7, (n, index));
        expected.push((index, n));
    }
    for seed in 0..3 {
        assert_eq!(three_lives(seed, build).unwrap(), sorted(expected.clone()));
    }
}

#[test]
fn a_throttle_delays_and_drops_nothing() {
    for (rate, parallelism, count, least) in [(10, 1, 100_u64, 9_800), (1_000, 1, 3_000, 2_900), (40, 2, 100, 4_900)] {
        let (job, sink) = (Job::new("slow"), CollectSink::new());
        let rows = sink.handle();
        job.source(MemorySource::new(0..count)).throttle(rate).sink(sink);
        let mut simulation = Simulation::start(&job, Config::default().parallelism(parallelism), 3).unwrap();
        simulation.run().unwrap();
        assert_eq!(rows.rows(), (0..count).collect::<Vec<_>>());
        let took = simulation.now().millis();
        assert!((least..least + 300).contains(&took), "{count} at {rate}/s, {parallelism} subtasks: {took} ms");
    }
}

#[test]
fn checkpoints_complete_while_a_throttle_holds_records_back() {
    let (job, sink) = (Job::new("slow"), CollectSink::new());
    let rows = sink.handle();
    let script = (0..200).fold(Script::new(), |script, n| script.record(n, Timestamp::MIN));
    script.attach(&job).throttle(20).key_by(|n| n % 3).count().sink(sink);
    let config = Config::default().parallelism(2).checkpoint_interval(millis(500));
    let mut simulation = Simulation::start(&job, config, 5).unwrap();
    simulation.crashes_one_in(300, 3);
    let status = simulation.run().unwrap();
    assert!(status.checkpoints >= 10, "{status:#?}");
    let counts = [(0, 67), (1, 67), (2, 66)];
    let expected = counts.into_iter().flat_map(|(key, count)| (1..=count).map(move |n| (key, n)));
    assert_eq!(sorted(rows.rows()), sorted(expected));
}

#[test]
fn a_throttled_job_of_actors_takes_its_time() {
    let (job, sink) = (Job::new("slow"), CollectSink::new());
    let rows = sink.handle();
    job.source(MemorySource::new(0..60_u64)).throttle(100).sink(sink);
    let clock = SystemClock::new();
    run(&job, Config::default().parallelism(1).checkpoint_interval(millis(20)));
    let took = clock.elapsed();
    assert_eq!(sorted(rows.rows()), (0..60).collect::<Vec<_>>());
    assert!(took >= millis(550), "60 records at 100/s took {took:?}");
}

#[test]
fn a_rate_of_nothing_and_a_fraction_beyond_one_are_refused() {
    let job = Job::new("wrong");
    collected(&job.source(MemorySource::new(0..9_u64)).throttle(0).uid("slow"));
    let error = job.explain(&Config::default()).unwrap_err().to_string();
    assert!(error.contains("`slow`: the rate of a throttle is 0"), "{error}");
    let job = Job::new("wrong");
    collected(&job.source(MemorySource::new(0..9_u64)).sample(1.5, |n| *n).uid("some"));
    let error = job.explain(&Config::default()).unwrap_err().to_string();
    assert!(error.contains("`some`: the fraction of a sample is 1.5"), "{error}");
}

#[test]
fn a_sample_is_the_same_in_every_run_and_at_every_parallelism() {
    let sample = |parallelism| {
        let job = Job::new("sample");
        let kept = collected(&job.source(MemorySource::new(0..2_000_u64).splits(3)).sample(0.25, |n| n / 10));
        run(&job, Config::default().parallelism(parallelism));
        sorted(kept.rows())
    };
    let kept = sample(1);
    assert_eq!(kept, sample(4));
    assert!(kept.len().is_multiple_of(10) && (300..700).contains(&kept.len()), "{} are kept", kept.len());
}

/// What a subscriber has written.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_tap_shows_operator_event_time_and_record() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        let mut tapped = Harness::new(|words: Stream<&'static str>| words.tap("in").uid("look"));
        tapped.push("ada", t(1_500)).push("bob", Timestamp::MIN);
        assert_eq!(tapped.drain(), ["ada", "bob"]);
    });
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let shown: Vec<&str> = text.lines().filter(|line| line.contains("millstream::tap")).collect();
    assert_eq!(shown.len(), 2, "{text}");
    assert!(
        shown[0].contains(r#"operator="look" subtask=0 label="in" time=1970-01-01T00:00:01.500Z record="ada""#),
        "{text}"
    );
    assert!(shown[1].contains(r#"label="in" record="bob""#), "{text}");
}

#[test]
fn a_scripted_stream_is_shaped_like_any_other() {
    let (job, sink) = (Job::new("scripted"), CollectSink::new());
    let rows = sink.handle();
    let script =
        Script::new().record(1_u64, t(1)).fail("the line is cut").record(1, t(5)).record(1, t(12)).watermark(t(50));
    script.attach(&job).key_by(|n| *n).dedup(millis(10)).throttle(1_000).sink(sink);
    let status = Simulation::start(&job, Config::default(), 1).unwrap().run().unwrap();
    assert_eq!((rows.rows(), status.restarts), (vec![1, 1], 1));
}
