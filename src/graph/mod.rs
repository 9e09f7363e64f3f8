//! The dataflow as data: nodes with stable operator ids, edges with an exchange. No thread, no actor.
//!
//! The typed API builds a `Graph`; `Graph::plan` checks it, settles each node's parallelism, and cuts it into
//! *chains*: neighbours that need no exchange between them and so run in one subtask. The runtime makes of each
//! chain as many subtasks as its parallelism.
//!
//! # What is chained
//! An operator joins the chain of the one in front of it if that edge is its only input and a forward one, both have the
//! same parallelism, neither is isolated, and it keeps no keyed state. So a chain begins with a source, with a stateful
//! operator, or behind an exchange, and is a tree: a stream that is used twice goes on twice.
//!
//! # Operator ids
//! State is found again by an operator's *uid*. The user gives it, or it is derived from the uids in front and the kind of
//! the operator ("lines/try_map"), never from its position in the program: an operator added elsewhere changes no other's id.

mod explain;
mod node;
mod plan;
#[cfg(test)]
mod plan_tests;

pub(crate) use node::{Exchange, Graph, Logic, Node, NodeId, Upstream};
pub(crate) use plan::{ChainEdge, Plan};

use crate::fault::{Fault, Faulty};

/// What is wrong with a dataflow, seen before anything runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing was built.
    #[error("job `{job}` has no source; begin with job.source(..)")]
    NoSource {
        /// The job.
        job: String,
    },
    /// Records would go nowhere.
    #[error("operator `{operator}` leads to no sink: its records go nowhere; end the stream with .sink(..)")]
    NoSink {
        /// The operator nobody consumes.
        operator: String,
    },
    /// Two operators bear one uid.
    #[error("two operators bear the uid `{uid}`; give one of them another by .uid(..)")]
    DuplicateUid {
        /// The uid.
        uid: String,
    },
    /// A uid that cannot name a file or is empty.
    #[error("the uid `{uid}` is empty or longer than 100 bytes; give the operator a short name by .uid(..)")]
    BadUid {
        /// The uid.
        uid: String,
    },
    /// A parallelism that cannot be.
    #[error("operator `{operator}` has parallelism {parallelism}; it must be between 1 and {limit}")]
    BadParallelism {
        /// The operator.
        operator: String,
        /// What was asked for.
        parallelism: usize,
        /// The highest that is possible.
        limit: usize,
    },
    /// A window that cannot be.
    #[error("operator `{operator}`: {reason}")]
    BadWindow {
        /// The operator.
        operator: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A function that chooses subtasks would have to choose among different numbers of them at once.
    #[error(
        "operator `{operator}` chooses among {one} and among {other} subtasks; call partition_custom once for each operator behind it, or give these one parallelism"
    )]
    UnequalPartitions {
        /// The operator that chooses.
        operator: String,
        /// How many subtasks one operator behind it has.
        one: usize,
        /// How many another one has.
        other: usize,
    },
    /// A uid, name or parallelism was given to a union.
    #[error("a union is no operator: give the uid, name or parallelism to the operator in front of it or behind it")]
    NoOperator,
    /// A source or sink was given an error policy.
    #[error(
        "operator `{operator}` is a source or a sink, and has no error policy: what it fails on is not one record; give the policy to an operator between them"
    )]
    NoPolicy {
        /// The source or sink.
        operator: String,
    },
    /// A side output was asked of an operator that has none by tag.
    #[error(
        "operator `{operator}` has no side outputs, so none named `{tag}`; call .side(..) on the stream that .process(..) returns"
    )]
    NoSides {
        /// The operator.
        operator: String,
        /// The tag's name.
        tag: &'static str,
    },
    /// Two tags of one name and two types were asked of one operator.
    #[error(
        "the side output `{tag}` of operator `{operator}` is read as {} and as {}; give one of the tags another name",
        types[0],
        types[1]
    )]
    SideTypes {
        /// The operator.
        operator: String,
        /// The tags' name.
        tag: &'static str,
        /// The types, in the order in which they were asked for.
        types: [&'static str; 2],
    },
    /// Streams of two jobs were mixed.
    #[error("operator `{operator}` joins streams of two jobs; build both on one Job")]
    ForeignStream {
        /// The operator.
        operator: String,
    },
}

impl Faulty for Error {
    fn fault(&self) -> Fault {
        Fault::User
    }
}
