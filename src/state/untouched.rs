//! A file that a database may change as it likes, and that stays as it is.
//!
//! A database that was not closed is repaired when it is opened, and an open one is marked as such in its file. Who only
//! looks must do neither, nor need as much room again for a copy. So what is written stays in memory, in blocks that lie
//! before the file's.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, MutexGuard, PoisonError};

const BLOCK: u64 = 4096;

/// The file, seen through what has been written since.
#[derive(Debug)]
pub(super) struct Untouched(Mutex<Layer>);

#[derive(Debug)]
struct Layer {
    file: File,
    /// How many of the file's bytes are still to be seen: all but those that were once cut off.
    seen: u64,
    length: u64,
    /// Blocks that have been written to, by number.
    blocks: BTreeMap<u64, Box<[u8]>>,
}

impl Untouched {
    /// * `length`: the file's.
    pub(super) fn new(file: File, length: u64) -> Self {
        Untouched(Mutex::new(Layer { file, seen: length, length, blocks: BTreeMap::new() }))
    }

    fn layer(&self) -> MutexGuard<'_, Layer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Layer {
    /// Fills `out` from the file, and with zeros behind its end.
    fn read_file(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = self.seen.saturating_sub(offset).min(out.len() as u64) as usize;
        let (from_file, behind) = out.split_at_mut(there);
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(from_file)?;
        behind.fill(0);
        Ok(())
    }

    /// The blocks that a range lies in: number, where in the block it begins, and how many bytes of it lie there.
    fn pieces(mut offset: u64, mut length: usize) -> impl Iterator<Item = (u64, usize, usize)> {
        std::iter::from_fn(move || {
            let (number, begin) = (offset / BLOCK, (offset % BLOCK) as usize);
            let here = length.min(BLOCK as usize - begin);
            offset += here as u64;
            length -= here;
            (here > 0).then_some((number, begin, here))
        })
    }
}

impl redb::StorageBackend for Untouched {
    fn len(&self) -> io::Result<u64> {
        Ok(self.layer().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut layer = self.layer();
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > layer.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        layer.read_file(offset, out)?;
        let mut rest = out;
        for (number, begin, here) in Layer::pieces(offset, rest.len()) {
            let (piece, behind) = rest.split_at_mut(here);
            if let Some(block) = layer.blocks.get(&number) {
                piece.copy_from_slice(&block[begin..begin + here]);
            }
            rest = behind;
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut layer = self.layer();
        layer.length = length;
        layer.seen = layer.seen.min(length);
        let cut = layer.blocks.split_off(&length.div_ceil(BLOCK));
        drop(cut);
        if let Some(block) = layer.blocks.get_mut(&(length / BLOCK)) {
            block[(length % BLOCK) as usize..].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut layer = self.layer();
        let mut rest = data;
        for (number, begin, here) in Layer::pieces(offset, data.len()) {
            let (piece, behind) = rest.split_at(here);
            if !layer.blocks.contains_key(&number) {
                let mut block = vec![0; BLOCK as usize].into_boxed_slice();
                layer.read_file(number * BLOCK, &mut block)?;
                layer.blocks.insert(number, block);
            }
            if let Some(block) = layer.blocks.get_mut(&number) {
                block[begin..begin + here].copy_from_slice(piece);
            }
            rest = behind;
        }
        layer.length = layer.length.max(offset + data.len() as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use redb::StorageBackend;
    use std::fs;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn it_is_seen_as_if_the_file_had_changed_which_has_not(
            steps in vec((any::<bool>(), 0..20_000_usize, 1..9000_usize, any::<u8>()), 1..12)
        ) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("file");
            let before: Vec<u8> = (0..10_000_u32).map(|n| n as u8).collect();
            fs::write(&path, &before).unwrap();
            let seen = Untouched::new(File::open(&path).unwrap(), 10_000);
            let mut model = before.clone();
            for (cuts, at, length, byte) in steps {
                if cuts {
                    seen.set_len(at as u64).unwrap();
                    model.resize(at, 0);
                } else {
                    let end = at + length;
                    model.resize(model.len().max(end), 0);
                    model[at..end].fill(byte);
                    seen.write(at as u64, &vec![byte; length]).unwrap();
                }
                let mut found = vec![1; seen.len().unwrap() as usize];
                seen.read(0, &mut found).unwrap();
                prop_assert!(found == model);
                prop_assert!(seen.read(1, &mut found).is_err() || found.is_empty());
            }
            prop_assert_eq!(fs::read(&path).unwrap(), before);
        }
    }
}
