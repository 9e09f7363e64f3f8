//! What was handed to a core since its last hand-off of state, so that a new core can be brought to where it was.

use crate::bug::{self, Bug};
use crate::operator::{Outgoing, Skip};
use crate::record::{Batch, Epoch};
use crate::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// An element as the core takes it.
#[derive(Clone)]
pub(super) enum Entry {
    /// `channel`: who holds credit for it, if anybody does, and for how many bytes. `reopens`: for its records windows that
    /// are gone open once more.
    Batch { channel: Option<usize>, input: usize, batch: Batch, bytes: usize, reopens: bool },
    /// The subtask's clock has come this far.
    Watermark(Timestamp),
    /// Processing time has come to what was asked for.
    Tick,
    /// Records for an operator within the chain.
    Fed { uid: String, batch: Batch },
}

/// An element in the journal.
#[derive(Clone)]
pub(super) struct Noted {
    pub(super) entry: Entry,
    /// Processing time as it was when the core took it.
    pub(super) now: Timestamp,
    /// How many of its records have been taken out.
    pub(super) dead: u64,
    /// The timers and windows that are left out when it fires, by number.
    pub(super) skips: BTreeMap<u64, Skip>,
}

/// What a new core starts from, besides its state.
pub(in super::super) struct Base {
    /// The last barrier before it, or the checkpoint that the subtask was built from.
    pub(in super::super) epoch: Epoch,
    /// Small state by operator; `None`: what the blueprint says.
    pub(in super::super) small: Option<BTreeMap<String, Value>>,
    pub(in super::super) clock: Timestamp,
    pub(in super::super) now: Timestamp,
}

/// How far an outlet has come since the base.
#[derive(Clone, Copy)]
struct Sent {
    rows: u64,
    /// How many of the next rows have been sent already.
    to_skip: u64,
    /// The last watermark.
    told: Timestamp,
}

/// The journal of one core.
pub(super) struct Journal {
    base: Base,
    noted: Vec<Noted>,
    bytes: usize,
    sent: Vec<Sent>,
    /// A new core is being brought to where the last one was.
    replays: bool,
    /// It became too long: until the next hand-off there is none.
    lost: bool,
}

/// An element that is not a batch takes about so many bytes.
const SMALL: usize = size_of::<Noted>();

impl Journal {
    /// * `outlets`: how many outlets the core has.
    pub(super) fn new(base: Base, outlets: usize) -> Self {
        let sent = vec![Sent { rows: 0, to_skip: 0, told: Timestamp::MIN }; outlets];
        Journal { base, noted: Vec::new(), bytes: 0, sent, replays: false, lost: false }
    }

    /// State has been handed off: from here on a new core begins. Nothing may wait in an outlet.
    pub(super) fn begin(&mut self, base: Base) {
        self.base = base;
        self.noted.clear();
        self.bytes = 0;
        self.lost = false;
        self.sent.iter_mut().for_each(|sent| sent.rows = 0);
    }

    /// Forgets all and notes nothing until the next hand-off: until then no new core can be brought to where this one is.
    pub(super) fn give_up(&mut self) {
        self.noted.clear();
        self.bytes = 0;
        self.lost = true;
    }

    /// Whether it has been given up.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    pub(super) fn base(&self) -> &Base {
        &self.base
    }

    pub(super) fn note(&mut self, entry: Entry, now: Timestamp) {
        self.bytes += SMALL + if let Entry::Batch { bytes, .. } = &entry { *bytes } else { 0 };
        self.noted.push(Noted { entry, now, dead: 0, skips: BTreeMap::new() });
    }

    /// How many elements it holds.
    pub(super) fn len(&self) -> usize {
        self.noted.len()
    }

    /// About how many bytes it keeps alive.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn noted(&self, number: usize) -> Option<&Noted> {
        self.noted.get(number)
    }

    /// Takes a record out of a batch; returns the batch as it was.
    pub(super) fn take_out(&mut self, number: usize, record: usize) -> Option<Batch> {
        let noted = self.noted.get_mut(number)?;
        let Entry::Batch { batch, .. } = &mut noted.entry else { return None };
        let rest = batch.filter(|index| index != record);
        noted.dead += 1;
        Some(std::mem::replace(batch, rest))
    }

    /// Leaves a timer or window out when an element fires.
    pub(super) fn skip(&mut self, number: usize, timer: u64, skip: Skip) {
        self.noted.get_mut(number).and_then(|noted| noted.skips.insert(timer, skip));
    }

    // ---------------------------------------------------------------- what has been sent

    /// The core is lost: what a new one brings first has been sent.
    pub(super) fn rewind(&mut self) {
        self.replays = true;
        self.sent.iter_mut().for_each(|sent| sent.to_skip = sent.rows);
    }

    /// What of it is new.
    pub(super) fn pass(&mut self, outlet: usize, outgoing: Outgoing) -> Option<Outgoing> {
        let sent = &mut self.sent[outlet];
        match outgoing {
            Outgoing::Batch(batch) => {
                let rows = batch.len() as u64;
                let known = rows.min(sent.to_skip);
                sent.to_skip -= known;
                sent.rows += rows - known;
                if bug::is(Bug::MiscountEmitted) {
                    sent.rows = sent.rows.saturating_sub(1);
                }
                match known {
                    0 => Some(Outgoing::Batch(batch)),
                    _ if known == rows => None,
                    _ => Some(Outgoing::Batch(batch.filter(|row| row as u64 >= known))),
                }
            }
            Outgoing::Watermark(watermark) if self.replays && watermark <= sent.told => None,
            Outgoing::Watermark(watermark) => {
                sent.told = watermark;
                Some(Outgoing::Watermark(watermark))
            }
        }
    }

    pub(super) fn replays(&self) -> bool {
        self.replays
    }

    /// The new core is where the last one was lost. Returns how many rows it has not brought again.
    pub(super) fn end_replay(&mut self) -> u64 {
        self.replays = false;
        self.sent.iter().map(|sent| sent.to_skip).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Rows;

    fn batch(rows: std::ops::Range<u64>) -> Batch {
        let times = rows.clone().map(|_| Timestamp::MIN).collect();
        Batch::new(Rows { records: rows.collect::<Vec<u64>>(), times, hashes: Vec::new() })
    }

    fn journal() -> Journal {
        Journal::new(Base { epoch: Epoch::ZERO, small: None, clock: Timestamp::MIN, now: Timestamp::MIN }, 1)
    }

    fn rows(outgoing: Option<Outgoing>) -> Vec<u64> {
        match outgoing {
            Some(Outgoing::Batch(batch)) => batch.into_rows::<u64>().records,
            _ => Vec::new(),
        }
    }

    #[test]
    fn what_was_sent_is_not_sent_again_wherever_batches_are_cut() {
        let mut journal = journal();
        assert_eq!(rows(journal.pass(0, Outgoing::Batch(batch(0..7)))), [0, 1, 2, 3, 4, 5, 6]);
        for _ in 0..2 {
            journal.rewind();
            assert!(journal.pass(0, Outgoing::Batch(batch(0..3))).is_none());
        }
        assert_eq!(rows(journal.pass(0, Outgoing::Batch(batch(3..10)))), [7, 8, 9]);
        assert_eq!(journal.end_replay(), 0);
        journal.rewind();
        journal.pass(0, Outgoing::Batch(batch(0..9)));
        assert_eq!(journal.end_replay(), 1, "a row that was sent has not come again");
    }

    #[test]
    fn a_watermark_is_told_again_only_when_it_is_further() {
        let mut journal = journal();
        let mark = |seconds| Outgoing::Watermark(Timestamp::from_seconds(seconds));
        assert!(journal.pass(0, mark(5)).is_some());
        journal.rewind();
        assert!(journal.pass(0, mark(3)).is_none() && journal.pass(0, mark(5)).is_none());
        assert!(journal.pass(0, mark(6)).is_some());
    }

    #[test]
    fn a_record_is_taken_out_of_its_batch() {
        let mut journal = journal();
        let entry =
            |records| Entry::Batch { channel: None, input: 0, batch: batch(records), bytes: 100, reopens: false };
        journal.note(entry(0..3), Timestamp::MIN);
        assert!(journal.bytes() >= 100);
        assert_eq!(journal.take_out(0, 1).map(|batch| batch.len()), Some(3));
        let noted = journal.noted(0).unwrap();
        let Entry::Batch { batch, .. } = noted.entry.clone() else { panic!("a batch") };
        assert_eq!((batch.into_rows::<u64>().records, noted.dead), (vec![0, 2], 1));
        journal.give_up();
        assert_eq!((journal.len(), journal.bytes(), journal.is_lost()), (0, 0, true));
        journal.begin(Base { epoch: Epoch::ZERO, small: None, clock: Timestamp::MIN, now: Timestamp::MIN });
        assert!(!journal.is_lost());
    }
}
