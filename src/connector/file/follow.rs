//! Follows a file as it grows, through rotation and truncation, like `tail -F`.
//!
//! The file at the path is looked at before each read, so that one which was renamed is still held open: it is read to its
//! end before the new one begins. A writer may hold a renamed file open for a while; so it counts as finished only
//! when it has brought nothing for some polls.

use super::position::{FileId, FilePosition, Head};
use super::reader::GZIP_MAGIC;
use super::{Blocks, Step};
use crate::connector::Error;
use crate::connector::files::{directory, read_up_to};
use crate::connector::line::{Cutter, LineBlock, Pool};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long to wait before looking again.
const POLL: Duration = Duration::from_millis(100);
/// After how many polls without a new byte a renamed file is finished.
const QUIET_POLLS: u32 = 5;

/// Reads what is at a path, and what will be.
pub(super) struct FollowReader {
    path: PathBuf,
    name: Arc<str>,
    pool: Arc<Pool>,
    /// The file being read and those that have taken its place since, oldest first; empty while there is none.
    files: VecDeque<Followed>,
    /// Polls without a new byte since the first file was replaced.
    quiet: u32,
}

/// A file held open.
struct Followed {
    file: File,
    id: FileId,
    head: Head,
    cutter: Cutter,
}

impl FollowReader {
    /// Opens the file at `path`, which messages and lines call `name`; after a restart the one that was being read.
    ///
    /// # Errors
    /// If what is there cannot be read.
    pub(super) fn open(
        path: &Path,
        name: &str,
        pool: &Arc<Pool>,
        position: Option<FilePosition>,
    ) -> Result<Self, Error> {
        let mut reader = FollowReader {
            path: path.to_owned(),
            name: name.into(),
            pool: Arc::clone(pool),
            files: VecDeque::new(),
            quiet: 0,
        };
        if let Some(position) = position {
            let found = reader.find(&position).map_err(|cause| reader.unreadable(cause))?;
            if found.is_none() {
                tracing::warn!(
                    file = name,
                    offset = position.offset,
                    "the file that was being read is gone or was truncated; what stood in it behind the offset may be lost; \
                     reading the file at the path from its start"
                );
            }
            reader.files.extend(found);
        }
        Ok(reader)
    }

    fn unreadable(&self, cause: io::Error) -> Error {
        Error::io(format_args!("cannot follow {}", self.name), cause)
    }

    /// The file in which the position lies: at the path itself, or renamed within its directory.
    fn find(&self, position: &FilePosition) -> io::Result<Option<Followed>> {
        if let Some(file) = if_there(File::open(&self.path))?
            && let Some(found) = self.resume(file, position)?
        {
            return Ok(Some(found));
        }
        let Some(id) = position.file else { return Ok(None) };
        for entry in fs::read_dir(directory(&self.path))? {
            let sibling = entry?.path();
            // Others may come and go in the directory, or not be ours to read.
            let Ok(metadata) = fs::metadata(&sibling) else { continue };
            if !metadata.is_file() || FileId::of(&metadata) != id {
                continue;
            }
            if let Some(file) = if_there(File::open(&sibling))?
                && let Some(found) = self.resume(file, position)?
            {
                tracing::info!(file = %self.name, renamed = %sibling.display(), "finishing the renamed file first");
                self.warn_of_unread(&sibling, metadata.modified()?)?;
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// `file` at the position, if it is the one in which the position lies.
    fn resume(&self, mut file: File, position: &FilePosition) -> io::Result<Option<Followed>> {
        let metadata = file.metadata()?;
        let id = FileId::of(&metadata);
        let mut bytes = vec![0; Head::length_at(position.offset)];
        if position.file.is_some_and(|before| before != id) || metadata.len() < position.offset {
            return Ok(None);
        }
        read_up_to(&mut file, &mut bytes)?;
        if !position.head.matches(&bytes) {
            return Ok(None);
        }
        let cutter = Cutter::new(Arc::clone(&self.pool), Arc::clone(&self.name), position.offset);
        Ok(Some(Followed { file, id, head: Head::new(bytes), cutter }))
    }

    /// Says which files took the path's place after the renamed one and were renamed themselves before we came back.
    fn warn_of_unread(&self, renamed: &Path, modified: SystemTime) -> io::Result<()> {
        let Some(name) = self.path.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
        for entry in fs::read_dir(directory(&self.path))? {
            let sibling = entry?.path();
            let rotated = sibling.file_name().and_then(|other| other.to_str()?.strip_prefix(name));
            let rotated = rotated.is_some_and(|rest| rest.starts_with(['.', '-']));
            let later = fs::metadata(&sibling).and_then(|metadata| metadata.modified()).is_ok_and(|at| at > modified);
            if rotated && later && sibling != renamed {
                tracing::warn!(
                    file = %self.name,
                    unread = %sibling.display(),
                    "this file may have stood at the path in between, and will not be read; give it to a source of its own"
                );
            }
        }
        Ok(())
    }

    /// Notices a new file at the path.
    fn look(&mut self) -> Result<(), Error> {
        let metadata = if_there(fs::metadata(&self.path)).map_err(|cause| self.unreadable(cause))?;
        let known = |id| self.files.iter().any(|followed| followed.id == id);
        if metadata.is_none_or(|metadata| known(FileId::of(&metadata))) {
            return Ok(());
        }
        let Some(mut file) = if_there(File::open(&self.path)).map_err(|cause| self.unreadable(cause))? else {
            return Ok(());
        };
        let mut magic = [0; GZIP_MAGIC.len()];
        let metadata = file.metadata().map_err(|cause| self.unreadable(cause))?;
        if !metadata.is_file() {
            let message = format!("{} is no regular file any more and cannot be followed; put a file there", self.name);
            return Err(Error::user(message));
        }
        read_up_to(&mut file, &mut magic).map_err(|cause| self.unreadable(cause))?;
        if magic == GZIP_MAGIC {
            let message = format!("{} is compressed and cannot be followed; read it without following", self.name);
            return Err(Error::user(message));
        }
        let cutter = Cutter::new(Arc::clone(&self.pool), Arc::clone(&self.name), 0);
        self.files.push_back(Followed { file, id: FileId::of(&metadata), head: Head::default(), cutter });
        Ok(())
    }

    /// Starts the first file anew if it was truncated, even if it has since grown beyond what was read.
    fn check_truncated(&mut self) -> io::Result<()> {
        let Some(current) = self.files.front_mut() else { return Ok(()) };
        let length = current.file.metadata()?.len();
        let read = current.cutter.read_offset();
        current.file.rewind()?;
        let mut bytes = vec![0; current.head.bytes().len()];
        read_up_to(&mut current.file, &mut bytes)?;
        if length < read || bytes != current.head.bytes() {
            tracing::warn!(
                file = %self.name,
                read,
                length,
                "the file was truncated; reading it from its start; what was written just before may be lost"
            );
            current.head = Head::default();
            current.cutter = Cutter::new(Arc::clone(&self.pool), Arc::clone(&self.name), 0);
        }
        current.file.seek(SeekFrom::Start(current.cutter.read_offset())).map(|_| ())
    }
}

/// `None` where there is no such file.
fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

impl Followed {
    fn step(&mut self, block: LineBlock) -> Step {
        self.head.extend(&block);
        let position = FilePosition { offset: block.end_offset(), head: self.head.fingerprint(), file: Some(self.id) };
        Step::Block(block, position)
    }
}

impl Blocks for FollowReader {
    fn next(&mut self) -> Result<Step, Error> {
        self.look()?;
        loop {
            self.check_truncated().map_err(|cause| self.unreadable(cause))?;
            let replaced = self.files.len() > 1;
            let Some(current) = self.files.front_mut() else { return Ok(Step::Wait(POLL)) };
            if let Some(block) = current.cutter.fill(&mut current.file, true)? {
                self.quiet = 0;
                return Ok(current.step(block));
            }
            self.quiet = if replaced { self.quiet + 1 } else { 0 };
            if self.quiet <= QUIET_POLLS {
                return Ok(Step::Wait(POLL));
            }
            self.quiet = 0;
            // Nobody writes to this file any more, so what has no line end is its last line.
            let rest = current.cutter.rest().map(|block| current.step(block));
            self.files.pop_front();
            if let Some(step) = rest {
                return Ok(step);
            }
        }
    }
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
