//! Cuts a stream of bytes into blocks of whole lines.

use super::pool::{BLOCK_BYTES, Pool};
use super::{Chunk, Content, LineBlock};
use crate::connector::Error;
use memchr::memrchr;
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// The longest line that is read.
const LINE_LIMIT: usize = 64 * 1024 * 1024;

/// Reads blocks, cuts each behind its last line end, and keeps the rest for the next.
///
/// The buffer keeps its whole length initialised; `filled` says how much of it counts. What is kept between two calls
/// holds no line end.
pub(crate) struct Cutter {
    pool: Arc<Pool>,
    file: Arc<str>,
    buffer: Vec<u8>,
    filled: usize,
    /// Where in the input the buffer's first byte stands.
    offset: u64,
}

impl Cutter {
    /// A cutter for an input called `file` that stands at `offset`.
    pub(crate) fn new(pool: Arc<Pool>, file: Arc<str>, offset: u64) -> Self {
        let buffer = pool.get();
        Cutter { pool, file, buffer, filled: 0, offset }
    }

    /// Where the next byte is to be read from.
    pub(crate) fn read_offset(&self) -> u64 {
        self.offset + self.filled as u64
    }

    /// Reads on; returns the next block, or `None` when the input has no more bytes and no whole line is left.
    ///
    /// * `full`: read until the block is full or the input ends, rather than until there is a line.
    ///
    /// # Errors
    /// If the input cannot be read, or a line is longer than 64 MiB.
    pub(crate) fn fill(&mut self, input: &mut dyn io::Read, full: bool) -> Result<Option<LineBlock>, Error> {
        let mut last_end = None;
        while full || last_end.is_none() {
            if self.filled == self.buffer.len() {
                if last_end.is_some() {
                    break;
                }
                self.grow()?;
            }
            let read = match input.read(&mut self.buffer[self.filled..]) {
                Ok(0) => break,
                Ok(read) => read,
                Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
                // Lines that came before the error are handed out; the error is met again.
                Err(_) if last_end.is_some() => break,
                Err(cause) => return Err(self.unreadable(cause)),
            };
            let new = &self.buffer[self.filled..self.filled + read];
            last_end = memrchr(b'\n', new).map(|at| self.filled + at + 1).or(last_end);
            self.filled += read;
        }
        Ok(last_end.map(|end| self.cut(end)))
    }

    /// What stands behind the last line end, as a block of one line; `None` if nothing does.
    pub(crate) fn rest(&mut self) -> Option<LineBlock> {
        (self.filled > 0).then(|| self.cut(self.filled))
    }

    fn cut(&mut self, end: usize) -> LineBlock {
        let rest = self.filled - end;
        let mut next = self.pool.get();
        if rest > next.len() {
            next.resize(rest, 0);
        }
        next[..rest].copy_from_slice(&self.buffer[end..self.filled]);
        let buffer = std::mem::replace(&mut self.buffer, next);
        let (file, pool) = (Arc::clone(&self.file), Arc::clone(&self.pool));
        let chunk = Chunk { content: Content::new(buffer, end), offset: self.offset, file, pool };
        self.offset += end as u64;
        self.filled = rest;
        LineBlock { chunk: Arc::new(chunk), start: 0, end }
    }

    fn grow(&mut self) -> Result<(), Error> {
        if self.filled >= LINE_LIMIT {
            let message = format!(
                "the line at byte {} of {} is longer than {} MiB; is this a text file?",
                self.offset,
                self.file,
                LINE_LIMIT >> 20
            );
            return Err(Error::user(message));
        }
        self.buffer.resize((self.buffer.len() * 2).clamp(BLOCK_BYTES, LINE_LIMIT), 0);
        Ok(())
    }

    fn unreadable(&self, cause: io::Error) -> Error {
        let what = format!("cannot read {} behind byte {}", self.file, self.read_offset());
        match cause.kind() {
            // Only a decompressor says so.
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
                Error::user(format!("{what}: {cause}; the compressed file is damaged or incomplete"))
            }
            _ => Error::io(what, cause),
        }
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.pool.put(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::super::texts;
    use super::*;
    use crate::fault::{Fault, Faulty};
    use std::io::Read;

    fn cutter() -> Cutter {
        Cutter::new(Arc::new(Pool::default()), "a.log".into(), 0)
    }

    /// Gives one piece per call, then nothing.
    struct Pieces(Vec<&'static [u8]>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn blocks_are_cut_at_line_ends_and_lose_nothing() {
        let text: String = (0..100_000).map(|n| format!("line {n}\n")).collect();
        let (mut cutter, mut input, mut seen, mut end) = (cutter(), text.as_bytes(), Vec::new(), 0);
        while let Some(block) = cutter.fill(&mut input, true).unwrap() {
            assert_eq!(block.offset(), end);
            end = block.end_offset();
            seen.append(&mut texts(block));
        }
        assert_eq!(end, text.len() as u64);
        assert_eq!(seen, text.lines().collect::<Vec<_>>());
        assert!(cutter.rest().is_none());
    }

    #[test]
    fn a_line_that_comes_in_pieces_waits_for_its_end() {
        let mut cutter = cutter();
        let mut input = Pieces(vec![b"a\nbo", b"b\n", b"c"]);
        assert_eq!(texts(cutter.fill(&mut input, false).unwrap().unwrap()), ["a"]);
        assert_eq!(texts(cutter.fill(&mut input, false).unwrap().unwrap()), ["bob"]);
        assert!(cutter.fill(&mut input, false).unwrap().is_none());
        assert_eq!(cutter.read_offset(), 7);
        assert_eq!(texts(cutter.rest().unwrap()), ["c"]);
    }

    #[test]
    fn a_line_longer_than_a_block_grows_the_buffer() {
        let long = "x".repeat(BLOCK_BYTES * 3);
        let text = format!("a\n{long}\nb\n");
        let (mut cutter, mut input, mut seen) = (cutter(), text.as_bytes(), Vec::new());
        while let Some(block) = cutter.fill(&mut input, true).unwrap() {
            seen.append(&mut texts(block));
        }
        assert_eq!(seen, ["a", &long, "b"]);
    }

    #[test]
    fn a_line_without_an_end_in_sight_is_refused_by_file_and_offset() {
        let mut input = b"a\n".chain(io::repeat(b'x'));
        let mut cutter = cutter();
        cutter.fill(&mut input, true).unwrap();
        let error = cutter.fill(&mut input, true).map(|_| ()).unwrap_err();
        assert_eq!(error.fault(), Fault::User);
        assert!(error.to_string().contains("the line at byte 2 of a.log"), "{error}");
    }

    #[test]
    fn lines_before_an_error_come_before_it() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("bad sector"))
            }
        }
        let mut input = b"a\n".chain(Broken);
        let mut cutter = cutter();
        assert_eq!(texts(cutter.fill(&mut input, true).unwrap().unwrap()), ["a"]);
        let error = cutter.fill(&mut input, true).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("a.log") && error.to_string().contains("bad sector"), "{error}");
    }
}
