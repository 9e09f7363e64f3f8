//! The actor around a core: mailbox, credits, alignment, and everything that must outlive the user's code.
//!
//! Message handlers only queue. All work is done in *steps*: one step takes one element (or one block of a source, or one
//! piece of firing), sends what came of it as far as credit allows, and yields, so that neighbours on the same arbiter and
//! control messages get their turn. What blocks (writing state, sinks, reading) runs on the blocking pool, in a
//! [`Lane`] per thing that must keep its order.
//!
//! A subtask takes no more data while an element waits for credit, while a lane is full, or while its state waits for
//! memory; it does take barriers then.

mod checkpoint;

use super::assembly::Blueprint;
use super::channel::{InputClock, Limits, Tide};
use super::exchange::{self, End, Exchanges};
use super::guard::guard;
use super::job::Master;
use super::lane::{Lane, LaneId};
use super::mailbox::{Addresses, Control, Credit, Deliver, Failure, News, Report, send};
use super::reading::{Next, Reading};
use super::status::SubtaskGauges;
use crate::checkpoint::Alignment;
use crate::operator::{Core, Error};
use crate::record::{Element, Epoch};
use crate::time::{Clock, SystemClock, Timestamp};
use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, WrapFuture};
use checkpoint::Pending;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// How many jobs may wait in one lane before the subtask takes no more data.
const LANE_LIMIT: usize = 4;
/// How often a source looks whether its splits are silent.
const IDLE_CHECK: Duration = Duration::from_millis(200);

/// The receiving end of a channel.
struct Input {
    end: End,
    waiting: VecDeque<Element>,
}

/// One parallel instance of an operator chain.
pub(super) struct Subtask {
    blueprint: Arc<Blueprint>,
    attempt: u32,
    /// Its number over all chains.
    number: usize,
    master: Addr<Master>,
    gauges: Arc<SubtaskGauges>,
    clock: SystemClock,
    /// `None` before it is built, after it has failed, and when it is torn down.
    core: Option<Core>,
    inputs: Vec<Input>,
    input_clock: InputClock,
    alignment: Alignment,
    exchanges: Option<Exchanges>,
    receivers: Vec<(Addr<Subtask>, usize)>,
    senders: Vec<(Addr<Subtask>, usize)>,
    reading: Option<Reading>,
    /// A source reads between `Start` and the end or a stop.
    reads: bool,
    /// When a waiting split, or a timer of processing time, is looked at again.
    alarm: Option<Duration>,
    /// The input channel that is looked at first.
    turn: usize,
    scheduled: bool,
    /// A watermark is being fired in pieces.
    firing: bool,
    /// All inputs are silent; those behind are told when all has been fired.
    falls_silent: bool,
    /// The data has ended and `End` has been sent.
    ended: bool,
    /// The outlets were last empty at this time.
    flushed_at: Duration,
    state_lane: Lane,
    sink_lanes: Vec<Lane>,
    /// A sink could not spill: it takes no more before it has prepared.
    sink_stalled: bool,
    /// The state waits for memory.
    memory_short: bool,
    /// The newest epoch of a barrier for which something is in the state file; zero if nothing ever was.
    written: Epoch,
    /// The newest epoch under which something was written ahead of its barrier, to make room.
    spilled: Epoch,
    pending: Option<Pending>,
    closing: bool,
}

impl Subtask {
    pub(super) fn new(
        blueprint: Blueprint,
        attempt: u32,
        number: usize,
        master: Addr<Master>,
        gauges: Arc<SubtaskGauges>,
    ) -> Self {
        let (plan, chain, index) = (&blueprint.plan, blueprint.chain, blueprint.subtask);
        let inputs: Vec<Input> = exchange::inputs(plan, chain, index)
            .into_iter()
            .map(|end| Input { end, waiting: VecDeque::new() })
            .collect();
        Subtask {
            attempt,
            number,
            master,
            gauges,
            clock: SystemClock::new(),
            core: None,
            input_clock: InputClock::new(blueprint.watermarks.clone(), blueprint.clock),
            alignment: Alignment::new(inputs.len()),
            inputs,
            exchanges: None,
            receivers: Vec::new(),
            senders: Vec::new(),
            reading: None,
            reads: false,
            alarm: None,
            turn: 0,
            scheduled: false,
            firing: false,
            falls_silent: false,
            ended: false,
            flushed_at: Duration::ZERO,
            state_lane: Lane::default(),
            sink_lanes: Vec::new(),
            sink_stalled: false,
            memory_short: false,
            spilled: Epoch::ZERO,
            written: blueprint.state.as_ref().map_or(Epoch::ZERO, |file| file.written),
            pending: None,
            closing: false,
            blueprint: Arc::new(blueprint),
        }
    }

    fn report(&self, news: News) {
        Report { attempt: self.attempt, subtask: self.number, news }.send(&self.master);
    }

    /// Builds the core, in the actor's own thread.
    fn build(&mut self) -> Result<(), Failure> {
        let blueprint = self.blueprint.clone();
        let head = blueprint.label(blueprint.head());
        let core =
            guard(|| blueprint.build()).unwrap_or_else(|cause| Err(Failure::panic(head, blueprint.subtask, cause)))?;
        let limits = Limits { batches: blueprint.config.channel_batches, bytes: blueprint.config.channel_bytes };
        let (chain, subtask) = (blueprint.chain, blueprint.subtask);
        self.exchanges = Some(Exchanges::new(&blueprint.plan, chain, subtask, &core.origins(), limits));
        self.reading = Reading::new(&blueprint.plan, blueprint.head(), &blueprint.splits);
        self.sink_lanes = core.sinks.iter().map(|_| Lane::default()).collect();
        self.core = Some(core);
        self.publish();
        Ok(())
    }

    /// Learns its neighbours.
    fn wire(&mut self, addresses: &Addresses) {
        let (plan, chain, index) = (&self.blueprint.plan, self.blueprint.chain, self.blueprint.subtask);
        let receiver = |end: End| {
            let number = exchange::number_at_receiver(plan, end.edge, index, end.chain, end.subtask);
            (addresses[end.chain][end.subtask].clone(), number)
        };
        let sender = |end: End| {
            let number = exchange::number_at_sender(plan, end.edge, index, end.chain, end.subtask);
            (addresses[end.chain][end.subtask].clone(), number)
        };
        self.receivers = exchange::outputs(plan, chain, index).into_iter().map(receiver).collect();
        self.senders = self.inputs.iter().map(|input| sender(input.end)).collect();
    }

    // ---------------------------------------------------------------- steps

    /// One of its lanes.
    pub(super) fn lane(&mut self, lane: LaneId) -> &mut Lane {
        match lane {
            LaneId::State => &mut self.state_lane,
            LaneId::Sink(sink) => &mut self.sink_lanes[sink],
        }
    }

    /// Makes sure that a step follows.
    pub(super) fn wake(&mut self, ctx: &mut Context<Self>) {
        if !self.scheduled && self.core.is_some() {
            self.scheduled = true;
            ctx.spawn(tokio::task::yield_now().into_actor(self).map(|(), subtask, ctx| subtask.step(ctx)));
        }
    }

    fn step(&mut self, ctx: &mut Context<Self>) {
        self.scheduled = false;
        // The shell's own panics are our mistakes, but they must not leave the others waiting for ever.
        let worked = guard(|| self.work(ctx)).unwrap_or_else(|cause| {
            let operator = self.blueprint.label(self.blueprint.head());
            Err(Failure::panic(operator, self.blueprint.subtask, cause))
        });
        match worked {
            Ok(true) => self.wake(ctx),
            Ok(false) => {}
            Err(failure) => self.fail(failure),
        }
    }

    /// Does one step. Returns whether there may be more to do.
    fn work(&mut self, ctx: &mut Context<Self>) -> Result<bool, Failure> {
        if self.core.is_none() || self.closing {
            return Ok(false);
        }
        let worked = self.take(ctx)?;
        self.forward();
        if worked {
            self.spill_sinks(ctx, false);
            if self.clock.elapsed().saturating_sub(self.flushed_at) >= self.blueprint.config.linger {
                self.flush(ctx, false);
            }
        } else if self.has_room() {
            self.flush(ctx, true);
        }
        self.relieve(ctx);
        self.publish();
        Ok(worked)
    }

    /// Whether data may be processed.
    fn has_room(&self) -> bool {
        let lanes = self.sink_lanes.iter().all(|lane| lane.len() < LANE_LIMIT);
        let exchanges = self.exchanges.as_ref().is_none_or(Exchanges::has_room);
        exchanges && lanes && !self.sink_stalled && !self.memory_short && self.state_lane.len() < LANE_LIMIT
    }

    /// Takes the next thing to be done, if any.
    fn take(&mut self, ctx: &mut Context<Self>) -> Result<bool, Failure> {
        let room = self.has_room();
        if self.firing {
            if room {
                self.resume()?;
            }
            return Ok(room);
        }
        if self.reading.is_some() {
            return if room && self.reads { self.read(ctx) } else { Ok(false) };
        }
        if room && self.tick(ctx)? {
            return Ok(true);
        }
        let count = self.inputs.len();
        for channel in (0..count).map(|step| (self.turn + step) % count) {
            if self.alignment.is_blocked(channel) {
                continue;
            }
            match self.inputs[channel].waiting.front() {
                Some(Element::Barrier(epoch)) => {
                    let epoch = *epoch;
                    self.inputs[channel].waiting.pop_front();
                    if let Some(epoch) = self.alignment.barrier(channel, epoch) {
                        self.barrier(epoch, ctx)?;
                    }
                    return Ok(true);
                }
                Some(_) if room => {
                    self.turn = channel + 1;
                    let element = self.inputs[channel].waiting.pop_front();
                    element.map_or(Ok(()), |element| self.element(channel, element))?;
                    return Ok(true);
                }
                _ => {}
            }
        }
        Ok(false)
    }

    /// Tells the core of processing time if it is due, or looks again when it will be.
    fn tick(&mut self, ctx: &mut Context<Self>) -> Result<bool, Failure> {
        let Some(core) = self.core.as_ref().filter(|_| !self.ended) else { return Ok(false) };
        let Some(at) = core.wake_at() else { return Ok(false) };
        let wait = at.millis_since(self.clock.now().max(core.now()));
        if wait <= 0 {
            self.firing = true;
            self.call(Core::tick)?;
            self.resume()?;
            return Ok(true);
        }
        self.look_again(self.clock.elapsed() + Duration::from_millis(wait.unsigned_abs()), ctx);
        Ok(false)
    }

    /// Sees to it that a step follows at `at`.
    fn look_again(&mut self, at: Duration, ctx: &mut Context<Self>) {
        let now = self.clock.elapsed();
        if self.alarm.is_none_or(|alarm| alarm <= now || at < alarm) {
            self.alarm = Some(at);
            ctx.run_later(at.saturating_sub(now), |subtask, ctx| subtask.wake(ctx));
        }
    }

    /// Processes an element other than a barrier.
    fn element(&mut self, channel: usize, element: Element) -> Result<(), Failure> {
        match element {
            Element::Batch(batch) => {
                let bytes = batch.bytes();
                if let Some(clock) = self.input_clock.speaks(channel) {
                    self.resumed(clock);
                }
                let input = self.blueprint.plan.edges[self.inputs[channel].end.edge].input;
                self.call(|core| core.batch(input, batch))?;
                let (sender, number) = &self.senders[channel];
                send(sender, Credit { channel: *number, bytes });
                Ok(())
            }
            Element::Watermark(watermark) => {
                let tide = self.input_clock.watermark(channel, watermark);
                self.tide(tide)
            }
            Element::End => {
                let tide = self.input_clock.watermark(channel, Timestamp::MAX);
                self.tide(tide)
            }
            Element::Idle => {
                let tide = self.input_clock.idle(channel);
                self.tide(tide)
            }
            Element::Barrier(_) => unreachable!("barriers are aligned before"),
        }
    }

    fn tide(&mut self, tide: Tide) -> Result<(), Failure> {
        match tide {
            Tide::Still => Ok(()),
            Tide::Rose(clock) => self.advance(clock),
            Tide::AllIdle(rose) => {
                self.falls_silent = true;
                match rose {
                    Some(clock) => self.advance(clock),
                    None => self.resume(),
                }
            }
            Tide::Resumed(clock) => {
                self.resumed(clock);
                Ok(())
            }
        }
    }

    /// Tells those behind that the silence is over.
    fn resumed(&mut self, clock: Timestamp) {
        if clock > Timestamp::MIN {
            self.emit(&Element::Watermark(clock));
        }
    }

    /// Moves the core's clock on.
    fn advance(&mut self, clock: Timestamp) -> Result<(), Failure> {
        self.firing = true;
        self.call(|core| core.watermark(clock))?;
        self.resume()
    }

    /// Fires on; at the end of time the data has ended when all has been fired.
    fn resume(&mut self) -> Result<(), Failure> {
        self.firing = !self.call(Core::resume)?;
        if !self.firing && std::mem::take(&mut self.falls_silent) {
            self.flush_outlets();
            self.emit(&Element::Idle);
        }
        let over = self.core.as_ref().is_some_and(|core| core.clock.get() == Timestamp::MAX);
        if !self.firing && over && !self.ended {
            self.ended = true;
            self.flush_outlets();
            self.emit(&Element::End);
            if self.reading.is_some() {
                self.report(News::Ended);
            }
        }
        Ok(())
    }

    /// Calls into the core, where the user's code is.
    fn call<R>(&mut self, code: impl FnOnce(&mut Core) -> Result<R, Error>) -> Result<R, Failure> {
        let core = self.core.as_mut().expect("steps run only while there is a core");
        core.stamp(self.clock.now());
        let result = guard(|| code(core));
        let failed = |core: &Core| self.blueprint.label(core.site());
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Failure::error(failed(core), self.blueprint.subtask, &error)),
            Err(cause) => Err(Failure::panic(failed(core), self.blueprint.subtask, cause)),
        }
    }

    // ---------------------------------------------------------------- reading

    /// Decodes the next block, and sees to it that more is read.
    fn read(&mut self, ctx: &mut Context<Self>) -> Result<bool, Failure> {
        let now = self.clock.elapsed();
        self.watch_silence(now)?;
        let (Some(reading), Some(core)) = (&mut self.reading, &self.core) else { return Ok(false) };
        let next = reading.next(now, |split| core.split_watermark(split));
        let next = next.map_err(|error| self.source_failure(&error))?;
        self.begin_reads(ctx);
        match next {
            Next::Block(split, block, position) => {
                self.watch_silence(now)?;
                self.call(|core| core.block(split, block, position))?;
                Ok(true)
            }
            Next::Ended(split) => {
                self.split_ended(split)?;
                Ok(true)
            }
            Next::Nothing => {
                self.end_if_read()?;
                Ok(false)
            }
        }
    }

    fn source_failure(&self, error: &crate::connector::Error) -> Failure {
        Failure::error(self.blueprint.label(self.blueprint.head()), self.blueprint.subtask, error)
    }

    /// Begins as many reads as may be ahead.
    fn begin_reads(&mut self, ctx: &mut Context<Self>) {
        let now = self.clock.elapsed();
        let (Some(reading), Some(core)) = (&mut self.reading, &self.core) else { return };
        while let Some(job) = reading.begin(&core.splits.borrow(), now, |split| core.split_watermark(split)) {
            let read = tokio::task::spawn_blocking(move || guard(|| job.run()));
            ctx.spawn(actix::fut::wrap_future::<_, Self>(read).map(|done, subtask: &mut Self, ctx| match done {
                Ok(Ok(done)) => match subtask.read_done(done) {
                    Ok(()) => subtask.wake(ctx),
                    Err(failure) => subtask.fail(failure),
                },
                Ok(Err(panic)) => subtask.job_panicked(panic),
                Err(lost) => subtask.job_panicked(lost.to_string()),
            }));
        }
        if let Some(at) = reading.wake_at(now) {
            self.look_again(at, ctx);
        }
    }

    fn read_done(&mut self, done: super::reading::ReadDone) -> Result<(), Failure> {
        let (split, now) = (done.split, self.clock.elapsed());
        let Some(reading) = &mut self.reading else { return Ok(()) };
        let ended = reading.finish(done, now).map_err(|error| self.source_failure(&error))?;
        if ended && self.core.is_some() { self.split_ended(split) } else { Ok(()) }
    }

    fn split_ended(&mut self, split: usize) -> Result<(), Failure> {
        self.call(|core| core.split_ended(split))?;
        self.end_if_read()
    }

    /// Ends the data when all splits have been read.
    fn end_if_read(&mut self) -> Result<(), Failure> {
        let done = self.reading.as_ref().is_some_and(Reading::is_done);
        if done && self.reads && !self.ended { self.advance(Timestamp::MAX) } else { Ok(()) }
    }

    /// Splits that are silent for long hold event time back no longer.
    fn watch_silence(&mut self, now: Duration) -> Result<(), Failure> {
        let Some(timeout) = self.core.as_ref().and_then(Core::idle_timeout) else { return Ok(()) };
        let Some(reading) = &mut self.reading else { return Ok(()) };
        let changes = reading.changes(now, timeout);
        let idle = reading.is_idle();
        let fell_silent = changes.iter().any(|(_, active)| !active);
        for (split, active) in changes {
            self.call(|core| core.set_split_active(split, active))?;
        }
        if idle && fell_silent {
            self.flush_outlets();
            self.emit(&Element::Idle);
        }
        Ok(())
    }

    // ---------------------------------------------------------------- output

    fn flush_outlets(&mut self) {
        if let Some(core) = &self.core {
            core.flush();
        }
        self.forward();
    }

    /// Lets go what has gathered, because nothing else is to be done (`idle`) or it has waited long enough.
    fn flush(&mut self, ctx: &mut Context<Self>, idle: bool) {
        self.flushed_at = self.clock.elapsed();
        self.flush_outlets();
        self.spill_sinks(ctx, idle);
    }

    /// Gives the blocking pool what the sinks want to be written.
    fn spill_sinks(&mut self, ctx: &mut Context<Self>, idle: bool) {
        let Some(core) = &self.core else { return };
        let spills: Vec<_> = core.sinks.iter().map(|sink| sink.port.borrow_mut().spill(idle)).collect();
        for (sink, job) in spills.into_iter().enumerate() {
            let Some(job) = job else { continue };
            Lane::run(self, ctx, LaneId::Sink(sink), job, move |subtask, done| {
                if let Err(error) = done {
                    subtask.sink_stalled = true;
                    tracing::warn!(operator = %subtask.sink_uid(sink), subtask = subtask.blueprint.subtask, %error,
                        "a sink cannot write; its rows wait for the next checkpoint");
                }
            });
        }
    }

    fn sink_uid(&self, sink: usize) -> String {
        self.core.as_ref().map(|core| core.sinks[sink].uid.clone()).unwrap_or_default()
    }

    /// Sends what has come out of the core, as far as credit allows.
    fn forward(&mut self) {
        let (Some(core), Some(exchanges)) = (&self.core, &mut self.exchanges) else { return };
        while let Some((outlet, outgoing)) = core.outgoing() {
            exchanges.push(outlet, outgoing);
        }
        self.send_all();
    }

    fn emit(&mut self, element: &Element) {
        if let Some(exchanges) = &mut self.exchanges {
            exchanges.broadcast(element);
        }
        self.send_all();
    }

    fn send_all(&mut self) {
        for channel in 0..self.exchanges.as_ref().map_or(0, Exchanges::len) {
            self.send_channel(channel);
        }
    }

    fn send_channel(&mut self, channel: usize) {
        let (Some(exchanges), Some((receiver, number))) = (&mut self.exchanges, self.receivers.get(channel)) else {
            return;
        };
        while let Some(element) = exchanges.next(channel) {
            send(receiver, Deliver { channel: *number, element });
        }
    }

    // ---------------------------------------------------------------- life and death

    fn publish(&self) {
        if let Some(core) = &self.core {
            self.gauges.publish(core);
        }
    }

    /// The core is lost.
    fn fail(&mut self, failure: Failure) {
        // What the user's values do when they are dropped is the user's code too.
        let core = self.core.take();
        let _ = guard(|| drop(core));
        self.report(News::Failed(failure));
    }

    /// A job on the blocking pool has panicked.
    pub(super) fn job_panicked(&mut self, cause: String) {
        let operator = self.blueprint.label(self.blueprint.head());
        self.fail(Failure::panic(operator, self.blueprint.subtask, cause));
    }

    /// Ends this life as soon as nothing writes any more.
    fn close(&mut self, ctx: &mut Context<Self>) {
        let busy = self.state_lane.len() > 0 || self.sink_lanes.iter().any(|lane| lane.len() > 0);
        if busy {
            ctx.run_later(Duration::from_millis(1), |subtask, ctx| subtask.close(ctx));
            return;
        }
        let core = self.core.take();
        let _ = guard(|| drop(core));
        self.report(News::Closed);
        actix::ActorContext::stop(ctx);
    }
}

impl Actor for Subtask {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let built = self.build();
        self.report(News::Ready(built));
        if self.reading.is_some() {
            ctx.run_interval(IDLE_CHECK, |subtask, ctx| subtask.wake(ctx));
        }
    }
}

impl Handler<Deliver> for Subtask {
    type Result = ();

    fn handle(&mut self, message: Deliver, ctx: &mut Self::Context) {
        self.inputs[message.channel].waiting.push_back(message.element);
        self.wake(ctx);
    }
}

impl Handler<Credit> for Subtask {
    type Result = ();

    fn handle(&mut self, message: Credit, ctx: &mut Self::Context) {
        if let Some(exchanges) = &mut self.exchanges {
            exchanges.credit(message.channel, message.bytes);
        }
        self.send_channel(message.channel);
        self.wake(ctx);
    }
}

impl Handler<Control> for Subtask {
    type Result = ();

    fn handle(&mut self, message: Control, ctx: &mut Self::Context) {
        match message {
            Control::Wire(addresses) => self.wire(&addresses),
            Control::Start => {
                self.reads = true;
                self.begin_reads(ctx);
                self.wake(ctx);
            }
            Control::Trigger { epoch, stop } => {
                self.reads &= !stop;
                if self.core.is_some() && !self.closing {
                    if let Err(failure) = self.barrier(epoch, ctx) {
                        self.fail(failure);
                    }
                    self.wake(ctx);
                }
            }
            Control::Committed(epoch) => self.committed(epoch, ctx),
            Control::Teardown => {
                self.closing = true;
                self.close(ctx);
            }
        }
    }
}
