//! The messages between actors, and the only place that sends them.
//!
//! actix's mailboxes are unbounded for `do_send`, so the bound is ours: data goes out only with a credit (see
//! [`channel`](super::channel)), and everything else is rare or answers a message. So a mailbox always drains, and control is
//! never stuck behind data.

use super::job::Master;
use super::letters::DeadLetters;
use super::replay::Replay;
use super::status::LocalRestart;
use super::subtask::Subtask;
use super::taking::{Exported, Request};
use crate::checkpoint::SubtaskEntry;
use crate::checkpoint::accounting::Account;
use crate::fault::Fault;
use crate::record::{DeadLetter, Element, Epoch, LetterId};
use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message};
use serde_json::Value;
use std::sync::{Arc, mpsc};

/// An element on a channel, to its receiver.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Deliver {
    /// The receiver's number of the channel.
    pub(super) channel: usize,
    pub(super) element: Element,
}

/// A batch has been processed, back to its sender.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Credit {
    /// The sender's number of the channel.
    pub(super) channel: usize,
    pub(super) bytes: usize,
}

/// The subtasks of all chains: `addresses[chain][subtask]`.
pub(super) type Addresses = Arc<Vec<Vec<Addr<Subtask>>>>;

/// What the master tells a subtask.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum Control {
    /// Everybody is there: these are your neighbours.
    Wire(Addresses),
    /// Everybody is wired: begin to read.
    Start,
    /// Hand this record to the operator again.
    Replay(Replay),
    /// Open an epoch; with `stop`, read nothing behind it.
    Trigger { epoch: Epoch, stop: bool },
    /// The epoch is complete and committed, and nobody goes back behind `freed` any more.
    Committed { epoch: Epoch, freed: Epoch },
    /// It may restart its core, as it has asked to.
    Recover,
    /// That epoch has just been committed: send views of the state file to these. Comes before its `Committed`.
    Export(Epoch, Vec<mpsc::Sender<Exported>>),
    /// This life is over: finish what writes, close the files.
    Teardown,
}

/// A subtask's part of an epoch.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) entry: SubtaskEntry,
    /// What it has counted up to the barrier.
    pub(super) account: Account,
    /// The newest epoch in its state file, if it has one.
    pub(super) written: Option<Epoch>,
    /// What its sinks have prepared, by uid.
    pub(super) sinks: Vec<(String, Value)>,
    /// What its operators have given up on, as far as no epoch is known to be committed that holds it.
    pub(super) letters: Vec<DeadLetter>,
    /// The same of letters whose records were handed to its operators again.
    pub(super) replayed: Vec<LetterId>,
}

/// Why a subtask cannot go on.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// The operator whose code failed.
    pub(super) operator: String,
    pub(super) subtask: usize,
    pub(super) cause: String,
    pub(super) fault: Fault,
    /// It was the user's code that failed, on what it was handed: without that it might go on.
    pub(super) by_code: bool,
    /// The operator's policy bears with it: it does not count for the restart strategy.
    pub(super) tolerated: bool,
}

/// What a subtask tells the master.
#[derive(Debug)]
pub(super) enum News {
    /// Built, or not.
    Ready(Result<(), Failure>),
    /// Its part of an epoch is durable, or could not be made so.
    Answer(Epoch, Box<Result<Part, String>>),
    /// It is a source and has sent its last record.
    Ended,
    Failed(Failure),
    /// Its core has failed. It asks whether it may restart it; what its operator's policy bears with it does not ask.
    Restarting(Failure),
    /// That has come to its end.
    Restarted(LocalRestart),
    /// Torn down; its files are closed.
    Closed,
}

/// News of one subtask of one life of the job. Those of an older life are dropped.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub(super) struct Report {
    pub(super) attempt: u32,
    /// The subtask's number over all chains.
    pub(super) subtask: usize,
    pub(super) news: News,
}

/// Asks which checkpoints there are.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct AskCheckpoints(
    pub(super) std::sync::mpsc::Sender<crate::error::Result<super::checkpoints::Checkpoints>>,
);

/// Stop gracefully.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Stop;

/// Somebody wants to look at the job's dead letters.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct AskLetters(pub(super) mpsc::Sender<DeadLetters>);

/// Dead letters are to be replayed.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct HandOut;

/// Take a savepoint.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Take(pub(super) Request);

/// A savepoint has been written, or not.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Written;

/// Sends a message; one to an actor that is gone is dropped, which is right: it belongs to a life that is over.
#[expect(clippy::disallowed_methods, reason = "the one place that sends: data holds a credit, the rest is rare")]
pub(super) fn send<A, M>(to: &Addr<A>, message: M)
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message<Result = ()> + Send + 'static,
{
    to.do_send(message);
}

impl Report {
    /// Tells the master.
    pub(super) fn send(self, master: &Addr<Master>) {
        send(master, self);
    }
}
