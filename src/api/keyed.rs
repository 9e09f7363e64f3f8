//! Streams grouped by a key.

use super::job::{SharedGraph, lock};
use super::{ConnectedStreams, KeyedBroadcastStream, Stream, WindowedStream};
use crate::graph::{Exchange, Logic, Node, NodeId, Upstream};
use crate::operator::process::{FlatMapWithState, KeyedProcess, KeyedProcessOperator, StateFunction};
use crate::operator::window::Windows;
use crate::operator::{Aggregate, Count, OnError, RunningAggregate, RunningDistinct, RunningReduce, TypedPort};
use crate::record::{Data, Key};
use crate::state::StateValue;
use std::sync::Arc;

/// A stream of records of type `T` grouped by a key of type `K`. Only here are the operators that keep state per key.
///
/// Cheap to clone; used twice, each record is hashed once all the same.
///
/// A stream that is not keyed has none of them:
///
/// ```compile_fail,E0599
/// use millstream::prelude::*;
///
/// let numbers = Job::new("unkeyed").source(MemorySource::new(0..10_u64));
/// numbers.count();
/// ```
pub struct KeyedStream<K, T> {
    pub(super) graph: SharedGraph,
    pub(super) key_by: NodeId,
    pub(super) key: Arc<dyn Fn(&T) -> K + Send + Sync>,
}

impl<K, T> Clone for KeyedStream<K, T> {
    fn clone(&self) -> Self {
        KeyedStream { graph: self.graph.clone(), key_by: self.key_by, key: self.key.clone() }
    }
}

impl<K: Key, T: Data> KeyedStream<K, T> {
    pub(crate) fn new(graph: SharedGraph, key_by: NodeId, key: Arc<dyn Fn(&T) -> K + Send + Sync>) -> Self {
        KeyedStream { graph, key_by, key }
    }

    /// Adds a stateful operator.
    pub(super) fn then<U: Data>(&self, kind: &str, logic: Logic) -> Stream<U> {
        let node = Node::new(kind, logic, None, vec![TypedPort::<U>::shared()]);
        let id = lock(&self.graph).add(node, &[self.upstream()]);
        Stream::new(self.graph.clone(), id, 0)
    }

    /// Cuts the stream of each key into windows of event time.
    ///
    /// ```
    /// use millstream::prelude::*;
    ///
    /// let job = Job::new("per-minute");
    /// let sink = CollectSink::new();
    /// let counts = sink.handle();
    /// job.source(MemorySource::new(vec![("ada", 1_i64), ("ada", 59), ("ada", 60)]))
    ///     .event_time(|hit| Timestamp::from_seconds(hit.1), Watermarks::monotonic())
    ///     .key_by(|hit| hit.0.to_string())
    ///     .window(Tumbling::of(minutes(1)))
    ///     .count()
    ///     .map(|window| (window.end.millis(), window.value))
    ///     .sink(sink);
    /// job.run(Config::default())?;
    /// assert_eq!(counts.rows(), [(60_000, 2), (120_000, 1)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn window(&self, windows: impl Into<Windows<T>>) -> WindowedStream<K, T> {
        WindowedStream::new(self.graph.clone(), self.key_by, self.key.clone(), windows.into())
    }

    /// Combines all records of a key seen so far and emits the new value for each: one in, one out, order kept. State: one
    /// record per key, kept for ever.
    pub fn reduce(&self, combine: impl Fn(&T, &T) -> T + Send + Sync + 'static) -> Stream<T>
    where
        T: serde::Serialize + serde::de::DeserializeOwned,
    {
        self.then("reduce", Logic::Keyed(Arc::new(RunningReduce::new(self.key.clone(), combine))))
    }

    /// Aggregates all records of a key seen so far and emits `(key, value)` for each: one in, one out, order kept. State:
    /// one accumulator per key, kept for ever.
    pub fn aggregate<A: Aggregate<T>>(&self, aggregate: A) -> Stream<(K, A::Output)> {
        self.then("aggregate", Logic::Keyed(Arc::new(RunningAggregate::new(self.key.clone(), aggregate))))
    }

    /// Counts the distinct values that each key has brought so far, exactly, and emits `(key, count)` for each record: one in,
    /// one out, order kept. State: one entry per key and value, kept for ever; an epoch writes those that are new. A key's
    /// entries are in memory together.
    ///
    /// ```
    /// use millstream::prelude::*;
    /// use millstream::testing::Harness;
    ///
    /// let mut visitors = Harness::new(|hits: Stream<(&'static str, u32)>| {
    ///     hits.key_by(|hit| hit.0.to_string()).count_distinct(|hit| hit.1).map(|(_, visitors)| visitors)
    /// });
    /// for visitor in [7, 8, 7] {
    ///     visitors.push(("/", visitor), Timestamp::EPOCH);
    /// }
    /// assert_eq!(visitors.drain(), [1, 2, 2]);
    /// ```
    pub fn count_distinct<V: Key>(&self, value: impl Fn(&T) -> V + Send + Sync + 'static) -> Stream<(K, u64)> {
        let operator = RunningDistinct::new(self.key.clone(), Arc::new(value));
        self.then("count_distinct", Logic::Keyed(Arc::new(operator)))
    }

    /// Counts the records of each key: [`aggregate`](KeyedStream::aggregate) with [`Count`].
    pub fn count(&self) -> Stream<(K, u64)> {
        self.aggregate(Count)
    }

    /// Runs a process function: state of any kind, timers, side outputs. One in, any number out; the records of a key in
    /// order. State: the function's, and its timers.
    pub fn process<F: KeyedProcess<Key = K, Input = T>>(&self, function: F) -> Stream<F::Output> {
        let logic = Logic::Keyed(Arc::new(KeyedProcessOperator::new(self.key.clone(), function)));
        let node = Node::process("process", logic, TypedPort::<F::Output>::shared());
        let id = lock(&self.graph).add(node, &[self.upstream()]);
        Stream::new(self.graph.clone(), id, 0)
    }

    /// Makes of each record another one, by a function that may look at the state of the key and change it: the short form
    /// of [`process`](KeyedStream::process). One in, one out, order and event time kept. State: one value per key, which
    /// `create` makes for the first record, kept for ever.
    ///
    /// ```
    /// use millstream::prelude::*;
    /// use millstream::testing::Harness;
    ///
    /// let mut numbered = Harness::new(|words: Stream<&'static str>| {
    ///     words.key_by(|word| word.to_string()).map_with_state(|| 0, |count: &mut u32, word, _| {
    ///         *count += 1;
    ///         format!("{word} {count}")
    ///     })
    /// });
    /// numbered.push("mill", Timestamp::EPOCH).push("stream", Timestamp::EPOCH).push("mill", Timestamp::EPOCH);
    /// assert_eq!(numbered.drain(), ["mill 1", "stream 1", "mill 2"]);
    /// ```
    pub fn map_with_state<S: StateValue, U: Data>(
        &self,
        create: impl Fn() -> S + Send + Sync + 'static,
        function: impl Fn(&mut S, &K, T) -> U + Send + Sync + 'static,
    ) -> Stream<U> {
        let function: StateFunction<K, T, S, Option<U>> =
            Arc::new(move |state, key, record| Some(function(state, key, record)));
        let operator = FlatMapWithState::new(self.key.clone(), create, function);
        self.then("map_with_state", Logic::Keyed(Arc::new(operator)))
    }

    /// As [`map_with_state`](KeyedStream::map_with_state), for any number of records from each: an `Option`, a `Vec`, or
    /// whatever can be iterated.
    ///
    /// ```
    /// use millstream::prelude::*;
    /// use millstream::testing::Harness;
    ///
    /// // Lets a value pass when it differs from the one before.
    /// let mut changes = Harness::new(|values: Stream<(u8, i32)>| {
    ///     values.key_by(|value| value.0).flat_map_with_state(|| None, |last: &mut Option<i32>, _, (sensor, value)| {
    ///         (last.replace(value) != Some(value)).then_some((sensor, value))
    ///     })
    /// });
    /// for value in [(1, 20), (2, 20), (1, 20), (1, 21)] {
    ///     changes.push(value, Timestamp::EPOCH);
    /// }
    /// assert_eq!(changes.drain(), [(1, 20), (2, 20), (1, 21)]);
    /// ```
    pub fn flat_map_with_state<S: StateValue, I>(
        &self,
        create: impl Fn() -> S + Send + Sync + 'static,
        function: impl Fn(&mut S, &K, T) -> I + Send + Sync + 'static,
    ) -> Stream<I::Item>
    where
        I: IntoIterator<Item: Data> + 'static,
    {
        let operator = FlatMapWithState::new(self.key.clone(), create, Arc::new(function));
        self.then("flat_map_with_state", Logic::Keyed(Arc::new(operator)))
    }

    /// Connects two streams of one key type, for a function that shares state between them:
    /// [`CoProcess`](crate::operator::process::CoProcess).
    pub fn connect<U: Data>(&self, other: &KeyedStream<K, U>) -> ConnectedStreams<K, T, U> {
        ConnectedStreams::new(self, other)
    }

    /// Puts a stream of rules beside this one, whose every record goes to all subtasks of the next operator:
    /// [`KeyedBroadcastProcess`](crate::operator::process::KeyedBroadcastProcess).
    pub fn connect_broadcast<R: Data>(&self, rules: &Stream<R>) -> KeyedBroadcastStream<K, T, R> {
        KeyedBroadcastStream::new(self, rules)
    }

    /// How its records get to a keyed operator.
    pub(super) fn upstream(&self) -> Upstream {
        (self.key_by, 0, Exchange::Hash)
    }

    /// What becomes of a record whose key cannot be told.
    #[must_use]
    pub fn on_error(&self, policy: OnError) -> Self {
        lock(&self.graph).nodes[self.key_by].on_error = policy;
        self.clone()
    }

    /// Gives the keying itself a stable id and the place where it is told apart in messages. Unique in the job.
    #[must_use]
    pub fn uid(&self, uid: impl Into<String>) -> Self {
        let mut graph = lock(&self.graph);
        graph.nodes[self.key_by].uid = uid.into();
        graph.nodes[self.key_by].named = true;
        drop(graph);
        self.clone()
    }
}
