//! What the tests of this room share: a disk that fails when told, and short ways to make, open and check files.

use super::disk::{BASE, META};
use super::*;
use crate::record::Epoch;
use redb::{BackendError, ReadableDatabase as _, ReadableTable as _, StorageBackend};
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Says after how many writes and syncs a file begins to fail. Clones speak for the same file.
#[derive(Clone, Debug)]
pub(crate) struct Faults(Arc<AtomicI64>);

impl Default for Faults {
    fn default() -> Self {
        Faults(Arc::new(AtomicI64::new(i64::MAX)))
    }
}

impl Faults {
    /// Lets `writes` more writes and syncs succeed; those that follow find the disk full.
    pub(crate) fn fail_after(&self, writes: i64) {
        self.0.store(writes, Ordering::Relaxed);
    }

    /// Makes the disk whole again.
    pub(crate) fn mend(&self) {
        self.fail_after(i64::MAX);
    }

    fn count(&self) -> io::Result<()> {
        if self.0.fetch_sub(1, Ordering::Relaxed) > 0 { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }
}

/// A backend whose writes and syncs fail when its [`Faults`] say so.
#[derive(Debug)]
pub(crate) struct Faulty<B> {
    backend: B,
    faults: Faults,
}

impl<B> Faulty<B> {
    pub(crate) fn new(backend: B, faults: Faults) -> Self {
        Faulty { backend, faults }
    }
}

impl<B: StorageBackend> StorageBackend for Faulty<B> {
    fn len(&self) -> io::Result<u64> {
        self.backend.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.backend.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.faults.count()?;
        self.backend.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        // Not passed on: no test takes the machine's power away, and a sync takes long.
        self.faults.count()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.faults.count()?;
        self.backend.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.backend.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.try_lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.backend.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.backend.query_lock_range(start, end)
    }
}

pub(super) fn identity(subtask: usize, generation: u64) -> Identity {
    Identity { job_id: 0xabc, uid: "checkout".into(), subtask, generation }
}

pub(super) fn epoch(count: u64) -> Epoch {
    Epoch::new(1, count)
}

pub(super) fn create(path: &Path) -> Store {
    Store::create(path, &identity(0, 0), StoreOptions::default()).unwrap()
}

pub(super) fn open(path: &Path, at: Epoch) -> Result<Store, Error> {
    Store::open(path, &identity(0, 0), at, at, StoreOptions::default())
}

/// Hands off and flushes.
pub(super) fn checkpoint(store: &mut Store, count: u64) -> Result<(), String> {
    let Some(flush) = store.hand_off(epoch(count)) else { return Ok(()) };
    let outcome = flush.run();
    let result = outcome.result().map(drop).map_err(ToString::to_string);
    store.flushed(outcome);
    result
}

/// Checks that the base's keys ascend strictly, through all chunks, and that the file knows their size.
pub(super) fn check_base(path: &Path) -> usize {
    let database = redb::Database::open(path).unwrap();
    let transaction = database.begin_read().unwrap();
    let (mut last, mut bytes, mut chunks): (Option<Vec<u8>>, u64, usize) = (None, 0, 0);
    for row in transaction.open_table(BASE).unwrap().iter().unwrap() {
        let (first, row) = row.unwrap();
        let chunk = chunk::Chunk::check(row.value()).unwrap();
        assert_eq!(first.value(), chunk.entry(0).key);
        for entry in (0..chunk.len()).map(|i| chunk.entry(i)) {
            assert!(last.as_deref() < Some(entry.key) && entry.value.is_some());
            last = Some(entry.key.to_vec());
        }
        bytes += row.value().len() as u64;
        chunks += 1;
    }
    let meta = transaction.open_table(META).unwrap();
    assert_eq!(meta.get("base").unwrap().unwrap().value(), bytes.to_le_bytes());
    chunks
}
