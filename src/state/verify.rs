//! Reading a whole state file to see whether it is what was written.

use super::disk::{BASE, Disk, check};
use super::{Error, Identity, StoreOptions, Survives};
use crate::record::Epoch;
use redb::ReadableTable as _;
use std::path::Path;

/// Reads a whole state file: every page and every chunk must have its checksum, and what `epoch` needs must be there.
/// Changes nothing but what every opening does after a crash. Blocks for as long as it takes to read all of it.
///
/// * `written`: as for [`Store::open`](super::Store::open).
///
/// ```
/// use millstream::record::Epoch;
/// use millstream::state::{Identity, Store, StoreOptions, Survives, verify};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("0.redb");
/// let identity = Identity { job_id: 1, uid: "count".into(), subtask: 0, generation: 0 };
/// drop(Store::create(&path, &identity, StoreOptions::default())?);
/// verify(&path, &identity, Epoch::ZERO, Epoch::ZERO, Survives::PowerLoss)?;
/// std::fs::write(&path, "something else")?;
/// let error = verify(&path, &identity, Epoch::ZERO, Epoch::ZERO, Survives::PowerLoss).unwrap_err();
/// assert!(error.to_string().contains("0.redb: is damaged or no state file"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// What [`Store::open`](super::Store::open) would say; [`Error::Corrupt`] also for damage that it would not meet at once, and
/// for a file that is not there.
pub fn verify(path: &Path, identity: &Identity, epoch: Epoch, written: Epoch, survives: Survives) -> Result<(), Error> {
    if !path.exists() {
        return Err(Error::corrupt(path, "the file is missing"));
    }
    let disk = Disk::open(path, identity, &StoreOptions { survives, ..StoreOptions::default() })?;
    disk.file.check_integrity()?;
    let found = disk.survey(epoch)?;
    if found.newest < written {
        return Err(Error::Stale { path: path.to_owned(), newest: found.newest, written });
    }
    disk.file.read(|transaction| {
        for row in transaction.open_table(BASE)?.iter()? {
            let (first, bytes) = row?;
            if check(bytes.value())?.entry(0).key != first.value() {
                return Err(redb::Error::Corrupted("a chunk of the table `base` lies in another one's place".into()));
            }
        }
        Ok(())
    })
}
