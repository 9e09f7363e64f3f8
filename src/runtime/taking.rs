//! Taking savepoints: of a job that is stopped, and of one that runs.
//!
//! A running job takes one at an epoch that is opened for it. When that epoch is committed, and before any younger one can
//! be freed, each subtask is asked for a view of its state file: a read transaction, which stays as it is while the job goes
//! on, and hides what younger epochs add. A thread of the savepoint's own gathers the views and writes the file, so that
//! neither arbiters nor checkpoints wait for it.
//!
//! Not chosen: writing in each subtask's lane of disk work, since the next epochs would wait behind it; and keeping the
//! epoch from being folded, since then nothing would be folded for as long as a large savepoint takes.

use super::directory::StateDirectory;
use super::job::Master;
use super::ledger;
use super::mailbox::{Take, Written, send};
use crate::checkpoint::Manifest;
use crate::config::Config;
use crate::record::{Epoch, KeyGroup};
use crate::savepoint::{Content, Error, Header, Savepoint, SavepointInfo, StateEntry, Writer};
use crate::state::{self, Export, Identity, JobFile};
use crate::time::{Clock, SystemClock};
use actix::Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// How long a thread waits for views before it looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);

/// A view of the state file of a subtask: the operator's uid, the subtask's number, and the view.
pub(super) type Exported = (String, usize, Result<Export, state::Error>);

/// Somebody waits for a savepoint.
pub(super) struct Request {
    pub(super) path: PathBuf,
    /// The job is to stop at it.
    pub(super) stop: bool,
    pub(super) reply: mpsc::Sender<Result<SavepointInfo, Error>>,
}

/// A request that has been accepted, with the file that is begun for it.
struct Order {
    writer: Writer,
    request: Request,
}

impl Order {
    fn refuse(self, job: &str, reason: &str) {
        let Order { writer, request } = self;
        // What was begun goes before anybody learns that it came to nothing.
        drop(writer);
        request.refuse(job, reason);
    }
}

impl Request {
    pub(super) fn refuse(self, job: &str, reason: &str) {
        let Request { path, reply, .. } = self;
        // Who has asked may be gone.
        let _ = reply.send(Err(Error::NotTaken { path, job: job.to_owned(), reason: reason.to_owned() }));
    }
}

/// Asks a running job for a savepoint, and waits until it is written.
pub(super) fn take(master: &Addr<Master>, job: &str, path: PathBuf, stop: bool) -> crate::Result<SavepointInfo> {
    let (reply, answer) = mpsc::channel();
    send(master, Take(Request { path: path.clone(), stop, reply }));
    let not_running = || {
        let (job, reason) = (job.to_owned(), "it is not running; take it of its state directory".to_owned());
        Err(Error::NotTaken { path, job, reason })
    };
    Ok(answer.recv().unwrap_or_else(|_| not_running())?)
}

/// The savepoints of a running job that have been asked for.
#[derive(Default)]
pub(super) struct Desk {
    /// For the next epoch.
    waiting: Vec<Order>,
    /// For the open one.
    open: Vec<Order>,
    /// Tells those that are being written that they are not wanted any more.
    unwanted: Arc<AtomicBool>,
    /// How many are being written.
    writing: usize,
}

impl Desk {
    /// Accepts a request, if the file can be made; returns whether it has.
    pub(super) fn ask(&mut self, request: Request) -> bool {
        match Writer::create(&request.path) {
            Ok(writer) => {
                self.waiting.push(Order { writer, request });
                true
            }
            Err(error) => {
                // Who has asked may be gone.
                let _ = request.reply.send(Err(error));
                false
            }
        }
    }

    /// Whether an epoch is wanted.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether files are being written.
    pub(super) fn is_writing(&self) -> bool {
        self.writing > 0
    }

    /// An epoch has been opened: it serves all that wait.
    pub(super) fn opened(&mut self) {
        self.open.append(&mut self.waiting);
    }

    /// The open epoch has failed. A job that stops tries again.
    pub(super) fn failed(&mut self, job: &str, cause: &str) {
        for order in std::mem::take(&mut self.open) {
            if order.request.stop {
                self.waiting.push(order);
            } else {
                order.refuse(job, &format!("its checkpoint failed ({cause}); try again"));
            }
        }
    }

    /// The open epoch is committed. Returns where the subtasks are to send their views, for each savepoint; there must be as
    /// many views as `manifest` has files.
    pub(super) fn committed(&mut self, manifest: &Manifest, master: &Addr<Master>) -> Vec<mpsc::Sender<Exported>> {
        let mut senders = Vec::new();
        for Order { writer, request } in std::mem::take(&mut self.open) {
            let (sender, views) = mpsc::channel();
            let (manifest, master, unwanted) = (manifest.clone(), master.clone(), self.unwanted.clone());
            let Request { path, reply, .. } = request;
            let failed = reply.clone();
            let job = manifest.job.clone();
            let work = move || {
                let taken = gather(&manifest, &views, &unwanted, writer.path())
                    .and_then(|exports| write(writer, &manifest, exports, &unwanted));
                let _ = reply.send(taken.map(|savepoint| savepoint.info()));
                send(&master, Written);
            };
            match thread::Builder::new().name(format!("millstream-savepoint-{job}")).spawn(work) {
                Ok(_) => {
                    self.writing += 1;
                    senders.push(sender);
                }
                Err(cause) => drop(failed.send(Err(Error::io(&path, "start a thread for it", cause)))),
            }
        }
        senders
    }

    /// A file has been written, or not.
    pub(super) fn written(&mut self) {
        self.writing = self.writing.saturating_sub(1);
    }

    /// This life of the job is over: nothing that has been asked for will come.
    pub(super) fn give_up(&mut self, job: &str, reason: &str) {
        for order in self.waiting.drain(..).chain(self.open.drain(..)) {
            order.refuse(job, reason);
        }
        self.unwanted.store(true, Relaxed);
        self.unwanted = Arc::default();
    }
}

/// The subtasks whose state files are part of what is committed, by operator, and the last epoch that each has written.
fn files(manifest: &Manifest) -> impl Iterator<Item = (&str, usize, Epoch)> {
    let all = manifest.files.iter();
    let all = all.flat_map(|(uid, files)| files.iter().enumerate().map(move |(at, epoch)| (uid.as_str(), at, *epoch)));
    all.filter(|(_, _, epoch)| *epoch != Epoch::ZERO)
}

/// Whether the state file of a subtask is part of what is committed.
pub(super) fn has_file(manifest: &Manifest, uid: &str, subtask: usize) -> bool {
    files(manifest).any(|(other, at, _)| (other, at) == (uid, subtask))
}

fn not_taken(path: &Path, manifest: &Manifest, reason: &str) -> Error {
    Error::NotTaken { path: path.to_owned(), job: manifest.job.clone(), reason: reason.to_owned() }
}

/// Waits for all views.
fn gather(
    manifest: &Manifest,
    views: &mpsc::Receiver<Exported>,
    unwanted: &AtomicBool,
    path: &Path,
) -> Result<Vec<(String, usize, Export)>, Error> {
    let mut exports = Vec::new();
    while exports.len() < files(manifest).count() {
        match views.recv_timeout(LOOK) {
            Ok((uid, subtask, export)) => exports.push((uid, subtask, export?)),
            Err(mpsc::RecvTimeoutError::Timeout) if !unwanted.load(Relaxed) => {}
            Err(_) => return Err(not_taken(path, manifest, "a subtask has failed; try again")),
        }
    }
    exports.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    Ok(exports)
}

/// Writes a savepoint of what is committed.
///
/// * `exports`: those of one operator in a row.
fn write(
    mut writer: Writer,
    manifest: &Manifest,
    exports: Vec<(String, usize, Export)>,
    unwanted: &AtomicBool,
) -> Result<Savepoint, Error> {
    let mut states: Vec<StateEntry> = Vec::new();
    for of_one in exports.chunk_by(|a, b| a.0 == b.0) {
        let operator = &of_one[0].0;
        let merged = Export::merged(operator, of_one.iter().map(|(_, _, export)| export))?;
        states.extend(merged.into_iter().map(|declaration| StateEntry { operator: operator.clone(), declaration }));
    }
    writer.begin(&Header::of(manifest, SystemClock::new().now()), &Content::of(manifest, states.clone()))?;
    let path = writer.path().to_owned();
    for (uid, _, export) in exports {
        for group in 0..KeyGroup::COUNT {
            for (number, state) in states.iter().enumerate().filter(|(_, state)| state.operator == uid) {
                let mut seen = 0_u32;
                export.entries(state.declaration.name(), group, |key, value| {
                    seen = seen.wrapping_add(1);
                    if seen % 1024 == 1 && unwanted.load(Relaxed) {
                        return Err(not_taken(&path, manifest, "the job has failed meanwhile; try again"));
                    }
                    writer.push(number, group, key, value)
                })?;
            }
        }
    }
    writer.finish()
}

impl Savepoint {
    /// Takes a savepoint of a job that is not running: of its last complete checkpoint, from its state directory, which
    /// stays as it is. Of a running one: [`JobHandle::savepoint`](crate::JobHandle::savepoint).
    ///
    /// * `path`: the file to make, by custom `NAME.savepoint`.
    ///
    /// # Errors
    /// [`Error::NoJob`] and [`Error::Exists`], as [`crate::Error::Savepoint`];
    /// [`crate::Error::StateDirectoryInUse`] if the job runs; [`crate::Error::State`] if its files are damaged; else what
    /// the disk says. No file is left then.
    pub fn create(state_dir: impl AsRef<Path>, path: impl AsRef<Path>) -> crate::Result<Savepoint> {
        let (state_dir, path) = (state_dir.as_ref(), path.as_ref());
        if !StateDirectory::holds_job(state_dir) {
            return Err(Error::NoJob { path: state_dir.to_owned() }.into());
        }
        let directory = StateDirectory::open(&Config::default().state_dir(state_dir))?;
        let file = JobFile::open(&directory.manifest(), directory.survives())?;
        let manifest = ledger::read_manifest(&file, &directory)?;
        let writer = Writer::create(path)?;
        let mut exports = Vec::new();
        for (uid, subtask, written) in files(&manifest) {
            let (job_id, generation) = (manifest.job_id, manifest.generation);
            let identity = Identity { job_id, uid: uid.to_owned(), subtask, generation };
            let file = directory.state_file(generation, uid, subtask);
            if !file.exists() {
                return Err(state::Error::corrupt(&file, "the file is missing").into());
            }
            exports.push((uid.to_owned(), subtask, Export::open(&file, &identity, manifest.epoch, written)?));
        }
        Ok(write(writer, &manifest, exports, &AtomicBool::new(false))?)
    }
}
