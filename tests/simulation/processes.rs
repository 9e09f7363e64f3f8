//! Process functions.

use super::graphs::Hit;
use millstream::prelude::*;

/// By event time tells of each hit 200 ms after it happened; by processing time tells the numbers of all hits that have come
/// since it did so last.
pub(super) struct Timed;

impl KeyedProcess for Timed {
    type Key = u8;
    type Input = Hit;
    type Output = (bool, u8, i64);
    type State = ListState<u8, u64>;

    fn open(&self, states: &mut States<'_, u8>) -> Result<Self::State, Failure> {
        states.list("waiting")
    }

    fn process(&self, waiting: &Self::State, hit: Hit, ctx: &mut Context<'_, u8, Self::Output>) -> Result<(), Failure> {
        waiting.push(ctx.keyed(), hit.1)?;
        ctx.set_event_timer(Timestamp::from_millis(hit.2 + 200))?;
        ctx.set_processing_timer(ctx.now() + millis(50))
    }

    fn on_timer(
        &self,
        waiting: &Self::State,
        timer: Timer,
        ctx: &mut Context<'_, u8, Self::Output>,
    ) -> Result<(), Failure> {
        let key = *ctx.key();
        if timer.domain == TimeDomain::Event {
            ctx.emit((true, key, timer.time.millis()));
            return Ok(());
        }
        waiting.take(ctx.keyed())?.into_iter().for_each(|n| ctx.emit((false, key, n as i64)));
        Ok(())
    }
}

/// Keeps the hits until the rule has come, and then adds what it says to each.
pub(super) struct Rules;

impl KeyedBroadcastProcess for Rules {
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
