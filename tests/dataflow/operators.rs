//! Each operator does what its page says, at every parallelism.

use crate::support::{TapSink, collected, run, sorted};
use millstream::prelude::*;

fn numbers(job: &Job, count: u64) -> Stream<u64> {
    job.source(MemorySource::new(0..count).splits(3))
}

/// Runs a dataflow at parallelism 1, 2 and 4; the rows are the same each time.
fn always<T: Data + Ord + std::fmt::Debug>(build: impl Fn(&Stream<u64>) -> Stream<T>, expected: &[T]) {
    for parallelism in [1, 2, 4] {
        let job = Job::new("operators");
        let rows = collected(&build(&numbers(&job, 10)));
        run(&job, Config::default().parallelism(parallelism).batch_size(2));
        assert_eq!(sorted(rows.rows()), expected, "at parallelism {parallelism}");
    }
}

#[test]
fn map_makes_one_of_one() {
    always(|numbers| numbers.map(|n| n * 10), &[0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
}

#[test]
fn filter_keeps_what_holds() {
    always(|numbers| numbers.filter(|n| n % 3 == 0), &[0, 3, 6, 9]);
}

#[test]
fn flat_map_makes_none_or_many_of_one() {
    always(|numbers| numbers.filter(|n| *n < 4).flat_map(|n| vec![n; n as usize]), &[1, 2, 2, 3, 3, 3]);
}

#[test]
fn split_divides_and_union_puts_together() {
    always(
        |numbers| {
            let (even, odd) = numbers.split(|n| n % 2 == 0);
            even.map(|n| n + 100).union(&odd)
        },
        &[1, 3, 5, 7, 9, 100, 102, 104, 106, 108],
    );
}

#[test]
fn a_stream_united_with_itself_brings_each_record_twice() {
    always(|numbers| numbers.filter(|n| *n < 3).union(&numbers.filter(|n| *n < 3)), &[0, 0, 1, 1, 2, 2]);
    always(
        |numbers| {
            let few = numbers.filter(|n| *n < 3);
            few.union(&few).map(|n| n)
        },
        &[0, 0, 1, 1, 2, 2],
    );
}

#[test]
fn a_union_of_three_is_a_union_of_two_unions() {
    always(
        |numbers| {
            let few = numbers.filter(|n| *n < 2);
            few.union(&few.map(|n| n + 10)).union(&few.map(|n| n + 20))
        },
        &[0, 1, 10, 11, 20, 21],
    );
}

#[test]
fn rebalance_brings_each_record_once() {
    always(|numbers| numbers.rebalance().map(|n| n), &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn rebalance_gives_every_subtask_its_share() {
    let job = Job::new("rebalance");
    let (sink, seen) = TapSink::new();
    job.source(MemorySource::new(0..800_u64)).rebalance().map(|n| n).sink(sink);
    run(&job, Config::default().parallelism(4).batch_size(10));
    for subtask in 0..4 {
        let share = seen.lock().unwrap().iter().filter(|(at, ..)| *at == subtask).count();
        assert!(share >= 100, "subtask {subtask} had {share} of 800");
    }
}

#[test]
fn broadcast_brings_each_record_to_every_subtask() {
    let job = Job::new("broadcast");
    let (sink, seen) = TapSink::new();
    numbers(&job, 10).broadcast().map(|n| n).sink(sink);
    run(&job, Config::default().parallelism(3));
    let seen = sorted(seen.lock().unwrap().iter().map(|(subtask, n, _)| (*subtask, *n)));
    let expected: Vec<_> = (0..3).flat_map(|subtask| (0..10).map(move |n| (subtask, n))).collect();
    assert_eq!(seen, expected);
}

#[test]
fn each_input_of_a_union_keeps_its_own_exchange() {
    let job = Job::new("exchanges");
    let one = job.source(MemorySource::new([1_u64]));
    let all = job.source(MemorySource::new([2_u64]));
    let rows = collected(&one.union(&all.broadcast()).map(|n| n));
    run(&job, Config::default().parallelism(3));
    assert_eq!(sorted(rows.rows()), [1, 2, 2, 2]);
}

#[test]
fn try_map_sends_what_it_refuses_its_own_way() {
    let job = Job::new("parsing");
    let (made, refused) =
        job.source(MemorySource::new(["1", "two", "3"])).try_map(|text| text.parse::<u64>().map_err(|_| text));
    let (made, refused) = (collected(&made), collected(&refused));
    run(&job, Config::default());
    assert_eq!((made.rows(), refused.rows()), (vec![1, 3], vec!["two"]));
}

#[test]
fn inspect_sees_every_record_and_changes_none() {
    let job = Job::new("looking");
    let (sink, seen) = TapSink::new();
    let rows = seen.clone();
    let inspected = numbers(&job, 10).inspect(move |n| rows.lock().unwrap().push((9, *n, Timestamp::MIN)));
    inspected.sink(sink);
    run(&job, Config::default());
    let by = |at: usize| sorted(seen.lock().unwrap().iter().filter(|row| row.0 == at).map(|row| row.1));
    let expected: Vec<u64> = (0..10).collect();
    assert_eq!((by(9), by(0)), (expected.clone(), expected));
}

#[test]
fn a_stream_used_twice_brings_all_to_both() {
    let job = Job::new("twice");
    let numbers = numbers(&job, 5);
    let (left, right, raw) =
        (collected(&numbers.map(|n| n + 1)), collected(&numbers.map(|n| n + 2)), collected(&numbers));
    run(&job, Config::default().parallelism(2));
    assert_eq!(sorted(left.rows()), [1, 2, 3, 4, 5]);
    assert_eq!(sorted(right.rows()), [2, 3, 4, 5, 6]);
    assert_eq!(sorted(raw.rows()), [0, 1, 2, 3, 4]);
}

#[test]
fn event_times_are_kept_by_every_stateless_operator_and_every_exchange() {
    let at = |n: u64| Timestamp::from_seconds(n as i64);
    for parallelism in [1, 3] {
        let job = Job::new("times");
        let (sink, seen) = TapSink::new();
        let (even, odd) = job
            .source(MemorySource::new(0..20_u64).with_time(move |n| at(*n)))
            .map(|n| n * 10)
            .filter(|_| true)
            .rebalance()
            .flat_map(|n| [n, n + 1])
            .inspect(|_| {})
            .split(|n| n % 2 == 0);
        let (made, refused) = even.isolated().union(&odd).try_map(|n| if n < 100 { Ok(n) } else { Err(n) });
        made.union(&refused).sink(sink);
        run(&job, Config::default().parallelism(parallelism).batch_size(3));
        let seen = sorted(seen.lock().unwrap().iter().map(|(_, n, time)| (*n, *time)));
        let expected: Vec<_> = (0..20).flat_map(|n| [(n * 10, at(n)), (n * 10 + 1, at(n))]).collect();
        assert_eq!(seen, expected, "at parallelism {parallelism}");
    }
}

#[test]
fn an_operator_may_have_a_parallelism_of_its_own() {
    for job_wide in [1, 2, 3] {
        let job = Job::new("parallelism");
        let rows = collected(
            &numbers(&job, 100)
                .parallelism(2)
                .map(|n| n)
                .uid("mapped")
                .parallelism(5)
                .key_by(|n| n % 7)
                .count()
                .uid("counted")
                .parallelism(3),
        );
        let status = run(&job, Config::default().parallelism(job_wide));
        let of = |uid: &str| status.operator(uid).unwrap().parallelism;
        assert_eq!((of("source"), of("mapped"), of("counted")), (2, 5, 3));
        assert_eq!(rows.rows().iter().filter(|(_, count)| *count == 14).count(), 7);
        assert_eq!(rows.rows().len(), 100);
    }
}

#[test]
fn an_isolated_operator_has_a_chain_of_its_own() {
    let job = Job::new("isolated");
    let rows = collected(&numbers(&job, 10).map(|n| n + 1).uid("alone").isolated().map(|n| n * 2));
    let plan = job.explain(&Config::default()).unwrap();
    assert!(plan.contains("\n1 x1: alone [map]\n"), "{plan}");
    run(&job, Config::default());
    assert_eq!(sorted(rows.rows()), (1..=10).map(|n| n * 2).collect::<Vec<_>>());
}

#[test]
fn explain_shows_chains_exchanges_and_guarantees() {
    let job = Job::new("explained");
    let counts = numbers(&job, 10).uid("numbers").key_by(|n| n % 2).count().uid("counts").name("per parity");
    collected(&counts);
    let plan = job.explain(&Config::default().parallelism(2)).unwrap();
    assert_eq!(
        plan,
        "0 x2: numbers [memory (10 records)] -> key_by\n    hash to 1\n\
         1 x2: per parity [aggregate] -> counts/sink [memory, exactly once]\n"
    );
}

/// A part of a dataflow that a program keeps.
struct Orders {
    all: Stream<u64>,
    by_parity: KeyedStream<bool, u64>,
}

fn orders(job: &Job) -> Orders {
    let all = numbers(job, 10);
    let by_parity = all.key_by(|n| n % 2 == 0);
    Orders { all, by_parity }
}

fn per_parity(orders: &KeyedStream<bool, u64>) -> Stream<(bool, u64)> {
    orders.count()
}

#[test]
fn streams_can_be_kept_in_structs_and_passed_to_functions() {
    let job = Job::new("typed");
    let orders = orders(&job);
    let (counts, sums) = (collected(&per_parity(&orders.by_parity)), collected(&orders.by_parity.reduce(|a, b| a + b)));
    let all = collected(&orders.all);
    run(&job, Config::default());
    assert_eq!(counts.rows().iter().max(), Some(&(true, 5)));
    assert_eq!(sums.rows().iter().max(), Some(&25));
    assert_eq!(all.rows().len(), 10);
}

#[test]
fn several_sources_and_sinks_are_one_job() {
    let job = Job::new("several");
    let pairs: Vec<_> = (0..4_u64).map(|n| collected(&job.source(MemorySource::new([n])))).collect();
    let status = run(&job, Config::default().parallelism(2));
    assert_eq!(pairs.iter().flat_map(|rows| rows.rows()).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!((status.state, status.operators.len()), (JobState::Finished, 8));
}
