//! A process function on one keyed stream.

use super::runner::Runner;
use super::{Context, Failure, States, Timer};
use crate::operator::key_by::KeyFunction;
use crate::operator::{AnyStage, BuildContext, Error, Head, HeadFactory};
use crate::record::{Batch, Data, Key};
use crate::time::Timestamp;
use std::sync::Arc;

/// A function of the records of each key, with state, timers and side outputs:
/// [`KeyedStream::process`](crate::api::KeyedStream::process). The [module](self::super) tells its rules.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::testing::Harness;
///
/// /// Lets the first record of a key pass, and then one a minute.
/// struct Throttle;
///
/// impl KeyedProcess for Throttle {
///     type Key = String;
///     type Input = &'static str;
///     type Output = &'static str;
///     type State = ValueState<String, ()>;
///
///     fn open(&self, states: &mut States<'_, String>) -> Result<Self::State, Failure> {
///         states.value("closed")
///     }
///
///     fn process(
///         &self,
///         closed: &Self::State,
///         word: &'static str,
///         ctx: &mut Context<'_, String, &'static str>,
///     ) -> Result<(), Failure> {
///         if closed.get(ctx.keyed())?.is_none() {
///             closed.put(ctx.keyed(), ())?;
///             ctx.set_processing_timer(ctx.now() + minutes(1))?;
///             ctx.emit(word);
///         }
///         Ok(())
///     }
///
///     fn on_timer(
///         &self,
///         closed: &Self::State,
///         _: Timer,
///         ctx: &mut Context<'_, String, &'static str>,
///     ) -> Result<(), Failure> {
///         closed.remove(ctx.keyed())?;
///         Ok(())
///     }
/// }
///
/// let mut words = Harness::new(|words: Stream<&'static str>| words.key_by(|word| word.to_string()).process(Throttle));
/// for word in ["mill", "mill", "stream"] {
///     words.push(word, Timestamp::EPOCH);
/// }
/// words.crash_and_restore().advance(minutes(1)).push("mill", Timestamp::EPOCH);
/// assert_eq!(words.drain(), ["mill", "stream", "mill"]);
/// ```
pub trait KeyedProcess: Send + Sync + 'static {
    /// What the stream is keyed by.
    type Key: Key;
    /// The records that come in.
    type Input: Data;
    /// The records of the main output.
    type Output: Data;
    /// Its states: a handle, a struct of handles, or `()`.
    type State: 'static;

    /// Asks for the states, once in each subtask and life, before any record. All that is kept lies in them.
    ///
    /// # Errors
    /// Whatever keeps the operator from running.
    fn open(&self, states: &mut States<'_, Self::Key>) -> Result<Self::State, Failure>;

    /// Handles a record, in the order in which those of its key come.
    ///
    /// # Errors
    /// Stops the job.
    fn process(
        &self,
        state: &Self::State,
        record: Self::Input,
        ctx: &mut Context<'_, Self::Key, Self::Output>,
    ) -> Result<(), Failure>;

    /// Handles a timer of a key. Does nothing unless it is written.
    ///
    /// # Errors
    /// Stops the job.
    fn on_timer(
        &self,
        state: &Self::State,
        timer: Timer,
        ctx: &mut Context<'_, Self::Key, Self::Output>,
    ) -> Result<(), Failure> {
        let _ = (state, timer, ctx);
        Ok(())
    }
}

/// A process function on a keyed stream.
pub(crate) struct KeyedProcessOperator<F: KeyedProcess> {
    key: KeyFunction<F::Input, F::Key>,
    function: Arc<F>,
}

impl<F: KeyedProcess> KeyedProcessOperator<F> {
    pub(crate) fn new(key: KeyFunction<F::Input, F::Key>, function: F) -> Self {
        KeyedProcessOperator { key, function: Arc::new(function) }
    }
}

impl<F: KeyedProcess> HeadFactory for KeyedProcessOperator<F> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let (key, function) = (self.key.clone(), self.function.clone());
        let (runner, state) = Runner::new(context, outputs, |states| function.open(states))?;
        Ok(Box::new(KeyedHead { key, function, state, runner }))
    }
}

struct KeyedHead<F: KeyedProcess> {
    key: KeyFunction<F::Input, F::Key>,
    function: Arc<F>,
    state: F::State,
    runner: Runner<F::Key, F::Output>,
}

impl<F: KeyedProcess> Head for KeyedHead<F> {
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        let (function, state) = (&*self.function, &self.state);
        self.runner.records(batch, &self.key, |record, ctx| function.process(state, record, ctx))
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.runner.timing.watermark(watermark);
        Ok(())
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        self.runner.timing.tick(now);
        Ok(())
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.runner.timing.wake_at()
    }

    fn resume(&mut self) -> Result<bool, Error> {
        let (function, state) = (&*self.function, &self.state);
        self.runner.resume(|timer, ctx| function.on_timer(state, timer, ctx))
    }
}
