//! Makes the visible file grow, by whole epochs.

use super::part::{Part, PreparedParts, Record, Target, from_value, to_value};
use crate::connector::files::read_up_to;
use crate::connector::{Committer, Error};
use crate::fault::Fault;
use crate::record::Epoch;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// Appends what was prepared to the visible file.
pub(super) struct FileCommitter {
    target: Target,
    /// The header that the user gave.
    header: Option<String>,
    /// The visible file's length, by the newest record that was applied.
    length: u64,
    /// The epoch of that record: parts up to it are visible.
    applied: Epoch,
    /// The epoch that this committer has begun to apply.
    begun: Option<Epoch>,
}

impl FileCommitter {
    pub(super) fn new(target: Target, header: Option<String>) -> Self {
        FileCommitter { target, header, length: 0, applied: Epoch::ZERO, begun: None }
    }

    /// How long the visible file is; `None` if there is none.
    fn visible(&self) -> Result<Option<u64>, Error> {
        match fs::metadata(&self.target.path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(Error::io(format_args!("cannot look at {}", self.target.path.display()), cause)),
        }
    }

    /// No checkpoint yet: the visible file must be empty, or is emptied.
    fn begin(&self, fresh: bool) -> Result<(), Error> {
        let shown = self.target.path.display();
        if self.visible()?.unwrap_or(0) == 0 {
            return Ok(());
        }
        if !fresh {
            let message = format!(
                "{shown} exists and was not written by this job; move it away, or start fresh (--fresh) to replace it"
            );
            return Err(Error::user(message));
        }
        File::options()
            .write(true)
            .truncate(true)
            .open(&self.target.path)
            .and_then(|file| file.sync_all())
            .map_err(|cause| Error::io(format_args!("cannot empty {shown}"), cause))
    }

    fn refuse_longer(&self, length: u64, after: u64) -> Error {
        Error::user(format!(
            "{} has {length} bytes and the last checkpoint knows of {after}: something else has written to it; \
             cut it to {after} bytes, or move it away and start with a new state directory",
            self.target.path.display()
        ))
    }

    fn refuse_shorter(&self, length: u64, committed: u64) -> Error {
        Error::user(format!(
            "{} has {length} bytes, and {committed} were committed: it was truncated, moved or replaced; \
             put it back, or start with a new state directory",
            self.target.path.display()
        ))
    }

    /// Makes a record visible.
    ///
    /// * `resumed`: it may have been begun before; else the visible file must be as the record found it.
    fn append(&mut self, record: &Record, resumed: bool) -> Result<(), Error> {
        let visible = self.visible()?;
        let length = visible.unwrap_or(0);
        if length > record.after {
            return Err(self.refuse_longer(length, record.after));
        }
        if length < record.before {
            return Err(self.refuse_shorter(length, record.before));
        }
        let missing = record.parts.iter().find(|part| !self.target.beside(&part.name).exists());
        // Pending files go only after the visible file was synced at its whole length.
        if missing.is_some() && length < record.after {
            return Err(self.refuse_shorter(length, record.after));
        }
        if missing.is_none() {
            if length != record.before && !resumed {
                return Err(self.refuse_longer(length, record.before));
            }
            self.write(record, length)
                .map_err(|cause| Error::io(format_args!("cannot append to {}", self.target.path.display()), cause))?;
            if visible.is_none() || record.before == 0 && resumed {
                self.target.sync_directory()?;
            }
        }
        record.parts.iter().for_each(|part| self.remove(self.target.beside(&part.name)));
        (self.length, self.applied) = (record.after, record.epoch);
        Ok(())
    }

    /// Writes what the record adds, from the first byte that is not there yet, and syncs.
    fn write(&self, record: &Record, length: u64) -> io::Result<()> {
        if record.before == record.after && self.target.path.exists() {
            return Ok(());
        }
        let mut visible =
            File::options().read(true).write(true).create(true).truncate(false).open(&self.target.path)?;
        visible.seek(SeekFrom::Start(record.before))?;
        let mut there = (&mut visible).take(length - record.before);
        let mut planned: Box<dyn Read> = Box::new(Cursor::new(record.header.as_deref().unwrap_or_default()));
        if length > record.before {
            for part in &record.parts {
                planned = Box::new(planned.chain(self.open(part)?));
            }
        }
        let mut done = common_beginning(&mut there, &mut *planned)?;
        if record.before + done < length {
            visible.set_len(record.before + done)?;
        }
        visible.seek(SeekFrom::Start(record.before + done))?;
        let header = record.header.as_deref().unwrap_or_default().as_bytes();
        visible.write_all(&header[skip(&mut done, header.len() as u64) as usize..])?;
        for part in &record.parts {
            let mut file = self.open(part)?;
            let from = skip(&mut done, part.length);
            file.get_mut().seek(SeekFrom::Start(from))?;
            file.set_limit(part.length - from);
            // The kernel copies from file to file by itself.
            if io::copy(&mut file, &mut visible)? < part.length - from {
                let message = format!("{} is shorter than it was when it was prepared", part.name);
                return Err(io::Error::new(ErrorKind::InvalidInput, message));
            }
        }
        visible.sync_all()
    }

    fn open(&self, part: &Part) -> io::Result<io::Take<File>> {
        Ok(File::open(self.target.beside(&part.name))?.take(part.length))
    }

    /// Removes a pending file. One that stays is no harm: no record names it any more, and the next start tries again.
    fn remove(&self, path: PathBuf) {
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                tracing::warn!(file = %path.display(), %cause, "cannot remove a pending file; it can be deleted by hand");
            }
            _ => {}
        }
    }
}

/// Takes as much of `done` as `length` covers, and returns it.
fn skip(done: &mut u64, length: u64) -> u64 {
    let skipped = (*done).min(length);
    *done -= skipped;
    skipped
}

/// How many bytes are the same in both before they differ or one ends.
fn common_beginning(a: &mut dyn Read, b: &mut dyn Read) -> io::Result<u64> {
    let (mut left, mut right) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut same = 0;
    loop {
        let wanted = read_up_to(a, &mut left)?;
        let got = read_up_to(b, &mut right[..wanted])?;
        let equal = left[..got].iter().zip(&right[..got]).take_while(|(l, r)| l == r).count();
        same += equal as u64;
        if equal < left.len() {
            return Ok(same);
        }
    }
}

impl Committer for FileCommitter {
    fn recover(&mut self, records: &[Value], fresh: bool) -> Result<(), Error> {
        let records: Vec<Record> =
            records.iter().map(|record| from_value(&self.target.path, record)).collect::<Result<_, _>>()?;
        if records.is_empty() {
            self.begin(fresh)?;
            (self.length, self.applied) = (0, Epoch::ZERO);
        }
        for (index, record) in records.iter().enumerate() {
            let later = records.get(index + 1);
            if later.is_some() && self.visible()?.is_some_and(|length| length > record.after) {
                // Bytes of a later record stand behind it already, so it was applied and synced.
                continue;
            }
            self.append(record, true)?;
        }
        self.begun = None;
        self.target.pending()?.into_iter().for_each(|stale| self.remove(stale));
        Ok(())
    }

    fn plan(&mut self, epoch: Epoch, prepared: &[(usize, Value)]) -> Result<Value, Error> {
        if self.begun.is_some_and(|begun| begun > self.applied) {
            // Its bytes come first, so this epoch's place is not known yet.
            let shown = self.target.path.display();
            let message = format!("a committed epoch of {shown} is not written yet; the next one waits for it");
            return Err(Error::new(Fault::External, message));
        }
        let (mut header, mut parts) = (self.header.clone(), Vec::new());
        for (subtask, value) in prepared.iter().filter(|(_, value)| !value.is_null()) {
            let prepared: PreparedParts = from_value(&self.target.path, value)?;
            header = header.or(prepared.header);
            // A writer goes on naming a part until it hears of the commit.
            let new = prepared.parts.into_iter().filter(|part| part.epoch > self.applied);
            parts.extend(new.map(|part| (part.epoch, *subtask, part)));
        }
        parts.sort_by_key(|(epoch, subtask, _)| (*epoch, *subtask));
        let header = header.filter(|_| self.length == 0);
        let added = header.as_ref().map_or(0, |header| header.len() as u64)
            + parts.iter().map(|(_, _, part)| part.length).sum::<u64>();
        let parts = parts.into_iter().map(|(_, _, part)| part).collect();
        let (before, after) = (self.length, self.length + added);
        Ok(to_value(&Record { epoch, before, after, header, parts }))
    }

    fn apply(&mut self, record: &Value) -> Result<(), Error> {
        let record: Record = from_value(&self.target.path, record)?;
        let resumed = self.begun.replace(record.epoch) == Some(record.epoch);
        self.append(&record, resumed).map_err(Error::for_now)
    }

    /// The file must reach to the end of the last record, or to what follows from its pending parts.
    fn may_rewind(&mut self, records: &[Value]) -> Result<(), Error> {
        let record = records.last().map(|record| from_value::<Record>(&self.target.path, record)).transpose()?;
        let (length, after) = (self.visible()?.unwrap_or(0), record.map_or(0, |record| record.after));
        if length < after { Err(self.refuse_shorter(length, after)) } else { Ok(()) }
    }

    fn rewind(&mut self, records: &[Value]) -> Result<(), Error> {
        self.may_rewind(records)?;
        let record = records.last().map(|record| from_value::<Record>(&self.target.path, record)).transpose()?;
        let after = record.map_or(0, |record| record.after);
        if self.visible()?.unwrap_or(0) == after {
            return Ok(());
        }
        File::options()
            .write(true)
            .open(&self.target.path)
            .and_then(|file| file.set_len(after).and_then(|()| file.sync_all()))
            .map_err(|cause| Error::io(format_args!("cannot cut {}", self.target.path.display()), cause))
    }

    fn outputs(&self) -> Vec<PathBuf> {
        vec![self.target.path.clone()]
    }
}
