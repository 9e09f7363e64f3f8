//! A job run by hand: on one thread, in virtual time, step by step, with the same shells, cores, state files, manifest and
//! recovery as a job of actors. Nothing happens but by a call, and what happens next is chosen from a seed.
//!
//! At each moment some *moves* are possible: a shell takes a step, an element arrives, a piece of blocking work is done. A
//! seed chooses among them (without one, in a fixed order), so that every order in which threads could have done them can
//! be had again. The clock stands still until it is moved.

mod epochs;
mod moves;

use super::assembly::Blueprint;
use super::exchange;
use super::ledger::{Ledger, Opened};
use super::letters::DeadLetters;
use super::mailbox::{Failure, Part};
use super::shell::{Lane, Shell, Work};
use super::status::{Board, Failed, JobState, JobStatus};
use super::watchdog::Watchdog;
use super::watermarks::{StallWatch, WatermarkReport};
use crate::checkpoint::{Life, Tracker};
use crate::config::{Config, Decision, RestartState};
use crate::error::{Error, Result};
use crate::fault;
use crate::fault::Faulty;
use crate::graph::{Graph, Plan};
use crate::record::{Element, Epoch};
use crate::state;
use crate::state::SimulatedDisk;
use crate::time::{Clock, ManualClock};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// Pseudo-random numbers from a seed.
///
/// Source: SplitMix64, Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// A shell, its neighbours, and what is on the way from it.
struct Seat {
    shell: Shell,
    /// For each channel out of it the seat that receives it, and the number the channel has there.
    receivers: Vec<(usize, usize)>,
    senders: Vec<(usize, usize)>,
    on_the_way: Vec<VecDeque<Element>>,
    work: BTreeMap<Lane, VecDeque<Work>>,
    awake: bool,
}

/// What may happen next.
#[derive(Clone, Copy, Debug)]
enum Move {
    Step(usize),
    /// The next element of a channel out of that seat arrives.
    Arrive(usize, usize),
    Work(usize, Lane),
    /// The next acknowledgement arrives at the master.
    Mail,
}

/// An acknowledgement that is on the way.
struct Mail {
    attempt: u32,
    subtask: usize,
    epoch: Epoch,
    part: std::result::Result<Part, String>,
}

/// What a move has led to, if it is anybody's business.
enum Turn {
    Moved,
    /// Nothing can move unless time does, or something comes from outside.
    Quiet,
}

/// A job run by hand.
pub(crate) struct SteppedJob {
    plan: Arc<Plan>,
    config: Arc<Config>,
    clock: Arc<ManualClock>,
    board: Arc<Board>,
    random: Option<Random>,
    /// Dead letters may have to be handed out.
    letters_asked: Arc<AtomicBool>,
    /// `None` only while it is opened anew.
    ledger: Option<Ledger>,
    restarts: RestartState,
    seats: Vec<Seat>,
    /// Outlives a life of the job in its process, as a mailbox does.
    mail: VecDeque<Mail>,
    tracker: Tracker<Part>,
    watchdog: Watchdog,
    stalls: StallWatch,
    opened_as: Life,
    /// The sources that still read.
    reading: BTreeSet<usize>,
    /// The last epoch that was completed or had failed in this life.
    settled: Epoch,
    over: bool,
    /// A subtask has restarted itself once too often.
    given_up: Option<(Failure, &'static str)>,
    /// What must be told of once the present move is over: of a commit it is not known whether it went through.
    undecided: Option<Failure>,
    /// How many moves have done something.
    activity: u64,
    /// Below all databases of the state directory.
    disk: SimulatedDisk,
    _temporary: Option<tempfile::TempDir>,
}

impl SteppedJob {
    /// Opens the state directory (a temporary one, if the settings name none) and builds the first life.
    pub(crate) fn start(graph: &Graph, mut config: Config, clock: Arc<ManualClock>, seed: Option<u64>) -> Result<Self> {
        config.check().map_err(Error::Config)?;
        let plan = graph.plan(config.parallelism).map_err(|error| Error::graph(&graph.job, error))?;
        fault::install_hook();
        let temporary = match config.state_dir {
            Some(_) => None,
            None => {
                let made = tempfile::Builder::new().prefix("millstream-").tempdir();
                let doing = "make a state directory there";
                Some(made.map_err(|cause| state::Error::io(&std::env::temp_dir(), doing, cause))?)
            }
        };
        config.state_dir = config.state_dir.or_else(|| temporary.as_ref().map(|folder| folder.path().to_owned()));
        config.simulated = true;
        let disk = SimulatedDisk::mount(config.state_dir.as_deref().expect("a directory was given or made"));
        let mut job = SteppedJob {
            watchdog: Watchdog::new(config.checkpoint_warning),
            stalls: StallWatch::new(config.watermark_warning),
            board: Arc::new(Board::new(&plan)),
            plan: Arc::new(plan),
            restarts: RestartState::new(config.restart),
            config: Arc::new(config),
            clock,
            random: seed.map(Random::new),
            letters_asked: Arc::default(),
            ledger: None,
            seats: Vec::new(),
            mail: VecDeque::new(),
            tracker: Tracker::new(0, 0),
            opened_as: Life::Running,
            reading: BTreeSet::new(),
            settled: Epoch::ZERO,
            over: false,
            given_up: None,
            undecided: None,
            activity: 0,
            disk,
            _temporary: temporary,
        };
        job.open()?;
        // A fresh start and a restore are asked for once: what a crash leaves behind is this job's own.
        let config = Config { fresh: false, restore_from: None, ..(*job.config).clone() };
        job.config = Arc::new(config);
        Ok(job)
    }

    fn open(&mut self) -> Result<()> {
        let Opened { mut ledger, finished, crashed } = Ledger::open(self.plan.clone(), self.config.clone())?;
        if finished {
            self.board.set_finished_before(&ledger.manifest().counts());
            self.board.set_state(JobState::Finished);
            self.over = true;
            self.ledger = Some(ledger);
            return Ok(());
        }
        let blueprints = ledger.begin_life(crashed);
        self.ledger = Some(ledger);
        self.staff(blueprints?)
    }

    fn ledger(&mut self) -> &mut Ledger {
        self.ledger.as_mut().expect("a job that was started has its ledger")
    }

    /// Builds the shells of a new life.
    fn staff(&mut self, blueprints: Vec<Blueprint>) -> Result<()> {
        let plan = self.plan.clone();
        let places: Vec<(usize, usize)> = blueprints.iter().map(|it| (it.chain, it.subtask)).collect();
        let seat_of = |chain, subtask| places.iter().position(|place| *place == (chain, subtask)).unwrap_or(0);
        self.seats.clear();
        for (number, blueprint) in blueprints.into_iter().enumerate() {
            let (chain, subtask) = places[number];
            let outputs = exchange::outputs(&plan, chain, subtask).into_iter();
            let inputs = exchange::inputs(&plan, chain, subtask).into_iter();
            let receivers: Vec<_> = outputs
                .map(|end| {
                    let there = exchange::number_at_receiver(&plan, end.edge, subtask, end.chain, end.subtask);
                    (seat_of(end.chain, end.subtask), there)
                })
                .collect();
            let senders = inputs.map(|end| {
                let there = exchange::number_at_sender(&plan, end.edge, subtask, end.chain, end.subtask);
                (seat_of(end.chain, end.subtask), there)
            });
            let shell = Shell::build(Arc::new(blueprint), self.clock.clone());
            self.seats.push(Seat {
                shell: shell.map_err(|failure| self.give_up(failure, "it could not be built"))?,
                senders: senders.collect(),
                on_the_way: receivers.iter().map(|_| VecDeque::new()).collect(),
                receivers,
                work: BTreeMap::new(),
                awake: true,
            });
        }
        let (attempt, epoch) = (self.ledger().manifest().attempt, self.ledger().manifest().epoch);
        self.board.began_from.store(epoch.as_u64(), Relaxed);
        self.tracker = Tracker::new(attempt, self.seats.len());
        self.watchdog.settled();
        self.stalls.reset();
        self.settled = Epoch::new(attempt, 0);
        self.reading = (0..self.seats.len()).filter(|&seat| self.seats[seat].shell.is_source()).collect();
        self.board.set_state(JobState::Running);
        for seat in 0..self.seats.len() {
            self.seats[seat].shell.start();
            self.settle(seat);
        }
        self.letters_asked.store(true, Relaxed);
        self.publish();
        Ok(())
    }

    /// The job's dead letters.
    pub(crate) fn dead_letters(&mut self) -> DeadLetters {
        let asked = self.letters_asked.clone();
        self.ledger().dead_letters(move || asked.store(true, Relaxed))
    }

    /// Hands dead letters that are to be replayed to their operators, if any may have been asked for.
    fn hand_out(&mut self) -> Result<()> {
        if !self.letters_asked.swap(false, Relaxed) {
            return Ok(());
        }
        for ((chain, subtask), replay) in self.ledger().replays()? {
            let before: usize = self.plan.chains[..chain].iter().map(|chain| chain.parallelism).sum();
            self.seats[before + subtask].shell.hand_again(replay);
            self.seats[before + subtask].awake = true;
        }
        Ok(())
    }

    // ---------------------------------------------------------------- failure

    /// An operator has failed: goes back to the last checkpoint, if the restart strategy lets it.
    fn failed(&mut self, failure: Failure) -> Result<()> {
        self.board.set_failure(failure.to_string());
        match self.restarts.failure(failure.fault, self.clock.elapsed()) {
            Decision::GiveUp(reason) => Err(self.give_up(failure, reason)),
            Decision::RestartAfter(delay) => {
                let failed = Failed { at: self.clock.elapsed(), failure };
                self.begin_again(delay)?;
                let epoch = self.ledger().manifest().epoch;
                self.board.add_went_back(failed, epoch, self.clock.elapsed());
                Ok(())
            }
        }
    }

    /// Begins another life in place, as often as the restart strategy lets it.
    fn begin_again(&mut self, mut delay: Duration) -> Result<()> {
        loop {
            self.board.set_state(JobState::Restarting);
            self.clock.advance(delay);
            self.kill();
            let begun = self.ledger().begin_life(true).and_then(|blueprints| self.staff(blueprints));
            let Err(error) = begun else { return Ok(()) };
            match self.restarts.failure(error.fault(), self.clock.elapsed()) {
                Decision::RestartAfter(next) if !self.disk.is_dead() => delay = next,
                _ => return Err(error),
            }
        }
    }

    fn give_up(&self, failure: Failure, reason: &str) -> Error {
        self.board.set_state(JobState::Failed);
        let Failure { operator, subtask, cause, fault, .. } = failure;
        Error::Failed { job: self.plan.graph.job.clone(), operator, subtask, cause, fault, reason: reason.to_owned() }
    }

    fn kill(&mut self) {
        self.seats.iter_mut().for_each(|seat| seat.shell.kill());
        self.seats.clear();
    }

    /// The process dies and is started again: what is not on the disk is gone.
    ///
    /// * `parallelism`: the job's from now on.
    pub(crate) fn crash(&mut self, parallelism: usize) -> Result<()> {
        self.die(parallelism, None)
    }

    /// The machine loses its power, and all is started again: what was written without a sync may be gone, in whole or in
    /// part.
    pub(crate) fn lose_power(&mut self, parallelism: usize, chance: &mut Random) -> Result<()> {
        self.die(parallelism, Some(&mut |bound| chance.below(bound)))
    }

    fn die(&mut self, parallelism: usize, power_lost: Option<&mut dyn FnMut(usize) -> usize>) -> Result<()> {
        self.disk.die();
        self.kill();
        self.ledger = None;
        self.mail.clear();
        self.undecided = None;
        self.restarts = RestartState::new(self.config.restart);
        self.over = false;
        self.disk.revive(power_lost)?;
        if parallelism != self.config.parallelism {
            let config = Config { parallelism, ..(*self.config).clone() };
            config.check().map_err(Error::Config)?;
            let job = &self.plan.graph.job;
            let plan = self.plan.graph.plan(parallelism).map_err(|error| Error::graph(job, error))?;
            self.board = Arc::new(Board::new(&plan));
            (self.plan, self.config) = (Arc::new(plan), Arc::new(config));
        }
        self.board.set_state(JobState::Restarting);
        self.open()
    }

    /// Whether it has not failed: a life of it goes on, or is over.
    pub(crate) fn is_running(&self) -> bool {
        !matches!(self.board.status().state, JobState::Restarting | JobState::Failed)
    }

    /// Below the state directory.
    pub(crate) fn disk(&self) -> &SimulatedDisk {
        &self.disk
    }

    // ---------------------------------------------------------------- running

    /// Moves until nothing can move.
    pub(crate) fn settle_all(&mut self) -> Result<()> {
        while matches!(self.turn()?, Turn::Moved) {}
        self.publish();
        Ok(())
    }

    /// Does at most that many moves. Returns whether more are possible.
    pub(crate) fn step(&mut self, moves: usize) -> Result<bool> {
        for _ in 0..moves {
            if matches!(self.turn()?, Turn::Quiet) {
                self.publish();
                return Ok(false);
            }
        }
        self.publish();
        Ok(true)
    }

    /// Wakes everybody: something has come from outside.
    pub(crate) fn wake(&mut self) {
        self.seats.iter_mut().for_each(|seat| seat.awake = true);
    }

    /// How long it is until somebody wants to be woken.
    pub(crate) fn until_wake(&self) -> Option<Duration> {
        let now = self.clock.elapsed();
        let wakes = self.seats.iter().filter_map(|seat| seat.shell.wake_at());
        wakes.min().map(|at| at.saturating_sub(now))
    }

    /// Counts the moves that have done something: while it stands still nothing has happened.
    pub(crate) fn activity(&self) -> u64 {
        self.activity
    }

    /// Whether all sources have been read to their ends.
    pub(crate) fn has_read(&self) -> bool {
        self.reading.is_empty()
    }

    /// Whether the job is over.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Takes the last checkpoint, which marks the job finished, and runs until that is settled. If an operator fails on the
    /// way the job is not over then, and may have to read again.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let before = self.settled;
        if self.ledger().manifest().life == Life::Finished {
            // It has been taken, and could not be shown.
            self.show();
        } else {
            self.trigger(Life::Finished)?;
        }
        self.settle_all()?;
        while !self.over && self.wait_out_pause() {
            self.settle_all()?;
        }
        if self.over {
            self.board.set_state(JobState::Finished);
            return Ok(());
        }
        if self.settled.attempt() == before.attempt() { Err(self.void_checkpoint()) } else { Ok(()) }
    }

    fn publish(&mut self) {
        for (number, seat) in self.seats.iter().enumerate() {
            let gauges = self.board.subtask(number);
            gauges.publish_stage(seat.shell.stage());
            gauges.publish_times(|times| seat.shell.tell_times(times));
            seat.shell.core().into_iter().for_each(|core| gauges.publish(core));
        }
        self.watch();
        let manifest = self.ledger().manifest();
        let (attempt, checkpoints, restarts) = (manifest.attempt, manifest.checkpoints, manifest.restarts);
        self.board.attempt.store(attempt, Relaxed);
        self.board.checkpoints.store(checkpoints, Relaxed);
        self.board.restarts.store(restarts, Relaxed);
    }

    /// Tells of a checkpoint that takes long, and of watermarks that stand still.
    fn watch(&mut self) {
        let now = self.clock.elapsed();
        if self.stalls.is_due(now) {
            self.board.look_at_watermarks(&mut self.stalls, now);
        }
        let Some(epoch) = self.watchdog.epoch() else { return self.board.clear_slow() };
        if let Some((Some(open_for), _)) = self.watchdog.look(epoch, now) {
            self.board.set_slow(&self.plan, epoch, open_for, self.tracker.missing());
        }
    }

    /// The job as it stands.
    pub(crate) fn status(&self) -> JobStatus {
        self.board.status()
    }

    /// What holds event time back.
    pub(crate) fn explain_watermark(&self) -> WatermarkReport {
        self.board.explain_watermark()
    }
}
