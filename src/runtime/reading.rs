//! How a source subtask reads its splits: side by side, the one with the lowest watermark first, a little ahead.
//!
//! With a bound on the drift a split whose watermark lies beyond a *limit* is held back: neither read nor decoded, until the
//! slowest one has moved the limit on. Time held back is no silence of the input.
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
/// How often it is looked at whether splits that are held back may go on: another subtask may have been the slowest.
const HELD_LOOK: Duration = Duration::from_millis(10);

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
    /// Some split was held back when the next block was asked for.
    holds: bool,
}

impl Reading {
    pub(super) fn new(plan: &Plan, head: NodeId, splits: &[SplitState]) -> Option<Self> {
        let Logic::Source(source) = &plan.graph.nodes[head].logic else { return None };
        let slots = splits.iter().map(|split| Slot {
            phase: if split.finished { Phase::Done } else { Phase::Rest(None) },
            silent_since: None,
            active: true,
        });
        Some(Reading { source: source.clone(), slots: slots.collect(), holds: false })
    }

    /// Whether some split was held back when the next block was asked for.
    pub(super) fn holds(&self) -> bool {
        self.holds
    }

    /// Whether all splits have been read to their ends.
    pub(super) fn is_done(&self) -> bool {
        self.slots.iter().all(|slot| matches!(slot.phase, Phase::Done))
    }

    /// How far the slowest split has come that is neither idle nor at its end; `None` if there is none.
    pub(super) fn slowest(&self, watermark: impl Fn(usize) -> Timestamp) -> Option<Timestamp> {
        let counts = |slot: &Slot| slot.active && !matches!(slot.phase, Phase::Done);
        (0..self.slots.len()).filter(|&split| counts(&self.slots[split])).map(watermark).min()
    }

    /// The next block, of the split with the lowest watermark, if that is not beyond `limit`.
    pub(super) fn next(
        &mut self,
        now: Duration,
        limit: Timestamp,
        watermark: impl Fn(usize) -> Timestamp,
    ) -> Result<Next, connector::Error> {
        self.hold(limit, &watermark);
        // One that has nothing to be read keeps nobody else from being read, however far behind it is. Each is asked once.
        let mut asked = Vec::new();
        loop {
            let candidates =
                (0..self.slots.len()).filter(|&split| watermark(split) <= limit && !asked.contains(&split));
            let candidates = candidates.filter(|&split| match &self.slots[split].phase {
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
                    return Ok(Next::Block(split, block, position));
                }
                Phase::Rest(Some(mut reader)) | Phase::Waiting { mut reader, .. } => match reader.read()? {
                    ReadOutcome::Block(block, position) => {
                        slot.silent_since = None;
                        slot.phase = Phase::Rest(Some(reader));
                        return Ok(Next::Block(split, block, position));
                    }
                    ReadOutcome::Wait(pause) => {
                        slot.silent_since.get_or_insert(now);
                        slot.phase = Phase::Waiting { until: now + pause, reader };
                        // Else it is no candidate any more.
                        asked.extend(pause.is_zero().then_some(split));
                    }
                    ReadOutcome::End => return Ok(Next::Ended(split)),
                },
                Phase::Rest(None) | Phase::Reading { .. } | Phase::Done => return Ok(Next::Nothing),
            }
        }
    }

    /// Notes which splits are held back.
    fn hold(&mut self, limit: Timestamp, watermark: impl Fn(usize) -> Timestamp) {
        self.holds = false;
        for (split, slot) in self.slots.iter_mut().enumerate() {
            if watermark(split) > limit && !matches!(slot.phase, Phase::Done) {
                self.holds = true;
                if slot.active {
                    slot.silent_since = None;
                }
            }
        }
    }

    /// The next read to be begun, of a split not beyond `limit`, unless enough is read ahead.
    pub(super) fn begin(
        &mut self,
        states: &[SplitState],
        now: Duration,
        limit: Timestamp,
        watermark: impl Fn(usize) -> Timestamp,
    ) -> Option<ReadJob> {
        // What is held back must not keep the slowest split from being read.
        let free = || (0..self.slots.len()).filter(|&split| watermark(split) <= limit);
        let ahead = free().filter(|&split| match self.slots[split].phase {
            Phase::Ready { .. } => true,
            Phase::Reading { since } => now.saturating_sub(since) < STALLED,
            _ => false,
        });
        if ahead.count() >= AHEAD {
            return None;
        }
        let candidates = free().filter(|&split| match &self.slots[split].phase {
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
        let held = self.holds.then(|| now + HELD_LOOK);
        times.filter(|time| *time > now).chain(held).min()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::Split;
    use crate::operator::{AnyStage, BuildContext, Decoder, Error};
    use crate::time::{millis, seconds};
    use std::collections::VecDeque;

    /// What a scripted split does.
    #[derive(Clone, Copy)]
    enum Step {
        Block,
        Wait,
    }
    use Step::{Block as B, Wait as W};

    /// Splits that do what they are told, one step per read, and then end.
    struct Scripted {
        splits: Vec<Vec<Step>>,
        blocks: bool,
    }

    struct ScriptedReader {
        steps: VecDeque<Step>,
        blocks: bool,
    }

    impl Reader for ScriptedReader {
        fn read(&mut self) -> Result<ReadOutcome, connector::Error> {
            Ok(match self.steps.pop_front() {
                Some(B) => ReadOutcome::Block(Box::new(()), Position::new(0)),
                Some(W) => ReadOutcome::Wait(millis(1)),
                None => ReadOutcome::End,
            })
        }

        fn blocks(&self) -> bool {
            self.blocks
        }
    }

    impl SourceFactory for Scripted {
        fn describe(&self) -> String {
            "scripted".to_owned()
        }

        fn splits(&self) -> Result<Vec<Split>, connector::Error> {
            Ok((0..self.splits.len()).map(|split| Split::new(split.to_string())).collect())
        }

        fn open(&self, split: &Split, _: Option<&Position>) -> Result<Box<dyn Reader>, connector::Error> {
            let steps = self.splits[split.id().parse::<usize>().unwrap()].iter().copied().collect();
            Ok(Box::new(ScriptedReader { steps, blocks: self.blocks }))
        }

        fn build(&self, _: &mut BuildContext, _: Vec<AnyStage>) -> Result<Box<dyn Decoder>, Error> {
            unreachable!("nothing is decoded here")
        }
    }

    /// A reading whose clock and watermarks the test moves.
    struct Bench {
        reading: Reading,
        states: Vec<SplitState>,
        watermarks: Vec<Timestamp>,
        limit: Timestamp,
        now: Duration,
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    impl Bench {
        fn new<const N: usize>(blocks: bool, splits: [&[Step]; N]) -> Self {
            let source = Scripted { splits: splits.iter().map(|steps| steps.to_vec()).collect(), blocks };
            let state = |split| SplitState { split, position: None, finished: false };
            let states: Vec<_> = source.splits().unwrap().into_iter().map(state).collect();
            let slot = |_| Slot { phase: Phase::Rest(None), silent_since: None, active: true };
            let slots = (0..N).map(slot).collect();
            let reading = Reading { source: Arc::new(source), slots, holds: false };
            let now = seconds(1);
            Bench { reading, states, watermarks: vec![Timestamp::MIN; N], limit: Timestamp::MAX, now }
        }

        /// Begins what reads may be begun; returns of which splits.
        fn begin(&mut self) -> Vec<ReadJob> {
            let watermark = |split: usize| self.watermarks[split];
            let reading = &mut self.reading;
            std::iter::from_fn(|| reading.begin(&self.states, self.now, self.limit, watermark)).collect()
        }

        /// Does reads to their ends; returns the splits that were read.
        fn read(&mut self) -> Vec<usize> {
            let jobs = self.begin();
            let splits = jobs.iter().map(|job| job.split).collect();
            for job in jobs {
                self.reading.finish(job.run(), self.now).unwrap();
            }
            splits
        }

        /// The split of the next block.
        fn next(&mut self) -> Option<usize> {
            match self.reading.next(self.now, self.limit, |split| self.watermarks[split]).unwrap() {
                Next::Block(split, ..) => Some(split),
                Next::Ended(_) | Next::Nothing => None,
            }
        }

        fn slowest(&self) -> Option<Timestamp> {
            self.reading.slowest(|split| self.watermarks[split])
        }
    }

    #[test]
    fn the_split_with_the_lowest_watermark_comes_first() {
        for blocks in [true, false] {
            let mut bench = Bench::new(blocks, [&[B, B, B], &[B, B, B]]);
            bench.watermarks = vec![at(10), at(5)];
            bench.read();
            assert_eq!(bench.next(), Some(1), "blocks: {blocks}");
            bench.watermarks[1] = at(20);
            bench.read();
            assert_eq!(bench.next(), Some(0), "blocks: {blocks}");
        }
    }

    #[test]
    fn a_split_that_has_nothing_to_be_read_keeps_nobody_from_being_read() {
        let mut bench = Bench::new(false, [&[W, W, W], &[B, B, B]]);
        bench.watermarks = vec![at(1), at(5)];
        bench.read();
        for _ in 0..3 {
            assert_eq!(bench.next(), Some(1));
            bench.now += seconds(1);
        }
    }

    #[test]
    fn no_more_is_read_ahead_than_two_blocks() {
        let mut bench = Bench::new(true, [&[B], &[B], &[B]]);
        bench.watermarks = vec![at(3), at(1), at(2)];
        assert_eq!((bench.read(), bench.read()), (vec![1, 2], vec![]));
        bench.next();
        bench.watermarks[1] = at(9);
        assert_eq!(bench.read(), [0]);
    }

    #[test]
    fn a_read_that_waits_for_its_input_keeps_nobody_from_reading() {
        let mut bench = Bench::new(true, [&[B], &[B], &[B]]);
        assert_eq!(bench.begin().len(), 2);
        bench.now += STALLED;
        assert_eq!(bench.begin().len(), 1);
    }

    #[test]
    fn a_split_beyond_the_limit_waits_until_the_limit_has_moved_on() {
        for blocks in [true, false] {
            let mut bench = Bench::new(blocks, [&[B, B], &[B]]);
            bench.read();
            (bench.watermarks, bench.limit) = (vec![at(61), at(0)], at(60));
            assert_eq!(bench.next(), Some(1), "blocks: {blocks}");
            assert_eq!((bench.read().contains(&0), bench.next()), (false, None), "blocks: {blocks}");
            assert_eq!(bench.reading.wake_at(bench.now), Some(bench.now + HELD_LOOK));
            bench.limit = at(61);
            bench.read();
            assert_eq!(bench.next(), Some(0), "blocks: {blocks}");
        }
    }

    #[test]
    fn blocks_that_are_held_back_do_not_keep_the_slowest_split_from_being_read() {
        let mut bench = Bench::new(true, [&[B], &[B], &[B]]);
        bench.watermarks = vec![at(1), at(1), at(2)];
        assert_eq!(bench.read(), [0, 1]);
        (bench.watermarks, bench.limit) = (vec![at(90), at(90), at(2)], at(62));
        assert_eq!((bench.next(), bench.read(), bench.next()), (None, vec![2], Some(2)));
    }

    #[test]
    fn a_split_is_idle_after_a_silence_and_speaks_again() {
        let mut bench = Bench::new(true, [&[W, W, B], &[B, B]]);
        bench.read();
        assert_eq!(bench.reading.silent_at(seconds(30)), Some(bench.now + seconds(30)));
        bench.now += seconds(29);
        assert_eq!(bench.reading.changes(bench.now, seconds(30)), []);
        bench.now += seconds(1);
        assert_eq!(bench.reading.changes(bench.now, seconds(30)), [(0, false)]);
        assert!(!bench.reading.is_idle());
        assert_eq!(bench.next(), Some(1));
        // A second silence in a row is the same one.
        bench.read();
        assert_eq!(bench.reading.changes(bench.now, seconds(30)), []);
        bench.now += seconds(1);
        assert_eq!(bench.next(), Some(1));
        bench.read();
        assert_eq!(bench.reading.changes(bench.now, seconds(30)), [(0, true)]);
    }

    #[test]
    fn a_source_is_idle_when_all_its_open_splits_are() {
        let mut bench = Bench::new(true, [&[W], &[]]);
        bench.read();
        assert!(!bench.reading.is_idle());
        bench.now += seconds(30);
        bench.reading.changes(bench.now, seconds(30));
        assert!(bench.reading.is_idle() && !bench.reading.is_done());
    }

    #[test]
    fn a_split_that_nobody_has_room_for_is_not_silent() {
        let mut bench = Bench::new(true, [&[B]]);
        bench.read();
        bench.now += seconds(3600);
        assert_eq!(bench.reading.changes(bench.now, seconds(30)), []);
    }

    #[test]
    fn a_split_that_is_held_back_is_not_silent() {
        let mut bench = Bench::new(true, [&[W, B], &[B]]);
        bench.read();
        (bench.watermarks, bench.limit) = (vec![at(61), at(0)], at(60));
        for _ in 0..100 {
            bench.now += seconds(1);
            bench.next();
            assert_eq!(bench.reading.changes(bench.now, seconds(30)), []);
        }
    }

    #[test]
    fn idle_and_finished_splits_are_not_slow() {
        let mut bench = Bench::new(true, [&[W], &[], &[B]]);
        bench.watermarks = vec![at(1), at(2), at(3)];
        assert_eq!(bench.slowest(), Some(at(1)));
        bench.read();
        bench.now += seconds(30);
        bench.reading.changes(bench.now, seconds(30));
        assert_eq!(bench.slowest(), Some(at(3)));
    }
}
