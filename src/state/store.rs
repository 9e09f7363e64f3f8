//! The store: all states of one subtask, and their way into its file.

use super::Error;
use super::arena::{Arena, pack};
use super::disk::{Disk, StateName, encode_states};
use super::flush::{Flush, FlushOutcome, store};
use super::fold::{Fold, FoldOutcome};
use super::guarded::Survives;
use super::inspect::Inspector;
use super::layers::Lower;
use super::sweep::Cleaning;
use super::transfer::Export;
use super::upkeep::Upkeep;
use super::versions::{Fit, Migration};
use crate::bug::{self, Bug};
use crate::record::Epoch;
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// Whose file it is. Stored in the file, and compared when it is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The job's random id.
    pub job_id: u64,
    /// The operator's id.
    pub uid: String,
    /// The subtask's number, from 0.
    pub subtask: usize,
    /// How often the job had been rescaled when the file was made.
    pub generation: u64,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { job_id, uid, subtask, generation } = self;
        write!(f, "operator `{uid}` (subtask {subtask}, generation {generation}) of job {job_id:016x}")
    }
}

/// How a store works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// About how many bytes of state to keep in memory. Default 64 MiB.
    pub memory: usize,
    /// What a commit survives. Default: the loss of power.
    pub survives: Survives,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions { memory: 64 << 20, survives: Survives::PowerLoss }
    }
}

/// About how many bytes a store takes in memory, by what can be done about them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// Can be let go, or could if their flush were committed.
    pub cached: usize,
    /// Changed since the last hand-off.
    pub dirty: usize,
    /// Handed off and not yet committed.
    pub frozen: usize,
}

/// What to do about the memory, after [`Store::relieve`].
#[derive(Debug)]
#[must_use]
pub enum Relief {
    /// Nothing.
    Fine,
    /// Run this flush in its turn, like any other. It belongs to the epoch that follows the last one handed off, and goes
    /// with a rollback to that one.
    Spill(Flush),
    /// Take no more records until a flush that is under way has been told of.
    Wait,
}

/// All states of one subtask. Lives on the actor's thread; what blocks is handed out as [`Flush`] and [`Fold`].
///
/// ```
/// use millstream::record::Epoch;
/// use millstream::state::{Identity, Keyed, Store, StoreOptions};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("0.redb");
/// let identity = Identity { job_id: 1, uid: "count".into(), subtask: 0, generation: 0 };
/// let mut store = Store::create(&path, &identity, StoreOptions::default())?;
/// let visits = store.value::<u64, u32>("visits")?;
/// visits.put(Keyed::of(&7), 1)?;
/// let epoch = Epoch::new(1, 1);
/// if let Some(flush) = store.hand_off(epoch) {
///     store.flushed(flush.run());
/// }
/// visits.put(Keyed::of(&7), 2)?;
/// drop((store, visits));
///
/// let mut store = Store::open(&path, &identity, epoch, epoch, StoreOptions::default())?;
/// assert_eq!(store.value::<u64, u32>("visits")?.get(Keyed::of(&7))?, Some(1));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Store {
    disk: Arc<Disk>,
    pub(super) lower: Rc<Lower>,
    pub(super) identity: Identity,
    pub(super) memory: usize,
    pub(super) states: Vec<StateName>,
    pub(super) tables: Vec<Rc<RefCell<dyn Upkeep>>>,
    pub(super) migrations: Vec<Migration>,
    /// How those that have handles fit what was stored.
    pub(super) fits: Vec<(String, Fit)>,
    /// The names that have handles, and the tables as these know them.
    pub(super) taken: Vec<String>,
    pub(super) handles: Vec<Rc<dyn Any>>,
    /// The tables from before the store was rewound, by name, until they are asked for again.
    pub(super) before: Vec<(String, Rc<dyn Any>)>,
    /// The number of the last hand-off, from 1; and the last that is in the file with all before it.
    number: u32,
    committed: u32,
    /// The epoch of the last hand-off at a barrier.
    last: Epoch,
    freed: Epoch,
    folding: bool,
    base_bytes: u64,
    /// How what is over leaves the file.
    cleaning: Cleaning,
    /// Hand-offs whose outcome is not known: number and bytes.
    in_flight: VecDeque<(u32, usize)>,
    /// Bytes that failed flushes left for the next one.
    carried: usize,
    /// The value of `committed` at which nothing more could be let go.
    exhausted: Option<u32>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.disk.file.path()).finish_non_exhaustive()
    }
}

impl Store {
    /// Makes a new, empty file.
    ///
    /// # Errors
    /// [`Error::Exists`] if there is one; else what the disk says.
    pub fn create(path: &Path, identity: &Identity, options: StoreOptions) -> Result<Store, Error> {
        let disk = Arc::new(Disk::create(path, identity, &[], &options)?);
        let lower = Rc::new(Lower::new(disk.clone(), Vec::new()));
        Ok(Store {
            disk,
            lower,
            identity: identity.clone(),
            memory: options.memory,
            states: Vec::new(),
            tables: Vec::new(),
            migrations: Vec::new(),
            fits: Vec::new(),
            taken: Vec::new(),
            handles: Vec::new(),
            before: Vec::new(),
            number: 0,
            committed: 0,
            last: Epoch::ZERO,
            freed: Epoch::ZERO,
            folding: false,
            cleaning: Cleaning::default(),
            base_bytes: 0,
            in_flight: VecDeque::new(),
            carried: 0,
            exhausted: None,
        })
    }

    /// Opens an existing file at `epoch`: what younger epochs wrote is deleted.
    ///
    /// An earlier store of the same file must be gone, and its flushes and folds finished.
    ///
    /// * `written`: the newest epoch up to `epoch` for which this file is known to have written something; `Epoch::ZERO` if
    ///   none.
    ///
    /// # Errors
    /// [`Error::Foreign`] if the file belongs to somebody else; [`Error::NewerFormat`]; [`Error::Stale`] if it lacks
    /// `written`; [`Error::Folded`] if `epoch` has been folded into later ones; [`Error::Corrupt`]; else what the disk says.
    pub fn open(
        path: &Path,
        identity: &Identity,
        epoch: Epoch,
        written: Epoch,
        options: StoreOptions,
    ) -> Result<Store, Error> {
        let disk = Arc::new(Disk::open(path, identity, &options)?);
        let found = disk.survey(epoch)?;
        found.check_written(path, written)?;
        if !bug::is(Bug::SkipRollback) {
            disk.roll_back(epoch)?;
        }
        let lower = Rc::new(Lower::new(disk.clone(), found.runs));
        Ok(Store {
            disk,
            lower,
            identity: identity.clone(),
            memory: options.memory,
            states: found.states,
            tables: Vec::new(),
            migrations: Vec::new(),
            fits: Vec::new(),
            taken: Vec::new(),
            handles: Vec::new(),
            before: Vec::new(),
            number: 0,
            committed: 0,
            last: epoch,
            freed: found.folded,
            folding: false,
            cleaning: Cleaning::default(),
            base_bytes: found.base_bytes,
            in_flight: VecDeque::new(),
            carried: 0,
            exhausted: None,
        })
    }

    /// At the barrier of `epoch`: freezes all that changed since the last hand-off. `None` if nothing has, and no earlier
    /// flush is under way or has failed; then the file has the epoch already, and nothing was written for it.
    pub fn hand_off(&mut self, epoch: Epoch) -> Option<Flush> {
        self.last = self.last.max(epoch);
        for table in &self.tables {
            table.borrow_mut().forget_over();
        }
        self.cleaning.note(epoch, self.tables.iter().filter_map(|table| table.borrow().expiry()).collect());
        self.freeze(epoch)
    }

    /// The epoch to which belongs what is written before the next hand-off.
    pub(super) fn next_epoch(&self) -> Epoch {
        self.last.next()
    }

    fn freeze(&mut self, epoch: Epoch) -> Option<Flush> {
        self.before.clear();
        if self.carried == 0 && self.in_flight.is_empty() && !self.tables.iter().any(|table| table.borrow().is_dirty())
        {
            return None;
        }
        self.number += 1;
        let mut arena = Arena::default();
        let mut broken = None;
        for table in &self.tables {
            if let Err(error) = table.borrow_mut().hand_off(self.number, &mut arena) {
                broken = broken.or(Some(error));
            }
        }
        self.in_flight.push_back((self.number, arena.len()));
        let states = encode_states(&self.states);
        Some(Flush { disk: self.disk.clone(), number: self.number, epoch, arena, states, broken })
    }

    /// Takes the outcome of a flush. If it failed, what it held goes out with the next hand-off.
    pub fn flushed(&mut self, outcome: FlushOutcome) {
        let bytes = self.in_flight.pop_front().map_or(0, |(_, bytes)| bytes);
        match outcome.run {
            Err(_) => self.carried += bytes,
            Ok(run) => {
                self.carried = 0;
                self.committed = outcome.number;
                self.lower.runs.borrow_mut().extend(run);
                self.lower.renew();
                for table in &self.tables {
                    table.borrow_mut().committed(outcome.number);
                }
            }
        }
    }

    /// Nobody will go back behind `epoch` any more: what was kept for that may be merged, and what was over then may go.
    /// Returns the work if enough has gathered and none is under way.
    pub fn free(&mut self, epoch: Epoch) -> Option<Fold> {
        self.freed = self.freed.max(epoch);
        if self.folding {
            return None;
        }
        let runs = self.lower.runs.borrow();
        let fold = Fold::plan(&self.disk, &runs, self.freed, self.base_bytes, &mut self.cleaning);
        self.folding = fold.is_some();
        fold
    }

    /// Takes the outcome of a fold. If it failed, it is tried again when the next epoch is freed.
    pub fn folded(&mut self, outcome: FoldOutcome) {
        self.folding = false;
        let Ok(done) = outcome.done else { return };
        self.base_bytes = done.base_bytes;
        self.cleaning.done(done.cleaned);
        let mut runs = self.lower.runs.borrow_mut();
        let is_gone = |run: &Arc<_>| done.gone.iter().any(|gone| Arc::ptr_eq(gone, run));
        let place = runs.iter().position(is_gone).unwrap_or(0);
        runs.retain(|run| !is_gone(run));
        if let Some(run) = done.run {
            runs.insert(place, run);
        }
        self.lower.renew();
    }

    /// Freezes all that changed since the last hand-off, though there is no barrier: the store can be rewound to here. The
    /// flush belongs to the epoch that follows the last one handed off, and goes with a rollback to that one. `None` if
    /// nothing has changed, and no earlier flush is under way or has failed.
    pub fn cut(&mut self) -> Option<Flush> {
        self.freeze(self.next_epoch())
    }

    /// Goes back to the last hand-off or cut, as if the store had just been opened there; the handles that it has given out
    /// must not be used any more. All flushes and folds must have been told of. What has not changed since stays in memory;
    /// the rest is read from the file when its state is asked for.
    ///
    /// # Errors
    /// If an earlier flush has failed and what it held cannot be written now either; the store can then be rewound later.
    pub fn rewind(&mut self) -> Result<(), Error> {
        if self.carried > 0 {
            let arenas = std::mem::take(&mut *self.disk.carried());
            match store(&self.disk, self.next_epoch(), &pack(&arenas), &encode_states(&self.states)) {
                Ok(run) => self.lower.runs.borrow_mut().extend(run),
                Err(error) => {
                    *self.disk.carried() = arenas;
                    return Err(error);
                }
            }
            self.carried = 0;
            self.committed = self.number;
            self.tables.iter().for_each(|table| table.borrow_mut().committed(self.number));
        }
        self.lower.renew();
        self.tables.clear();
        self.before.extend(self.taken.drain(..).zip(self.handles.drain(..)));
        self.fits.clear();
        self.migrations.clear();
        self.exhausted = None;
        Ok(())
    }

    /// What the file holds at `epoch`, to be read elsewhere while this store goes on: what is written, folded or freed from
    /// here on does not show. All of `epoch` must have been told as flushed, and no younger epoch freed.
    ///
    /// # Errors
    /// What the disk says.
    pub fn export(&self, epoch: Epoch) -> Result<Export, Error> {
        Export::of(&self.disk, &self.lower.runs.borrow(), &self.states, epoch)
    }

    /// As [`export`](Self::export), to be looked at.
    ///
    /// # Errors
    /// What the disk says.
    pub fn inspector(&self, epoch: Epoch) -> Result<Inspector, Error> {
        self.export(epoch).map(Inspector::from)
    }

    /// How much memory is used for what. Estimates: what keys and values own on the heap is taken to be as large as their
    /// encoding.
    pub fn memory(&self) -> MemoryUse {
        let usage = self.tables.iter().map(|table| table.borrow().usage());
        let (total, dirty) = usage.fold((0, 0), |sum, usage| (sum.0 + usage.0, sum.1 + usage.1));
        let frozen = self.in_flight.iter().map(|&(_, bytes)| bytes).sum::<usize>() + self.carried;
        MemoryUse { cached: total - dirty, dirty, frozen }
    }

    /// How often the file had to be read while a record waited.
    pub fn unforeseen_reads(&self) -> u64 {
        self.lower.reads.get()
    }

    /// Lets go of what is in the file as it is, as far as the memory is exceeded; writes nothing.
    pub fn trim(&mut self) {
        let MemoryUse { cached, dirty, frozen } = self.memory();
        let mut wanted = (cached + dirty + frozen).saturating_sub(self.memory);
        if wanted == 0 || self.exhausted == Some(self.committed) {
            return;
        }
        for table in &self.tables {
            wanted = wanted.saturating_sub(table.borrow_mut().evict(wanted));
        }
        self.exhausted = (wanted > 0).then_some(self.committed);
    }

    /// Whether there is more in memory than there should be.
    pub fn is_over(&self) -> bool {
        let MemoryUse { cached, dirty, frozen } = self.memory();
        cached + dirty + frozen > self.memory
    }

    /// Keeps within the memory; to be called after every element. Lets go of what is in the file as it is, what has not been
    /// used lately first. If that does not do, the rest must be written: see [`Relief`].
    pub fn relieve(&mut self) -> Relief {
        let used = |memory: MemoryUse| memory.cached + memory.dirty + memory.frozen;
        let before = used(self.memory());
        if before <= self.memory {
            return Relief::Fine;
        }
        let waiting = !self.in_flight.is_empty();
        if waiting && self.exhausted == Some(self.committed) {
            return Relief::Wait;
        }
        // Some more than needed, so that the search is worth it.
        let mut wanted = before - self.memory / 8 * 7;
        for table in &self.tables {
            wanted = wanted.saturating_sub(table.borrow_mut().evict(wanted));
        }
        self.exhausted = (wanted > 0).then_some(self.committed);
        let over = used(self.memory()) > self.memory;
        if waiting {
            return if over { Relief::Wait } else { Relief::Fine };
        }
        if wanted == 0 {
            return Relief::Fine;
        }
        self.freeze(self.next_epoch()).map_or(Relief::Fine, Relief::Spill)
    }
}

#[cfg(test)]
impl Store {
    /// Says when the file fails.
    pub(super) fn faults(&self) -> &super::testkit::Faults {
        &self.disk.file.faults
    }

    /// How many bytes of chunks the file has.
    pub(super) fn stored_bytes(&self) -> u64 {
        self.base_bytes + self.lower.runs.borrow().iter().map(|run| run.bytes()).sum::<u64>()
    }

    /// How many runs the delta has.
    pub(super) fn runs(&self) -> usize {
        self.lower.runs.borrow().len()
    }
}
