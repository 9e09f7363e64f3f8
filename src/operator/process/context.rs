//! What a process function is given besides the record and its state.

use super::outputs::Outputs;
use super::{Failure, Tag};
#[cfg(feature = "sql")]
use crate::operator::Poison;
use crate::operator::{TimeDomain, Timing};
#[cfg(feature = "sql")]
use crate::record::RecordView;
use crate::record::{Data, Key};
use crate::state::Keyed;
use crate::time::Timestamp;

/// The world of a keyed process function while it handles one record or one timer: key, times, timers, and the ways out.
///
/// * `K`: the key's type; `O`: the type of the main output.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::testing::Harness;
///
/// /// Tells the key, and how far event time had come, two seconds after each record.
/// struct Echo;
///
/// impl KeyedProcess for Echo {
///     type Key = u8;
///     type Input = u8;
///     type Output = (u8, Timestamp);
///     type State = ();
///
///     fn open(&self, _: &mut States<'_, u8>) -> Result<(), Failure> {
///         Ok(())
///     }
///
///     fn process(&self, (): &(), _: u8, ctx: &mut Context<'_, u8, Self::Output>) -> Result<(), Failure> {
///         ctx.set_event_timer(ctx.time() + seconds(2))
///     }
///
///     fn on_timer(&self, (): &(), _: Timer, ctx: &mut Context<'_, u8, Self::Output>) -> Result<(), Failure> {
///         ctx.emit((*ctx.key(), ctx.watermark()));
///         Ok(())
///     }
/// }
///
/// let at = Timestamp::from_seconds;
/// let mut echo = Harness::new(|numbers: Stream<u8>| numbers.key_by(|n| *n).process(Echo));
/// echo.push(7, at(1)).crash_and_restore().watermark(at(5));
/// assert_eq!(echo.drain_timed(), [((7, at(5)), at(3))]);
/// ```
pub struct Context<'a, K, O> {
    pub(super) timing: &'a Timing<K>,
    pub(super) at: Keyed<'a, K>,
    pub(super) unkeyed: UnkeyedContext<'a, O>,
}

impl<'a, K: Key, O: Data> Context<'a, K, O> {
    /// The key of the record or timer.
    pub fn key(&self) -> &'a K {
        self.at.key
    }

    /// The key as state handles want it: `last.put(ctx.keyed(), value)`.
    pub fn keyed(&self) -> Keyed<'a, K> {
        self.at
    }

    /// Event time of the record, [`Timestamp::MIN`] if it has none; of a timer the time for which it was set.
    pub fn time(&self) -> Timestamp {
        self.unkeyed.time
    }

    /// How far event time has come: no record at or before it is still to come, but for late ones. [`Timestamp::MIN`] at
    /// first, [`Timestamp::MAX`] at the end of input.
    pub fn watermark(&self) -> Timestamp {
        self.unkeyed.watermark()
    }

    /// Processing time: the stamp of the element that is processed. It never goes back, also over restarts, and is the only
    /// clock that a function may read. At the end of input, a processing-time timer brings its own time.
    pub fn now(&self) -> Timestamp {
        self.unkeyed.now
    }

    /// Counts the record as late: it came behind the watermark, and nothing is done about it.
    #[cfg(feature = "sql")]
    pub(crate) fn late(&self) {
        self.unkeyed.outputs.site.late();
    }

    /// Leaves out the record that is processed, as the operator's [`OnError`](crate::operator::OnError) says: for a function that
    /// has found at first sight that it can do nothing with it, and has changed nothing. It costs no restart.
    ///
    /// # Errors
    /// The cause, if such a record is to fail the job.
    #[cfg(feature = "sql")]
    pub(crate) fn leave_out<T: Data>(&self, record: &T, cause: Failure) -> Result<(), Failure> {
        let aside = &self.unkeyed.outputs.aside;
        if aside.poison() == Poison::Fail {
            return Err(cause);
        }
        let type_name = std::any::type_name::<T>();
        let view = RecordView { record, type_name, time: self.time(), hash: Some(self.at.hash) };
        aside.put(&view, cause.to_string(), None, None);
        Ok(())
    }

    /// Sends a record on, with [`time`](Context::time) as its event time. (Flink gives no event time to what a
    /// processing-time timer sends on.)
    pub fn emit(&mut self, record: O) {
        self.unkeyed.emit(record);
    }

    /// Sends a record on with another event time. At or before the [`watermark`](Context::watermark), it is late for those
    /// behind.
    pub fn emit_at(&mut self, record: O, time: Timestamp) {
        self.unkeyed.emit_at(record, time);
    }

    /// Sends a record to a side output, with [`time`](Context::time) as its event time. It is dropped if nobody reads that.
    ///
    /// If the tag is read with another type, the operator fails when the function returns.
    pub fn side<T: Data>(&mut self, tag: &Tag<T>, record: T) {
        self.unkeyed.side(tag, record);
    }

    /// Asks for [`on_timer`](super::KeyedProcess::on_timer) when the watermark has come to `time`. If it has already, that is
    /// with the next watermark, and while timers fire at once.
    ///
    /// At the end of input the watermark is [`Timestamp::MAX`] and every timer fires; a function whose timer always sets the
    /// next one must stop there, or the job will not end.
    ///
    /// # Errors
    /// If the state cannot be read. So do the methods below.
    pub fn set_event_timer(&self, time: Timestamp) -> Result<(), Failure> {
        Ok(self.timing.set(TimeDomain::Event, time, self.at)?)
    }

    /// Asks for [`on_timer`](super::KeyedProcess::on_timer) when processing time has come to `time`.
    ///
    /// # Errors
    /// As [`set_event_timer`](Context::set_event_timer).
    pub fn set_processing_timer(&self, time: Timestamp) -> Result<(), Failure> {
        Ok(self.timing.set(TimeDomain::Processing, time, self.at)?)
    }

    /// Takes an event-time timer of the key back. Returns whether it was set.
    ///
    /// # Errors
    /// As [`set_event_timer`](Context::set_event_timer).
    pub fn delete_event_timer(&self, time: Timestamp) -> Result<bool, Failure> {
        Ok(self.timing.delete(TimeDomain::Event, time, self.at)?)
    }

    /// Takes a processing-time timer of the key back. Returns whether it was set.
    ///
    /// # Errors
    /// As [`set_event_timer`](Context::set_event_timer).
    pub fn delete_processing_timer(&self, time: Timestamp) -> Result<bool, Failure> {
        Ok(self.timing.delete(TimeDomain::Processing, time, self.at)?)
    }
}

/// The world of a process function while it handles a record without a key: times and the ways out. Timers and keyed state
/// belong to keys, so there are none.
pub struct UnkeyedContext<'a, O> {
    pub(super) outputs: &'a mut Outputs<O>,
    pub(super) time: Timestamp,
    pub(super) now: Timestamp,
}

impl<O: Data> UnkeyedContext<'_, O> {
    /// Event time of the record; [`Timestamp::MIN`] if it has none.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// As [`Context::watermark`].
    pub fn watermark(&self) -> Timestamp {
        self.outputs.clock.get()
    }

    /// As [`Context::now`].
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Sends a record on, with [`time`](UnkeyedContext::time) as its event time.
    pub fn emit(&mut self, record: O) {
        self.outputs.emit(record, self.time);
    }

    /// As [`Context::emit_at`].
    pub fn emit_at(&mut self, record: O, time: Timestamp) {
        self.outputs.emit(record, time);
    }

    /// As [`Context::side`].
    pub fn side<T: Data>(&mut self, tag: &Tag<T>, record: T) {
        self.outputs.side(tag, record, self.time);
    }
}
