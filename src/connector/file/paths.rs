//! From the paths a user gave to the files to be read.

use super::STDIN;
use crate::connector::{Error, Split};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Whether the file at an absolute path is taken.
pub(super) type Picks = dyn Fn(&str) -> bool + Send + Sync;

/// One split for each file, in the order given, patterns expanded and sorted; each can be read.
///
/// * `enter`: a directory stands for the files in it.
/// * `picks`: which of the files are taken that are found, by a pattern or in a directory; given their absolute paths.
pub(super) fn expand(paths: &[PathBuf], follow: bool, enter: bool, picks: &Picks) -> Result<Vec<Split>, Error> {
    if paths.is_empty() {
        return Err(Error::user("no file was given to read; name at least one"));
    }
    let mut files = Vec::new();
    for path in paths {
        let text = path.to_str().ok_or_else(|| {
            Error::user(format!("the path {} is no UTF-8; rename it, or link to it under another name", path.display()))
        })?;
        if text == STDIN {
            files.push(text.to_owned());
        } else if text.contains(['*', '?', '[']) && !exists(path) {
            files.append(&mut picked(text, matches(text)?, picks)?);
        } else if enter && !follow && path.is_dir() {
            let mut found = Vec::new();
            walk(path, &mut found)?;
            if found.is_empty() {
                return Err(Error::user(format!("there is no file in {text}; correct the path, or make one")));
            }
            found.sort_unstable();
            files.append(&mut picked(text, found, picks)?);
        } else {
            check(path, follow)?;
            files.push(text.to_owned());
        }
    }
    let mut seen = HashSet::new();
    if let Some(twice) = files.iter().find(|file| !seen.insert(*file)) {
        return Err(Error::user(format!("the file {twice} is given twice; name it once")));
    }
    Ok(files.into_iter().map(Split::new).collect())
}

/// Those of the files that are to be taken.
fn picked(given: &str, found: Vec<String>, picks: &Picks) -> Result<Vec<String>, Error> {
    let mut kept = Vec::new();
    for file in found {
        let absolute = std::path::absolute(&file);
        let absolute = absolute.map_err(|cause| Error::io(format_args!("cannot tell where {file} is"), cause))?;
        if picks(&absolute.to_string_lossy()) {
            kept.push(file);
        }
    }
    if kept.is_empty() {
        return Err(Error::user(format!(
            "of the files in {given} none is to be taken; correct what they are chosen by"
        )));
    }
    Ok(kept)
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The files that match a pattern, sorted; directories are left out.
fn matches(pattern: &str) -> Result<Vec<String>, Error> {
    let found = glob::glob(pattern)
        .map_err(|cause| Error::user(format!("`{pattern}` is no pattern for files: {cause}; correct it")))?;
    let mut files = Vec::new();
    for path in found {
        let path = path.map_err(|cause| Error::io(format_args!("cannot search for {pattern}"), cause.into()))?;
        if path.is_dir() {
            continue;
        }
        check(&path, false)?;
        let text = path
            .to_str()
            .ok_or_else(|| Error::user(format!("{}, found by {pattern}, is no UTF-8; rename it", path.display())))?;
        files.push(text.to_owned());
    }
    if files.is_empty() {
        return Err(Error::user(format!("no file matches {pattern}; correct the pattern or the directory")));
    }
    files.sort_unstable();
    Ok(files)
}

/// The files in a directory and those below it. What begins with `.` or `_` is left out: it is not, or not yet, data.
fn walk(directory: &Path, files: &mut Vec<String>) -> Result<(), Error> {
    let failed = |cause| Error::io(format_args!("cannot list {}", directory.display()), cause);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let text = path.to_str().ok_or_else(|| Error::user(format!("{} is no UTF-8; rename it", path.display())))?;
        if text.rsplit('/').next().is_some_and(|name| name.starts_with(['.', '_'])) {
            continue;
        }
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            check(&path, false)?;
            files.push(text.to_owned());
        }
    }
    Ok(())
}

/// Whether a file can be read.
fn check(path: &Path, follow: bool) -> Result<(), Error> {
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(cause)
            if cause.kind() == ErrorKind::NotFound && follow && super::super::files::directory(path).is_dir() =>
        {
            tracing::warn!(file = %shown, "there is no such file yet; waiting for it");
            return Ok(());
        }
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            return Err(Error::user(format!("there is no file {shown}; correct the path, or make the file")));
        }
        Err(cause) => return Err(Error::io(format_args!("cannot read {shown}"), cause)),
    };
    if metadata.is_dir() {
        return Err(Error::user(format!("{shown} is a directory; name its files, for example {shown}/*.log")));
    }
    if !metadata.is_file() {
        // Opening a named pipe would wait for its writer.
        let message = || Error::user(format!("{shown} is no regular file and cannot be followed; read it without"));
        return if follow { Err(message()) } else { Ok(()) };
    }
    File::open(path).map(|_| ()).map_err(|cause| Error::io(format_args!("cannot read {shown}"), cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, Faulty};

    fn directory(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        files.iter().for_each(|name| fs::write(directory.path().join(name), "a\n").unwrap());
        directory
    }

    fn refusal(paths: &[PathBuf]) -> String {
        let error = expand(paths, false, false).unwrap_err();
        assert_eq!(error.fault(), Fault::User, "{error}");
        error.to_string()
    }

    fn expand(paths: &[PathBuf], follow: bool, enter: bool) -> Result<Vec<Split>, Error> {
        super::expand(paths, follow, enter, &|_| true)
    }

    #[test]
    fn files_that_are_found_may_be_chosen_by_their_absolute_paths() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        ["a.log", "b.log", "b.txt"].iter().for_each(|name| fs::write(path(name), "").unwrap());
        let picks = |path: &str| path.starts_with('/') && path.contains("b.");
        let found = |given: &Path, picks: &Picks| super::expand(&[given.to_owned()], false, true, picks);
        assert_eq!(found(directory.path(), &picks).unwrap().len(), 2);
        assert_eq!(found(&path("*.log"), &picks).unwrap(), [Split::new(path("b.log").to_str().unwrap())]);
        assert_eq!(found(&path("a.log"), &picks).unwrap().len(), 1, "what is named is taken");
        let error = found(directory.path(), &|_| false).unwrap_err().to_string();
        assert!(error.contains("none is to be taken"), "{error}");
    }

    #[test]
    fn a_pattern_becomes_its_files_sorted_without_directories() {
        let directory = directory(&["b.log", "a.log", "c.txt"]);
        fs::create_dir(directory.path().join("d.log")).unwrap();
        let splits = expand(&[directory.path().join("*.log")], false, false).unwrap();
        let names: Vec<_> = splits.iter().map(|split| split.id().rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["a.log", "b.log"]);
    }

    #[test]
    fn a_file_whose_name_looks_like_a_pattern_is_that_file() {
        let directory = directory(&["[a].log", "a.log"]);
        let path = directory.path().join("[a].log");
        assert_eq!(expand(std::slice::from_ref(&path), false, false).unwrap(), [Split::new(path.to_str().unwrap())]);
    }

    #[test]
    fn each_mistake_is_named() {
        let directory = directory(&["a.log"]);
        let at = |name: &str| directory.path().join(name);
        let cases = [
            (vec![at("missing.log")], "no file"),
            (vec![at("*.txt")], "*.txt"),
            (vec![directory.path().to_owned()], "is a directory"),
            (vec![at("a.log"), at("*.log")], "a.log is given twice"),
            (vec![at("a.log/b")], "a.log/b"),
            (vec![at("***")], "no pattern"),
            (vec![], "no file was given"),
        ];
        for (paths, expected) in cases {
            let message = refusal(&paths);
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_directory_stands_for_all_files_below_it_that_are_not_hidden() {
        let directory = directory(&["b.log", "a.log", ".b.log.pending", "_SUCCESS"]);
        fs::create_dir(directory.path().join("2020")).unwrap();
        fs::write(directory.path().join("2020/c.log"), "a\n").unwrap();
        let splits = expand(&[directory.path().to_owned()], false, true).unwrap();
        let names = splits.iter().map(|split| Path::new(split.id()).strip_prefix(directory.path()).unwrap());
        assert_eq!(names.collect::<Vec<_>>(), ["2020/c.log", "a.log", "b.log"].map(Path::new));
        let message = expand(&[directory.path().to_owned()], true, true).unwrap_err().to_string();
        assert!(message.contains("is a directory"), "{message}");
        let empty = tempfile::tempdir().unwrap();
        assert!(expand(&[empty.path().to_owned()], false, true).unwrap_err().to_string().contains("no file in"));
    }

    #[test]
    #[cfg(unix)]
    fn two_names_of_one_file_are_two_splits() {
        let directory = directory(&["a.log"]);
        let link = directory.path().join("b.log");
        std::os::unix::fs::symlink(directory.path().join("a.log"), &link).unwrap();
        assert_eq!(expand(&[directory.path().join("a.log"), link], false, false).unwrap().len(), 2);
    }

    #[test]
    fn a_file_to_be_followed_may_come_later() {
        let directory = directory(&[]);
        assert_eq!(expand(&[directory.path().join("later.log")], true, false).unwrap().len(), 1);
        assert!(expand(&[directory.path().join("no/later.log")], true, false).is_err());
    }
}
