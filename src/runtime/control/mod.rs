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
//! `<state-dir>/control.sock`, for its owner only. Where that path is too long for a socket, the socket lies in a directory of
//! its own for temporary files, and `<state-dir>/control.path` tells where. Both go when the job ends; what a killed
//! process leaves behind is replaced by the next. A job without a state directory has no socket.
//!
//! # A new request
//! A variant of [`Request`], an arm in `server.rs`, and a subcommand in [`cli`](crate::cli).

mod client;
mod server;

pub use client::ControlClient;
pub(super) use server::Server;

use crate::record::LetterId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What a running job can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Request {
    /// Its status: a [`JobStatus`](crate::JobStatus).
    Status,
    /// To stop after a last checkpoint. Answered at once, with `null`.
    Stop,
    /// To go on at another parallelism: a [`Rescaled`](crate::Rescaled), when it runs again.
    Rescale {
        /// The new one.
        parallelism: usize,
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
/// Where the socket is, if its path would be too long.
pub(super) const ELSEWHERE: &str = "control.path";
/// A socket's address has room for 107 bytes.
const LONGEST: usize = 100;
/// No request is longer.
const LONGEST_LINE: u64 = 1 << 20;

/// Where the socket of a job is.
fn find(state_dir: &Path) -> PathBuf {
    match std::fs::read_to_string(state_dir.join(ELSEWHERE)) {
        Ok(path) => PathBuf::from(path),
        Err(_) => state_dir.join(SOCKET),
    }
}
