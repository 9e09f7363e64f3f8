//! Streams grouped by a key.

use super::job::{SharedGraph, lock};
use super::{Stream, WindowedStream};
use crate::graph::{Exchange, Logic, Node, NodeId};
use crate::operator::window::Windows;
use crate::operator::{Aggregate, Count, RunningAggregate, RunningReduce, TypedPort};
use crate::record::{Data, Key};
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
    graph: SharedGraph,
    key_by: NodeId,
    key: Arc<dyn Fn(&T) -> K + Send + Sync>,
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
    fn then<U: Data>(&self, kind: &str, logic: Logic) -> Stream<U> {
        let node = Node::new(kind, logic, None, vec![TypedPort::<U>::shared()]);
        let id = lock(&self.graph).add(node, &[(self.key_by, 0, Exchange::Hash)]);
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

    /// Counts the records of each key: [`aggregate`](KeyedStream::aggregate) with [`Count`].
    pub fn count(&self) -> Stream<(K, u64)> {
        self.aggregate(Count)
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
