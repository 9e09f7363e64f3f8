//! Reads a file to its end, decompressing it where it is compressed.

use super::position::{FilePosition, Head};
use super::{Blocks, Step};
use crate::connector::Error;
use crate::connector::files::read_up_to;
use crate::connector::line::{Cutter, Pool};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// How a gzip stream begins.
pub(super) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads a file once, from a position to its end.
pub(super) struct WholeReader {
    input: Input,
    cutter: Cutter,
    head: Head,
}

enum Input {
    Plain(File),
    /// Can only be read on: decompressed, or a pipe.
    Stream(Box<dyn Read + Send>),
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Input::Plain(file) => file.read(buffer),
            Input::Stream(stream) => stream.read(buffer),
        }
    }
}

impl Input {
    /// Opens a file at its start.
    fn open(path: &Path) -> io::Result<(Self, std::fs::Metadata)> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        let mut magic = [0; GZIP_MAGIC.len()];
        let length = read_up_to(&mut file, &mut magic)?;
        let compressed = magic == GZIP_MAGIC;
        let input = if !metadata.is_file() {
            let whole = Cursor::new(magic).take(length as u64).chain(file);
            if compressed { Self::gzip(whole) } else { Input::Stream(Box::new(whole)) }
        } else {
            file.rewind()?;
            if compressed { Self::gzip(file) } else { Input::Plain(file) }
        };
        Ok((input, metadata))
    }

    fn gzip(input: impl Read + Send + 'static) -> Self {
        Input::Stream(Box::new(MultiGzDecoder::new(BufReader::with_capacity(64 * 1024, input))))
    }

    /// Goes from offset `from` to offset `to`, and returns where it came to: less if the input ends before.
    fn skip(&mut self, from: u64, to: u64) -> io::Result<u64> {
        match self {
            Input::Plain(file) if file.metadata()?.len() < to => Ok(file.metadata()?.len()),
            Input::Plain(file) => file.seek(SeekFrom::Start(to)),
            Input::Stream(stream) => Ok(from + io::copy(&mut stream.take(to - from), &mut io::sink())?),
        }
    }
}

impl WholeReader {
    /// Opens `path`, which messages and lines call `name`.
    ///
    /// # Errors
    /// If it cannot be opened, or is not what was read up to `position`.
    pub(super) fn open(
        path: &Path,
        name: &str,
        pool: &Arc<Pool>,
        position: Option<FilePosition>,
    ) -> Result<Self, Error> {
        let unreadable = |cause| Error::io(format_args!("cannot read {name}"), cause);
        let (mut input, metadata) = Input::open(path).map_err(unreadable)?;
        let offset = position.map_or(0, |position| position.offset);
        let mut head = Head::default();
        if let Some(position) = position {
            if !metadata.is_file() {
                let message =
                    format!("{name} is no regular file and cannot be read again; put its content into a file");
                return Err(Error::user(message));
            }
            let mut bytes = vec![0; Head::length_at(offset)];
            let length = read_up_to(&mut input, &mut bytes).map_err(unreadable)?;
            let reached = input.skip(length as u64, offset).map_err(unreadable)?;
            if reached < offset {
                let message = format!(
                    "{name} is shorter than what was read of it ({reached} of {offset} bytes); \
                     put the old file back, or start with a new state directory"
                );
                return Err(Error::user(message));
            }
            if !position.head.matches(&bytes) {
                let message = format!(
                    "{name} begins differently than the file that was read under this name; \
                     put the old file back, or start with a new state directory"
                );
                return Err(Error::user(message));
            }
            head = Head::new(bytes);
        }
        Ok(WholeReader { input, cutter: Cutter::new(Arc::clone(pool), name.into(), offset), head })
    }
}

impl Blocks for WholeReader {
    fn next(&mut self) -> Result<Step, Error> {
        let Some(block) = self.cutter.fill(&mut self.input, true)?.or_else(|| self.cutter.rest()) else {
            return Ok(Step::End);
        };
        self.head.extend(&block);
        let position = FilePosition { offset: block.end_offset(), head: self.head.fingerprint(), file: None };
        Ok(Step::Block(block, position))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::line::texts;
    use super::*;
    use crate::fault::{Fault, Faulty};
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::fs;
    use std::io::Write;
    use std::path::PathBuf;

    fn open(path: &Path, position: Option<FilePosition>) -> Result<WholeReader, Error> {
        WholeReader::open(path, "a.log", &Arc::default(), position)
    }

    /// Reads block by block, opening anew behind each, and returns the lines and the last position.
    fn drain_with_restarts(path: &Path) -> (Vec<String>, Option<FilePosition>) {
        let (mut seen, mut position) = (Vec::new(), None);
        while let Step::Block(block, behind) = open(path, position).unwrap().next().unwrap() {
            seen.append(&mut texts(block));
            position = Some(behind);
        }
        (seen, position)
    }

    fn lines() -> Vec<String> {
        (0..60_000).map(|n| format!("line number {n}")).collect()
    }

    fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        fs::write(&path, bytes).unwrap();
        (directory, path)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn refusal(path: &Path, position: FilePosition) -> String {
        let error = open(path, Some(position)).map(|_| ()).unwrap_err();
        assert_eq!(error.fault(), Fault::User, "{error}");
        error.to_string()
    }

    #[test]
    fn a_restart_behind_each_block_sees_each_line_once() {
        let (_directory, path) = file(lines().join("\n").as_bytes());
        assert_eq!(drain_with_restarts(&path).0, lines());
    }

    #[test]
    fn a_compressed_file_of_several_members_does_too() {
        let half = lines().len() / 2;
        let mut bytes = gzip(&(lines()[..half].join("\n") + "\n"));
        bytes.extend(gzip(&lines()[half..].join("\n")));
        let (_directory, path) = file(&bytes);
        assert_eq!(drain_with_restarts(&path).0, lines());
    }

    #[test]
    #[cfg(unix)]
    fn a_named_pipe_is_read_once() {
        for bytes in [b"a\nb\n".to_vec(), gzip("a\nb\n"), b"a".to_vec()] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("pipe");
            assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
            let (sent, to) = (bytes.clone(), path.clone());
            let writer = std::thread::spawn(move || fs::write(to, sent).unwrap());
            let Step::Block(block, position) = open(&path, None).unwrap().next().unwrap() else { panic!("no block") };
            writer.join().unwrap();
            assert_eq!(texts(block)[0], "a");
            let to = path.clone();
            let writer = std::thread::spawn(move || fs::write(to, bytes));
            assert!(refusal(&path, position).contains("cannot be read again"));
            // Whether it got rid of its bytes before the reader went is no matter.
            let _ = writer.join().unwrap();
        }
    }

    #[test]
    fn an_empty_file_ends_at_once() {
        let (_directory, path) = file(b"");
        assert!(matches!(open(&path, None).unwrap().next().unwrap(), Step::End));
    }

    #[test]
    fn a_file_that_has_grown_goes_on_and_one_that_shrank_is_refused() {
        let (_directory, path) = file(b"ada\nbob\n");
        let (_, position) = drain_with_restarts(&path);
        fs::write(&path, "ada\nbob\neve\n").unwrap();
        let Step::Block(block, _) = open(&path, position).unwrap().next().unwrap() else { panic!("no block") };
        assert_eq!(texts(block), ["eve"]);
        fs::write(&path, "ada\n").unwrap();
        let message = refusal(&path, position.unwrap());
        assert!(message.contains("a.log is shorter than what was read of it (4 of 8 bytes)"), "{message}");
        fs::write(&path, gzip("ada\n")).unwrap();
        assert!(refusal(&path, position.unwrap()).contains("4 of 8 bytes"));
    }

    #[test]
    fn another_file_under_the_same_name_is_refused() {
        let (_directory, path) = file(b"ada\nbob\n");
        let (_, position) = drain_with_restarts(&path);
        fs::write(&path, "another file\n").unwrap();
        assert!(refusal(&path, position.unwrap()).contains("begins differently"));
    }

    #[test]
    fn a_damaged_compressed_file_is_the_users_to_mend() {
        let whole = gzip(&lines().join("\n"));
        let (_directory, path) = file(&whole[..whole.len() / 2]);
        let mut reader = open(&path, None).unwrap();
        let error = loop {
            match reader.next() {
                Ok(Step::Block(..)) => {}
                Ok(_) => panic!("the damage was not noticed"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.fault(), Fault::User);
        assert!(error.to_string().contains("damaged or incomplete"), "{error}");
    }
}
