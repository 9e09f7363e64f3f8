//! The files of a test.

use super::Failed;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// All tests at a path, sorted: the file itself, or each `*.sql` in the directory and those below it.
///
/// # Errors
/// [`Failed::File`] if something cannot be read.
///
/// ```
/// let dir = tempfile::tempdir()?;
/// std::fs::write(dir.path().join("a.sql"), "")?;
/// assert_eq!(millstream::sql::testing::files(dir.path())?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn files(path: &Path) -> Result<Vec<PathBuf>, Failed> {
    let failed = |cause| Failed::File { path: path.to_owned(), cause };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(failed)?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A program, and what its head says.
pub(super) struct Case {
    file: PathBuf,
    pub(super) text: String,
    /// A part of the message with which it must be refused.
    pub(super) refused: Option<String>,
    pub(super) dead_letters: u64,
    /// The functions, connectors and formats without which it cannot run.
    pub(super) needs: Vec<String>,
}

impl Case {
    pub(super) fn read(file: &Path) -> Result<Self, Failed> {
        let text = std::fs::read_to_string(file).map_err(|cause| Failed::File { path: file.to_owned(), cause })?;
        let (mut refused, mut dead_letters, mut needs) = (None, 0, Vec::new());
        let head = text.lines().map_while(|line| line.strip_prefix("--"));
        for (number, comment) in head.enumerate() {
            let wrong = |message| Failed::Comment { line: format!("--{comment}"), message };
            let comment = comment.trim();
            if let Some(message) = comment.strip_prefix("refused:") {
                if number > 0 {
                    return Err(wrong("a refusal stands in the first line"));
                }
                if message.trim().is_empty() {
                    return Err(wrong("a refusal names a part of its message"));
                }
                refused = Some(message.trim().to_owned());
            } else if let Some(count) = comment.strip_prefix("dead letters:") {
                dead_letters = count.trim().parse().map_err(|_| wrong("dead letters are counted, like 2"))?;
            } else if let Some(names) = comment.strip_prefix("needs:") {
                needs.extend(names.split(',').map(|name| name.trim().to_owned()));
            }
        }
        Ok(Case { file: file.to_owned(), text, refused, dead_letters, needs })
    }

    /// Where its files are.
    pub(super) fn directory(&self) -> PathBuf {
        self.file.parent().map(Path::to_owned).unwrap_or_default()
    }
}

/// What the tables of a test should be.
pub(super) struct Expectations {
    /// `dir/name`, to which the rest is added.
    stem: PathBuf,
}

impl Expectations {
    pub(super) fn of(case: &Case) -> Self {
        Expectations { stem: case.file.with_extension("") }
    }

    fn path(&self, table: &str) -> PathBuf {
        let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
        let table: String = table.chars().map(safe).collect();
        PathBuf::from(format!("{}.{table}.expected", self.stem.display()))
    }

    /// The lines that a table should have, and where that is said.
    pub(super) fn read(&self, table: &str) -> Result<(PathBuf, Vec<String>), Failed> {
        let path = self.path(table);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok((path, text.lines().map(str::to_owned).collect())),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(Failed::NoExpectation { path }),
            Err(cause) => Err(Failed::File { path, cause }),
        }
    }

    /// All that are there.
    fn all(&self) -> Result<BTreeSet<PathBuf>, Failed> {
        let directory = match self.stem.parent() {
            Some(directory) if directory != Path::new("") => directory.to_owned(),
            _ => PathBuf::from("."),
        };
        let stem = self.stem.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let entries = std::fs::read_dir(&directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = entries.map_err(|cause| Failed::File { path: directory, cause })?;
        let is_one = |name: &str| {
            let table = name.strip_prefix(&stem).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".expected"));
            table.is_some_and(|table| !table.contains('.'))
        };
        let names = entries.into_iter().filter(|entry| is_one(&entry.file_name().to_string_lossy()));
        Ok(names.map(|entry| self.stem.with_file_name(entry.file_name())).collect())
    }

    fn unused(&self, tables: &BTreeMap<String, Vec<String>>) -> Result<BTreeSet<PathBuf>, Failed> {
        let used: BTreeSet<PathBuf> = tables.keys().map(|table| self.path(table)).collect();
        Ok(self.all()?.difference(&used).cloned().collect())
    }

    /// Refuses those of tables that nobody writes.
    pub(super) fn finish(&self, tables: &BTreeMap<String, Vec<String>>) -> Result<(), Failed> {
        let first = self.unused(tables)?.pop_first();
        first.map_or(Ok(()), |path| Err(Failed::UnusedExpectation { path }))
    }

    /// Says anew what is expected; returns the files that were changed or removed.
    pub(super) fn update(&mut self, tables: &BTreeMap<String, Vec<String>>) -> Result<Vec<PathBuf>, Failed> {
        let mut changed = Vec::new();
        for (table, lines) in tables {
            let path = self.path(table);
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            if std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
                continue;
            }
            std::fs::write(&path, text).map_err(|cause| Failed::File { path: path.clone(), cause })?;
            changed.push(path);
        }
        for path in self.unused(tables)? {
            std::fs::remove_file(&path).map_err(|cause| Failed::File { path: path.clone(), cause })?;
            changed.push(path);
        }
        Ok(changed)
    }
}
