//! Panics that happen at the n-th call, over all subtasks and lives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// Counts calls, and panics at some of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fuse {
    calls: Arc<AtomicU64>,
    /// The numbers of the calls that panic, from 1.
    at: Arc<[u64]>,
}

impl Fuse {
    /// Panics at these calls.
    pub(crate) fn at(calls: impl IntoIterator<Item = u64>) -> Self {
        Fuse { calls: Arc::default(), at: calls.into_iter().collect() }
    }

    /// Counts a call.
    pub(crate) fn call(&self) {
        let call = self.calls.fetch_add(1, SeqCst) + 1;
        assert!(!self.at.contains(&call), "the fuse blew at call {call}");
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(SeqCst)
    }
}
