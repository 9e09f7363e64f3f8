//! A redb database that survives its own errors.
//!
//! redb refuses all work after a failed read or write until the database is opened anew, and may panic on a file that was
//! damaged behind its back. So every use goes through [`Guarded`]: an error closes the database, the next use opens it
//! again, and a panic becomes an error that names the file.

use super::Error;
use redb::{Database, Durability, ReadTransaction, WriteTransaction};
use std::fs::{File, OpenOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A database file that is opened as often as needed.
#[derive(Debug)]
pub(super) struct Guarded {
    path: PathBuf,
    cache: usize,
    open: Mutex<Open>,
    #[cfg(test)]
    pub(super) faults: super::testkit::Faults,
}

#[derive(Debug, Default)]
struct Open {
    database: Option<Arc<Database>>,
    /// How often it has been opened and closed.
    times: u64,
}

impl Guarded {
    /// Makes a new file with a cache of that many bytes, and makes its name durable.
    pub(super) fn create(path: &Path, cache: usize) -> Result<Self, Error> {
        match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(Error::Exists { path: path.to_owned() });
            }
            Err(e) => return Err(Error::io(path, "create", e)),
        }
        let guarded = Guarded::new(path, cache);
        guarded.open_with(&mut guarded.lock(), true)?;
        sync_dir(path.parent().unwrap_or(Path::new("")))?;
        Ok(guarded)
    }

    /// Opens an existing file.
    pub(super) fn open(path: &Path, cache: usize) -> Result<Self, Error> {
        let guarded = Guarded::new(path, cache);
        guarded.open_with(&mut guarded.lock(), false)?;
        Ok(guarded)
    }

    fn new(path: &Path, cache: usize) -> Self {
        Guarded {
            path: path.to_owned(),
            cache,
            open: Mutex::default(),
            #[cfg(test)]
            faults: super::testkit::Faults::default(),
        }
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How often the database has been opened and closed: what belongs to an earlier one can no longer be read.
    pub(super) fn times(&self) -> u64 {
        self.lock().times
    }

    /// Closes the database; the next use opens it again.
    pub(super) fn close(&self) {
        self.lock().close();
    }

    /// Runs `op` in a new read transaction.
    pub(super) fn read<R>(&self, op: impl FnOnce(&ReadTransaction) -> Result<R, redb::Error>) -> Result<R, Error> {
        self.run("read", |database| {
            use redb::ReadableDatabase;
            op(&database.begin_read()?)
        })
    }

    /// Runs `op` in a write transaction and commits it; nothing is written if `op` fails. On any other error the write may
    /// or may not be in the file: look.
    pub(super) fn write<R>(
        &self,
        durability: Durability,
        op: impl FnOnce(&WriteTransaction) -> Result<R, redb::Error>,
    ) -> Result<R, Error> {
        self.run("write", |database| {
            let mut transaction = database.begin_write()?;
            transaction.set_durability(durability).map_err(|e| redb::Error::Corrupted(e.to_string()))?;
            let result = op(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }

    /// Runs `op`; an error or a panic within closes the database.
    fn run<R>(&self, doing: &'static str, op: impl FnOnce(&Database) -> Result<R, redb::Error>) -> Result<R, Error> {
        let database = {
            let mut open = self.lock();
            match &open.database {
                Some(database) => database.clone(),
                None => self.open_with(&mut open, false)?,
            }
        };
        let result = guard(&self.path, doing, || op(&database));
        if result.is_err() {
            let mut open = self.lock();
            if open.database.as_ref().is_some_and(|current| Arc::ptr_eq(current, &database)) {
                open.close();
            }
        }
        result
    }

    fn open_with(&self, open: &mut Open, new: bool) -> Result<Arc<Database>, Error> {
        let file = OpenOptions::new().read(true).write(true).open(&self.path);
        let file = file.map_err(|e| Error::io(&self.path, "open", e))?;
        let length = file.metadata().map_err(|e| Error::io(&self.path, "open", e))?.len();
        if length == 0 && !new {
            return Err(Error::corrupt(&self.path, "the file is empty"));
        }
        let database = guard(&self.path, "open", || {
            let backend = redb::backends::FileBackend::new(file)?;
            #[cfg(test)]
            let backend = super::testkit::Faulty::new(backend, self.faults.clone());
            Ok(Database::builder().set_cache_size(self.cache).create_with_backend(backend)?)
        })?;
        let database = Arc::new(database);
        open.database = Some(database.clone());
        open.times += 1;
        Ok(database)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn close(&mut self) {
        self.database = None;
        self.times += 1;
    }
}

/// Turns the database's errors and panics into errors that name the file.
pub(super) fn guard<R>(
    path: &Path,
    doing: &'static str,
    op: impl FnOnce() -> Result<R, redb::Error>,
) -> Result<R, Error> {
    match catch_unwind(AssertUnwindSafe(op)) {
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
