//! A subtask's rows on their way to a durable pending file.
//!
//! Three places, with a lock for each that blocks:
//! * the actor serialises into a buffer of its own, no lock;
//! * full buffers and barriers wait in the *queue*, locked for moments only. A job works off the queue up to the item for
//!   which it was made, so a job that is never run leaves its rows to the next one;
//! * the *disk* side, locked while jobs write and sync; the actor never touches it.
//!
//! Bytes stay in memory until they are synced. After any failure, of a write or of a sync, the file's tail is not trusted:
//! the file ends as a part at its last synced length, and what is in memory goes to a new file.

use super::part::{Part, PreparedParts, Target, to_value};
use super::rows::{Chunk, Push, RowBuffer};
use crate::connector::files::lock;
use crate::connector::{Error, Prepared, SinkJob, SinkWriter};
use crate::record::Epoch;
use crate::time::Timestamp;
use serde_json::Value;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A buffer of this size leaves for the pending file.
const SPILL_BYTES: usize = 1024 * 1024;
/// How much is kept in memory at most before it is synced, but for what waits in the queue.
const SYNC_BYTES: u64 = 8 * 1024 * 1024;
/// How many free buffers are kept.
const SPARE_BUFFERS: usize = 10;

/// Writes the rows of one subtask.
pub(super) struct FileWriter<T> {
    rows: RowBuffer,
    push: Push<T>,
    shared: Arc<Shared>,
    /// The number of the last item in the queue.
    last: u64,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<VecDeque<(u64, Item)>>,
    spare: Mutex<Vec<Vec<u8>>>,
    disk: Mutex<Disk>,
    /// The newest epoch known to be committed.
    committed: AtomicU64,
    /// How many bytes wait in memory because they could not be written; 0 if the last attempt went well.
    stuck: AtomicU64,
}

#[derive(Debug)]
enum Item {
    Rows(Chunk),
    Barrier(Epoch),
}

/// The pending files of one writer.
#[derive(Debug)]
struct Disk {
    target: Target,
    prefix: String,
    /// The number of the next file.
    next: u64,
    open: Option<Open>,
    /// Not yet synced; the first `written` of them are in the open file.
    kept: VecDeque<Chunk>,
    written: usize,
    /// Durable, and before no barrier yet: files that were given up.
    loose: Vec<Part>,
    /// Durable, before a barrier, and not known to be committed.
    parts: Vec<Part>,
    /// Whether a file was made since the directory was synced.
    directory_changed: bool,
}

/// The pending file being written.
#[derive(Debug)]
struct Open {
    file: File,
    name: String,
    length: u64,
    synced_length: u64,
    synced_rows: u64,
}

impl<T> FileWriter<T> {
    pub(super) fn new(target: Target, rows: RowBuffer, push: Push<T>, uid: &str, subtask: usize) -> Self {
        let disk = Disk {
            prefix: target.writer_prefix(uid, subtask),
            target,
            next: 0,
            open: None,
            kept: VecDeque::new(),
            written: 0,
            loose: Vec::new(),
            parts: Vec::new(),
            directory_changed: false,
        };
        let shared = Shared {
            queue: Mutex::default(),
            spare: Mutex::default(),
            disk: Mutex::new(disk),
            committed: AtomicU64::new(0),
            stuck: AtomicU64::new(0),
        };
        FileWriter { rows, push, shared: Arc::new(shared), last: 0 }
    }

    fn enqueue(&mut self, item: Item) {
        self.last += 1;
        lock(&self.shared.queue).push_back((self.last, item));
    }

    fn enqueue_rows(&mut self) {
        if self.rows.len() > 0 {
            // Made at its full size: growing there by doubling touches twice the memory.
            let room = SPILL_BYTES + SPILL_BYTES / 16;
            let spare = lock(&self.shared.spare).pop().unwrap_or_else(|| Vec::with_capacity(room));
            let chunk = self.rows.take(spare);
            self.enqueue(Item::Rows(chunk));
        }
    }
}

impl<T> SinkWriter<T> for FileWriter<T> {
    fn write(&mut self, record: T, _: Timestamp) -> Result<(), Error> {
        (self.push)(&mut self.rows, &record)
    }

    fn spill(&mut self, _idle: bool) -> Option<SinkJob> {
        let stuck = self.shared.stuck.load(Ordering::SeqCst);
        if self.rows.len() as u64 + stuck < SPILL_BYTES as u64 {
            return None;
        }
        self.enqueue_rows();
        let (shared, last) = (Arc::clone(&self.shared), self.last);
        Some(Box::new(move || shared.work(&mut lock(&shared.disk), last)))
    }

    fn prepare(&mut self, epoch: Epoch) -> Prepared {
        self.enqueue_rows();
        self.enqueue(Item::Barrier(epoch));
        let (shared, last, header) = (Arc::clone(&self.shared), self.last, self.rows.header());
        Box::new(move || {
            let mut disk = lock(&shared.disk);
            shared.work(&mut disk, last)?;
            let committed = Epoch::from_u64(shared.committed.load(Ordering::SeqCst));
            disk.parts.retain(|part| part.epoch > committed);
            let parts: Vec<_> = disk.parts.iter().filter(|part| part.epoch <= epoch).cloned().collect();
            Ok(if parts.is_empty() { Value::Null } else { to_value(&PreparedParts { header, parts }) })
        })
    }

    fn committed(&mut self, epoch: Epoch) {
        self.shared.committed.fetch_max(epoch.as_u64(), Ordering::SeqCst);
    }
}

impl Shared {
    /// Writes what an earlier job could not, then works off the queue up to item `last`.
    fn work(&self, disk: &mut Disk, last: u64) -> Result<(), Error> {
        let worked = disk.write(&self.spare).and_then(|()| self.work_off(disk, last));
        let stuck = if worked.is_err() { disk.kept.iter().map(|chunk| chunk.bytes.len() as u64).sum() } else { 0 };
        self.stuck.store(stuck, Ordering::SeqCst);
        worked
    }

    fn work_off(&self, disk: &mut Disk, last: u64) -> Result<(), Error> {
        loop {
            let item = {
                let mut queue = lock(&self.queue);
                let due = queue.front().is_some_and(|(number, _)| *number <= last);
                if due { queue.pop_front() } else { None }
            };
            match item {
                None => return Ok(()),
                Some((_, Item::Rows(chunk))) => {
                    disk.kept.push_back(chunk);
                    disk.write(&self.spare)?;
                }
                Some((_, Item::Barrier(epoch))) => disk.close(epoch, &self.spare)?,
            }
        }
    }
}

impl Disk {
    /// Writes what is kept and not yet in the file; syncs if that is much.
    fn write(&mut self, spare: &Mutex<Vec<Vec<u8>>>) -> Result<(), Error> {
        while self.written < self.kept.len() {
            if self.open.is_none() {
                self.open = Some(self.create()?);
            }
            let Some(open) = &mut self.open else { break };
            let chunk = &self.kept[self.written].bytes;
            if let Err(cause) = open.file.write_all(chunk) {
                return Err(self.abandon("write", cause));
            }
            open.length += chunk.len() as u64;
            self.written += 1;
            if open.length - open.synced_length >= SYNC_BYTES {
                self.sync(spare)?;
            }
        }
        Ok(())
    }

    fn create(&mut self) -> Result<Open, Error> {
        let name = format!("{}{}.pending", self.prefix, self.next);
        self.next += 1;
        let path = self.target.beside(&name);
        let file = File::options().write(true).create_new(true).open(&path).map_err(|cause| {
            let what = format!("cannot make {}, which holds rows of {}", path.display(), self.target.path.display());
            Error::io(what, cause)
        })?;
        self.directory_changed = true;
        Ok(Open { file, name, length: 0, synced_length: 0, synced_rows: 0 })
    }

    /// Syncs the open file, and lets go of what is durable then.
    fn sync(&mut self, spare: &Mutex<Vec<Vec<u8>>>) -> Result<(), Error> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if let Err(cause) = open.file.sync_data() {
            return Err(self.abandon("sync", cause));
        }
        open.synced_length = open.length;
        let mut spare = lock(spare);
        for mut chunk in self.kept.drain(..self.written) {
            open.synced_rows += chunk.rows;
            if spare.len() < SPARE_BUFFERS && chunk.bytes.capacity() <= 2 * SPILL_BYTES {
                chunk.bytes.clear();
                spare.push(chunk.bytes);
            }
        }
        self.written = 0;
        Ok(())
    }

    /// Gives the open file up after a failure; what of it is not synced is written again, to another one.
    fn abandon(&mut self, doing: &str, cause: std::io::Error) -> Error {
        self.written = 0;
        let mut path = self.target.path.clone();
        if let Some(open) = self.open.take() {
            path = self.target.beside(&open.name);
            // Frees the disk, no more: the part's length says what counts, and the next start removes the file.
            let freed =
                if open.synced_length > 0 { open.file.set_len(open.synced_length) } else { fs::remove_file(&path) };
            if let Err(cause) = freed {
                tracing::debug!(file = %path.display(), %cause, "cannot cut a pending file that failed");
            }
            self.end_part(open);
        }
        let what = format!("cannot {doing} {}, which holds rows of {}", path.display(), self.target.path.display());
        Error::io(what, cause)
    }

    /// Makes a part of what is durable of a file.
    fn end_part(&mut self, open: Open) {
        if open.synced_length > 0 {
            let Open { name, synced_length: length, synced_rows: rows, .. } = open;
            self.loose.push(Part { name, epoch: Epoch::ZERO, length, rows });
        }
    }

    /// The barrier of `epoch`: makes all durable, as parts of that epoch.
    fn close(&mut self, epoch: Epoch, spare: &Mutex<Vec<Vec<u8>>>) -> Result<(), Error> {
        self.write(spare)?;
        self.sync(spare)?;
        if let Some(open) = self.open.take() {
            self.end_part(open);
        }
        if self.directory_changed {
            self.target.sync_directory()?;
            self.directory_changed = false;
        }
        self.parts.extend(self.loose.drain(..).map(|part| Part { epoch, ..part }));
        Ok(())
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
