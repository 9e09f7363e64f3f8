//! A job with every kind of operator, each with a fuse in the user's code.

use crate::fuse::Fuse;
use crate::trickle::Trickle;
use millstream::connector::{Committer, Error, Guarantee, Prepared, SinkContext, SinkJob, SinkWriter};
use millstream::prelude::*;
use millstream::record::Epoch;
use serde::{Deserialize, Serialize};
use std::iter;

/// Where the user's code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Read,
    Decode,
    Map,
    Filter,
    FlatMap,
    FlatMapIterator,
    TryMap,
    Inspect,
    Split,
    EventTime,
    Key,
    Create,
    Add,
    Merge,
    Finish,
    Reduce,
    Write,
    Prepare,
}

impl Place {
    /// Whether only the subtask that failed is restarted.
    pub(crate) fn is_restarted_alone(self) -> bool {
        matches!(self, Place::Create | Place::Add | Place::Merge | Place::Finish | Place::Reduce)
    }

    /// The operators of which a panic here may be told: a key function is called on both sides of the exchange.
    pub(crate) fn operators(self) -> &'static [&'static str] {
        match self {
            Place::Read | Place::Decode => &["numbers"],
            Place::Map => &["event"],
            Place::Filter => &["chosen"],
            Place::FlatMap | Place::FlatMapIterator => &["twins"],
            Place::TryMap => &["check"],
            Place::Inspect => &["look"],
            Place::Split => &["divide"],
            Place::EventTime => &["time"],
            Place::Key => &["by-key", "sessions", "totals", "minutes"],
            Place::Create | Place::Add | Place::Merge | Place::Finish => &["sessions"],
            Place::Reduce => &["totals"],
            Place::Write | Place::Prepare => &["session-rows"],
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Event {
    number: u64,
    key: u64,
    millis: i64,
    count: u64,
}

/// Eight numbers in a row have the same key and one session, out of order, so that sessions merge.
fn event(number: u64) -> Event {
    const ORDER: [i64; 8] = [0, 2, 1, 6, 4, 5, 3, 7];
    let (chunk, place) = (number / 8, (number % 8) as usize);
    Event { number, key: chunk % 5, millis: chunk as i64 * 500 + ORDER[place] * 100, count: 1 }
}

/// Adds up numbers. What a panic leaves half done must not be seen.
struct Numbers {
    create: Fuse,
    add: Fuse,
    merge: Fuse,
    finish: Fuse,
}

impl Aggregate<Event> for Numbers {
    type Accumulator = u64;
    type Output = u64;

    fn create(&self) -> u64 {
        self.create.call();
        0
    }

    fn add(&self, sum: &mut u64, event: &Event) {
        *sum += 1_000_000;
        self.add.call();
        *sum = *sum + event.number - 1_000_000;
    }

    fn merge(&self, into: &mut u64, other: u64) {
        *into += 1_000_000;
        self.merge.call();
        *into = *into + other - 1_000_000;
    }

    fn finish(&self, sum: u64) -> u64 {
        self.finish.call();
        sum
    }
}

/// A sink with fuses before another sink.
struct FusedSink<T> {
    inner: CollectSink<T>,
    write: Fuse,
    prepare: Fuse,
}

struct FusedWriter<T> {
    inner: Box<dyn SinkWriter<T>>,
    write: Fuse,
    prepare: Fuse,
}

impl<T: Data> Sink<T> for FusedSink<T> {
    fn describe(&self) -> String {
        "fused".to_owned()
    }

    fn guarantee(&self) -> Guarantee {
        self.inner.guarantee()
    }

    fn writer(&self, context: &SinkContext) -> Result<Box<dyn SinkWriter<T>>, Error> {
        let inner = self.inner.writer(context)?;
        Ok(Box::new(FusedWriter { inner, write: self.write.clone(), prepare: self.prepare.clone() }))
    }

    fn committer(&self) -> Result<Option<Box<dyn Committer>>, Error> {
        self.inner.committer()
    }
}

impl<T> SinkWriter<T> for FusedWriter<T> {
    fn write(&mut self, record: T, time: Timestamp) -> Result<(), Error> {
        self.write.call();
        self.inner.write(record, time)
    }

    fn spill(&mut self, idle: bool) -> Option<SinkJob> {
        self.inner.spill(idle)
    }

    fn prepare(&mut self, epoch: Epoch) -> Prepared {
        let (fuse, inner) = (self.prepare.clone(), self.inner.prepare(epoch));
        Box::new(move || {
            fuse.call();
            inner()
        })
    }

    fn committed(&mut self, epoch: Epoch) {
        self.inner.committed(epoch);
    }
}

/// What a run has shown, and how it ended.
pub(crate) struct Shown {
    /// The rows of all sinks, sorted.
    pub(crate) rows: Vec<String>,
    pub(crate) status: JobStatus,
}

/// How many numbers the job reads.
const COUNT: u64 = 3_200;

/// Runs the job with `fuse` in its place.
pub(crate) fn run(place: Option<Place>, fuse: &Fuse, config: Config) -> millstream::Result<Shown> {
    let at = |here: Place| if place == Some(here) { fuse.clone() } else { Fuse::default() };
    let job = Job::new("everything");
    let mut collected = Vec::new();
    let mut collect = |stream: Stream<String>, uid: &str| {
        let inner = CollectSink::new();
        collected.push(inner.handle());
        let (mut write, mut prepare) = (Fuse::default(), Fuse::default());
        if uid == "session-rows" {
            (write, prepare) = (at(Place::Write), at(Place::Prepare));
        }
        stream.sink(FusedSink { inner, write, prepare }).uid(uid);
    };

    // On a thread of its own or in the actor: both are guarded.
    let mut source = Trickle::new(COUNT).blocking(config.parallelism == 1);
    (source.read, source.decode) = (at(Place::Read), at(Place::Decode));
    let (map, filter, flat_map) = (at(Place::Map), at(Place::Filter), at(Place::FlatMap));
    let (iterator, try_map, inspect) = (at(Place::FlatMapIterator), at(Place::TryMap), at(Place::Inspect));
    let (split, event_time, key) = (at(Place::Split), at(Place::EventTime), at(Place::Key));
    let (checked, refused) = job
        .source(source)
        .uid("numbers")
        .map(move |number| {
            map.call();
            event(number)
        })
        .uid("event")
        .filter(move |event| {
            filter.call();
            event.number / 8 % 4 != 3
        })
        .uid("chosen")
        .flat_map(move |event| {
            flat_map.call();
            let mut twins = vec![event, Event { key: event.key + 10, ..event }].into_iter();
            let iterator = iterator.clone();
            iter::from_fn(move || {
                iterator.call();
                twins.next()
            })
        })
        .uid("twins")
        .try_map(move |event| {
            try_map.call();
            if event.number % 97 == 13 { Err(event.number) } else { Ok(event) }
        });
    collect(refused.map(|number| format!("refused {number}")), "refused-rows");
    let (few, many) = checked.uid("check").inspect(move |_| inspect.call()).uid("look").split(move |event| {
        split.call();
        event.number % 50 == 7
    });
    collect(few.uid("divide").map(|event| format!("few {} {}", event.number, event.key)), "few-rows");
    let time = move |event: &Event| {
        event_time.call();
        Timestamp::from_millis(event.millis)
    };
    let by_key = move |event: &Event| {
        key.call();
        event.key
    };
    let timed = many.event_time(time, Watermarks::out_of_order(seconds(2))).uid("time");
    let keyed = timed.key_by(by_key).uid("by-key");

    let row = |window: Windowed<u64, u64>| format!("{} {} {} {}", window.key, window.start, window.end, window.value);
    let numbers =
        Numbers { create: at(Place::Create), add: at(Place::Add), merge: at(Place::Merge), finish: at(Place::Finish) };
    let sessions = keyed.window(Session::gap(millis(100))).aggregate(numbers).uid("sessions");
    collect(sessions.map(move |window| format!("session {}", row(window))), "session-rows");
    let minutes = keyed.window(Tumbling::of(minutes(1))).count().uid("minutes");
    collect(minutes.map(move |window| format!("minute {}", row(window))), "minute-rows");
    let reduce = at(Place::Reduce);
    let totals = keyed.reduce(move |sum, event| {
        reduce.call();
        Event { number: 0, millis: 0, count: sum.count + event.count, ..*sum }
    });
    collect(totals.uid("totals").map(|sum| format!("total {} {}", sum.key, sum.count)), "total-rows");

    let status = job.run(config)?;
    let mut rows: Vec<String> = collected.iter().flat_map(|rows| rows.rows()).collect();
    rows.sort();
    Ok(Shown { rows, status })
}
