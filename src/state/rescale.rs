//! Rescaling: new files from old ones, each with the key groups of its new owner.

use super::chunk::Packer;
use super::disk::{BASE, Disk, META, put_number};
use super::{Error, Export, Identity, Import, Survives};
use crate::record::{Epoch, KeyGroup};
use redb::Durability;
use std::ops::Range;
use std::path::{Path, PathBuf};

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
/// [`Error::Exists`] if the new file is there; [`Error::Changed`] if a state has entries of different types in two old files;
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
    let open = |(path, identity, written): &(PathBuf, Identity, Epoch)| Export::open(path, identity, epoch, *written);
    let files = old.iter().map(open).collect::<Result<Vec<Export>, Error>>()?;
    let states = Export::merged(&new_identity.uid, &files)?;
    let mut new = Import::create(new_path, new_identity, &states, survives)?;
    for group in groups.start..groups.end.min(KeyGroup::COUNT) {
        for (number, state) in states.iter().enumerate() {
            let mut owner: Option<&Path> = None;
            for (file, (path, ..)) in files.iter().zip(old) {
                file.entries(state.name(), group, |key, value| {
                    if owner.is_some_and(|owner| owner != path) {
                        let found = format!("key group {group} is in another subtask's file too");
                        return Err(Error::corrupt(path, found));
                    }
                    owner = Some(path);
                    new.push(group, number, key, value)
                })?;
            }
        }
    }
    new.finish(epoch)
}

/// Writes entries, in key order, into an empty base.
pub(super) struct Writer {
    pub(super) disk: Disk,
    packer: Packer,
    pending: Vec<super::chunk::Packed>,
    /// Bytes in `pending`, and in the base.
    bytes: usize,
    written: u64,
}

impl Writer {
    /// For a new file.
    pub(super) fn new(disk: Disk) -> Self {
        Writer { disk, packer: Packer::default(), pending: Vec::new(), bytes: 0, written: 0 }
    }

    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let full = self.packer.push(key, Some(value));
        self.bytes += full.as_ref().map_or(0, |chunk| chunk.bytes.len());
        self.pending.extend(full);
        if self.bytes < PIECE { Ok(()) } else { self.write(None) }
    }

    pub(super) fn finish(mut self, epoch: Epoch) -> Result<(), Error> {
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

#[cfg(test)]
mod tests {
    use super::super::testkit::{checkpoint, epoch, identity};
    use super::super::{Keyed, Store, StoreOptions};
    use super::*;

    #[test]
    fn a_file_without_entries_of_a_state_may_still_tell_of_its_old_type() {
        let dir = tempfile::tempdir().unwrap();
        let path = |subtask: usize| dir.path().join(format!("{subtask}.redb"));
        for subtask in 0..2 {
            let options = StoreOptions::default();
            let mut store = Store::create(&path(subtask), &identity(subtask, 0), options).unwrap();
            let carts = store.value::<u8, u32>("cart").unwrap();
            let others = store.value::<u8, u8>("other").unwrap();
            match subtask {
                0 => carts.put(Keyed::of(&7), 3).unwrap(),
                _ => others.put(Keyed::of(&7), 5).unwrap(),
            }
            checkpoint(&mut store, 1).unwrap();
        }
        // Both change the type, but only one has something to write then.
        for subtask in 0..2 {
            let (options, at) = (StoreOptions::default(), epoch(1));
            let mut store = Store::open(&path(subtask), &identity(subtask, 0), at, at, options).unwrap();
            store.value::<u8, u64>("cart").unwrap();
            checkpoint(&mut store, 2).unwrap();
        }
        let new = dir.path().join("new.redb");
        let written = [epoch(2), epoch(1)];
        let old: Vec<_> = (0..2).map(|subtask| (path(subtask), identity(subtask, 0), written[subtask])).collect();
        rescale(&old, &new, &identity(0, 1), 0..KeyGroup::COUNT, epoch(2), Survives::ProcessDeath).unwrap();
        let at = epoch(2);
        let mut store = Store::open(&new, &identity(0, 1), at, at, StoreOptions::default()).unwrap();
        assert_eq!(store.value::<u8, u64>("cart").unwrap().get(Keyed::of(&7)).unwrap(), Some(3));
        assert_eq!(store.value::<u8, u8>("other").unwrap().get(Keyed::of(&7)).unwrap(), Some(5));
    }
}
