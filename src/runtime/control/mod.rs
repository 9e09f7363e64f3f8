//! Talking to a running job from another process: a Unix socket in its state directory.
//!
//! A running job holds its files, so whoever wants to look at it or to change it asks the job itself. A request is one line of
//! JSON, and so is the answer:
//! ```text
//! {"command":"status"}                   {"ok":{"job":"page-views","state":"running", ..}}
//! {"command":"rescale","parallelism":2}  {"ok":{"from":1,"to":2,"gap":..}}
//! {"command":"dance"}                    {"error":"unknown variant `dance`, expected one of .."}
//! ```
//! A connection may ask any number of times. Each has a thread of its own, which only waits: the job is asked by message like
//! from within its process, so a client that is slow, silent or mad holds up nobody else.
//!
//! # Where
//! `<state-dir>/control.sock`, for its owner only. It goes when the job ends; what a killed process leaves behind is replaced
//! by the next. A job without a state directory has no socket. A path that is too long for a socket's address is reached
//! by a shorter one, a symbolic link that is removed again at once: each end may know the directory by another path.
//!
//! # The end
//! A connection belongs to one run of the job and ends with it, when its state directory is free again. So who has asked it
//! to stop learns when it has, even if it is started again at once.
//!
//! # A new request
//! A variant of [`Request`], an arm in `server.rs`, and a subcommand in [`cli`](crate::cli).

mod client;
mod server;
mod talks;

pub use client::ControlClient;
pub(super) use server::Server;

use crate::record::LetterId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What a running job can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Request {
    /// Its status: a [`JobStatus`](crate::JobStatus).
    Status,
    /// How far event time has come, and what holds it back: a [`WatermarkReport`](crate::WatermarkReport).
    ExplainWatermark,
    /// To stop after a last checkpoint. Answered at once, with `null`.
    Stop,
    /// To go on at another parallelism: a [`Rescaled`](crate::Rescaled), when it runs again.
    Rescale {
        /// The new one.
        parallelism: usize,
    },
    /// To take a savepoint: a [`SavepointInfo`](crate::savepoint::SavepointInfo), when the file is durable.
    Savepoint {
        /// The file to make. A relative path begins at the working directory of the job's process.
        path: PathBuf,
        /// Whether the job is to stop at it, as by [`JobHandle::stop_with_savepoint`](crate::JobHandle::stop_with_savepoint).
        #[serde(default)]
        stop: bool,
    },
    /// Those it can go back to: [`Checkpoints`](crate::Checkpoints).
    Checkpoints,
    /// Some of its dead letters, in order: a list of [`StoredLetter`](crate::state::StoredLetter)s.
    Letters {
        /// Begins behind this one.
        after: Option<LetterId>,
        /// At most so many, up to 1,000.
        limit: usize,
        /// Of this operator only.
        operator: Option<String>,
    },
    /// One dead letter: a [`StoredLetter`](crate::state::StoredLetter).
    Letter {
        /// Which.
        id: LetterId,
    },
    /// To hand the records of dead letters to their operators again. `null`.
    Replay {
        /// Which.
        ids: Vec<LetterId>,
        /// Whether windows that are gone open once more for them.
        #[serde(default)]
        reopen: bool,
    },
    /// To forget dead letters for good. `null`.
    Drop {
        /// Which.
        ids: Vec<LetterId>,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ok(Value),
    Error(String),
}

pub(super) const SOCKET: &str = "control.sock";
/// A socket's address has room for 107 bytes.
const LONGEST: usize = 100;
/// No request is longer.
const LONGEST_LINE: u64 = 1 << 20;

/// A path to the socket of a job that fits into a socket's address, and what must live while it is used.
fn reach(state_dir: &Path) -> io::Result<(PathBuf, Option<TempDir>)> {
    let socket = state_dir.join(SOCKET);
    if socket.as_os_str().len() <= LONGEST {
        return Ok((socket, None));
    }
    let folder = tempfile::Builder::new().prefix("millstream-").tempdir()?;
    let link = folder.path().join("state");
    symlink(std::path::absolute(state_dir)?, &link)?;
    Ok((link.join(SOCKET), Some(folder)))
}
