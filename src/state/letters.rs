//! The file in which a job keeps the records that its operators could not process.
//!
//! # Dead letters are output of their epoch
//! Those of an epoch are written before the job's manifest is, and only that commit makes them count: whoever reads asks for
//! those up to the manifest's epoch, and [`LetterFile::roll_back`] removes younger ones at a start. So each is in the file
//! once, whatever crashed. The same holds for the mark that a letter has been replayed.
//!
//! # Format
//! A redb database, `dead-letters.redb`, of three tables; it is made when the first letter comes. All numbers are little
//! endian.
//!
//! | table | row | holds |
//! |---|---|---|
//! | `meta` | name -> u64 | `format`; `job`, the job's random id |
//! | `letters` | (epoch, number) -> record | the letters of each epoch, numbered from 0 |
//! | `marks` | (epoch, number) -> (u64, text) | what has become of a letter, if anything: 0, it is to be replayed, `reopens` with windows that are gone opened once more; `u64::MAX`, it could not be, with the reason; else the epoch in which it was |
//!
//! A record:
//! ```text
//! byte  0   8  checksum: XXH3 (64 bits, seed 0) of all bytes that follow
//!       8   1  version of the record: 1
//!       9      the DeadLetter, as JSON
//! ```

use super::Error;
use super::guarded::{Guarded, Survives};
use crate::record::{DeadLetter, Epoch, LetterId};
use redb::{Durability, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// The newest format this version reads, and the one it writes.
const FORMAT: u64 = 1;
/// The version of a record.
const VERSION: u8 = 1;
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
const LETTERS: TableDefinition<(u64, u32), &[u8]> = TableDefinition::new("letters");
const MARKS: TableDefinition<(u64, u32), (u64, &str)> = TableDefinition::new("marks");
const CACHE: usize = 4 << 20;

/// The mark of a letter that is to be replayed.
const ASKED: u64 = 0;
/// The text of the mark of one for which windows that are gone are to open once more.
const REOPENS: &str = "reopens";
/// The mark of one that could not be.
const REFUSED: u64 = u64::MAX;

/// What has become of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LetterStatus {
    /// Nothing yet.
    Waiting,
    /// It is to be handed to its operator again, and the epoch in which that happens is not complete.
    Replaying,
    /// It was, in this epoch.
    Replayed(Epoch),
    /// It was to be, and could not, for this reason. It may be tried again.
    Refused(String),
}

impl fmt::Display for LetterStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LetterStatus::Waiting => f.write_str("waiting"),
            LetterStatus::Replaying => f.write_str("replaying"),
            LetterStatus::Replayed(epoch) => write!(f, "replayed in epoch {epoch}"),
            LetterStatus::Refused(reason) => write!(f, "not replayed: {reason}"),
        }
    }
}

/// A dead letter as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredLetter {
    /// Under which it is found.
    pub id: LetterId,
    /// What has become of it.
    pub status: LetterStatus,
    /// The letter.
    #[serde(flatten)]
    pub letter: DeadLetter,
}

/// The dead letters of a job, in a file. Its methods block.
///
/// ```
/// use millstream::record::{DeadLetter, Epoch, Remains};
/// use millstream::state::{LetterFile, Survives};
///
/// # let letter = DeadLetter {
/// #     operator: "parse".into(), entry: "parse".into(), subtask: 0, input: 0, position: "record 12".into(), time: None,
/// #     hash: None, cause: "no number".into(), record_type: "String".into(), remains: Remains::Json("x".into()),
/// # };
/// let dir = tempfile::tempdir()?;
/// let file = LetterFile::create(&dir.path().join("dead-letters.redb"), 7, Survives::PowerLoss)?;
/// let (last, epoch) = (Epoch::new(1, 4), Epoch::new(1, 5));
/// file.write(last, epoch, &[letter], &[])?;
/// assert_eq!(file.page(epoch, None, 10, |_| true)?[0].id.to_string(), "1.5-0");
/// // The checkpoint was never completed.
/// file.roll_back(last)?;
/// assert!(file.page(epoch, None, 10, |_| true)?.is_empty());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LetterFile {
    pub(super) file: Guarded,
}

fn key(id: LetterId) -> (u64, u32) {
    (id.epoch.as_u64(), id.number)
}

fn id((epoch, number): (u64, u32)) -> LetterId {
    LetterId { epoch: Epoch::from_u64(epoch), number }
}

/// The first row behind those of an epoch.
fn behind(epoch: Epoch) -> (u64, u32) {
    (epoch.as_u64().saturating_add(1), 0)
}

fn pack(letter: &DeadLetter) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    bytes.push(VERSION);
    serde_json::to_writer(&mut bytes, letter).expect("a letter is plain data with text for keys");
    let checksum = xxh3_64(&bytes[8..]);
    bytes[..8].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn unpack(id: LetterId, bytes: &[u8]) -> Result<DeadLetter, redb::Error> {
    let damaged = |found: String| redb::Error::Corrupted(format!("dead letter {id}: {found}"));
    let (checksum, rest) = bytes.split_first_chunk().ok_or_else(|| damaged("it is cut off".into()))?;
    if xxh3_64(rest).to_le_bytes() != *checksum {
        return Err(damaged("its checksum does not fit".into()));
    }
    match rest.split_first() {
        Some((&VERSION, json)) => serde_json::from_slice(json).map_err(|cause| damaged(cause.to_string())),
        other => Err(damaged(format!("it has version {:?}", other.map(|(version, _)| version)))),
    }
}

/// What has become of a letter, where `last` is the last committed epoch.
fn status(mark: Option<(u64, &str)>, last: Epoch) -> LetterStatus {
    match mark {
        None => LetterStatus::Waiting,
        Some((REFUSED, reason)) => LetterStatus::Refused(reason.to_owned()),
        Some((epoch, _)) if is_asked(epoch, last) => LetterStatus::Replaying,
        Some((epoch, _)) => LetterStatus::Replayed(Epoch::from_u64(epoch)),
    }
}

impl LetterFile {
    /// Makes a new, empty file. It is written under another name, with the extension `unborn`, and gets its own when it is
    /// whole.
    ///
    /// * `job`: the job's random id.
    ///
    /// # Errors
    /// What the disk says.
    pub fn create(path: &Path, job: u64, survives: Survives) -> Result<Self, Error> {
        let unborn = path.with_extension("unborn");
        match fs::remove_file(&unborn) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(Error::io(&unborn, "remove", cause)),
            _ => {}
        }
        let file = Guarded::create(&unborn, CACHE, survives)?;
        file.write(Durability::Immediate, |transaction| {
            let mut meta = transaction.open_table(META)?;
            meta.insert("format", FORMAT)?;
            meta.insert("job", job)?;
            transaction.open_table(LETTERS)?;
            transaction.open_table(MARKS)?;
            Ok(())
        })?;
        drop(file);
        fs::rename(&unborn, path).map_err(|cause| Error::io(path, "make", cause))?;
        let born = LetterFile { file: Guarded::open(path, CACHE, survives)? };
        born.file.sync_name()?;
        Ok(born)
    }

    /// Opens an existing file.
    ///
    /// # Errors
    /// [`Error::Foreign`] if it is another job's; [`Error::NewerFormat`]; [`Error::Corrupt`]; else what the disk says.
    pub fn open(path: &Path, job: u64, survives: Survives) -> Result<Self, Error> {
        let file = Guarded::open(path, CACHE, survives)?;
        let (format, found) = file.read(|transaction| {
            let meta = transaction.open_table(META)?;
            let number = |name: &str| {
                let row = meta.get(name)?.map(|row| row.value());
                row.ok_or_else(|| redb::Error::Corrupted(format!("`{name}` is missing in the table `meta`")))
            };
            Ok((number("format")?, number("job")?))
        })?;
        if format > FORMAT {
            let found = u32::try_from(format).unwrap_or(u32::MAX);
            return Err(Error::NewerFormat { path: path.to_owned(), found, known: FORMAT as u32 });
        }
        if found != job {
            let name = |id: u64| format!("the job with the id {id:x}");
            return Err(Error::Foreign { path: path.to_owned(), expected: name(job), found: name(found) });
        }
        Ok(LetterFile { file })
    }

    /// Writes what an epoch has brought, durably. What epochs behind `last` have left is removed first, so that it may be
    /// called again for the same or a later epoch when the job could not commit one.
    ///
    /// * `last`: the last committed epoch.
    /// * `replayed`: letters that were asked for and handed to their operators in this epoch.
    ///
    /// # Errors
    /// What the disk says; nothing of `epoch` counts then.
    pub fn write(&self, last: Epoch, epoch: Epoch, letters: &[DeadLetter], replayed: &[LetterId]) -> Result<(), Error> {
        self.file.write(Durability::Immediate, |transaction| {
            take_back(transaction, last)?;
            let mut rows = transaction.open_table(LETTERS)?;
            for (number, letter) in (0..).zip(letters) {
                rows.insert((epoch.as_u64(), number), pack(letter).as_slice())?;
            }
            let mut marks = transaction.open_table(MARKS)?;
            for letter in replayed {
                let asked = marks.get(key(*letter))?.filter(|mark| mark.value().0 == ASKED);
                if let Some(how) = asked.map(|mark| mark.value().1.to_owned()) {
                    marks.insert(key(*letter), (epoch.as_u64(), how.as_str()))?;
                }
            }
            Ok(())
        })
    }

    /// Removes the letters of epochs younger than `epoch`; those that such an epoch has replayed are to be replayed again.
    ///
    /// # Errors
    /// What the disk says.
    pub fn roll_back(&self, epoch: Epoch) -> Result<(), Error> {
        let is_younger = self.file.read(|transaction| {
            if transaction.open_table(LETTERS)?.range(behind(epoch)..)?.next().is_some() {
                return Ok(true);
            }
            for mark in transaction.open_table(MARKS)?.iter()? {
                if is_replayed_behind(mark?.1.value().0, epoch) {
                    return Ok(true);
                }
            }
            Ok(false)
        })?;
        if is_younger {
            self.file.write(Durability::Immediate, |transaction| take_back(transaction, epoch))?;
        }
        Ok(())
    }

    /// How many letters there are.
    ///
    /// # Errors
    /// What the disk says.
    pub fn len(&self) -> Result<u64, Error> {
        self.file.read(|transaction| Ok(transaction.open_table(LETTERS)?.len()?))
    }

    /// Whether there is none.
    ///
    /// # Errors
    /// What the disk says.
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len()? == 0)
    }

    /// The first `limit` letters that `keep` wants, in the order of their ids.
    ///
    /// * `last`: the last committed epoch; letters behind it do not count.
    /// * `after`: begins behind this one.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if one is damaged; else what the disk says.
    pub fn page(
        &self,
        last: Epoch,
        after: Option<LetterId>,
        limit: usize,
        keep: impl Fn(&StoredLetter) -> bool,
    ) -> Result<Vec<StoredLetter>, Error> {
        let first = after.map_or((0, 0), |LetterId { epoch, number }| match number.checked_add(1) {
            Some(next) => (epoch.as_u64(), next),
            None => behind(epoch),
        });
        if limit == 0 || first >= behind(last) {
            return Ok(Vec::new());
        }
        self.file.read(|transaction| {
            let (letters, marks) = (transaction.open_table(LETTERS)?, transaction.open_table(MARKS)?);
            let mut page = Vec::new();
            for row in letters.range(first..behind(last))? {
                let (number, bytes) = row?;
                let id = id(number.value());
                let mark = marks.get(number.value())?;
                let status = status(mark.as_ref().map(|mark| mark.value()), last);
                let stored = StoredLetter { id, status, letter: unpack(id, bytes.value())? };
                if keep(&stored) {
                    page.push(stored);
                    if page.len() >= limit {
                        break;
                    }
                }
            }
            Ok(page)
        })
    }

    /// One letter, if it is there and not behind the last committed epoch.
    ///
    /// # Errors
    /// As [`page`](Self::page).
    pub fn get(&self, last: Epoch, wanted: LetterId) -> Result<Option<StoredLetter>, Error> {
        if wanted.epoch > last {
            return Ok(None);
        }
        self.file.read(|transaction| {
            let Some(bytes) = transaction.open_table(LETTERS)?.get(key(wanted))? else { return Ok(None) };
            let mark = transaction.open_table(MARKS)?.get(key(wanted))?;
            let status = status(mark.as_ref().map(|mark| mark.value()), last);
            Ok(Some(StoredLetter { id: wanted, status, letter: unpack(wanted, bytes.value())? }))
        })
    }

    /// The letters that are to be replayed, in the order of their ids, and whether windows that are gone are to open once
    /// more for them.
    ///
    /// * `last`: the last committed epoch.
    ///
    /// # Errors
    /// What the disk says.
    pub fn asked(&self, last: Epoch) -> Result<Vec<(LetterId, bool)>, Error> {
        self.file.read(|transaction| {
            let mut asked = Vec::new();
            for row in transaction.open_table(MARKS)?.iter()? {
                let (number, mark) = row?;
                let counts = id(number.value()).epoch <= last && is_asked(mark.value().0, last);
                asked.extend(counts.then(|| (id(number.value()), mark.value().1 == REOPENS)));
            }
            Ok(asked)
        })
    }

    /// Notes durably that letters are to be replayed: all of them or none.
    ///
    /// * `reopens`: windows that are gone are to open once more for them.
    ///
    /// # Errors
    /// What the disk says.
    pub fn ask(&self, ids: &[LetterId], reopens: bool) -> Result<(), Error> {
        self.mark(ids, (ASKED, if reopens { REOPENS } else { "" }))
    }

    /// Notes durably that letters cannot be replayed.
    ///
    /// # Errors
    /// What the disk says.
    pub fn refuse(&self, ids: &[LetterId], reason: &str) -> Result<(), Error> {
        self.mark(ids, (REFUSED, reason))
    }

    fn mark(&self, ids: &[LetterId], mark: (u64, &str)) -> Result<(), Error> {
        self.file.write(Durability::Immediate, |transaction| {
            let mut marks = transaction.open_table(MARKS)?;
            ids.iter().try_for_each(|id| marks.insert(key(*id), mark).map(drop))?;
            Ok(())
        })
    }

    /// Removes letters for good.
    ///
    /// # Errors
    /// What the disk says.
    pub fn remove(&self, ids: &[LetterId]) -> Result<(), Error> {
        self.file.write(Durability::Immediate, |transaction| {
            let mut letters = transaction.open_table(LETTERS)?;
            let mut marks = transaction.open_table(MARKS)?;
            for id in ids {
                letters.remove(key(*id))?;
                marks.remove(key(*id))?;
            }
            Ok(())
        })
    }
}

/// Whether a mark says that its letter was replayed in an epoch behind `last`, which does not count.
fn is_replayed_behind(mark: u64, last: Epoch) -> bool {
    mark != REFUSED && mark > last.as_u64()
}

/// Whether a mark says that its letter is to be replayed.
fn is_asked(mark: u64, last: Epoch) -> bool {
    mark == ASKED || is_replayed_behind(mark, last)
}

/// Removes what epochs behind `last` have left.
fn take_back(transaction: &WriteTransaction, last: Epoch) -> Result<(), redb::Error> {
    transaction.open_table(LETTERS)?.retain_in(behind(last).., |_, _| false)?;
    let mut marks = transaction.open_table(MARKS)?;
    marks.retain_in(behind(last).., |_, _| false)?;
    let mut again = Vec::new();
    for row in marks.iter()? {
        let (number, mark) = row?;
        let (mark, how) = mark.value();
        again.extend(is_replayed_behind(mark, last).then(|| (number.value(), how.to_owned())));
    }
    for (number, how) in again {
        marks.insert(number, (ASKED, how.as_str()))?;
    }
    Ok(())
}

#[cfg(test)]
impl LetterFile {
    /// Changes a byte of a letter.
    pub(super) fn damage(&self, id: LetterId) {
        let damage = |transaction: &WriteTransaction| {
            let mut letters = transaction.open_table(LETTERS)?;
            let mut bytes = letters.get(key(id))?.map(|row| row.value().to_vec()).unwrap_or_default();
            bytes[20] ^= 1;
            letters.insert(key(id), bytes.as_slice())?;
            Ok(())
        };
        self.file.write(Durability::Immediate, damage).expect("the disk is whole");
    }
}
