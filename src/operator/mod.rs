//! What one step does: operators, free of actors and threads, so that each can be tested by calling it.
//!
//! # Stages and heads
//! The operators of a chain run in one subtask and pass records by call. Each is a `Stage`, which owns the stages behind
//! it: a chain is a tree of stages whose leaves are sinks and *outlets*, the buffers in front of an exchange. In
//! front stands one `Head`: a source's decoder, a stateful operator, or (for a chain of stateless operators) a plain
//! entry. Heads take whole elements, stages single records. Both together, with the state they use, are a `Core`.
//!
//! # The rules of an operator
//! * It is a deterministic function of what it is handed: no clock, no randomness, no state outside its state handles.
//! * User closures are `Fn`, never `FnMut`.
//! * Processing time is a stamp: the shell reads its clock once per element, before it hands it over, and the stamp never
//!   goes back. What waits for a processing time asks for it by `Head::wake_at` and gets a tick.
//! * A watermark may fire many windows. A head does that in pieces: `Head::resume` fires until the outlets are full and is
//!   called again, before any other element, when they have room.
//! * Before each call of user code the operator enters its `Site`, so that a panic is attributed to it.
//!
//! # What is where
//! One operator a file; families have folders: [`window`] (assigners, triggers, lateness), [`process`] (operators of your own,
//! on one stream, two, or beside a broadcast one), `join`, and [`aggregate`] (what windows and running aggregates are
//! made of). Timers are in `timing.rs`, calls to the outside in `lookup.rs`, the first of two phases in `partial.rs`.

pub mod aggregate;
mod context;
mod core;
mod dedup;
mod distinct;
mod event_time;
mod filter;
mod firing;
mod flat_map;
pub mod join;
mod key_by;
mod law;
mod lookup;
mod map;
#[cfg(feature = "sql")]
mod map_ref;
mod on_error;
mod outlet;
mod partial;
mod partition;
pub mod process;
mod protect;
mod running;
mod sample;
mod sink;
mod source;
mod tap;
mod throttle;
mod timing;
mod try_map;
pub mod window;
mod zip;

pub use aggregate::{
    Aggregate, ApproxDistinct, Avg, Count, Distinct, ExactSum, Fold, HyperLogLog, Max, MaxBy, Min, MinBy, Number,
    Percentiles, Quantiles, Reduce, Sum, TopN,
};
pub(crate) use context::{BuildContext, Meter, Restored, Site};
pub(crate) use core::{Core, Front, Remains};
pub(crate) use dedup::Dedup;
pub(crate) use distinct::RunningDistinct;
#[cfg(feature = "sql")]
pub(crate) use event_time::SplitClock;
pub(crate) use event_time::{EventTime, SplitView};
pub(crate) use filter::{Filter, SplitBy};
pub(crate) use firing::Skip;
pub(crate) use flat_map::FlatMap;
pub(crate) use key_by::KeyBy;
pub(crate) use law::Law;
pub use lookup::Lookup;
pub(crate) use lookup::{Answer, Call};
pub(crate) use map::{Inspect, Map};
#[cfg(feature = "sql")]
pub(crate) use map_ref::MapRef;
pub use on_error::OnError;
pub(crate) use on_error::Poison;
pub(crate) use outlet::{Outgoing, Port, TypedPort};
pub use partial::Partial;
pub(crate) use partial::{MergeParts, PaneEnd, PartialAggregate};
pub(crate) use partition::Partition;
#[cfg(feature = "sql")]
pub(crate) use protect::Inlet;
pub(crate) use protect::{Aside, Held, Protection, dead_letter};
pub(crate) use running::{RunningAggregate, RunningReduce};
pub(crate) use sample::Sample;
pub(crate) use sink::{SinkFactory, SinkOperator};
#[cfg(test)]
pub(crate) use source::Decoder;
pub(crate) use source::{Block, ReadOutcome, Reader, SourceFactory, SourceOperator, SplitState};
pub(crate) use tap::Tap;
pub(crate) use throttle::Throttle;
pub use timing::TimeDomain;
pub(crate) use timing::{Due, Timing};
pub(crate) use try_map::TryMap;
pub(crate) use zip::ZipWithIndex;

use crate::fault::{Fault, Faulty};
use crate::record::Batch;
use crate::time::Timestamp;
use std::any::Any;

/// Anything that takes records one by one: an operator in a chain, a sink, or the outlet to an exchange.
pub(crate) trait Stage<T> {
    /// Takes a record with its event time.
    fn push(&mut self, record: T, time: Timestamp);

    /// Event time has come this far. Never goes back; [`Timestamp::MAX`] at the end of input.
    fn watermark(&mut self, watermark: Timestamp);

    /// The batch or block that the last records came from has ended: a good moment to tell how far event time has come.
    fn batch_end(&mut self);
}

/// The front of a chain behind an exchange.
pub(crate) trait Head {
    /// Takes a batch of one of its inputs.
    fn batch(&mut self, input: usize, batch: Batch) -> Result<(), Error>;

    /// The event-time clock of this subtask has come to `watermark`. What it fires may be fired in pieces, by
    /// `Head::resume`. At the end of input ([`Timestamp::MAX`]) pending processing-time timers fire too, once.
    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error>;

    /// Processing time has come to `now`, at least to what `Head::wake_at` has asked for. What it fires may be fired in
    /// pieces, by `Head::resume`.
    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        let _ = now;
        Ok(())
    }

    /// The processing time at which it wants a tick next.
    fn wake_at(&self) -> Option<Timestamp> {
        None
    }

    /// A call that it has asked for has been answered.
    fn answer(&mut self, call: u64, answer: Answer) -> Result<(), Error> {
        let _ = (call, answer);
        Ok(())
    }

    /// Whether it can take no more data before a call is answered.
    fn is_full(&self) -> bool {
        false
    }

    /// The processing time before which it takes no more data; barriers it does.
    fn free_at(&self) -> Option<Timestamp> {
        None
    }

    /// Whether nothing that came in waits for an answer before it goes on.
    fn is_drained(&self) -> bool {
        true
    }

    /// Whether, built anew from a snapshot and handed the same elements, it does the same again.
    fn replays(&self) -> bool {
        true
    }

    /// Goes on firing. Returns whether all is done.
    fn resume(&mut self) -> Result<bool, Error> {
        Ok(true)
    }
}

/// A `Box<dyn Stage<T>>` whose `T` only its neighbours know.
pub(crate) type AnyStage = Box<dyn Any>;

/// Hides the record type of a stage.
pub(crate) fn erase<T: 'static>(stage: Box<dyn Stage<T>>) -> AnyStage {
    Box::new(stage)
}

/// Finds the record type of a stage again.
///
/// # Panics
/// If it is a stage for another type: the typed API joins equal types only.
pub(crate) fn typed<T: 'static>(stage: AnyStage) -> Box<dyn Stage<T>> {
    *stage.downcast::<Box<dyn Stage<T>>>().expect("neighbours in a chain have one record type")
}

/// Takes the one stage behind an operator with a single output.
pub(crate) fn only<T: 'static>(outputs: Vec<AnyStage>) -> Box<dyn Stage<T>> {
    let mut outputs = outputs;
    typed(outputs.pop().expect("the graph gives each port of an operator its stage"))
}

/// An operator that keeps no state: makes a stage for each subtask.
pub(crate) trait StageFactory: Send + Sync {
    /// Builds the stage in front of `outputs`, one for each port.
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<AnyStage, Error>;

    /// What must hold between its counts.
    fn law(&self) -> Law {
        Law::Free
    }

    /// Whether event time begins here: what the stream told of it before does not pass.
    fn makes_watermarks(&self) -> bool {
        false
    }

    /// Whether its stages see to the policy for records that they fail on, because they take several at a time.
    fn minds_errors(&self) -> bool {
        false
    }
}

/// A stage that gathers records to process many at once. It lets go what it has at the end of a batch and before a
/// watermark; what fires, ticks and answers bring has neither behind it, so the core calls this at the end of each element:
/// nothing is held over a barrier.
pub(crate) trait Gathers {
    /// Processes what has gathered.
    fn release(&self);
}

/// An operator that begins a chain behind an exchange: makes the head of each subtask.
pub(crate) trait HeadFactory: Send + Sync {
    /// Builds the head in front of `outputs`, one for each port.
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error>;

    /// What must hold between its counts.
    fn law(&self) -> Law {
        Law::Free
    }
}

/// What an operator could not do, apart from panics in user code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operator's state could not be read or written.
    #[error(transparent)]
    State(#[from] crate::state::Error),
    /// A source or sink failed.
    #[error(transparent)]
    Connector(#[from] crate::connector::Error),
    /// The user's code gave up.
    #[error(transparent)]
    User(Box<dyn std::error::Error + Send + Sync>),
    /// A side output is written with another type than it is read with.
    #[error(
        "side output `{tag}` is written with records of {written} and read with records of {read}; give both one Tag, or two names"
    )]
    SideType {
        /// The tag's name.
        tag: &'static str,
        /// The type of the function's tag.
        written: &'static str,
        /// The type of the tag that the dataflow reads.
        read: &'static str,
    },
    /// A call to the outside had no answer, and there is no fallback.
    #[error("no answer in {attempts} attempts: {cause}; mend what is asked, or give the lookup a fallback")]
    Unanswered {
        /// How often it was asked.
        attempts: u32,
        /// The last error.
        cause: String,
    },
    /// A record has no event time, and the operator goes by it.
    #[error("a record has no event time; give the stream event time by .event_time(..) in front of this operator")]
    NoEventTime,
    /// A function chose a subtask that does not exist.
    #[error(
        "partition_custom chose subtask {chosen}, but the operator behind has {subtasks}, numbered from 0; choose by `record % subtasks` or the like"
    )]
    NoSuchSubtask {
        /// What it chose.
        chosen: usize,
        /// How many there are.
        subtasks: usize,
    },
    /// Records that a checkpoint holds for the operator are of another type.
    #[error(
        "the checkpoint holds records for operator `{uid}` that are of another type ({cause}); start with --fresh or a new state directory"
    )]
    Foreign {
        /// The operator.
        uid: String,
        /// Why they cannot be read.
        cause: crate::record::CodecError,
    },
    /// What a checkpoint holds for the operator cannot be read.
    #[error(
        "the checkpoint holds `{found}` for operator `{uid}`, which this version cannot read ({cause}); start with --fresh or a new state directory"
    )]
    Snapshot {
        /// The operator.
        uid: String,
        /// What was found.
        found: String,
        /// Why it cannot be read.
        cause: serde_json::Error,
    },
}

impl Error {
    /// Whether the user's code failed on what it was handed.
    pub(crate) fn is_by_code(&self) -> bool {
        matches!(self, Error::User(_) | Error::SideType { .. } | Error::NoEventTime | Error::NoSuchSubtask { .. })
    }
}

/// Whose fault an error of the user's code is: as it says, if it is one of ours or of the operating system.
fn fault_of(cause: &(dyn std::error::Error + 'static)) -> Fault {
    let said = [
        cause.downcast_ref::<crate::state::Error>().map(Faulty::fault),
        cause.downcast_ref::<crate::connector::Error>().map(Faulty::fault),
        cause.downcast_ref::<std::io::Error>().map(Faulty::fault),
    ];
    said.into_iter().flatten().next().unwrap_or(Fault::User)
}

impl Faulty for Error {
    fn fault(&self) -> Fault {
        match self {
            Error::State(error) => error.fault(),
            Error::Connector(error) => error.fault(),
            Error::Unanswered { .. } => Fault::External,
            Error::User(cause) => fault_of(cause.as_ref()),
            Error::SideType { .. }
            | Error::NoEventTime
            | Error::NoSuchSubtask { .. }
            | Error::Foreign { .. }
            | Error::Snapshot { .. } => Fault::User,
        }
    }
}
