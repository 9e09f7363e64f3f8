//! Files of text, read line by line: once, at a rate, or followed as they grow.
//!
//! Invariants:
//! * a position stands behind a whole line, and only lines before it have been handed out;
//! * a position carries a fingerprint of the file's first bytes, so that reading goes on in the same text or not at all;
//! * a followed file is also known by device and inode, so that it is found again after it was rotated away.

mod follow;
mod paths;
mod position;
mod reader;

use super::line::{Line, LineBlock, Pool};
use super::pacer::Pacer;
use super::{Error, Position, Read, Source, Split, SplitReader, stdin};
use crate::time::Timestamp;
use paths::Picks;
use position::FilePosition;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A path that means standard input.
const STDIN: &str = "-";
/// How many lines of one block are granted at once at most, where there is a rate.
const GRANT_LINES: usize = 8192;

/// Brings the lines of files.
///
/// Shape: one split per file, in the order given; its lines in order, as [`Line`]s without event time. Files compressed
/// with gzip (known by their first bytes) are decompressed. The last line counts without a line end, but for followed
/// files, where it waits for one.
///
/// * A path that does not exist and contains `*`, `?` or `[` is a pattern; it stands for all files that match, sorted.
/// * `-` is standard input (see [`StdinSource`](super::StdinSource)).
///
/// Guarantee: replayable. After a restart reading goes on behind the last line of the checkpoint; a file that is then
/// shorter, or begins differently, is refused. Named pipes and `-` cannot be read again, and say so.
///
/// ```
/// use millstream::connector::{FileSource, Read, Source};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("access.log");
/// std::fs::write(&path, "GET /\nGET /about\n").unwrap();
/// let source = FileSource::lines([path]);
/// let mut reader = source.open(&source.splits()?[0], None)?;
/// let Read::Block(block, _) = reader.read()? else { unreachable!() };
/// let mut lines = Vec::new();
/// source.decode(block, &mut |line, _| lines.push(line));
/// assert_eq!(lines[1].bytes(), b"GET /about");
/// assert_eq!(lines[1].offset(), 6);
/// # Ok::<(), millstream::connector::Error>(())
/// ```
pub struct FileSource {
    paths: Vec<PathBuf>,
    follow: bool,
    enter: bool,
    picks: Arc<Picks>,
    pacer: Option<Arc<Pacer>>,
    pool: Arc<Pool>,
}

impl FileSource {
    /// Brings the lines of these files. They are looked for when the job starts.
    pub fn lines(paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        let paths = paths.into_iter().map(Into::into).collect();
        FileSource { paths, follow: false, enter: false, picks: Arc::new(|_| true), pacer: None, pool: Arc::default() }
    }

    /// Follows the files as they grow, like `tail -F`, without end.
    ///
    /// A file that is renamed is read to its end (until it has been silent for half a second), then the new one at its
    /// path from its start. A file that is truncated is read from its start again, with a warning; it is noticed when it
    /// is shorter or begins differently than what was read. A file that does not exist yet is waited for, with a warning.
    /// After a restart a file that was renamed meanwhile is looked for in its directory and finished first; where it is
    /// gone, a warning says what may be lost. Compressed files and named pipes cannot be followed.
    #[must_use]
    pub fn follow(mut self) -> Self {
        self.follow = true;
        self
    }

    /// Takes a directory for the files in it and below it, sorted, but for those whose names begin with `.` or `_`; else it
    /// is refused. One that is to be followed is refused all the same: which files it will have is not known.
    #[must_use]
    pub fn directories(mut self) -> Self {
        self.enter = true;
        self
    }

    /// Takes only some of the files that are found in directories and by patterns; a file that is given by its name is taken
    /// anyhow.
    ///
    /// * `picks`: is given the absolute path of each.
    #[must_use]
    pub fn only(mut self, picks: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.picks = Arc::new(picks);
        self
    }

    /// Brings this many lines per second, all files together.
    ///
    /// * `lines_per_second`: above 0; may be a fraction.
    #[must_use]
    pub fn rate(mut self, lines_per_second: impl Into<f64>) -> Self {
        self.pacer = Some(Arc::new(Pacer::new(lines_per_second.into())));
        self
    }
}

impl Source for FileSource {
    type Record = Line;
    type Block = LineBlock;

    fn describe(&self) -> String {
        let names: Vec<_> = self.paths.iter().map(|path| path.display().to_string()).collect();
        format!("files {}", names.join(", "))
    }

    fn splits(&self) -> Result<Vec<Split>, Error> {
        self.pacer.as_ref().map_or(Ok(()), |pacer| pacer.check(&self.describe()))?;
        paths::expand(&self.paths, self.follow, self.enter, &*self.picks)
    }

    fn open(
        &self,
        split: &Split,
        position: Option<&Position>,
    ) -> Result<Box<dyn SplitReader<Block = LineBlock>>, Error> {
        let blocks: Box<dyn Blocks> = if split.id() == STDIN {
            Box::new(stdin::open(&self.pool, position)?)
        } else {
            let path = Path::new(split.id());
            let position = position.map(Position::read::<FilePosition>).transpose()?;
            if self.follow {
                Box::new(follow::FollowReader::open(path, split.id(), &self.pool, position)?)
            } else {
                Box::new(reader::WholeReader::open(path, split.id(), &self.pool, position)?)
            }
        };
        Ok(Box::new(FileReader { blocks, pacer: self.pacer.clone(), pending: None }))
    }

    fn decode(&self, block: LineBlock, emit: &mut dyn FnMut(Line, Timestamp)) {
        block.decode(emit);
    }
}

/// One step of reading, with the position not yet in its stored form.
enum Step {
    Block(LineBlock, FilePosition),
    Wait(Duration),
    End,
}

/// Reads blocks as fast as it can.
trait Blocks: Send {
    fn next(&mut self) -> Result<Step, Error>;
}

impl Blocks for stdin::StdinReader {
    fn next(&mut self) -> Result<Step, Error> {
        Ok(match self.read()? {
            Read::Block(block, _) => {
                let position = FilePosition::unchecked(block.end_offset());
                Step::Block(block, position)
            }
            Read::Wait(wait) => Step::Wait(wait),
            Read::End => Step::End,
        })
    }
}

/// Hands blocks out, cut to what the rate allows.
struct FileReader {
    blocks: Box<dyn Blocks>,
    pacer: Option<Arc<Pacer>>,
    /// What was read and may not go yet, with the position behind it.
    pending: Option<(LineBlock, FilePosition)>,
}

impl SplitReader for FileReader {
    type Block = LineBlock;

    fn read(&mut self) -> Result<Read<LineBlock>, Error> {
        let (mut block, position) = match self.pending.take() {
            Some(pending) => pending,
            None => match self.blocks.next()? {
                Step::Block(block, position) => (block, position),
                Step::Wait(wait) => return Ok(Read::Wait(wait)),
                Step::End => return Ok(Read::End),
            },
        };
        let Some(pacer) = &self.pacer else {
            return Ok(Read::Block(block, Position::new(position)));
        };
        match pacer.take(GRANT_LINES) {
            Err(wait) => {
                self.pending = Some((block, position));
                Ok(Read::Wait(wait))
            }
            Ok(granted) => {
                let (taken, lines) = block.take_lines(granted);
                pacer.give_back(granted - lines);
                let behind = position.at(taken.end_offset());
                self.pending = (!block.is_empty()).then_some((block, position));
                Ok(Read::Block(taken, Position::new(behind)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::texts;
    use super::*;
    use crate::time::{Clock, ManualClock, millis};
    use std::fs;

    #[test]
    fn a_rate_cuts_blocks_and_their_positions_hold() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        let lines: Vec<_> = (0..100).map(|n| format!("line {n}")).collect();
        fs::write(&path, lines.join("\n")).unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let mut source = FileSource::lines([&path]);
        source.pacer = Some(Arc::new(Pacer::with_clock(1_000.0, clock.clone())));
        let split = source.splits().unwrap().remove(0);
        let (mut reader, mut seen) = (source.open(&split, None).unwrap(), Vec::new());
        loop {
            match reader.read().unwrap() {
                Read::Block(block, position) => {
                    let mut block = texts(block);
                    assert!(block.len() <= 10, "{} lines in one block", block.len());
                    seen.append(&mut block);
                    reader = source.open(&split, Some(&position)).unwrap();
                }
                Read::Wait(wait) => {
                    assert!(wait <= millis(10), "waits {wait:?}");
                    clock.advance(wait);
                }
                Read::End => break,
            }
        }
        assert_eq!(seen, lines);
        // The last line has no end and comes in a block of its own, at its own grant.
        assert!((100..=110).contains(&clock.now().millis()), "took {}", clock.now());
    }

    #[test]
    fn a_rate_of_nothing_is_refused_by_name() {
        let error = FileSource::lines(["a.log"]).rate(0).splits().unwrap_err();
        assert!(error.to_string().contains("files a.log"), "{error}");
    }

    #[test]
    fn standard_input_is_one_of_the_files() {
        let source = FileSource::lines([STDIN]);
        assert_eq!(source.splits().unwrap(), [Split::new(STDIN)]);
        let position = Position::new(FilePosition::unchecked(2));
        let error = source.open(&Split::new(STDIN), Some(&position)).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("cannot be read again"), "{error}");
    }
}
