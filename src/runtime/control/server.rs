//! The job's end of the socket.

use super::super::job::Master;
use super::super::letters::DeadLetters;
use super::super::mailbox::{AskCheckpoints, AskLetters, Stop, send};
use super::super::rescale::Rescale;
use super::super::status::Board;
use super::super::taking::take;
use super::talks::{Talks, Told};
use super::{Answer, LONGEST_LINE, Request, SOCKET, reach};
use crate::error::{Error, Result};
use actix::Addr;
use serde::Serialize;
use serde_json::Value;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// Who says nothing for so long is sent away.
const PATIENCE: Duration = Duration::from_secs(600);

/// Answers requests while it lives.
pub(in super::super) struct Server {
    state_dir: PathBuf,
    talks: Arc<Talks>,
}

/// The job, as a connection sees it.
#[derive(Clone)]
struct Job {
    board: Arc<Board>,
    master: Addr<Master>,
    name: String,
}

impl Server {
    /// Listens in a job's state directory, which this process holds.
    pub(in super::super) fn start(
        state_dir: &Path,
        name: &str,
        board: Arc<Board>,
        master: Addr<Master>,
    ) -> io::Result<Self> {
        // What a killed process has left.
        match fs::remove_file(state_dir.join(SOCKET)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        let (path, _link) = reach(state_dir)?;
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        let talks = Arc::new(Talks::default());
        let (talking, job) = (talks.clone(), Job { board, master, name: name.to_owned() });
        thread::Builder::new().name("millstream-control".into()).spawn(move || listen(&listener, &talking, &job))?;
        Ok(Server { state_dir: state_dir.to_owned(), talks })
    }

    /// Takes nobody new and removes the socket; who is connected stays so until the server is dropped.
    pub(in super::super) fn close(&self) {
        if self.talks.close() {
            // Wakes the listener; if nobody listens there is nobody to wake. The next start replaces what is left.
            let _ = reach(&self.state_dir).and_then(|(path, _link)| UnixStream::connect(path));
            let _ = fs::remove_file(self.state_dir.join(SOCKET));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
        self.talks.end();
    }
}

fn listen(listener: &UnixListener, talks: &Arc<Talks>, job: &Job) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // Too many open files, perhaps: later there may be fewer.
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        match talks.begin(stream) {
            Told::Over => return,
            Told::TooMany(stream) => {
                let refusal = Answer::Error("too many are talking to the job; try again later".to_owned());
                // A client that has gone has its answer.
                let _ = answer(&stream, &refusal);
            }
            Told::Welcome(talk) => {
                let job = job.clone();
                let converse = move || {
                    // A client may go whenever it wants.
                    let _ = converse(talk.stream(), &job);
                };
                // Without a thread nobody can answer: the client sees the connection end.
                let _ = thread::Builder::new().name("millstream-control".into()).spawn(converse);
            }
        }
    }
}

/// Answers one client until it goes.
fn converse(stream: &UnixStream, job: &Job) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(());
        }
        if line.len() as u64 == LONGEST_LINE {
            return answer(stream, &Answer::Error("a request is at most 1 MiB long".to_owned()));
        }
        let answered = match serde_json::from_slice::<Request>(&line) {
            Ok(request) => job.serve(request).map_or_else(|error| Answer::Error(error.to_string()), Answer::Ok),
            Err(cause) => Answer::Error(cause.to_string()),
        };
        answer(stream, &answered)?;
    }
}

fn answer(mut stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    let line = serde_json::to_string(answer).expect("an answer is plain JSON");
    stream.write_all(line.as_bytes())?;
    stream.write_all(b"\n")
}

fn value(answer: impl Serialize) -> Value {
    serde_json::to_value(answer).expect("what is told of a job is plain data with text for keys")
}

impl Job {
    fn serve(&self, request: Request) -> Result<Value> {
        match request {
            Request::Status => Ok(value(self.board.status())),
            Request::ExplainWatermark => Ok(value(self.board.explain_watermark())),
            Request::Stop => {
                send(&self.master, Stop);
                Ok(Value::Null)
            }
            Request::Rescale { parallelism } => {
                let (reply, receiver) = mpsc::channel();
                send(&self.master, Rescale { parallelism, reply });
                receiver.recv().unwrap_or_else(|_| Err(self.over())).map(value)
            }
            Request::Savepoint { path, stop } => take(&self.master, &self.name, path, stop).map(value),
            Request::Checkpoints => {
                let (reply, receiver) = mpsc::channel();
                send(&self.master, AskCheckpoints(reply));
                receiver.recv().unwrap_or_else(|_| Err(self.over())).map(value)
            }
            Request::Letters { after, limit, operator } => {
                let wanted = |uid: &str| operator.as_ref().is_none_or(|operator| operator == uid);
                let found = self.letters()?.list(after, limit.min(1_000), |stored| wanted(&stored.letter.operator));
                found.map(value)
            }
            Request::Letter { id } => self.letters()?.get(id).map(value),
            Request::Replay { ids, reopen: false } => self.letters()?.replay(&ids).map(value),
            Request::Replay { ids, reopen: true } => self.letters()?.replay_reopening(&ids).map(value),
            Request::Drop { ids } => self.letters()?.remove(&ids).map(value),
        }
    }

    fn letters(&self) -> Result<DeadLetters> {
        let (reply, receiver) = mpsc::channel();
        send(&self.master, AskLetters(reply));
        receiver.recv().map_err(|_| self.over())
    }

    fn over(&self) -> Error {
        Error::Over { job: self.name.clone() }
    }
}
