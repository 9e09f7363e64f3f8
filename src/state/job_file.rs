//! The job's own file, which holds its manifest.

use super::Error;
use super::guarded::{Guarded, Survives};
use redb::{Durability, ReadableTable as _, TableDefinition, WriteTransaction};
use std::fs;
use std::io::ErrorKind;
use std::ops::RangeBounds;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// The newest format this version reads, and the one it writes.
const FORMAT: u32 = 2;
const JOB: TableDefinition<&str, &[u8]> = TableDefinition::new("job");
const KEPT: TableDefinition<u64, &[u8]> = TableDefinition::new("kept");
const CACHE: usize = 1 << 20;

/// The file in which a job keeps its manifest, some bytes that are replaced as a whole, and those of a few older epochs.
/// The file's methods block.
///
/// The table `job` has two rows: `format` (`u32`, little endian) and `manifest`. The table `kept` has a manifest by the
/// number of its epoch. A manifest is stored behind its checksum: XXH3 (64 bits, seed 0), little endian. Format 1, which is
/// still read, had no table `kept` and no checksum; the first write makes format 2 of it.
///
/// ```
/// use millstream::state::{JobFile, Survives};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("job.redb");
/// let file = JobFile::create(&path, b"epoch 0", Survives::PowerLoss)?;
/// file.save(b"epoch 1")?;
/// drop(file);
/// assert_eq!(JobFile::open(&path, Survives::PowerLoss)?.load()?, b"epoch 1");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JobFile {
    file: Guarded,
}

impl JobFile {
    /// Makes a new file that holds `manifest`. It is written under another name, with the extension `unborn`, and gets its
    /// own when it is whole: a crash in between leaves no half of it.
    ///
    /// # Errors
    /// [`Error::Exists`] if there is one; else what the disk says.
    pub fn create(path: &Path, manifest: &[u8], survives: Survives) -> Result<JobFile, Error> {
        if path.exists() {
            return Err(Error::Exists { path: path.to_owned() });
        }
        let unborn = path.with_extension("unborn");
        match fs::remove_file(&unborn) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(Error::io(&unborn, "remove", cause)),
            _ => {}
        }
        let file = Guarded::create(&unborn, CACHE, survives)?;
        file.write(Durability::Immediate, |transaction| put(transaction, manifest))?;
        drop(file);
        fs::rename(&unborn, path).map_err(|cause| Error::io(path, "make", cause))?;
        let born = JobFile::open(path, survives)?;
        born.file.sync_name()?;
        Ok(born)
    }

    /// Opens an existing file.
    ///
    /// # Errors
    /// [`Error::NewerFormat`]; [`Error::Corrupt`] if it is no such file; else what the disk says.
    pub fn open(path: &Path, survives: Survives) -> Result<JobFile, Error> {
        JobFile::of(Guarded::open(path, CACHE, survives)?)
    }

    /// As [`open`](Self::open), to look at: the file is never changed.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn look(path: &Path) -> Result<JobFile, Error> {
        JobFile::of(Guarded::look(path, CACHE)?)
    }

    fn of(file: Guarded) -> Result<JobFile, Error> {
        file.check_integrity()?;
        let path = file.path();
        let found = file.read(|transaction| {
            let row = transaction.open_table(JOB)?.get("format")?;
            let bytes = row.as_ref().and_then(|row| <[u8; 4]>::try_from(row.value()).ok());
            bytes.map(u32::from_le_bytes).ok_or_else(|| redb::Error::Corrupted("it tells no format".into()))
        })?;
        if found > FORMAT {
            return Err(Error::NewerFormat { path: path.to_owned(), found, known: FORMAT });
        }
        Ok(JobFile { file })
    }

    /// The manifest.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is not what was written; else what the disk says.
    pub fn load(&self) -> Result<Vec<u8>, Error> {
        self.file.read(|transaction| {
            let job = transaction.open_table(JOB)?;
            let row = job.get("manifest")?.ok_or_else(|| redb::Error::Corrupted("it holds no manifest".into()))?;
            if job.get("format")?.is_some_and(|format| format.value() == 1_u32.to_le_bytes()) {
                return Ok(row.value().to_vec());
            }
            unseal(row.value())
        })
    }

    /// The manifests of older epochs that were kept, oldest first, by the numbers of their epochs.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if one is not what was written; else what the disk says.
    pub fn kept(&self) -> Result<Vec<(u64, Vec<u8>)>, Error> {
        self.file.read(|transaction| {
            let kept = match transaction.open_table(KEPT) {
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                opened => opened?,
            };
            let rows = kept.iter()?.map(|row| {
                let (epoch, bytes) = row?;
                Ok((epoch.value(), unseal(bytes.value())?))
            });
            rows.collect()
        })
    }

    /// Replaces the manifest, durably. An error while committing is neither yes nor no; the file is then opened anew and
    /// read.
    ///
    /// # Errors
    /// What the disk said, if the file then holds the old manifest. [`Error::Undecided`] if it cannot be read: a later
    /// [`load`](Self::load) or [`open`](Self::open) tells which one it holds.
    pub fn save(&self, manifest: &[u8]) -> Result<(), Error> {
        self.save_and_keep(manifest, None, ..)
    }

    /// As [`save`](Self::save), and keeps another manifest under the number of its epoch; of all kept ones those remain
    /// whose epochs lie in `range`.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub fn save_and_keep(
        &self,
        manifest: &[u8],
        keep: Option<(u64, &[u8])>,
        range: impl RangeBounds<u64>,
    ) -> Result<(), Error> {
        let write = || {
            self.file.write(Durability::Immediate, |transaction| {
                put(transaction, manifest)?;
                let mut kept = transaction.open_table(KEPT)?;
                if let Some((epoch, bytes)) = keep {
                    kept.insert(epoch, seal(bytes).as_slice())?;
                }
                Ok(kept.retain(|epoch, _| range.contains(&epoch))?)
            })
        };
        write().or_else(|error| match self.load() {
            Ok(found) if found == manifest => Ok(()),
            Ok(_) => Err(error),
            Err(_) => Err(Error::Undecided { path: self.file.path().to_owned(), source: Box::new(error) }),
        })
    }
}

fn put(transaction: &WriteTransaction, manifest: &[u8]) -> Result<(), redb::Error> {
    let mut job = transaction.open_table(JOB)?;
    job.insert("format", FORMAT.to_le_bytes().as_slice())?;
    job.insert("manifest", seal(manifest).as_slice())?;
    Ok(())
}

/// Puts their checksum before some bytes.
fn seal(bytes: &[u8]) -> Vec<u8> {
    [&xxh3_64(bytes).to_le_bytes(), bytes].concat()
}

/// Takes the checksum off, if it is the right one.
fn unseal(sealed: &[u8]) -> Result<Vec<u8>, redb::Error> {
    match sealed.split_first_chunk::<8>() {
        Some((sum, bytes)) if u64::from_le_bytes(*sum) == xxh3_64(bytes) => Ok(bytes.to_vec()),
        _ => Err(redb::Error::Corrupted("a manifest's checksum is wrong".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_write_fails_the_file_says_what_save_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job.redb");
        let file = JobFile::create(&path, b"0", Survives::PowerLoss).unwrap();
        let mut held = b"0".to_vec();
        let mut seen = [0; 3];
        for writes in 0..40_u8 {
            let manifest = vec![writes; 100 * usize::from(writes) + 1];
            file.file.faults.fail_after(i64::from(writes));
            let saved = file.save(&manifest);
            file.file.faults.mend();
            let now = file.load().unwrap();
            match saved {
                Ok(()) => {
                    seen[0] += 1;
                    held = manifest;
                }
                Err(Error::Undecided { .. }) => {
                    seen[1] += 1;
                    assert!(now == held || now == manifest, "after {writes} writes");
                    held = now.clone();
                }
                Err(_) => seen[2] += 1,
            }
            assert_eq!(now, held, "after {writes} writes");
        }
        assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
        drop(file);
        assert_eq!(JobFile::open(&path, Survives::PowerLoss).unwrap().load().unwrap(), held);
    }

    #[test]
    fn it_is_never_made_twice() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job.redb");
        drop(JobFile::create(&path, b"0", Survives::PowerLoss).unwrap());
        assert!(matches!(JobFile::create(&path, b"1", Survives::PowerLoss), Err(Error::Exists { .. })));
        assert_eq!(JobFile::open(&path, Survives::PowerLoss).unwrap().load().unwrap(), b"0");
    }

    #[test]
    fn what_a_crash_at_birth_has_left_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job.redb");
        fs::write(dir.path().join("job.unborn"), "half").unwrap();
        assert_eq!(JobFile::create(&path, b"0", Survives::PowerLoss).unwrap().load().unwrap(), b"0");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_newer_format_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job.redb");
        let file = JobFile::create(&path, b"0", Survives::PowerLoss).unwrap();
        let newer = |transaction: &redb::WriteTransaction| {
            transaction.open_table(JOB)?.insert("format", 3_u32.to_le_bytes().as_slice())?;
            Ok(())
        };
        file.file.write(Durability::Immediate, newer).unwrap();
        drop(file);
        let error = JobFile::open(&path, Survives::PowerLoss).unwrap_err();
        assert!(matches!(error, Error::NewerFormat { found: 3, known: 2, .. }), "{error}");
    }

    #[test]
    fn manifests_of_older_epochs_are_kept_as_long_as_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job.redb");
        let file = JobFile::create(&path, b"0", Survives::PowerLoss).unwrap();
        assert_eq!(file.kept().unwrap(), []);
        for epoch in 1..6_u64 {
            let before = [epoch as u8 - 1];
            file.save_and_keep(&[epoch as u8], Some((epoch - 1, &before)), epoch.saturating_sub(2)..).unwrap();
        }
        drop(file);
        let file = JobFile::open(&path, Survives::PowerLoss).unwrap();
        assert_eq!(file.load().unwrap(), [5]);
        assert_eq!(file.kept().unwrap(), [(3, vec![3]), (4, vec![4])]);
        file.save_and_keep(&[3], None, ..3).unwrap();
        assert_eq!(file.kept().unwrap(), []);
    }

    #[test]
    fn a_file_of_format_1_is_read_and_becomes_one_of_format_2() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job.redb");
        let file = JobFile::create(&path, b"0", Survives::PowerLoss).unwrap();
        let older = |transaction: &WriteTransaction| {
            let mut job = transaction.open_table(JOB)?;
            job.insert("format", 1_u32.to_le_bytes().as_slice())?;
            job.insert("manifest", b"{}".as_slice())?;
            Ok(())
        };
        file.file.write(Durability::Immediate, older).unwrap();
        assert_eq!((file.load().unwrap(), file.kept().unwrap()), (b"{}".to_vec(), Vec::new()));
        file.save_and_keep(b"{1}", Some((1, b"{}")), ..).unwrap();
        assert_eq!((file.load().unwrap(), file.kept().unwrap()), (b"{1}".to_vec(), vec![(1, b"{}".to_vec())]));
    }
}
