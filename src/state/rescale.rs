//! Rescaling: new files from old ones, each with the key groups of its new owner.

use super::chunk::Packer;
use super::disk::{BASE, Disk, META, StateName, put_number};
use super::layers::Lower;
use super::versions::{are_alike, current};
use super::{Error, Identity, StoreOptions, Survives};
use crate::record::{Epoch, KeyGroup};
use redb::Durability;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many bytes are written in one transaction.
const PIECE: usize = 16 << 20;
/// Makes the file of a new subtask from those of the old ones: all that lives in them at `epoch`, of these key groups. The
/// new file is complete at that epoch. The old ones stay as they are.
///
/// * `old`: the old subtasks' files, whose they are, and the newest epoch up to `epoch` for which each is known to have
///   written something.
/// * `groups`: the new subtask's key groups, within `0..KeyGroup::COUNT`, as [`KeyGroup::range`] tells.
///
/// # Errors
/// [`Error::Exists`] if the new file is there; [`Error::Changed`] if a state has different types in two of the old files;
/// [`Error::Corrupt`] if two of them hold entries of one key group; and what opening them may say, see
/// [`Store::open`](super::Store::open).
pub fn rescale(
    old: &[(PathBuf, Identity, Epoch)],
    new_path: &Path,
    new_identity: &Identity,
    groups: Range<usize>,
    epoch: Epoch,
    survives: Survives,
) -> Result<(), Error> {
    let options = StoreOptions { survives, ..StoreOptions::default() };
    let mut files = Vec::new();
    let mut states: Vec<StateName> = Vec::new();
    for (path, identity, written) in old {
        let disk = Arc::new(Disk::open(path, identity, &options)?);
        let found = disk.survey(epoch)?;
        found.check_written(path, *written)?;
        let is_current = |at: &usize| current(&found.states, &found.states[*at].name) == Some(*at);
        let current: Vec<StateName> =
            (0..found.states.len()).filter(is_current).map(|at| found.states[at].clone()).collect();
        merge_states(&mut states, &current, &identity.uid)?;
        files.push((Lower::new(disk, found.runs), current));
    }
    let new = Disk::create(new_path, new_identity, &states, &options)?;
    let mut writer = Writer { disk: &new, packer: Packer::default(), pending: Vec::new(), bytes: 0, written: 0 };
    let mut key_now = Vec::new();
    for group in groups.start..groups.end.min(KeyGroup::COUNT) {
        for state in &states {
            let mut owner: Option<&Path> = None;
            for (lower, its_states) in &files {
                let Some(its) = its_states.iter().find(|its| its.name == state.name) else { continue };
                let path = lower.disk.file.path();
                let prefix = [group as u8, its.id];
                lower.scan([prefix.as_slice()], |key, value| {
                    if owner.is_some_and(|owner| owner != path) {
                        return Err(Error::corrupt(
                            path,
                            format!("key group {group} is in another subtask's file too"),
                        ));
                    }
                    owner = Some(path);
                    key_now.clear();
                    key_now.extend_from_slice(key);
                    key_now[1] = state.id;
                    writer.push(&key_now, value)
                })?;
            }
        }
    }
    writer.finish(epoch)
}

/// Adds a file's states to those known so far; the ids are the new file's own.
fn merge_states(states: &mut Vec<StateName>, more: &[StateName], uid: &str) -> Result<(), Error> {
    for its in more {
        match states.iter().find(|known| known.name == its.name) {
            Some(known) if !are_alike(known, its) => {
                return Err(Error::Changed {
                    state: its.name.clone(),
                    uid: uid.to_owned(),
                    was: known.signature.clone(),
                    now: its.signature.clone(),
                });
            }
            Some(_) => {}
            None => {
                let id = u8::try_from(states.len()).map_err(|_| Error::TooMany { uid: uid.to_owned() })?;
                states.push(StateName { id, since: 0, ..its.clone() });
            }
        }
    }
    Ok(())
}

/// Writes entries, in key order, into an empty base.
struct Writer<'a> {
    disk: &'a Disk,
    packer: Packer,
    pending: Vec<super::chunk::Packed>,
    /// Bytes in `pending`, and in the base.
    bytes: usize,
    written: u64,
}

impl Writer<'_> {
    fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let full = self.packer.push(key, Some(value));
        self.bytes += full.as_ref().map_or(0, |chunk| chunk.bytes.len());
        self.pending.extend(full);
        if self.bytes < PIECE { Ok(()) } else { self.write(None) }
    }

    fn finish(mut self, epoch: Epoch) -> Result<(), Error> {
        let last = self.packer.finish();
        self.bytes += last.as_ref().map_or(0, |chunk| chunk.bytes.len());
        self.pending.extend(last);
        self.write(Some(epoch))
    }

    /// Writes what is pending; with an epoch, the file is complete.
    fn write(&mut self, complete: Option<Epoch>) -> Result<(), Error> {
        let durability = if complete.is_some() { Durability::Immediate } else { Durability::None };
        self.written += self.bytes as u64;
        self.bytes = 0;
        let chunks = std::mem::take(&mut self.pending);
        self.disk.file.write(durability, |transaction| {
            let mut base = transaction.open_table(BASE)?;
            for chunk in &chunks {
                base.insert(&*chunk.first, chunk.bytes.as_slice())?;
            }
            let mut meta = transaction.open_table(META)?;
            put_number(&mut meta, "base", self.written)?;
            if let Some(epoch) = complete {
                put_number(&mut meta, "newest", epoch.as_u64())?;
                put_number(&mut meta, "folded", epoch.as_u64())?;
            }
            Ok(())
        })
    }
}
