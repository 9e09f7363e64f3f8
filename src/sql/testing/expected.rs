//! What the tables of a test should be.

use super::Failed;
use super::difference::difference;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_128;

/// How the file ends that has the rows of a table.
const EXPECTED: &str = "expected";
/// How the file ends that has their digest only.
const DIGEST: &str = "digest";

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// What stands for many lines.
fn digest(lines: &[String]) -> String {
    format!("rows {}\nxxh3 {:032x}\n", lines.len(), xxh3_128(text(lines).as_bytes()))
}

/// What the tables of a test should be.
pub(super) struct Expectations {
    /// `dir/name`, to which the rest is added.
    stem: PathBuf,
}

impl Expectations {
    pub(super) fn of(program: &Path) -> Self {
        Expectations { stem: program.with_extension("") }
    }

    /// * `kind`: how the name ends.
    fn path(&self, table: &str, kind: &str) -> PathBuf {
        let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
        let table: String = table.chars().map(safe).collect();
        PathBuf::from(format!("{}.{table}.{kind}", self.stem.display()))
    }

    /// Where it is said what a table should have: its digest, if it has one.
    fn said(&self, table: &str) -> PathBuf {
        let digest = self.path(table, DIGEST);
        if digest.exists() { digest } else { self.path(table, EXPECTED) }
    }

    /// In what a table is not as it should be, and where that is said.
    ///
    /// * `lines`: those of the table, sorted.
    pub(super) fn difference(&self, table: &str, lines: &[String]) -> Result<Option<(PathBuf, String)>, Failed> {
        let path = self.said(table);
        let said = match std::fs::read_to_string(&path) {
            Ok(said) => said,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Err(Failed::NoExpectation { path }),
            Err(cause) => return Err(Failed::File { path, cause }),
        };
        let split = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let difference = match path.extension() {
            Some(kind) if kind == DIGEST => difference(&split(&said), &split(&digest(lines))),
            _ => difference(&split(&said), lines),
        };
        Ok(difference.map(|difference| (path, difference)))
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
            let rest = name.strip_prefix(&stem).and_then(|rest| rest.strip_prefix('.')?.split_once('.'));
            rest.is_some_and(|(_, kind)| kind == EXPECTED || kind == DIGEST)
        };
        let names = entries.into_iter().filter(|entry| is_one(&entry.file_name().to_string_lossy()));
        Ok(names.map(|entry| self.stem.with_file_name(entry.file_name())).collect())
    }

    fn unused(&self, tables: &BTreeMap<String, Vec<String>>) -> Result<BTreeSet<PathBuf>, Failed> {
        let used: BTreeSet<PathBuf> = tables.keys().map(|table| self.said(table)).collect();
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
            let path = self.said(table);
            let is_digest = path.extension().is_some_and(|kind| kind == DIGEST);
            let text = if is_digest { digest(lines) } else { text(lines) };
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
