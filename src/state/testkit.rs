//! A disk that fails when told.

use redb::{BackendError, StorageBackend};
use std::io;
use std::ops::Bound;
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
