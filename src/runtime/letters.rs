//! The dead letters of a job, as the job keeps them and as others see them.
//!
//! A record that its operator fails on again and again is put aside as a [`DeadLetter`](crate::record::DeadLetter). Letters
//! ride on the subtasks' parts of an epoch, and are written right before the manifest is, whose commit makes them count. If
//! they cannot be written the checkpoint fails, and they come with the next one.
//!
//! # Replay
//! A request is noted durably. The master hands the record to the subtask that owns it, which takes it as a batch of its own
//! and says so with its part of the epoch; the mark `replayed` is written with that epoch, and counts when it does. After
//! a crash before that the request stands, and state and output are as if the record had never come: so it counts once.

use super::directory::StateDirectory;
use super::ledger::read_manifest;
use super::replay::{Replay, place};
use crate::checkpoint::{Life, Manifest};
use crate::error::{Error, Result};
use crate::graph::Plan;
use crate::record::{DeadLetter, Epoch, LetterId};
use crate::state::{self, JobFile, LetterFile, LetterStatus, StoredLetter, Survives};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many letters are handed out at a time: their records lie in memory until they have been taken.
const HANDFUL: usize = 1000;

/// A replay, and the chain and subtask it is for.
pub(super) type Addressed = ((usize, usize), Replay);

/// The letters of a job, shared by its ledger and those who look at them.
pub(super) struct LetterStore {
    name: String,
    job_id: u64,
    path: PathBuf,
    survives: Survives,
    /// How many may be kept.
    limit: u64,
    desk: Mutex<Desk>,
}

struct Desk {
    /// `None` before the first letter.
    file: Option<LetterFile>,
    /// The last committed epoch.
    committed: Epoch,
    finished: bool,
    /// The file may hold something of an epoch that was not committed.
    ahead: bool,
    /// There may be letters that are to be replayed and have not been handed out.
    pending: bool,
    /// What has been handed out in this life.
    handed: BTreeSet<LetterId>,
    /// The job has let go of its directory.
    closed: bool,
}

impl LetterStore {
    /// The letters beside a manifest. Nothing is written.
    pub(super) fn open(directory: &StateDirectory, manifest: &Manifest, limit: u64) -> Result<Self> {
        let (path, survives) = (directory.letters(), directory.survives());
        let file = match path.exists() {
            true => Some(LetterFile::open(&path, manifest.job_id, survives).map_err(dispensable)?),
            false => None,
        };
        let desk = Desk {
            file,
            committed: manifest.epoch,
            finished: manifest.life == Life::Finished,
            ahead: true,
            pending: true,
            handed: BTreeSet::new(),
            closed: false,
        };
        let (name, job_id) = (manifest.job.clone(), manifest.job_id);
        Ok(LetterStore { name, job_id, path, survives, limit, desk: Mutex::new(desk) })
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A life begins behind `epoch`: what younger ones have left goes.
    pub(super) fn begin(&self, epoch: Epoch) -> Result<(), state::Error> {
        let mut desk = self.desk();
        desk.committed = epoch;
        desk.pending = true;
        desk.handed.clear();
        desk.file.as_ref().map_or(Ok(()), |file| file.roll_back(epoch))?;
        desk.ahead = false;
        Ok(())
    }

    /// Writes what an epoch has brought, before it is committed.
    pub(super) fn write(
        &self,
        epoch: Epoch,
        letters: &[DeadLetter],
        replayed: &[LetterId],
    ) -> Result<(), state::Error> {
        let mut desk = self.desk();
        let nothing = letters.is_empty() && replayed.is_empty();
        if nothing && (!desk.ahead || desk.file.is_none()) {
            return Ok(());
        }
        desk.ahead = true;
        let committed = desk.committed;
        let file = match &mut desk.file {
            Some(file) => file,
            none => none.insert(LetterFile::create(&self.path, self.job_id, self.survives)?),
        };
        file.roll_back(committed)?;
        let found = file.len()? + letters.len() as u64;
        if !letters.is_empty() && found > self.limit {
            return Err(state::Error::TooManyLetters { path: self.path.clone(), found, limit: self.limit });
        }
        file.write(committed, epoch, letters, replayed)
    }

    /// An epoch has been committed.
    pub(super) fn committed(&self, epoch: Epoch, life: Life) {
        let mut desk = self.desk();
        (desk.committed, desk.ahead) = (epoch, false);
        desk.finished = life == Life::Finished;
        if desk.finished
            && let Some(file) = &desk.file
            && let Err(error) = file.asked(epoch).and_then(|asked| {
                let asked: Vec<LetterId> = asked.into_iter().map(|(id, _)| id).collect();
                file.refuse(&asked, "the job's input has ended")
            })
        {
            tracing::warn!(job = %self.name, %error, "dead letters that could not be replayed stay marked as replaying");
        }
    }

    /// The next letters that are to be replayed and have not been handed out in this life, and where they belong. One that
    /// does not fit the program is marked as refused.
    pub(super) fn hand_out(&self, plan: &Plan) -> Result<Vec<Addressed>, state::Error> {
        let mut desk = self.desk();
        let Desk { file: Some(file), committed, pending: pending @ true, handed, .. } = &mut *desk else {
            return Ok(Vec::new());
        };
        let mut out = Vec::new();
        let mut asked = file.asked(*committed)?;
        asked.retain(|(id, _)| !handed.contains(id));
        let more = asked.len() > HANDFUL;
        for (id, reopens) in asked.into_iter().take(HANDFUL) {
            let Some(stored) = file.get(*committed, id)? else { continue };
            match place(plan, &stored, reopens) {
                Ok(addressed) => {
                    handed.insert(id);
                    out.push(addressed);
                }
                Err(reason) => {
                    tracing::warn!(job = %self.name, letter = %id, reason, "a dead letter cannot be replayed");
                    file.refuse(&[id], &reason)?;
                }
            }
        }
        *pending = more;
        Ok(out)
    }

    /// Runs `work` on the file, if there is one; `none` if there never was a letter.
    fn with<R>(&self, none: R, work: impl FnOnce(&LetterFile, &Desk) -> Result<R>) -> Result<R> {
        let mut desk = self.desk();
        if desk.closed {
            return Err(Error::Over { job: self.name.clone() });
        }
        // Whoever looks may have asked for a replay.
        desk.pending = true;
        desk.file.as_ref().map_or(Ok(none), |file| work(file, &desk))
    }
}

/// The ledger's hold on its letters: when it lets go, the file is closed, whoever still looks at it.
pub(super) struct Letters(pub(super) Arc<LetterStore>);

impl Drop for Letters {
    fn drop(&mut self) {
        let mut desk = self.0.desk();
        (desk.file, desk.closed) = (None, true);
    }
}

/// The dead letters of a job: of a running one by [`JobHandle::dead_letters`](crate::JobHandle::dead_letters), of a stopped
/// one by [`DeadLetters::open`], which keeps the job from being started meanwhile.
///
/// A letter appears when the checkpoint is complete in whose epoch its record failed. All methods block.
///
/// ```
/// use millstream::DeadLetters;
/// use millstream::prelude::*;
/// use millstream::record::Remains;
///
/// let dir = tempfile::tempdir()?;
/// let job = Job::new("quotients");
/// let quotients = job.source(MemorySource::new(vec![4_u64, 0, 2])).map(|n| 8 / n).uid("quotients");
/// quotients.on_error(OnError::dead_letter()).sink(DiscardSink);
/// job.run(Config::default().state_dir(dir.path()))?;
///
/// let letters = DeadLetters::open(dir.path())?;
/// let found = letters.list(None, 100, |stored| stored.letter.operator == "quotients")?;
/// assert_eq!((found.len(), &found[0].letter.remains), (1, &Remains::Json(0.into())));
/// println!("{} ({}): {}", found[0].id, found[0].status, found[0].letter);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DeadLetters {
    store: Arc<LetterStore>,
    /// Of a running job: what a record must fit.
    plan: Option<Arc<Plan>>,
    /// Tells the running job that something is to be replayed.
    asked: Box<dyn Fn() + Send + Sync>,
    /// Of a stopped job: nobody starts it meanwhile.
    _directory: Option<StateDirectory>,
}

impl DeadLetters {
    /// Those of a running job.
    pub(super) fn of(store: Arc<LetterStore>, plan: Arc<Plan>, asked: impl Fn() + Send + Sync + 'static) -> Self {
        DeadLetters { store, plan: Some(plan), asked: Box::new(asked), _directory: None }
    }

    /// The dead letters of a job that does not run, in its state directory.
    ///
    /// # Errors
    /// [`Error::StateDirectoryInUse`] if the job runs; [`Error::State`] if there is no job, or a file is damaged.
    pub fn open(state_dir: impl AsRef<Path>) -> Result<DeadLetters> {
        let directory = StateDirectory::of_stopped_job(state_dir.as_ref())?;
        let file = JobFile::open(&directory.manifest(), directory.survives())?;
        let manifest = read_manifest(&file, &directory)?;
        let store = LetterStore::open(&directory, &manifest, u64::MAX)?;
        Ok(DeadLetters { store: Arc::new(store), plan: None, asked: Box::new(|| ()), _directory: Some(directory) })
    }

    /// The first `limit` letters that `keep` wants, in the order of their ids; `after` begins behind that one.
    ///
    /// # Errors
    /// [`Error::State`] if the file cannot be read; [`Error::Over`] if the job has ended since.
    pub fn list(
        &self,
        after: Option<LetterId>,
        limit: usize,
        keep: impl Fn(&StoredLetter) -> bool,
    ) -> Result<Vec<StoredLetter>> {
        self.store.with(Vec::new(), |file, desk| Ok(file.page(desk.committed, after, limit, keep)?))
    }

    /// One letter.
    ///
    /// # Errors
    /// [`Error::DeadLetter`] if there is none; else as [`list`](Self::list).
    pub fn get(&self, id: LetterId) -> Result<StoredLetter> {
        let found = self.store.with(None, |file, desk| Ok(file.get(desk.committed, id)?))?;
        found.ok_or_else(|| missing(id))
    }

    /// Writes the letters that `keep` wants as JSON, one a line, and returns how many they were. One that comes or goes
    /// meanwhile may be in it or not.
    ///
    /// # Errors
    /// [`Error::State`] if `to` cannot be written; else as [`list`](Self::list).
    pub fn export(&self, to: &mut dyn Write, keep: impl Fn(&StoredLetter) -> bool) -> Result<u64> {
        let (mut after, mut count) = (None, 0);
        loop {
            let page = self.list(after, HANDFUL, &keep)?;
            for stored in &page {
                let line = serde_json::to_string(stored).expect("a letter is plain data with text for keys");
                let written = writeln!(to, "{line}");
                written.map_err(|cause| state::Error::io(Path::new("the export"), "write dead letters", cause))?;
                count += 1;
            }
            after = page.last().map(|stored| stored.id);
            if page.len() < HANDFUL {
                return Ok(count);
            }
        }
    }

    /// Asks for letters' records to be handed to their operators again, once each: all of them, or none if one cannot be. A
    /// running job does it at once, a stopped one when it is started. One that is replayed already is passed over.
    ///
    /// The record is taken as if it came now: behind the watermark it is as late as any other, and goes where those go. Its
    /// key is the one it had when it failed, whatever the function is now that tells keys. If it fails again there is another
    /// letter about it.
    ///
    /// # Errors
    /// [`Error::DeadLetter`] if there is no such letter, its record was not kept, or it does not fit the running program;
    /// [`Error::Finished`] if the job takes no more records. What does not fit a stopped job's program is found when that is
    /// started: see [`LetterStatus::Refused`].
    pub fn replay(&self, ids: &[LetterId]) -> Result<()> {
        self.ask_again(ids, false)
    }

    /// As [`replay`](Self::replay), and windows that are gone open once more for these records. What such a window tells then is
    /// of these records alone, at once or with the next watermark: it has told of the others before. (An interval join has
    /// no windows: there a late record stays late.)
    ///
    /// # Errors
    /// As [`replay`](Self::replay).
    pub fn replay_reopening(&self, ids: &[LetterId]) -> Result<()> {
        self.ask_again(ids, true)
    }

    fn ask_again(&self, ids: &[LetterId], reopens: bool) -> Result<()> {
        let none = || ids.first().map_or(Ok(()), |id| Err(missing(*id)));
        self.store.with(none(), |file, desk| {
            if desk.finished {
                return Ok(Err(Error::Finished { job: self.store.name.clone() }));
            }
            let mut asked = Vec::new();
            for &id in ids {
                let stored = file.get(desk.committed, id)?.ok_or_else(|| missing(id))?;
                if matches!(stored.status, LetterStatus::Waiting | LetterStatus::Refused(_)) {
                    self.check(&stored).map_err(|reason| Error::DeadLetter { id, reason })?;
                    asked.push(id);
                }
            }
            Ok(Ok(file.ask(&asked, reopens)?))
        })??;
        (self.asked)();
        Ok(())
    }

    /// Whether a letter can be replayed, as far as is known.
    fn check(&self, stored: &StoredLetter) -> Result<(), String> {
        match &self.plan {
            Some(plan) => place(plan, stored, false).map(drop),
            None => super::replay::record(&stored.letter).map(drop),
        }
    }

    /// Removes letters for good: all of them, or none if one cannot be. (A job that goes back to a checkpoint from before a
    /// letter's replay does not know of it any more.)
    ///
    /// # Errors
    /// [`Error::DeadLetter`] if there is no such letter, or it is being replayed; else as [`list`](Self::list).
    pub fn remove(&self, ids: &[LetterId]) -> Result<()> {
        let none = || ids.first().map_or(Ok(()), |id| Err(missing(*id)));
        self.store.with(none(), |file, desk| {
            for &id in ids {
                let stored = file.get(desk.committed, id)?.ok_or_else(|| missing(id))?;
                if stored.status == LetterStatus::Replaying {
                    let reason = "it is being replayed; wait for the next checkpoint".to_owned();
                    return Err(Error::DeadLetter { id, reason });
                }
            }
            Ok(Ok(file.remove(ids)?))
        })?
    }
}

/// Says of a damaged file what is lost without it.
fn dispensable(error: state::Error) -> state::Error {
    match error {
        state::Error::Corrupt { path, found } => {
            let found = format!("{found} (it holds dead letters only; without it the job goes on, and they are lost)");
            state::Error::Corrupt { path, found }
        }
        other => other,
    }
}

fn missing(id: LetterId) -> Error {
    Error::DeadLetter { id, reason: "there is no such letter, or its checkpoint is not complete".to_owned() }
}
