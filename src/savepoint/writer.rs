//! Writing a savepoint, from front to back, under another name until it is whole.

use super::content::{Content, Header};
use super::format::{self, FORMAT, FRAME, Kind, MAGIC, Row, TRAILER, put_entry};
use super::{Error, Savepoint};
use crate::state::sync_dir;
use std::fs::{self, File, TryLockError};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// About how long the payload of a section may become; what is more goes into a further one.
const SECTION: usize = 1 << 20;

/// A savepoint that is being written. Dropped before it is finished, nothing of it stays.
#[derive(Debug)]
pub(crate) struct Writer {
    path: PathBuf,
    partial: PathBuf,
    /// Bears the lock that keeps others from writing under this name.
    file: BufWriter<File>,
    length: u64,
    rows: Vec<Row>,
    /// The section that is being filled: state, key group, entries, payload.
    section: (u32, u32, u64, Vec<u8>),
    finished: bool,
}

/// The name under which a savepoint is written.
fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

impl Writer {
    /// Begins the savepoint that will be `path`. What a killed process has left of one is written over.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let partial = partial(path);
        let io = |doing, cause| Error::io(path, doing, cause);
        let opened = File::options().write(true).create(true).truncate(false).open(&partial);
        let file = opened.map_err(|cause| io("make it", cause))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(cause)) => return Err(io("lock it", cause)),
        }
        let writer = Writer {
            path: path.to_owned(),
            partial,
            file: BufWriter::with_capacity(1 << 18, file),
            length: 0,
            rows: Vec::new(),
            section: (0, 0, 0, Vec::new()),
            finished: false,
        };
        // Only who holds the lock may ask this.
        if path.exists() {
            return Err(Error::Exists { path: path.to_owned() });
        }
        writer.file.get_ref().set_len(0).map_err(|cause| io("empty what was left of it", cause))?;
        Ok(writer)
    }

    /// The path it will have.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what stands in front of all sections.
    pub(crate) fn begin(&mut self, header: &Header, content: &Content) -> Result<(), Error> {
        self.write(&MAGIC)?;
        self.write(&FORMAT.to_le_bytes())?;
        let json = |cause: serde_json::Error| Error::damaged(&self.path, cause.to_string());
        let header = serde_json::to_vec(header).map_err(json)?;
        let content = serde_json::to_vec(content).map_err(json)?;
        self.frame(Kind::Header, &header)?;
        self.frame(Kind::Manifest, &content).map(drop)
    }

    /// Adds an entry. Those of one state and key group follow each other in ascending order of their keys.
    ///
    /// * `state`: its number in the manifest.
    pub(crate) fn push(&mut self, state: usize, group: usize, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let place = (state as u32, group as u32);
        if (self.section.0, self.section.1) != place || self.section.3.len() >= SECTION {
            self.end_section()?;
            (self.section.0, self.section.1) = place;
        }
        self.section.2 += 1;
        put_entry(&mut self.section.3, key, value);
        Ok(())
    }

    fn end_section(&mut self) -> Result<(), Error> {
        let (state, group, entries, payload) = std::mem::take(&mut self.section);
        if entries == 0 {
            return Ok(());
        }
        let (offset, length) = (self.length, payload.len() as u64);
        let checksum = self.frame(Kind::Section, &payload)?;
        self.rows.push(Row { offset, length, checksum, entries, state, group });
        Ok(())
    }

    fn frame(&mut self, kind: Kind, payload: &[u8]) -> Result<u64, Error> {
        let checksum = format::checksum(kind, payload);
        self.write(&format::head(kind, payload.len() as u64))?;
        self.write(payload)?;
        self.write(&checksum.to_le_bytes())?;
        Ok(checksum)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.length += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|cause| Error::io(&self.path, "write it", cause))
    }

    /// Writes the rest, syncs it, and gives it its name.
    pub(crate) fn finish(mut self) -> Result<Savepoint, Error> {
        self.end_section()?;
        let offset = self.length;
        let index = format::encode_index(&self.rows);
        self.frame(Kind::Index, &index)?;
        let length = offset + FRAME + index.len() as u64 + TRAILER;
        self.write(&format::trailer(offset, length))?;
        let written = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        written.map_err(|cause| Error::io(&self.path, "write it", cause))?;
        fs::rename(&self.partial, &self.path).map_err(|cause| Error::io(&self.path, "give it its name", cause))?;
        self.finished = true;
        sync_dir(self.path.parent().unwrap_or(Path::new("")))?;
        Savepoint::open(&self.path)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        match fs::remove_file(&self.partial) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                tracing::warn!(path = %self.partial.display(), %cause, "what was written of a savepoint is still there");
            }
            _ => {}
        }
    }
}
