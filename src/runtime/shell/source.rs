//! A shell in front of which stands a source: what it reads, and when its splits are silent.

use super::super::assembly::Blueprint;
use super::super::mailbox::Failure;
use super::super::reading::{Next, ReadDone, Reading};
use super::{Shell, Work};
use crate::operator::Core;
use crate::record::Element;
use crate::time::Timestamp;
use std::time::Duration;

/// The watermark beyond which no split is read, so that none runs too far ahead. Tells the others how far this subtask is.
fn limit(blueprint: &Blueprint, reading: &Reading, core: &Core) -> Timestamp {
    let Some(drift) = core.max_drift() else { return Timestamp::MAX };
    let slowest = reading.slowest(|split| core.split_watermark(split));
    blueprint.drift.tell(blueprint.subtask, slowest.unwrap_or(Timestamp::MAX)) + drift
}

impl Shell {
    /// Everybody is wired: it may read.
    pub(in super::super) fn start(&mut self) {
        self.reads = true;
        self.begin_reads();
    }

    /// Decodes the next block, and sees to it that more is read.
    pub(super) fn read(&mut self) -> Result<bool, Failure> {
        let now = self.clock.elapsed();
        self.watch_silence(now)?;
        let (Some(reading), Some(core)) = (&mut self.reading, &self.core) else { return Ok(false) };
        let limit = limit(&self.blueprint, reading, core);
        let next = reading.next(now, limit, |split| core.split_watermark(split));
        let next = next.map_err(|error| self.source_failure(&error))?;
        self.begin_reads();
        match next {
            Next::Block(split, block, position) => {
                self.watch_silence(now)?;
                self.stamp();
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
    fn begin_reads(&mut self) {
        let now = self.clock.elapsed();
        loop {
            let (Some(reading), Some(core)) = (&mut self.reading, &self.core) else { return };
            let limit = limit(&self.blueprint, reading, core);
            let job = reading.begin(&core.splits.borrow(), now, limit, |split| core.split_watermark(split));
            let Some(job) = job else { return };
            self.ask(Work::Read(job));
        }
    }

    pub(super) fn read_done(&mut self, done: ReadDone) -> Result<(), Failure> {
        let (split, now) = (done.split, self.clock.elapsed());
        let Some(reading) = &mut self.reading else { return Ok(()) };
        let ended = reading.finish(done, now).map_err(|error| self.source_failure(&error))?;
        if ended && self.core.is_some() { self.split_ended(split) } else { Ok(()) }
    }

    /// Tells the core what time it is.
    fn stamp(&mut self) {
        let now = self.clock.now();
        self.core.iter_mut().for_each(|core| core.stamp(now));
    }

    fn split_ended(&mut self, split: usize) -> Result<(), Failure> {
        self.stamp();
        self.call(|core| core.split_ended(split))?;
        self.end_if_read()
    }

    /// Ends the data when all splits have been read.
    fn end_if_read(&mut self) -> Result<(), Failure> {
        let done = self.reading.as_ref().is_some_and(Reading::is_done);
        if !done {
            return Ok(());
        }
        self.blueprint.drift.tell(self.blueprint.subtask, Timestamp::MAX);
        if self.reads && !self.ended && !self.firing { self.advance(Timestamp::MAX) } else { Ok(()) }
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
}
