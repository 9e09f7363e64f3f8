//! A whole job in virtual time.

use super::{Faults, Fuse};
use crate::api::Job;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::runtime::{DeadLetters, JobStatus, Random, SteppedJob, WatermarkReport};
use crate::time::{Clock, ManualClock, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// How many moves are made between two looks at whether chance wants a checkpoint or a crash.
const STRIDE: usize = 1;

/// A [`Job`] that runs in virtual time on one thread, deterministically from a seed.
///
/// Its clock begins at the Unix epoch and moves only when nothing else can: a job that runs for an hour by its own clock is
/// over in no time. The settings' checkpoint interval goes by that clock too; a checkpoint before which nothing has happened is
/// left out.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::testing::Simulation;
///
/// let job = Job::new("simulated");
/// let sink = CollectSink::new();
/// let rows = sink.handle();
/// job.source(MemorySource::new(0..100_u64)).key_by(|n| n % 3).count().filter(|(_, count)| *count == 33).sink(sink);
///
/// let mut simulation = Simulation::start(&job, Config::default().parallelism(2), 7)?;
/// simulation.checkpoints_one_in(10);
/// simulation.crashes_one_in(50, 3);
/// simulation.run()?;
/// let mut counts = rows.rows();
/// counts.sort();
/// assert_eq!(counts, [(0, 33), (1, 33), (2, 33)]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct Simulation {
    job: SteppedJob,
    clock: Arc<ManualClock>,
    chance: Random,
    parallelism: usize,
    interval: Option<Duration>,
    /// When the next checkpoint is due, by the clock.
    due: Option<Duration>,
    /// The job's activity at the last checkpoint that the clock has brought.
    saved: u64,
    faults: Faults,
    fuse: Option<Fuse>,
    /// How many writes and syncs had failed at the last look.
    failed: u64,
    /// How many moves may still be made.
    moves_left: u64,
}

impl Simulation {
    /// Builds a job. Without a state directory in `config` it gets a temporary one.
    ///
    /// * `seed`: chooses the order in which things happen, and when chance strikes.
    ///
    /// # Errors
    /// As [`Job::run`].
    pub fn start(job: &Job, config: Config, seed: u64) -> Result<Self> {
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let (parallelism, interval) = (config.parallelism, config.checkpoint_interval);
        let job = SteppedJob::start(&job.snapshot(), config, clock.clone(), Some(seed))?;
        let chance = Random::new(!seed);
        let due = interval;
        Ok(Simulation {
            job,
            clock,
            chance,
            parallelism,
            interval,
            due,
            saved: 0,
            faults: Faults::default(),
            fuse: None,
            failed: 0,
            moves_left: u64::MAX,
        })
    }

    /// From here on takes a checkpoint after one in `moves` moves, by chance, besides those that the clock brings. 0: none.
    pub fn checkpoints_one_in(&mut self, moves: usize) -> &mut Self {
        self.faults.checkpoints = moves;
        self
    }

    /// From here on [`crash`](Simulation::crash)es after one in `moves` moves, by chance, but no more than `at_most` times.
    pub fn crashes_one_in(&mut self, moves: usize, at_most: u32) -> &mut Self {
        (self.faults.crashes, self.faults.most_deaths) = (moves, at_most);
        self
    }

    /// From here on an operator panics after one in `moves` moves, by chance: which one, and at the end of whatever element
    /// it is handed next, so that its subtask is restarted by itself. Sources and operators that cannot be are spared. Such
    /// panics do not count for the restart strategy.
    pub fn panics_one_in(&mut self, moves: usize) -> &mut Self {
        self.faults.panics = moves;
        self
    }

    /// From here on such things go wrong, by chance.
    ///
    /// What fails because of it is tried again: a checkpoint later, a start of the job at once.
    pub fn faults(&mut self, faults: Faults) -> &mut Self {
        self.faults = faults;
        self
    }

    /// The fuse that [`Faults::fuses`] blows.
    pub fn fuse(&mut self, fuse: &Fuse) -> &mut Self {
        self.fuse = Some(fuse.clone());
        self
    }

    /// No more than so many moves are made from here on: a job that is not over then fails.
    pub(super) fn at_most(&mut self, moves: u64) -> &mut Self {
        self.moves_left = moves;
        self
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The job as it stands.
    pub fn status(&self) -> JobStatus {
        self.job.status()
    }

    /// How far each subtask has come in event time, and what holds it back.
    pub fn explain_watermark(&self) -> WatermarkReport {
        self.job.explain_watermark()
    }

    /// Makes at most that many moves, without moving the clock. Returns whether more are possible.
    ///
    /// # Errors
    /// If an operator fails and is not restarted.
    pub fn step(&mut self, moves: usize) -> Result<bool> {
        for _ in 0..moves {
            self.spend(1)?;
            let stepped = self.job.step(STRIDE);
            if !self.bear(stepped)?.unwrap_or(true) {
                return Ok(false);
            }
            self.strike()?;
        }
        Ok(true)
    }

    /// Takes a checkpoint.
    ///
    /// # Errors
    /// If it fails, or an operator does and is not restarted.
    pub fn checkpoint(&mut self) -> Result<()> {
        let taken = self.job.checkpoint();
        self.bear(taken).map(drop)
    }

    /// The process dies, as by `kill -9`, and is started again.
    ///
    /// # Errors
    /// If the job cannot be started again.
    pub fn crash(&mut self) -> Result<()> {
        self.rescale();
        let started = self.job.crash(self.parallelism);
        self.bear(started).map(drop)
    }

    /// The machine loses its power, and the job is started again: of what its state files did not sync, each write may be
    /// gone in whole or in part, by chance. Files of sinks keep what was written.
    ///
    /// # Errors
    /// If the job cannot be started again.
    pub fn lose_power(&mut self) -> Result<()> {
        self.rescale();
        let started = self.job.lose_power(self.parallelism, &mut self.chance);
        self.bear(started).map(drop)
    }

    /// The records that were put aside, as of the last checkpoint.
    pub fn dead_letters(&mut self) -> DeadLetters {
        self.job.dead_letters()
    }

    /// [`crash`](Simulation::crash)es, and is started again at another parallelism.
    ///
    /// # Errors
    /// If the job cannot be started again.
    pub fn crash_into(&mut self, parallelism: usize) -> Result<()> {
        self.parallelism = parallelism;
        let started = self.job.crash(parallelism);
        self.bear(started).map(drop)
    }

    /// Runs for that long by the clock, or to the end if that comes first.
    ///
    /// # Errors
    /// If an operator fails and is not restarted.
    pub fn run_for(&mut self, duration: Duration) -> Result<JobStatus> {
        self.run_until(Some(self.clock.elapsed().saturating_add(duration)))
    }

    /// Runs to the end. A job whose sources never end runs for ever.
    ///
    /// # Errors
    /// If an operator fails and is not restarted.
    pub fn run(&mut self) -> Result<JobStatus> {
        self.run_until(None)
    }

    fn run_until(&mut self, end: Option<Duration>) -> Result<JobStatus> {
        while !self.job.is_over() {
            while self.step(1024)? {}
            if self.job.has_read() {
                self.finish()?;
                continue;
            }
            let now = self.clock.elapsed();
            let wake = self.job.until_wake().map(|wait| now + wait.max(Duration::from_millis(1)));
            let Some(next) = wake.into_iter().chain(self.due).chain(end).min() else { break };
            self.clock.advance(next.saturating_sub(now));
            if self.due.is_some_and(|due| due <= next) {
                if self.job.activity() != self.saved {
                    self.checkpoint()?;
                    while self.step(1024)? {}
                    self.saved = self.job.activity();
                }
                self.due = self.interval.map(|interval| next + interval);
            }
            if end == Some(next) {
                while self.step(1024)? {}
                break;
            }
            self.job.wake();
        }
        Ok(self.status())
    }

    fn finish(&mut self) -> Result<()> {
        let finished = self.job.finish();
        if self.bear(finished)?.is_none() {
            // What fails again and again costs moves too.
            self.spend(100)?;
        }
        Ok(())
    }

    fn spend(&mut self, moves: u64) -> Result<()> {
        self.moves_left = self.moves_left.saturating_sub(moves);
        if self.moves_left == 0 { Err(Error::Config("the job does not come to an end".to_owned())) } else { Ok(()) }
    }

    // ---------------------------------------------------------------- faults

    /// What those who run a job make of a result: what the disk has spoilt is nothing to give up for. `None` if it was that.
    fn bear<R>(&mut self, result: Result<R>) -> Result<Option<R>> {
        if self.job.disk().is_dead() {
            return self.restart().map(|()| None);
        }
        let failed = std::mem::replace(&mut self.failed, self.job.disk().failed());
        match result {
            Err(_) if self.failed > failed && self.job.is_running() => Ok(None),
            Err(_) if self.failed > failed => self.restart().map(|()| None),
            result => result.map(Some),
        }
    }

    /// A process is started, until one comes through.
    fn restart(&mut self) -> Result<()> {
        loop {
            self.rescale();
            let failed = self.job.disk().failed();
            let power_lost = self.faults.power_losses > 0 && self.chance.below(2) == 0;
            let started = match power_lost {
                true => self.job.lose_power(self.parallelism, &mut self.chance),
                false => self.job.crash(self.parallelism),
            };
            self.failed = self.job.disk().failed();
            match started {
                Err(_) if self.job.disk().is_dead() || self.failed > failed => {}
                started => return started,
            }
        }
    }

    /// Chooses the parallelism for the next life.
    fn rescale(&mut self) {
        let choices = &self.faults.rescales;
        if !choices.is_empty() {
            self.parallelism = choices[self.chance.below(choices.len())];
        }
    }

    /// Whether something happens that does so after one in so many moves.
    fn chance(&mut self, moves: usize) -> bool {
        moves > 0 && self.chance.below(moves) == 0
    }

    /// Whether the process may die once more.
    fn death(&mut self, moves: usize) -> bool {
        let dies = self.faults.most_deaths > 0 && self.chance(moves);
        self.faults.most_deaths -= u32::from(dies);
        dies
    }

    /// Lets chance strike.
    fn strike(&mut self) -> Result<()> {
        if self.chance(self.faults.panics) {
            self.job.strike(&mut self.chance);
        }
        if self.chance(self.faults.fuses) {
            let checks = self.chance.below(30);
            self.fuse.iter().for_each(|fuse| fuse.blow_after(checks));
        }
        if self.chance(self.faults.clock_jumps) {
            let jump = self.faults.jump.mul_f64(self.chance.below(1_000) as f64 / 1_000.0);
            self.clock.advance(jump);
            self.job.wake();
        }
        if self.chance(self.faults.disk_failures) {
            let (first, count) = (self.chance.below(10), 1 + self.chance.below(10));
            self.job.disk().fail_after(first as u64, count as u64);
        }
        if self.chance(self.faults.checkpoints) {
            self.checkpoint()?;
        }
        if self.death(self.faults.deaths_in_writes) {
            let writes = self.chance.below(40);
            self.job.disk().die_after(writes as u64);
        }
        if self.death(self.faults.power_losses) {
            self.lose_power()?;
        }
        if self.death(self.faults.crashes) {
            self.crash()?;
        }
        Ok(())
    }
}
