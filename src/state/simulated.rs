//! A simulated disk: real files in a directory, of which the simulation decides what a crash leaves of them.
//!
//! A disk is *mounted* on a directory, as an operating system would do it: every database below that directory goes through
//! it from then on, whoever opens it, so no setting has to be handed down. Databases elsewhere are not touched.
//!
//! Of each file the disk remembers what was written since its last sync, and what had been there before. When the process
//! [dies](SimulatedDisk::die) nothing reaches the disk any more; [`revive`](SimulatedDisk::revive) then leaves the files as
//! the next process finds them:
//! * after the death of a process everything that was written;
//! * after the loss of power of each write since the last sync all, nothing, or some of its sectors of 512 bytes, each
//!   write for itself, as a disk that writes in any order may leave them.
//!
//! Names of files are durable at once here; and what a failed sync was to write can be synced by a later one.

use super::Error;
use redb::{BackendError, StorageBackend};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::ops::{Bound, Range};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What a disk writes as a whole or not at all.
const SECTOR: usize = 512;

static MOUNTED: Mutex<Vec<(PathBuf, Weak<Mutex<Inner>>)>> = Mutex::new(Vec::new());

/// A disk that is mounted on a directory until it is dropped.
#[derive(Debug)]
pub(crate) struct SimulatedDisk {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// By file, in the order in which it was written.
    unsynced: BTreeMap<PathBuf, Vec<Change>>,
    /// How many writes and syncs there have been.
    count: u64,
    /// The numbers of those that fail.
    fails: Range<u64>,
    /// The number of the one before which the process dies.
    dies_at: Option<u64>,
    dead: bool,
    /// How many have failed.
    failed: u64,
}

/// Something that was written and not synced.
enum Change {
    Write {
        offset: u64,
        old: Vec<u8>,
        new: Vec<u8>,
    },
    /// `tail`: what was cut off.
    Length {
        from: u64,
        to: u64,
        tail: Vec<u8>,
    },
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("count", &self.count).field("dead", &self.dead).finish_non_exhaustive()
    }
}

impl SimulatedDisk {
    /// Mounts a new disk on a directory. What lies there is durable.
    pub(crate) fn mount(directory: &Path) -> Self {
        let inner = Arc::new(Mutex::new(Inner::default()));
        lock(&MOUNTED).push((directory.to_owned(), Arc::downgrade(&inner)));
        SimulatedDisk { inner }
    }

    /// Lets `writes` more writes and syncs succeed; as many as `count` says then find the disk full.
    pub(crate) fn fail_after(&self, writes: u64, count: u64) {
        let mut inner = lock(&self.inner);
        let first = inner.count + writes;
        inner.fails = first..first + count;
    }

    /// The process dies behind that many more writes and syncs.
    pub(crate) fn die_after(&self, writes: u64) {
        let mut inner = lock(&self.inner);
        inner.dies_at = Some(inner.count + writes);
    }

    /// The process dies: nothing is written or read any more.
    pub(crate) fn die(&self) {
        lock(&self.inner).dead = true;
    }

    /// Whether the process has died.
    pub(crate) fn is_dead(&self) -> bool {
        lock(&self.inner).dead
    }

    /// How many writes and syncs have failed.
    pub(crate) fn failed(&self) -> u64 {
        lock(&self.inner).failed
    }

    /// Another process may use the disk. The dead one's databases must have been dropped.
    ///
    /// * `power_lost`: a number below another one, by chance, if not only the process has died.
    ///
    /// # Errors
    /// If the real disk fails.
    pub(crate) fn revive(&self, power_lost: Option<&mut dyn FnMut(usize) -> usize>) -> Result<(), Error> {
        let mut inner = lock(&self.inner);
        (inner.dead, inner.dies_at) = (false, None);
        let unsynced = std::mem::take(&mut inner.unsynced);
        let Some(below) = power_lost else { return Ok(()) };
        for (path, changes) in unsynced.into_iter().filter(|(path, changes)| path.exists() && !changes.is_empty()) {
            let mut image = fs::read(&path).map_err(|cause| Error::io(&path, "read", cause))?;
            changes.iter().rev().for_each(|change| change.undo(&mut image));
            changes.iter().for_each(|change| change.redo(&mut image, below));
            fs::write(&path, image).map_err(|cause| Error::io(&path, "write", cause))?;
        }
        Ok(())
    }
}

impl Drop for SimulatedDisk {
    fn drop(&mut self) {
        let own = Arc::as_ptr(&self.inner);
        lock(&MOUNTED).retain(|(_, inner)| inner.as_ptr() != own);
    }
}

impl Inner {
    /// A write or sync is to be done.
    fn step(&mut self) -> io::Result<()> {
        self.dead |= self.dies_at == Some(self.count);
        self.alive()?;
        self.count += 1;
        if self.fails.contains(&(self.count - 1)) {
            self.failed += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn alive(&self) -> io::Result<()> {
        if self.dead { Err(io::Error::other("the process has died")) } else { Ok(()) }
    }
}

impl Change {
    fn undo(&self, image: &mut Vec<u8>) {
        match self {
            Change::Write { offset, old, new } => {
                let start = *offset as usize;
                if old.len() < new.len() {
                    image.truncate(start + old.len());
                }
                image[start..start + old.len()].copy_from_slice(old);
            }
            Change::Length { from, to, tail } => {
                image.resize(*from as usize, 0);
                image[*to.min(from) as usize..][..tail.len()].copy_from_slice(tail);
            }
        }
    }

    /// Does it again, or not, or in part.
    fn redo(&self, image: &mut Vec<u8>, below: &mut dyn FnMut(usize) -> usize) {
        let (lost, torn) = match below(3) {
            0 => (false, false),
            1 => (true, false),
            _ => (false, true),
        };
        match self {
            _ if lost => {}
            Change::Length { to, .. } => image.resize(*to as usize, 0),
            Change::Write { offset, new, .. } => {
                let start = *offset as usize;
                image.resize(image.len().max(start + new.len()), 0);
                let first = SECTOR - start % SECTOR;
                let ends = (first..new.len()).step_by(SECTOR).chain([new.len()]);
                let prefix = below(2) == 0;
                let (mut from, mut whole) = (0, true);
                for end in ends {
                    let survives = !torn || (below(2) == 0 && (whole || !prefix));
                    if survives {
                        image[start + from..start + end].copy_from_slice(&new[from..end]);
                    }
                    (from, whole) = (end, whole && survives);
                }
            }
        }
    }
}

/// A database file on a simulated disk.
#[derive(Debug)]
pub(super) struct SimulatedFile<B> {
    backend: B,
    path: PathBuf,
    disk: Arc<Mutex<Inner>>,
}

impl<B: StorageBackend> SimulatedFile<B> {
    /// The file on the disk that is mounted there; the backend itself if none is.
    ///
    /// * `new`: the file has just been made.
    pub(super) fn on_disk(path: &Path, new: bool, backend: B) -> Result<Self, B> {
        let mounted = lock(&MOUNTED);
        let found = mounted.iter().rev().filter(|(directory, _)| path.starts_with(directory));
        let Some(disk) = found.filter_map(|(_, inner)| inner.upgrade()).next() else { return Err(backend) };
        if new {
            lock(&disk).unsynced.remove(path);
        }
        Ok(SimulatedFile { backend, path: path.to_owned(), disk })
    }

    /// What lies in that range, as far as the file goes.
    fn content(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let end = self.backend.len()?.min(offset + length);
        let mut content = vec![0; end.saturating_sub(offset) as usize];
        self.backend.read(offset, &mut content)?;
        Ok(content)
    }
}

impl<B: StorageBackend> StorageBackend for SimulatedFile<B> {
    fn len(&self) -> io::Result<u64> {
        lock(&self.disk).alive()?;
        self.backend.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        lock(&self.disk).alive()?;
        self.backend.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut disk = lock(&self.disk);
        disk.step()?;
        let from = self.backend.len()?;
        let tail = self.content(len, from.saturating_sub(len))?;
        disk.unsynced.entry(self.path.clone()).or_default().push(Change::Length { from, to: len, tail });
        self.backend.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = lock(&self.disk);
        disk.step()?;
        disk.unsynced.remove(&self.path);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut disk = lock(&self.disk);
        disk.step()?;
        let old = self.content(offset, data.len() as u64)?;
        let change = Change::Write { offset, old, new: data.to_vec() };
        disk.unsynced.entry(self.path.clone()).or_default().push(change);
        self.backend.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.backend.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.try_lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.backend.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::super::JobFile;
    use super::super::guarded::Survives;
    use super::*;
    use std::collections::BTreeSet;

    /// Some numbers, each below what is asked for.
    fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed;
        move |bound| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % bound
        }
    }

    #[test]
    fn a_manifest_is_the_old_or_the_new_one_wherever_the_power_goes() {
        let dir = tempfile::tempdir().unwrap();
        let disk = SimulatedDisk::mount(dir.path());
        let path = dir.path().join("job.redb");
        let mut file = JobFile::create(&path, &[0; 100], Survives::PowerLoss).unwrap();
        let (mut held, mut kept, mut lost) = (vec![0; 100], 0, 0);
        for round in 0..200_u64 {
            let manifest = vec![round as u8 + 1; 3_000];
            disk.die_after(round % 20);
            let saved = file.save(&manifest);
            assert!(disk.is_dead() || saved.is_ok(), "round {round}");
            disk.die();
            drop(file);
            disk.revive(Some(&mut numbers(round))).unwrap();
            file = JobFile::open(&path, Survives::PowerLoss).unwrap();
            let now = file.load().unwrap();
            assert!(now == manifest || (saved.is_err() && now == held), "round {round}");
            (kept, lost) = if now == manifest { (kept + 1, lost) } else { (kept, lost + 1) };
            held = now;
        }
        assert!(kept > 50 && lost > 50, "{kept} {lost}");
    }

    #[test]
    fn what_was_not_synced_may_be_kept_lost_or_torn() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut seen = BTreeSet::new();
        for seed in 0..60 {
            fs::write(&path, [0; 4 * SECTOR]).unwrap();
            let disk = SimulatedDisk::mount(dir.path());
            let backend =
                redb::backends::FileBackend::new(fs::File::options().read(true).write(true).open(&path).unwrap());
            let file = SimulatedFile::on_disk(&path, false, backend.unwrap()).unwrap();
            file.write(0, &[1; SECTOR]).unwrap();
            file.sync_data().unwrap();
            file.write(100, &[2; 3 * SECTOR]).unwrap();
            disk.die();
            assert!(file.write(0, &[9]).is_err() && file.read(0, &mut [0]).is_err());
            disk.revive(Some(&mut numbers(seed))).unwrap();
            let image = fs::read(&path).unwrap();
            assert!(image[..100].iter().all(|byte| *byte == 1), "what was synced stays");
            let sectors: Vec<u8> = [100, SECTOR, 2 * SECTOR, 3 * SECTOR].iter().map(|at| image[*at]).collect();
            seen.insert(sectors);
        }
        assert!(seen.contains(&vec![2, 2, 2, 2]) && seen.contains(&vec![1, 0, 0, 0]), "{seen:?}");
        assert!(seen.contains(&vec![2, 2, 0, 0]) && seen.contains(&vec![1, 2, 0, 2]), "{seen:?}");
    }

    #[test]
    fn a_length_that_was_not_synced_comes_back_with_what_it_cut_off() {
        let mut image = vec![7; 10];
        let change = Change::Length { from: 10, to: 4, tail: vec![7; 6] };
        change.redo(&mut image, &mut |_| 0);
        assert_eq!(image, [7; 4]);
        change.undo(&mut image);
        assert_eq!(image, [7; 10]);
    }
}
