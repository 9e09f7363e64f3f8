//! How a source subtask reads its splits: side by side, the one with the lowest watermark first, a little ahead.
//!
//! Reads that may block run on the blocking pool, one per split at a time; the actor never waits for them. A block that has
//! been read and not been decoded is not part of a checkpoint: after a restart it is read again.

use crate::connector::{self, Position};
use crate::graph::{Logic, NodeId, Plan};
use crate::operator::{Block, ReadOutcome, Reader, SourceFactory, SplitState};
use crate::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// How many blocks of a subtask may be read ahead.
const AHEAD: usize = 2;
/// A read that takes longer is waiting for its input and no longer counts as being ahead.
const STALLED: Duration = Duration::from_millis(50);

/// Where a split stands.
enum Phase {
    /// Nothing is under way; the reader, once opened, is here.
    Rest(Option<Box<dyn Reader>>),
    /// A read is under way.
    Reading { since: Duration },
    /// There was nothing to be read; try again then.
    Waiting { until: Duration, reader: Box<dyn Reader> },
    /// A block waits to be decoded.
    Ready { block: Block, position: Position, reader: Box<dyn Reader> },
    /// Read to its end.
    Done,
}

struct Slot {
    phase: Phase,
    /// Since when the input has been silent.
    silent_since: Option<Duration>,
    /// Whether it holds event time back.
    active: bool,
}

impl Slot {
    /// Since when nothing has come. Only the input's own silence counts, not that nobody had room for more.
    fn silent_since(&self) -> Option<Duration> {
        match self.phase {
            Phase::Reading { since } => Some(self.silent_since.unwrap_or(since)),
            Phase::Waiting { .. } => self.silent_since,
            Phase::Rest(_) | Phase::Ready { .. } | Phase::Done => None,
        }
    }
}

/// A read to be done on the blocking pool.
pub(super) struct ReadJob {
    pub(super) split: usize,
    state: SplitState,
    source: Arc<dyn SourceFactory>,
    reader: Option<Box<dyn Reader>>,
}

/// What came of a read.
pub(super) struct ReadDone {
    pub(super) split: usize,
    outcome: Result<(ReadOutcome, Box<dyn Reader>), connector::Error>,
}

impl ReadJob {
    /// Opens the split if it is not open, and reads.
    pub(super) fn run(self) -> ReadDone {
        let read = || {
            let mut reader = match self.reader {
                Some(reader) => reader,
                None => self.source.open(&self.state.split, self.state.position.as_ref())?,
            };
            Ok((reader.read()?, reader))
        };
        ReadDone { split: self.split, outcome: read() }
    }
}

/// What is next for a source subtask.
pub(super) enum Next {
    /// Decode this block of a split.
    Block(usize, Block, Position),
    /// A split has ended.
    Ended(usize),
    /// Wait for reads.
    Nothing,
}

/// The splits of a source subtask and what is under way on them.
pub(super) struct Reading {
    source: Arc<dyn SourceFactory>,
    slots: Vec<Slot>,
}

impl Reading {
    pub(super) fn new(plan: &Plan, head: NodeId, splits: &[SplitState]) -> Option<Self> {
        let Logic::Source(source) = &plan.graph.nodes[head].logic else { return None };
        let slots = splits.iter().map(|split| Slot {
            phase: if split.finished { Phase::Done } else { Phase::Rest(None) },
            silent_since: None,
            active: true,
        });
        Some(Reading { source: source.clone(), slots: slots.collect() })
    }

    /// Whether all splits have been read to their ends.
    pub(super) fn is_done(&self) -> bool {
        self.slots.iter().all(|slot| matches!(slot.phase, Phase::Done))
    }

    /// The next block, of the split with the lowest watermark.
    pub(super) fn next(
        &mut self,
        now: Duration,
        watermark: impl Fn(usize) -> Timestamp,
    ) -> Result<Next, connector::Error> {
        let candidates = (0..self.slots.len()).filter(|&split| match &self.slots[split].phase {
            Phase::Ready { .. } => true,
            Phase::Rest(Some(reader)) => !reader.blocks(),
            Phase::Waiting { until, reader } => *until <= now && !reader.blocks(),
            _ => false,
        });
        let Some(split) = candidates.min_by_key(|&split| watermark(split)) else { return Ok(Next::Nothing) };
        let slot = &mut self.slots[split];
        match std::mem::replace(&mut slot.phase, Phase::Done) {
            Phase::Ready { block, position, reader } => {
                slot.phase = Phase::Rest(Some(reader));
                Ok(Next::Block(split, block, position))
            }
            Phase::Rest(Some(mut reader)) | Phase::Waiting { mut reader, .. } => match reader.read()? {
                ReadOutcome::Block(block, position) => {
                    slot.silent_since = None;
                    slot.phase = Phase::Rest(Some(reader));
                    Ok(Next::Block(split, block, position))
                }
                ReadOutcome::Wait(pause) => {
                    slot.silent_since.get_or_insert(now);
                    slot.phase = Phase::Waiting { until: now + pause, reader };
                    Ok(Next::Nothing)
                }
                ReadOutcome::End => Ok(Next::Ended(split)),
            },
            Phase::Rest(None) | Phase::Reading { .. } | Phase::Done => Ok(Next::Nothing),
        }
    }

    /// The next read to be begun, unless enough is read ahead.
    pub(super) fn begin(
        &mut self,
        states: &[SplitState],
        now: Duration,
        watermark: impl Fn(usize) -> Timestamp,
    ) -> Option<ReadJob> {
        let ahead = self.slots.iter().filter(|slot| match slot.phase {
            Phase::Ready { .. } => true,
            Phase::Reading { since } => now.saturating_sub(since) < STALLED,
            _ => false,
        });
        if ahead.count() >= AHEAD {
            return None;
        }
        let candidates = (0..self.slots.len()).filter(|&split| match &self.slots[split].phase {
            Phase::Rest(reader) => reader.as_ref().is_none_or(|reader| reader.blocks()),
            Phase::Waiting { until, reader } => *until <= now && reader.blocks(),
            _ => false,
        });
        let split = candidates.min_by_key(|&split| watermark(split))?;
        let reader = match std::mem::replace(&mut self.slots[split].phase, Phase::Reading { since: now }) {
            Phase::Rest(reader) => reader,
            Phase::Waiting { reader, .. } => Some(reader),
            _ => None,
        };
        let state = states[split].clone();
        Some(ReadJob { split, state, source: self.source.clone(), reader })
    }

    /// Takes what a read has brought. Returns whether the split has ended.
    pub(super) fn finish(&mut self, done: ReadDone, now: Duration) -> Result<bool, connector::Error> {
        let slot = &mut self.slots[done.split];
        let since = match slot.phase {
            Phase::Reading { since } => since,
            _ => now,
        };
        let (outcome, reader) = done.outcome?;
        match outcome {
            ReadOutcome::Block(block, position) => {
                slot.silent_since = None;
                slot.phase = Phase::Ready { block, position, reader };
            }
            ReadOutcome::Wait(pause) => {
                slot.silent_since.get_or_insert(since);
                slot.phase = Phase::Waiting { until: now + pause, reader };
            }
            ReadOutcome::End => {
                slot.phase = Phase::Done;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// When, after `now`, something is to be looked at again.
    pub(super) fn wake_at(&self, now: Duration) -> Option<Duration> {
        let times = self.slots.iter().filter_map(|slot| match slot.phase {
            Phase::Waiting { until, .. } => Some(until),
            Phase::Reading { since } => Some(since + STALLED),
            _ => None,
        });
        times.filter(|time| *time > now).min()
    }

    /// When the next split falls silent, if nothing comes.
    pub(super) fn silent_at(&self, timeout: Duration) -> Option<Duration> {
        let active = self.slots.iter().filter(|slot| slot.active);
        active.filter_map(Slot::silent_since).min().map(|since| since.saturating_add(timeout))
    }

    /// Whether a split has begun or ceased to hold event time back, because its input has been silent for `timeout` or
    /// speaks again: (split, active).
    pub(super) fn changes(&mut self, now: Duration, timeout: Duration) -> Vec<(usize, bool)> {
        let mut changes = Vec::new();
        for (split, slot) in self.slots.iter_mut().enumerate() {
            if matches!(slot.phase, Phase::Done) {
                continue;
            }
            let active = slot.silent_since().is_none_or(|since| now.saturating_sub(since) < timeout);
            if active != slot.active {
                slot.active = active;
                changes.push((split, active));
            }
        }
        changes
    }

    /// Whether every split that has not ended is silent, and there is one.
    pub(super) fn is_idle(&self) -> bool {
        let mut open = self.slots.iter().filter(|slot| !matches!(slot.phase, Phase::Done)).peekable();
        open.peek().is_some() && open.all(|slot| !slot.active)
    }
}
