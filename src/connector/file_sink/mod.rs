//! One visible file, written exactly once.
//!
//! # How
//! 1. Each subtask writes its rows to a hidden *pending file* beside the visible one, `.{name}.{uid}-{subtask}.{part}.pending`.
//!    At a barrier that file and its directory entry are synced; then the epoch may count as prepared.
//! 2. The committer plans `{epoch, before, after, header, parts}`: which parts will make the visible file grow from length
//!    `before` to `after`, in (epoch, subtask) order. The plan goes into the job's manifest.
//! 3. After the manifest's commit the committer appends the parts, syncs the visible file, and only then removes the
//!    pending files.
//!
//! # Why a crash is safe
//! * Before the manifest's commit the visible file is as it was; the next start removes the pending files.
//! * After it, what stands behind `before` is a beginning of the planned bytes. It is compared with them, and rewritten from
//!   the first byte that differs (after a power loss), then the rest is appended. A reader never sees a row go.
//! * When the first pending file has gone, the visible file was synced at length `after`.
//! * A visible file that is shorter or longer than these steps can leave it is refused: someone else changed it.
//! * Rows that could not be written stay in memory until they are durable, and go out with the next epoch.

mod committer;
mod keyed;
mod part;
mod rows;
mod writer;

pub use keyed::{KeyedFileSink, LineChange};

use super::{Committer, Error, Guarantee, Sink, SinkContext, SinkWriter};
use part::Target;
use rows::{Format, Push, RowBuffer};
use serde::Serialize;
use std::fmt::Display;
use std::path::PathBuf;

/// Writes rows to one file, as CSV, as a line of JSON each, or as lines.
///
/// Shape: rows in order of (epoch, subtask), those of one subtask in the order in which they came; visible at the
/// checkpoint that completes them. Missing directories are made. After a start without a checkpoint a file that is there
/// already and not empty is refused, unless the job is told to start fresh: then it is emptied.
///
/// Guarantee: exactly once.
///
/// ```
/// use millstream::connector::{FileSink, Sink};
///
/// #[derive(serde::Serialize)]
/// struct Hits {
///     page: String,
///     hits: u64,
/// }
/// let sink = FileSink::<Hits>::csv("out/hits.csv").header(["page", "hits"]);
/// assert_eq!(sink.describe(), "file out/hits.csv");
/// ```
pub struct FileSink<T> {
    path: PathBuf,
    format: Format,
    push: Push<T>,
}

impl<T: Serialize> FileSink<T> {
    /// Writes rows as CSV. The first line has the names of the fields, once there is a row; see
    /// [`header`](Self::header).
    pub fn csv(path: impl Into<PathBuf>) -> Self {
        FileSink { path: path.into(), format: Format::Csv { header: None }, push: RowBuffer::push }
    }

    /// Writes each row as JSON on a line of its own.
    pub fn json(path: impl Into<PathBuf>) -> Self {
        FileSink { path: path.into(), format: Format::Json, push: RowBuffer::push }
    }
}

impl<T: Display> FileSink<T> {
    /// Writes the text of each record as a line. One with a line break is refused.
    pub fn lines(path: impl Into<PathBuf>) -> Self {
        FileSink { path: path.into(), format: Format::Lines { header: None }, push: RowBuffer::push_line }
    }
}

impl<T> FileSink<T> {
    /// Writes this first line in a file of CSV or lines, also if there is never a row. The rows of CSV must have as many fields;
    /// of lines only the first name counts, which is the whole line. Without effect on a JSON file.
    #[must_use]
    pub fn header(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut columns = columns.into_iter().map(Into::into);
        match &mut self.format {
            Format::Csv { header } => *header = Some(columns.collect()),
            Format::Lines { header } => *header = columns.next(),
            Format::Json => {}
        }
        self
    }
}

impl<T: 'static> Sink<T> for FileSink<T> {
    fn describe(&self) -> String {
        format!("file {}", self.path.display())
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    fn writer(&self, context: &SinkContext) -> Result<Box<dyn SinkWriter<T>>, Error> {
        let target = Target::new(&self.path)?;
        target.check()?;
        let rows = RowBuffer::new(&self.format, &self.describe())?;
        Ok(Box::new(writer::FileWriter::new(target, rows, self.push, &context.uid, context.subtask)))
    }

    fn committer(&self) -> Result<Option<Box<dyn Committer>>, Error> {
        let target = Target::new(&self.path)?;
        target.check()?;
        let header = RowBuffer::new(&self.format, &self.describe())?.header();
        Ok(Some(Box::new(committer::FileCommitter::new(target, header))))
    }
}

#[cfg(test)]
mod tests;
