//! One subtask's file: what tables it has, whose it is, and how it goes back to an epoch. The format is drawn in
//! [the room's doc](super).

use super::arena::Arena;
use super::chunk::Chunk;
use super::guarded::{Guarded, Opening, guard};
use super::layers::{Row, Run};
use super::schema::Schema;
use super::versions::drop_replaced;
use super::{Error, Identity, StoreOptions};
use crate::record::Epoch;
use redb::{Durability, ReadOnlyTable, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The newest file format this version reads, and the one it writes.
pub(super) const FORMAT: u32 = 1;
pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
pub(super) const DELTA: TableDefinition<(u64, u32), &[u8]> = TableDefinition::new("delta");
pub(super) const BASE: TableDefinition<&[u8], &[u8]> = TableDefinition::new("base");

/// A file of up to this size is left as it is.
const MOST_FREE: u64 = 4 << 20;
/// A file that holds more than this is not made smaller, since all wait for it: the room will be used again.
const MOST_MOVED: u64 = 64 << 20;

/// A state's entry in the file's list of states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StateName {
    /// The byte that stands for it in keys.
    pub(super) id: u8,
    pub(super) name: String,
    /// Its types, as text.
    pub(super) signature: String,
    /// Its types, by their shapes. Missing in files of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) types: Option<Types>,
    /// The first epoch at which it is stored under this number, if it was stored under another before.
    #[serde(default)]
    pub(super) since: u64,
}

/// A state's types, by their shapes, as far as those are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Types {
    /// Value, list, map, ..
    pub(super) kind: String,
    pub(super) key: Option<Schema>,
    /// Of a map, the keys within.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) map_key: Option<Schema>,
    pub(super) value: Option<Schema>,
}

impl Types {
    /// Whether they can be compared with others.
    pub(super) fn is_complete(&self) -> bool {
        self.key.is_some() && self.value.is_some() && (self.map_key.is_some() || !self.kind.starts_with("map"))
    }
}

/// What a file tells when it is opened.
pub(super) struct Found {
    pub(super) states: Vec<StateName>,
    /// The delta's runs, oldest first.
    pub(super) runs: Vec<Arc<Run>>,
    pub(super) base_bytes: u64,
    /// The epoch of the last flush.
    pub(super) newest: Epoch,
    /// All epochs up to this one are in the base.
    pub(super) folded: Epoch,
}

impl Found {
    /// Refuses a file that lacks what is known to have been written to it: an older copy, or one whose last transaction is
    /// damaged, so that the database has gone back to the one before.
    pub(super) fn check_written(&self, path: &Path, written: Epoch) -> Result<(), Error> {
        if self.newest >= written {
            return Ok(());
        }
        Err(Error::Stale { path: path.to_owned(), newest: self.newest, written })
    }
}

/// One subtask's file. Shared by the store and its background jobs.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) file: Guarded,
    /// What failed flushes leave for the next one.
    carried: Mutex<Vec<Arena>>,
}

/// The file as it was at one moment.
pub(super) struct View {
    pub(super) delta: ReadOnlyTable<(u64, u32), &'static [u8]>,
    pub(super) base: ReadOnlyTable<&'static [u8], &'static [u8]>,
    /// The opening it belongs to.
    pub(super) opening: Opening,
}

/// The database's own cache: a small part of the store's, since the store keeps what is hot itself.
fn cache_size(memory: usize) -> usize {
    (memory / 16).clamp(1 << 20, 64 << 20)
}

/// A `u64` in the meta table.
pub(super) fn put_number(meta: &mut redb::Table<'_, &str, &[u8]>, name: &str, number: u64) -> Result<(), redb::Error> {
    meta.insert(name, number.to_le_bytes().as_slice())?;
    Ok(())
}

fn number<const N: usize>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<u64, redb::Error> {
    let row = meta.get(name)?;
    let bytes = row.as_ref().and_then(|row| <[u8; N]>::try_from(row.value()).ok());
    let Some(bytes) = bytes else {
        return Err(redb::Error::Corrupted(format!("`{name}` is missing in the table `meta`")));
    };
    Ok(bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
}

fn json<T: for<'de> Deserialize<'de>>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<T, redb::Error> {
    let row = meta.get(name)?;
    let bytes = row.as_ref().map_or(&[] as &[u8], |row| row.value());
    serde_json::from_slice(bytes).map_err(|e| redb::Error::Corrupted(format!("`{name}` in the table `meta`: {e}")))
}

/// The states that there are at an epoch.
fn states_at(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    epoch: Epoch,
) -> Result<Vec<StateName>, redb::Error> {
    let mut states: Vec<StateName> = json(meta, "states")?;
    states.retain(|state| state.since <= epoch.as_u64());
    Ok(states)
}

/// Checks a row's bytes.
pub(super) fn check(bytes: &[u8]) -> Result<Chunk<'_>, redb::Error> {
    Chunk::check(bytes).map_err(redb::Error::Corrupted)
}

impl Disk {
    /// Makes a new, empty file that is complete up to `folded`.
    pub(super) fn create(
        path: &Path,
        identity: &Identity,
        states: &[StateName],
        options: &StoreOptions,
    ) -> Result<Self, Error> {
        let file = Guarded::create(path, cache_size(options.memory), options.survives)?;
        let identity = serde_json::to_vec(identity).expect("an identity is plain data");
        file.write(Durability::Immediate, |transaction| {
            let mut meta = transaction.open_table(META)?;
            meta.insert("format", FORMAT.to_le_bytes().as_slice())?;
            meta.insert("identity", identity.as_slice())?;
            put_number(&mut meta, "newest", 0)?;
            put_number(&mut meta, "folded", 0)?;
            put_number(&mut meta, "base", 0)?;
            meta.insert("states", encode_states(states).as_slice())?;
            transaction.open_table(DELTA)?;
            transaction.open_table(BASE)?;
            Ok(())
        })?;
        Ok(Disk { file, carried: Mutex::default() })
    }

    /// Opens an existing file and checks whose it is. Nothing is written.
    pub(super) fn open(path: &Path, identity: &Identity, options: &StoreOptions) -> Result<Self, Error> {
        Disk::of(Guarded::open(path, cache_size(options.memory), options.survives)?, identity)
    }

    /// As [`open`](Self::open), to look at: the file is never changed.
    pub(super) fn look(path: &Path, identity: &Identity) -> Result<Self, Error> {
        Disk::of(Guarded::look(path, cache_size(0))?, identity)
    }

    fn of(file: Guarded, identity: &Identity) -> Result<Self, Error> {
        let path = file.path();
        let (format, found) = file.read(|transaction| {
            let meta = transaction.open_table(META)?;
            let format = number::<4>(&meta, "format")? as u32;
            // The rest of a newer format may look different.
            Ok((format, if format > FORMAT { None } else { Some(json::<Identity>(&meta, "identity")?) }))
        })?;
        match found {
            None => Err(Error::NewerFormat { path: path.to_owned(), found: format, known: FORMAT }),
            Some(found) if found != *identity => {
                Err(Error::Foreign { path: path.to_owned(), expected: identity.to_string(), found: found.to_string() })
            }
            Some(_) => Ok(Disk { file, carried: Mutex::default() }),
        }
    }

    /// Reads what the file holds at `epoch`; younger epochs are ignored.
    pub(super) fn survey(&self, epoch: Epoch) -> Result<Found, Error> {
        let found = self.file.read(|transaction| {
            let meta = transaction.open_table(META)?;
            let mut rows = Vec::new();
            for row in transaction.open_table(DELTA)?.range(..=(epoch.as_u64(), u32::MAX))? {
                let (number, bytes) = row?;
                let chunk = check(bytes.value())?;
                rows.push(Row {
                    number: number.value(),
                    first: chunk.entry(0).key.into(),
                    last: chunk.entry(chunk.len() - 1).key.into(),
                    bytes: bytes.value().len() as u64,
                });
            }
            let folded = number::<8>(&meta, "folded")?;
            let mut states = states_at(&meta, epoch)?;
            drop_replaced(&mut states, folded);
            Ok(Found {
                states,
                runs: Run::split(rows),
                base_bytes: number::<8>(&meta, "base")?,
                newest: Epoch::from_u64(number::<8>(&meta, "newest")?),
                folded: Epoch::from_u64(folded),
            })
        })?;
        if found.folded > epoch {
            return Err(Error::Folded { path: self.file.path().to_owned(), epoch, folded: found.folded });
        }
        Ok(found)
    }

    /// How many bytes the base has.
    pub(super) fn base_bytes(&self) -> Result<u64, Error> {
        self.file.read(|transaction| number::<8>(&transaction.open_table(META)?, "base"))
    }

    /// Makes a file small again that is nearly empty. `stored`: about how many bytes it holds.
    pub(super) fn shrink(&self, stored: u64) -> Result<(), Error> {
        let length = std::fs::metadata(self.file.path()).map_or(0, |file| file.len());
        if stored <= MOST_MOVED && length > MOST_FREE.max(4 * stored) { self.file.compact() } else { Ok(()) }
    }

    /// Deletes what epochs younger than `epoch` changed.
    pub(super) fn roll_back(&self, epoch: Epoch) -> Result<(), Error> {
        let at = epoch;
        let epoch = epoch.as_u64();
        let younger = (epoch.saturating_add(1), 0);
        let is_younger = self.file.read(|transaction| {
            let any = transaction.open_table(DELTA)?.range(younger..)?.next().is_some();
            Ok(any || number::<8>(&transaction.open_table(META)?, "newest")? > epoch)
        })?;
        if is_younger {
            self.file.write(Durability::Immediate, |transaction| {
                let mut meta = transaction.open_table(META)?;
                put_number(&mut meta, "newest", epoch)?;
                // With the entries of states that were converted since go their names: a number stands for entries.
                let states = encode_states(&states_at(&meta, at)?);
                meta.insert("states", states.as_slice())?;
                Ok(transaction.open_table(DELTA)?.retain_in(younger.., |_, _| false)?)
            })?;
        }
        Ok(())
    }

    /// The file as it is now.
    pub(super) fn view(&self) -> Result<View, Error> {
        self.file.read_in(|transaction, opening| {
            Ok(View { delta: transaction.open_table(DELTA)?, base: transaction.open_table(BASE)?, opening })
        })
    }

    /// Runs `op`, which reads from this view, and names the file in its errors. After one the view is of no more use.
    pub(super) fn guard<R>(&self, view: &View, op: impl FnOnce() -> Result<R, redb::Error>) -> Result<R, Error> {
        guard(self.file.path(), "read", op).inspect_err(|_| self.file.close(view.opening))
    }

    /// What failed flushes left.
    pub(super) fn carried(&self) -> MutexGuard<'_, Vec<Arena>> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The list of states as it is stored.
pub(super) fn encode_states(states: &[StateName]) -> Vec<u8> {
    serde_json::to_vec(states).expect("a list of states is plain data")
}

/// Notes what a flush brings: its epoch, and the list of states if that has grown.
pub(super) fn write_meta(transaction: &WriteTransaction, epoch: Epoch, states: &[u8]) -> Result<(), redb::Error> {
    let mut meta = transaction.open_table(META)?;
    put_number(&mut meta, "newest", epoch.as_u64())?;
    if meta.get("states")?.is_none_or(|row| row.value() != states) {
        meta.insert("states", states)?;
    }
    Ok(())
}
