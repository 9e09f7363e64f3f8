//! A running job, as the program that started it sees it.

use super::job::Master;
use super::letters::DeadLetters;
use super::mailbox::{AskLetters, Stop, send};
use super::rescale::{Rescale, Rescaled};
use super::status::{Board, JobStatus};
use super::taking::take;
use super::watermarks::WatermarkReport;
use crate::error::{Error, Result};
use crate::savepoint::SavepointInfo;
use actix::Addr;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::Duration;
use tokio::sync::Notify;

/// Where the result of a job is left, and fetched.
#[derive(Default)]
pub(super) struct Outcome {
    result: Mutex<Option<Result<()>>>,
    arrived: Condvar,
    notify: Notify,
}

impl Outcome {
    fn set(&self, result: Result<()>) {
        let mut slot = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            *slot = Some(result);
        }
        drop(slot);
        self.arrived.notify_all();
        self.notify.notify_waiters();
    }

    fn take(&self) -> Option<Result<()>> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Leaves the result of a job, also when the master is lost.
pub(super) struct Promise {
    outcome: Arc<Outcome>,
    job: String,
}

impl Promise {
    pub(super) fn new(outcome: Arc<Outcome>, job: &str) -> Self {
        Promise { outcome, job: job.to_owned() }
    }

    pub(super) fn keep(self, result: Result<()>) {
        self.outcome.set(result);
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.outcome.set(Err(Error::Lost { job: self.job.clone() }));
    }
}

/// A job that runs on threads of its own. Dropping the handle leaves it running.
///
/// ```
/// use millstream::prelude::*;
///
/// let job = Job::new("counting");
/// let sink = CollectSink::new();
/// let seen = sink.handle();
/// job.source(MemorySource::new(0..1000_u64)).filter(|n| n % 100 == 0).sink(sink);
/// let handle = job.start(Config::default())?;
/// println!("{:?}", handle.status().state);
/// let last = handle.wait()?;
/// assert_eq!((last.state, seen.rows().len()), (JobState::Finished, 10));
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct JobHandle {
    pub(super) board: Arc<Board>,
    pub(super) outcome: Arc<Outcome>,
    pub(super) master: Addr<Master>,
}

impl JobHandle {
    /// The job as it stands. Cheap; never waits for the job.
    pub fn status(&self) -> JobStatus {
        self.board.status()
    }

    /// How far each subtask has come in event time, and what holds it back: down to the splits of the sources. Cheap; never
    /// waits for the job, and tells also of subtasks that are stuck.
    ///
    /// ```
    /// use millstream::prelude::*;
    ///
    /// let job = Job::new("clocks");
    /// let numbers = job.source(MemorySource::new(0..9_i64)).uid("numbers");
    /// let timed = numbers.event_time(|n| Timestamp::from_seconds(*n), Watermarks::monotonic());
    /// timed.key_by(|n| n % 2).count().sink(DiscardSink);
    /// let handle = job.start(Config::default())?;
    /// println!("{}", handle.explain_watermark());
    /// handle.wait()?;
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn explain_watermark(&self) -> WatermarkReport {
        self.board.explain_watermark()
    }

    /// Asks the job to stop: a last checkpoint, then it ends, to go on later from its state directory. Returns at once;
    /// [`wait`](JobHandle::wait) for the end. No window is fired for it.
    pub fn stop(&self) {
        send(&self.master, Stop);
    }

    /// Changes the job's parallelism while it runs: a last checkpoint, then a new life in which each subtask has its share of
    /// the state. Waits until the job runs again. Operators with a parallelism of their own keep it. At the next start the
    /// settings' parallelism counts again.
    ///
    /// # Errors
    /// If the parallelism is not possible; if the job is not running, or fails meanwhile: it then goes on as it was, or as
    /// its restart strategy says. [`Error::Over`] if it has ended.
    ///
    /// ```
    /// use millstream::prelude::*;
    ///
    /// let state = tempfile::tempdir().expect("there is room");
    /// let (job, sink) = (Job::new("counting"), CollectSink::new());
    /// let counts = sink.handle();
    /// job.source(GeneratorSource::new(|n| n % 10).rate(5_000).count(1_000)).key_by(|n| *n).count().sink(sink);
    /// let handle = job.start(Config::default().state_dir(state.path()))?;
    /// while handle.status().state != JobState::Running {
    ///     std::thread::yield_now();
    /// }
    /// let rescaled = handle.rescale(2)?;
    /// assert_eq!((rescaled.from, rescaled.to), (1, 2));
    /// handle.wait()?;
    /// assert_eq!(counts.rows().len(), 1_000);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn rescale(&self, parallelism: usize) -> Result<Rescaled> {
        let (reply, receiver) = mpsc::channel();
        send(&self.master, Rescale { parallelism, reply });
        receiver.recv().unwrap_or_else(|_| Err(Error::Over { job: self.board.status().job }))
    }

    /// The records that the job's operators could not process. Waits until the job has opened its state.
    ///
    /// # Errors
    /// [`Error::Over`] if the job has ended.
    pub fn dead_letters(&self) -> Result<DeadLetters> {
        let (sender, receiver) = mpsc::channel();
        send(&self.master, AskLetters(sender));
        receiver.recv().map_err(|_| Error::Over { job: self.board.status().job })
    }

    /// Takes a savepoint of the running job, and waits, blocking this thread, until it is written. The job goes on
    /// meanwhile. The savepoint holds all up to a checkpoint that is made for it, and nothing that came after.
    ///
    /// * `path`: the file to make, by custom `NAME.savepoint`.
    ///
    /// # Errors
    /// [`savepoint::Error`](crate::savepoint::Error), as [`Error::Savepoint`]: `Exists`; `NotTaken` if its checkpoint fails, or the job fails or ends
    /// before it is written; else what the disk says. No file is left then, and the job goes on.
    ///
    /// ```
    /// use millstream::prelude::*;
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("now.savepoint");
    /// let job = Job::new("counting");
    /// job.source(GeneratorSource::new(|n| n).rate(1_000.0)).key_by(|n| n % 10).count().sink(DiscardSink);
    /// let handle = job.start(Config::default())?;
    /// let info = handle.savepoint(&path)?;
    /// println!("{} entries at epoch {}", info.entries, info.epoch);
    /// handle.stop_with_savepoint(dir.path().join("last.savepoint"))?;
    /// handle.wait()?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn savepoint(&self, path: impl AsRef<Path>) -> Result<SavepointInfo> {
        self.take(path.as_ref(), false)
    }

    /// Asks the job to stop as [`stop`](JobHandle::stop) does, and takes a savepoint of its very end: what the job has shown
    /// when it ends is in it, and nothing else. Returns when the savepoint is written; [`wait`](JobHandle::wait) for the
    /// end.
    ///
    /// # Errors
    /// As [`savepoint`](JobHandle::savepoint). If the file cannot be made the job goes on. If it fails later the job has
    /// stopped all the same (in Flink it goes on), and [`Savepoint::create`](crate::savepoint::Savepoint::create) can take the
    /// savepoint of the state directory.
    pub fn stop_with_savepoint(&self, path: impl AsRef<Path>) -> Result<SavepointInfo> {
        self.take(path.as_ref(), true)
    }

    fn take(&self, path: &Path, stop: bool) -> Result<SavepointInfo> {
        take(&self.master, &self.board.status().job, path.to_owned(), stop)
    }

    /// Waits at most `timeout` for the end of the job; returns whether it has ended.
    pub fn wait_for(&self, timeout: Duration) -> bool {
        let slot = self.outcome.result.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.outcome.arrived.wait_timeout_while(slot, timeout, |slot| slot.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }

    /// Waits, blocking this thread, until the job has ended, and returns its final status.
    ///
    /// # Errors
    /// Why the job gave up.
    pub fn wait(self) -> Result<JobStatus> {
        let mut slot = self.outcome.result.lock().unwrap_or_else(PoisonError::into_inner);
        while slot.is_none() {
            slot = self.outcome.arrived.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
        let result = slot.take();
        drop(slot);
        self.finish(result)
    }

    /// [`wait`](JobHandle::wait) for programs with an asynchronous runtime, of whatever kind.
    ///
    /// # Errors
    /// Why the job gave up.
    pub async fn finished(self) -> Result<JobStatus> {
        let outcome = self.outcome.clone();
        let result = loop {
            let mut notified = std::pin::pin!(outcome.notify.notified());
            // Registered before the look, so that a result between look and wait is not missed.
            notified.as_mut().enable();
            if let Some(result) = outcome.take() {
                break result;
            }
            notified.await;
        };
        self.finish(Some(result))
    }

    /// Asks the job to stop, from a thread that outlives this handle; returns whether it was still running.
    pub(super) fn stopper(&self) -> impl Fn() -> bool + Send + 'static {
        let master = self.master.clone();
        move || {
            let running = master.connected();
            send(&master, Stop);
            running
        }
    }

    fn finish(self, result: Option<Result<()>>) -> Result<JobStatus> {
        match result {
            Some(Ok(())) => Ok(self.board.status()),
            Some(Err(error)) => Err(error),
            None => Err(Error::Lost { job: self.board.status().job }),
        }
    }
}
