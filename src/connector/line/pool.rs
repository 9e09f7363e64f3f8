//! Buffers that are used again.

use crate::connector::files::lock;
use std::sync::Mutex;

/// The size of a buffer, and so of a block.
pub(crate) const BLOCK_BYTES: usize = 256 * 1024;
/// How many free buffers are kept at most.
const FREE_BUFFERS: usize = 64;

/// Free buffers of one source.
#[derive(Default)]
pub(crate) struct Pool {
    free: Mutex<Vec<Vec<u8>>>,
}

impl Pool {
    /// A buffer of [`BLOCK_BYTES`], with old content.
    pub(super) fn get(&self) -> Vec<u8> {
        lock(&self.free).pop().unwrap_or_else(|| vec![0; BLOCK_BYTES])
    }

    /// Takes a buffer back, whose end may have been cut off; one that was grown for a long line is freed.
    pub(super) fn put(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() != BLOCK_BYTES {
            return;
        }
        buffer.resize(BLOCK_BYTES, 0);
        let mut free = lock(&self.free);
        if free.len() < FREE_BUFFERS {
            free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::line::Cutter;
    use std::sync::Arc;

    #[test]
    fn a_buffer_comes_back_when_the_last_line_of_its_chunk_goes() {
        let pool = Arc::new(Pool::default());
        let mut cutter = Cutter::new(Arc::clone(&pool), "a".into(), 0);
        let mut lines = Vec::new();
        let block = cutter.fill(&mut &b"a\nb\n"[..], true).unwrap().unwrap();
        block.decode(&mut |line, _| lines.push(line));
        lines.pop();
        assert_eq!(lock(&pool.free).len(), 0);
        lines.pop();
        assert_eq!(lock(&pool.free).len(), 1);
    }

    #[test]
    fn the_pool_is_bounded_and_keeps_no_grown_buffer() {
        let pool = Pool::default();
        pool.put(vec![0; 2 * BLOCK_BYTES]);
        assert_eq!(lock(&pool.free).len(), 0);
        for _ in 0..2 * FREE_BUFFERS {
            pool.put(vec![0; BLOCK_BYTES]);
        }
        assert_eq!(lock(&pool.free).len(), FREE_BUFFERS);
    }
}
