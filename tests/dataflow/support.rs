//! What several tests need: a source behind a gate, a sink that tells its subtasks apart, and waiting for a condition.

use millstream::connector::{
    Collected, Error, Guarantee, Position, Prepared, Read, SinkContext, SinkWriter, Split, SplitReader,
};
use millstream::prelude::*;
use millstream::record::Epoch;
use millstream::time::{Clock, SystemClock};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Ends a stream in a sink that collects.
pub(crate) fn collected<T: Data>(stream: &Stream<T>) -> Collected<T> {
    let sink = CollectSink::new();
    let rows = sink.handle();
    stream.sink(sink);
    rows
}

/// The values, sorted.
pub(crate) fn sorted<T: Ord>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort();
    values
}

/// Runs a job to its end; it must not fail.
pub(crate) fn run(job: &Job, config: Config) -> JobStatus {
    ended(job.start(config).unwrap())
}

/// Waits for the end of a job, which must not be a failure.
pub(crate) fn ended(handle: JobHandle) -> JobStatus {
    if !handle.wait_for(Duration::from_secs(120)) {
        panic!("the job hangs: {:#?}", handle.status());
    }
    handle.wait().unwrap()
}

/// Waits for a condition.
///
/// # Panics
/// If it does not hold after a minute.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let clock = SystemClock::new();
    while !condition() {
        assert!(clock.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// How many records an operator has let go, over all lives.
pub(crate) fn records_out(handle: &JobHandle, uid: &str) -> u64 {
    handle.status().operator(uid).unwrap_or_else(|| panic!("there is no operator `{uid}`")).records_out
}

/// Holds whoever comes until it is opened.
#[derive(Clone, Default)]
pub(crate) struct Bar(Arc<(Mutex<bool>, Condvar)>);

impl Bar {
    pub(crate) fn pass(&self) {
        let (open, opened) = &*self.0;
        drop(opened.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
    }

    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

/// Opens a [`GatedSource`] up to a record.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<AtomicU64>);

impl Gate {
    /// Lets all records before number `index` pass.
    pub(crate) fn open_to(&self, index: u64) {
        self.0.fetch_max(index, SeqCst);
    }
}

/// Brings the numbers `0..count`, dealt round to its splits, as far as its gate is open.
pub(crate) struct GatedSource {
    pub(crate) gate: Gate,
    pub(crate) count: u64,
    pub(crate) splits: u64,
    /// How many records a block holds at most.
    pub(crate) block: u64,
}

impl Source for GatedSource {
    type Record = u64;
    type Block = Vec<u64>;

    fn describe(&self) -> String {
        "numbers behind a gate".to_owned()
    }

    fn splits(&self) -> Result<Vec<Split>, Error> {
        Ok((0..self.splits).map(|split| Split::new(split.to_string())).collect())
    }

    fn open(
        &self,
        split: &Split,
        position: Option<&Position>,
    ) -> Result<Box<dyn SplitReader<Block = Vec<u64>>>, Error> {
        let first = split.id().parse().expect("a split is named by its number");
        let next = position.map_or(Ok(first), Position::read)?;
        let (gate, step, block) = (self.gate.clone(), self.splits, self.block);
        Ok(Box::new(GatedReader { gate, next, count: self.count, step, block }))
    }

    fn decode(&self, block: Vec<u64>, emit: &mut dyn FnMut(u64, Timestamp)) {
        block.into_iter().for_each(|number| emit(number, Timestamp::MIN));
    }
}

struct GatedReader {
    gate: Gate,
    next: u64,
    count: u64,
    step: u64,
    block: u64,
}

impl SplitReader for GatedReader {
    type Block = Vec<u64>;

    fn read(&mut self) -> Result<Read<Vec<u64>>, Error> {
        if self.next >= self.count {
            return Ok(Read::End);
        }
        let end = self.count.min(self.gate.0.load(SeqCst)).min(self.next + self.block * self.step);
        if self.next >= end {
            return Ok(Read::Wait(Duration::from_millis(1)));
        }
        let block: Vec<u64> = (self.next..end).step_by(self.step as usize).collect();
        self.next += block.len() as u64 * self.step;
        Ok(Read::Block(block, Position::new(self.next)))
    }
}

/// Records as they came to each subtask of a sink: (subtask, record, event time).
pub(crate) type Rows<T> = Arc<Mutex<Vec<(usize, T, Timestamp)>>>;

/// A sink that shows at once what it is given, at least once.
pub(crate) struct TapSink<T>(pub(crate) Rows<T>);

impl<T> TapSink<T> {
    /// A sink, and what it will have seen.
    pub(crate) fn new() -> (Self, Rows<T>) {
        let rows = Rows::default();
        (TapSink(rows.clone()), rows)
    }
}

impl<T: Data> Sink<T> for TapSink<T> {
    fn describe(&self) -> String {
        "tap".to_owned()
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    fn writer(&self, context: &SinkContext) -> Result<Box<dyn SinkWriter<T>>, Error> {
        Ok(Box::new(TapWriter { subtask: context.subtask, rows: self.0.clone() }))
    }
}

struct TapWriter<T> {
    subtask: usize,
    rows: Rows<T>,
}

impl<T: Data> SinkWriter<T> for TapWriter<T> {
    fn write(&mut self, record: T, time: Timestamp) -> Result<(), Error> {
        self.rows.lock().unwrap().push((self.subtask, record, time));
        Ok(())
    }

    fn prepare(&mut self, _: Epoch) -> Prepared {
        Box::new(|| Ok(serde_json::Value::Null))
    }
}
