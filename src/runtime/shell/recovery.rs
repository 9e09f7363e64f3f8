//! Local restart: a core that the user's code has broken is built anew from the last hand-off of its state, and the journal
//! is replayed. Those before and behind see a pause.
//!
//! # How
//! * The core that failed is taken apart: its store and the writers of its sinks outlive it.
//! * The master is asked, since the restart strategy counts this as a failure like any other; it does not wait between.
//! * When all writes of its state that are under way have ended, the store is rewound to the last hand-off and a new core is
//!   built around it.
//! * The journal is replayed, with the stamps of processing time that were read then. What the core brings is compared with
//!   what had been sent, by count: so much is not sent again.
//! * The last element in the journal is the one that failed. It is processed as if it had just come.
//!
//! # From where
//! A *hand-off* is a barrier, or a *cut*: when the journal is full, what has changed is written without a barrier, and the
//! journal begins anew. Both happen between elements only, with empty outlets. A hand-off counts from when it is made, though
//! it may still have to be written: a new core is only built when it is.
//!
//! A cut writes each changed key once more. Where records come at full speed to ever other keys that costs more than a
//! failure is worth, so as long as nothing has failed such a journal is *given up* instead, until the next hand-off: a failure
//! before that takes the whole job back. From then on, or once the subtask has been restarted by itself, it is always cut.
//!
//! # What cannot be restarted here
//! Sources, and operators that do not do the same again when they are handed the same: those whose output depends on
//! answers from outside or on when it is flushed. They take the whole job back to the last checkpoint, and so does everything
//! that is not the user's code: a disk, a sink. A replay that does not bring what had been sent is an error that says so.
//!
//! # Poison
//! The shell knows which record of a batch is being processed: it has been counted. One that kills the core again and again
//! is taken out of its batch in the journal, if the operator's policy is that.

use super::super::assembly::Blueprint;
use super::super::mailbox::{Failure, News};
use super::super::status::LocalRestart;
use super::journal::{Base, Entry, Journal, Noted};
use super::{Effect, Shell, Work};
use crate::config::Restart;
use crate::fault::{Fault, guard};
use crate::graph::Exchange;
use crate::operator::{self, Core, Error, OnError, Poison, Remains, Skip};
use crate::record::{DeadLetter, Epoch};
use crate::state::Store;
use std::collections::BTreeMap;
use std::time::Duration;

/// A shell without journalled state keeps so many elements before it begins its journal anew.
const STATELESS: usize = 64;
/// A cut is cheap if it writes no more than this, or than this part of the journal.
const CHEAP: usize = 1 << 20;
const CHEAP_PART: usize = 8;

/// A core is being brought to where the last one was lost.
pub(super) struct Recovery {
    /// The master has agreed.
    permitted: bool,
    /// Until it is built.
    remains: Option<Remains>,
    /// Which element of the journal is replayed.
    cursor: usize,
    /// It is being fired in pieces.
    firing: bool,
}

impl Recovery {
    pub(super) fn remains(&mut self) -> Option<&mut Remains> {
        self.remains.as_mut()
    }
}

/// What a shell knows of the present element.
#[derive(Default)]
pub(super) struct Present {
    /// It is being processed.
    open: bool,
    /// How many records the operator in front had taken before it.
    before: u64,
    /// The call that the last core died of, and how many have: element, record in it, deaths.
    deaths: Option<(usize, u64, u32)>,
    /// The next call into the core is to fail, as if the user's code had panicked at its end.
    struck: bool,
    /// Since when there is a recovery, by the clock's `elapsed`, and why.
    lost: Option<(Duration, Failure)>,
}

impl Shell {
    /// A journal for this core, if it can be restarted by itself.
    pub(super) fn new_journal(blueprint: &Blueprint, core: &Core) -> Option<Journal> {
        let (plan, base) =
            (&blueprint.plan, Base { epoch: blueprint.epoch, small: None, clock: core.clock.get(), now: core.now() });
        let mut nodes = plan.chains[blueprint.chain].nodes.iter().map(|node| &plan.graph.nodes[*node]);
        let replays = blueprint.config.journal > 0 && core.replays() && nodes.all(|node| node.deterministic);
        replays.then(|| Journal::new(base, core.origins().len()))
    }

    // ---------------------------------------------------------------- elements

    /// Hands an element to the core.
    pub(super) fn hand_over(&mut self, entry: Entry) -> Result<(), Failure> {
        let Some(core) = &mut self.core else { return Ok(()) };
        core.stamp(self.clock.now());
        if let Some(journal) = self.journal.as_mut().filter(|journal| !journal.is_lost()) {
            journal.note(entry.clone(), core.now());
        }
        self.process(entry, &BTreeMap::new())
    }

    fn process(&mut self, entry: Entry, skips: &BTreeMap<u64, Skip>) -> Result<(), Failure> {
        self.mark(skips);
        match entry {
            Entry::Batch { channel, input, batch, bytes, reopens } => {
                self.call(|core| if reopens { core.batch_reopening(input, batch) } else { core.batch(input, batch) })?;
                self.effects.extend(channel.map(|channel| Effect::Credit { channel, bytes }));
                self.processed()
            }
            Entry::Fed { uid, batch } => {
                self.call(|core| core.feed(&uid, batch))?;
                self.processed()
            }
            Entry::Watermark(clock) => {
                self.firing = true;
                self.call(|core| core.watermark(clock))?;
                self.resume()
            }
            Entry::Tick => {
                self.firing = true;
                self.call(Core::tick)?;
                self.resume()
            }
        }
    }

    /// Here an element begins, of which some timers are left out.
    fn mark(&mut self, skips: &BTreeMap<u64, Skip>) {
        self.present.open = true;
        let head = self.blueprint.head();
        if let Some(core) = &self.core {
            core.firing.reset(skips);
            self.present.before = core.records_in(head);
        }
    }

    /// The core has processed an element.
    pub(super) fn processed(&mut self) -> Result<(), Failure> {
        self.present.open = false;
        let Some(journal) = &self.journal else { return Ok(()) };
        if journal.replays() {
            self.recovered()?;
        }
        self.present.deaths = None;
        let Some((journal, core)) = self.journal.as_ref().zip(self.core.as_ref()) else { return Ok(()) };
        let stateless = core.store.is_none() && journal.len() >= STATELESS && core.is_flushed();
        if !stateless && journal.bytes() <= self.journal_limit {
            return Ok(());
        }
        let changed = core.store.as_ref().map_or(0, |store| store.memory().dirty);
        if self.careful || changed <= CHEAP.max(journal.bytes() / CHEAP_PART) {
            self.cut();
        } else {
            self.journal.iter_mut().for_each(Journal::give_up);
        }
        Ok(())
    }

    // ---------------------------------------------------------------- hand-offs

    /// Hands off what has changed, without a barrier.
    fn cut(&mut self) {
        self.flush_outlets();
        let flush = self.core.as_mut().and_then(|core| core.store.as_mut()).and_then(|store| store.cut());
        flush.into_iter().for_each(|flush| self.ask(Work::Flush(flush, None)));
        self.handed_off(None);
    }

    /// State has been handed off, for the barrier of an epoch or to make room, and nothing waits in an outlet: here a new
    /// core would begin.
    pub(super) fn handed_off(&mut self, barrier: Option<Epoch>) {
        self.letters.add(self.core.as_ref().map(Core::take_letters).unwrap_or_default());
        let Some((journal, core)) = self.journal.as_mut().zip(self.core.as_ref()) else { return };
        core.begin();
        let epoch = barrier.unwrap_or(journal.base().epoch);
        journal.begin(Base { epoch, small: Some(core.small()), clock: core.clock.get(), now: core.now() });
    }

    /// Whether state may be handed off now, to make room.
    pub(super) fn may_cut(&self) -> bool {
        self.journal.as_ref().is_none_or(|journal| !self.present.open && !journal.replays())
    }

    // ---------------------------------------------------------------- failure

    /// Makes the next element fail, if the core can be restarted by itself: for whoever wants to see that nothing comes of it.
    pub(in super::super) fn strike(&mut self) -> bool {
        self.present.struck = self.journal.as_ref().is_some_and(|journal| !journal.is_lost());
        self.present.struck
    }

    /// Whether the call that has just returned counts as failed.
    pub(super) fn was_struck(&mut self) -> bool {
        self.present.open && std::mem::take(&mut self.present.struck)
    }

    /// The core has failed. Begins a local restart, or says why there is none.
    pub(super) fn survive(&mut self, failure: Failure) -> Result<bool, Failure> {
        let replays = self.recovery.as_ref().map(|recovery| recovery.cursor);
        let Some((journal, core)) = self.journal.as_mut().zip(self.core.as_ref()) else { return Err(failure) };
        if !self.present.open || !failure.by_code || journal.len() == 0 {
            return Err(failure);
        }
        if failure.tolerated {
            return self.take_apart(failure);
        }
        let element = replays.unwrap_or(journal.len() - 1);
        let policy = self.blueprint.plan.graph.nodes[core.site()].on_error;
        if policy.poison == Poison::Fail
            && (self.blueprint.config.restart == Restart::None || failure.fault == Fault::User)
        {
            return Err(failure);
        }
        // Of a batch its record, of what moves time on the timer.
        let is_batch = journal.noted(element).is_some_and(|noted| matches!(noted.entry, Entry::Batch { .. }));
        let record = match core.firing.open().filter(|_| !is_batch) {
            Some(timer) => timer,
            None => core.records_in(self.blueprint.head()).saturating_sub(self.present.before),
        };
        let deaths = match self.present.deaths {
            Some((at, which, deaths)) if (at, which) == (element, record) => deaths + 1,
            _ => 1,
        };
        self.present.deaths = Some((element, record, deaths));
        if deaths > policy.restarts {
            if !self.put_aside(policy, element, record, &failure) {
                return Err(failure);
            }
            self.present.deaths = None;
        }
        let tolerated = policy.poison != Poison::Fail;
        self.take_apart(Failure { tolerated, ..failure })
    }

    /// Takes a record or timer out of the journal. Says whether it could be, and may be.
    fn put_aside(&mut self, policy: OnError, element: usize, record: u64, failure: &Failure) -> bool {
        let Some((journal, core)) = self.journal.as_mut().zip(self.core.as_ref()) else { return false };
        if policy.poison == Poison::Fail {
            return false;
        }
        let Some(Noted { entry: Entry::Batch { input, .. }, .. }) = journal.noted(element) else {
            let Some(timer) = core.firing.open() else { return false };
            tracing::warn!(operator = %failure.operator, subtask = failure.subtask, cause = %failure.cause,
                "a timer is left out: the operator fails on it again and again");
            let keep = policy.poison == Poison::DeadLetter;
            journal.skip(element, timer, Skip { cause: failure.cause.clone(), keep });
            return true;
        };
        let (plan, input) = (&self.blueprint.plan, *input);
        let mut edges = plan.edges.iter().filter(|edge| edge.to == self.blueprint.chain && edge.input == input);
        let shared = edges.any(|edge| edge.exchange == Exchange::Broadcast);
        let Some(index) = record.checked_sub(1).filter(|_| !shared) else {
            return false;
        };
        let Some(batch) = journal.take_out(element, index as usize) else { return false };
        let view = batch.record(index as usize);
        tracing::warn!(operator = %failure.operator, subtask = failure.subtask, cause = %failure.cause,
            "a record is left out: the operator fails on it again and again");
        if let Some(view) = view.filter(|_| policy.poison == Poison::DeadLetter) {
            let head = self.blueprint.head();
            let position = format!("record {} of its subtask", core.records_in(head));
            let (uid, entry) = (&plan.graph.nodes[core.site()].uid, &plan.graph.nodes[head].uid);
            let (types, subtask) = (&plan.graph.types, self.blueprint.subtask);
            let letter = operator::dead_letter(types, (uid, entry), subtask, position, failure.cause.clone(), &view);
            self.letters.add(vec![DeadLetter { input, ..letter }]);
        }
        true
    }

    /// Takes the core apart, and begins to build another.
    fn take_apart(&mut self, failure: Failure) -> Result<bool, Failure> {
        let Some(core) = self.core.take() else { return Err(failure) };
        // What the user's values do when they are dropped is the user's code too.
        let Ok(remains) = guard(|| core.into_remains()) else { return Err(failure) };
        remains.sinks.iter().for_each(|sink| sink.port.borrow_mut().rewind());
        self.journal.iter_mut().for_each(Journal::rewind);
        self.present.open = false;
        self.careful = true;
        self.present.lost.get_or_insert((self.clock.elapsed(), failure.clone()));
        let permitted = failure.tolerated;
        self.recovery = Some(Recovery { permitted, remains: Some(remains), cursor: 0, firing: false });
        self.report(News::Restarting(failure));
        Ok(true)
    }

    // ---------------------------------------------------------------- recovery

    /// The master agrees to the restart.
    pub(in super::super) fn permit(&mut self) {
        self.recovery.iter_mut().for_each(|recovery| recovery.permitted = true);
    }

    /// Goes on with a local restart by one step. Returns whether there is more to do.
    pub(super) fn recover(&mut self) -> Result<bool, Failure> {
        if self.recovery.as_ref().is_some_and(|recovery| recovery.remains.is_some()) {
            let permitted = self.recovery.as_ref().is_some_and(|recovery| recovery.permitted);
            if !permitted || self.state_work > 0 {
                return Ok(false);
            }
            return self.rebuild().map(|()| true);
        }
        let (Some(recovery), Some(journal)) = (&self.recovery, &self.journal) else { return Ok(false) };
        let Some(noted) = journal.noted(recovery.cursor).cloned() else { return Ok(false) };
        let is_last = recovery.cursor + 1 == journal.len();
        if is_last && !self.has_room() {
            return Ok(false);
        }
        if recovery.firing {
            self.replay(Core::resume, |recovery, done| recovery.firing = !done)?;
            return Ok(true);
        }
        if let Some(core) = &mut self.core {
            core.stamp(noted.now);
            core.count_dead(self.blueprint.head(), noted.dead);
        }
        if is_last {
            self.recovery = None;
            return self.process(noted.entry, &noted.skips).map(|()| true);
        }
        self.mark(&noted.skips);
        match noted.entry {
            Entry::Batch { input, batch, reopens: true, .. } => {
                self.replay(|core| core.batch_reopening(input, batch), |_, ()| {})?;
            }
            Entry::Batch { input, batch, .. } => self.replay(|core| core.batch(input, batch), |_, ()| {})?,
            Entry::Watermark(clock) => self.replay(|core| core.watermark(clock), |it, ()| it.firing = true)?,
            Entry::Fed { uid, batch } => self.replay(|core| core.feed(&uid, batch), |_, _| {})?,
            Entry::Tick => self.replay(Core::tick, |it, ()| it.firing = true)?,
        }
        Ok(true)
    }

    /// Calls into the core for an element of the journal that is not the last.
    fn replay<R>(
        &mut self,
        code: impl FnOnce(&mut Core) -> Result<R, Error>,
        then: impl FnOnce(&mut Recovery, R),
    ) -> Result<(), Failure> {
        let result = self.call(code)?;
        self.forward();
        if let Some(recovery) = &mut self.recovery {
            then(recovery, result);
            if !recovery.firing {
                recovery.cursor += 1;
                self.present.open = false;
            }
        }
        Ok(())
    }

    /// Builds a new core from the last hand-off.
    fn rebuild(&mut self) -> Result<(), Failure> {
        let remains = self.recovery.as_mut().and_then(|recovery| recovery.remains.take());
        let (Some(mut remains), Some(journal)) = (remains, &self.journal) else { return Ok(()) };
        let (head, subtask) = (self.blueprint.label(self.blueprint.head()), self.blueprint.subtask);
        if let Some(Err(error)) = remains.store.as_mut().map(Store::rewind) {
            return Err(Failure::error(head, subtask, &error));
        }
        let core = guard(|| self.blueprint.rebuild(journal.base(), remains))
            .unwrap_or_else(|cause| Err(Failure::panic(head, subtask, cause)))?;
        self.core = Some(core);
        Ok(())
    }

    /// The new core is where the last one was lost, and has come through.
    fn recovered(&mut self) -> Result<(), Failure> {
        // Some of what had been sent may have gathered in the outlets only.
        self.flush_outlets();
        let Some((journal, core)) = self.journal.as_mut().zip(self.core.as_ref()) else { return Ok(()) };
        let missing = journal.end_replay() + core.sinks.iter().map(|sink| sink.port.borrow().to_skip()).sum::<u64>();
        let (replayed, epoch) = (journal.len(), journal.base().epoch);
        let Some((began, failure)) = self.present.lost.take() else { return Ok(()) };
        let Failure { operator, subtask, cause, .. } = failure;
        if missing > 0 {
            let told = format!(
                "handed the same records again it left out {missing} of the rows that it had sent before (it had failed: \
                 {cause}); operators must be deterministic, and one that cannot be is declared .nondeterministic()"
            );
            return Err(Failure {
                operator,
                subtask,
                cause: told,
                fault: Fault::Internal,
                by_code: false,
                tolerated: false,
            });
        }
        let took = self.clock.elapsed().saturating_sub(began);
        let at = Duration::ZERO;
        self.report(News::Restarted(LocalRestart { operator, subtask, cause, epoch, replayed, at, took }));
        Ok(())
    }
}
