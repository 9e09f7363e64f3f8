//! Process functions beside a broadcast stream, such as rules that change while data flows.
//!
//! # Order
//! Each subtask sees every record of the broadcast stream, and those of one of its senders in their order. Nothing else is
//! ordered: data and rules race, so a record may be handled before or after a rule that was sent earlier; and subtasks may
//! see the records of several senders in different orders. Where that matters, give the rules one sender (parallelism 1),
//! or make the outcome independent of it, by a version number in the rule.
//!
//! What all subtasks do with a broadcast record must be the same, as copies of the state must be: so it may not look at
//! keys, and there is no keyed state while it is handled.
//!
//! Event time is that of the slower stream. Rules without event times hold it back until they end: give them some too.

use super::broadcast_state::BroadcastState;
use super::outputs::Outputs;
use super::runner::Runner;
use super::{Context, Failure, States, Timer, UnkeyedContext};
use crate::operator::key_by::KeyFunction;
use crate::operator::{AnyStage, BuildContext, Error, Head, HeadFactory};
use crate::record::{Batch, Data, Key};
use crate::state::StateValue;
use crate::time::Timestamp;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// A function of a stream that is not keyed, beside a broadcast stream:
/// [`BroadcastStream::process`](crate::api::BroadcastStream::process).
///
/// Each record comes to one subtask, each broadcast record to all. Data and rules race: a record may be handled before or
/// after a rule that was sent earlier. Rules of several senders may come to two subtasks in different orders.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::testing::Harness;
///
/// /// Lets the words pass that are not forbidden. `!word` forbids a word.
/// struct Filter;
///
/// impl BroadcastProcess for Filter {
///     type Input = &'static str;
///     type Broadcast = &'static str;
///     type Output = &'static str;
///     type RuleKey = String;
///     type Rule = ();
///
///     fn process(
///         &self,
///         forbidden: &BroadcastState<String, ()>,
///         word: &'static str,
///         ctx: &mut UnkeyedContext<'_, &'static str>,
///     ) -> Result<(), Failure> {
///         if forbidden.get(&word.to_string()).is_none() {
///             ctx.emit(word);
///         }
///         Ok(())
///     }
///
///     fn process_broadcast(
///         &self,
///         forbidden: &mut BroadcastState<String, ()>,
///         word: &'static str,
///         _: &mut UnkeyedContext<'_, &'static str>,
///     ) -> Result<(), Failure> {
///         forbidden.insert(word.trim_start_matches('!').to_string(), ())?;
///         Ok(())
///     }
/// }
///
/// let mut words = Harness::new(|words: Stream<&'static str>| {
///     let (rules, words) = words.split(|word| word.starts_with('!'));
///     words.connect_broadcast(&rules).process(Filter)
/// });
/// for word in ["mill", "!mill", "mill", "stream"] {
///     words.push(word, Timestamp::EPOCH);
/// }
/// words.crash_and_restore().push("mill", Timestamp::EPOCH);
/// assert_eq!(words.drain(), ["mill", "stream"]);
/// ```
pub trait BroadcastProcess: Send + Sync + 'static {
    /// The records of the data.
    type Input: Data;
    /// The records that every subtask sees.
    type Broadcast: Data;
    /// The records of the main output.
    type Output: Data;
    /// What a rule is found by.
    type RuleKey: Key;
    /// What is kept of the broadcast stream.
    type Rule: StateValue;

    /// Handles a record of the data. It may look at the rules, not change them: other subtasks do not see this record.
    ///
    /// # Errors
    /// Stops the job.
    fn process(
        &self,
        rules: &BroadcastState<Self::RuleKey, Self::Rule>,
        record: Self::Input,
        ctx: &mut UnkeyedContext<'_, Self::Output>,
    ) -> Result<(), Failure>;

    /// Handles a broadcast record, in every subtask. It must do the same in each; what it emits, each emits.
    ///
    /// # Errors
    /// Stops the job.
    fn process_broadcast(
        &self,
        rules: &mut BroadcastState<Self::RuleKey, Self::Rule>,
        record: Self::Broadcast,
        ctx: &mut UnkeyedContext<'_, Self::Output>,
    ) -> Result<(), Failure>;
}

/// A function of a keyed stream beside a broadcast stream:
/// [`KeyedBroadcastStream::process`](crate::api::KeyedBroadcastStream::process).
///
/// As [`BroadcastProcess`], with state and timers per key. While a broadcast record is handled there is no key, so neither
/// keyed state nor timers. (Flink can visit the state of all keys then; here that is not possible.)
///
/// ```
/// use millstream::prelude::*;
///
/// /// Sums up what each customer spends and tells those above the limit.
/// struct Spenders;
///
/// impl KeyedBroadcastProcess for Spenders {
///     type Key = u32;
///     type Input = (u32, u64);
///     type Broadcast = u64;
///     type Output = (u32, u64);
///     type RuleKey = ();
///     type Rule = u64;
///     type State = ValueState<u32, u64>;
///
///     fn open(&self, states: &mut States<'_, u32>) -> Result<Self::State, Failure> {
///         states.value("spent")
///     }
///
///     fn process(
///         &self,
///         spent: &Self::State,
///         limit: &BroadcastState<(), u64>,
///         (customer, price): (u32, u64),
///         ctx: &mut Context<'_, u32, (u32, u64)>,
///     ) -> Result<(), Failure> {
///         let sum = spent.update(ctx.keyed(), || 0, |sum| {
///             *sum += price;
///             *sum
///         })?;
///         if limit.get(&()).is_none_or(|limit| sum > *limit) {
///             ctx.emit((customer, sum));
///         }
///         Ok(())
///     }
///
///     fn process_broadcast(
///         &self,
///         limit: &mut BroadcastState<(), u64>,
///         new: u64,
///         _: &mut UnkeyedContext<'_, (u32, u64)>,
///     ) -> Result<(), Failure> {
///         limit.insert((), new)?;
///         Ok(())
///     }
/// }
///
/// let job = Job::new("spenders");
/// let sink = CollectSink::new();
/// let rows = sink.handle();
/// let limits = job.source(MemorySource::new(std::iter::empty::<u64>()));
/// let orders = job.source(MemorySource::new([(1, 30), (2, 5), (1, 12)]));
/// orders.key_by(|order| order.0).connect_broadcast(&limits).process(Spenders).parallelism(1).sink(sink);
/// job.run(Config::default())?;
/// assert_eq!(rows.rows(), [(1, 30), (2, 5), (1, 42)]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub trait KeyedBroadcastProcess: Send + Sync + 'static {
    /// What the data is keyed by.
    type Key: Key;
    /// The records of the data.
    type Input: Data;
    /// The records that every subtask sees.
    type Broadcast: Data;
    /// The records of the main output.
    type Output: Data;
    /// What a rule is found by.
    type RuleKey: Key;
    /// What is kept of the broadcast stream.
    type Rule: StateValue;
    /// Its states per key: a handle, a struct of handles, or `()`.
    type State: 'static;

    /// As [`KeyedProcess::open`](super::KeyedProcess::open).
    ///
    /// # Errors
    /// Whatever keeps the operator from running.
    fn open(&self, states: &mut States<'_, Self::Key>) -> Result<Self::State, Failure>;

    /// Handles a record of the data. It may look at the rules, not change them: other subtasks do not see this record.
    ///
    /// # Errors
    /// Stops the job.
    fn process(
        &self,
        state: &Self::State,
        rules: &BroadcastState<Self::RuleKey, Self::Rule>,
        record: Self::Input,
        ctx: &mut Context<'_, Self::Key, Self::Output>,
    ) -> Result<(), Failure>;

    /// Handles a broadcast record, in every subtask. It must do the same in each; what it emits, each emits.
    ///
    /// # Errors
    /// Stops the job.
    fn process_broadcast(
        &self,
        rules: &mut BroadcastState<Self::RuleKey, Self::Rule>,
        record: Self::Broadcast,
        ctx: &mut UnkeyedContext<'_, Self::Output>,
    ) -> Result<(), Failure>;

    /// Handles a timer of a key. Does nothing unless it is written.
    ///
    /// # Errors
    /// Stops the job.
    fn on_timer(
        &self,
        state: &Self::State,
        rules: &BroadcastState<Self::RuleKey, Self::Rule>,
        timer: Timer,
        ctx: &mut Context<'_, Self::Key, Self::Output>,
    ) -> Result<(), Failure> {
        let _ = (state, rules, timer, ctx);
        Ok(())
    }
}

/// The copy of a subtask, shared with what saves it.
type Rules<K, V> = Rc<RefCell<BroadcastState<K, V>>>;

/// The copy of the operator that is built, which each checkpoint saves.
fn rules<K: Key, V: StateValue>(context: &mut BuildContext) -> Result<Rules<K, V>, Error> {
    let rules = Rc::new(RefCell::new(BroadcastState::restored(context)?));
    let saved = rules.clone();
    context.save(move || saved.borrow().saved());
    Ok(rules)
}

/// A process function on a stream beside a broadcast stream; input 0 is the data.
pub(crate) struct BroadcastOperator<F>(Arc<F>);

impl<F: BroadcastProcess> BroadcastOperator<F> {
    pub(crate) fn new(function: F) -> Self {
        BroadcastOperator(Arc::new(function))
    }
}

impl<F: BroadcastProcess> HeadFactory for BroadcastOperator<F> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let (function, rules) = (self.0.clone(), rules(context)?);
        Ok(Box::new(BroadcastHead { function, rules, outputs: Outputs::new(context, outputs) }))
    }
}

struct BroadcastHead<F: BroadcastProcess> {
    function: Arc<F>,
    rules: Rules<F::RuleKey, F::Rule>,
    outputs: Outputs<F::Output>,
}

impl<F: BroadcastProcess> Head for BroadcastHead<F> {
    fn batch(&mut self, input: usize, batch: Batch) -> Result<(), Error> {
        let (function, rules) = (&*self.function, &self.rules);
        if input == 0 {
            let rules = rules.borrow();
            self.outputs.records(batch, |record, ctx| function.process(&rules, record, ctx))
        } else {
            self.outputs.records(batch, |record, ctx| function.process_broadcast(&mut rules.borrow_mut(), record, ctx))
        }
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.outputs.watermark(watermark);
        Ok(())
    }
}

/// A process function on a keyed stream beside a broadcast stream; input 0 is the data.
pub(crate) struct KeyedBroadcastOperator<F: KeyedBroadcastProcess> {
    key: KeyFunction<F::Input, F::Key>,
    function: Arc<F>,
}

impl<F: KeyedBroadcastProcess> KeyedBroadcastOperator<F> {
    pub(crate) fn new(key: KeyFunction<F::Input, F::Key>, function: F) -> Self {
        KeyedBroadcastOperator { key, function: Arc::new(function) }
    }
}

impl<F: KeyedBroadcastProcess> HeadFactory for KeyedBroadcastOperator<F> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let (key, function, rules) = (self.key.clone(), self.function.clone(), rules(context)?);
        let (runner, state) = Runner::new(context, outputs, |states| function.open(states))?;
        Ok(Box::new(KeyedBroadcastHead { key, function, state, rules, runner }))
    }
}

struct KeyedBroadcastHead<F: KeyedBroadcastProcess> {
    key: KeyFunction<F::Input, F::Key>,
    function: Arc<F>,
    state: F::State,
    rules: Rules<F::RuleKey, F::Rule>,
    runner: Runner<F::Key, F::Output>,
}

impl<F: KeyedBroadcastProcess> Head for KeyedBroadcastHead<F> {
    fn batch(&mut self, input: usize, batch: Batch) -> Result<(), Error> {
        let (function, state, rules) = (&*self.function, &self.state, &self.rules);
        if input == 0 {
            let rules = rules.borrow();
            self.runner.records(batch, &self.key, |record, ctx| function.process(state, &rules, record, ctx))
        } else {
            let process = |record, ctx: &mut UnkeyedContext<'_, F::Output>| {
                function.process_broadcast(&mut rules.borrow_mut(), record, ctx)
            };
            self.runner.outputs.records(batch, process)
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
        let (function, state, rules) = (&*self.function, &self.state, self.rules.borrow());
        self.runner.resume(|timer, ctx| function.on_timer(state, &rules, timer, ctx))
    }
}
