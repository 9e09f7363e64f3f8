//! Reading a savepoint: at its front and its end when it is opened, section by section when it is checked or restored.

use super::Error;
use super::content::{Content, Header};
use super::format::{self, FORMAT, FRAME, Kind, MAGIC, OPENING, Row, TRAILER, take_entry};
use crate::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What there is to know of a savepoint without reading its entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SavepointInfo {
    /// The file.
    pub path: PathBuf,
    /// The job of which it was taken.
    pub job: String,
    /// When it was taken.
    #[serde(serialize_with = "as_text")]
    pub created_at: Timestamp,
    /// The version of Millstream that took it.
    pub engine: String,
    /// The epoch of the job at which it was taken: attempt and count.
    pub epoch: String,
    /// How many operators it holds, and how many states these have.
    pub operators: usize,
    /// How many states they have together.
    pub states: usize,
    /// How many entries these have together.
    pub entries: u64,
    /// How long the file is.
    pub bytes: u64,
}

fn as_text<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

/// A savepoint: all state of a job at one epoch, in one file.
///
/// ```
/// use millstream::prelude::*;
///
/// let dir = tempfile::tempdir()?;
/// let (state, path) = (dir.path().join("state"), dir.path().join("first.savepoint"));
/// let job = Job::new("counting");
/// job.source(MemorySource::new(0..1000_u64)).key_by(|n| n % 10).count().uid("sums").sink(DiscardSink);
/// job.run(Config::default().state_dir(&state))?;
///
/// let savepoint = Savepoint::create(&state, &path)?;
/// savepoint.verify()?;
/// assert_eq!(savepoint.info().entries, 10);
/// println!("{}", job.plan_diff(&Config::default().parallelism(3), &path)?);
/// job.run(Config::default().parallelism(3).restore_from(&path))?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Savepoint {
    path: PathBuf,
    file: RefCell<File>,
    length: u64,
    header: Header,
    content: Content,
    rows: Vec<Row>,
}

impl Savepoint {
    /// Opens a savepoint and checks all but its entries: nothing is missing, and front, index and end are whole.
    ///
    /// # Errors
    /// [`Error::NewerFormat`]; [`Error::Damaged`]; else what the disk says.
    pub fn open(path: impl AsRef<Path>) -> Result<Savepoint, Error> {
        let path = path.as_ref();
        let mut file = File::open(path).map_err(|cause| Error::io(path, "open it", cause))?;
        let length = file.metadata().map_err(|cause| Error::io(path, "read it", cause))?.len();
        let damaged = |found: &str| Error::damaged(path, found);
        if length < OPENING + TRAILER {
            return Err(damaged(&format!("it has {length} bytes")));
        }
        let mut opening = [0; OPENING as usize];
        read_at(path, &mut file, 0, &mut opening)?;
        if opening[..8] != MAGIC {
            return Err(damaged("it does not begin like one"));
        }
        match format::u32_at(&opening, 8) {
            0 => return Err(damaged("its format is 0")),
            found if found > FORMAT => {
                return Err(Error::NewerFormat { path: path.to_owned(), found, known: FORMAT });
            }
            _ => {}
        }
        let mut trailer = [0; TRAILER as usize];
        read_at(path, &mut file, length - TRAILER, &mut trailer)?;
        let end = length - TRAILER;
        let offset = format::index_offset(&trailer, length).map_err(|found| damaged(&found))?;
        let (header, behind) = frame(path, &mut file, Kind::Header, OPENING, end)?;
        let (content, mut behind) = frame(path, &mut file, Kind::Manifest, behind, end)?;
        let (index, ends) = frame(path, &mut file, Kind::Index, offset, end)?;
        let rows = format::decode_index(&index).map_err(|found| damaged(&found))?;
        let (header, content): (Header, Content) = (json(path, "header", &header)?, json(path, "manifest", &content)?);
        for row in &rows {
            if row.offset != behind || row.state as usize >= content.states.len() {
                return Err(damaged("its index does not fit its sections"));
            }
            behind = row.length.checked_add(FRAME).and_then(|frame| behind.checked_add(frame)).unwrap_or(u64::MAX);
        }
        if behind != offset || ends != end {
            return Err(damaged("there are bytes that belong to nothing"));
        }
        Ok(Savepoint { path: path.to_owned(), file: RefCell::new(file), length, header, content, rows })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it tells of itself.
    pub fn info(&self) -> SavepointInfo {
        SavepointInfo {
            path: self.path.clone(),
            job: self.header.job.clone(),
            created_at: Timestamp::from_millis(self.header.created_at),
            engine: self.header.engine.clone(),
            epoch: self.header.epoch.to_string(),
            operators: self.content.operators.len(),
            states: self.content.states.len(),
            entries: self.rows.iter().map(|row| row.entries).sum(),
            bytes: self.length,
        }
    }

    /// Reads all of it and checks every byte: a savepoint that passes can be restored.
    ///
    /// # Errors
    /// [`Error::Damaged`] says what was found; else what the disk says.
    pub fn verify(&self) -> Result<(), Error> {
        let mut last: Option<(u32, u32, Vec<u8>)> = None;
        for row in &self.rows {
            self.section(row, |key, _| {
                let place = (row.state, row.group, key.to_vec());
                let ascends =
                    last.as_ref().is_none_or(|last| (last.0, last.1) != (place.0, place.1) || last.2 < place.2);
                last = Some(place);
                if ascends { Ok(()) } else { Err(Error::damaged(&self.path, "its entries are out of order")) }
            })?;
        }
        Ok(())
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    /// How many entries a state has.
    pub(crate) fn count(&self, state: usize) -> u64 {
        self.rows.iter().filter(|row| row.state as usize == state).map(|row| row.entries).sum()
    }

    /// Shows `visit` all entries of a state in one key group, in order.
    pub(crate) fn entries<E: From<Error>>(
        &self,
        state: usize,
        group: usize,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let of = |row: &&Row| (row.state as usize, row.group as usize) == (state, group);
        self.rows.iter().filter(of).try_for_each(|row| self.section(row, &mut visit))
    }

    fn section<E: From<Error>>(
        &self,
        row: &Row,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let damaged = |found: &str| E::from(Error::damaged(&self.path, found));
        let end = row.offset + FRAME + row.length;
        let (payload, behind) = frame(&self.path, &mut self.file.borrow_mut(), Kind::Section, row.offset, end)?;
        if behind != end || format::checksum(Kind::Section, &payload) != row.checksum {
            return Err(damaged("a section is not the one that its index tells of"));
        }
        let mut rest = payload.as_slice();
        for _ in 0..row.entries {
            let (key, value) = take_entry(&mut rest).ok_or_else(|| damaged("a section lacks entries"))?;
            visit(key, value)?;
        }
        if rest.is_empty() { Ok(()) } else { Err(damaged("a section has more entries than its index tells")) }
    }
}

fn read_at(path: &Path, file: &mut File, offset: u64, bytes: &mut [u8]) -> Result<(), Error> {
    let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(bytes));
    read.map_err(|cause| match cause.kind() {
        ErrorKind::UnexpectedEof => Error::damaged(path, "it has become shorter while it was read"),
        _ => Error::io(path, "read it", cause),
    })
}

/// The payload of the frame at `offset`, which must end before `end`, and where it ends.
fn frame(path: &Path, file: &mut File, kind: Kind, offset: u64, end: u64) -> Result<(Vec<u8>, u64), Error> {
    let damaged = |what: &str| Error::damaged(path, format!("at byte {offset}: {what}"));
    if offset.checked_add(FRAME).is_none_or(|least| least > end) {
        return Err(damaged("something is missing"));
    }
    let mut head = [0; 12];
    read_at(path, file, offset, &mut head)?;
    let length = format::u64_at(&head, 4);
    if head[..4] != kind.tag() || length > end - offset - FRAME {
        return Err(damaged("this is not what stands there"));
    }
    let mut payload = vec![0; length as usize + 8];
    read_at(path, file, offset + 12, &mut payload)?;
    let expected = format::u64_at(&payload, length as usize);
    payload.truncate(length as usize);
    let found = format::checksum(kind, &payload);
    if found != expected {
        return Err(damaged(&format!("the checksum is {found:016x} instead of {expected:016x}")));
    }
    Ok((payload, offset + FRAME + length))
}

fn json<T: DeserializeOwned>(path: &Path, what: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|cause| Error::damaged(path, format!("its {what} cannot be read: {cause}")))
}
