//! Savepoints as files in a directory.

use super::{Error, Savepoint, SavepointInfo};
use std::fs;
use std::path::{Path, PathBuf};

/// A file that should be a savepoint.
#[derive(Debug)]
#[non_exhaustive]
pub struct Listed {
    /// The file.
    pub path: PathBuf,
    /// What it tells of itself, or why it cannot. Its entries have not been looked at.
    pub info: Result<SavepointInfo, Error>,
}

/// The savepoints in a directory: the files `*.savepoint`, by name.
///
/// # Errors
/// If the directory cannot be read.
///
/// ```
/// let dir = tempfile::tempdir()?;
/// std::fs::write(dir.path().join("broken.savepoint"), "?")?;
/// let found = millstream::savepoint::list(dir.path())?;
/// assert!(found[0].path.ends_with("broken.savepoint") && found[0].info.is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn list(directory: impl AsRef<Path>) -> Result<Vec<Listed>, Error> {
    let directory = directory.as_ref();
    let listed = fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>());
    let mut paths = listed.map_err(|cause| Error::io(directory, "list this directory", cause))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "savepoint"));
    paths.sort();
    let listed = |path: PathBuf| Listed { info: Savepoint::open(&path).map(|found| found.info()), path };
    Ok(paths.into_iter().map(listed).collect())
}

/// Deletes a savepoint, also a damaged one; a file that was never one is refused.
///
/// # Errors
/// [`Error::Damaged`] if the file does not begin like a savepoint; else what the disk says.
pub fn delete(path: impl AsRef<Path>) -> Result<(), Error> {
    let path = path.as_ref();
    let mut magic = [0; 8];
    let read = fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut magic));
    if read.is_ok() && magic != super::format::MAGIC {
        return Err(Error::damaged(path, "it does not begin like one, so it is not deleted"));
    }
    read.and_then(|()| fs::remove_file(path)).map_err(|cause| Error::io(path, "delete it", cause))
}
