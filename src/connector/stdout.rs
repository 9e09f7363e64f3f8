//! Standard output, line by line.

use super::files::lock;
use super::{Error, Guarantee, Prepared, Sink, SinkContext, SinkJob, SinkWriter};
use crate::record::Epoch;
use crate::time::Timestamp;
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex};

/// How many bytes are buffered before they are written.
const BUFFER_BYTES: usize = 64 * 1024;

type Encode<T> = Arc<dyn Fn(&T, &mut Vec<u8>) -> Result<(), Error> + Send + Sync>;
type Output = Arc<Mutex<dyn Write + Send>>;

/// Writes a line per record to standard output.
///
/// Shape: whole lines, those of one subtask in order. They are buffered, and leave at each checkpoint, when the buffer is
/// full, and when the job has nothing else to do.
///
/// Guarantee: at least once. What was printed cannot be taken back, so records since the last checkpoint come again after a
/// restart.
///
/// ```
/// use millstream::connector::{Guarantee, Sink, StdoutSink};
///
/// let sink = StdoutSink::<u64>::lines();
/// assert_eq!(sink.guarantee(), Guarantee::AtLeastOnce);
/// ```
pub struct StdoutSink<T> {
    encode: Encode<T>,
    output: Output,
}

impl<T> StdoutSink<T> {
    /// Writes for each record the line that `encode` makes of it; a line end is put behind it.
    pub(crate) fn with(encode: impl Fn(&T, &mut Vec<u8>) -> Result<(), Error> + Send + Sync + 'static) -> Self {
        StdoutSink { encode: Arc::new(encode), output: Arc::new(Mutex::new(io::stdout())) }
    }
}

impl<T: Serialize> StdoutSink<T> {
    /// Writes each record as JSON on a line of its own.
    pub fn json() -> Self {
        Self::with(|record, line| {
            serde_json::to_writer(line, record).map_err(|cause| {
                Error::user(format!("a record for standard output cannot be written as JSON: {cause}; change its type"))
            })
        })
    }
}

impl<T: Display> StdoutSink<T> {
    /// Writes each record as its text, on a line of its own.
    pub fn lines() -> Self {
        Self::with(|record, line| {
            write!(line, "{record}").map_err(|cause| Error::user(format!("a record cannot be shown as text: {cause}")))
        })
    }
}

impl<T: 'static> Sink<T> for StdoutSink<T> {
    fn describe(&self) -> String {
        "standard output".to_owned()
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    fn writer(&self, _: &SinkContext) -> Result<Box<dyn SinkWriter<T>>, Error> {
        let (encode, output) = (Arc::clone(&self.encode), Arc::clone(&self.output));
        Ok(Box::new(StdoutWriter { encode, output, buffer: Vec::new(), waiting: Arc::default() }))
    }
}

struct StdoutWriter<T> {
    encode: Encode<T>,
    output: Output,
    buffer: Vec<u8>,
    /// Handed out to be written, and not written yet.
    waiting: Arc<Mutex<Vec<u8>>>,
}

impl<T> StdoutWriter<T> {
    /// Hands out what is buffered, as a job that writes all that waits.
    fn flush(&mut self) -> SinkJob {
        lock(&self.waiting).append(&mut self.buffer);
        let (waiting, output) = (Arc::clone(&self.waiting), Arc::clone(&self.output));
        Box::new(move || {
            let mut output = lock(&output);
            let mut bytes = std::mem::take(&mut *lock(&waiting));
            let (written, result) = write_out(&mut *output, &bytes);
            bytes.drain(..written);
            // What was handed out meanwhile comes behind.
            let mut waiting = lock(&waiting);
            bytes.append(&mut waiting);
            *waiting = bytes;
            result.map_err(unwritable)
        })
    }
}

/// Writes and flushes; returns how many bytes went even if that fails.
fn write_out(output: &mut dyn Write, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while written < bytes.len() {
        match output.write(&bytes[written..]) {
            Ok(0) => return (written, Err(ErrorKind::WriteZero.into())),
            Ok(n) => written += n,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return (written, Err(cause)),
        }
    }
    (written, output.flush())
}

fn unwritable(cause: io::Error) -> Error {
    if cause.kind() == ErrorKind::BrokenPipe {
        return Error::user("cannot write to standard output: its reader has closed it");
    }
    Error::io("cannot write to standard output", cause)
}

impl<T> SinkWriter<T> for StdoutWriter<T> {
    fn write(&mut self, record: T, _: Timestamp) -> Result<(), Error> {
        let start = self.buffer.len();
        let encoded = (self.encode)(&record, &mut self.buffer);
        match encoded {
            Ok(()) => self.buffer.push(b'\n'),
            Err(_) => self.buffer.truncate(start),
        }
        encoded
    }

    fn spill(&mut self, idle: bool) -> Option<SinkJob> {
        (self.buffer.len() >= BUFFER_BYTES || idle && !self.buffer.is_empty()).then(|| self.flush())
    }

    fn prepare(&mut self, _: Epoch) -> Prepared {
        let job = self.flush();
        Box::new(|| job().map(|()| serde_json::Value::Null))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, Faulty};
    use std::collections::BTreeMap;

    /// Takes so many bytes, then fails in this way until it is changed.
    struct Scripted {
        seen: Vec<u8>,
        room: usize,
        failure: ErrorKind,
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room);
            if taken == 0 {
                return Err(self.failure.into());
            }
            self.seen.extend(&bytes[..taken]);
            self.room -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn scripted<T: 'static>(mut sink: StdoutSink<T>, room: usize) -> (Arc<Mutex<Scripted>>, Box<dyn SinkWriter<T>>) {
        let output = Arc::new(Mutex::new(Scripted { seen: Vec::new(), room, failure: ErrorKind::BrokenPipe }));
        sink.output = output.clone();
        (output, sink.writer(&SinkContext { uid: "out".to_owned(), subtask: 0, parallelism: 1 }).unwrap())
    }

    #[test]
    fn lines_leave_when_idle_and_at_a_barrier() {
        let (output, mut writer) = scripted(StdoutSink::lines(), usize::MAX);
        assert!(writer.spill(true).is_none());
        writer.write(1, Timestamp::MIN).unwrap();
        assert!(writer.spill(false).is_none());
        writer.spill(true).unwrap()().unwrap();
        assert_eq!(lock(&output).seen, b"1\n");
        writer.write(2, Timestamp::MIN).unwrap();
        assert!(writer.prepare(Epoch::new(0, 1))().unwrap().is_null());
        assert_eq!(lock(&output).seen, b"1\n2\n");
    }

    #[test]
    fn a_full_buffer_leaves() {
        let (_, mut writer) = scripted(StdoutSink::json(), usize::MAX);
        writer.write("x".repeat(BUFFER_BYTES), Timestamp::MIN).unwrap();
        assert!(writer.spill(false).is_some());
    }

    #[test]
    fn what_could_not_be_written_is_written_later_from_where_it_stopped() {
        let (output, mut writer) = scripted(StdoutSink::json(), 3);
        writer.write("ada", Timestamp::MIN).unwrap();
        let error = writer.prepare(Epoch::new(0, 1))().unwrap_err();
        assert_eq!(error.fault(), Fault::User);
        assert!(error.to_string().contains("its reader has closed it"), "{error}");
        writer.write("bob", Timestamp::MIN).unwrap();
        lock(&output).room = usize::MAX;
        writer.prepare(Epoch::new(0, 2))().unwrap();
        assert_eq!(lock(&output).seen, b"\"ada\"\n\"bob\"\n");
    }

    #[test]
    fn a_record_that_is_no_json_leaves_no_trace() {
        let (output, mut writer) = scripted(StdoutSink::json(), usize::MAX);
        let bad = BTreeMap::from([((1, 2), 3)]);
        assert!(writer.write(bad, Timestamp::MIN).is_err());
        writer.prepare(Epoch::new(0, 1))().unwrap();
        assert!(lock(&output).seen.is_empty());
    }
}
