//! Process functions: an operator of your own, with state, timers and side outputs.
//!
//! A process function is a type with a trait: [`KeyedProcess`] for one keyed stream, [`CoProcess`] for two that share a key,
//! [`KeyedBroadcastProcess`] and [`BroadcastProcess`] for a stream beside another one, of rules, that every subtask sees as
//! a whole. Each is asked
//! * once per subtask to `open` its state: handles by name, one or a struct of them;
//! * to `process` each record, with the state and a [`Context`]: key, event time, watermark, timers, and the ways out;
//! * where it is keyed, what to do `on_timer`.
//!
//! ```
//! use millstream::prelude::*;
//!
//! /// Tells of users who have been idle for ten minutes, as soon as that is known. Clicks come in order.
//! struct IdleUsers;
//!
//! impl KeyedProcess for IdleUsers {
//!     type Key = String;
//!     type Input = &'static str;
//!     type Output = (String, Timestamp);
//!     type State = ValueState<String, Timestamp>;
//!
//!     fn open(&self, states: &mut States<'_, String>) -> Result<Self::State, Failure> {
//!         states.value("last seen")
//!     }
//!
//!     fn process(
//!         &self,
//!         last: &Self::State,
//!         _: &'static str,
//!         ctx: &mut Context<'_, String, Self::Output>,
//!     ) -> Result<(), Failure> {
//!         // A click may be handled before the timer of the one before has fired.
//!         if let Some(seen) = last.get(ctx.keyed())?.filter(|seen| ctx.time() >= *seen + minutes(10)) {
//!             ctx.emit((ctx.key().clone(), seen));
//!         }
//!         last.put(ctx.keyed(), ctx.time())?;
//!         ctx.set_event_timer(ctx.time() + minutes(10))
//!     }
//!
//!     fn on_timer(
//!         &self,
//!         last: &Self::State,
//!         timer: Timer,
//!         ctx: &mut Context<'_, String, Self::Output>,
//!     ) -> Result<(), Failure> {
//!         // Was it the last click that set this timer?
//!         if let Some(seen) = last.get(ctx.keyed())?.filter(|seen| *seen + minutes(10) == timer.time) {
//!             last.remove(ctx.keyed())?;
//!             ctx.emit((ctx.key().clone(), seen));
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let job = Job::new("idle");
//! let sink = CollectSink::new();
//! let idle = sink.handle();
//! job.source(MemorySource::new([("ada", 0), ("ada", 9), ("ada", 30)]))
//!     .event_time(|click| Timestamp::EPOCH + minutes(click.1), Watermarks::monotonic())
//!     .map(|click| click.0)
//!     .key_by(|user| user.to_string())
//!     .process(IdleUsers)
//!     .map(|(user, seen)| (user, seen.millis() / 60_000))
//!     .sink(sink);
//! job.run(Config::default())?;
//! assert_eq!(idle.rows(), [("ada".to_string(), 9), ("ada".to_string(), 30)]);
//! # Ok::<(), millstream::Error>(())
//! ```
//!
//! # The rules of a process function
//! It is a deterministic function of what it is handed, because after a crash it is handed the same again:
//! * all that it remembers is in its states. A field of the function, or of its `State`, that changes is forgotten by a
//!   crash and shared by all keys;
//! * time is [`now`](Context::now), never the clock of the machine; there is no randomness;
//! * it does not ask anything outside: that is what [`Stream::lookup`](crate::api::Stream::lookup) is for.
//!
//! # Timers
//! A key has at most one timer at each time and of each kind; to set it again changes nothing, as in Flink. Timers are
//! state: they survive a crash, and move with their key when the parallelism changes. They fire by time and then by key; one
//! that is set while others fire, and is due, fires with them. What a watermark fires comes out in front of it. At the end
//! of input all event-time timers fire, and then the pending processing-time timers, once (Flink drops those).
//!
//! A watermark follows the records that it was made from, and many records may come before one. So a record may be handled
//! before timers that were set for earlier times: a result must depend on times, not on which of the two came first.
//!
//! # Side outputs
//! A [`Tag`] is a name with a record type. What goes to [`side`](Context::side) comes out of the stream that
//! [`Stream::side`](crate::api::Stream::side) gives for that tag; if nobody has asked for it, it is dropped, at no cost.
//! Watermarks go to all outputs.
//!
//! # Errors
//! A function may give up with any error, by `?`. The job stops then and names the operator and the error: the same records
//! would meet the same error after a restart. Errors of the state handles are told as what they are, so that a disk that
//! fails is waited for. For a record that is only malformed a side output is the better place.

mod aggregating;
mod broadcast;
mod broadcast_state;
mod co;
mod context;
mod keyed;
mod outputs;
mod runner;
mod side;
mod states;
mod with_state;

pub use aggregating::AggregatingState;
pub(crate) use broadcast::{BroadcastOperator, KeyedBroadcastOperator};
pub use broadcast::{BroadcastProcess, KeyedBroadcastProcess};
pub use broadcast_state::BroadcastState;
pub use co::CoProcess;
pub(crate) use co::CoProcessOperator;
pub use context::{Context, UnkeyedContext};
pub use keyed::KeyedProcess;
pub(crate) use keyed::KeyedProcessOperator;
pub(crate) use side::Side;
pub use side::Tag;
pub use states::States;
pub(crate) use with_state::{FlatMapWithState, StateFunction};

use super::{Error, TimeDomain};
use crate::time::Timestamp;

/// Why a process function gave up: any error. A text is one too: `Err("no price".into())`.
///
/// It counts as the user's fault, which no restart can mend; but an error of a state handle, a
/// [`connector::Error`](crate::connector::Error) and a [`std::io::Error`] say themselves whose fault they are.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A timer that fires, as [`on_timer`](KeyedProcess::on_timer) is told of it. Its key is the context's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Which clock has come to it.
    pub domain: TimeDomain,
    /// The time for which it was set.
    pub time: Timestamp,
}

/// An error of the user's code, unless it is one of ours that has passed through it.
fn operator_error(failure: Failure) -> Error {
    let failure = match failure.downcast::<Error>() {
        Ok(error) => return *error,
        Err(failure) => failure,
    };
    match failure.downcast::<crate::state::Error>() {
        Ok(error) => Error::State(*error),
        Err(failure) => Error::User(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, Faulty};

    #[test]
    fn an_error_of_a_disk_stays_one_and_any_that_does_not_say_is_the_users() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let disk = || crate::state::Error::io("0.redb".as_ref(), "write", std::io::ErrorKind::StorageFull.into());
        assert_eq!(operator_error(Box::new(disk())).fault(), Fault::External);
        assert_eq!(operator_error(Box::new(Error::State(disk()))).fault(), Fault::External);
        assert_eq!(operator_error(Box::new(full)).fault(), Fault::External);
        let told = operator_error("no price".into());
        assert_eq!((told.to_string(), told.fault()), ("no price".to_owned(), Fault::User));
    }
}
