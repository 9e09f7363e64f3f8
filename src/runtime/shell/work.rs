//! What may block, and so is done on another thread: writing state and output, reading input, calls to the outside. Work of one
//! lane is done in the order in which it was asked for.

use super::super::calls;
use super::super::mailbox::Failure;
use super::super::reading::{ReadDone, ReadJob};
use super::{Effect, Shell};
use crate::connector::{Prepared, SinkJob};
use crate::fault::guard;
use crate::operator::{Answer, Call};
use crate::record::Epoch;
use crate::state::{Flush, FlushOutcome, Fold, FoldOutcome};
use serde_json::Value;

/// Work that must keep its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Lane {
    /// Writes of its state file.
    State,
    /// Writes of one of its sinks.
    Sink(usize),
    /// Reads of one split.
    Split(usize),
    /// One call to the outside.
    Call(u64),
}

/// Work that may block.
pub(in super::super) enum Work {
    /// Writes state; for the barrier of an epoch, or to make room.
    Flush(Flush, Option<Epoch>),
    Fold(Fold),
    /// Makes durable what a sink has been given, for the barrier of an epoch.
    Prepare(usize, Epoch, Prepared),
    Spill(usize, SinkJob),
    Read(ReadJob),
    Call(Call),
}

/// What came of it.
pub(in super::super) enum Done {
    Flushed(FlushOutcome, Option<Epoch>),
    Folded(FoldOutcome),
    Prepared(usize, Epoch, Result<Value, crate::connector::Error>),
    Spilled(usize, Result<(), crate::connector::Error>),
    Read(ReadDone),
    Answered(u64, Answer),
    /// It panicked.
    Panicked(String),
}

impl Work {
    pub(in super::super) fn lane(&self) -> Lane {
        match self {
            Work::Flush(..) | Work::Fold(_) => Lane::State,
            Work::Prepare(sink, ..) | Work::Spill(sink, _) => Lane::Sink(*sink),
            Work::Read(job) => Lane::Split(job.split),
            Work::Call(call) => Lane::Call(call.id),
        }
    }

    pub(in super::super) fn run(self) -> Done {
        guard(|| match self {
            Work::Flush(flush, barrier) => Done::Flushed(flush.run(), barrier),
            Work::Fold(fold) => Done::Folded(fold.run()),
            Work::Prepare(sink, epoch, job) => Done::Prepared(sink, epoch, job()),
            Work::Spill(sink, job) => Done::Spilled(sink, job()),
            Work::Read(job) => Done::Read(job.run()),
            Work::Call(call) => calls::make_here(call),
        })
        .unwrap_or_else(Done::Panicked)
    }
}

impl Shell {
    pub(super) fn ask(&mut self, work: Work) {
        *self.lane(work.lane()) += 1;
        self.effects.push_back(Effect::Work(work));
    }

    /// How much work of a lane is under way or waits.
    pub(super) fn lane(&mut self, lane: Lane) -> &mut usize {
        match lane {
            Lane::State => &mut self.state_work,
            Lane::Sink(sink) => &mut self.sink_work[sink],
            Lane::Split(_) | Lane::Call(_) => &mut self.other_work,
        }
    }

    /// Work of a lane has been done.
    pub(in super::super) fn done(&mut self, lane: Lane, done: Done) -> Result<(), Failure> {
        *self.lane(lane) -= 1;
        match done {
            Done::Flushed(outcome, barrier) => self.flushed(outcome, barrier),
            Done::Folded(outcome) => {
                if let Some(store) = self.store() {
                    store.folded(outcome);
                }
            }
            Done::Prepared(sink, epoch, result) => {
                if result.is_ok() {
                    self.sink_writes(sink);
                }
                let uid = self.sinks[sink].clone();
                self.answered(epoch, result.map(|value| Some((uid, value))).map_err(|error| error.to_string()));
            }
            Done::Spilled(sink, Ok(())) => self.sink_writes(sink),
            Done::Spilled(sink, Err(error)) => self.sink_fails(sink, &error),
            Done::Read(done) => return self.read_done(done),
            Done::Answered(call, answer) => return self.answered_call(call, answer),
            Done::Panicked(cause) => return Err(self.panicked(cause)),
        }
        Ok(())
    }

    /// Asks for what the sinks want to be written.
    pub(super) fn spill_sinks(&mut self, idle: bool) {
        let Some(core) = &self.core else { return };
        let spills: Vec<_> = core.sinks.iter().map(|sink| sink.port.borrow_mut().spill(idle)).collect();
        for (sink, job) in spills.into_iter().enumerate() {
            job.into_iter().for_each(|job| self.ask(Work::Spill(sink, job)));
        }
    }
}
