//! Everything of a subtask that must outlive the user's code, but for its mailbox: input queues, alignment, credits, and
//! what is under way on the disk. No actor and no thread in here.
//!
//! Whoever drives a shell (the actor in `subtask.rs`, or a job run by hand in `stepped/`)
//! * hands it what comes: elements, credits, the coordinator's words;
//! * calls [`Shell::step`] while that says that there may be more to do, and again at [`Shell::wake_at`];
//! * takes what goes out ([`Shell::outgoing`]) and does what it asks for ([`Shell::effect`]): work that blocks, on another
//!   thread if there is one, in the order in which it was asked for within a [`Lane`]. What came of it goes back by
//!   [`Shell::done`].
//!
//! One step takes one element, one block of a source, or one piece of firing. A shell takes no more data while an element
//! waits for credit, while too much work waits in a lane, while its state waits for memory, or while the operator in front
//! wants none; it does take barriers then.

mod again;
mod checkpoint;
mod held;
mod input;
mod journal;
mod outage;
mod recovery;
mod source;
mod times;
mod work;

use super::accounts::Tally;
use super::assembly::Blueprint;
use super::channel::{InputClock, Limits};
use super::exchange::{self, Exchanges};
use super::mailbox::{Failure, News};
use super::reading::Reading;
use super::replay::Replay;
use crate::checkpoint::Alignment;
use crate::fault::guard;
use crate::graph::Logic;
use crate::operator::{Answer, Core, Error};
use crate::record::{DeadLetter, Element, Epoch, LetterId};
use crate::state::Store;
use crate::time::{Clock, Timestamp};
use checkpoint::Pending;
use held::Held;
use input::Input;
pub(super) use journal::Base;
use journal::{Entry, Journal};
use outage::Outage;
use recovery::{Present, Recovery};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
pub(super) use work::{Done, Lane, Work};

/// How many pieces of work may wait in one lane before the shell takes no more data.
const LANE_LIMIT: usize = 4;

/// What a shell asks of its driver.
pub(super) enum Effect {
    /// A batch of an input channel has been processed: its sender gets the credit back.
    Credit {
        channel: usize,
        bytes: usize,
    },
    Work(Work),
    /// To the master.
    Report(News),
}

/// A subtask without its mailbox.
pub(super) struct Shell {
    blueprint: Arc<Blueprint>,
    clock: Arc<dyn Clock>,
    /// `None` after it has failed, and when it is torn down.
    core: Option<Core>,
    /// What the core was handed since its last hand-off, if it can be restarted by itself.
    journal: Option<Journal>,
    /// How many bytes of it before there is a cut.
    journal_limit: usize,
    /// It is cut whatever that costs.
    careful: bool,
    present: Present,
    /// The core is being restarted.
    recovery: Option<Recovery>,
    /// What has been put aside and is not yet part of a committed epoch.
    letters: Held<DeadLetter>,
    /// How many bytes of batches wait whose senders have their credit back.
    parked: usize,
    /// The uids of its sinks.
    sinks: Vec<String>,
    inputs: Vec<Input>,
    input_clock: InputClock,
    alignment: Alignment,
    exchanges: Exchanges,
    tally: Tally,
    reading: Option<Reading>,
    /// A source reads between `start` and the end or a stop.
    reads: bool,
    /// The input channel that is looked at first.
    turn: usize,
    /// A watermark or tick is being fired in pieces.
    firing: bool,
    /// All inputs are silent; those behind are told when all has been fired.
    falls_silent: bool,
    /// The data has ended and `End` has been sent.
    ended: bool,
    /// The outlets were last empty at this time.
    flushed_at: Duration,
    /// How much work is under way or waits: on the state file, and on each sink.
    state_work: usize,
    sink_work: Vec<usize>,
    /// Reads and calls: nothing on the disk waits for them.
    other_work: usize,
    /// Of each sink: that it could not write what it no longer wants to keep.
    sink_outages: Vec<Outage>,
    state_outage: Outage,
    /// The state waits for memory.
    memory_short: bool,
    /// The newest epoch of a barrier for which something is in the state file; zero if nothing ever was.
    written: Epoch,
    /// The newest epoch under which something was written ahead of its barrier, to make room.
    spilled: Epoch,
    pending: Option<Pending>,
    /// Records that are to be handed to the operator again.
    replays: VecDeque<Replay>,
    /// Those that have been, and are not yet part of a committed epoch.
    replayed: Held<LetterId>,
    effects: VecDeque<Effect>,
}

impl Shell {
    /// Builds the core, and the shell around it.
    pub(super) fn build(blueprint: Arc<Blueprint>, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let (plan, chain, index) = (&blueprint.plan, blueprint.chain, blueprint.subtask);
        let head = blueprint.label(blueprint.head());
        let core = guard(|| blueprint.build()).unwrap_or_else(|cause| Err(Failure::panic(head, index, cause)))?;
        let chains = (0..plan.chains.len()).filter(|chain| !plan.is_source(*chain));
        let subtasks: usize = chains.map(|chain| plan.chains[chain].parallelism).sum();
        let limits = Limits { batches: blueprint.config.channel_batches, bytes: blueprint.config.channel_bytes };
        let inputs: Vec<Input> = exchange::inputs(plan, chain, index).into_iter().map(Input::new).collect();
        Ok(Shell {
            clock,
            input_clock: InputClock::new(blueprint.watermarks.clone(), blueprint.clock),
            alignment: Alignment::new(inputs.len()),
            tally: Tally::new(&core, inputs.len()),
            inputs,
            exchanges: Exchanges::new(plan, chain, index, &core.origins(), limits),
            reading: Reading::new(plan, blueprint.head(), &blueprint.splits),
            reads: false,
            turn: 0,
            firing: false,
            falls_silent: false,
            ended: false,
            flushed_at: Duration::ZERO,
            state_work: 0,
            sink_work: core.sinks.iter().map(|_| 0).collect(),
            other_work: 0,
            sink_outages: core.sinks.iter().map(|_| Outage::default()).collect(),
            state_outage: Outage::default(),
            memory_short: false,
            spilled: Epoch::ZERO,
            written: blueprint.state.as_ref().map_or(Epoch::ZERO, |file| file.written),
            pending: None,
            replays: VecDeque::new(),
            replayed: Held::default(),
            effects: VecDeque::new(),
            journal: Shell::new_journal(&blueprint, &core),
            journal_limit: blueprint.config.journal / subtasks.max(1),
            careful: blueprint.careful,
            present: Present::default(),
            recovery: None,
            letters: Held::default(),
            parked: 0,
            sinks: core.sinks.iter().map(|sink| sink.uid.clone()).collect(),
            core: Some(core),
            blueprint,
        })
    }

    // ---------------------------------------------------------------- what the driver sees

    /// The core, unless it has failed or is being brought to where it was.
    pub(super) fn core(&self) -> Option<&Core> {
        let replays = self.journal.as_ref().is_some_and(Journal::replays);
        self.core.as_ref().filter(|_| !replays)
    }

    /// Whether steps may do something.
    pub(super) fn lives(&self) -> bool {
        self.core.is_some() || self.recovery.is_some()
    }

    /// Whether it reads a source.
    pub(super) fn is_source(&self) -> bool {
        self.reading.is_some()
    }

    /// The next thing to be done for it.
    pub(super) fn effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// The next element that may go on a channel.
    pub(super) fn outgoing(&mut self, channel: usize) -> Option<Element> {
        self.exchanges.next(channel)
    }

    /// A receiver has processed a batch.
    pub(super) fn credit(&mut self, channel: usize, bytes: usize) {
        self.exchanges.credit(channel, bytes);
    }

    /// Whether something is still written.
    pub(super) fn is_writing(&self) -> bool {
        self.state_work > 0 || self.sink_work.iter().any(|work| *work > 0)
    }

    /// When it wants to be stepped again though nothing comes, by the clock's `elapsed`.
    pub(super) fn wake_at(&self) -> Option<Duration> {
        let now = self.clock.elapsed();
        let core = self.core.as_ref()?;
        let tick = core.wake_at().filter(|_| !self.ended && self.has_room()).map(|at| now + self.until(core, at));
        let pause = self.pauses_for().filter(|_| self.has_room()).map(|pause| now + pause);
        let read = self.reading.as_ref().and_then(|reading| reading.wake_at(now));
        let silent = self.reading.as_ref().zip(core.idle_timeout());
        let silent = silent.and_then(|(reading, timeout)| reading.silent_at(timeout));
        tick.into_iter().chain(pause).chain(read).chain(silent).chain(self.retries_at(now)).min()
    }

    /// How long its operator takes no data, if it pauses.
    pub(super) fn pauses_for(&self) -> Option<Duration> {
        self.core.as_ref().map(|core| self.pause(core)).filter(|pause| !pause.is_zero())
    }

    /// The core is lost, or no longer wanted. What has been asked for and not begun is not to be done any more.
    pub(super) fn kill(&mut self) {
        for effect in std::mem::take(&mut self.effects) {
            if let Effect::Work(work) = effect {
                *self.lane(work.lane()) -= 1;
            }
        }
        // What the user's values do when they are dropped is the user's code too.
        let (core, recovery) = (self.core.take(), self.recovery.take());
        let _ = guard(|| drop((core, recovery)));
    }

    // ---------------------------------------------------------------- steps

    /// Does one step. Returns whether there may be more to do.
    ///
    /// # Errors
    /// If the core has failed and is not restarted by itself.
    pub(super) fn step(&mut self) -> Result<bool, Failure> {
        // The shell's own panics are our mistakes, but they must not leave the others waiting for ever.
        let worked = guard(|| self.work()).unwrap_or_else(|cause| Err(self.panicked(cause)));
        worked.or_else(|failure| self.survive(failure))
    }

    fn work(&mut self) -> Result<bool, Failure> {
        if self.recovery.is_some() {
            return self.recover();
        }
        if self.core.is_none() {
            return Ok(false);
        }
        let worked = self.take()?;
        self.forward();
        while let Some(call) = self.core.as_ref().and_then(Core::call) {
            self.ask(Work::Call(call));
        }
        if worked {
            self.spill_sinks(false);
            if self.clock.elapsed().saturating_sub(self.flushed_at) >= self.blueprint.config.linger {
                self.flush(false);
            }
        } else if self.has_room() {
            self.flush(true);
        }
        self.retry_sinks();
        let was_short = self.memory_short;
        self.relieve();
        Ok(worked || (was_short && !self.memory_short))
    }

    /// Whether what comes of data has somewhere to go.
    fn has_room(&self) -> bool {
        let sinks = self.sink_work.iter().all(|work| *work < LANE_LIMIT);
        self.exchanges.has_room() && sinks && !self.is_stalled() && !self.memory_short && self.state_work < LANE_LIMIT
    }

    /// Whether the core takes data: no call must be answered first, and it is not to wait.
    fn is_open(&self, core: &Core) -> bool {
        !core.is_full() && self.pause(core).is_zero()
    }

    /// How long the core takes no data.
    fn pause(&self, core: &Core) -> Duration {
        core.free_at().map_or(Duration::ZERO, |at| self.until(core, at))
    }

    /// Takes the next thing to be done, if any.
    fn take(&mut self) -> Result<bool, Failure> {
        let room = self.has_room();
        if self.firing {
            if room {
                self.resume()?;
            }
            return Ok(room);
        }
        if self.reading.is_some() {
            let reads = room && self.reads;
            return if reads { Ok(self.take_again()? || self.read()?) } else { Ok(false) };
        }
        if room && self.tick()? {
            return Ok(true);
        }
        // The end has been taken, so nothing but barriers can follow. The last of them marks the job finished, and must not
        // overtake records.
        let drains = |core: &Core| core.clock.get() == Timestamp::MAX && !core.is_drained();
        if self.core.as_ref().is_some_and(drains) {
            return Ok(false);
        }
        let open = self.core.as_ref().is_some_and(|core| self.is_open(core));
        if room && open && self.take_again()? {
            return Ok(true);
        }
        self.take_element(room && open)
    }

    /// Tells the core of processing time if it is due.
    fn tick(&mut self) -> Result<bool, Failure> {
        let Some(core) = self.core.as_ref().filter(|_| !self.ended) else { return Ok(false) };
        let due = core.wake_at().is_some_and(|at| self.until(core, at).is_zero());
        if due {
            self.hand_over(Entry::Tick)?;
        }
        Ok(due)
    }

    /// How long it is until processing time has come to `at`.
    fn until(&self, core: &Core, at: Timestamp) -> Duration {
        let wait = at.millis_since(self.clock.now().max(core.now()));
        Duration::from_millis(u64::try_from(wait).unwrap_or(0))
    }

    /// Moves the core's clock on.
    fn advance(&mut self, clock: Timestamp) -> Result<(), Failure> {
        self.hand_over(Entry::Watermark(clock))
    }

    /// Fires on; at the end of time the data has ended when all has been fired.
    fn resume(&mut self) -> Result<(), Failure> {
        self.firing = !self.call(Core::resume)?;
        if !self.firing {
            self.processed()?;
        }
        if !self.firing && std::mem::take(&mut self.falls_silent) {
            self.flush_outlets();
            self.emit(&Element::Idle);
        }
        self.end_if_over();
        Ok(())
    }

    /// The data has ended when the clock has come to the end of time, all has been fired, and no record waits.
    fn end_if_over(&mut self) {
        let over = |core: &Core| core.clock.get() == Timestamp::MAX && core.is_drained();
        if !self.firing && !self.ended && self.core.as_ref().is_some_and(over) {
            self.ended = true;
            self.flush_outlets();
            self.emit(&Element::End);
            if self.reading.is_some() {
                self.report(News::Ended);
            }
        }
    }

    /// A call to the outside has been answered.
    fn answered_call(&mut self, call: u64, answer: Answer) -> Result<(), Failure> {
        if let Some(core) = &mut self.core {
            core.stamp(self.clock.now());
            self.call(|core| core.answer(call, answer))?;
            self.forward();
            self.end_if_over();
        }
        Ok(())
    }

    /// Calls into the core, where the user's code is.
    fn call<R>(&mut self, code: impl FnOnce(&mut Core) -> Result<R, Error>) -> Result<R, Failure> {
        let core = self.core.as_mut().expect("steps run only while there is a core");
        let result = guard(|| code(core));
        let site = core.site();
        match result {
            Ok(Ok(value)) if !self.was_struck() => Ok(value),
            Ok(Ok(_)) => {
                let (label, subtask) = (self.blueprint.label(self.blueprint.head()), self.blueprint.subtask);
                let failure = Failure::panic(label, subtask, "struck by chance".to_owned());
                Err(Failure { by_code: true, tolerated: true, ..failure })
            }
            Ok(Err(error)) => {
                let failure = Failure::error(self.blueprint.label(site), self.blueprint.subtask, &error);
                Err(Failure { by_code: error.is_by_code(), ..failure })
            }
            Err(cause) => {
                let failure = Failure::panic(self.blueprint.label(site), self.blueprint.subtask, cause);
                // A writer that was interrupted cannot be used any more.
                let is_sink = matches!(self.blueprint.plan.graph.nodes[site].logic, Logic::Sink(_));
                Err(Failure { by_code: !is_sink, ..failure })
            }
        }
    }

    /// A panic outside the user's code.
    fn panicked(&self, cause: String) -> Failure {
        Failure::panic(self.blueprint.label(self.blueprint.head()), self.blueprint.subtask, cause)
    }

    /// The state, also while there is no core.
    fn store(&mut self) -> Option<&mut Store> {
        let remains = self.recovery.as_mut().and_then(Recovery::remains).and_then(|remains| remains.store.as_mut());
        remains.or_else(|| self.core.as_mut().and_then(|core| core.store.as_mut()))
    }

    fn report(&mut self, news: News) {
        self.effects.push_back(Effect::Report(news));
    }

    // ---------------------------------------------------------------- output

    fn flush_outlets(&mut self) {
        if let Some(core) = &self.core {
            core.flush();
        }
        self.forward();
    }

    /// Lets go what has gathered, because nothing else is to be done (`idle`) or it has waited long enough.
    fn flush(&mut self, idle: bool) {
        self.flushed_at = self.clock.elapsed();
        self.flush_outlets();
        self.spill_sinks(idle);
    }

    /// Puts what has come out of the core into its channels.
    fn forward(&mut self) {
        let Some(core) = &self.core else { return };
        while let Some((outlet, outgoing)) = core.outgoing() {
            let outgoing = match &mut self.journal {
                Some(journal) => journal.pass(outlet, outgoing),
                None => Some(outgoing),
            };
            outgoing.into_iter().for_each(|outgoing| self.exchanges.push(outlet, outgoing));
        }
    }

    fn emit(&mut self, element: &Element) {
        self.exchanges.broadcast(element);
    }
}
