//! What several file connectors need: the directory of a path, made and made durable.

use super::Error;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The directory that holds `path`; `.` for a bare name.
pub(crate) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the directory's entries (files created, renamed, removed) durable.
///
/// # Errors
/// If the directory cannot be opened or synced.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), Error> {
    let synced = if cfg!(unix) { File::open(directory).and_then(|directory| directory.sync_all()) } else { Ok(()) };
    synced.map_err(|cause| Error::io(format_args!("cannot sync directory {}", directory.display()), cause))
}

/// Makes `directory` and its parents, durably, where they are missing.
///
/// # Errors
/// If that cannot be done; the error names the directory.
pub(crate) fn create_directory(directory: &Path) -> Result<(), Error> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(file) = directory.ancestors().find(|ancestor| ancestor.exists()).filter(|ancestor| !ancestor.is_dir()) {
        let message = format!(
            "cannot create directory {}: {} is a file; name another place",
            directory.display(),
            file.display()
        );
        return Err(Error::user(message));
    }
    let missing: Vec<_> =
        directory.ancestors().take_while(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.is_dir()).collect();
    std::fs::create_dir_all(directory)
        .map_err(|cause| Error::io(format_args!("cannot create directory {}", directory.display()), cause))?;
    missing.into_iter().try_for_each(|created| sync_directory(self::directory(created)))
}

/// Reads until `buffer` is full or the input ends; returns how many bytes came.
pub(crate) fn read_up_to(input: &mut dyn io::Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(filled)
}

/// Locks a mutex whose content is right between any two statements, so that a panic elsewhere does not matter.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_lies_in_the_present_directory() {
        assert_eq!(directory(Path::new("a.csv")), Path::new("."));
        assert_eq!(directory(Path::new("out/a.csv")), Path::new("out"));
    }

    #[test]
    fn missing_directories_are_made_and_a_file_in_the_way_is_named() {
        let root = tempfile::tempdir().unwrap();
        create_directory(&root.path().join("a/b")).unwrap();
        assert!(root.path().join("a/b").is_dir());
        std::fs::write(root.path().join("file"), "").unwrap();
        let error = create_directory(&root.path().join("file/b")).unwrap_err();
        assert!(error.to_string().contains("file/b"), "{error}");
    }
}
