//! The manifest: what a complete checkpoint consists of. Stored as JSON in `job.redb`; its commit is the moment of truth.
//! The manifests of the last few older epochs are kept beside it, as they were.

use crate::operator::{Restored, SplitState};
use crate::record::Epoch;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The format of the manifest and of the files it names. Raised when an older version could not read them.
pub(crate) const FORMAT: u32 = 1;

/// How the job's last life ended, as far as it could tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Life {
    /// It runs, or was killed.
    Running,
    /// It was stopped on demand, with a last checkpoint.
    Stopped,
    /// Its input has ended and all is done.
    Finished,
}

/// An operator whose state the checkpoint holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OperatorEntry {
    pub(crate) uid: String,
    /// Kind and settings; another kind cannot read the state.
    pub(crate) kind: String,
    pub(crate) parallelism: usize,
}

/// One subtask of a chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubtaskEntry {
    /// The uid of the chain's head.
    pub(crate) chain: String,
    pub(crate) index: usize,
    /// The event-time clock, in milliseconds.
    pub(crate) clock: i64,
    /// The stamp of its last element: processing time never goes back, also over restarts.
    #[serde(default = "beginning")]
    pub(crate) now: i64,
    /// How far each sending operator's channels have come in event time: uid to the minimum over its channels.
    pub(crate) watermarks: BTreeMap<String, i64>,
    /// The splits it reads, if its chain begins with a source.
    pub(crate) splits: Vec<SplitState>,
    /// Small state and counters of its operators, by uid.
    pub(crate) operators: BTreeMap<String, Value>,
}

fn beginning() -> i64 {
    i64::MIN
}

/// What a job has committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    /// The job's name.
    pub(crate) job: String,
    /// Random, from the job's birth; its state files bear it too.
    pub(crate) job_id: u64,
    /// Which folder of state files counts.
    pub(crate) generation: u64,
    /// The number of the job's present or last life.
    pub(crate) attempt: u32,
    /// The last complete checkpoint.
    pub(crate) epoch: Epoch,
    pub(crate) life: Life,
    pub(crate) operators: Vec<OperatorEntry>,
    pub(crate) subtasks: Vec<SubtaskEntry>,
    /// The state files of `generation`: by the uid of their operator, for each subtask the newest epoch that its file holds
    /// at or before `epoch`; [`Epoch::ZERO`]: nothing yet.
    pub(crate) files: BTreeMap<String, Vec<Epoch>>,
    /// What each exactly-once sink has to have applied, by uid: the last record known to be applied and all later ones.
    pub(crate) sinks: BTreeMap<String, Vec<Value>>,
    /// Complete checkpoints since the job's birth.
    pub(crate) checkpoints: u64,
    /// Restarts since the job's birth, in place or by a new process after a crash.
    pub(crate) restarts: u64,
    /// The job goes back to this epoch on demand, and its sinks may still show what came after.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) rewinding: bool,
}

impl Manifest {
    /// The manifest of a job that has just been born.
    pub(crate) fn birth(job: &str, job_id: u64, operators: Vec<OperatorEntry>) -> Self {
        Manifest {
            format: FORMAT,
            job: job.to_owned(),
            job_id,
            generation: 1,
            attempt: 0,
            epoch: Epoch::ZERO,
            life: Life::Running,
            operators,
            subtasks: Vec::new(),
            files: BTreeMap::new(),
            sinks: BTreeMap::new(),
            checkpoints: 0,
            restarts: 0,
            rewinding: false,
        }
    }

    /// The parallelism that an operator had.
    pub(crate) fn parallelism(&self, uid: &str) -> Option<usize> {
        self.operators.iter().find(|entry| entry.uid == uid).map(|entry| entry.parallelism)
    }

    /// What the checkpoint holds for an operator, over all subtasks.
    pub(crate) fn restored(&self, uid: &str) -> Restored {
        let mut restored = Restored { subtasks: BTreeMap::new(), parallelism: self.parallelism(uid).unwrap_or(0) };
        for subtask in &self.subtasks {
            if let Some(saved) = subtask.operators.get(uid) {
                restored.subtasks.insert(subtask.index, saved.clone());
            }
        }
        restored
    }

    /// The subtasks of a chain.
    pub(crate) fn chain(&self, uid: &str) -> impl Iterator<Item = &SubtaskEntry> {
        self.subtasks.iter().filter(move |subtask| subtask.chain == uid)
    }

    /// A counter summed over all operators and subtasks that have it.
    pub(crate) fn counts(&self) -> BTreeMap<String, (u64, u64, u64, u64)> {
        let mut counts: BTreeMap<String, (u64, u64, u64, u64)> = BTreeMap::new();
        for (uid, saved) in self.subtasks.iter().flat_map(|subtask| &subtask.operators) {
            let count = |name: &str| saved.get(name).and_then(Value::as_u64).unwrap_or(0);
            let sum = counts.entry(uid.clone()).or_default();
            *sum = (sum.0 + count("in"), sum.1 + count("out"), sum.2 + count("late"), sum.3 + count("unassigned"));
        }
        counts
    }
}
