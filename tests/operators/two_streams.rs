//! Functions of two streams.

use super::{Hit, hits, lives, script, stream};
use millstream::prelude::*;

/// The hits with even numbers, and those with odd ones.
pub(super) fn both(job: &Job) -> (Stream<Hit>, Stream<Hit>) {
    let (even, odd): (Vec<_>, Vec<_>) = hits().into_iter().partition(|hit| hit.1 % 2 == 0);
    (script(&even).attach(job), script(&odd).attach(job))
}

/// Pairs the n-th hit of either stream with the n-th of the other, by key.
struct Zip;

impl CoProcess for Zip {
    type Key = u8;
    type Left = Hit;
    type Right = Hit;
    type Output = (u64, u64);
    type State = (ListState<u8, u64>, ListState<u8, u64>);

    fn open(&self, states: &mut States<'_, u8>) -> Result<Self::State, Failure> {
        Ok((states.list("left")?, states.list("right")?))
    }

    fn process_left(
        &self,
        (left, right): &Self::State,
        hit: Hit,
        ctx: &mut Context<'_, u8, (u64, u64)>,
    ) -> Result<(), Failure> {
        let mut waiting = right.take(ctx.keyed())?.into_iter();
        match waiting.next() {
            Some(other) => ctx.emit((hit.1, other)),
            None => left.push(ctx.keyed(), hit.1)?,
        }
        waiting.try_for_each(|other| right.push(ctx.keyed(), other))?;
        Ok(())
    }

    fn process_right(
        &self,
        (left, right): &Self::State,
        hit: Hit,
        ctx: &mut Context<'_, u8, (u64, u64)>,
    ) -> Result<(), Failure> {
        let mut waiting = left.take(ctx.keyed())?.into_iter();
        match waiting.next() {
            Some(other) => ctx.emit((other, hit.1)),
            None => right.push(ctx.keyed(), hit.1)?,
        }
        waiting.try_for_each(|other| left.push(ctx.keyed(), other))?;
        Ok(())
    }
}

#[test]
fn co_process() {
    let build = |job: &Job| {
        let (left, right) = both(job);
        left.key_by(|hit| hit.0).connect(&right.key_by(|hit| hit.0)).process(Zip)
    };
    let mut expected = Vec::new();
    for key in 0..3 {
        let of = |odd: u64| hits().into_iter().filter(move |hit| hit.0 == key && hit.1 % 2 == odd).map(|hit| hit.1);
        expected.extend(of(0).zip(of(1)));
    }
    lives(build, expected);
}

/// Keeps the hits until the rule has come, and then adds what it says to each.
struct Add;

impl KeyedBroadcastProcess for Add {
    type Key = u8;
    type Input = Hit;
    type Broadcast = u64;
    type Output = u64;
    type State = ListState<u8, u64>;
    type RuleKey = ();
    type Rule = u64;

    fn open(&self, states: &mut States<'_, u8>) -> Result<Self::State, Failure> {
        states.list("waiting")
    }

    fn process(
        &self,
        waiting: &Self::State,
        rules: &BroadcastState<(), u64>,
        hit: Hit,
        ctx: &mut Context<'_, u8, u64>,
    ) -> Result<(), Failure> {
        waiting.push(ctx.keyed(), hit.1)?;
        if let Some(add) = rules.get(&()) {
            waiting.take(ctx.keyed())?.into_iter().for_each(|n| ctx.emit(n + add));
        }
        ctx.set_event_timer(Timestamp::from_millis(1_000_000))
    }

    fn on_timer(
        &self,
        waiting: &Self::State,
        rules: &BroadcastState<(), u64>,
        _: Timer,
        ctx: &mut Context<'_, u8, u64>,
    ) -> Result<(), Failure> {
        let add = rules.get(&()).copied().unwrap_or(0);
        waiting.take(ctx.keyed())?.into_iter().for_each(|n| ctx.emit(n + add));
        Ok(())
    }

    fn process_broadcast(
        &self,
        rules: &mut BroadcastState<(), u64>,
        rule: u64,
        _: &mut UnkeyedContext<'_, u64>,
    ) -> Result<(), Failure> {
        rules.insert((), rule).map(drop)
    }
}

#[test]
fn broadcast_process() {
    let build = |job: &Job| {
        let rules = job.source(MemorySource::new([1_000_u64]));
        stream(job).key_by(|hit| hit.0).connect_broadcast(&rules).process(Add)
    };
    lives(build, (0..super::COUNT).map(|n| n + 1_000));
}

/// Passes the hits, and tells after each rule what all rules have come to.
struct Sums;

impl BroadcastProcess for Sums {
    type Input = Hit;
    type Broadcast = u64;
    type Output = (bool, u64);
    type RuleKey = u64;
    type Rule = u64;

    fn process(
        &self,
        _: &BroadcastState<u64, u64>,
        hit: Hit,
        ctx: &mut UnkeyedContext<'_, (bool, u64)>,
    ) -> Result<(), Failure> {
        ctx.emit((false, hit.1));
        Ok(())
    }

    fn process_broadcast(
        &self,
        rules: &mut BroadcastState<u64, u64>,
        rule: u64,
        ctx: &mut UnkeyedContext<'_, (bool, u64)>,
    ) -> Result<(), Failure> {
        let before = rules.get(&(rule % 2)).copied().unwrap_or(0);
        rules.insert(rule % 2, before + rule)?;
        ctx.emit((true, before + rule));
        Ok(())
    }
}

#[test]
fn broadcast_process_without_keys() {
    let build = |job: &Job| {
        let rules = job.source(MemorySource::new(0..40_u64)).parallelism(1);
        stream(job).connect_broadcast(&rules).process(Sums).parallelism(2)
    };
    let sums = (0..40_u64).map(|rule| (rule % 2..=rule).step_by(2).sum()).flat_map(|sum| [(true, sum); 2]);
    lives(build, (0..super::COUNT).map(|n| (false, n)).chain(sums));
}
