//! The files of a test.

use super::Failed;
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
    pub(super) file: PathBuf,
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
