//! State on its way out of one file and into others, entry by entry, as bytes: for copies that outlive the files' format and
//! their number.

use super::disk::{Disk, StateName, Types, View};
use super::layers::{Merge, Run};
use super::rescale::Writer;
use super::versions::{are_alike, current};
use super::{Error, Identity, StoreOptions, Survives};
use crate::record::{Epoch, KeyGroup};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A state's name and types, as files keep them.
///
/// ```
/// use millstream::record::Epoch;
/// use millstream::state::{Export, Identity, Import, Keyed, Store, StoreOptions, Survives};
///
/// let dir = tempfile::tempdir()?;
/// let (old, new) = (dir.path().join("old.redb"), dir.path().join("new.redb"));
/// let identity = Identity { job_id: 1, uid: "count".into(), subtask: 0, generation: 0 };
/// let epoch = Epoch::new(1, 1);
/// let mut store = Store::create(&old, &identity, StoreOptions::default())?;
/// let visits = store.value::<u64, u32>("visits")?;
/// visits.put(Keyed::of(&7), 3)?;
/// store.hand_off(epoch).map(|flush| store.flushed(flush.run()));
///
/// let export = store.export(epoch)?;
/// let mut import = Import::create(&new, &identity, export.declarations(), Survives::PowerLoss)?;
/// for group in 0..128 {
///     export.entries("visits", group, |key, value| import.push(group, 0, key, value))?;
/// }
/// import.finish(epoch)?;
/// let mut store = Store::open(&new, &identity, epoch, epoch, StoreOptions::default())?;
/// assert_eq!(store.value::<u64, u32>("visits")?.get(Keyed::of(&7))?, Some(3));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    name: String,
    /// Its types, as text.
    signature: String,
    /// Its types, by their shapes, as far as those are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    types: Option<Types>,
}

impl Declaration {
    fn of(state: &StateName) -> Self {
        Declaration { name: state.name.clone(), signature: state.signature.clone(), types: state.types.clone() }
    }

    fn numbered(&self, id: u8) -> StateName {
        StateName {
            id,
            name: self.name.clone(),
            signature: self.signature.clone(),
            types: self.types.clone(),
            since: 0,
        }
    }

    /// The state's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its types, as text that names them.
    pub(super) fn signature(&self) -> &str {
        &self.signature
    }

    /// Its types, by their shapes, as far as those are known.
    pub(super) fn types(&self) -> Option<&Types> {
        self.types.as_ref()
    }

    /// Whether another file stores the state alike.
    pub fn is_like(&self, other: &Declaration) -> bool {
        are_alike(&self.numbered(0), &other.numbered(0))
    }
}

/// The types, as the file tells them: by shape, if that is known.
impl fmt::Display for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shapes = self.types.as_ref().and_then(|types| Some((types, types.key.as_ref()?, types.value.as_ref()?)));
        match shapes {
            Some((types, key, value)) => match &types.map_key {
                Some(within) => write!(f, "{} {key} -> {within} -> {value}", types.kind),
                None => write!(f, "{} {key} -> {value}", types.kind),
            },
            None => f.write_str(&self.signature),
        }
    }
}

/// What one state file holds at one epoch, as it was when this was made, to be read on any thread. While it lives the file
/// is open, and does not get smaller.
pub struct Export {
    disk: Arc<Disk>,
    view: View,
    /// Oldest first.
    runs: Vec<Arc<Run>>,
    states: Vec<StateName>,
    declarations: Vec<Declaration>,
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("path", &self.disk.file.path()).finish_non_exhaustive()
    }
}

impl Export {
    /// Opens a file that nobody uses, at `epoch`. Of younger epochs nothing is read, and nothing is deleted.
    ///
    /// * `written`: as for [`Store::open`](super::Store::open).
    ///
    /// # Errors
    /// As [`Store::open`](super::Store::open).
    pub fn open(path: &Path, identity: &Identity, epoch: Epoch, written: Epoch) -> Result<Export, Error> {
        Export::at(Disk::open(path, identity, &StoreOptions::default())?, epoch, written)
    }

    /// As [`open`](Self::open), and leaves the file as it is, even if it was not closed and needs repair.
    pub(super) fn look(path: &Path, identity: &Identity, epoch: Epoch, written: Epoch) -> Result<Export, Error> {
        Export::at(Disk::look(path, identity)?, epoch, written)
    }

    fn at(disk: Disk, epoch: Epoch, written: Epoch) -> Result<Export, Error> {
        let disk = Arc::new(disk);
        let found = disk.survey(epoch)?;
        found.check_written(disk.file.path(), written)?;
        Export::of(&disk, &found.runs, &found.states, epoch)
    }

    /// * `runs`, `states`: those of the file, or some younger ones more.
    pub(super) fn of(disk: &Arc<Disk>, runs: &[Arc<Run>], states: &[StateName], epoch: Epoch) -> Result<Self, Error> {
        let view = disk.view()?;
        let known: Vec<StateName> = states.iter().filter(|state| state.since <= epoch.as_u64()).cloned().collect();
        let counts = |at: usize| current(&known, &known[at].name) == Some(at);
        let states: Vec<StateName> = (0..known.len()).filter(|at| counts(*at)).map(|at| known[at].clone()).collect();
        Ok(Export {
            disk: disk.clone(),
            view,
            runs: runs.iter().filter(|run| run.epoch() <= epoch).cloned().collect(),
            declarations: states.iter().map(Declaration::of).collect(),
            states,
        })
    }

    /// The states that it holds.
    pub fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }

    /// Whether a state has any entry.
    ///
    /// # Errors
    /// As [`entries`](Self::entries).
    pub fn holds(&self, state: &str) -> Result<bool, Error> {
        /// Nothing more need be read.
        struct Enough(Option<Error>);
        impl From<Error> for Enough {
            fn from(error: Error) -> Self {
                Enough(Some(error))
            }
        }
        for group in 0..KeyGroup::COUNT {
            match self.entries(state, group, |_, _| Err(Enough(None))) {
                Ok(()) => {}
                Err(Enough(None)) => return Ok(true),
                Err(Enough(Some(error))) => return Err(error),
            }
        }
        Ok(false)
    }

    /// The states of one operator, over views of all its subtasks.
    ///
    /// # Errors
    /// [`Error::Changed`] if a state has different types in two of them, and entries in both. One that has no entry may
    /// still tell of a type that has changed since.
    pub fn merged<'a>(uid: &str, exports: impl IntoIterator<Item = &'a Export>) -> Result<Vec<Declaration>, Error> {
        let mut states: Vec<(Declaration, &Export)> = Vec::new();
        for export in exports {
            for its in &export.declarations {
                match states.iter_mut().find(|(known, _)| known.name == its.name) {
                    None => states.push((its.clone(), export)),
                    Some((known, _)) if known.is_like(its) => {}
                    Some(_) if !export.holds(&its.name)? => {}
                    Some(state) if !state.1.holds(&its.name)? => *state = (its.clone(), export),
                    Some((known, _)) => {
                        let (was, now) = (known.signature.clone(), its.signature.clone());
                        return Err(Error::Changed { state: its.name.clone(), uid: uid.to_owned(), was, now });
                    }
                }
            }
        }
        Ok(states.into_iter().map(|(declaration, _)| declaration).collect())
    }

    /// Shows `visit` all entries of a state in one key group, in order: what stands in the file behind the state's number,
    /// and the value. None if there is no such state.
    ///
    /// # Errors
    /// The first of `visit`; [`Error::Corrupt`]; else what the disk says.
    pub fn entries<E: From<Error>>(
        &self,
        state: &str,
        group: usize,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(state) = self.states.iter().find(|known| known.name == state) else { return Ok(()) };
        let prefix = [group as u8, state.id];
        let mut merge = Merge::new(&self.view, self.runs.iter().rev(), true);
        self.disk.guard(&self.view, || merge.seek(&prefix))?;
        while let Some(entry) = self.disk.guard(&self.view, || merge.peek())? {
            let Some(key) = entry.key.strip_prefix(&prefix) else { break };
            if let Some(value) = entry.value {
                visit(key, value)?;
            }
            self.disk.guard(&self.view, || merge.advance())?;
        }
        Ok(())
    }
}

/// A state file that is being made of entries.
pub struct Import {
    writer: Writer,
    last: Vec<u8>,
    key: Vec<u8>,
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import").field("path", &self.writer.disk.file.path()).finish_non_exhaustive()
    }
}

impl Import {
    /// Makes a new file with these states.
    ///
    /// # Errors
    /// [`Error::Exists`] if there is one; [`Error::TooMany`]; else what the disk says.
    pub fn create(
        path: &Path,
        identity: &Identity,
        states: &[Declaration],
        survives: Survives,
    ) -> Result<Import, Error> {
        let number = |at: usize| u8::try_from(at).map_err(|_| Error::TooMany { uid: identity.uid.clone() });
        let states = states.iter().enumerate().map(|(at, state)| Ok(state.numbered(number(at)?)));
        let states = states.collect::<Result<Vec<StateName>, Error>>()?;
        let options = StoreOptions { survives, ..StoreOptions::default() };
        let disk = Disk::create(path, identity, &states, &options)?;
        Ok(Import { writer: Writer::new(disk), last: Vec::new(), key: Vec::new() })
    }

    /// Adds an entry. They must come in ascending order of (key group, state, key).
    ///
    /// * `state`: a state's place among those the file was made with.
    /// * `key`, `value`: as [`Export::entries`] showed them.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the order is another; else what the disk says.
    pub fn push(&mut self, group: usize, state: usize, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.key.clear();
        self.key.extend_from_slice(&[group as u8, state as u8]);
        self.key.extend_from_slice(key);
        if group >= KeyGroup::COUNT || self.key <= self.last {
            let found = format!("an entry of key group {group} comes out of order");
            return Err(Error::corrupt(self.writer.disk.file.path(), found));
        }
        std::mem::swap(&mut self.key, &mut self.last);
        self.writer.push(&self.last, value)
    }

    /// The file is whole, durably, and complete at `epoch`.
    ///
    /// # Errors
    /// What the disk says.
    pub fn finish(self, epoch: Epoch) -> Result<(), Error> {
        self.writer.finish(epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{checkpoint, create, epoch, identity, open};
    use super::super::{Keyed, Store};
    use super::*;

    fn carts(export: &Export) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut all = Vec::new();
        for group in 0..KeyGroup::COUNT {
            let visit = |key: &[u8], value: &[u8]| {
                all.push((key.to_vec(), value.to_vec()));
                Ok::<(), Error>(())
            };
            export.entries("cart", group, visit).unwrap();
        }
        all.sort();
        all
    }

    #[test]
    fn an_export_shows_its_epoch_while_the_store_goes_on_and_folds() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = create(&dir.path().join("0.redb"));
        let values = store.value::<u8, u8>("cart").unwrap();
        (0..100).for_each(|key| values.put(Keyed::of(&key), 1).unwrap());
        checkpoint(&mut store, 1).unwrap();
        (50..100).for_each(|key| assert!(values.remove(Keyed::of(&key)).unwrap().is_some()));
        checkpoint(&mut store, 2).unwrap();
        let export = store.export(epoch(2)).unwrap();
        let expected: Vec<_> = (0..50).map(|key| (vec![key], vec![1])).collect();
        assert_eq!(carts(&export), expected);
        for count in 3..40 {
            (0..100).for_each(|key| values.put(Keyed::of(&key), count).unwrap());
            checkpoint(&mut store, count.into()).unwrap();
            if let Some(fold) = store.free(epoch(count.into())) {
                store.folded(fold.run());
            }
        }
        assert_eq!(carts(&export), expected, "what came after does not show");
        assert!(carts(&store.export(epoch(39)).unwrap()).iter().all(|(_, value)| *value == [39]));
    }

    #[test]
    fn an_export_of_a_file_leaves_out_younger_epochs_and_keeps_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.redb");
        let mut store = create(&path);
        let values = store.value::<u8, u8>("cart").unwrap();
        for count in 1..=2 {
            values.put(Keyed::of(&7), count).unwrap();
            checkpoint(&mut store, count.into()).unwrap();
        }
        drop((store, values));
        let export = Export::open(&path, &identity(0, 0), epoch(1), epoch(1)).unwrap();
        assert_eq!(carts(&export), [(vec![7], vec![1])]);
        drop(export);
        let mut store: Store = open(&path, epoch(2)).unwrap();
        assert_eq!(store.value::<u8, u8>("cart").unwrap().get(Keyed::of(&7)).unwrap(), Some(2));
    }

    #[test]
    fn entries_out_of_order_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = create(&dir.path().join("0.redb"));
        store.value::<u8, u8>("cart").unwrap().put(Keyed::of(&7), 1).unwrap();
        checkpoint(&mut store, 1).unwrap();
        let export = store.export(epoch(1)).unwrap();
        let path = dir.path().join("1.redb");
        let mut import = Import::create(&path, &identity(1, 0), export.declarations(), Survives::ProcessDeath).unwrap();
        import.push(3, 0, &[1], &[1]).unwrap();
        assert!(import.push(3, 0, &[1], &[1]).is_err());
        assert!(import.push(2, 0, &[1], &[1]).is_err());
        assert!(import.push(128, 0, &[1], &[1]).is_err());
    }
}
