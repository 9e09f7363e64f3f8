//! Looking into the state of a job, without its program: of one that does not run, in its files; of one that does, in a copy
//! that it makes of itself.

use super::control::{ControlClient, Request};
use super::directory::{StateDirectory, VIEW};
use super::ledger::{read_kept, read_manifest};
use crate::checkpoint::{Manifest, OperatorEntry, SubtaskEntry};
use crate::error::{Error, Result};
use crate::record::{Epoch, KeyGroup};
use crate::savepoint::{self, Savepoint};
use crate::state::{self, Identity, Inspector, JobFile, Listed, StateEntry, Tally};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The state of a job at one moment: one of the checkpoints of a job that does not run, the present of one that does, or a
/// savepoint.
///
/// No file is changed: after a crash a state file is repaired in memory only. While a view of a stopped job or a clone of it
/// lives, the job cannot be started; other views can be opened.
///
/// ```
/// use millstream::StateView;
/// use millstream::prelude::*;
/// use serde_json::json;
///
/// let state = tempfile::tempdir().expect("there is room");
/// let job = Job::new("sums");
/// job.source(MemorySource::new(0..9_u64)).key_by(|n| n % 2).reduce(|sum, n| sum + n).uid("sum").sink(DiscardSink);
/// job.run(Config::default().state_dir(state.path()))?;
///
/// let view = StateView::open(state.path())?;
/// let states = view.states("sum")?;
/// assert_eq!((states[0].types.as_str(), states[0].tally.entries), ("value u64 -> Option<u64>", 2));
/// let found = view.get("sum", &states[0].name, &json!(1))?;
/// assert_eq!(found[0].value, json!(1 + 3 + 5 + 7));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StateView {
    path: PathBuf,
    job: String,
    epoch: Epoch,
    operators: Vec<OperatorEntry>,
    subtasks: Vec<SubtaskEntry>,
    place: Place,
}

/// Where the keyed state lies.
#[derive(Clone, Debug)]
enum Place {
    /// In the files of a job that does not run.
    Files {
        directory: Arc<StateDirectory>,
        manifest: Arc<Manifest>,
        /// Those it can also be seen at, oldest first.
        kept: Arc<Vec<Manifest>>,
    },
    /// In a savepoint, which goes with its folder if it was only made to be looked at.
    Savepoint { path: PathBuf, _folder: Option<Arc<TempDir>> },
}

/// An operator that keeps something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeptOperator {
    /// Its uid.
    pub uid: String,
    /// What it is: kind and settings.
    pub kind: String,
    /// How many subtasks it has.
    pub parallelism: usize,
}

/// A state of an operator, over all its subtasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StateSummary {
    /// Its name.
    pub name: String,
    /// As [`Listed::kind`].
    pub kind: String,
    /// As [`Listed::types`].
    pub types: String,
    /// How large it is.
    #[serde(flatten)]
    pub tally: Tally,
}

/// What is different about one entry between two views.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StateChange {
    /// Only the other view has it.
    Added {
        /// As the other view has it.
        now: StateEntry,
    },
    /// Only this view has it.
    Removed {
        /// As this view has it.
        was: StateEntry,
    },
    /// Its value is another, or the stamp of its last use.
    Changed {
        /// As this view has it.
        was: StateEntry,
        /// As the other view has it.
        now: StateEntry,
    },
}

impl StateView {
    /// The state of a job that does not run, at its last complete checkpoint.
    ///
    /// # Errors
    /// [`Error::StateDirectoryInUse`] if the job runs; [`Error::State`] if there is no job, or its manifest is damaged.
    pub fn open(state_dir: impl AsRef<Path>) -> Result<StateView> {
        let directory = StateDirectory::look(state_dir.as_ref())?;
        let file = JobFile::look(&directory.manifest())?;
        let manifest = read_manifest(&file, &directory)?;
        let mut kept = read_kept(&file, &directory)?;
        kept.retain(|older| older.epoch < manifest.epoch);
        kept.push(manifest.clone());
        Ok(Self::of_files(Arc::new(directory), manifest, Arc::new(kept)))
    }

    /// The state of a job whether it runs or not. One that runs makes a checkpoint and a copy of all its state, as for a
    /// savepoint; the copy lies in the state directory until the view and its clones are dropped, and is at the latest removed
    /// when the job is started again.
    ///
    /// # Errors
    /// As [`open`](Self::open); if the job runs, as [`JobHandle::savepoint`](crate::JobHandle::savepoint), as
    /// [`Error::Refused`].
    pub fn of_job(state_dir: impl AsRef<Path>) -> Result<StateView> {
        let state_dir = state_dir.as_ref();
        let Some(mut client) = ControlClient::connect(state_dir)? else { return StateView::open(state_dir) };
        let refuse = |cause| Error::State(state::Error::io(state_dir, "make a folder there for a view", cause));
        let whole = std::path::absolute(state_dir).map_err(refuse)?;
        let folder = tempfile::Builder::new().prefix(VIEW).tempdir_in(whole).map_err(refuse)?;
        let path = folder.path().join("now.savepoint");
        client.ask(&Request::Savepoint { path: path.clone(), stop: false })?;
        let view = StateView::of_savepoint(path)?;
        let Place::Savepoint { path, .. } = view.place else { return Ok(view) };
        let place = Place::Savepoint { path, _folder: Some(Arc::new(folder)) };
        Ok(StateView { path: state_dir.to_owned(), place, ..view })
    }

    /// The state in a savepoint.
    ///
    /// # Errors
    /// As [`Savepoint::open`].
    pub fn of_savepoint(path: impl AsRef<Path>) -> Result<StateView> {
        let path = path.as_ref().to_owned();
        let savepoint = Savepoint::open(&path)?;
        let (header, content) = (savepoint.header(), savepoint.content());
        Ok(StateView {
            job: header.job.clone(),
            epoch: header.epoch,
            operators: content.operators.clone(),
            subtasks: content.subtasks.clone(),
            place: Place::Savepoint { path: path.clone(), _folder: None },
            path,
        })
    }

    fn of_files(directory: Arc<StateDirectory>, manifest: Manifest, kept: Arc<Vec<Manifest>>) -> Self {
        StateView {
            path: directory.path().to_owned(),
            job: manifest.job.clone(),
            epoch: manifest.epoch,
            operators: manifest.operators.clone(),
            subtasks: manifest.subtasks.clone(),
            place: Place::Files { directory, manifest: Arc::new(manifest), kept },
        }
    }

    /// The job's name.
    pub fn job(&self) -> &str {
        &self.job
    }

    /// The epoch of the checkpoint that is seen.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The epochs at which the state can be seen, oldest first; the last is that of the last complete checkpoint.
    pub fn epochs(&self) -> Vec<Epoch> {
        match &self.place {
            Place::Files { kept, .. } => kept.iter().map(|manifest| manifest.epoch).collect(),
            Place::Savepoint { .. } => vec![self.epoch],
        }
    }

    /// The state at another checkpoint that is kept.
    ///
    /// # Errors
    /// [`Error::Inspect`] if it is not kept, or the job runs: then only its present can be seen.
    pub fn at(&self, epoch: Epoch) -> Result<StateView> {
        if epoch == self.epoch {
            return Ok(self.clone());
        }
        let Place::Files { directory, kept, .. } = &self.place else {
            return Err(self.refuse(format!(
                "only epoch {} can be seen here; for another checkpoint stop the job, or look at a savepoint",
                self.epoch
            )));
        };
        let Some(manifest) = kept.iter().find(|manifest| manifest.epoch == epoch) else {
            let kept: Vec<String> = self.epochs().iter().map(ToString::to_string).collect();
            return Err(self.refuse(format!("epoch {epoch} is not kept; those that are: {}", kept.join(", "))));
        };
        Ok(Self::of_files(directory.clone(), manifest.clone(), kept.clone()))
    }

    /// The operators that keep something.
    pub fn operators(&self) -> Vec<KeptOperator> {
        let entries = self.operators.iter();
        let shown = entries.map(|entry| KeptOperator {
            uid: entry.uid.clone(),
            kind: entry.kind.clone(),
            parallelism: entry.parallelism,
        });
        shown.collect()
    }

    /// An operator's keyed states with their sizes. Reads all of them.
    ///
    /// # Errors
    /// [`Error::Inspect`] if there is no such operator; [`Error::State`] if a file of it is missing or damaged.
    pub fn states(&self, uid: &str) -> Result<Vec<StateSummary>> {
        let mut states: Vec<StateSummary> = Vec::new();
        for (_, inspector) in self.inspectors(uid)? {
            for Listed { name, kind, types, .. } in inspector.states() {
                let tally = inspector.tally(&name)?;
                match states.iter_mut().find(|state| state.name == name) {
                    Some(state) => {
                        state.tally.entries += tally.entries;
                        state.tally.keys += tally.keys;
                        state.tally.bytes += tally.bytes;
                    }
                    None => states.push(StateSummary { name, kind, types, tally }),
                }
            }
        }
        Ok(states)
    }

    /// What an operator keeps outside of keyed state, by subtask: broadcast state, and what belongs to no key. As it lies in
    /// the checkpoint.
    ///
    /// # Errors
    /// [`Error::Inspect`] if there is no such operator.
    pub fn unkeyed(&self, uid: &str) -> Result<BTreeMap<usize, Value>> {
        self.check_operator(uid)?;
        let subtasks = self.subtasks.iter();
        let kept =
            subtasks.filter_map(|subtask| Some((subtask.index, subtask.operators.get(uid)?.get("state")?.clone())));
        Ok(kept.collect())
    }

    /// The entries of a state under a key: one, none, or, with windows, timers or maps, several. Reads the state until all
    /// have been found.
    ///
    /// * `key`: as entries show it.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn get(&self, uid: &str, state: &str, key: &Value) -> Result<Vec<StateEntry>> {
        let mut found: Vec<StateEntry> = Vec::new();
        self.scan(uid, state, |_, entry| {
            // A key lies in one key group.
            if found.first().is_some_and(|first| first.group != entry.group) {
                return Ok(ControlFlow::Break(()));
            }
            if entry.key == *key {
                found.push(entry.clone());
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Shows the entries of a state, with the subtask that has them, until `visit` breaks off: by key group, then by time,
    /// then by key as it is stored.
    ///
    /// # Errors
    /// [`Error::Inspect`] if there is no such operator or state; [`Error::State`] if a file is missing or damaged; those of
    /// `visit`.
    pub fn scan(
        &self,
        uid: &str,
        state: &str,
        mut visit: impl FnMut(usize, &StateEntry) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let inspectors = self.inspectors(uid)?;
        self.check_state(uid, state, &inspectors)?;
        for (subtask, inspector) in inspectors {
            let shown = inspector.visit(state, |entry| match visit(subtask.of(entry.group), entry) {
                Ok(ControlFlow::Continue(())) => Ok(()),
                Ok(ControlFlow::Break(())) => Err(End::Enough),
                Err(error) => Err(End::Failed(error)),
            });
            match shown {
                Ok(()) => {}
                Err(End::Enough) => return Ok(()),
                Err(End::Failed(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes all state as lines of JSON, one for each entry with its operator, state and subtask, and one for each subtask
    /// that keeps something without a key. Returns how many lines.
    ///
    /// # Errors
    /// [`Error::State`] if a file is missing or damaged; [`Error::Inspect`] with what `out` says.
    pub fn export(&self, out: &mut dyn Write) -> Result<u64> {
        /// A line.
        #[derive(Serialize)]
        struct Line<'a> {
            operator: &'a str,
            state: &'a str,
            subtask: usize,
            #[serde(flatten)]
            entry: &'a StateEntry,
        }
        let mut lines = 0;
        let mut put = |text: String| {
            lines += 1;
            writeln!(out, "{text}").map_err(|cause| self.refuse(format!("cannot write the export: {cause}")))
        };
        for KeptOperator { uid, .. } in self.operators() {
            for (subtask, value) in self.unkeyed(&uid)? {
                put(json!({ "operator": uid, "subtask": subtask, "unkeyed": value }).to_string())?;
            }
            for (subtask, inspector) in self.inspectors(&uid)? {
                for Listed { name, .. } in inspector.states() {
                    inspector.visit(&name, |entry| {
                        let line = Line { operator: &uid, state: &name, subtask: subtask.of(entry.group), entry };
                        put(serde_json::to_string(&line).expect("an entry is plain data"))
                    })?;
                }
            }
        }
        Ok(lines)
    }

    /// Shows what is different in another view, by operator and state: of one job at another checkpoint, or of another job.
    /// Holds the entries of one key group of one state in memory.
    ///
    /// # Errors
    /// [`Error::State`] if a file is missing or damaged; those of `visit`.
    pub fn diff(&self, other: &StateView, mut visit: impl FnMut(&str, &str, StateChange) -> Result<()>) -> Result<()> {
        let mut uids: Vec<String> = self.operators().into_iter().map(|operator| operator.uid).collect();
        let more = other.operators().into_iter().map(|operator| operator.uid).filter(|uid| !uids.contains(uid));
        let more: Vec<String> = more.collect();
        uids.extend(more);
        for uid in uids {
            let [old, new] = [self, other].map(|view| view.inspectors_if_any(&uid));
            let (old, new) = (old?, new?);
            let mut states: Vec<String> = Vec::new();
            for Listed { name, .. } in old.iter().chain(&new).flat_map(|(_, inspector)| inspector.states()) {
                if !states.contains(&name) {
                    states.push(name);
                }
            }
            for state in states {
                for group in 0..KeyGroup::COUNT {
                    let mut before = entries(&old, &state, group)?;
                    for (place, now) in entries(&new, &state, group)? {
                        match before.remove(&place) {
                            None => visit(&uid, &state, StateChange::Added { now })?,
                            Some(was) if was.is_like(&now) => {}
                            Some(was) => visit(&uid, &state, StateChange::Changed { was, now })?,
                        }
                    }
                    before.into_values().try_for_each(|was| visit(&uid, &state, StateChange::Removed { was }))?;
                }
            }
        }
        Ok(())
    }

    /// What the subtasks of an operator hold, as far as they hold anything.
    fn inspectors(&self, uid: &str) -> Result<Vec<(Subtask, Inspector)>> {
        self.check_operator(uid)?;
        self.inspectors_if_any(uid)
    }

    fn inspectors_if_any(&self, uid: &str) -> Result<Vec<(Subtask, Inspector)>> {
        let (directory, manifest) = match &self.place {
            Place::Files { directory, manifest, .. } => (directory, manifest),
            Place::Savepoint { path, .. } => {
                let Some(entry) = self.operators.iter().find(|entry| entry.uid == uid) else { return Ok(Vec::new()) };
                return Ok(vec![(Subtask::Of(entry.parallelism), savepoint::inspect(path, uid)?)]);
            }
        };
        let Manifest { job_id, generation, epoch, files, .. } = &**manifest;
        let files = files.get(uid).into_iter().flatten().enumerate();
        let written = files.filter(|(_, written)| **written != Epoch::ZERO);
        let open = |(subtask, written): (usize, &Epoch)| {
            let path = directory.state_file(*generation, uid, subtask);
            let identity = Identity { job_id: *job_id, uid: uid.to_owned(), subtask, generation: *generation };
            Ok((Subtask::Is(subtask), Inspector::open(&path, &identity, *epoch, *written)?))
        };
        written.map(open).collect()
    }

    fn check_operator(&self, uid: &str) -> Result<()> {
        let operators = self.operators();
        if operators.iter().any(|operator| operator.uid == uid) {
            return Ok(());
        }
        let known: Vec<&str> = operators.iter().map(|operator| operator.uid.as_str()).collect();
        Err(self.refuse(format!("no operator `{uid}` keeps anything; those that do: {}", known.join(", "))))
    }

    fn check_state(&self, uid: &str, state: &str, inspectors: &[(Subtask, Inspector)]) -> Result<()> {
        let mut known: Vec<String> =
            inspectors.iter().flat_map(|(_, inspector)| inspector.states()).map(|listed| listed.name).collect();
        if known.iter().any(|name| name == state) {
            return Ok(());
        }
        known.sort();
        known.dedup();
        Err(self.refuse(format!("operator `{uid}` has no state `{state}`; it has: {}", known.join(", "))))
    }

    fn refuse(&self, reason: String) -> Error {
        Error::Inspect { path: self.path.clone(), reason }
    }
}

/// Which subtask has an entry.
#[derive(Clone, Copy, Debug)]
enum Subtask {
    Is(usize),
    /// Of so many, the one that owned its key group.
    Of(usize),
}

impl Subtask {
    fn of(self, group: usize) -> usize {
        match self {
            Subtask::Is(subtask) => subtask,
            Subtask::Of(parallelism) => group * parallelism / KeyGroup::COUNT,
        }
    }
}

/// Why a scan ends early.
enum End {
    Enough,
    Failed(Error),
}

impl From<state::Error> for End {
    fn from(error: state::Error) -> Self {
        End::Failed(error.into())
    }
}

/// The entries of a key group, by where they lie.
fn entries(
    inspectors: &[(Subtask, Inspector)],
    state: &str,
    group: usize,
) -> Result<BTreeMap<Vec<u8>, StateEntry>, state::Error> {
    let mut entries = BTreeMap::new();
    for (_, inspector) in inspectors {
        inspector.visit_group(state, group, |entry| {
            entries.insert(entry.place.clone(), entry.clone());
            Ok::<(), state::Error>(())
        })?;
    }
    Ok(entries)
}
