//! What a job's manifest tells people.

use super::directory::StateDirectory;
use super::ledger::{read_kept, read_manifest};
use crate::checkpoint::Manifest;
use crate::error::Result;
use crate::record::Epoch;
use crate::state::JobFile;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The checkpoints of a job.
///
/// ```
/// use millstream::Checkpoints;
/// use millstream::prelude::*;
///
/// let state = tempfile::tempdir().expect("there is room");
/// let job = Job::new("sums");
/// job.source(MemorySource::new(0..9_u64)).key_by(|n| n % 2).reduce(|sum, n| sum + n).sink(DiscardSink);
/// job.run(Config::default().state_dir(state.path()))?;
/// let checkpoints = Checkpoints::open(state.path())?;
/// assert_eq!((checkpoints.job.as_str(), checkpoints.life.as_str(), checkpoints.complete), ("sums", "finished", 1));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Checkpoints {
    /// The job's name.
    pub job: String,
    /// Its random id, in hexadecimal; its files bear it too.
    pub job_id: String,
    /// How it stands: `running` (also if it was killed), `stopped`, or `finished`.
    pub life: String,
    /// The number of its present or last life.
    pub attempt: u32,
    /// How often its state has been moved to another parallelism.
    pub generation: u64,
    /// Complete checkpoints since its birth.
    pub complete: u64,
    /// Restarts since its birth.
    pub restarts: u64,
    /// Those it can go back to, oldest first; the last is the one it goes on from. Empty before the first.
    pub kept: Vec<Checkpoint>,
}

/// A complete checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Checkpoint {
    /// Its epoch, as text: life and number in it.
    pub epoch: String,
    /// The operators that keep something: uid, kind and parallelism.
    pub operators: Vec<(String, String, usize)>,
    /// How many records its sources had brought.
    pub records: u64,
}

impl Checkpoints {
    /// Those of a job that does not run.
    ///
    /// # Errors
    /// [`Error::StateDirectoryInUse`](crate::Error::StateDirectoryInUse) if the job runs;
    /// [`Error::State`](crate::Error::State) if there is no job, or its manifest is damaged.
    pub fn open(state_dir: impl AsRef<Path>) -> Result<Self> {
        let directory = StateDirectory::of_stopped_job(state_dir.as_ref())?;
        let file = JobFile::open(&directory.manifest(), directory.survives())?;
        Self::read(&file, &directory)
    }

    pub(super) fn read(file: &JobFile, directory: &StateDirectory) -> Result<Self> {
        let manifest = read_manifest(file, directory)?;
        let kept = read_kept(file, directory)?;
        let all = kept.iter().filter(|older| older.epoch < manifest.epoch).chain([&manifest]);
        Ok(Checkpoints {
            job: manifest.job.clone(),
            job_id: format!("{:016x}", manifest.job_id),
            life: format!("{:?}", manifest.life).to_lowercase(),
            attempt: manifest.attempt,
            generation: manifest.generation,
            complete: manifest.checkpoints,
            restarts: manifest.restarts,
            kept: all.filter(|manifest| manifest.epoch > Epoch::ZERO).map(Checkpoint::of).collect(),
        })
    }
}

impl Checkpoint {
    fn of(manifest: &Manifest) -> Self {
        let sources = manifest.subtasks.iter().filter(|subtask| !subtask.splits.is_empty());
        let counts = sources.map(|subtask| subtask.operators.get(&subtask.chain).and_then(|saved| saved.get("in")));
        Checkpoint {
            epoch: manifest.epoch.to_string(),
            operators: manifest
                .operators
                .iter()
                .map(|operator| (operator.uid.clone(), operator.kind.clone(), operator.parallelism))
                .collect(),
            records: counts.filter_map(|count| count?.as_u64()).sum(),
        }
    }
}
