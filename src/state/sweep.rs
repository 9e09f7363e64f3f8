//! The round of the base that finds what is over although nobody touches it.
//!
//! # A round
//! It begins with a fold of all freed runs into the base. Then sweeps look through the base, a part at a time, chunk by chunk
//! in key order, and write anew those chunks in which enough is over to be worth it. A round takes half a time to live, as
//! the stamps of freed epochs tell it: so what is over stays in the file for about half its time to live again, at most, and a
//! chunk is read twice in a time to live.
//!
//! The room of what is dropped is free for other entries. At the end of a round a file that is nearly empty is made small
//! again.

use super::Error;
use super::chunk::{Packer, TARGET};
use super::disk::{BASE, Disk, META, View, check, put_number};
use super::ttl::{Expiry, due, is_over};
use crate::record::Epoch;
use crate::time::Timestamp;
use redb::Durability;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Included, Unbounded};

/// How many bytes one sweep looks through at most.
const MOST: u64 = 8 << 20;
/// A chunk is written anew if at least one in so many of its entries is over.
const WORTH: usize = 8;

/// How far a store has come with cleaning its file.
#[derive(Debug, Default)]
pub(super) struct Cleaning {
    /// What is over at each epoch that has not been freed.
    noted: VecDeque<(Epoch, Vec<Expiry>)>,
    /// What is over at the epoch freed last.
    expiry: Vec<Expiry>,
    /// The time of each state up to which `due` has been counted.
    counted: BTreeMap<u8, Timestamp>,
    /// How many bytes are due to be looked through.
    due: u64,
    /// Below this, nothing is done.
    worth: u64,
    /// The size of what this round goes through.
    round: u64,
    /// Whether this round's runs are in the base.
    is_begun: bool,
    /// Where the round goes on.
    from: Vec<u8>,
}

/// What a fold or sweep did for the cleaning.
#[derive(Debug)]
pub(super) enum Cleaned {
    /// It had another reason.
    Nothing,
    /// The freed runs are in the base.
    Runs,
    /// So many bytes of the base have been looked through, and where to go on; `None` at the end.
    Part(u64, Option<Vec<u8>>),
}

impl Cleaning {
    /// Notes what is over at an epoch.
    pub(super) fn note(&mut self, epoch: Epoch, expiry: Vec<Expiry>) {
        if !expiry.is_empty() || !self.expiry.is_empty() {
            self.noted.push_back((epoch, expiry));
        }
    }

    /// Nobody will go back behind `epoch` any more. `whole`: the bytes of all that could be cleaned.
    pub(super) fn free(&mut self, epoch: Epoch, whole: u64) {
        while self.noted.front().is_some_and(|(noted, _)| *noted <= epoch) {
            self.expiry = self.noted.pop_front().map(|(_, expiry)| expiry).unwrap_or_default();
        }
        self.worth = whole.clamp(1, TARGET as u64);
        // It shrinks on the way, which must not slow the round down.
        let whole = if self.is_begun { self.round.max(whole) } else { whole };
        self.round = whole;
        let mut most = 0;
        for Expiry { state, now, ttl_millis, .. } in &self.expiry {
            // Of what was there at the beginning, all is due.
            let share = self.counted.get(state).map_or(whole, |before| due(whole, *before, *now, *ttl_millis));
            if share > 0 {
                self.counted.insert(*state, *now);
            }
            most = most.max(share);
        }
        self.due = self.due.saturating_add(most).min(whole);
    }

    /// What is over.
    pub(super) fn expiry(&self) -> &[Expiry] {
        &self.expiry
    }

    /// Whether a round is to be begun.
    pub(super) fn begins(&self) -> bool {
        self.due >= self.worth && !self.is_begun
    }

    /// The part that is due, if it is worth it.
    pub(super) fn sweep(&self) -> Option<Sweep> {
        (self.due >= self.worth).then(|| Sweep { from: self.from.clone(), bytes: self.due.min(MOST) })
    }

    /// A fold or sweep was made.
    pub(super) fn done(&mut self, cleaned: Cleaned) {
        match cleaned {
            Cleaned::Nothing => {}
            Cleaned::Runs => self.is_begun = true,
            Cleaned::Part(bytes, next) => {
                self.due = self.due.saturating_sub(bytes);
                self.is_begun = next.is_some();
                self.from = next.unwrap_or_default();
            }
        }
    }
}

/// A part of the base to look through.
#[derive(Clone, Debug)]
pub(super) struct Sweep {
    /// The key to begin at.
    from: Vec<u8>,
    bytes: u64,
}

impl Sweep {
    /// Drops what is over in this part of the base; returns how large the base is then.
    pub(super) fn run(&self, disk: &Disk, view: &View, expiry: &[Expiry]) -> Result<(u64, Cleaned), Error> {
        let (mut gone, mut chunks): (Vec<Vec<u8>>, _) = (Vec::new(), Vec::new());
        let (mut seen, mut replaced, mut next) = (0, 0, None);
        disk.guard(view, || {
            let mut packer = Packer::default();
            for row in view.base.range::<&[u8]>((Included(self.from.as_slice()), Unbounded))? {
                let (first, bytes) = row?;
                if seen >= self.bytes {
                    next = Some(first.value().to_vec());
                    break;
                }
                seen += bytes.value().len() as u64;
                let chunk = check(bytes.value())?;
                let is_living = |i: &usize| {
                    let entry = chunk.entry(*i);
                    entry.value.is_some_and(|value| !is_over(expiry, entry.key, value))
                };
                let over = chunk.len() - (0..chunk.len()).filter(is_living).count();
                let little = !packer.is_empty() && packer.size() < TARGET / 4;
                if over * WORTH < chunk.len() && !little {
                    chunks.extend(packer.finish());
                    continue;
                }
                gone.push(first.value().to_vec());
                replaced += bytes.value().len() as u64;
                for entry in (0..chunk.len()).filter(is_living).map(|i| chunk.entry(i)) {
                    chunks.extend(packer.push(entry.key, entry.value));
                }
            }
            chunks.extend(packer.finish());
            Ok(())
        })?;
        let mut base_bytes = disk.base_bytes()?;
        if !gone.is_empty() {
            let written: u64 = chunks.iter().map(|chunk| chunk.bytes.len() as u64).sum();
            base_bytes = (base_bytes + written).saturating_sub(replaced);
            // Synced, for the room to be free at once: perhaps nothing else is written for long.
            disk.file.write_in(Some(view.opening), Durability::Immediate, |transaction| {
                let mut base = transaction.open_table(BASE)?;
                for first in &gone {
                    base.remove(first.as_slice())?;
                }
                for chunk in &chunks {
                    base.insert(&*chunk.first, chunk.bytes.as_slice())?;
                }
                put_number(&mut transaction.open_table(META)?, "base", base_bytes)
            })?;
        }
        Ok((base_bytes, Cleaned::Part(seen, next)))
    }
}
