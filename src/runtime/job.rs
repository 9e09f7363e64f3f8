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

use super::accounts;
use super::assembly::Blueprint;
use super::automatic::Automatic;
use super::control::Server;
use super::ledger::{Ledger, Opened};
use super::mailbox::{
    AskCheckpoints, AskLetters, Control, Failure, HandOut, News, Part, Report, Stop, Take, Written, send,
};
use super::repeats::Repeats;
use super::rescale::Rescaling;
use super::status::{Board, Failed, JobState};
use super::subtask::Subtask;
use super::taking::{self, Desk};
use super::watchdog::Watchdog;
use super::watermarks::StallWatch;
use crate::checkpoint::{Life, Tracker, Verdict};
use crate::config::{Config, Decision, RestartState};
use crate::error::{Error, Result};
use crate::fault::Faulty;
use crate::graph::Plan;
use crate::record::Epoch;
use crate::state;
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

    // ---------------------------------------------------------------- checkpoints

    pub(super) fn schedule(&mut self, delay: Option<Duration>, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if let Some(delay) = delay {
            self.timer = Some(ctx.run_later(delay, |master, ctx| master.trigger(ctx)));
        }
    }

    /// Opens the next epoch, or tries again to show what the last one has committed.
    fn trigger(&mut self, ctx: &mut Context<Self>) {
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

    fn answer(
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

    fn checkpoint_failed(&mut self, epoch: Epoch, cause: &str, ctx: &mut Context<Self>) {
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
    fn interval(&self) -> Option<Duration> {
        let wanted = self.savepoints.is_waiting() || self.automatic.is_due();
        wanted.then_some(Duration::ZERO).or(self.config.checkpoint_interval)
    }

    fn complete(&mut self, epoch: Epoch, parts: Vec<Part>, ctx: &mut Context<Self>) {
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
    fn export(&mut self, epoch: Epoch, ctx: &mut Context<Self>) {
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
    fn show(&mut self, ctx: &mut Context<Self>) {
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
    pub(super) fn ending(&mut self, life: Life, ctx: &mut Context<Self>) {
        self.phase = Phase::Ending(life);
        if life == Life::Stopped {
            self.board.set_state(JobState::Stopping);
        }
        // If an epoch is open, its end leads here again.
        self.schedule(Some(Duration::ZERO), ctx);
    }

    /// Hands dead letters that are to be replayed to their operators.
    fn hand_out(&mut self) {
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

    // ---------------------------------------------------------------- supervision

    /// An operator has failed: asks the strategy.
    fn supervise(&mut self, failure: Failure, ctx: &mut Context<Self>) {
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
    fn supervise_restart(&mut self, subtask: usize, failure: Failure, ctx: &mut Context<Self>) {
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

    fn give_up(&mut self, failure: Failure, reason: &str, ctx: &mut Context<Self>) {
        let Failure { operator, subtask, cause, fault, .. } = failure;
        let (job, reason) = (self.job().to_owned(), reason.to_owned());
        let error = Error::Failed { job, operator, subtask, cause, fault, reason };
        self.close(After::End(Err(error)), None, ctx);
    }

    /// A life could not begin.
    pub(super) fn supervise_error(&mut self, error: Error, ctx: &mut Context<Self>) {
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
    fn close(&mut self, after: After, life: Option<Life>, ctx: &mut Context<Self>) {
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
    fn closed(&mut self, ctx: &mut Context<Self>) {
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

    fn end(&mut self, result: Result<()>) {
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
