//! A shell's part in checkpoints: what happens at a barrier, when the work for it has been done, and when the epoch is
//! committed.

use super::super::assembly::Blueprint;
use super::super::exchange;
use super::super::mailbox::{Failure, News, Part};
use super::super::watchdog::Stage;
use super::recovery::Recovery;
use super::{Shell, Work};
use crate::bug::{self, Bug};
use crate::checkpoint::SubtaskEntry;
use crate::checkpoint::accounting::Account;
use crate::record::{DeadLetter, Element, Epoch, LetterId};
use crate::state::{self, Export, FlushOutcome};
use serde_json::Value;
use std::collections::BTreeMap;

/// A part of an epoch that is being made durable.
pub(super) struct Pending {
    epoch: Epoch,
    entry: SubtaskEntry,
    account: Account,
    sinks: Vec<(String, Value)>,
    letters: Vec<DeadLetter>,
    replayed: Vec<LetterId>,
    /// How many jobs have not answered.
    missing: usize,
    failure: Option<String>,
}

impl Shell {
    /// The coordinator opens an epoch at a source; with `stop`, nothing is read behind it.
    pub(in super::super) fn trigger(&mut self, epoch: Epoch, stop: bool) -> Result<(), Failure> {
        self.reads &= !stop;
        if self.core.is_some() { self.barrier(epoch) } else { Ok(()) }
    }

    /// The barrier of `epoch` has come on all channels, or from the coordinator to a source.
    pub(super) fn barrier(&mut self, epoch: Epoch) -> Result<(), Failure> {
        if !bug::is(Bug::BarrierFirst) {
            self.flush_outlets();
        }
        let prepared = self.call(|core| Ok(core.prepare(epoch)))?;
        let account = self.account();
        self.emit(&Element::Barrier(epoch));
        self.handed_off(Some(epoch));
        let letters = self.letters.give(epoch);
        // What was spilled before is part of this epoch, also if nothing is left to be flushed for it. What is spilled from
        // here on belongs to the next one, and must not be told before that.
        self.written = self.written.max(self.spilled);

        let (plan, head) = (&self.blueprint.plan, self.blueprint.head());
        let mut watermarks: BTreeMap<String, i64> = BTreeMap::new();
        for (channel, input) in self.inputs.iter().enumerate() {
            let sender = plan.graph.nodes[plan.edges[input.end.edge].origin.0].uid.clone();
            let millis = self.input_clock.channel(channel).millis();
            watermarks.entry(sender).and_modify(|least| *least = millis.min(*least)).or_insert(millis);
        }
        let core = self.core.as_ref().expect("a core has just prepared");
        let mut clock = core.clock.get().millis();
        if bug::is(Bug::ForgetWatermarks) {
            (clock, watermarks) = (i64::MIN, BTreeMap::new());
        }
        let entry = SubtaskEntry {
            chain: plan.graph.nodes[head].uid.clone(),
            index: self.blueprint.subtask,
            clock,
            now: core.now().millis(),
            watermarks,
            splits: core.splits.borrow().clone(),
            operators: prepared.small,
        };
        let missing = prepared.sinks.len() + usize::from(prepared.flush.is_some());
        let replayed = self.replayed.give(epoch);
        let (sinks, failure) = (Vec::new(), None);
        self.pending = Some(Pending { epoch, entry, account, sinks, letters, replayed, missing, failure });
        prepared.flush.into_iter().for_each(|flush| self.ask(Work::Flush(flush, Some(epoch))));
        for (sink, (_, _, job)) in prepared.sinks.into_iter().enumerate() {
            self.ask(Work::Prepare(sink, epoch, job));
        }
        self.acknowledge();
        Ok(())
    }

    /// What has been counted up to here, in this life. The outlets must have been flushed.
    fn account(&self) -> Account {
        let Blueprint { plan, chain, subtask, .. } = &*self.blueprint;
        let sent = exchange::outputs(plan, *chain, *subtask).into_iter().zip(self.exchanges.records());
        let inputs = self.inputs.iter().map(|input| input.end);
        let core = self.core.as_ref().expect("a core has just prepared");
        self.tally.account(*subtask, core, inputs, sent)
    }

    /// Where it stands in a checkpoint.
    pub(in super::super) fn stage(&self) -> Stage {
        let missing: Vec<_> = self.alignment.missing().map(|channel| self.inputs[channel].end).collect();
        if !missing.is_empty() {
            return Stage::Aligning(missing);
        }
        if self.pending.is_none() {
            return Stage::Before;
        }
        let sinks = self.sinks.iter().zip(&self.sink_work).filter(|(_, work)| **work > 0);
        Stage::Writing { state: self.state_work > 0, sinks: sinks.map(|(sink, _)| sink.clone()).collect() }
    }

    /// State has been written, for the barrier of an epoch or to make room.
    pub(super) fn flushed(&mut self, outcome: FlushOutcome, barrier: Option<Epoch>) {
        let result = outcome.result().map_err(ToString::to_string);
        if let Some(store) = self.store() {
            store.flushed(outcome);
        }
        match &result {
            Ok(_) => self.state_writes(),
            Err(cause) => self.state_fails(cause, barrier.is_none()),
        }
        match (barrier, result) {
            (Some(epoch), Ok(_)) => {
                self.written = epoch;
                self.answered(epoch, Ok(None));
            }
            (Some(epoch), Err(failure)) => self.answered(epoch, Err(failure)),
            (None, Ok(epoch)) => self.spilled = epoch,
            (None, Err(_)) => {}
        }
    }

    /// One job of an epoch has answered.
    pub(super) fn answered(&mut self, epoch: Epoch, answer: Result<Option<(String, Value)>, String>) {
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.epoch == epoch) else { return };
        pending.missing -= 1;
        match answer {
            Ok(prepared) => pending.sinks.extend(prepared),
            Err(failure) => {
                pending.failure.get_or_insert(failure);
            }
        }
        self.acknowledge();
    }

    /// Acknowledges the epoch when all its jobs have answered.
    pub(super) fn acknowledge(&mut self) {
        let Some(pending) = self.pending.take_if(|pending| pending.missing == 0) else { return };
        let written = self.blueprint.state.is_some().then_some(self.written);
        let Pending { entry, account, sinks, letters, replayed, .. } = pending;
        let part = match pending.failure {
            None => Ok(Part { entry, account, written, sinks, letters, replayed }),
            Some(failure) => Err(format!(
                "operator `{}`, subtask {}: {failure}",
                self.blueprint.label(self.blueprint.head()),
                self.blueprint.subtask
            )),
        };
        self.report(News::Answer(pending.epoch, Box::new(part)));
    }

    /// A view of the state file at an epoch that is complete; `None` if there is no file, or nobody who could tell.
    pub(in super::super) fn export(&mut self, epoch: Epoch) -> Option<Result<Export, state::Error>> {
        self.store().map(|store| store.export(epoch))
    }

    /// The epoch is complete and committed: what was kept for going behind `freed` can go.
    pub(in super::super) fn committed(&mut self, epoch: Epoch, freed: Epoch) {
        self.letters.committed(epoch);
        self.replayed.committed(epoch);
        let lost = self.recovery.as_mut().and_then(Recovery::remains).map(|remains| &remains.sinks);
        let sinks = lost.or_else(|| self.core.as_ref().map(|core| &core.sinks));
        sinks.into_iter().flatten().for_each(|sink| sink.port.borrow_mut().committed(epoch));
        let fold = self.store().and_then(|store| store.free(freed));
        fold.into_iter().for_each(|fold| self.ask(Work::Fold(fold)));
    }
}
