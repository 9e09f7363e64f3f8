//! A job with every kind of state.

use millstream::connector::Collected;
use millstream::prelude::*;

/// A key, a number, and its event time in milliseconds.
type Event = (u64, u64, i64);

/// Out of order within a second; keys 0 to 6, with pauses that end sessions.
fn event(number: u64) -> Event {
    const ORDER: [i64; 8] = [0, 2, 1, 6, 4, 5, 3, 7];
    let (chunk, place) = (number / 8, (number % 8) as usize);
    (number * 5 % 7, number, chunk as i64 * 900 + ORDER[place] * 100)
}

/// All that a key can keep.
struct Kept {
    sum: ReducingState<u64, u64>,
    value: ValueState<u64, u64>,
    list: ListState<u64, u64>,
    map: MapState<u64, u64, u64>,
    aging_value: ValueState<u64, u64>,
    aging_list: ListState<u64, u64>,
    aging_map: MapState<u64, u64, u64>,
}

/// Keeps each number in many ways, and tells them all in the end.
struct Keep;

impl KeyedProcess for Keep {
    type Key = u64;
    type Input = Event;
    type Output = String;
    type State = Kept;

    fn open(&self, states: &mut States<'_, u64>) -> Result<Kept, Failure> {
        let (hour, event) = (Ttl::after(hours(1)), TimeDomain::Event);
        Ok(Kept {
            sum: states.reducing("sum", |a, b| a + b)?,
            value: states.value("largest")?,
            list: states.list("all")?,
            map: states.map("by digit")?,
            aging_value: states.value_with_ttl("aging count", hour, event)?,
            aging_list: states.list_with_ttl("aging list", hour, event)?,
            aging_map: states.map_with_ttl("aging map", hour, event)?,
        })
    }

    fn process(&self, kept: &Kept, (_, n, _): Event, ctx: &mut Context<'_, u64, String>) -> Result<(), Failure> {
        kept.sum.add(ctx.keyed(), n)?;
        let largest = kept.value.get(ctx.keyed())?.unwrap_or(0).max(n);
        kept.value.put(ctx.keyed(), largest)?;
        kept.list.push(ctx.keyed(), n)?;
        kept.map.update(ctx.keyed(), n % 10, || 0, |count| *count += 1)?;
        kept.aging_value.update(ctx.keyed(), || 0, |count| *count += 1)?;
        kept.aging_list.push(ctx.keyed(), n)?;
        kept.aging_map.update(ctx.keyed(), n % 3, || 0, |count| *count += 1)?;
        ctx.set_processing_timer(Timestamp::from_seconds(1_000_000))?;
        ctx.set_event_timer(Timestamp::from_seconds(1_000))
    }

    fn on_timer(&self, kept: &Kept, timer: Timer, ctx: &mut Context<'_, u64, String>) -> Result<(), Failure> {
        let key = *ctx.key();
        if timer.domain == TimeDomain::Processing {
            ctx.emit(format!("{key} by processing time"));
            return Ok(());
        }
        let (mut all, mut aging) = (kept.list.take(ctx.keyed())?, kept.aging_list.take(ctx.keyed())?);
        all.sort_unstable();
        aging.sort_unstable();
        let (sum, value) = (kept.sum.get(ctx.keyed())?, kept.value.get(ctx.keyed())?);
        let (map, count) = (kept.map.entries(ctx.keyed())?, kept.aging_value.get(ctx.keyed())?);
        let aging_map = kept.aging_map.entries(ctx.keyed())?;
        ctx.emit(format!("{key} kept {sum:?} {value:?} {all:?} {map:?} {count:?} {aging:?} {aging_map:?}"));
        Ok(())
    }
}

/// Counts a key's numbers by the name that a rule gives them, once event time has passed all rules.
struct Named;

impl KeyedBroadcastProcess for Named {
    type Key = u64;
    type Input = Event;
    type Broadcast = (u64, String);
    type Output = String;
    type RuleKey = u64;
    type Rule = String;
    type State = MapState<u64, u64, u64>;

    fn open(&self, states: &mut States<'_, u64>) -> Result<Self::State, Failure> {
        states.map("by remainder")
    }

    fn process(
        &self,
        state: &Self::State,
        _: &BroadcastState<u64, String>,
        (_, n, _): Event,
        ctx: &mut Context<'_, u64, String>,
    ) -> Result<(), Failure> {
        state.update(ctx.keyed(), n % 4, || 0, |count| *count += 1)?;
        ctx.set_event_timer(Timestamp::from_seconds(2_000))
    }

    fn process_broadcast(
        &self,
        rules: &mut BroadcastState<u64, String>,
        (remainder, name): (u64, String),
        _: &mut UnkeyedContext<'_, String>,
    ) -> Result<(), Failure> {
        rules.insert(remainder, name)?;
        Ok(())
    }

    fn on_timer(
        &self,
        state: &Self::State,
        rules: &BroadcastState<u64, String>,
        _: Timer,
        ctx: &mut Context<'_, u64, String>,
    ) -> Result<(), Failure> {
        for (remainder, count) in state.entries(ctx.keyed())? {
            ctx.emit(format!("{} named {:?} {count}", ctx.key(), rules.get(&remainder)));
        }
        Ok(())
    }
}

/// The job over so many events.
pub(crate) fn job(events: u64) -> (Job, Collected<String>) {
    let (job, sink) = (Job::new("everything"), CollectSink::new());
    let rows = sink.handle();
    let source = MemorySource::from_fn(events, event).splits(4);
    let events = job.source(source).uid("events");
    let events = events.event_time(|event| Timestamp::from_millis(event.2), Watermarks::out_of_order(seconds(2)));
    let events = events.uid("time");
    let rules = (0..4_u64).map(|n| (n, format!("rule {n}")));
    let rules = job.source(MemorySource::new(rules)).uid("rules");
    let rules = rules.event_time(|_| Timestamp::EPOCH, Watermarks::monotonic()).uid("rule-time");
    let keyed = events.key_by(|event| event.0);
    let kept = keyed.process(Keep).uid("keep");
    let named = keyed.connect_broadcast(&rules).process(Named).uid("named");
    let minutes = keyed.window(Tumbling::of(seconds(7))).count().uid("minutes");
    let minutes = minutes.map(|w| format!("{} minute {} {}", w.key, w.start, w.value));
    let slides = keyed.window(Sliding::of(seconds(6)).every(seconds(2))).count().uid("slides");
    let slides = slides.map(|w| format!("{} slide {} {}", w.key, w.start, w.value));
    let visits = keyed.window(Session::gap(millis(600))).count().uid("visits");
    let visits = visits.map(|w| format!("{} visit {} {}", w.key, w.start, w.value));
    let groups = keyed.window(CountWindows::of(5)).count().uid("groups");
    let groups = groups.map(|w| format!("{} group {}", w.key, w.value));
    let all = kept.union(&named).union(&minutes).union(&slides).union(&visits).union(&groups);
    all.sink(sink).uid("rows");
    (job, rows)
}
