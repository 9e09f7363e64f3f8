//! States of several types, in one function, live through crashes and other parallelisms.

use crate::at;
use millstream::connector::Collected;
use millstream::prelude::*;
use millstream::testing::{Harness, three_lives};
use std::collections::BTreeMap;

/// All that a key can keep.
struct Kept {
    sum: ReducingState<u64, u64>,
    largest: ValueState<u64, u64>,
    all: ListState<u64, u64>,
    by_digit: MapState<u64, u64, u64>,
}

/// Keeps each number in four ways, and tells them all in the end.
struct Keep;

type Row = (u64, u64, Vec<u64>, Vec<(u64, u64)>);

impl KeyedProcess for Keep {
    type Key = u64;
    type Input = u64;
    type Output = Row;
    type State = Kept;

    fn open(&self, states: &mut States<'_, u64>) -> Result<Kept, Failure> {
        Ok(Kept {
            sum: states.reducing("sum", |a, b| a + b)?,
            largest: states.value("largest")?,
            all: states.list("all")?,
            by_digit: states.map("by digit")?,
        })
    }

    fn process(&self, kept: &Kept, n: u64, ctx: &mut Context<'_, u64, Row>) -> Result<(), Failure> {
        kept.sum.add(ctx.keyed(), n)?;
        let largest = kept.largest.get(ctx.keyed())?.unwrap_or(0).max(n);
        kept.largest.put(ctx.keyed(), largest)?;
        kept.all.push(ctx.keyed(), n)?;
        kept.by_digit.update(ctx.keyed(), n % 10, || 0, |count| *count += 1)?;
        ctx.set_event_timer(at(1_000))
    }

    fn on_timer(&self, kept: &Kept, _: Timer, ctx: &mut Context<'_, u64, Row>) -> Result<(), Failure> {
        let mut all = kept.all.take(ctx.keyed())?;
        all.sort_unstable();
        let sum = kept.sum.remove(ctx.keyed())?.ok_or("the sum is lost")?;
        let largest = kept.largest.remove(ctx.keyed())?;
        assert_eq!(largest.as_ref(), all.last(), "one key's states belong together");
        let by_digit = kept.by_digit.entries(ctx.keyed())?;
        kept.by_digit.clear(ctx.keyed())?;
        ctx.emit((*ctx.key(), sum, all, by_digit));
        Ok(())
    }
}

fn expected(count: u64, keys: u64) -> Vec<Row> {
    let row = |key: u64| {
        let all: Vec<u64> = (0..count).filter(|n| n % keys == key).collect();
        let mut by_digit: BTreeMap<u64, u64> = BTreeMap::new();
        all.iter().for_each(|n| *by_digit.entry(n % 10).or_default() += 1);
        (key, all.iter().sum(), all, by_digit.into_iter().collect())
    };
    (0..keys).map(row).collect()
}

#[test]
fn states_of_several_types_give_one_answer_in_three_lives() {
    let build = || -> (Job, Collected<Row>) {
        let (job, sink) = (Job::new("kept"), CollectSink::new());
        let rows = sink.handle();
        let numbers = job.source(MemorySource::new(0..150_u64).splits(3));
        let numbers = numbers.event_time(|n| at(*n as i64), Watermarks::monotonic());
        numbers.key_by(|n| n % 7).process(Keep).sink(sink);
        (job, rows)
    };
    for seed in 0..4 {
        assert_eq!(three_lives(seed, build).unwrap(), expected(150, 7));
    }
}

#[test]
fn every_state_is_there_again_after_a_crash() {
    let mut harness = Harness::new(|numbers: Stream<u64>| numbers.key_by(|n| n % 2).process(Keep));
    for n in 0..20 {
        harness.push(n, at(0)).crash_and_restore();
    }
    harness.watermark(at(1_000));
    assert_eq!(harness.drain(), expected(20, 2));
    harness.crash_and_restore().push(4, at(1_001)).watermark(at(1_002));
    assert_eq!(harness.drain(), [(0, 4, vec![4], vec![(4, 1)])], "all was taken before");
}

#[test]
fn the_short_form_keeps_a_value_per_key_in_three_lives() {
    let build = || -> (Job, Collected<(u64, u64)>) {
        let (job, sink) = (Job::new("short"), CollectSink::new());
        let rows = sink.handle();
        let numbers = job.source(MemorySource::new(0..200_u64).splits(3)).key_by(|n| n % 9);
        let counted = numbers.map_with_state(
            || 0,
            |count: &mut u64, key, _| {
                *count += 1;
                (*key, *count)
            },
        );
        let counted = counted.key_by(|(key, _)| key % 2);
        // Two of each third, none of the others.
        let thirds = counted.flat_map_with_state(
            || 0,
            |seen: &mut u64, key, _| {
                *seen += 1;
                if seen.is_multiple_of(3) { vec![(*key, *seen); 2] } else { Vec::new() }
            },
        );
        thirds.sink(sink);
        (job, rows)
    };
    // Keys 0, 2, 4, 6 and 8 bring 23 + 22 + 22 + 22 + 22 records, the others the rest of 200.
    let even = (0..200_u64).filter(|n| n % 9 % 2 == 0).count() as u64;
    let of = |key: u64, count: u64| (1..=count / 3).flat_map(move |third| [(key, third * 3); 2]);
    let expected: Vec<_> = of(0, even).chain(of(1, 200 - even)).collect();
    for seed in 0..3 {
        assert_eq!(three_lives(seed, build).unwrap(), expected);
    }
}

/// Asks for a state under a name that is taken.
struct Twice;

impl KeyedProcess for Twice {
    type Key = u64;
    type Input = u64;
    type Output = u64;
    type State = [ValueState<u64, u64>; 2];

    fn open(&self, states: &mut States<'_, u64>) -> Result<Self::State, Failure> {
        Ok([states.value("sum")?, states.value("sum")?])
    }

    fn process(&self, _: &Self::State, _: u64, _: &mut Context<'_, u64, u64>) -> Result<(), Failure> {
        Ok(())
    }
}

#[test]
fn two_states_of_one_name_are_refused_with_the_operator() {
    let job = Job::new("twice");
    job.source(MemorySource::new(0..3_u64)).key_by(|n| *n).process(Twice).uid("twice").sink(DiscardSink);
    let told = job.run(Config::default()).unwrap_err().to_string();
    assert!(told.contains("operator `twice` has two states named `sum`"), "{told}");
}

/// Lets a word pass that has not been seen for a minute, by either clock, and tells by which it is new.
struct New;

impl KeyedProcess for New {
    type Key = String;
    type Input = &'static str;
    type Output = (&'static str, TimeDomain);
    type State = [(TimeDomain, ValueState<String, ()>); 2];

    fn open(&self, states: &mut States<'_, String>) -> Result<Self::State, Failure> {
        let ttl = Ttl::after(minutes(1));
        let event = states.value_with_ttl("seen by event time", ttl, TimeDomain::Event)?;
        let processing = states.value_with_ttl("seen", ttl, TimeDomain::Processing)?;
        Ok([(TimeDomain::Event, event), (TimeDomain::Processing, processing)])
    }

    fn process(
        &self,
        seen: &Self::State,
        word: &'static str,
        ctx: &mut Context<'_, String, Self::Output>,
    ) -> Result<(), Failure> {
        for (clock, seen) in seen {
            if seen.get(ctx.keyed())?.is_none() {
                seen.put(ctx.keyed(), ())?;
                ctx.emit((word, *clock));
            }
        }
        Ok(())
    }
}

#[test]
fn state_with_a_time_to_live_goes_by_the_clock_that_was_chosen() {
    let mut harness = Harness::new(|words: Stream<&'static str>| words.key_by(|word| word.to_string()).process(New));
    let both = [("mill", TimeDomain::Event), ("mill", TimeDomain::Processing)];
    harness.watermark(at(100)).push("mill", at(101)).push("mill", at(102));
    assert_eq!(harness.drain(), both);
    harness.advance(seconds(59)).watermark(at(159)).crash_and_restore().push("mill", at(160));
    assert!(harness.drain().is_empty());
    harness.advance(seconds(1)).crash_and_restore().push("mill", at(161));
    assert_eq!(harness.drain(), [("mill", TimeDomain::Processing)]);
    harness.watermark(at(160)).crash_and_restore().push("mill", at(161));
    assert_eq!(harness.drain(), [("mill", TimeDomain::Event)]);
}
