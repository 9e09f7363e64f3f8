//! A subtask's part in checkpoints: what happens at a barrier, when its jobs have answered, and when the epoch is committed.

use super::super::lane::{Lane, LaneId};
use super::super::mailbox::{Failure, News, Part};
use super::Subtask;
use crate::checkpoint::SubtaskEntry;
use crate::record::{Element, Epoch};
use crate::state::Relief;
use actix::Context;
use serde_json::Value;
use std::collections::BTreeMap;

/// A part of an epoch that is being made durable.
pub(super) struct Pending {
    epoch: Epoch,
    entry: SubtaskEntry,
    sinks: Vec<(String, Value)>,
    /// How many jobs have not answered.
    missing: usize,
    failure: Option<String>,
}

impl Subtask {
    /// The barrier of `epoch` has come on all channels, or from the coordinator to a source.
    pub(super) fn barrier(&mut self, epoch: Epoch, ctx: &mut Context<Self>) -> Result<(), Failure> {
        self.flush_outlets();
        let prepared = self.call(|core| Ok(core.prepare(epoch)))?;
        self.emit(&Element::Barrier(epoch));
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
        let entry = SubtaskEntry {
            chain: plan.graph.nodes[head].uid.clone(),
            index: self.blueprint.subtask,
            clock: core.clock.get().millis(),
            now: core.now().millis(),
            watermarks,
            splits: core.splits.borrow().clone(),
            operators: prepared.small,
        };
        let missing = prepared.sinks.len() + usize::from(prepared.flush.is_some());
        self.pending = Some(Pending { epoch, entry, sinks: Vec::new(), missing, failure: None });
        if let Some(flush) = prepared.flush {
            Lane::run(
                self,
                ctx,
                LaneId::State,
                move || flush.run(),
                move |subtask, outcome| {
                    let error = outcome.result().err().map(ToString::to_string);
                    if error.is_none() {
                        subtask.written = epoch;
                    }
                    if let Some(store) = subtask.core.as_mut().and_then(|core| core.store.as_mut()) {
                        store.flushed(outcome);
                    }
                    subtask.answered(epoch, error.map_or(Ok(None), Err));
                },
            );
        }
        for (sink, (uid, _, job)) in prepared.sinks.into_iter().enumerate() {
            Lane::run(self, ctx, LaneId::Sink(sink), job, move |subtask, done| {
                subtask.sink_stalled &= done.is_err();
                subtask.answered(epoch, done.map(|value| Some((uid, value))).map_err(|error| error.to_string()));
            });
        }
        self.acknowledge();
        Ok(())
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
        let part = match pending.failure {
            None => Ok(Part { entry: pending.entry, written, sinks: pending.sinks }),
            Some(failure) => Err(format!(
                "operator `{}`, subtask {}: {failure}",
                self.blueprint.label(self.blueprint.head()),
                self.blueprint.subtask
            )),
        };
        self.report(News::Answer(pending.epoch, Box::new(part)));
    }

    /// The epoch is complete and committed: what was kept for going behind it can go.
    pub(super) fn committed(&mut self, epoch: Epoch, ctx: &mut Context<Self>) {
        let Some(core) = &mut self.core else { return };
        core.committed(epoch);
        if let Some(fold) = core.store.as_mut().and_then(|store| store.free(epoch)) {
            Lane::run(
                self,
                ctx,
                LaneId::State,
                move || fold.run(),
                |subtask, outcome| {
                    if let Some(store) = subtask.core.as_mut().and_then(|core| core.store.as_mut()) {
                        store.folded(outcome);
                    }
                },
            );
        }
    }

    /// Keeps the state within its memory.
    pub(super) fn relieve(&mut self, ctx: &mut Context<Self>) {
        let Some(store) = self.core.as_mut().and_then(|core| core.store.as_mut()) else { return };
        let relief = store.relieve();
        let was_short = std::mem::replace(&mut self.memory_short, matches!(relief, Relief::Wait));
        if let Relief::Spill(flush) = relief {
            Lane::run(
                self,
                ctx,
                LaneId::State,
                move || flush.run(),
                |subtask, outcome| {
                    if let Ok(epoch) = outcome.result() {
                        subtask.spilled = epoch;
                    }
                    if let Some(store) = subtask.core.as_mut().and_then(|core| core.store.as_mut()) {
                        store.flushed(outcome);
                    }
                },
            );
        }
        if was_short && !self.memory_short {
            self.wake(ctx);
        }
    }
}
