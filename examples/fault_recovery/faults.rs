//! Faults on order: where an operator is to panic, and on which records it always does.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// An operator, and the number of the record at which it panics, counted over all its subtasks from the start of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PanicAt {
    pub(crate) operator: String,
    pub(crate) record: u64,
}

/// What is to go wrong in the dataflow.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    pub(crate) panics: Vec<PanicAt>,
    /// Where the lines begin on which the operator `users` always panics, in bytes from the start of the log.
    pub(crate) poison: BTreeSet<u64>,
    /// Each panic that has happened leaves a file here: it happens once, also if the process is killed and started again.
    pub(crate) done: PathBuf,
}

/// The faults of one operator.
pub(crate) struct Fuse {
    faults: Arc<Faults>,
    operator: &'static str,
    met: AtomicU64,
}

impl Fuse {
    pub(crate) fn new(faults: &Arc<Faults>, operator: &'static str) -> Self {
        Fuse { faults: faults.clone(), operator, met: AtomicU64::new(0) }
    }

    /// The operator has taken a record in.
    ///
    /// # Panics
    /// If this is the one to panic at.
    pub(crate) fn meet(&self) {
        let met = self.met.fetch_add(1, Relaxed) + 1;
        let due = |panic: &&PanicAt| panic.operator == self.operator && panic.record == met;
        if self.faults.panics.iter().any(|panic| due(&panic)) {
            let mark = self.faults.done.join(format!("{}-{met}", self.operator));
            let is_first = OpenOptions::new().write(true).create_new(true).open(mark).is_ok();
            assert!(!is_first, "ordered at record {met}");
        }
    }

    /// The operator has taken in the record of a line.
    ///
    /// # Panics
    /// If the line is poison, each time.
    pub(crate) fn taste(&self, offset: u64) {
        assert!(!self.faults.poison.contains(&offset), "the line at byte {offset} is poison");
    }
}
