//! The sink trait.

use super::Error;
use crate::record::Epoch;
use crate::time::Timestamp;
use serde_json::Value;
use std::path::PathBuf;

/// What a sink promises after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarantee {
    /// Each record becomes visible once, whatever crashed.
    ExactlyOnce,
    /// No record is lost; after a restart some may come twice.
    AtLeastOnce,
}

impl std::fmt::Display for Guarantee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Guarantee::ExactlyOnce => "exactly once",
            Guarantee::AtLeastOnce => "at least once",
        })
    }
}

/// Takes records out.
///
/// # How exactly once works
/// 1. Each subtask has a [`SinkWriter`]. At the barrier of an epoch it *prepares*: what it has been given since the last
///    one is made durable but not visible, and described by a JSON value.
/// 2. When all subtasks have prepared, the one [`Committer`] of the sink *plans*: it returns a record of what will become
///    visible. The record goes into the job's manifest, whose commit is the only moment of truth.
/// 3. After that commit the committer *applies* the record. A crash in between means that it is applied again at the next
///    start, so applying twice must be the same as once.
///
/// A sink without a committer is at least once.
pub trait Sink<T>: Send + Sync + 'static {
    /// Where it writes, for messages and plans: "file out/site.csv".
    fn describe(&self) -> String;

    /// What it promises.
    fn guarantee(&self) -> Guarantee;

    /// Makes the writer of one subtask. Called at each start and restart; must discard nothing.
    ///
    /// # Errors
    /// If the place cannot be written to; the error names it.
    fn writer(&self, context: &SinkContext) -> Result<Box<dyn SinkWriter<T>>, Error>;

    /// Makes the committer, of which there is one per sink, or `None` for a sink that is at least once.
    ///
    /// # Errors
    /// If the place cannot be written to; the error names it.
    fn committer(&self) -> Result<Option<Box<dyn Committer>>, Error> {
        Ok(None)
    }
}

/// Which writer this is.
#[derive(Clone, Debug)]
pub struct SinkContext {
    /// The sink's operator id.
    pub uid: String,
    /// The subtask's number, from 0.
    pub subtask: usize,
    /// How many subtasks there are.
    pub parallelism: usize,
}

/// Work of a writer that may block; run off the actor, in the order in which it was handed out.
pub type SinkJob = Box<dyn FnOnce() -> Result<(), Error> + Send>;

/// Makes the epoch durable; returns what the committer must know about it, or JSON `null` for nothing.
pub type Prepared = Box<dyn FnOnce() -> Result<Value, Error> + Send>;

/// Writes what one subtask is given.
pub trait SinkWriter<T> {
    /// Takes a record. Runs in the actor, so it must not block: put the record into a buffer.
    ///
    /// # Errors
    /// If the record cannot be written at all (it does not serialise).
    fn write(&mut self, record: T, time: Timestamp) -> Result<(), Error>;

    /// Work to be done off the actor because the buffer is full (or, with `idle`, because nothing else is to be done).
    /// While too much of it waits, the subtask takes no more records.
    fn spill(&mut self, idle: bool) -> Option<SinkJob> {
        let _ = idle;
        None
    }

    /// The barrier of `epoch`: returns the job that makes durable all that was written before and is not yet known to be
    /// committed. If the job fails, or the epoch does for another reason, the next epoch's must cover it too.
    fn prepare(&mut self, epoch: Epoch) -> Prepared;

    /// All up to `epoch` has been committed: what was kept for a later `prepare` can go.
    fn committed(&mut self, epoch: Epoch) {
        let _ = epoch;
    }
}

/// Makes the output of complete epochs visible; one per sink, run off the actors, one call at a time.
pub trait Committer: Send {
    /// Called once per start or restart, before anything else: the records in the manifest that may not have been applied
    /// (oldest first), or none at all if this job has never completed a checkpoint. Must apply them, and remove
    /// what later epochs left behind.
    ///
    /// * `fresh`: there is no checkpoint, and the user has asked to replace what an earlier job left.
    ///
    /// # Errors
    /// If what is visible is less than, or something else than, what was committed; the error names it.
    fn recover(&mut self, records: &[Value], fresh: bool) -> Result<(), Error>;

    /// Decides what becomes visible with `epoch`. Every record that went into a committed manifest has been applied
    /// before; a plan that was not applied when the next is asked for belonged to an epoch that failed.
    ///
    /// * `prepared`: for each subtask what its writer's [`Prepared`] returned.
    ///
    /// # Errors
    /// If that cannot be decided; the checkpoint then fails and is tried again.
    fn plan(&mut self, epoch: Epoch, prepared: &[(usize, Value)]) -> Result<Value, Error>;

    /// Makes it visible, durably. Must be idempotent: it is called again after a failure or a crash.
    ///
    /// # Errors
    /// If it cannot be done now; it is tried again.
    fn apply(&mut self, record: &Value) -> Result<(), Error>;

    /// Asks whether the output can go back to an older epoch on demand, to the last of these records. Changes nothing.
    /// Unless a sink says otherwise it cannot.
    ///
    /// # Errors
    /// Why it cannot, with the sink's name.
    fn may_rewind(&mut self, records: &[Value]) -> Result<(), Error> {
        let _ = records;
        Err(Error::user(
            "this sink cannot take back what it has shown, so the job cannot go back to an older checkpoint",
        ))
    }

    /// Takes back what was shown behind the last of these records; [`may_rewind`](Self::may_rewind) has allowed it. Called
    /// before [`recover`](Self::recover), which is given the same records. Must be idempotent: a crash calls it again.
    ///
    /// # Errors
    /// If it cannot be done now; the next start tries again.
    fn rewind(&mut self, records: &[Value]) -> Result<(), Error> {
        self.may_rewind(records)
    }

    /// Files and directories that hold the output, for the summary.
    fn outputs(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}
