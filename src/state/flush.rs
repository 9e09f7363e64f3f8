//! What is handed off at a barrier, on its way into the file.

use super::Error;
use super::arena::{Arena, pack};
use super::chunk::Packed;
use super::disk::{DELTA, Disk, write_meta};
use super::layers::{Row, Run};
use crate::bug::{self, Bug};
use crate::record::Epoch;
use redb::{Durability, ReadableTable as _, WriteTransaction};
use std::fmt;
use std::sync::Arc;

/// All that one hand-off froze. [`run`](Flush::run) makes it durable, off the actor's thread.
///
/// The flushes of one store must run one after the other, in the order in which they were handed off, and each outcome
/// must be told to [`Store::flushed`](super::Store::flushed), in the same order. What a failed flush held goes out with the
/// next one that runs, even if that was handed off before the failure was known: so an epoch is in the file only when
/// everything before it is.
#[must_use = "its entries are lost if it is not run"]
pub struct Flush {
    pub(super) disk: Arc<Disk>,
    pub(super) number: u32,
    pub(super) epoch: Epoch,
    pub(super) arena: Arena,
    /// The list of states, as stored.
    pub(super) states: Vec<u8>,
    /// Why the store's entries can no longer be written.
    pub(super) broken: Option<Error>,
}

/// How a flush went.
#[derive(Debug)]
#[must_use = "the store must be told"]
pub struct FlushOutcome {
    pub(super) number: u32,
    pub(super) run: Result<Option<Arc<Run>>, Error>,
    epoch: Epoch,
}

impl fmt::Debug for Flush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flush").field("epoch", &self.epoch).field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

impl Flush {
    /// The epoch under which it is stored.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// About how many bytes it will write.
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    /// Writes and syncs the file: one transaction. Blocks for as long as the disk takes.
    pub fn run(self) -> FlushOutcome {
        let Flush { disk, number, epoch, arena, states, broken } = self;
        let mut arenas = std::mem::take(&mut *disk.carried());
        arenas.push(arena);
        let run = match broken {
            Some(error) => Err(error),
            None => store(&disk, epoch, &pack(&arenas), &states),
        };
        if run.is_err() && !bug::is(Bug::DropFrozen) {
            *disk.carried() = arenas;
        }
        FlushOutcome { number, run, epoch }
    }
}

impl FlushOutcome {
    /// The epoch that is durable now, or why it is not. A failed flush loses nothing: what it held goes out with the next.
    ///
    /// # Errors
    /// What the disk said.
    pub fn result(&self) -> Result<Epoch, &Error> {
        self.run.as_ref().map(|_| self.epoch)
    }
}

/// Writes chunks as a new run of `epoch`.
pub(super) fn store(disk: &Disk, epoch: Epoch, chunks: &[Packed], states: &[u8]) -> Result<Option<Arc<Run>>, Error> {
    let mut attempted = Vec::new();
    let written = disk.file.write(Durability::Immediate, |transaction| {
        write_meta(transaction, epoch, states)?;
        attempted = append(transaction, epoch, chunks)?;
        Ok(())
    });
    if let Err(error) = written {
        // Neither yes nor no: the file tells.
        let is_there = !attempted.is_empty() && holds(disk, &attempted, chunks).unwrap_or(false);
        if !is_there {
            return Err(error);
        }
    }
    Ok((!attempted.is_empty()).then(|| Arc::new(Run { rows: attempted })))
}

/// Puts chunks behind those that the epoch has.
pub(super) fn append(transaction: &WriteTransaction, epoch: Epoch, chunks: &[Packed]) -> Result<Vec<Row>, redb::Error> {
    let epoch = epoch.as_u64();
    let mut delta = transaction.open_table(DELTA)?;
    let last = delta.range((epoch, 0)..=(epoch, u32::MAX))?.next_back().transpose()?.map(|(row, _)| row.value().1);
    let mut rows = Vec::with_capacity(chunks.len());
    for (chunk, number) in chunks.iter().zip(last.map_or(0, |last| last + 1)..) {
        delta.insert((epoch, number), chunk.bytes.as_slice())?;
        rows.push(Row {
            number: (epoch, number),
            first: chunk.first.clone(),
            last: chunk.last.clone(),
            bytes: chunk.bytes.len() as u64,
        });
    }
    Ok(rows)
}

/// Whether the file holds the last of these rows; a transaction is in it as a whole.
fn holds(disk: &Disk, rows: &[Row], chunks: &[Packed]) -> Result<bool, Error> {
    disk.file.read(|transaction| {
        let delta = transaction.open_table(DELTA)?;
        let (Some(row), Some(chunk)) = (rows.last(), chunks.last()) else { return Ok(false) };
        Ok(delta.get(row.number)?.is_some_and(|bytes| bytes.value() == chunk.bytes))
    })
}
