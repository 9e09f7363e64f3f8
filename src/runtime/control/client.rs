//! The other end of the socket.

use super::{Answer, Request, SOCKET, reach};
use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// A line to a running job, in this or another process.
///
/// ```
/// use millstream::control::{ControlClient, Request};
/// use millstream::prelude::*;
///
/// let state = tempfile::tempdir().expect("there is room");
/// let job = Job::new("endless");
/// job.source(GeneratorSource::new(|n| n).rate(100)).sink(DiscardSink);
/// let handle = job.start(Config::default().state_dir(state.path()))?;
/// while handle.status().state != JobState::Running {
///     std::thread::yield_now();
/// }
///
/// let mut client = ControlClient::connect(state.path())?.expect("the job runs");
/// assert_eq!(client.ask(&Request::Status)?["job"], "endless");
/// client.ask(&Request::Stop)?;
/// assert_eq!(handle.wait()?.state, JobState::Stopped);
/// assert!(ControlClient::connect(state.path())?.is_none());
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct ControlClient {
    socket: PathBuf,
    stream: BufReader<UnixStream>,
}

impl ControlClient {
    /// Connects to the job that runs on a state directory; `None` if none does.
    ///
    /// # Errors
    /// [`Error::Control`] if its socket cannot be used, as that of another user.
    pub fn connect(state_dir: impl AsRef<Path>) -> Result<Option<Self>> {
        let socket = state_dir.as_ref().join(SOCKET);
        match reach(state_dir.as_ref()).and_then(|(path, _link)| UnixStream::connect(path)) {
            Ok(stream) => Ok(Some(ControlClient { socket, stream: BufReader::new(stream) })),
            // What a killed process has left refuses.
            Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                Ok(None)
            }
            Err(cause) => Err(Error::Control { socket, reason: cause.to_string() }),
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`Error::Control`] with what the job says against it, or if it has ended meanwhile.
    pub fn ask(&mut self, request: &Request) -> Result<Value> {
        // Only a path may be no text.
        let line =
            serde_json::to_string(request).map_err(|cause| self.error(format!("it cannot be asked: {cause}")))?;
        let line = line + "\n";
        let mut answer = String::new();
        let asked = self.stream.get_mut().write_all(line.as_bytes()).and_then(|()| self.stream.read_line(&mut answer));
        match asked {
            Ok(0) => Err(self.error("the job has ended".to_owned())),
            Err(cause) => Err(self.error(cause.to_string())),
            Ok(_) => match serde_json::from_str(&answer) {
                Ok(Answer::Ok(value)) => Ok(value),
                Ok(Answer::Error(reason)) => Err(Error::Refused { reason }),
                Err(cause) => Err(self.error(format!("the answer is not understood ({cause})"))),
            },
        }
    }

    /// Asks, and reads the answer as a `T`.
    ///
    /// # Errors
    /// As [`ask`](Self::ask); also if it is no `T`: the job is of another version.
    pub fn ask_for<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T> {
        let answer = self.ask(request)?;
        serde_json::from_value(answer).map_err(|cause| self.error(format!("the answer is not understood ({cause})")))
    }

    fn error(&self, reason: String) -> Error {
        Error::Control { socket: self.socket.clone(), reason }
    }
}
