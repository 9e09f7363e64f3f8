//! The checkpoint coordinator: opens epochs, gathers what the subtasks answer, commits, and lets the sinks show it.

use super::super::accounts;
use super::super::mailbox::{Control, Failure, Part, send};
use super::super::status::JobState;
use super::super::taking;
use super::{After, Master, Phase, RETRY};
use crate::checkpoint::{Life, Verdict};
use crate::error::Error;
use crate::fault::Faulty;
use crate::record::Epoch;
use crate::state;
use actix::{AsyncContext, Context};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

impl Master {
    pub(in super::super) fn schedule(&mut self, delay: Option<Duration>, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if let Some(delay) = delay {
            self.timer = Some(ctx.run_later(delay, |master, ctx| master.trigger(ctx)));
        }
    }

    /// Opens the next epoch, or tries again to show what the last one has committed.
    pub(super) fn trigger(&mut self, ctx: &mut Context<Self>) {
        self.timer = None;
        let life = match self.phase {
            Phase::Running => Life::Running,
            Phase::Ending(life) => life,
            Phase::Building | Phase::Closing | Phase::Over => return,
        };
        let Some(epoch) = self.tracker.open() else { return };
        self.opened_as = life;
        if life == Life::Running {
            self.begin_automatic(epoch);
        }
        self.watch_epoch(epoch, ctx);
        self.savepoints.opened();
        let stop = life == Life::Stopped;
        tracing::trace!(job = %self.job(), %epoch, "checkpoint opened");
        for (chain, subtasks) in self.crew.addresses.iter().enumerate().filter(|(chain, _)| self.plan.is_source(*chain))
        {
            let _ = chain;
            subtasks.iter().for_each(|subtask| send(subtask, Control::Trigger { epoch, stop }));
        }
        self.schedule(None, ctx);
    }

    pub(super) fn answer(
        &mut self,
        subtask: usize,
        epoch: Epoch,
        part: std::result::Result<Part, String>,
        ctx: &mut Context<Self>,
    ) {
        match self.tracker.answer(subtask, epoch, part) {
            Verdict::Wait | Verdict::Stale => {}
            Verdict::Failed(epoch, cause) => {
                self.settled(ctx);
                self.checkpoint_failed(epoch, &cause, ctx);
            }
            Verdict::Complete(epoch, parts) => {
                self.settled(ctx);
                self.complete(epoch, parts, ctx);
            }
        }
    }

    pub(super) fn checkpoint_failed(&mut self, epoch: Epoch, cause: &str, ctx: &mut Context<Self>) {
        self.board.failed_checkpoints.fetch_add(1, Relaxed);
        self.board.set_failure(format!("checkpoint {epoch} failed: {cause}"));
        if let Some(times) = self.failing.again() {
            tracing::warn!(job = %self.job(), %epoch, cause, times, "checkpoint failed; the job goes on and tries again");
        }
        let job = self.plan.graph.job.clone();
        self.savepoints.failed(&job, cause);
        self.settle_automatic();
        let delay = if self.phase == Phase::Running { self.interval() } else { Some(RETRY) };
        self.schedule(delay, ctx);
    }

    /// The time to the next checkpoint.
    pub(super) fn interval(&self) -> Option<Duration> {
        let wanted = self.savepoints.is_waiting() || self.automatic.is_due();
        wanted.then_some(Duration::ZERO).or(self.config.checkpoint_interval)
    }

    pub(super) fn complete(&mut self, epoch: Epoch, parts: Vec<Part>, ctx: &mut Context<Self>) {
        if let Some(failure) = accounts::audit(&self.plan, &self.config, &self.board, epoch, &parts) {
            self.give_up(failure, accounts::NO_RESTART, ctx);
            return;
        }
        let Some(ledger) = &mut self.ledger else { return };
        match ledger.commit(epoch, parts, self.opened_as) {
            Ok(()) => {}
            // To go on could count this epoch's output twice, so the next life finds out what the disk holds.
            Err(Error::State(undecided @ state::Error::Undecided { .. })) => {
                let operator = "the manifest".to_owned();
                self.supervise(Failure::error(operator, 0, &undecided), ctx);
                return;
            }
            // It would be refused again and again.
            Err(error @ Error::State(state::Error::TooManyLetters { .. })) => {
                self.close(After::End(Err(error)), None, ctx);
                return;
            }
            Err(error) => {
                self.checkpoint_failed(epoch, &error.to_string(), ctx);
                return;
            }
        }
        self.board.checkpoints.store(ledger.manifest().checkpoints, Relaxed);
        let freed = ledger.oldest();
        tracing::debug!(job = %self.plan.graph.job, %epoch, "checkpoint complete");
        if let Some(failed) = self.failing.over() {
            tracing::info!(job = %self.plan.graph.job, %epoch, failed, "checkpoints are complete again");
        }
        self.export(epoch, ctx);
        self.crew.all().for_each(|subtask| send(subtask, Control::Committed { epoch, freed }));
        self.hand_out();
        self.show(ctx);
    }

    /// Asks for what goes into the savepoints that wait for an epoch that has just been committed.
    pub(super) fn export(&mut self, epoch: Epoch, ctx: &mut Context<Self>) {
        let Some(ledger) = &self.ledger else { return };
        let manifest = ledger.manifest();
        let savepoints = self.savepoints.committed(manifest, &ctx.address());
        if savepoints.is_empty() {
            return;
        }
        for (chain, subtasks) in self.crew.addresses.iter().enumerate() {
            let uid = &self.plan.graph.nodes[self.plan.chains[chain].head].uid;
            let asked = subtasks.iter().enumerate().filter(|(at, _)| taking::has_file(manifest, uid, *at));
            asked.for_each(|(_, subtask)| send(subtask, Control::Export(epoch, savepoints.clone())));
        }
    }

    /// Makes visible what has been committed. If that fails it is tried again, alone at the end of the job, else with the
    /// next epoch.
    pub(super) fn show(&mut self, ctx: &mut Context<Self>) {
        let Some(ledger) = &mut self.ledger else { return };
        let ending = match self.phase {
            Phase::Ending(life) if ledger.manifest().life == life => Some(life),
            _ => None,
        };
        let applied = ledger.apply();
        if applied.is_ok() {
            self.hiding.over();
        }
        match (applied, ending) {
            (Ok(()), None) => {
                let delay = if self.phase == Phase::Running { self.interval() } else { Some(Duration::ZERO) };
                self.schedule(delay, ctx);
            }
            (Ok(()), Some(life)) => self.close(self.after_ending(), Some(life), ctx),
            (Err(error), _) if error.fault() == crate::fault::Fault::User => {
                self.close(After::End(Err(error)), None, ctx);
            }
            (Err(error), ending) => {
                self.board.set_failure(error.to_string());
                if let Some(times) = self.hiding.again() {
                    tracing::warn!(job = %self.job(), %error, times, "committed output cannot be shown yet; trying again");
                }
                match ending {
                    Some(_) => drop(ctx.run_later(RETRY, |master, ctx| master.show(ctx))),
                    None => self.schedule(self.config.checkpoint_interval.or(Some(RETRY)), ctx),
                }
            }
        }
    }

    /// The job ends with a last checkpoint.
    pub(in super::super) fn ending(&mut self, life: Life, ctx: &mut Context<Self>) {
        self.phase = Phase::Ending(life);
        if life == Life::Stopped {
            self.board.set_state(JobState::Stopping);
        }
        // If an epoch is open, its end leads here again.
        self.schedule(Some(Duration::ZERO), ctx);
    }

    /// Hands dead letters that are to be replayed to their operators.
    pub(super) fn hand_out(&mut self) {
        let Some(ledger) = self.ledger.as_ref().filter(|_| self.phase == Phase::Running) else { return };
        match ledger.replays() {
            Ok(replays) => replays.into_iter().for_each(|((chain, subtask), replay)| {
                send(&self.crew.addresses[chain][subtask], Control::Replay(replay));
            }),
            Err(error) => {
                self.board.set_failure(error.to_string());
                tracing::warn!(job = %self.job(), %error, "dead letters cannot be replayed yet; trying again");
            }
        }
    }
}
