//! Looks, before anything runs, whether the state files are what a checkpoint needs, and says what is lost if not.

use super::assembly::key_groups;
use super::automatic;
use super::directory::StateDirectory;
use crate::checkpoint::{Manifest, Refusal};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::record::Epoch;
use crate::state::{self, Identity};

/// A state file that a checkpoint needs and that cannot be used.
struct Damage {
    uid: String,
    subtask: usize,
    parallelism: usize,
    error: state::Error,
}

/// Reads all state files of a checkpoint. A damaged, missing or foreign one is refused: by its name, with what is lost, and
/// with the youngest kept checkpoint and the youngest automatic savepoint that are whole.
pub(super) fn examine(
    directory: &StateDirectory,
    manifest: &Manifest,
    kept: &[Manifest],
    config: &Config,
) -> Result<()> {
    let Some(damage) = damage(directory, manifest) else { return Ok(()) };
    let Damage { uid, subtask, parallelism, error } = damage;
    if !is_damage(&error) {
        return Err(Error::State(error));
    }
    let mut older = kept.iter().rev().filter(|older| older.epoch < manifest.epoch);
    let whole = older.find(|older| self::damage(directory, older).is_none()).map(|older| older.epoch);
    let groups = key_groups(subtask, parallelism);
    let reason = Refusal::Damaged {
        uid,
        subtask,
        first: groups.start as u8,
        last: groups.end.saturating_sub(1) as u8,
        epoch: manifest.epoch,
        cause: error.to_string(),
        whole,
        savepoint: automatic::youngest_whole(config, manifest.job_id),
    };
    Err(Error::StateDirectory { path: directory.path().to_owned(), reason: Box::new(reason) })
}

/// Whether a file is not what was written, and not just out of reach.
fn is_damage(error: &state::Error) -> bool {
    use state::Error::{Corrupt, Database, Folded, Foreign, Stale};
    matches!(error, Corrupt { .. } | Database { .. } | Folded { .. } | Foreign { .. } | Stale { .. })
}

/// The first file of a checkpoint that cannot be used.
fn damage(directory: &StateDirectory, manifest: &Manifest) -> Option<Damage> {
    for (uid, files) in &manifest.files {
        // What never was written to is made anew.
        for (subtask, written) in files.iter().enumerate().filter(|(_, written)| **written != Epoch::ZERO) {
            let path = directory.state_file(manifest.generation, uid, subtask);
            let generation = manifest.generation;
            let identity = Identity { job_id: manifest.job_id, uid: uid.clone(), subtask, generation };
            let verified = state::verify(&path, &identity, manifest.epoch, *written, directory.survives());
            if let Err(error) = verified {
                return Some(Damage { uid: uid.clone(), subtask, parallelism: files.len(), error });
            }
        }
    }
    None
}
