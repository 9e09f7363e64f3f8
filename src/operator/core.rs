//! The core of a subtask: its operators and their state, without mailbox, credits, or threads.
//!
//! The shell around it (the actor) hands over one element at a time and takes what has come out of the outlets. When user
//! code panics the core is lost and the shell lives on.

use super::context::{Meter, Snapshots};
use super::event_time::SplitTimes;
use super::firing::Firing;
use super::outlet::{Outgoing, OutletHandle, OutletQueue};
use super::protect::Inlet;
use super::sink::WriterPort;
use super::source::{Block, Decoder, SplitState};
use super::{BuildContext, Error, Gathers, Head};
use crate::bug::{self, Bug};
use crate::connector::{self, Position};
use crate::record::{Batch, DeadLetter, Epoch};
use crate::state::{Flush, Store};
use crate::time::Timestamp;
use serde_json::{Value, json};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// A sink of the chain, for spilling and preparing.
pub(crate) struct SinkPort {
    pub(crate) uid: String,
    pub(crate) node: usize,
    pub(crate) port: Rc<RefCell<dyn WriterPort>>,
    /// The same, for a core that is built anew and knows its type.
    pub(crate) writer: Rc<dyn Any>,
}

/// What outlives a core: a new one is built around it.
pub(crate) struct Remains {
    pub(crate) store: Option<Store>,
    pub(crate) sinks: Vec<SinkPort>,
}

/// What stands in front.
pub(crate) enum Front {
    /// A source's decoder and the splits that this subtask reads.
    Source(Box<dyn Decoder>),
    /// Anything behind an exchange.
    Head(Box<dyn Head>),
}

/// What a core hands over at a barrier.
pub(crate) struct Prepared {
    /// Small state by operator: see [`Core::small`].
    pub(crate) small: BTreeMap<String, Value>,
    /// Changed keyed state, to be written.
    pub(crate) flush: Option<Flush>,
    /// What makes the sinks' rows durable.
    pub(crate) sinks: Vec<(String, usize, connector::Prepared)>,
}

/// The operators of one subtask.
pub(crate) struct Core {
    front: Front,
    /// The splits of a source, as far as they have been decoded.
    pub(crate) splits: Rc<RefCell<Vec<SplitState>>>,
    /// The subtask's event-time clock: the last watermark it has taken.
    pub(crate) clock: Rc<Cell<Timestamp>>,
    /// The stamp of the present element.
    now: Rc<Cell<Timestamp>>,
    pub(crate) store: Option<Store>,
    pub(crate) sinks: Vec<SinkPort>,
    pub(crate) meters: BTreeMap<usize, (String, Rc<Meter>)>,
    outlets: Vec<Rc<dyn OutletHandle>>,
    queue: OutletQueue,
    current: Rc<Cell<usize>>,
    split: Rc<Cell<usize>>,
    split_times: Vec<Rc<RefCell<SplitTimes>>>,
    /// The operators that make watermarks, and how far they have come.
    pub(crate) generators: Vec<(usize, Rc<RefCell<SplitTimes>>)>,
    snapshots: Snapshots,
    calls: super::lookup::Calls,
    letters: Rc<RefCell<Vec<DeadLetter>>>,
    inlets: Vec<(String, Rc<dyn Inlet>)>,
    gathering: Vec<Rc<dyn Gathers>>,
    /// What fires in the present element.
    pub(crate) firing: Rc<Firing>,
    /// For the records of the present element windows that are gone open once more.
    reopens: Rc<Cell<bool>>,
    failure: Rc<RefCell<Option<(usize, Error)>>>,
}

impl Core {
    /// Puts together what has been built.
    pub(crate) fn new(front: Front, context: BuildContext) -> Self {
        Core {
            front,
            splits: context.splits,
            clock: context.clock,
            now: context.now,
            store: context.store,
            sinks: context.sinks,
            meters: context.meters,
            outlets: context.outlets,
            queue: context.queue,
            current: context.current,
            split: context.split,
            split_times: context.split_times,
            generators: context.generators,
            snapshots: context.snapshots,
            calls: context.calls,
            letters: context.letters,
            inlets: context.inlets,
            gathering: context.gathering,
            firing: context.firing,
            reopens: context.reopens,
            failure: context.failure,
        }
    }

    /// The processing time of the next element. A clock that went back counts as standing still.
    pub(crate) fn stamp(&self, now: Timestamp) {
        self.now.set(now.max(self.now.get()));
    }

    /// The stamp of the last element.
    pub(crate) fn now(&self) -> Timestamp {
        self.now.get()
    }

    /// The processing time at which a tick is wanted next.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        match &self.front {
            Front::Source(_) => None,
            Front::Head(head) => head.wake_at(),
        }
    }

    /// Processing time has come to what was asked for. Call [`Core::resume`] until it returns `true` before anything else.
    pub(crate) fn tick(&mut self) -> Result<(), Error> {
        if let Front::Head(head) = &mut self.front {
            head.tick(self.now.get())?;
        }
        self.check()
    }

    /// The next call to the outside that is to be made.
    pub(crate) fn call(&self) -> Option<super::Call> {
        self.calls.borrow_mut().pop_front()
    }

    /// A call has been answered.
    pub(crate) fn answer(&mut self, call: u64, answer: super::Answer) -> Result<(), Error> {
        if let Front::Head(head) = &mut self.front {
            head.answer(call, answer)?;
        }
        self.check()
    }

    /// Whether it can take no more data before a call is answered.
    pub(crate) fn is_full(&self) -> bool {
        matches!(&self.front, Front::Head(head) if head.is_full())
    }

    /// The processing time before which it takes no more data.
    pub(crate) fn free_at(&self) -> Option<Timestamp> {
        match &self.front {
            Front::Source(_) => None,
            Front::Head(head) => head.free_at(),
        }
    }

    /// Whether nothing that came in waits for an answer.
    pub(crate) fn is_drained(&self) -> bool {
        !matches!(&self.front, Front::Head(head) if !head.is_drained())
    }

    /// As [`batch`](Self::batch), of records for which windows that are gone open once more.
    pub(crate) fn batch_reopening(&mut self, input: usize, batch: Batch) -> Result<(), Error> {
        self.reopens.set(true);
        let done = self.batch(input, batch);
        self.reopens.set(false);
        done
    }

    /// Processes a batch of one of its inputs.
    pub(crate) fn batch(&mut self, input: usize, batch: Batch) -> Result<(), Error> {
        if let Front::Head(head) = &mut self.front {
            head.batch(input, batch)?;
        }
        self.check()
    }

    /// Hands a record to an operator within the chain, which has a policy; says whether there is one of that uid.
    pub(crate) fn feed(&mut self, uid: &str, batch: Batch) -> Result<bool, Error> {
        let Some((_, inlet)) = self.inlets.iter().find(|(known, _)| known == uid) else { return Ok(false) };
        inlet.feed(batch);
        self.check().map(|()| true)
    }

    /// Decodes a block of a split and remembers the position behind it.
    pub(crate) fn block(&mut self, split: usize, block: Block, position: Position) -> Result<(), Error> {
        if let Front::Source(decoder) = &mut self.front {
            self.split.set(split);
            decoder.block(block);
            decoder.batch_end();
        }
        let present = &mut self.splits.borrow_mut()[split].position;
        if present.is_none() || !bug::is(Bug::StalePosition) {
            *present = Some(position);
        }
        self.check()
    }

    /// A split has been read to its end.
    pub(crate) fn split_ended(&mut self, split: usize) -> Result<(), Error> {
        self.splits.borrow_mut()[split].finished = true;
        for times in &self.split_times {
            times.borrow_mut().finish(split);
        }
        self.splits_changed()
    }

    /// A split is silent and must not hold event time back, or speaks again.
    pub(crate) fn set_split_active(&mut self, split: usize, active: bool) -> Result<(), Error> {
        for times in &self.split_times {
            times.borrow_mut().set_active(split, active);
        }
        self.splits_changed()
    }

    /// Tells how far event time has come now.
    fn splits_changed(&mut self) -> Result<(), Error> {
        if let Front::Source(decoder) = &mut self.front {
            decoder.batch_end();
        }
        self.check()
    }

    /// How far a split has come, to read the slowest first; [`Timestamp::MIN`] if nobody looks at its event time.
    pub(crate) fn split_watermark(&self, split: usize) -> Timestamp {
        self.split_times.first().map_or(Timestamp::MIN, |times| times.borrow().split_watermark(split))
    }

    /// How far a split may be ahead of the slowest one of the source; `None` if without bound.
    pub(crate) fn max_drift(&self) -> Option<Duration> {
        self.split_times.first().and_then(|times| times.borrow().max_drift())
    }

    /// The silence after which a split counts as idle; `None` if nobody looks at its event time.
    pub(crate) fn idle_timeout(&self) -> Option<Duration> {
        self.split_times.iter().map(|times| times.borrow().idle_timeout()).min()
    }

    /// Moves the clock on. Call [`Core::resume`] until it returns `true` before anything else.
    pub(crate) fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.clock.set(watermark);
        match &mut self.front {
            Front::Source(decoder) => decoder.watermark(watermark),
            Front::Head(head) => head.watermark(watermark)?,
        }
        self.check()
    }

    /// Goes on firing; returns whether all is done.
    pub(crate) fn resume(&mut self) -> Result<bool, Error> {
        let done = match &mut self.front {
            Front::Source(_) => true,
            Front::Head(head) => head.resume()?,
        };
        self.check()?;
        Ok(done)
    }

    /// Ends a call: what it has brought counts now, if nothing went wrong.
    fn check(&self) -> Result<(), Error> {
        self.gathering.iter().rev().for_each(|stage| stage.release());
        if let Some((operator, error)) = self.failure.borrow_mut().take() {
            // Since then the operators before it have run on.
            self.current.set(operator);
            return Err(error);
        }
        for sink in &self.sinks {
            self.current.set(sink.node);
            sink.port.borrow_mut().settle()?;
        }
        Ok(())
    }

    /// Whether a core that is built anew from a snapshot and handed the same elements does the same again.
    pub(crate) fn replays(&self) -> bool {
        let front = matches!(&self.front, Front::Head(head) if head.replays());
        front && self.outlets.iter().all(|outlet| outlet.replays())
    }

    /// Whether nothing that an element has brought waits in an outlet.
    pub(crate) fn is_flushed(&self) -> bool {
        self.outlets.iter().all(|outlet| outlet.is_empty()) && self.queue.borrow().is_empty()
    }

    /// How many records an operator has taken.
    pub(crate) fn records_in(&self, node: usize) -> u64 {
        self.meters.get(&node).map_or(0, |(_, meter)| meter.records_in.get())
    }

    /// Leaves what a new core can be built around.
    pub(crate) fn into_remains(self) -> Remains {
        let Core { store, sinks, .. } = self;
        Remains { store, sinks }
    }

    /// From here on a core that is built anew begins.
    pub(crate) fn begin(&self) {
        self.sinks.iter().for_each(|sink| sink.port.borrow_mut().begin());
    }

    /// Lets go what has gathered in the outlets.
    pub(crate) fn flush(&self) {
        self.outlets.iter().for_each(|outlet| outlet.flush());
    }

    /// The next thing that has come out, with the operator and port it comes from.
    pub(crate) fn outgoing(&self) -> Option<(usize, Outgoing)> {
        self.queue.borrow_mut().pop_front()
    }

    /// The operator and port of each outlet.
    pub(crate) fn origins(&self) -> Vec<(usize, usize)> {
        self.outlets.iter().map(|outlet| outlet.origin()).collect()
    }

    /// The operator whose code ran last, or has failed.
    pub(crate) fn site(&self) -> usize {
        self.current.get()
    }

    /// Small state by operator: `{"in": …, "out": …, "late": …, "unassigned": …, "filtered": …, "state": …}`.
    pub(crate) fn small(&self) -> BTreeMap<String, Value> {
        let mut small: BTreeMap<String, Value> = BTreeMap::new();
        for (uid, meter) in self.meters.values() {
            let counts = json!({
                "in": meter.records_in.get(),
                "out": meter.records_out.get(),
                "late": meter.late.get(),
                "unassigned": meter.unassigned.get(),
                "filtered": meter.filtered.get(),
                "dead": meter.dead.get(),
                "dead_timers": meter.dead_timers.get(),
            });
            small.insert(uid.clone(), counts);
        }
        for (uid, state) in &self.snapshots {
            small.entry(uid.clone()).or_insert_with(|| json!({}))["state"] = state();
        }
        small
    }

    /// The snapshot at a barrier. The outlets must have been flushed.
    pub(crate) fn prepare(&mut self, epoch: Epoch) -> Prepared {
        Prepared {
            small: self.small(),
            flush: self.store.as_mut().and_then(|store| store.hand_off(epoch)),
            sinks: self
                .sinks
                .iter()
                .map(|sink| (sink.uid.clone(), sink.node, sink.port.borrow_mut().prepare(epoch)))
                .collect(),
        }
    }

    /// What its operators have put aside since this was asked last.
    pub(crate) fn take_letters(&self) -> Vec<DeadLetter> {
        self.letters.take()
    }

    /// Records have been taken out of what an operator is handed.
    pub(crate) fn count_dead(&self, node: usize, records: u64) {
        if let Some((_, meter)) = self.meters.get(&node) {
            meter.records_in.set(meter.records_in.get() + records);
            meter.dead.set(meter.dead.get() + records);
        }
    }
}
