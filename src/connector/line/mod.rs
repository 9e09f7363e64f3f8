//! Lines of text as cheap handles into the chunk of input they were read in.
//!
//! A [`Line`] is a range in a shared chunk of some 256 KiB, so that making one copies and allocates nothing. Invariants:
//! * a chunk holds whole lines only (the last one of a file may lack its line end);
//! * when the last line of a chunk is dropped, its buffer goes back to the source's pool: fresh memory of that size would
//!   cost a page fault every 4 KiB;
//! * so a line kept for long keeps its whole chunk: keep what you parsed, or a copy of the bytes;
//! * whether a chunk is UTF-8 is found out once, not line by line.

mod cutter;
mod pool;
mod stored;

pub(crate) use cutter::Cutter;
pub(crate) use pool::Pool;

use crate::time::Timestamp;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A piece of input in memory.
struct Chunk {
    content: Content,
    /// Where in the input its first byte stood.
    offset: u64,
    file: Arc<str>,
    pool: Arc<Pool>,
}

/// The bytes of a chunk.
enum Content {
    /// All of them are UTF-8.
    Text(String),
    /// Nobody has looked, or they are not.
    Bytes(Vec<u8>),
}

impl Content {
    /// The first `length` bytes of a buffer at least.
    fn new(mut buffer: Vec<u8>, length: usize) -> Self {
        // Who uses the buffer again has to fill what is cut off here.
        if 2 * length < buffer.len() {
            return Content::Bytes(buffer);
        }
        buffer.truncate(length);
        String::from_utf8(buffer).map_or_else(|error| Content::Bytes(error.into_bytes()), Content::Text)
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Content::Text(text) => text.as_bytes(),
            Content::Bytes(bytes) => bytes,
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        let buffer = match &mut self.content {
            Content::Text(text) => std::mem::take(text).into_bytes(),
            Content::Bytes(bytes) => std::mem::take(bytes),
        };
        self.pool.put(buffer);
    }
}

/// A line of text, without its line end (`\n` or `\r\n`).
///
/// Cloning costs a reference count. It keeps the chunk in which it was read (some 256 KiB) in memory: parse it, or copy
/// its bytes, before keeping it for long.
///
/// ```
/// use millstream::connector::{Line, Read, Source, StdinSource};
///
/// fn words(line: &Line) -> usize {
///     line.text().split_whitespace().count()
/// }
/// # let _ = (words, StdinSource::lines().describe());
/// ```
#[derive(Clone)]
pub struct Line {
    chunk: Arc<Chunk>,
    start: u32,
    length: u32,
}

impl Line {
    /// Its bytes, whatever their encoding.
    pub fn bytes(&self) -> &[u8] {
        &self.chunk.content.bytes()[self.range()]
    }

    /// Its text, borrowed if it is UTF-8; otherwise a copy in which what is no UTF-8 is replaced by U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.chunk.content {
            Content::Text(text) => Cow::Borrowed(&text[self.range()]),
            Content::Bytes(bytes) => String::from_utf8_lossy(&bytes[self.range()]),
        }
    }

    fn range(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.length as usize
    }

    /// The file it came from, as it was given to the source; "stdin" for standard input.
    pub fn path(&self) -> &str {
        &self.chunk.file
    }

    /// Where its first byte stands in the file, in bytes from the start; in a compressed file, in what comes out of it.
    pub fn offset(&self) -> u64 {
        self.chunk.offset + u64::from(self.start)
    }

    /// Whether nothing stands on the line.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}:{}", self.text(), self.path(), self.offset())
    }
}

/// Whole lines, not yet taken apart: what a reader of lines hands to its decoder.
pub struct LineBlock {
    chunk: Arc<Chunk>,
    start: usize,
    end: usize,
}

impl fmt::Debug for LineBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of {} at {}", self.end - self.start, self.chunk.file, self.offset())
    }
}

impl LineBlock {
    /// Where the byte behind the block stands in the file.
    pub(crate) fn end_offset(&self) -> u64 {
        self.chunk.offset + self.end as u64
    }

    /// Where its first byte stands in the file.
    pub(crate) fn offset(&self) -> u64 {
        self.chunk.offset + self.start as u64
    }

    /// All its bytes, line ends included.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.chunk.content.bytes()[self.start..self.end]
    }

    /// Takes the first `max` (at least one) lines off; returns them and how many they are. What is left may be empty.
    pub(crate) fn take_lines(&mut self, max: usize) -> (LineBlock, usize) {
        let (mut lines, mut end) = (0, self.end);
        for newline in memchr::memchr_iter(b'\n', self.bytes()) {
            lines += 1;
            if lines == max {
                end = self.start + newline + 1;
                break;
            }
        }
        if end == self.end && self.bytes().last() != Some(&b'\n') {
            lines += 1;
        }
        let taken = LineBlock { chunk: Arc::clone(&self.chunk), start: self.start, end };
        self.start = end;
        (taken, lines)
    }

    /// Whether nothing is left in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Calls `emit` with each line, in order, without an event time.
    pub(crate) fn decode(self, emit: &mut dyn FnMut(Line, Timestamp)) {
        let LineBlock { chunk, start, end } = self;
        let bytes = &chunk.content.bytes()[..end];
        let mut line = |from: usize, to: usize| {
            let to = if to > from && bytes[to - 1] == b'\r' { to - 1 } else { to };
            // Chunks are limited to less than 4 GiB by the cutter.
            let record = Line { chunk: Arc::clone(&chunk), start: from as u32, length: (to - from) as u32 };
            emit(record, Timestamp::MIN);
        };
        let mut from = start;
        for newline in memchr::memchr_iter(b'\n', &bytes[start..]) {
            line(from, start + newline);
            from = start + newline + 1;
        }
        if from < end {
            line(from, end);
        }
    }
}

#[cfg(test)]
pub(crate) fn texts(block: LineBlock) -> Vec<String> {
    let mut texts = Vec::new();
    block.decode(&mut |line, _| texts.push(line.text().into_owned()));
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> LineBlock {
        let mut cutter = Cutter::new(Arc::new(Pool::default()), "a.log".into(), 100);
        let mut input = text.as_bytes();
        cutter.fill(&mut input, true).unwrap().or_else(|| cutter.rest()).unwrap()
    }

    #[test]
    fn a_line_knows_its_bytes_and_where_they_stood() {
        let mut lines = Vec::new();
        block("ada\n\r\nbob\r\n\n").decode(&mut |line, _| lines.push(line));
        let seen: Vec<_> = lines.iter().map(|line| (line.bytes(), line.offset())).collect();
        assert_eq!(seen, [(&b"ada"[..], 100), (b"", 104), (b"bob", 106), (b"", 111)]);
        assert!(lines[1].is_empty() && lines[0].path() == "a.log");
        assert_eq!(format!("{:?}", lines[2]), "\"bob\" at a.log:106");
    }

    #[test]
    fn bytes_that_are_no_text_survive() {
        let mut cutter = Cutter::new(Arc::new(Pool::default()), "a".into(), 0);
        let block = cutter.fill(&mut &b"\xff\xfe\n"[..], true).unwrap().unwrap();
        block.decode(&mut |line, _| {
            assert_eq!(line.bytes(), b"\xff\xfe");
            assert_eq!(line.text(), "\u{fffd}\u{fffd}");
        });
    }

    #[test]
    fn the_text_of_a_line_is_the_same_whether_or_not_its_whole_block_is_text() {
        let text: String = (0..40_000).map(|n| format!("línea {n}\r\n")).collect();
        let mut broken = text.clone().into_bytes();
        broken.extend_from_slice(b"\xff\n");
        for bytes in [text.as_bytes(), &broken, "á\n".as_bytes()] {
            let (mut cutter, mut input) = (Cutter::new(Arc::new(Pool::default()), "a".into(), 0), bytes);
            let mut lines = Vec::new();
            while let Some(block) = cutter.fill(&mut input, true).unwrap() {
                lines.append(&mut texts(block));
            }
            assert_eq!(lines, String::from_utf8_lossy(bytes).lines().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_block_is_taken_apart_by_lines() {
        let mut block = block("a\nb\nc\n");
        let (first, lines) = block.take_lines(2);
        assert_eq!((lines, first.end_offset()), (2, 104));
        assert_eq!(texts(first), ["a", "b"]);
        let (second, lines) = block.take_lines(2);
        assert_eq!((lines, texts(second)), (1, vec!["c".to_owned()]));
        assert!(block.is_empty());
    }

    #[test]
    fn a_last_line_without_an_end_counts_as_one() {
        let (taken, lines) = block("ada").take_lines(5);
        assert_eq!((lines, texts(taken)), (1, vec!["ada".to_owned()]));
    }
}
