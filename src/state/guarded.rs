//! A redb database that survives its own errors.
//!
//! redb refuses all work after a failed read or write until the database is opened anew, and may panic on a file that was
//! damaged behind its back. So every use goes through [`Guarded`]: an error closes the database, the next use opens it
//! again, and a panic becomes an error that names the file.

use super::Error;
use super::simulated::SimulatedFile;
use super::untouched::Untouched;
use crate::bug::{self, Bug};
use crate::fault::{self, install_hook};
use redb::{Database, Durability, ReadTransaction, StorageBackend, WriteTransaction};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What a commit survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Survives {
    /// The loss of power: a commit waits for the disk.
    #[default]
    PowerLoss,
    /// The death of the process only: enough for a directory that goes with the job, and for tests.
    ProcessDeath,
}

/// A database file that is opened as often as needed.
#[derive(Debug)]
pub(super) struct Guarded {
    path: PathBuf,
    cache: usize,
    survives: Survives,
    /// The file is only looked at: what the database writes to it stays in memory.
    untouched: bool,
    /// Shared by those who use the database; whoever opens or closes it waits until they are done, since a file cannot be
    /// opened twice.
    open: RwLock<Open>,
    #[cfg(test)]
    pub(super) faults: super::testkit::Faults,
}

/// Which opening of a database something belongs to. What was read in an earlier one can no longer be used, and what was
/// written in it without a sync may be lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Opening(u64);

#[derive(Debug, Default)]
struct Open {
    database: Option<Database>,
    /// The present or last one.
    opening: Opening,
}

impl Guarded {
    /// Makes a new file with a cache of that many bytes, and makes its name durable.
    pub(super) fn create(path: &Path, cache: usize, survives: Survives) -> Result<Self, Error> {
        match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(Error::Exists { path: path.to_owned() });
            }
            Err(e) => return Err(Error::io(path, "create", e)),
        }
        let guarded = Guarded::new(path, cache, survives);
        guarded.open_with(&mut guarded.exclusive(), true)?;
        guarded.sync_name()?;
        Ok(guarded)
    }

    /// Opens an existing file.
    pub(super) fn open(path: &Path, cache: usize, survives: Survives) -> Result<Self, Error> {
        let guarded = Guarded::new(path, cache, survives);
        guarded.open_with(&mut guarded.exclusive(), false)?;
        Ok(guarded)
    }

    /// Opens an existing file to look at, and never changes it, not even to repair it after a crash.
    pub(super) fn look(path: &Path, cache: usize) -> Result<Self, Error> {
        let guarded = Guarded { untouched: true, ..Guarded::new(path, cache, Survives::default()) };
        guarded.open_with(&mut guarded.exclusive(), false)?;
        Ok(guarded)
    }

    fn new(path: &Path, cache: usize, survives: Survives) -> Self {
        Guarded {
            path: path.to_owned(),
            cache,
            survives,
            untouched: false,
            open: RwLock::default(),
            #[cfg(test)]
            faults: super::testkit::Faults::default(),
        }
    }

    /// Makes the file's name durable.
    pub(super) fn sync_name(&self) -> Result<(), Error> {
        match self.survives {
            Survives::PowerLoss => sync_dir(self.path.parent().unwrap_or(Path::new(""))),
            Survives::ProcessDeath => Ok(()),
        }
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the database is open, and has been since that opening.
    pub(super) fn is_open(&self, opening: Opening) -> bool {
        let open = self.shared();
        open.database.is_some() && open.opening == opening
    }

    /// Closes the database, if it is still in that opening; the next use opens it again.
    pub(super) fn close(&self, opening: Opening) {
        let mut open = self.exclusive();
        if open.opening == opening {
            open.database = None;
        }
    }

    /// Runs `op` in a new read transaction.
    pub(super) fn read<R>(&self, op: impl FnOnce(&ReadTransaction) -> Result<R, redb::Error>) -> Result<R, Error> {
        self.read_in(|transaction, _| op(transaction))
    }

    /// Runs `op` in a new read transaction and tells it the opening.
    pub(super) fn read_in<R>(
        &self,
        op: impl FnOnce(&ReadTransaction, Opening) -> Result<R, redb::Error>,
    ) -> Result<R, Error> {
        self.run("read", |database, opening| {
            use redb::ReadableDatabase;
            op(&database.begin_read()?, opening)
        })
    }

    /// Runs `op` in a write transaction and commits it; nothing is written if `op` fails. On any other error the write may
    /// or may not be in the file: look.
    pub(super) fn write<R>(
        &self,
        durability: Durability,
        op: impl FnOnce(&WriteTransaction) -> Result<R, redb::Error>,
    ) -> Result<R, Error> {
        self.write_in(None, durability, op)
    }

    /// As [`write`](Self::write), but refuses if the database is no longer in that opening.
    pub(super) fn write_in<R>(
        &self,
        expected: Option<Opening>,
        durability: Durability,
        op: impl FnOnce(&WriteTransaction) -> Result<R, redb::Error>,
    ) -> Result<R, Error> {
        self.run("write", |database, opening| {
            if expected.is_some_and(|expected| expected != opening) {
                return Err(redb::Error::DatabaseClosed);
            }
            let mut transaction = database.begin_write()?;
            transaction.set_durability(durability).map_err(|e| redb::Error::Corrupted(e.to_string()))?;
            let result = op(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }

    /// Moves what is in the file to its front and gives the rest back to the system. Does nothing while somebody reads.
    /// Everybody waits meanwhile.
    pub(super) fn compact(&self) -> Result<(), Error> {
        let mut open = self.exclusive();
        let Some(database) = &mut open.database else { return Ok(()) };
        let done = guard(&self.path, "compact", || match database.compact() {
            Ok(_) | Err(redb::CompactionError::TransactionInProgress) => Ok(()),
            Err(e) => Err(e.into()),
        });
        if done.is_err() {
            open.database = None;
        }
        done
    }

    /// Reads the whole file and compares every page with its checksum. Everybody waits meanwhile; nobody may be reading.
    ///
    /// A file of which an older state could be made whole again is as that state left it then.
    pub(super) fn check_integrity(&self) -> Result<(), Error> {
        let mut open = self.exclusive();
        if open.database.is_none() {
            self.open_with(&mut open, false)?;
        }
        let Some(database) = &mut open.database else { return Ok(()) };
        let done = guard(&self.path, "check", || database.check_integrity().map(|_| ()).map_err(redb::Error::from));
        if done.is_err() {
            open.database = None;
        }
        done
    }

    /// Runs `op`; an error or a panic within closes the database.
    fn run<R>(
        &self,
        doing: &'static str,
        op: impl FnOnce(&Database, Opening) -> Result<R, redb::Error>,
    ) -> Result<R, Error> {
        loop {
            let open = self.shared();
            if let Some(database) = &open.database {
                let opening = open.opening;
                let result = guard(&self.path, doing, || op(database, opening));
                drop(open);
                return result.inspect_err(|_| self.close(opening));
            }
            drop(open);
            let mut open = self.exclusive();
            if open.database.is_none() {
                self.open_with(&mut open, false)?;
            }
        }
    }

    fn open_with(&self, open: &mut Open, new: bool) -> Result<(), Error> {
        let file = OpenOptions::new().read(true).write(!self.untouched).open(&self.path);
        let file = file.map_err(|e| Error::io(&self.path, "open", e))?;
        let length = file.metadata().map_err(|e| Error::io(&self.path, "open", e))?.len();
        if length == 0 && !new {
            return Err(Error::corrupt(&self.path, "the file is empty"));
        }
        let database = guard(&self.path, "open", || {
            let mut builder = Database::builder();
            builder.set_cache_size(self.cache);
            if self.untouched {
                return Ok(builder.create_with_backend(Untouched::new(file, length))?);
            }
            let backend = redb::backends::FileBackend::new(file)?;
            #[cfg(test)]
            let backend = super::testkit::Faulty::new(backend, self.faults.clone());
            Ok(match (SimulatedFile::on_disk(&self.path, new, backend), self.survives) {
                (Ok(lazy), _) if bug::is(Bug::SkipFsync) => builder.create_with_backend(Unsynced(lazy))?,
                (Ok(simulated), _) => builder.create_with_backend(simulated)?,
                (Err(real), Survives::PowerLoss) => builder.create_with_backend(real)?,
                (Err(real), Survives::ProcessDeath) => builder.create_with_backend(Unsynced(real))?,
            })
        })?;
        open.database = Some(database);
        open.opening.0 += 1;
        Ok(())
    }

    fn shared(&self) -> RwLockReadGuard<'_, Open> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn exclusive(&self) -> RwLockWriteGuard<'_, Open> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does not wait for the disk.
#[derive(Debug)]
struct Unsynced<B>(B);

impl<B: StorageBackend> StorageBackend for Unsynced<B> {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}

/// Turns the database's errors and panics into errors that name the file.
pub(super) fn guard<R>(
    path: &Path,
    doing: &'static str,
    op: impl FnOnce() -> Result<R, redb::Error>,
) -> Result<R, Error> {
    // What the panic says is about the database's own insides, and goes to nobody's terminal.
    install_hook();
    match fault::guard(op) {
        Ok(result) => result.map_err(|e| Error::database(path, doing, e)),
        Err(_) => Err(Error::corrupt(path, format!("the database gave up trying to {doing} it"))),
    }
}

/// Makes the names in a directory durable: a new file is only sure to be found after a crash when its directory has been
/// synced. An empty path is the current directory.
///
/// # Errors
/// [`Error::Io`] if the directory cannot be opened or synced.
pub fn sync_dir(dir: &Path) -> Result<(), Error> {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    File::open(dir).and_then(|d| d.sync_all()).map_err(|e| Error::io(dir, "sync the directory", e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::{ReadableTable as _, TableDefinition};

    const NUMBERS: TableDefinition<u8, u8> = TableDefinition::new("numbers");

    fn put(number: u8) -> impl FnOnce(&WriteTransaction) -> Result<(), redb::Error> {
        move |transaction| {
            transaction.open_table(NUMBERS)?.insert(number, number)?;
            Ok(())
        }
    }

    fn numbers(file: &Guarded) -> Vec<u8> {
        let read = |transaction: &ReadTransaction| {
            transaction.open_table(NUMBERS)?.iter()?.map(|row| Ok(row?.0.value())).collect()
        };
        file.read(read).unwrap()
    }

    #[test]
    fn what_was_not_synced_is_not_built_upon_after_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = Guarded::create(&dir.path().join("file"), 1 << 20, Survives::PowerLoss).unwrap();
        file.write(Durability::Immediate, put(1)).unwrap();
        let opening = file.read_in(|_, opening| Ok(opening)).unwrap();
        file.write_in(Some(opening), Durability::None, put(2)).unwrap();
        assert!(file.is_open(opening) && numbers(&file) == [1, 2]);
        file.faults.fail_after(0);
        file.write(Durability::Immediate, put(3)).unwrap_err();
        file.faults.mend();
        assert!(!file.is_open(opening));
        let error = file.write_in(Some(opening), Durability::Immediate, put(4)).unwrap_err();
        assert_eq!(crate::fault::Faulty::fault(&error), crate::fault::Fault::External, "{error}");
        assert!(!numbers(&file).contains(&4));
        file.write(Durability::Immediate, put(5)).unwrap();
        assert_eq!((numbers(&file).first(), numbers(&file).last()), (Some(&1), Some(&5)));
    }

    #[test]
    fn a_panic_within_is_an_error_that_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = Guarded::create(&dir.path().join("file"), 1 << 20, Survives::PowerLoss).unwrap();
        let error = file.write(Durability::Immediate, |_| -> Result<(), _> { panic!("damaged") }).unwrap_err();
        assert!(matches!(&error, Error::Corrupt { path, .. } if path == file.path()), "{error}");
        file.write(Durability::Immediate, put(1)).unwrap();
        assert_eq!(numbers(&file), [1]);
    }
}
