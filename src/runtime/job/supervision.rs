//! The supervisor: what follows when something fails, and how a life and the job end.

use super::super::mailbox::{Control, Failure, send};
use super::super::status::{Failed, JobState};
use super::{After, Master, Phase};
use crate::checkpoint::Life;
use crate::config::Decision;
use crate::error::{Error, Result};
use crate::fault::Faulty;
use crate::time::Clock;
use actix::{AsyncContext, Context};
use std::sync::atomic::Ordering::Relaxed;

impl Master {
    /// An operator has failed: asks the strategy.
    pub(super) fn supervise(&mut self, failure: Failure, ctx: &mut Context<Self>) {
        if matches!(self.phase, Phase::Closing | Phase::Over) {
            return;
        }
        self.board.set_failure(failure.to_string());
        match self.restarts.failure(failure.fault, self.clock.elapsed()) {
            Decision::RestartAfter(delay) => {
                tracing::warn!(job = %self.job(), operator = %failure.operator, subtask = failure.subtask,
                    cause = %failure.cause, ?delay, "an operator failed; going back to the last checkpoint");
                self.board.set_state(JobState::Restarting);
                self.failed.get_or_insert(Failed { at: self.clock.elapsed(), failure });
                self.close(After::Restart(delay), None, ctx);
            }
            Decision::GiveUp(reason) => self.give_up(failure, reason, ctx),
        }
    }

    /// A subtask wants to restart its core: that counts as a failure too, but the others go on.
    pub(super) fn supervise_restart(&mut self, subtask: usize, failure: Failure, ctx: &mut Context<Self>) {
        if matches!(self.phase, Phase::Closing | Phase::Over) {
            return;
        }
        tracing::warn!(job = %self.job(), operator = %failure.operator, subtask = failure.subtask,
            cause = %failure.cause, "an operator failed; restarting its subtask from its last snapshot");
        self.board.set_failure(failure.to_string());
        self.board.local_restarts.fetch_add(1, Relaxed);
        if failure.tolerated {
            return;
        }
        match self.restarts.failure(failure.fault, self.clock.elapsed()) {
            Decision::GiveUp(reason) => self.give_up(failure, reason, ctx),
            Decision::RestartAfter(_) => {
                if let Some(subtask) = self.crew.all().nth(subtask) {
                    send(subtask, Control::Recover);
                }
            }
        }
    }

    pub(super) fn give_up(&mut self, failure: Failure, reason: &str, ctx: &mut Context<Self>) {
        let Failure { operator, subtask, cause, fault, .. } = failure;
        let (job, reason) = (self.job().to_owned(), reason.to_owned());
        let error = Error::Failed { job, operator, subtask, cause, fault, reason };
        self.close(After::End(Err(error)), None, ctx);
    }

    /// A life could not begin.
    pub(in super::super) fn supervise_error(&mut self, error: Error, ctx: &mut Context<Self>) {
        match self.restarts.failure(error.fault(), self.clock.elapsed()) {
            Decision::RestartAfter(delay) if self.ledger.is_some() => {
                tracing::warn!(job = %self.job(), %error, ?delay, "the job cannot start; trying again");
                self.board.set_failure(error.to_string());
                self.phase = Phase::Building;
                ctx.run_later(delay, |master, ctx| master.begin_again(ctx));
            }
            _ => {
                self.board.set_state(JobState::Failed);
                self.end(Err(error));
            }
        }
    }

    // ---------------------------------------------------------------- end

    /// Ends this life: all subtasks close their files.
    pub(super) fn close(&mut self, after: After, life: Option<Life>, ctx: &mut Context<Self>) {
        if !matches!(after, After::Rescale)
            && let Some(rescaling) = self.rescaling.take()
        {
            rescaling.fail(&self.plan.graph.job, "the job has failed or was stopped meanwhile");
        }
        if matches!(after, After::Rescale) {
            self.board.set_state(JobState::Restarting);
        } else if let Some(life) = life {
            self.board.set_state(if life == Life::Finished { JobState::Finished } else { JobState::Stopped });
        } else if matches!(after, After::End(_)) {
            self.board.set_state(JobState::Failed);
        }
        self.schedule(None, ctx);
        self.settled(ctx);
        self.forget_watermarks();
        self.phase = Phase::Closing;
        if matches!(after, After::Restart(_) | After::End(Err(_))) {
            let job = self.plan.graph.job.clone();
            self.savepoints.give_up(&job, "the job has failed meanwhile; try again");
            self.settle_automatic();
        }
        self.after = Some(after);
        self.crew.all().for_each(|subtask| send(subtask, Control::Teardown));
        self.closed(ctx);
    }

    /// Goes on when everybody is closed, and nobody reads their files any more.
    pub(super) fn closed(&mut self, ctx: &mut Context<Self>) {
        if !self.crew.open.is_empty() || self.savepoints.is_writing() {
            return;
        }
        match self.after.take() {
            Some(After::Restart(delay)) if !self.stop_asked => {
                self.phase = Phase::Building;
                ctx.run_later(delay, |master, ctx| master.begin_again(ctx));
            }
            // The job was asked to stop while it went back: its last checkpoint is the one it went back to.
            Some(After::Restart(_)) => {
                self.board.set_state(JobState::Stopped);
                self.end(Ok(()));
            }
            Some(After::Rescale) => self.rescale(ctx),
            Some(After::End(result)) => self.end(result),
            None => {}
        }
    }

    pub(super) fn end(&mut self, result: Result<()>) {
        self.phase = Phase::Over;
        let job = self.plan.graph.job.clone();
        self.savepoints.give_up(&job, "the job has ended; take it of its state directory");
        // Releases the state directory before anybody learns that the job is over, and its socket before another job makes one.
        if let Some(server) = &self.server {
            server.close();
        }
        self.ledger = None;
        self.server = None;
        self.arbiters.iter().for_each(|arbiter| {
            arbiter.stop();
        });
        if let Some(done) = self.done.take() {
            done(result);
        }
        actix::System::current().stop();
    }
}
