//! The job's own file, which holds its manifest.

use super::Error;
use super::guarded::{Guarded, Survives};
use redb::{Durability, TableDefinition};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// The newest format this version reads, and the one it writes.
const FORMAT: u32 = 1;
const JOB: TableDefinition<&str, &[u8]> = TableDefinition::new("job");
const CACHE: usize = 1 << 20;

/// The file in which a job keeps its manifest: some bytes that are replaced as a whole. The file's methods block.
///
/// The table `job` has two rows: `format` (`u32`, little endian) and `manifest`.
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
        JobFile { file: Guarded::create(&unborn, CACHE, survives)? }.write(manifest, true)?;
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
        let file = Guarded::open(path, CACHE, survives)?;
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
    /// What the disk says.
    pub fn load(&self) -> Result<Vec<u8>, Error> {
        self.file.read(|transaction| {
            let row = transaction.open_table(JOB)?.get("manifest")?;
            row.map(|row| row.value().to_vec()).ok_or_else(|| redb::Error::Corrupted("it holds no manifest".into()))
        })
    }

    /// Replaces the manifest, durably. An error while committing is neither yes nor no; the file is then opened anew and
    /// read.
    ///
    /// # Errors
    /// What the disk said, if the file then holds the old manifest. [`Error::Undecided`] if it cannot be read: a later
    /// [`load`](Self::load) or [`open`](Self::open) tells which one it holds.
    pub fn save(&self, manifest: &[u8]) -> Result<(), Error> {
        self.write(manifest, false).or_else(|error| match self.load() {
            Ok(found) if found == manifest => Ok(()),
            Ok(_) => Err(error),
            Err(_) => Err(Error::Undecided { path: self.file.path().to_owned(), source: Box::new(error) }),
        })
    }

    fn write(&self, manifest: &[u8], new: bool) -> Result<(), Error> {
        self.file.write(Durability::Immediate, |transaction| {
            let mut job = transaction.open_table(JOB)?;
            if new {
                job.insert("format", FORMAT.to_le_bytes().as_slice())?;
            }
            job.insert("manifest", manifest)?;
            Ok(())
        })
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
            transaction.open_table(JOB)?.insert("format", 2_u32.to_le_bytes().as_slice())?;
            Ok(())
        };
        file.file.write(Durability::Immediate, newer).unwrap();
        drop(file);
        let error = JobFile::open(&path, Survives::PowerLoss).unwrap_err();
        assert!(matches!(error, Error::NewerFormat { found: 2, known: 1, .. }), "{error}");
    }
}
