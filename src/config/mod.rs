//! Settings of a job: what each means, its unit, and its default.
//!
//! ```
//! use millstream::prelude::*;
//!
//! let config = Config::default()
//!     .parallelism(2)
//!     .state_dir("target/doc-state")
//!     .checkpoint_interval(seconds(5))
//!     .restart(Restart::fixed_delay(seconds(1), 3));
//! assert_eq!(config.parallelism, 2);
//! ```

mod restart;

pub use restart::Restart;
pub(crate) use restart::{Decision, RestartState};

use crate::record::Epoch;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// How a job runs. Start from [`Config::default`] and change what must differ.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where state and checkpoints live; one directory per job. `None` (the default): a temporary directory, removed at the
    /// end, so that the job survives panics but not the end of its process; nothing waits for the disk then.
    pub state_dir: Option<PathBuf>,
    /// In how many subtasks operators run that say nothing else. Default: 1.
    pub parallelism: usize,
    /// Time between checkpoints, at least 1 ms. `None`: only the last one, at the end or at a stop. Default: 1 s.
    ///
    /// Exactly-once sinks show their rows after each checkpoint, so this is also their delay.
    pub checkpoint_interval: Option<Duration>,
    /// How long a checkpoint may take before the job tells, in its log and its status, for whom it waits. It goes on all the
    /// same: Flink gives up a checkpoint after its timeout, here it completes as soon as those who hold it up go on. Default:
    /// 30 s.
    pub checkpoint_warning: Duration,
    /// How long a watermark may stand still while records come before the job tells, in its log and its status, what holds it
    /// back: the split of a source whose event time goes no further, say. [`Duration::MAX`]: never. Flink does not tell.
    /// Default: 60 s.
    pub watermark_warning: Duration,
    /// How many bytes of state all subtasks together may hold in memory; the rest lives in their files. An estimate, not a
    /// hard limit. Default: 512 MiB.
    pub memory: usize,
    /// What happens when an operator fails. Default: exponential backoff from 100 ms to 1 min, at most 10 restarts without
    /// a smooth 10 minutes between.
    pub restart: Restart,
    /// To how many of the last complete checkpoints the job can go back, at least 1. Default: 3. A change of parallelism lets
    /// go of all but the newest.
    ///
    /// With each one kept the state files hold one more epoch's changes unmerged, and `job.redb` one more copy of what is
    /// small: source positions, clocks, sink records. The state itself is not copied.
    pub keep_checkpoints: usize,
    /// Start from this kept checkpoint instead of the newest one, and forget the younger ones. `None` (the default): from the
    /// newest. Meant for one start: another start with the same setting goes back again.
    ///
    /// What sinks that are at least once wrote since then is written again.
    pub go_back_to: Option<Epoch>,
    /// Lets [`go_back_to`](Config::go_back_to) take back what exactly-once sinks have shown since that checkpoint: files become
    /// shorter, and readers see other rows in place of those that they may have read. Without it such a start is refused.
    /// Default: false.
    pub rewind_output: bool,
    /// Throw away the state in `state_dir`, and let exactly-once sinks replace what an earlier job left. Default: false.
    pub fresh: bool,
    /// How many bytes of records all subtasks together may keep since their last hand-off of state, so that an operator that
    /// fails can be restarted by itself. When a subtask's share is full it hands off early; but where that would write much and
    /// nothing has failed in this process, a failure before the next checkpoint takes the whole job back instead. As much
    /// again may wait while a subtask is restarted, so that those who send to it can go on serving others. 0: every failure
    /// takes the whole job back to its last checkpoint. Default: 16 MiB; more
    /// costs more than its memory, because what it keeps leaves the processor's caches.
    pub journal: usize,
    /// How many dead letters the job keeps, replayed ones among them; with more it fails rather than lose one. Default:
    /// 1,000,000.
    pub dead_letter_limit: u64,
    /// Begin from this savepoint, in a state directory that holds nothing yet. Default: none.
    pub restore_from: Option<PathBuf>,
    /// The uids of operators whose state in the savepoint may be lost. Default: none.
    pub allow_removed: BTreeSet<String>,
    /// Time between savepoints that the job takes by itself, at least 1 ms. Default: none, so none are taken.
    ///
    /// Each is taken like one that is asked for: the job goes on. The interval is counted on across starts, from the last one
    /// in [`savepoint_dir`](Config::savepoint_dir); a job that has come some way without one takes it at once. A
    /// savepoint that fails is told in the log and the status and tried again when the interval is over once more; one that
    /// takes longer than the interval is not overtaken by the next. Simulated jobs take none.
    pub savepoint_every: Option<Duration>,
    /// How many automatic savepoints stay, at least 1. Default: 2. Older ones of this job are deleted when a new one is
    /// durable; no other file is, also not those of an earlier job in the same directory.
    pub keep_savepoints: usize,
    /// Where automatic savepoints go. `None` (the default): `savepoints` in the state directory. It is made if need be; its
    /// files are named `auto-<job id>-<attempt>-<epoch>.savepoint`, and sort by time. Throwing the state away with
    /// [`fresh`](Config::fresh) leaves them.
    pub savepoint_dir: Option<PathBuf>,
    /// How many records a batch holds at most, at least 1. Default: 1,024. Batches leave earlier when nothing else is to be
    /// done.
    pub batch_size: usize,
    /// How many batches may be under way on one channel, at least 1. Default: 4.
    pub channel_batches: usize,
    /// How many bytes may be under way on one channel; a single larger batch may pass alone. Default: 4 MiB.
    pub channel_bytes: usize,
    /// How long records wait for their batch to fill while their subtask is busy with others. Default: 5 ms.
    pub linger: Duration,
    /// The job runs in virtual time, in a process that outlives it.
    pub(crate) simulated: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            state_dir: None,
            parallelism: 1,
            checkpoint_interval: Some(Duration::from_secs(1)),
            checkpoint_warning: Duration::from_secs(30),
            watermark_warning: Duration::from_secs(60),
            memory: 512 << 20,
            restart: Restart::default(),
            keep_checkpoints: 3,
            go_back_to: None,
            rewind_output: false,
            fresh: false,
            journal: 16 << 20,
            dead_letter_limit: 1_000_000,
            restore_from: None,
            allow_removed: BTreeSet::new(),
            savepoint_every: None,
            keep_savepoints: 2,
            savepoint_dir: None,
            batch_size: 1024,
            channel_batches: 4,
            channel_bytes: 4 << 20,
            linger: Duration::from_millis(5),
            simulated: false,
        }
    }
}

impl Config {
    /// Sets [`state_dir`](Config::state_dir).
    #[must_use]
    pub fn state_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.state_dir = Some(directory.into());
        self
    }

    /// Sets [`parallelism`](Config::parallelism).
    #[must_use]
    pub fn parallelism(mut self, parallelism: usize) -> Self {
        self.parallelism = parallelism;
        self
    }

    /// Sets [`checkpoint_interval`](Config::checkpoint_interval).
    #[must_use]
    pub fn checkpoint_interval(mut self, interval: Duration) -> Self {
        self.checkpoint_interval = Some(interval);
        self
    }

    /// Sets [`checkpoint_warning`](Config::checkpoint_warning).
    #[must_use]
    pub fn checkpoint_warning(mut self, after: Duration) -> Self {
        self.checkpoint_warning = after;
        self
    }

    /// Sets [`watermark_warning`](Config::watermark_warning).
    #[must_use]
    pub fn watermark_warning(mut self, after: Duration) -> Self {
        self.watermark_warning = after;
        self
    }

    /// No checkpoints but the last one.
    #[must_use]
    pub fn without_checkpoints(mut self) -> Self {
        self.checkpoint_interval = None;
        self
    }

    /// Sets [`memory`](Config::memory), in bytes.
    #[must_use]
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets [`restart`](Config::restart).
    #[must_use]
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// Sets [`keep_checkpoints`](Config::keep_checkpoints).
    #[must_use]
    pub fn keep_checkpoints(mut self, epochs: usize) -> Self {
        self.keep_checkpoints = epochs;
        self
    }

    /// Sets [`go_back_to`](Config::go_back_to).
    #[must_use]
    pub fn go_back_to(mut self, epoch: Epoch) -> Self {
        self.go_back_to = Some(epoch);
        self
    }

    /// Sets [`rewind_output`](Config::rewind_output).
    #[must_use]
    pub fn rewind_output(mut self, rewind: bool) -> Self {
        self.rewind_output = rewind;
        self
    }

    /// Sets [`fresh`](Config::fresh).
    #[must_use]
    pub fn fresh(mut self, fresh: bool) -> Self {
        self.fresh = fresh;
        self
    }

    /// Sets [`journal`](Config::journal), in bytes.
    #[must_use]
    pub fn journal(mut self, bytes: usize) -> Self {
        self.journal = bytes;
        self
    }

    /// Sets [`dead_letter_limit`](Config::dead_letter_limit).
    #[must_use]
    pub fn dead_letter_limit(mut self, letters: u64) -> Self {
        self.dead_letter_limit = letters;
        self
    }

    /// Sets [`restore_from`](Config::restore_from): the job begins with all state of this savepoint, at whatever parallelism.
    ///
    /// It is restored once, at the job's birth: a state directory that holds a job already is refused, unless
    /// [`fresh`](Config::fresh) throws that away first. Operators are found by their uids. One that the savepoint does not
    /// know begins empty; one that the program does not have any more is refused, and so is a state that is not used any
    /// more: see [`allow_removed`](Config::allow_removed). Types that have changed are read as at any start.
    ///
    /// Sources go on at their positions. Exactly-once sinks begin new output, as at a first start: a file that exists is
    /// refused, or replaced if `fresh` is set.
    #[must_use]
    pub fn restore_from(mut self, savepoint: impl Into<PathBuf>) -> Self {
        self.restore_from = Some(savepoint.into());
        self
    }

    /// Adds to [`allow_removed`](Config::allow_removed): what a savepoint holds of the operator with this uid may be lost,
    /// as far as the program has no place for it. That is all of it if the operator is not there any more or does something
    /// else now, else the states that it does not use any more.
    #[must_use]
    pub fn allow_removed(mut self, uid: impl Into<String>) -> Self {
        self.allow_removed.insert(uid.into());
        self
    }

    /// Sets [`savepoint_every`](Config::savepoint_every).
    ///
    /// ```
    /// use millstream::prelude::*;
    ///
    /// let dir = tempfile::tempdir()?;
    /// let job = Job::new("counting");
    /// job.source(GeneratorSource::new(|n| n).rate(1_000.0)).key_by(|n| n % 10).count().sink(DiscardSink);
    /// let config = Config::default().state_dir(dir.path()).savepoint_every(millis(20)).keep_savepoints(1);
    /// let handle = job.start(config)?;
    /// while handle.status().savepoints == 0 {
    ///     std::thread::yield_now();
    /// }
    /// handle.stop();
    /// handle.wait()?;
    /// assert!(!millstream::savepoint::list(dir.path().join("savepoints"))?.is_empty());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn savepoint_every(mut self, interval: Duration) -> Self {
        self.savepoint_every = Some(interval);
        self
    }

    /// Sets [`keep_savepoints`](Config::keep_savepoints).
    #[must_use]
    pub fn keep_savepoints(mut self, savepoints: usize) -> Self {
        self.keep_savepoints = savepoints;
        self
    }

    /// Sets [`savepoint_dir`](Config::savepoint_dir).
    #[must_use]
    pub fn savepoint_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.savepoint_dir = Some(directory.into());
        self
    }

    /// Sets [`batch_size`](Config::batch_size).
    #[must_use]
    pub fn batch_size(mut self, records: usize) -> Self {
        self.batch_size = records;
        self
    }

    /// What is wrong with the settings, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        let wrong = |setting: &str, what: &str| Err(format!("setting `{setting}` is {what}; set it to at least 1"));
        match self {
            Config { parallelism: 0, .. } => wrong("parallelism", "0"),
            Config { keep_checkpoints: 0, .. } => wrong("keep_checkpoints", "0"),
            Config { batch_size: 0, .. } => wrong("batch_size", "0"),
            Config { channel_batches: 0, .. } => wrong("channel_batches", "0"),
            Config { checkpoint_interval: Some(interval), .. } if interval.as_millis() == 0 => {
                wrong("checkpoint_interval", "below 1 ms")
            }
            Config { keep_savepoints: 0, .. } => wrong("keep_savepoints", "0"),
            Config { savepoint_every: Some(interval), .. } if interval.as_millis() == 0 => {
                wrong("savepoint_every", "below 1 ms")
            }
            Config { savepoint_every: Some(_), savepoint_dir: None, state_dir: None, .. } => Err(
                "setting `savepoint_every` has no place for savepoints that stays; set `state_dir` or `savepoint_dir`"
                    .to_owned(),
            ),
            _ => self.restart.check(),
        }
    }
}
