//! A piece of a dataflow, driven by hand.

use super::{Item, Probe, Script};
use crate::api::{Job, Stream};
use crate::config::{Config, Restart};
use crate::error::Result;
use crate::record::Data;
use crate::runtime::{DeadLetters, JobStatus, SteppedJob};
use crate::time::{Clock, ManualClock, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// Drives a piece of a dataflow, from one stream to another, on this thread: what is pushed has been processed when the call
/// returns.
///
/// The clock begins at the Unix epoch and moves by [`advance`](Harness::advance), and when a checkpoint must wait for a
/// throttle. Unless told otherwise each operator
/// has one subtask, and an operator that fails is not restarted.
///
/// # Panics
/// Every method panics if the dataflow is not possible or an operator fails: with the error's message, at the line of the
/// test. [`try_push`](Harness::try_push) returns the error instead.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::testing::Harness;
///
/// let mut totals = Harness::new(|orders: Stream<(&'static str, u64)>| {
///     orders.key_by(|order| order.0.to_string()).aggregate(Sum::of(|order: &(&'static str, u64)| order.1))
/// });
/// totals.push(("ada", 3), Timestamp::EPOCH);
/// totals.crash_and_restore();
/// totals.push(("ada", 4), Timestamp::EPOCH);
/// assert_eq!(totals.drain(), [("ada".to_string(), 3), ("ada".to_string(), 7)]);
/// ```
pub struct Harness<T, U> {
    job: SteppedJob,
    clock: Arc<ManualClock>,
    script: Script<T>,
    probe: Probe<U>,
    parallelism: usize,
}

/// Takes the value of what must not fail in a test.
#[track_caller]
fn must<R>(result: Result<R>) -> R {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

impl<T: Data, U: Data> Harness<T, U> {
    /// Builds the dataflow.
    #[track_caller]
    pub fn new(dataflow: impl FnOnce(Stream<T>) -> Stream<U>) -> Self {
        Self::with_config(Config::default(), dataflow)
    }

    /// Builds the dataflow with settings, such as another parallelism. The checkpoint interval does not count: checkpoints
    /// are taken by [`snapshot`](Harness::snapshot).
    #[track_caller]
    pub fn with_config(config: Config, dataflow: impl FnOnce(Stream<T>) -> Stream<U>) -> Self {
        let config = config.restart(Restart::None);
        let (job, script, probe) = (Job::new("harness"), Script::open(), Probe::new());
        dataflow(script.handle().attach(&job)).sink(probe.clone());
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let parallelism = config.parallelism;
        let mut job = must(SteppedJob::start(&job.snapshot(), config, clock.clone(), None));
        must(job.settle_all());
        Harness { job, clock, script, probe, parallelism }
    }

    fn play(&mut self, item: Item<T>) -> Result<()> {
        self.script.push(item);
        self.job.wake();
        self.job.settle_all()
    }

    /// Hands in a record with its event time.
    #[track_caller]
    pub fn push(&mut self, record: T, time: Timestamp) -> &mut Self {
        must(self.try_push(record, time));
        self
    }

    /// Hands in a record with its event time.
    ///
    /// # Errors
    /// If an operator fails; the harness is of no use then.
    pub fn try_push(&mut self, record: T, time: Timestamp) -> Result<()> {
        self.play(Item::Record(record, time))
    }

    /// Moves event time on. One that is not ahead of the last does nothing.
    #[track_caller]
    pub fn watermark(&mut self, watermark: Timestamp) -> &mut Self {
        must(self.play(Item::Watermark(watermark)));
        self
    }

    /// Moves the clock on; what waits for processing time happens on the way, each at its time.
    #[track_caller]
    pub fn advance(&mut self, duration: Duration) -> &mut Self {
        let end = self.clock.elapsed().saturating_add(duration);
        loop {
            let now = self.clock.elapsed();
            let wait = self.job.until_wake().map_or(Duration::MAX, |wait| wait.max(Duration::from_millis(1)));
            let step = wait.min(end.saturating_sub(now));
            if step.is_zero() {
                return self;
            }
            self.clock.advance(step);
            self.job.wake();
            must(self.job.settle_all());
        }
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What has come out since the last look.
    pub fn drain(&mut self) -> Vec<U> {
        self.probe.drain()
    }

    /// [`drain`](Harness::drain), with event times.
    pub fn drain_timed(&mut self) -> Vec<(U, Timestamp)> {
        self.probe.drain_timed()
    }

    /// Takes a checkpoint.
    #[track_caller]
    pub fn snapshot(&mut self) -> &mut Self {
        must(self.job.checkpoint());
        self
    }

    /// The process dies and starts again from the last checkpoint. What was handed in since is read again by the source, and
    /// what came of it comes once more.
    #[track_caller]
    pub fn crash(&mut self) -> &mut Self {
        must(self.job.crash(self.parallelism));
        must(self.job.settle_all());
        self
    }

    /// [`snapshot`](Harness::snapshot) and [`crash`](Harness::crash): goes on right where it was, with nothing but what was
    /// saved.
    #[track_caller]
    pub fn crash_and_restore(&mut self) -> &mut Self {
        self.snapshot().crash()
    }

    /// [`crash_and_restore`](Harness::crash_and_restore) at another parallelism.
    #[track_caller]
    pub fn rescale(&mut self, parallelism: usize) -> &mut Self {
        self.snapshot();
        self.parallelism = parallelism;
        self.crash()
    }

    /// The input ends: the last watermark comes, and all that waits for event time fires.
    #[track_caller]
    pub fn end(&mut self) -> &mut Self {
        self.script.close();
        self.job.wake();
        must(self.job.settle_all());
        self
    }

    /// The records that were put aside, as of the last checkpoint. A replay is done by the next thing that is done with the
    /// harness.
    pub fn dead_letters(&mut self) -> DeadLetters {
        self.job.dead_letters()
    }

    /// The job as it stands: records in, out and late of each operator.
    pub fn status(&self) -> JobStatus {
        self.job.status()
    }
}
