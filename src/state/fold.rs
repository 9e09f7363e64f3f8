//! Folding: merging deltas that nobody will go back behind, so that reads meet few runs and the file does not grow.
//!
//! # What is folded, and when
//! Each flush adds a run to the delta. Runs of freed epochs are merged like the digits of a counter: the youngest ones, and
//! older ones as long as those are at most twice as large as what has been gathered. An entry is then moved about once for
//! each doubling of what lies above it. The base counts as the oldest run: it takes part when what is gathered is at least
//! half its size, or it is small. Until then the gathered runs become one run of the delta.
//!
//! # Why a crash in the middle is harmless
//! A fold goes in pieces, so that a flush waits for one piece only. Only the last one is synced. An error, be it a flush's,
//! closes the database and may undo the pieces so far; so all of them must succeed without the database being opened anew.
//! * Into the base: a piece replaces whole chunks of the base by their merge with the delta's entries. The delta stays
//!   until the last piece; reading it over a base that has some of it already gives the same.
//! * Into the delta: the new chunks are put behind those of the youngest epoch that takes part, so they hide what they were
//!   merged from and say the same. The last piece deletes the old chunks.
//!
//! # What is over
//! Entries whose time to live has run out at the freed epoch are dropped on the way into the base, and become tombstones on
//! the way into the delta, where older versions of them may lie below.

use super::Error;
use super::chunk::{Entry, Packed, Packer, TARGET};
use super::disk::{BASE, DELTA, Disk, META, View, check, put_number};
use super::flush::append;
use super::layers::{Merge, Row, Run};
use super::sweep::{Cleaned, Cleaning, Sweep};
use super::ttl::{Expiry, is_over};
use crate::record::Epoch;
use redb::{Durability, ReadOnlyTable, ReadableTable as _};
use std::fmt;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

/// How many bytes of chunks one piece writes.
const PIECE: u64 = 2 << 20;
/// Freed runs are left alone up to this number,
const FEW_RUNS: usize = 8;
/// and up to this many bytes, or half of the base's.
const FEW_BYTES: u64 = 4 << 20;

/// Background work that merges freed deltas. At most one fold of a store may run at a time; it may run beside flushes. Its
/// outcome must be told to [`Store::folded`](super::Store::folded).
#[must_use = "it must be run, and the store told"]
pub struct Fold {
    disk: Arc<Disk>,
    /// Oldest first; neighbours.
    runs: Vec<Arc<Run>>,
    task: Task,
    base_bytes: u64,
    /// What is over.
    expiry: Vec<Expiry>,
}

/// What a fold does.
#[derive(Clone, Debug)]
enum Task {
    /// Merges the runs into the base; `true`: for a round of cleaning.
    IntoBase(bool),
    /// Makes one run of them.
    IntoRun,
    /// Looks through a part of the base for what is over.
    Sweep(Sweep),
}

/// How a fold went.
#[derive(Debug)]
#[must_use = "the store must be told"]
pub struct FoldOutcome {
    pub(super) done: Result<Folded, Error>,
}

/// What a fold changed.
#[derive(Debug)]
pub(super) struct Folded {
    /// The runs that are no more.
    pub(super) gone: Vec<Arc<Run>>,
    /// The run that holds what they held, unless it went into the base.
    pub(super) run: Option<Arc<Run>>,
    pub(super) base_bytes: u64,
    /// How far it brought the cleaning.
    pub(super) cleaned: Cleaned,
}

impl fmt::Debug for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: u64 = self.runs.iter().map(|run| run.bytes()).sum();
        f.debug_struct("Fold").field("bytes", &bytes).field("task", &self.task).finish_non_exhaustive()
    }
}

impl FoldOutcome {
    /// Whether it worked. A failed fold loses nothing and is tried again.
    ///
    /// # Errors
    /// What the disk said.
    pub fn result(&self) -> Result<(), &Error> {
        self.done.as_ref().map(|_| ())
    }
}

/// What of the freed runs (oldest first) is worth merging: the number of the first run that takes part, and whether the
/// base does.
fn choose(freed: &[u64], base_bytes: u64) -> Option<(usize, bool)> {
    let total: u64 = freed.iter().sum();
    let much = total > FEW_BYTES.max(base_bytes / 2);
    if much {
        return Some((0, true));
    }
    if freed.len() <= FEW_RUNS {
        return None;
    }
    let (mut first, mut gathered) = (freed.len(), 0);
    while first > 0 && (gathered == 0 || freed[first - 1] <= 2 * gathered) {
        first -= 1;
        gathered += freed[first];
    }
    if first == 0 && base_bytes <= FEW_BYTES.max(2 * gathered) {
        return Some((0, true));
    }
    (freed.len() - first >= FEW_RUNS / 2).then_some((first, false))
}

impl Fold {
    /// A fold of the runs up to the epoch `freed`, or a sweep, if one is due.
    pub(super) fn plan(
        disk: &Arc<Disk>,
        runs: &[Arc<Run>],
        freed: Epoch,
        base_bytes: u64,
        cleaning: &mut Cleaning,
    ) -> Option<Fold> {
        let runs = &runs[..runs.partition_point(|run| run.epoch() <= freed)];
        let sizes: Vec<u64> = runs.iter().map(|run| run.bytes()).collect();
        cleaning.free(freed, base_bytes + sizes.iter().sum::<u64>());
        let (first, task) = match choose(&sizes, base_bytes) {
            Some((first, true)) => (first, Task::IntoBase(false)),
            Some((first, false)) => (first, Task::IntoRun),
            None if cleaning.begins() && !runs.is_empty() => (0, Task::IntoBase(true)),
            None => (runs.len(), Task::Sweep(cleaning.sweep()?)),
        };
        let expiry = cleaning.expiry().to_vec();
        Some(Fold { disk: disk.clone(), runs: runs[first..].to_vec(), task, base_bytes, expiry })
    }

    /// Merges, piece by piece. Blocks for as long as the disk takes.
    pub fn run(self) -> FoldOutcome {
        let done = self.disk.view().and_then(|view| match &self.task {
            Task::IntoBase(for_cleaning) => self.merge_into_base(&view, *for_cleaning),
            Task::IntoRun => self.merge_runs(&view),
            Task::Sweep(sweep) => {
                let (base_bytes, cleaned) = sweep.run(&self.disk, &view, &self.expiry)?;
                Ok(Folded { gone: Vec::new(), run: None, base_bytes, cleaned })
            }
        });
        let done = done.and_then(|folded| {
            if matches!(folded.cleaned, Cleaned::Part(_, None)) {
                self.disk.shrink(folded.base_bytes)?;
            }
            Ok(folded)
        });
        FoldOutcome { done }
    }

    fn youngest(&self) -> Epoch {
        self.runs.last().map_or(Epoch::ZERO, |run| run.epoch())
    }

    /// Makes one run of several.
    fn merge_runs(&self, view: &View) -> Result<Folded, Error> {
        let mut merge = Merge::new(view, self.runs.iter().rev(), false);
        let mut packer = Packer::default();
        let mut rows: Vec<Row> = Vec::new();
        self.disk.guard(view, || merge.seek(&[]))?;
        loop {
            let mut chunks = Vec::new();
            let at_end = self.disk.guard(view, || {
                let mut bytes = 0;
                while bytes < PIECE {
                    let Some(entry) = merge.peek()? else { return Ok(true) };
                    let value = entry.value.filter(|value| !is_over(&self.expiry, entry.key, value));
                    let full = packer.push(entry.key, value);
                    bytes += full.as_ref().map_or(0, |chunk| chunk.bytes.len() as u64);
                    chunks.extend(full);
                    merge.advance()?;
                }
                Ok(false)
            })?;
            if at_end {
                chunks.extend(packer.finish());
            }
            rows.extend(self.disk.file.write_in(Some(view.opening), durability(at_end), |transaction| {
                let new = append(transaction, self.youngest(), &chunks)?;
                if at_end {
                    let (oldest, youngest) = (&self.runs[0].rows[0], self.runs.last().and_then(|run| run.rows.last()));
                    let last = youngest.map_or(oldest.number, |row| row.number);
                    transaction.open_table(DELTA)?.retain_in(oldest.number..=last, |_, _| false)?;
                }
                Ok(new)
            })?);
            if at_end {
                let run = (!rows.is_empty()).then(|| Arc::new(Run { rows }));
                let (gone, base_bytes) = (self.runs.clone(), self.base_bytes);
                return Ok(Folded { gone, run, base_bytes, cleaned: Cleaned::Nothing });
            }
        }
    }

    /// Merges the runs into the base, chunk by chunk of those that they touch.
    fn merge_into_base(&self, view: &View, for_cleaning: bool) -> Result<Folded, Error> {
        let mut merge = Merge::new(view, self.runs.iter().rev(), false);
        self.disk.guard(view, || merge.seek(&[]))?;
        // Not the planned number: a fold that failed may have done some pieces.
        let mut base_bytes = self.disk.base_bytes()?;
        loop {
            let mut piece = Piece { expiry: &self.expiry, ..Piece::default() };
            let now = self.disk.view()?;
            let at_end = self.disk.guard(&now, || {
                while piece.bytes < PIECE {
                    if !piece.take_stretch(&now.base, &mut merge)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            })?;
            base_bytes = (base_bytes + piece.bytes).saturating_sub(piece.replaced);
            let folded = self.youngest().as_u64();
            self.disk.file.write_in(Some(view.opening), durability(at_end), |transaction| {
                let mut base = transaction.open_table(BASE)?;
                for first in &piece.gone {
                    base.remove(first.as_slice())?;
                }
                for chunk in &piece.chunks {
                    base.insert(&*chunk.first, chunk.bytes.as_slice())?;
                }
                let mut meta = transaction.open_table(META)?;
                put_number(&mut meta, "base", base_bytes)?;
                if at_end {
                    // By epoch, not by run: a flush that failed may have left rows that no run knows.
                    transaction.open_table(DELTA)?.retain_in(..=(folded, u32::MAX), |_, _| false)?;
                    put_number(&mut meta, "folded", folded)?;
                }
                Ok(())
            })?;
            if at_end {
                let cleaned = if for_cleaning { Cleaned::Runs } else { Cleaned::Nothing };
                return Ok(Folded { gone: self.runs.clone(), run: None, base_bytes, cleaned });
            }
        }
    }
}

/// Only the last piece is worth a sync; a crash undoes those before it, which does no harm.
fn durability(at_end: bool) -> Durability {
    if at_end { Durability::Immediate } else { Durability::None }
}

type Base = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// Some chunks of the base, by what takes their place.
#[derive(Default)]
struct Piece<'a> {
    /// What is over.
    expiry: &'a [Expiry],
    /// The keys of the rows that go.
    gone: Vec<Vec<u8>>,
    chunks: Vec<Packed>,
    /// Bytes in `chunks`.
    bytes: u64,
    /// Bytes in the rows that go.
    replaced: u64,
}

impl Piece<'_> {
    /// Merges the next chunk of the base that the delta touches, and its neighbours as long as those are touched too or
    /// too little is left for a chunk, up to the size of a piece. `false` if the delta is at its end.
    ///
    /// A piece may end within a chunk: what is left of that chunk is copied, and met again by the next piece.
    fn take_stretch(&mut self, base: &Base, merge: &mut Merge<'_>) -> Result<bool, redb::Error> {
        let Some(start) = merge.peek()?.map(|entry| entry.key.to_vec()) else { return Ok(false) };
        let after = |key: &[u8]| base.range::<&[u8]>((Excluded(key), Unbounded))?.next().transpose();
        let mut packer = Packer::default();
        let mut next = match base.range::<&[u8]>(..=start.as_slice())?.next_back().transpose()? {
            Some(row) => Some(row),
            None => base.first()?,
        };
        loop {
            let mut following = None;
            if let Some((first, bytes)) = &next {
                self.gone.push(first.value().to_vec());
                self.replaced += bytes.value().len() as u64;
                following = after(first.value())?;
                let chunk = check(bytes.value())?;
                for entry in (0..chunk.len()).map(|i| chunk.entry(i)) {
                    self.take_until(Some(entry.key), merge, &mut packer)?;
                    let newer =
                        if self.bytes < PIECE { merge.peek()?.filter(|newer| newer.key == entry.key) } else { None };
                    let entry = newer.unwrap_or(entry);
                    self.push(entry, &mut packer);
                    if newer.is_some() {
                        merge.advance()?;
                    }
                }
            }
            self.take_until(following.as_ref().map(|(first, _)| first.value()), merge, &mut packer)?;
            let Some((first, _)) = following.as_ref().filter(|_| self.bytes < PIECE) else { break };
            let touched = match merge.peek()? {
                Some(entry) => after(first.value())?.is_none_or(|(end, _)| entry.key < end.value()),
                None => false,
            };
            let little = !packer.is_empty() && packer.size() < TARGET / 4;
            if !touched && !little {
                break;
            }
            next = following;
        }
        self.take(packer.finish());
        Ok(true)
    }

    /// Takes the delta's entries below `end`, or all, as far as the piece goes.
    fn take_until(
        &mut self,
        end: Option<&[u8]>,
        merge: &mut Merge<'_>,
        packer: &mut Packer,
    ) -> Result<(), redb::Error> {
        while self.bytes < PIECE
            && let Some(entry) = merge.peek()?.filter(|entry| end.is_none_or(|end| entry.key < end))
        {
            self.push(entry, packer);
            merge.advance()?;
        }
        Ok(())
    }

    /// Takes an entry that lives.
    fn push(&mut self, entry: Entry<'_>, packer: &mut Packer) {
        if entry.value.is_some_and(|value| !is_over(self.expiry, entry.key, value)) {
            self.take(packer.push(entry.key, entry.value));
        }
    }

    fn take(&mut self, chunk: Option<Packed>) {
        self.bytes += chunk.as_ref().map_or(0, |chunk| chunk.bytes.len() as u64);
        self.chunks.extend(chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_small_runs_are_left_alone() {
        assert_eq!(choose(&[1000; FEW_RUNS], 0), None);
        assert_eq!(choose(&[], 0), None);
    }

    #[test]
    fn a_small_base_takes_part_at_once_and_a_large_one_when_it_is_worth_it() {
        assert_eq!(choose(&[1000; 9], 0), Some((0, true)));
        assert_eq!(choose(&[1000; 9], 1 << 30), Some((0, false)));
        assert_eq!(choose(&[1 << 29, 1 << 20], 1 << 30), Some((0, true)));
    }

    #[test]
    fn an_entry_is_moved_about_once_per_doubling() {
        let (mut runs, mut moved, mut most) = (Vec::new(), 0, 0);
        for _ in 0..10_000 {
            runs.push(1000_u64);
            most = most.max(runs.len());
            if let Some((first, into_base)) = choose(&runs, 1 << 40) {
                assert!(!into_base);
                let merged = runs.drain(first..).sum();
                moved += merged;
                runs.push(merged);
            }
        }
        assert!(moved < 10_000 * 1000 * 12, "{moved}");
        assert!(most < 24, "{most}");
    }
}
