//! Standard input, line by line.

use super::line::{Cutter, Line, LineBlock, Pool};
use super::{Error, Position, Read, Source, Split, SplitReader};
use crate::time::Timestamp;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether this process has begun to read its standard input.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// Brings the lines of standard input, as they come.
///
/// Shape: one split, "stdin", that ends when its writer closes it; the last line counts without a line end.
///
/// Guarantee: not replayable. What was read is gone, so a job that restarts after its first line fails with an error that
/// says so, rather than going on with a gap.
///
/// ```
/// use millstream::connector::{Source, StdinSource};
///
/// assert_eq!(StdinSource::lines().splits()?[0].id(), "stdin");
/// # Ok::<(), millstream::connector::Error>(())
/// ```
#[derive(Default)]
pub struct StdinSource {
    pool: Arc<Pool>,
}

impl StdinSource {
    /// Brings the lines of standard input.
    pub fn lines() -> Self {
        Self::default()
    }
}

impl Source for StdinSource {
    type Record = Line;
    type Block = LineBlock;

    fn describe(&self) -> String {
        "standard input".to_owned()
    }

    fn splits(&self) -> Result<Vec<Split>, Error> {
        Ok(vec![Split::new("stdin")])
    }

    fn open(&self, _: &Split, position: Option<&Position>) -> Result<Box<dyn SplitReader<Block = LineBlock>>, Error> {
        Ok(Box::new(open(&self.pool, position)?))
    }

    fn decode(&self, block: LineBlock, emit: &mut dyn FnMut(Line, Timestamp)) {
        block.decode(emit);
    }
}

/// Opens this process' standard input.
///
/// # Errors
/// If something of it was read before.
pub(crate) fn open(pool: &Arc<Pool>, position: Option<&Position>) -> Result<StdinReader, Error> {
    if position.is_some() || BEGUN.load(Ordering::SeqCst) {
        return Err(read_again());
    }
    Ok(StdinReader::new(Box::new(io::stdin()), &BEGUN, pool))
}

fn read_again() -> Error {
    let message = "standard input cannot be read again, and something was read from it before this start; \
                   put the input into a file, or start with a new state directory";
    Error::user(message)
}

/// Reads lines of a stream that cannot go back.
pub(crate) struct StdinReader {
    input: Box<dyn io::Read + Send>,
    cutter: Cutter,
    /// Shared by all readers of the stream: set by the first that reads.
    begun: &'static AtomicBool,
    reading: bool,
}

impl StdinReader {
    fn new(input: Box<dyn io::Read + Send>, begun: &'static AtomicBool, pool: &Arc<Pool>) -> Self {
        let cutter = Cutter::new(Arc::clone(pool), "stdin".into(), 0);
        StdinReader { input, cutter, begun, reading: false }
    }
}

impl SplitReader for StdinReader {
    type Block = LineBlock;

    fn read(&mut self) -> Result<Read<LineBlock>, Error> {
        if !self.reading && self.begun.swap(true, Ordering::SeqCst) {
            return Err(read_again());
        }
        self.reading = true;
        let block = self.cutter.fill(&mut self.input, false)?.or_else(|| self.cutter.rest());
        Ok(block.map_or(Read::End, |block| {
            let offset = block.end_offset();
            Read::Block(block, Position::new(offset))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::texts;
    use super::*;
    use crate::fault::{Fault, Faulty};

    fn reader(text: &'static str, begun: &'static AtomicBool) -> StdinReader {
        StdinReader::new(Box::new(text.as_bytes()), begun, &Arc::default())
    }

    #[test]
    fn it_brings_all_lines_and_ends() {
        static BEGUN: AtomicBool = AtomicBool::new(false);
        let mut reader = reader("a\nb", &BEGUN);
        let mut seen = Vec::new();
        while let Read::Block(block, _) = reader.read().unwrap() {
            seen.append(&mut texts(block));
        }
        assert_eq!(seen, ["a", "b"]);
    }

    #[test]
    fn it_is_not_read_twice() {
        static BEGUN: AtomicBool = AtomicBool::new(false);
        let (mut first, mut second) = (reader("a\n", &BEGUN), reader("b\n", &BEGUN));
        first.read().unwrap();
        let error = second.read().unwrap_err();
        assert_eq!(error.fault(), Fault::User);
        assert!(error.to_string().contains("cannot be read again"), "{error}");
        first.read().unwrap();
    }

    #[test]
    fn it_refuses_a_position() {
        let source = StdinSource::lines();
        let error = source.open(&Split::new("stdin"), Some(&Position::new(2))).map(|_| ()).unwrap_err();
        assert!(error.to_string().starts_with("standard input cannot be read again"), "{error}");
    }
}
