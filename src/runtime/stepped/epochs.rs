//! Checkpoints of a job that is run by hand.

use super::super::accounts;
use super::super::mailbox::{Failure, Part};
use super::{Random, SteppedJob, Turn};
use crate::checkpoint::{Life, Verdict};
use crate::error::{Error, Result};
use crate::record::Epoch;
use crate::state;
use crate::time::Clock;
use std::sync::atomic::Ordering::Relaxed;

impl SteppedJob {
    /// Opens an epoch, if none is open.
    pub(super) fn trigger(&mut self, life: Life) -> Result<()> {
        let Some(epoch) = self.tracker.open() else { return Ok(()) };
        self.opened_as = life;
        self.watchdog.opened(epoch, self.clock.elapsed());
        for number in (0..self.seats.len()).filter(|&number| self.seats[number].shell.is_source()).collect::<Vec<_>>() {
            let triggered = self.seats[number].shell.trigger(epoch, life == Life::Stopped);
            self.seats[number].awake = true;
            match triggered {
                Ok(()) => self.settle(number),
                Err(failure) => return self.failed(failure),
            }
        }
        Ok(())
    }

    pub(super) fn answer(&mut self, subtask: usize, epoch: Epoch, part: std::result::Result<Part, String>) {
        match self.tracker.answer(subtask, epoch, part) {
            Verdict::Wait | Verdict::Stale => {}
            Verdict::Failed(epoch, cause) => {
                self.watchdog.settled();
                self.void(epoch, &cause);
            }
            Verdict::Complete(epoch, parts) => {
                self.watchdog.settled();
                let life = self.opened_as;
                if let Some(failure) = accounts::audit(&self.plan, &self.config, &self.board, epoch, &parts) {
                    self.given_up = Some((failure, accounts::NO_RESTART));
                    return;
                }
                match self.ledger().commit(epoch, parts, life) {
                    // To go on could count this epoch's output twice, so the next life finds out what the disk holds.
                    Err(Error::State(error @ state::Error::Undecided { .. })) => {
                        self.undecided = Some(Failure::error("the manifest".to_owned(), 0, &error));
                    }
                    Err(error) => self.void(epoch, &error.to_string()),
                    Ok(()) => {
                        self.settled = epoch;
                        self.committed(epoch);
                        self.show();
                    }
                }
            }
        }
    }

    /// An epoch is committed.
    pub(super) fn committed(&mut self, epoch: Epoch) {
        let freed = self.ledger().oldest();
        for number in 0..self.seats.len() {
            self.seats[number].shell.committed(epoch, freed);
            self.seats[number].awake = true;
            self.settle(number);
        }
        // There may be more letters to be replayed than are handed out at a time.
        self.letters_asked.store(true, Relaxed);
    }

    /// Makes visible what has been committed. If that fails it is tried again with the next epoch, or at the end.
    pub(super) fn show(&mut self) {
        match self.ledger().apply() {
            Ok(()) => self.over |= self.ledger().manifest().life != Life::Running,
            Err(error) => self.board.set_failure(error.to_string()),
        }
    }

    /// An epoch has failed.
    pub(super) fn void(&mut self, epoch: Epoch, cause: &str) {
        self.settled = epoch;
        self.board.failed_checkpoints.fetch_add(1, Relaxed);
        self.board.set_failure(format!("checkpoint {epoch} failed: {cause}"));
    }

    /// Moves the clock on to where the first operator that pauses takes data again: a barrier may wait behind what it is to
    /// take. Returns whether any pauses; on a disk that will never take anything again there is nothing to wait for.
    pub(super) fn wait_out_pause(&mut self) -> bool {
        if self.disk().is_dead() {
            return false;
        }
        let now = self.clock.elapsed();
        let retries = self.seats.iter().filter_map(|seat| seat.shell.retries_at(now)).map(|at| at - now);
        let pause = self.seats.iter().filter_map(|seat| seat.shell.pauses_for()).chain(retries).min();
        if let Some(pause) = pause {
            self.clock.advance(pause);
            self.wake();
        }
        pause.is_some()
    }

    /// An operator panics at the end of what it is handed next; which one, chance decides. Nothing happens if there is none
    /// that can be restarted by itself.
    pub(crate) fn strike(&mut self, chance: &mut Random) {
        let first = chance.below(self.seats.len());
        let count = self.seats.len();
        let _ = (0..count).map(|step| (first + step) % count).any(|number| self.seats[number].shell.strike());
    }

    /// Takes a checkpoint and runs until it is complete.
    ///
    /// # Errors
    /// If it fails, or an operator does for which there is no restart any more.
    pub(crate) fn checkpoint(&mut self) -> Result<()> {
        loop {
            if self.over {
                return Ok(());
            }
            let before = (self.settled, self.ledger().manifest().checkpoints);
            // The clock may have come to the end of a pause.
            self.wake();
            self.trigger(Life::Running)?;
            while self.settled == before.0 && (matches!(self.turn()?, Turn::Moved) || self.wait_out_pause()) {}
            // A failure on the way has begun another life: try again there.
            if self.settled.attempt() == before.0.attempt() {
                let completed = self.ledger().manifest().checkpoints > before.1;
                return if completed { Ok(()) } else { Err(self.void_checkpoint()) };
            }
        }
    }

    pub(super) fn void_checkpoint(&self) -> Error {
        let cause = self.board.status().failure.unwrap_or_else(|| "the checkpoint got stuck".to_owned());
        Error::Config(format!("job `{}`: {cause}", self.plan.graph.job))
    }
}
