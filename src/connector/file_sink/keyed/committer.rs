//! Replaces the visible file by the next one.

use super::merge::{Changes, Print, merge, print};
use super::{KeyOf, LineChange};
use crate::connector::file_sink::part::{Part, PreparedParts, Target, from_value, to_value};
use crate::connector::{Committer, Error};
use crate::fault::Fault;
use crate::record::Epoch;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// What becomes visible with an epoch.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    epoch: Epoch,
    /// The name of the file that takes the visible one's place; `None` if nothing changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// What the visible file holds before and after.
    before: Print,
    after: Print,
    /// The pending files whose changes are in it.
    parts: Vec<String>,
}

/// Merges what was prepared into the visible file.
pub(super) struct KeyedCommitter<K> {
    target: Target,
    header: Option<String>,
    key: KeyOf<K>,
    /// The common beginning of the names of the files it makes.
    prefix: String,
    /// The number of the next one.
    number: u64,
    /// The file of a plan that was perhaps not committed.
    planned: Option<PathBuf>,
    /// What the visible file holds.
    visible: Print,
    /// The epoch up to which changes are visible.
    applied: Epoch,
    /// The epoch that this committer has begun to apply.
    begun: Option<Epoch>,
}

impl<K: Ord> KeyedCommitter<K> {
    pub(super) fn new(target: Target, header: Option<String>, key: KeyOf<K>) -> Self {
        let prefix = target.writer_prefix("table", 0);
        let (visible, applied) = (Print::default(), Epoch::ZERO);
        KeyedCommitter { target, header, key, prefix, number: 0, planned: None, visible, applied, begun: None }
    }

    fn shown(&self) -> std::path::Display<'_> {
        self.target.path.display()
    }

    /// What the visible file holds.
    fn look(&self) -> Result<Print, Error> {
        let found = open(&self.target.path).and_then(print);
        found.map_err(|cause| Error::io(format_args!("cannot read {}", self.shown()), cause))
    }

    fn refuse_changed(&self, what: &str) -> Error {
        Error::user(format!(
            "{} is not what the last checkpoint has made of it ({what}): something else has written to it; put it back, or \
             move it away and start with a new state directory",
            self.shown()
        ))
    }

    /// No checkpoint yet: the visible file must be empty, or is emptied.
    fn begin(&self, fresh: bool) -> Result<(), Error> {
        if self.look()? == Print::default() {
            return Ok(());
        }
        if !fresh {
            let message = format!(
                "{} exists and was not written by this job; move it away, or start fresh (--fresh) to replace it",
                self.shown()
            );
            return Err(Error::user(message));
        }
        File::options()
            .write(true)
            .truncate(true)
            .open(&self.target.path)
            .and_then(|file| file.sync_all())
            .map_err(|cause| Error::io(format_args!("cannot empty {}", self.shown()), cause))
    }

    /// What has changed since the visible file was made.
    fn changes(&self, parts: &[Part]) -> Result<Changes<K>, Error> {
        let mut changes = Changes::new();
        for part in parts {
            let path = self.target.beside(&part.name);
            let unreadable = |cause| Error::io(format_args!("cannot read {}", path.display()), cause);
            let file = File::open(&path).map_err(unreadable)?;
            for line in BufReader::new(file.take(part.length)).lines() {
                let line = line.map_err(unreadable)?;
                let change = match line.split_at_checked(1) {
                    Some(("+", line)) => LineChange::Put(line.to_owned()),
                    Some(("-", line)) => LineChange::Remove(line.to_owned()),
                    _ => return Err(unreadable(ErrorKind::InvalidData.into())),
                };
                let (LineChange::Put(text) | LineChange::Remove(text)) = &change;
                let Some(key) = (self.key)(text) else {
                    return Err(Error::user(format!("a line for {} has no key: {text}", self.shown())));
                };
                let put = if let LineChange::Put(line) = change { Some(line) } else { None };
                changes.insert(key, put);
            }
        }
        Ok(changes)
    }

    /// Writes the file that is to take the place of the visible one, durably.
    fn write(&mut self, changes: Changes<K>) -> Result<(String, Print), Error> {
        let name = format!("{}{}.pending", self.prefix, self.number);
        self.number += 1;
        let path = self.target.beside(&name);
        self.planned = Some(path.clone());
        let written = open(&self.target.path).and_then(|old| {
            let mut out = BufWriter::new(File::options().write(true).create_new(true).open(&path)?);
            let prints = merge(old, changes, (self.header.as_deref(), &self.key), &mut out)?;
            out.into_inner().map_err(|error| error.into_error())?.sync_all()?;
            Ok(prints)
        });
        let (before, after) = written.map_err(|cause| match cause.kind() {
            ErrorKind::InvalidData => self.refuse_changed(&cause.to_string()),
            _ => Error::io(format_args!("cannot make {}, the next {}", path.display(), self.shown()), cause),
        })?;
        if before != self.visible {
            return Err(self.refuse_changed(&difference(before, self.visible)));
        }
        self.target.sync_directory()?;
        Ok((name, after))
    }

    /// Makes a record visible.
    fn replace(&mut self, record: &Record) -> Result<(), Error> {
        if let Some(next) = &record.next {
            let next = self.target.beside(next);
            if next.exists() {
                let renamed = fs::rename(&next, &self.target.path);
                renamed.map_err(|cause| Error::io(format_args!("cannot replace {}", self.shown()), cause))?;
            } else if self.look()? != record.after {
                return Err(self.refuse_changed("its next state is gone, too"));
            }
            self.target.sync_directory()?;
        }
        self.planned = None;
        record.parts.iter().for_each(|part| remove(&self.target.beside(part)));
        (self.visible, self.applied) = (record.after, record.epoch);
        Ok(())
    }

    fn records(&self, records: &[Value]) -> Result<Vec<Record>, Error> {
        records.iter().map(|record| from_value(&self.target.path, record)).collect()
    }
}

/// A file, or nothing if there is none.
fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    match File::open(path) {
        Ok(file) => Ok(Box::new(BufReader::new(file))),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Box::new(io::empty())),
        Err(cause) => Err(cause),
    }
}

fn difference(found: Print, known: Print) -> String {
    if found.length == known.length {
        "other text of the same length".to_owned()
    } else {
        format!("{} bytes instead of {}", found.length, known.length)
    }
}

/// Removes a hidden file. One that stays is no harm: no record names it any more, and the next start tries again.
fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => {
            tracing::warn!(file = %path.display(), %cause, "cannot remove a pending file; it can be deleted by hand");
        }
        _ => {}
    }
}

impl<K: Ord> Committer for KeyedCommitter<K> {
    fn recover(&mut self, records: &[Value], fresh: bool) -> Result<(), Error> {
        let records = self.records(records)?;
        if records.is_empty() {
            self.begin(fresh)?;
            (self.visible, self.applied) = (Print::default(), Epoch::ZERO);
        }
        for record in &records {
            let is_there = record.next.as_ref().is_some_and(|next| self.target.beside(next).exists());
            if is_there {
                let found = self.look()?;
                if found != record.before {
                    return Err(self.refuse_changed(&difference(found, record.before)));
                }
                self.replace(record)?;
            }
        }
        if let Some(record) = records.last() {
            let found = self.look()?;
            if found != record.after {
                return Err(self.refuse_changed(&difference(found, record.after)));
            }
            (self.visible, self.applied) = (record.after, record.epoch);
        }
        (self.begun, self.planned) = (None, None);
        self.target.pending()?.iter().for_each(|stale| remove(stale));
        Ok(())
    }

    fn plan(&mut self, epoch: Epoch, prepared: &[(usize, Value)]) -> Result<Value, Error> {
        if self.begun.is_some_and(|begun| begun > self.applied) {
            // The next state is made of that one.
            let message =
                format!("a committed epoch of {} is not written yet; the next one waits for it", self.shown());
            return Err(Error::new(Fault::External, message));
        }
        if let Some(failed) = self.planned.take() {
            remove(&failed);
        }
        let mut parts = Vec::new();
        for (subtask, value) in prepared.iter().filter(|(_, value)| !value.is_null()) {
            let prepared: PreparedParts = from_value(&self.target.path, value)?;
            // A writer goes on naming a part until it hears of the commit.
            let new = prepared.parts.into_iter().filter(|part| part.epoch > self.applied);
            parts.extend(new.map(|part| (part.epoch, *subtask, part)));
        }
        // Of one writer in the order in which it made them.
        parts.sort_by_key(|(epoch, subtask, _)| (*epoch, *subtask));
        let parts: Vec<Part> = parts.into_iter().map(|(_, _, part)| part).collect();
        let changes = self.changes(&parts)?;
        let is_new = self.visible.length == 0 && (self.header.is_some() || !self.target.path.exists());
        let (next, after) = if changes.is_empty() && !is_new {
            (None, self.visible)
        } else {
            let (next, after) = self.write(changes)?;
            (Some(next), after)
        };
        let parts = parts.into_iter().map(|part| part.name).collect();
        Ok(to_value(&Record { epoch, next, before: self.visible, after, parts }))
    }

    fn apply(&mut self, record: &Value) -> Result<(), Error> {
        let record: Record = from_value(&self.target.path, record)?;
        self.begun = Some(record.epoch);
        self.replace(&record).map_err(Error::for_now)
    }

    /// Only as far as nothing has changed since: what the file was before is not kept.
    fn may_rewind(&mut self, records: &[Value]) -> Result<(), Error> {
        let after = self.records(records)?.last().map_or_else(Print::default, |record| record.after);
        if self.look()? == after {
            return Ok(());
        }
        let message = format!(
            "{} holds what a later checkpoint has made of it, and what it was before is not kept; start anew with a new \
             state directory and another file",
            self.shown()
        );
        Err(Error::user(message))
    }

    fn outputs(&self) -> Vec<PathBuf> {
        vec![self.target.path.clone()]
    }
}
