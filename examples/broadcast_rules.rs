//! Rules that change while data flows: warns of sensors above their limit, and the limits are a stream too.
//!
//! ```text
//! cargo run --example broadcast_rules
//! ```

use millstream::prelude::*;

/// A sensor's kind, and what it measured at a second.
type Reading = (&'static str, i64, i64);

/// The limit of a kind of sensor, from a second on.
type Limit = (&'static str, i64, i64);

const READINGS: [Reading; 6] =
    [("boiler", 1, 70), ("river", 2, 40), ("boiler", 3, 95), ("boiler", 12, 85), ("river", 13, 62), ("boiler", 14, 79)];
const LIMITS: [Limit; 3] = [("boiler", 0, 90), ("river", 0, 60), ("boiler", 10, 80)];

/// Compares each reading with the limit that held at its second.
///
/// Data and rules race: a reading may be here before the limit that it is to be judged by. So it waits until event time has
/// passed it on both streams.
struct Warn;

impl KeyedBroadcastProcess for Warn {
    type Key = String;
    type Input = Reading;
    type Broadcast = Limit;
    type Output = (String, i64, i64);
    /// A limit is found by the kind of sensor and the second from which it holds.
    type RuleKey = (String, i64);
    type Rule = i64;
    /// What a kind of sensor measured, by the second.
    type State = MapState<String, i64, i64>;

    fn open(&self, states: &mut States<'_, String>) -> Result<Self::State, Failure> {
        states.map("waiting")
    }

    fn process(
        &self,
        waiting: &Self::State,
        _: &BroadcastState<(String, i64), i64>,
        (_, second, value): Reading,
        ctx: &mut Context<'_, String, Self::Output>,
    ) -> Result<(), Failure> {
        waiting.put(ctx.keyed(), second, value)?;
        ctx.set_event_timer(Timestamp::from_seconds(second))
    }

    fn process_broadcast(
        &self,
        limits: &mut BroadcastState<(String, i64), i64>,
        (kind, from, limit): Limit,
        _: &mut UnkeyedContext<'_, Self::Output>,
    ) -> Result<(), Failure> {
        limits.insert((kind.to_owned(), from), limit)?;
        Ok(())
    }

    fn on_timer(
        &self,
        waiting: &Self::State,
        limits: &BroadcastState<(String, i64), i64>,
        timer: Timer,
        ctx: &mut Context<'_, String, Self::Output>,
    ) -> Result<(), Failure> {
        let second = timer.time.millis() / 1_000;
        let holds = |kind: &String, from: i64| kind == ctx.key() && from <= second;
        let limit = limits.iter().rev().find(|((kind, from), _)| holds(kind, *from)).map(|(_, limit)| *limit);
        if let Some(value) = waiting.remove(ctx.keyed(), &second)?.filter(|value| limit.is_some_and(|l| *value > l)) {
            ctx.emit((ctx.key().clone(), second, value));
        }
        Ok(())
    }
}

/// The readings above the limit: kind, second, value.
pub fn run() -> millstream::Result<Vec<(String, i64, i64)>> {
    let job = Job::new("warnings");
    let sink = CollectSink::new();
    let warnings = sink.handle();
    let limits = job
        .source(MemorySource::new(LIMITS))
        .event_time(|limit| Timestamp::from_seconds(limit.1), Watermarks::monotonic());
    job.source(MemorySource::new(READINGS))
        .event_time(|reading| Timestamp::from_seconds(reading.1), Watermarks::monotonic())
        .key_by(|reading| reading.0.to_owned())
        .connect_broadcast(&limits)
        .process(Warn)
        .sink(sink);
    job.run(Config::default())?;
    Ok(warnings.rows())
}

fn main() -> millstream::Result<()> {
    for (kind, second, value) in run()? {
        println!("second {second}: {kind} at {value}");
    }
    Ok(())
}
