//! The state directory: its lock, its folders, and what a fresh start removes.
//!
//! ```text
//! <state-dir>/lock                              held while a process uses the directory; its pid
//! <state-dir>/job.redb                          the manifest; job.unborn until it is whole
//! <state-dir>/dead-letters.redb                 records that could not be processed; dead-letters.unborn until it is whole
//! <state-dir>/restoring                         while a savepoint is restored, until there is a job.redb
//! <state-dir>/view-*/                           copies of the state, for those who look at it while the job runs
//! <state-dir>/savepoints/                       savepoints that the job takes by itself
//! <state-dir>/<generation>/<uid>/<subtask>.redb keyed state
//! ```

use super::automatic;
use super::control;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::state::{self, Survives};
use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

const LOCK: &str = "lock";
const MANIFEST: &str = "job.redb";
const LETTERS: &str = "dead-letters.redb";
/// Letters that a crash has kept from being born.
const UNBORN_LETTERS: &str = "dead-letters.unborn";
/// A manifest that a crash has kept from being born: of no worth.
const UNBORN: &str = "job.unborn";
/// What the folders begin with in which there are copies to look at.
pub(super) const VIEW: &str = "view-";
/// Says, in a directory without a manifest, that what else is there is part of a restore.
const RESTORING: &str = "restoring";

/// A state directory that this process holds.
#[derive(Debug)]
pub(super) struct StateDirectory {
    path: PathBuf,
    /// `None` if it has never been locked.
    _lock: Option<File>,
    /// Removed at the end, if nobody has asked for the state to be kept.
    _temporary: Option<tempfile::TempDir>,
    survives: Survives,
}

/// Asks for a lock a few times. Whoever starts another program passes its open files on to it for a moment, and its locks with
/// them; and who holds a lock may be about to end.
fn patiently(lock: impl Fn() -> std::result::Result<(), TryLockError>) -> std::result::Result<(), TryLockError> {
    for _ in 0..10 {
        match lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(20)),
            taken => return taken,
        }
    }
    lock()
}

fn io(doing: &'static str, path: &Path, cause: std::io::Error) -> Error {
    Error::State(state::Error::io(path, doing, cause))
}

impl StateDirectory {
    /// Makes the directory if there is none, takes its lock, and, if `config` says so, empties it.
    pub(super) fn open(config: &Config) -> Result<Self> {
        let (path, temporary) = match &config.state_dir {
            Some(path) => (path.clone(), None),
            None => {
                let made = tempfile::Builder::new().prefix("millstream-").tempdir();
                let temporary =
                    made.map_err(|cause| io("make a state directory there", &std::env::temp_dir(), cause))?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        fs::create_dir_all(&path).map_err(|cause| io("make this directory for state", &path, cause))?;
        let lock = Self::lock(&path)?;
        // Nobody finds a temporary directory again after the loss of power, nor looks for that of a simulation.
        let passing = temporary.is_some() || config.simulated;
        let survives = if passing { Survives::ProcessDeath } else { Survives::PowerLoss };
        let directory = StateDirectory { path, _lock: Some(lock), _temporary: temporary, survives };
        directory.remove_views()?;
        if config.fresh {
            directory.empty()?;
        }
        Ok(directory)
    }

    /// Removes the copies of those who looked at the state while the job ran, and were killed meanwhile.
    fn remove_views(&self) -> Result<()> {
        for name in self.entries()?.iter().filter(|name| name.starts_with(VIEW)) {
            let view = self.path.join(name);
            fs::remove_dir_all(&view).map_err(|cause| io("remove an old view", &view, cause))?;
        }
        Ok(())
    }

    /// Takes the lock of the directory of a job that does not run.
    pub(super) fn of_stopped_job(path: &Path) -> Result<Self> {
        let manifest = path.join(MANIFEST);
        fs::metadata(&manifest).map_err(|cause| io("find a job there", &manifest, cause))?;
        let lock = Self::lock(path)?;
        Ok(StateDirectory { path: path.to_owned(), _lock: Some(lock), _temporary: None, survives: Survives::PowerLoss })
    }

    /// Keeps a job from being started there, and writes nothing. Several may look at the same time.
    pub(super) fn look(path: &Path) -> Result<Self> {
        let manifest = path.join(MANIFEST);
        fs::metadata(&manifest).map_err(|cause| io("find a job there", &manifest, cause))?;
        let file = path.join(LOCK);
        let lock = match File::open(&file) {
            // A copy may come without.
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => None,
            opened => {
                let mut lock = opened.map_err(|cause| io("open", &file, cause))?;
                let locked = patiently(|| lock.try_lock_shared());
                Self::check_lock(path, &mut lock, locked)?;
                Some(lock)
            }
        };
        Ok(StateDirectory { path: path.to_owned(), _lock: lock, _temporary: None, survives: Survives::PowerLoss })
    }

    fn lock(path: &Path) -> Result<File> {
        let file = path.join(LOCK);
        let opened = File::options().read(true).write(true).create(true).truncate(false).open(&file);
        let mut lock = opened.map_err(|cause| io("open", &file, cause))?;
        let locked = patiently(|| lock.try_lock());
        Self::check_lock(path, &mut lock, locked)?;
        let written =
            lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| write!(lock, "{}", std::process::id()));
        written.map_err(|cause| io("write to", &file, cause))?;
        Ok(lock)
    }

    /// Says who holds a lock that could not be had.
    fn check_lock(path: &Path, lock: &mut File, locked: Result<(), TryLockError>) -> Result<()> {
        match locked {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Who holds it is only told for comfort.
                let _ = lock.read_to_string(&mut pid);
                let holder = if pid.trim().is_empty() { String::new() } else { format!(" (pid {})", pid.trim()) };
                Err(Error::StateDirectoryInUse { path: path.to_owned(), holder })
            }
            Err(TryLockError::Error(cause)) => Err(io("lock", &path.join(LOCK), cause)),
        }
    }

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What commits in it survive.
    pub(super) fn survives(&self) -> Survives {
        self.survives
    }

    /// Where the manifest is.
    pub(super) fn manifest(&self) -> PathBuf {
        self.path.join(MANIFEST)
    }

    /// Where the dead letters are, if there are any.
    pub(super) fn letters(&self) -> PathBuf {
        self.path.join(LETTERS)
    }

    /// Where a subtask's state file is.
    pub(super) fn state_file(&self, generation: u64, uid: &str, subtask: usize) -> PathBuf {
        self.generation(generation).join(file_name(uid)).join(format!("{subtask}.redb"))
    }

    fn generation(&self, generation: u64) -> PathBuf {
        self.path.join(generation.to_string())
    }

    /// Makes the folder of an operator's state files, durably.
    pub(super) fn make_folder(&self, generation: u64, uid: &str) -> Result<()> {
        let folder = self.generation(generation).join(file_name(uid));
        fs::create_dir_all(&folder).map_err(|cause| io("make", &folder, cause))?;
        if self.survives == Survives::ProcessDeath {
            return Ok(());
        }
        for directory in [folder.as_path(), &self.generation(generation), &self.path] {
            let synced = File::open(directory).and_then(|handle| handle.sync_all());
            synced.map_err(|cause| io("sync", directory, cause))?;
        }
        Ok(())
    }

    /// What is in the directory, apart from the lock and what never was a manifest.
    fn entries(&self) -> Result<Vec<String>> {
        let listed = fs::read_dir(&self.path).and_then(|entries| {
            entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<std::io::Result<_>>()
        });
        let mut names: Vec<String> = listed.map_err(|cause| io("list", &self.path, cause))?;
        // A killed process leaves its socket.
        let passing = [LOCK, UNBORN, control::SOCKET];
        names.retain(|name| !passing.contains(&name.as_str()));
        names.sort();
        Ok(names)
    }

    /// Something that a state directory without a manifest should not have. Savepoints stay when all else is thrown away;
    /// without that they tell of a job that has lost its state.
    ///
    /// * `fresh`: it was thrown away just now.
    pub(super) fn stranger(&self, fresh: bool) -> Result<Option<String>> {
        Ok(self.entries()?.into_iter().find(|name| !fresh || name != automatic::FOLDER))
    }

    /// Whether a directory holds a job.
    pub(super) fn holds_job(path: &Path) -> bool {
        path.join(MANIFEST).exists()
    }

    /// Something beside which a savepoint must not be restored. What a restore that was cut short has left is of no worth.
    pub(super) fn in_the_way_of_a_restore(&self) -> Result<Option<String>> {
        let mut entries = self.entries()?;
        // They may be what is restored.
        entries.retain(|name| name != automatic::FOLDER);
        let cut_short = !Self::holds_job(&self.path) && entries.iter().any(|name| name == RESTORING);
        Ok(entries.into_iter().find(|name| !cut_short || (name != RESTORING && name.parse::<u64>().is_err())))
    }

    /// Notes, durably, that what follows is part of a restore, and removes what an earlier one has left.
    pub(super) fn begin_restore(&self) -> Result<()> {
        let marker = self.path.join(RESTORING);
        File::create(&marker).map_err(|cause| io("make", &marker, cause))?;
        if self.survives == Survives::PowerLoss {
            state::sync_dir(&self.path)?;
        }
        self.remove_other_generations(0)
    }

    /// The restored job is born.
    pub(super) fn end_restore(&self) -> Result<()> {
        let marker = self.path.join(RESTORING);
        fs::remove_file(&marker).map_err(|cause| io("remove", &marker, cause))
    }

    /// Removes the folders of generations other than `generation`.
    pub(super) fn remove_other_generations(&self, generation: u64) -> Result<()> {
        for name in self.entries()? {
            if name.parse::<u64>().is_ok_and(|other| other != generation) {
                let folder = self.path.join(&name);
                fs::remove_dir_all(&folder).map_err(|cause| io("remove", &folder, cause))?;
            }
        }
        Ok(())
    }

    /// Removes the manifest, the dead letters and the state files, and nothing that is not ours.
    fn empty(&self) -> Result<()> {
        for name in [MANIFEST, LETTERS, UNBORN_LETTERS, RESTORING] {
            let file = self.path.join(name);
            match fs::remove_file(&file) {
                Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(io("remove", &file, cause)),
                _ => {}
            }
        }
        self.remove_other_generations(0)
    }
}

/// A uid as a file name: letters, digits, `-`, `_` and `.` stay, all else is written as `%` and two hex digits; a long one
/// is cut and told apart by its hash.
fn file_name(uid: &str) -> String {
    let mut name = String::new();
    for byte in uid.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            b'.' if !name.is_empty() => name.push('.'),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    if name.len() > 150 {
        name.truncate(130);
        name.push_str(&format!("-{:016x}", crate::record::hash_key(uid)));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_held_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::default().state_dir(folder.path().join("state"));
        let held = StateDirectory::open(&config).unwrap();
        let refused = StateDirectory::open(&config).unwrap_err().to_string();
        assert!(refused.contains("in use by another process (pid "), "{refused}");
        drop(held);
        StateDirectory::open(&config).unwrap();
    }

    #[test]
    fn a_fresh_start_removes_our_files_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("1/users")).unwrap();
        for file in ["1/users/0.redb", "job.redb", "dead-letters.redb", "holiday.jpg"] {
            fs::write(folder.path().join(file), "x").unwrap();
        }
        let directory = StateDirectory::open(&Config::default().state_dir(folder.path()).fresh(true)).unwrap();
        assert_eq!(directory.stranger(true).unwrap().as_deref(), Some("holiday.jpg"));
        assert!(!folder.path().join("1").exists());
    }

    #[test]
    fn every_uid_is_a_file_name() {
        assert_eq!(file_name("users"), "users");
        assert_eq!(file_name("lines/key by"), "lines%2fkey%20by");
        assert_eq!(file_name(".."), "%2e.");
        let long = "a/".repeat(90);
        assert!(file_name(&long).len() < 200);
        assert_ne!(file_name(&long), file_name(&format!("{long}b")));
    }
}
