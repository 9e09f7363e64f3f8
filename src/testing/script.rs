//! A source whose items are records, watermarks, pauses and faults.

use crate::api::{Job, Stream};
use crate::connector::{Error, Position, Read, Source, Split, SplitReader};
use crate::fault::Fault;
use crate::record::Data;
use crate::time::{Timestamp, Watermarks};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One thing that a [`Script`] does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Item<T> {
    /// Brings a record with its event time.
    Record(T, Timestamp),
    /// Promises that no record at or before this moment follows. A promise that is broken makes late records.
    Watermark(Timestamp),
    /// Brings nothing for a while.
    Pause(Duration),
    /// Fails, once in the life of the script: a job that is restarted gets past it.
    Fail(String),
}

/// What a script has still to do, shared with whoever adds to it.
struct Shared<T> {
    items: Vec<Item<T>>,
    /// Whether more items may come.
    open: bool,
    /// The faults that have struck.
    struck: BTreeSet<usize>,
}

/// A source that does what it is told, item by item; each is a block of its own, so that a checkpoint may fall between any
/// two.
///
/// Replayable. Faults are items of the source, an idea of bytewax's `TestingSource`.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::testing::{Script, Simulation};
///
/// let job = Job::new("scripted");
/// let sink = CollectSink::new();
/// let rows = sink.handle();
/// let script = Script::new()
///     .record(("ada", 1), Timestamp::from_seconds(1))
///     .fail("the line is cut")
///     .record(("ada", 2), Timestamp::from_seconds(2))
///     .watermark(Timestamp::from_seconds(60));
/// let hits = script.attach(&job);
/// hits.key_by(|hit| hit.0.to_string()).window(Tumbling::of(minutes(1))).count().map(|w| w.value).sink(sink);
///
/// let status = Simulation::start(&job, Config::default(), 1)?.run()?;
/// assert_eq!((rows.rows(), status.restarts), (vec![2], 1));
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct Script<T> {
    shared: Arc<Mutex<Shared<T>>>,
}

fn lock<T>(shared: &Mutex<Shared<T>>) -> MutexGuard<'_, Shared<T>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Data> Default for Script<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Data> Script<T> {
    /// A script that ends at once.
    pub fn new() -> Self {
        Script { shared: Arc::new(Mutex::new(Shared { items: Vec::new(), open: false, struck: BTreeSet::new() })) }
    }

    /// A script to which [`push`](Script::push) adds while it is played; it ends with [`close`](Script::close).
    pub(super) fn open() -> Self {
        let script = Self::new();
        lock(&script.shared).open = true;
        script
    }

    /// Another handle to the same script.
    pub(super) fn handle(&self) -> Self {
        Script { shared: self.shared.clone() }
    }

    pub(super) fn push(&self, item: Item<T>) {
        lock(&self.shared).items.push(item);
    }

    pub(super) fn close(&self) {
        lock(&self.shared).open = false;
    }

    /// Adds an item.
    #[must_use]
    pub fn item(self, item: Item<T>) -> Self {
        self.push(item);
        self
    }

    /// Adds a record with its event time.
    #[must_use]
    pub fn record(self, record: T, time: Timestamp) -> Self {
        self.item(Item::Record(record, time))
    }

    /// Adds records, each with its event time.
    #[must_use]
    pub fn records(self, records: impl IntoIterator<Item = (T, Timestamp)>) -> Self {
        records.into_iter().fold(self, |script, (record, time)| script.record(record, time))
    }

    /// Adds a watermark.
    #[must_use]
    pub fn watermark(self, watermark: Timestamp) -> Self {
        self.item(Item::Watermark(watermark))
    }

    /// Adds a pause, of the job's clock.
    #[must_use]
    pub fn pause(self, pause: Duration) -> Self {
        self.item(Item::Pause(pause))
    }

    /// Adds a fault of the outside world, with its message.
    #[must_use]
    pub fn fail(self, message: impl Into<String>) -> Self {
        self.item(Item::Fail(message.into()))
    }

    /// Puts the script into a job. The stream bears the script's event times and watermarks; a pause of 30 s or more makes it
    /// idle.
    pub fn attach(self, job: &Job) -> Stream<T> {
        let time = |item: &Item<T>| match item {
            Item::Record(_, time) | Item::Watermark(time) => *time,
            Item::Pause(_) | Item::Fail(_) => Timestamp::MIN,
        };
        let mark = |item: &Item<T>, time| matches!(item, Item::Watermark(_)).then_some(time);
        let record = |item| match item {
            Item::Record(record, _) => Some(record),
            Item::Watermark(_) | Item::Pause(_) | Item::Fail(_) => None,
        };
        job.source(self).event_time(time, Watermarks::punctuated(mark)).flat_map(record)
    }
}

impl<T: Data> Source for Script<T> {
    type Record = Item<T>;
    type Block = Item<T>;

    fn describe(&self) -> String {
        "script".to_owned()
    }

    fn splits(&self) -> Result<Vec<Split>, Error> {
        Ok(vec![Split::new("script")])
    }

    fn open(&self, _: &Split, position: Option<&Position>) -> Result<Box<dyn SplitReader<Block = Item<T>>>, Error> {
        let next = position.map(Position::read).transpose()?.unwrap_or(0);
        Ok(Box::new(Player { shared: self.shared.clone(), next }))
    }

    fn decode(&self, item: Item<T>, emit: &mut dyn FnMut(Item<T>, Timestamp)) {
        emit(item, Timestamp::MIN);
    }
}

/// Plays a script.
struct Player<T> {
    shared: Arc<Mutex<Shared<T>>>,
    next: usize,
}

impl<T: Data> SplitReader for Player<T> {
    type Block = Item<T>;

    fn read(&mut self) -> Result<Read<Item<T>>, Error> {
        let mut script = lock(&self.shared);
        let number = self.next;
        let Some(item) = script.items.get(number).cloned() else {
            return Ok(if script.open { Read::Wait(Duration::ZERO) } else { Read::End });
        };
        self.next += 1;
        match item {
            Item::Pause(pause) => Ok(Read::Wait(pause)),
            Item::Fail(message) if script.struck.insert(number) => Err(Error::new(Fault::External, message)),
            item => Ok(Read::Block(item, Position::new(self.next))),
        }
    }

    fn blocks(&self) -> bool {
        false
    }
}
