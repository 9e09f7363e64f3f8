//! An operator of one's own: tells of users who have been idle for ten minutes.
//!
//! ```text
//! cargo run --example custom_operator
//! ```

use millstream::prelude::*;

/// Who clicked, in minutes after midnight.
const CLICKS: [(&str, u64); 7] =
    [("ada", 0), ("bob", 2), ("ada", 6), ("bob", 9), ("ada", 13), ("bob", 30), ("ada", 31)];

/// A user, and the minute of their last click.
type Idle = (String, i64);

struct IdleUsers;

impl KeyedProcess for IdleUsers {
    type Key = String;
    type Input = (&'static str, u64);
    type Output = Idle;
    /// When a user was last seen.
    type State = ValueState<String, Timestamp>;

    fn open(&self, states: &mut States<'_, String>) -> Result<Self::State, Failure> {
        states.value("last seen")
    }

    fn process(
        &self,
        last: &Self::State,
        _click: (&'static str, u64),
        ctx: &mut Context<'_, String, Idle>,
    ) -> Result<(), Failure> {
        // Many clicks may come before a watermark, so this one may be here before the timer of the one before.
        if let Some(seen) = last.get(ctx.keyed())?.filter(|seen| ctx.time() >= *seen + minutes(10)) {
            ctx.emit((ctx.key().clone(), minute(seen)));
        }
        last.put(ctx.keyed(), ctx.time())?;
        ctx.set_event_timer(ctx.time() + minutes(10))
    }

    fn on_timer(&self, last: &Self::State, timer: Timer, ctx: &mut Context<'_, String, Idle>) -> Result<(), Failure> {
        // If the user has clicked since, there is another timer.
        if let Some(seen) = last.get(ctx.keyed())?.filter(|seen| timer.time == *seen + minutes(10)) {
            last.remove(ctx.keyed())?;
            ctx.emit((ctx.key().clone(), minute(seen)));
        }
        Ok(())
    }
}

fn minute(time: Timestamp) -> i64 {
    time.millis() / 60_000
}

/// Whenever somebody became idle: who, and the minute of their last click before.
pub fn run() -> millstream::Result<Vec<Idle>> {
    let job = Job::new("idle-users");
    let sink = CollectSink::new();
    let idle = sink.handle();
    job.source(MemorySource::new(CLICKS))
        .event_time(|click| Timestamp::EPOCH + minutes(click.1), Watermarks::monotonic())
        .key_by(|click| click.0.to_owned())
        .process(IdleUsers)
        .sink(sink);
    job.run(Config::default())?;
    Ok(idle.rows())
}

fn main() -> millstream::Result<()> {
    for (user, minute) in run()? {
        println!("{user} was idle for ten minutes after minute {minute}");
    }
    Ok(())
}
