//! A process function on two keyed streams that share a key.

use super::runner::Runner;
use super::{Context, Failure, States, Timer};
use crate::operator::key_by::KeyFunction;
use crate::operator::{AnyStage, BuildContext, Error, Head, HeadFactory};
use crate::record::{Batch, Data, Key};
use crate::time::Timestamp;
use std::sync::Arc;

/// A function of two keyed streams that share state and timers per key:
/// [`ConnectedStreams::process`](crate::api::ConnectedStreams::process).
///
/// Records of one key come to one subtask. Those of one stream keep their order; between the two there is none: which of two
/// records comes first may differ from run to run, whatever their event times. Wait by a timer for the watermark where it
/// matters. The watermark is that of the slower stream.
///
/// ```
/// use millstream::prelude::*;
///
/// /// Puts the name to each order: whichever comes first waits for the other.
/// struct Names;
///
/// /// What has come of a customer.
/// struct Waiting {
///     name: ValueState<u32, String>,
///     orders: ListState<u32, u64>,
/// }
///
/// impl CoProcess for Names {
///     type Key = u32;
///     type Left = (u32, u64);
///     type Right = (u32, &'static str);
///     type Output = (String, u64);
///     type State = Waiting;
///
///     fn open(&self, states: &mut States<'_, u32>) -> Result<Waiting, Failure> {
///         Ok(Waiting { name: states.value("name")?, orders: states.list("orders")? })
///     }
///
///     fn process_left(
///         &self,
///         state: &Waiting,
///         (_, price): (u32, u64),
///         ctx: &mut Context<'_, u32, (String, u64)>,
///     ) -> Result<(), Failure> {
///         match state.name.get(ctx.keyed())? {
///             Some(name) => ctx.emit((name, price)),
///             None => state.orders.push(ctx.keyed(), price)?,
///         }
///         Ok(())
///     }
///
///     fn process_right(
///         &self,
///         state: &Waiting,
///         (_, name): (u32, &'static str),
///         ctx: &mut Context<'_, u32, (String, u64)>,
///     ) -> Result<(), Failure> {
///         state.name.put(ctx.keyed(), name.to_string())?;
///         for price in state.orders.take(ctx.keyed())? {
///             ctx.emit((name.to_string(), price));
///         }
///         Ok(())
///     }
/// }
///
/// let job = Job::new("names");
/// let sink = CollectSink::new();
/// let rows = sink.handle();
/// let orders = job.source(MemorySource::new([(1, 30), (1, 40)])).key_by(|order| order.0);
/// let names = job.source(MemorySource::new([(1, "ada")])).key_by(|name| name.0);
/// orders.connect(&names).process(Names).sink(sink);
/// job.run(Config::default())?;
/// assert_eq!(rows.rows(), [("ada".to_string(), 30), ("ada".to_string(), 40)]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub trait CoProcess: Send + Sync + 'static {
    /// What both streams are keyed by.
    type Key: Key;
    /// The records of the stream that was connected.
    type Left: Data;
    /// The records of the stream that it was connected with.
    type Right: Data;
    /// The records of the main output.
    type Output: Data;
    /// Its states, for both sides: a handle, a struct of handles, or `()`.
    type State: 'static;

    /// As [`KeyedProcess::open`](super::KeyedProcess::open).
    ///
    /// # Errors
    /// Whatever keeps the operator from running.
    fn open(&self, states: &mut States<'_, Self::Key>) -> Result<Self::State, Failure>;

    /// Handles a record of the left stream.
    ///
    /// # Errors
    /// Stops the job.
    fn process_left(
        &self,
        state: &Self::State,
        record: Self::Left,
        ctx: &mut Context<'_, Self::Key, Self::Output>,
    ) -> Result<(), Failure>;

    /// Handles a record of the right stream.
    ///
    /// # Errors
    /// Stops the job.
    fn process_right(
        &self,
        state: &Self::State,
        record: Self::Right,
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

/// A process function on two keyed streams; input 0 is the left one.
pub(crate) struct CoProcessOperator<F: CoProcess> {
    left: KeyFunction<F::Left, F::Key>,
    right: KeyFunction<F::Right, F::Key>,
    function: Arc<F>,
}

impl<F: CoProcess> CoProcessOperator<F> {
    pub(crate) fn new(left: KeyFunction<F::Left, F::Key>, right: KeyFunction<F::Right, F::Key>, function: F) -> Self {
        CoProcessOperator { left, right, function: Arc::new(function) }
    }
}

impl<F: CoProcess> HeadFactory for CoProcessOperator<F> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let function = self.function.clone();
        let (runner, state) = Runner::new(context, outputs, |states| function.open(states))?;
        Ok(Box::new(CoHead { left: self.left.clone(), right: self.right.clone(), function, state, runner }))
    }
}

struct CoHead<F: CoProcess> {
    left: KeyFunction<F::Left, F::Key>,
    right: KeyFunction<F::Right, F::Key>,
    function: Arc<F>,
    state: F::State,
    runner: Runner<F::Key, F::Output>,
}

impl<F: CoProcess> Head for CoHead<F> {
    fn batch(&mut self, input: usize, batch: Batch) -> Result<(), Error> {
        let (function, state) = (&*self.function, &self.state);
        self.runner.outputs.aside.input.set(input);
        if input == 0 {
            self.runner.records(batch, &self.left, |record, ctx| function.process_left(state, record, ctx))
        } else {
            self.runner.records(batch, &self.right, |record, ctx| function.process_right(state, record, ctx))
        }
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
