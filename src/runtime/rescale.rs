//! Rescaling a running job in place: a last checkpoint as for a stop, and a new life at another parallelism.
//!
//! Sources stop reading behind the last barrier. When all output of its epoch is visible the subtasks are torn down, and the
//! next life begins by the same path as after a restart with another setting: the state moves by key groups. What comes in
//! meanwhile waits where the sources read from. The gap is the time in which nothing is read.

use super::job::{After, Master, Phase};
use crate::checkpoint::Life;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::graph::Plan;
use crate::time::Clock;
use actix::{Arbiter, Context, Handler, Message};
use serde::Serialize;
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// How a rescale went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rescaled {
    /// The job's parallelism before.
    pub from: usize,
    /// And now.
    pub to: usize,
    /// For how long nothing was read.
    pub gap: Duration,
}

/// Asks for another parallelism.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Rescale {
    pub(super) parallelism: usize,
    pub(super) reply: mpsc::Sender<Result<Rescaled>>,
}

/// A rescale under way.
pub(super) struct Rescaling {
    plan: Plan,
    from: usize,
    parallelism: usize,
    /// By the master's clock.
    began: Duration,
    reply: mpsc::Sender<Result<Rescaled>>,
}

impl Rescaling {
    /// It has come to nothing.
    pub(super) fn fail(self, job: &str, reason: &str) {
        let error = Error::Rescale { job: job.to_owned(), parallelism: self.parallelism, reason: reason.to_owned() };
        // Who has asked may not wait any more.
        let _ = self.reply.send(Err(error));
    }
}

impl Master {
    /// The last epoch before a rescale is visible, and nobody is left of the old life.
    pub(super) fn rescale(&mut self, ctx: &mut Context<Self>) {
        let (Some(rescaling), Some(ledger)) = (&self.rescaling, &mut self.ledger) else { return };
        self.plan = Arc::new(rescaling.plan.clone());
        self.config = Arc::new(Config { parallelism: rescaling.parallelism, ..(*self.config).clone() });
        self.board.rescale(&self.plan);
        ledger.rescale(self.plan.clone(), self.config.clone());
        let workers = self.plan.chains.iter().map(|chain| chain.parallelism).max().unwrap_or(1);
        self.arbiters.extend((self.arbiters.len()..workers).map(|_| Arbiter::new()));
        self.phase = Phase::Building;
        match ledger.begin_life(false) {
            Ok(blueprints) => self.staff(blueprints, ctx),
            Err(error) => self.supervise_error(error, ctx),
        }
    }

    /// Everybody runs again.
    pub(super) fn rescaled(&mut self) {
        if let Some(Rescaling { parallelism, began, reply, from, .. }) = self.rescaling.take() {
            let gap = self.clock.elapsed().saturating_sub(began);
            tracing::info!(job = %self.plan.graph.job, from, to = parallelism, ?gap, "rescaled");
            let _ = reply.send(Ok(Rescaled { from, to: parallelism, gap }));
        }
    }

    /// What follows when this life is closed after its last epoch.
    pub(super) fn after_ending(&self) -> After {
        if self.rescaling.is_some() && !self.stop_asked { After::Rescale } else { After::End(Ok(())) }
    }
}

impl Handler<Rescale> for Master {
    type Result = ();

    fn handle(&mut self, Rescale { parallelism, reply }: Rescale, ctx: &mut Self::Context) {
        let began = self.clock.elapsed();
        let from = self.config.parallelism;
        let planned = Config { parallelism, ..(*self.config).clone() }.check().map_err(Error::Config);
        let planned = planned.and_then(|()| {
            self.plan.graph.plan(parallelism).map_err(|error| Error::graph(&self.plan.graph.job, error))
        });
        let plan = match planned {
            Ok(plan) => plan,
            Err(error) => return drop(reply.send(Err(error))),
        };
        let rescaling = Rescaling { plan, parallelism, from, began, reply };
        if self.phase != Phase::Running {
            rescaling.fail(&self.plan.graph.job, "it is just being started, restarted or stopped; try again");
            return;
        }
        tracing::info!(job = %self.plan.graph.job, from, to = parallelism, "rescaling after a last checkpoint");
        self.rescaling = Some(rescaling);
        self.ending(Life::Stopped, ctx);
    }
}
