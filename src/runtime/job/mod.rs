//! The life of a job: the master actor, its supervisor and checkpoint coordinator.
//!
//! ```text
//! Starting -> Running -> (Restarting -> Starting)* -> Finished | Stopped | Failed
//! ```
//!
//! A life begins with [`Ledger::begin_life`], which settles all that the last one left. Then every subtask is built (in its
//! own arbiter), all are wired, and only then do sources read. A failure anywhere ends the life: all subtasks are torn
//! down, and when their files are closed the next one begins, by the same path as after a crash of the process. Actors
//! are never used twice, so what an old life still sends reaches nobody.

mod epochs;
mod supervision;

use super::assembly::Blueprint;
use super::automatic::Automatic;
use super::control::Server;
use super::ledger::{Ledger, Opened};
use super::mailbox::{AskCheckpoints, AskLetters, Control, HandOut, News, Part, Report, Stop, Take, Written, send};
use super::repeats::Repeats;
use super::rescale::Rescaling;
use super::status::{Board, Failed, JobState};
use super::subtask::Subtask;
use super::taking::Desk;
use super::watchdog::Watchdog;
use super::watermarks::StallWatch;
use crate::checkpoint::{Life, Tracker};
use crate::config::{Config, RestartState};
use crate::error::Result;
use crate::graph::Plan;
use crate::record::Epoch;
use crate::time::{Clock, SystemClock};
use actix::{Actor, Addr, Arbiter, AsyncContext, Context, Handler, SpawnHandle};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// How long to wait before a last checkpoint, or showing its output, is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// What the job is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Subtasks are being built.
    Building,
    Running,
    /// The last checkpoint is under way or to be tried again; then the job ends like this.
    Ending(Life),
    /// Subtasks close their files; what follows is in `after`.
    Closing,
    Over,
}

/// What follows when all subtasks are closed.
pub(super) enum After {
    Rescale,
    Restart(Duration),
    End(Result<()>),
}

/// The subtasks of the present life.
struct Crew {
    addresses: Vec<Vec<Addr<Subtask>>>,
    /// Numbers of those that have not reported ready.
    building: BTreeSet<usize>,
    /// Numbers of the sources that still read.
    reading: BTreeSet<usize>,
    /// Numbers of those that are not closed.
    open: BTreeSet<usize>,
}

impl Crew {
    fn all(&self) -> impl Iterator<Item = &Addr<Subtask>> {
        self.addresses.iter().flatten()
    }
}

/// Supervisor and checkpoint coordinator of one job.
pub(super) struct Master {
    pub(super) plan: Arc<Plan>,
    pub(super) config: Arc<Config>,
    pub(super) board: Arc<Board>,
    pub(super) arbiters: Vec<Arbiter>,
    pub(super) clock: SystemClock,
    pub(super) ledger: Option<Ledger>,
    restarts: RestartState,
    pub(super) phase: Phase,
    attempt: u32,
    crew: Crew,
    pub(super) tracker: Tracker<Part>,
    pub(super) watchdog: Watchdog,
    /// Its next look at the open epoch.
    pub(super) watch: Option<SpawnHandle>,
    pub(super) stalls: StallWatch,
    /// How the job stands when the open epoch is complete, as it was decided when that epoch was opened: one that was opened
    /// before the last source ended does not hold all data, though it may complete after.
    opened_as: Life,
    /// Checkpoints that failed in a row, and attempts to show what was committed.
    failing: Repeats,
    hiding: Repeats,
    timer: Option<SpawnHandle>,
    pub(super) stop_asked: bool,
    /// A rescale under way.
    pub(super) rescaling: Option<Rescaling>,
    /// Answers other processes, if the job has a state directory.
    server: Option<Server>,
    pub(super) savepoints: Desk,
    pub(super) automatic: Automatic,
    after: Option<After>,
    /// What has failed, until all runs again.
    failed: Option<Failed>,
    done: Option<Box<dyn FnOnce(Result<()>) + Send>>,
}

impl Master {
    /// * `done`: gets the result, once.
    pub(super) fn new(
        plan: Plan,
        config: Config,
        board: Arc<Board>,
        done: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Self {
        let workers = plan.chains.iter().map(|chain| chain.parallelism).max().unwrap_or(1);
        Master {
            restarts: RestartState::new(config.restart),
            watchdog: Watchdog::new(config.checkpoint_warning),
            stalls: StallWatch::new(config.watermark_warning),
            plan: Arc::new(plan),
            config: Arc::new(config),
            board,
            arbiters: (0..workers).map(|_| Arbiter::new()).collect(),
            clock: SystemClock::new(),
            ledger: None,
            phase: Phase::Building,
            attempt: 0,
            crew: Crew {
                addresses: Vec::new(),
                building: BTreeSet::new(),
                reading: BTreeSet::new(),
                open: BTreeSet::new(),
            },
            tracker: Tracker::new(0, 0),
            watch: None,
            opened_as: Life::Running,
            failing: Repeats::default(),
            hiding: Repeats::default(),
            timer: None,
            stop_asked: false,
            rescaling: None,
            server: None,
            savepoints: Desk::default(),
            automatic: Automatic::default(),
            after: None,
            failed: None,
            done: Some(Box::new(done)),
        }
    }

    fn job(&self) -> &str {
        &self.plan.graph.job
    }

    // ---------------------------------------------------------------- beginning

    fn begin(&mut self, ctx: &mut Context<Self>) -> Result<()> {
        let Opened { mut ledger, finished, crashed } = Ledger::open(self.plan.clone(), self.config.clone())?;
        self.restarts.seed(ledger.manifest().job_id);
        if finished {
            let manifest = ledger.manifest();
            tracing::info!(job = %manifest.job, epoch = %manifest.epoch, "the job has finished before; nothing to do");
            self.board.set_finished_before(&manifest.counts());
            self.publish(&ledger);
            self.board.set_state(JobState::Finished);
            self.end(Ok(()));
            return Ok(());
        }
        if ledger.manifest().epoch > Epoch::ZERO {
            let manifest = ledger.manifest();
            tracing::info!(job = %manifest.job, epoch = %manifest.epoch, "going on from the last checkpoint");
        }
        let blueprints = ledger.begin_life(crashed);
        self.ledger = Some(ledger);
        self.listen(ctx);
        self.plan_automatic(ctx);
        self.watch_watermarks(ctx);
        self.staff(blueprints?, ctx);
        Ok(())
    }

    /// Lets other processes ask.
    fn listen(&mut self, ctx: &Context<Self>) {
        let Some(directory) = &self.config.state_dir else { return };
        match Server::start(directory, self.job(), self.board.clone(), ctx.address()) {
            Ok(server) => self.server = Some(server),
            Err(cause) => tracing::warn!(job = %self.job(), %cause, directory = %directory.display(),
                "no control socket: the job cannot be asked from outside"),
        }
    }

    /// Begins another life in place.
    fn begin_again(&mut self, ctx: &mut Context<Self>) {
        let Some(ledger) = &mut self.ledger else { return };
        match ledger.begin_life(true) {
            Ok(blueprints) => self.staff(blueprints, ctx),
            Err(error) => self.supervise_error(error, ctx),
        }
    }

    fn publish(&self, ledger: &Ledger) {
        let manifest = ledger.manifest();
        self.board.attempt.store(manifest.attempt, Relaxed);
        self.board.checkpoints.store(manifest.checkpoints, Relaxed);
        self.board.restarts.store(manifest.restarts, Relaxed);
    }

    /// Makes the subtasks of a new life.
    pub(super) fn staff(&mut self, blueprints: Vec<Blueprint>, ctx: &mut Context<Self>) {
        let Some(ledger) = &self.ledger else { return };
        self.publish(ledger);
        self.board.began_from.store(ledger.manifest().epoch.as_u64(), Relaxed);
        self.attempt = ledger.manifest().attempt;
        self.phase = Phase::Building;
        self.tracker = Tracker::new(self.attempt, blueprints.len());
        let everybody: BTreeSet<usize> = (0..blueprints.len()).collect();
        let sources = everybody.iter().copied().filter(|&number| self.plan.is_source(blueprints[number].chain));
        let mut addresses: Vec<Vec<Addr<Subtask>>> = vec![Vec::new(); self.plan.chains.len()];
        let reading = sources.collect();
        for (number, blueprint) in blueprints.into_iter().enumerate() {
            let arbiter = &self.arbiters[blueprint.subtask % self.arbiters.len()];
            let (chain, attempt, master, gauges) =
                (blueprint.chain, self.attempt, ctx.address(), self.board.subtask(number));
            let start = move |_: &mut Context<Subtask>| Subtask::new(blueprint, attempt, number, master, gauges);
            addresses[chain].push(Subtask::start_in_arbiter(&arbiter.handle(), start));
        }
        self.crew = Crew { addresses, building: everybody.clone(), reading, open: everybody };
        tracing::debug!(job = %self.job(), attempt = self.attempt, subtasks = self.crew.open.len(), "building");
    }

    /// Everybody is built: wires all, then lets the sources read.
    fn launch(&mut self, ctx: &mut Context<Self>) {
        let addresses = Arc::new(self.crew.addresses.clone());
        self.crew.all().for_each(|subtask| send(subtask, Control::Wire(addresses.clone())));
        self.crew.all().for_each(|subtask| send(subtask, Control::Start));
        self.phase = Phase::Running;
        self.board.set_state(JobState::Running);
        if let Some((failed, ledger)) = self.failed.take().zip(self.ledger.as_ref()) {
            self.board.add_went_back(failed, ledger.manifest().epoch, self.clock.elapsed());
        }
        self.rescaled();
        tracing::info!(job = %self.job(), attempt = self.attempt, "running");
        if self.stop_asked {
            self.ending(Life::Stopped, ctx);
        } else {
            self.hand_out();
            self.schedule(self.interval(), ctx);
        }
    }
}

impl Actor for Master {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Err(error) = self.begin(ctx) {
            self.supervise_error(error, ctx);
        }
    }
}

impl Handler<Report> for Master {
    type Result = ();

    fn handle(&mut self, report: Report, ctx: &mut Self::Context) {
        if report.attempt != self.attempt {
            return;
        }
        match report.news {
            News::Ready(Ok(())) => {
                self.crew.building.remove(&report.subtask);
                if self.phase == Phase::Building && self.crew.building.is_empty() {
                    self.launch(ctx);
                }
            }
            News::Ready(Err(failure)) | News::Failed(failure) => self.supervise(failure, ctx),
            News::Restarting(failure) => self.supervise_restart(report.subtask, failure, ctx),
            News::Restarted(restart) => {
                tracing::info!(job = %self.job(), operator = %restart.operator, subtask = restart.subtask,
                    replayed = restart.replayed, took = ?restart.took, "the subtask has been restarted");
                self.board.add_restarted(restart, self.clock.elapsed());
            }
            // In a life that has failed no epoch completes any more.
            News::Answer(..) if !matches!(self.phase, Phase::Running | Phase::Ending(_)) => {}
            News::Answer(epoch, part) => self.answer(report.subtask, epoch, *part, ctx),
            News::Ended => {
                self.crew.reading.remove(&report.subtask);
                if self.phase == Phase::Running && self.crew.reading.is_empty() {
                    self.ending(Life::Finished, ctx);
                }
            }
            News::Closed => {
                self.crew.open.remove(&report.subtask);
                if self.phase == Phase::Closing {
                    self.closed(ctx);
                }
            }
        }
    }
}

impl Handler<AskLetters> for Master {
    type Result = ();

    fn handle(&mut self, AskLetters(reply): AskLetters, ctx: &mut Self::Context) {
        if let Some(ledger) = &self.ledger {
            let master = ctx.address();
            // Who has asked may not wait any more.
            let _ = reply.send(ledger.dead_letters(move || send(&master, HandOut)));
        }
    }
}

impl Handler<AskCheckpoints> for Master {
    type Result = ();

    fn handle(&mut self, AskCheckpoints(reply): AskCheckpoints, _: &mut Self::Context) {
        if let Some(ledger) = &self.ledger {
            // Who has asked may not wait any more.
            let _ = reply.send(ledger.checkpoints());
        }
    }
}

impl Handler<HandOut> for Master {
    type Result = ();

    fn handle(&mut self, _: HandOut, _: &mut Self::Context) {
        self.hand_out();
    }
}

impl Handler<Stop> for Master {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        self.stop_asked = true;
        if self.phase == Phase::Running {
            tracing::info!(job = %self.job(), "stopping after a last checkpoint");
            self.ending(Life::Stopped, ctx);
        }
    }
}

impl Handler<Take> for Master {
    type Result = ();

    fn handle(&mut self, Take(request): Take, ctx: &mut Self::Context) {
        let ends = matches!(self.after, Some(After::End(_)));
        if self.phase == Phase::Over || ends {
            request.refuse(self.job(), "the job has ended; take it of its state directory");
            return;
        }
        let stop = request.stop;
        if !self.savepoints.ask(request) {
            return;
        }
        match self.phase {
            Phase::Running if stop => self.handle(Stop, ctx),
            // If an epoch is open, its end leads to the next one.
            Phase::Running => self.schedule(Some(Duration::ZERO), ctx),
            _ => self.stop_asked |= stop,
        }
    }
}

impl Handler<Written> for Master {
    type Result = ();

    fn handle(&mut self, _: Written, ctx: &mut Self::Context) {
        self.savepoints.written();
        self.settle_automatic();
        if self.phase == Phase::Closing {
            self.closed(ctx);
        }
    }
}
