//! A whole job in virtual time.

use crate::api::Job;
use crate::config::Config;
use crate::error::Result;
use crate::runtime::{DeadLetters, JobStatus, Random, SteppedJob};
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
    checkpoints_one_in: usize,
    crashes_one_in: usize,
    crashes_left: u32,
    panics_one_in: usize,
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
            checkpoints_one_in: 0,
            crashes_one_in: 0,
            crashes_left: 0,
            panics_one_in: 0,
        })
    }

    /// From here on takes a checkpoint after one in `moves` moves, by chance, besides those that the clock brings. 0: none.
    pub fn checkpoints_one_in(&mut self, moves: usize) -> &mut Self {
        self.checkpoints_one_in = moves;
        self
    }

    /// From here on [`crash`](Simulation::crash)es after one in `moves` moves, by chance, but no more than `at_most` times.
    pub fn crashes_one_in(&mut self, moves: usize, at_most: u32) -> &mut Self {
        (self.crashes_one_in, self.crashes_left) = (moves, at_most);
        self
    }

    /// From here on an operator panics after one in `moves` moves, by chance: which one, and at the end of whatever element
    /// it is handed next, so that its subtask is restarted by itself. Sources and operators that cannot be are spared. Such
    /// panics do not count for the restart strategy.
    pub fn panics_one_in(&mut self, moves: usize) -> &mut Self {
        self.panics_one_in = moves;
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

    /// Makes at most that many moves, without moving the clock. Returns whether more are possible.
    ///
    /// # Errors
    /// If an operator fails and is not restarted.
    pub fn step(&mut self, moves: usize) -> Result<bool> {
        for _ in 0..moves {
            if !self.job.step(STRIDE)? {
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
        self.job.checkpoint()
    }

    /// The process dies, as by `kill -9`, and is started again.
    ///
    /// # Errors
    /// If the job cannot be started again.
    pub fn crash(&mut self) -> Result<()> {
        self.job.crash(self.parallelism)
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
        self.crash()
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
                self.job.finish()?;
                continue;
            }
            let now = self.clock.elapsed();
            let wake = self.job.until_wake().map(|wait| now + wait.max(Duration::from_millis(1)));
            let Some(next) = wake.into_iter().chain(self.due).chain(end).min() else { break };
            self.clock.advance(next.saturating_sub(now));
            if self.due.is_some_and(|due| due <= next) {
                if self.job.activity() != self.saved {
                    self.job.checkpoint()?;
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

    /// Lets chance strike.
    fn strike(&mut self) -> Result<()> {
        if self.panics_one_in > 0 && self.chance.below(self.panics_one_in) == 0 {
            self.job.strike(&mut self.chance);
        }
        if self.checkpoints_one_in > 0 && self.chance.below(self.checkpoints_one_in) == 0 {
            self.job.checkpoint()?;
        }
        if self.crashes_left > 0 && self.crashes_one_in > 0 && self.chance.below(self.crashes_one_in) == 0 {
            self.crashes_left -= 1;
            self.crash()?;
        }
        Ok(())
    }
}
