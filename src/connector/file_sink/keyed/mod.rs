//! One visible file that holds the current line of each key, exactly once.
//!
//! # How
//! 1. Each subtask writes its changes, in order, to hidden pending files, as [`FileSink`](super::FileSink) does.
//! 2. The committer merges them with the visible file, whose lines are in order of their keys, into a hidden file beside it,
//!    and syncs that. The plan `{epoch, next, before, after, parts}` goes into the job's manifest: the name of that file, and
//!    the length and hash of both.
//! 3. After the manifest's commit the hidden file takes the visible one's name; then the pending files are removed.
//!
//! # Why a crash is safe
//! * Before the manifest's commit the visible file is as it was; the next start removes all hidden files.
//! * After it, either the hidden file is there, and takes the name now, or the visible file is the planned one. A reader sees the
//!   table of one checkpoint or of the next, never a mixture.
//! * A visible file that is neither is refused: someone else changed it.
//!
//! Nothing is kept in memory but the changes of one checkpoint: the file itself is the state. So parallelism does not matter to
//! it, and each checkpoint with a change costs reading and writing the file once.

mod committer;
mod merge;

use super::part::Target;
use super::rows::{Format, RowBuffer};
use super::writer::FileWriter;
use crate::connector::{Committer, Error, Guarantee, Sink, SinkContext, SinkWriter};
use committer::KeyedCommitter;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// How the line of a key changes.
///
/// ```
/// use millstream::connector::LineChange;
///
/// assert_eq!(LineChange::Put("ada,3".to_owned()).to_string(), "+ada,3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineChange {
    /// This is the line of its key from here on.
    Put(String),
    /// The line with the key of this one goes, if there is one.
    Remove(String),
}

impl fmt::Display for LineChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineChange::Put(line) => write!(f, "+{line}"),
            LineChange::Remove(line) => write!(f, "-{line}"),
        }
    }
}

/// Finds the key of a line.
type KeyOf<K> = Arc<dyn Fn(&str) -> Option<K> + Send + Sync>;

/// Writes a file with the current line of each key.
///
/// Shape: one line per key, in order of the keys, as of the last checkpoint; each checkpoint replaces the file as a whole. The
/// changes of a key must come through one subtask, so the stream is keyed by it in front of the sink. Missing directories are
/// made. After a start without a checkpoint a file that is there already and not empty is refused, unless the job is told to
/// start fresh: then it is emptied.
///
/// A job that is started from a savepoint begins with an empty file, as with every sink: keys that have not changed since then are
/// not in it.
///
/// Guarantee: exactly once. A job cannot go back to an older checkpoint: what the file was then is not kept.
///
/// ```
/// use millstream::connector::{KeyedFileSink, Sink};
///
/// let sink = KeyedFileSink::new("out/users.csv", |line| line.split(',').next().map(str::to_owned));
/// assert_eq!(sink.header("name,hits").describe(), "keyed file out/users.csv");
/// ```
pub struct KeyedFileSink<K> {
    path: PathBuf,
    header: Option<String>,
    key: KeyOf<K>,
}

impl<K> KeyedFileSink<K> {
    /// Writes to a file.
    ///
    /// * `key`: finds the key of a line, or `None` if it has none, which fails the checkpoint. It must stay the same, and so must
    ///   the order of keys, for as long as the job goes on with the file.
    pub fn new(path: impl Into<PathBuf>, key: impl Fn(&str) -> Option<K> + Send + Sync + 'static) -> Self {
        KeyedFileSink { path: path.into(), header: None, key: Arc::new(key) }
    }

    /// Writes this first line, which has no key, also if there is never another one.
    #[must_use]
    pub fn header(self, line: impl Into<String>) -> Self {
        KeyedFileSink { header: Some(line.into()), ..self }
    }
}

impl<K: Ord + 'static> Sink<LineChange> for KeyedFileSink<K> {
    fn describe(&self) -> String {
        format!("keyed file {}", self.path.display())
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    fn writer(&self, context: &SinkContext) -> Result<Box<dyn SinkWriter<LineChange>>, Error> {
        let target = Target::new(&self.path)?;
        target.check()?;
        let rows = RowBuffer::new(&Format::Lines { header: None }, &self.describe())?;
        Ok(Box::new(FileWriter::new(target, rows, RowBuffer::push_line, &context.uid, context.subtask)))
    }

    fn committer(&self) -> Result<Option<Box<dyn Committer>>, Error> {
        let target = Target::new(&self.path)?;
        target.check()?;
        Ok(Some(Box::new(KeyedCommitter::new(target, self.header.clone(), Arc::clone(&self.key)))))
    }
}

#[cfg(test)]
mod tests;
