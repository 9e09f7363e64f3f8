//! Streams that are not keyed.

use super::job::{SharedGraph, lock};
use super::{BroadcastStream, KeyedStream, WindowedStream};
use crate::connector::Sink;
use crate::graph::{Error, Exchange, Logic, Node, NodeId, Upstream};
use crate::operator::process::{Side, Tag};
use crate::operator::window::Windows;
use crate::operator::{
    EventTime, Filter, FlatMap, Inspect, KeyBy, Lookup, Map, OnError, SinkOperator, SplitBy, StageFactory, TryMap,
    TypedPort,
};
use crate::record::{Data, Key};
use crate::time::{Timestamp, WatermarkStrategy};
use serde::{Serialize, de::DeserializeOwned};
use std::marker::PhantomData;
use std::sync::Arc;

/// A stream of records of type `T`.
///
/// Cheap to clone; using it twice sends each record both ways. Methods that name or place an operator (`uid`, `name`,
/// `parallelism`, `isolated`) speak of the one that this stream comes from, the last in the chain of calls.
#[derive(Clone)]
pub struct Stream<T> {
    pub(crate) graph: SharedGraph,
    /// The outputs that this stream unites, and how each goes to the next operator.
    pub(super) from: Vec<Upstream>,
    record: PhantomData<fn() -> T>,
}

impl<T: Data> Stream<T> {
    /// The stream that comes from a port of an operator.
    pub(crate) fn new(graph: SharedGraph, from: NodeId, port: usize) -> Self {
        Stream { graph, from: vec![(from, port, Exchange::Forward)], record: PhantomData }
    }

    /// Adds an operator behind this stream.
    pub(super) fn attach(&self, kind: &str, logic: Logic, ports: Vec<Arc<dyn crate::operator::Port>>) -> NodeId {
        let node = Node::new(kind, logic, Some(TypedPort::<T>::shared()), ports);
        lock(&self.graph).add(node, &self.from)
    }

    pub(crate) fn then<U: Data>(&self, kind: &str, stage: impl StageFactory + 'static) -> Stream<U> {
        let id = self.attach(kind, Logic::Stage(Arc::new(stage)), vec![TypedPort::<U>::shared()]);
        Stream::new(self.graph.clone(), id, 0)
    }

    fn fork<U: Data, V: Data>(&self, kind: &str, stage: impl StageFactory + 'static) -> (Stream<U>, Stream<V>) {
        let ports = vec![TypedPort::<U>::shared(), TypedPort::<V>::shared()];
        let id = self.attach(kind, Logic::Stage(Arc::new(stage)), ports);
        (Stream::new(self.graph.clone(), id, 0), Stream::new(self.graph.clone(), id, 1))
    }

    /// Makes of each record another one. One in, one out, order and event time kept; stateless.
    pub fn map<U: Data>(&self, function: impl Fn(T) -> U + Send + Sync + 'static) -> Stream<U> {
        self.then("map", Map::new(function))
    }

    /// Makes of each record any number of others, which keep its event time. One in, any number out, order kept; stateless.
    pub fn flat_map<I>(&self, function: impl Fn(T) -> I + Send + Sync + 'static) -> Stream<I::Item>
    where
        I: IntoIterator<Item: Data> + 'static,
    {
        self.then("flat_map", FlatMap::new(function))
    }

    /// Makes of each record another one, or an error that goes its own way: (made, refused). One in, one out of either,
    /// order and event time kept; stateless. For parsing: a malformed record is data too.
    pub fn try_map<U: Data, E: Data>(
        &self,
        function: impl Fn(T) -> Result<U, E> + Send + Sync + 'static,
    ) -> (Stream<U>, Stream<E>) {
        self.fork("try_map", TryMap::new(function))
    }

    /// Keeps the records for which `predicate` holds. One in, at most one out, order and event time kept; stateless.
    #[must_use]
    pub fn filter(&self, predicate: impl Fn(&T) -> bool + Send + Sync + 'static) -> Stream<T> {
        self.then("filter", Filter::new(predicate))
    }

    /// Divides the stream: (records for which `predicate` holds, the others). Order and event time kept; stateless.
    pub fn split(&self, predicate: impl Fn(&T) -> bool + Send + Sync + 'static) -> (Stream<T>, Stream<T>) {
        self.fork("split", SplitBy::new(predicate))
    }

    /// Looks at each record as it passes. After a restart records are seen again.
    #[must_use]
    pub fn inspect(&self, function: impl Fn(&T) + Send + Sync + 'static) -> Stream<T> {
        self.then("inspect", Inspect::new(function))
    }

    /// Makes of each record what a call to the outside answers; order, concurrency, time limits and retries are the
    /// [`Lookup`]'s. One in, one out, event time kept. State: the records whose calls are open, in the checkpoint; after a
    /// restart they are asked again.
    ///
    /// # Errors
    /// A call that is not answered, and has no fallback, fails the operator.
    pub fn lookup<U: Data>(&self, lookup: Lookup<T, U>) -> Stream<U>
    where
        T: Serialize + DeserializeOwned,
    {
        let (kind, flaw) = (lookup.kind(), lookup.flaw());
        let mut node = Node::new(kind, Logic::Head(Arc::new(lookup)), None, vec![TypedPort::<U>::shared()]);
        node.flaw = flaw;
        let id = lock(&self.graph).add(node, &self.from);
        Stream::new(self.graph.clone(), id, 0)
    }

    /// The side output of a process function under that tag: the stream must be one that `process` has returned. Asked for
    /// twice, it is one stream used twice. An output that nobody asks for costs nothing.
    ///
    /// A tag of one name and another type, or another operator, is an error when the job is planned.
    pub fn side<U: Data>(&self, tag: &Tag<U>) -> Stream<U> {
        let mut graph = lock(&self.graph);
        let port = match self.from[..] {
            [(id, ..)] => graph.side(id, Side::of(tag), TypedPort::<U>::shared()),
            _ => Err(Error::NoOperator),
        };
        // After a mistake nothing runs, so it does not matter where the stream comes from.
        let port = port.unwrap_or_else(|mistake| {
            graph.mistakes.push(mistake);
            0
        });
        drop(graph);
        Stream::new(self.graph.clone(), self.from[0].0, port)
    }

    /// Puts a stream of rules beside this one, whose every record goes to all subtasks of the next operator:
    /// [`BroadcastProcess`](crate::operator::process::BroadcastProcess).
    pub fn connect_broadcast<R: Data>(&self, rules: &Stream<R>) -> BroadcastStream<T, R> {
        BroadcastStream::new(self, rules)
    }

    /// Gives each record its event time and makes the stream's watermarks.
    ///
    /// Put it as near to the source as the time is known: right behind a source (without an exchange between) watermarks
    /// are made per split, so that files read side by side do not make each other's records late. Watermarks from before
    /// are forgotten. State: the latest event time (or the highest mark) per split, in the checkpoint.
    ///
    /// * `time`: must be deterministic.
    /// * `watermarks`: [`Watermarks`](crate::time::Watermarks), or what
    ///   [`punctuated`](crate::time::Watermarks::punctuated) makes of marks in the records.
    #[must_use]
    pub fn event_time(
        &self,
        time: impl Fn(&T) -> Timestamp + Send + Sync + 'static,
        watermarks: impl Into<WatermarkStrategy<T>>,
    ) -> Stream<T> {
        self.then("event_time", EventTime::new(time, watermarks.into()))
    }

    /// Both streams as one; each keeps its own order and its own way to the next operator. Event time is the slower one's.
    #[must_use]
    pub fn union(&self, other: &Stream<T>) -> Stream<T> {
        if !same_job(&self.graph, self.from[0].0, &other.graph) {
            return self.clone();
        }
        let from = self.from.iter().chain(&other.from).copied().collect();
        Stream { from, ..self.clone() }
    }

    /// Spreads the records evenly over the subtasks of the next operator, batch by batch. Order is lost between subtasks.
    #[must_use]
    pub fn rebalance(&self) -> Stream<T> {
        self.exchanged(Exchange::Rebalance)
    }

    /// Sends every record to every subtask of the next operator.
    #[must_use]
    pub fn broadcast(&self) -> Stream<T> {
        self.exchanged(Exchange::Broadcast)
    }

    pub(super) fn exchanged(&self, exchange: Exchange) -> Stream<T> {
        let from = self.from.iter().map(|&(from, port, _)| (from, port, exchange)).collect();
        Stream { from, ..self.clone() }
    }

    /// Groups the stream by a key. Records of one key go to one subtask, in the order in which their sender had them.
    ///
    /// `key` is called for each record on both sides of the exchange, so it should be cheap and must be deterministic.
    pub fn key_by<K: Key>(&self, key: impl Fn(&T) -> K + Send + Sync + 'static) -> KeyedStream<K, T> {
        let key: Arc<dyn Fn(&T) -> K + Send + Sync> = Arc::new(key);
        let logic = Logic::KeyBy(Arc::new(KeyBy::new(key.clone())));
        let id = self.attach("key_by", logic, vec![TypedPort::<T>::shared()]);
        KeyedStream::new(self.graph.clone(), id, key)
    }

    /// Cuts the whole stream into windows, whatever its keys. All records go to one subtask, so this does not scale: where it
    /// can be done, aggregate per key first.
    ///
    /// ```
    /// use millstream::prelude::*;
    /// use millstream::testing::Harness;
    ///
    /// let mut counts = Harness::new(|hits: Stream<u64>| {
    ///     hits.window_all(Tumbling::of(minutes(1))).count().map(|window| window.value)
    /// });
    /// counts.push(1, Timestamp::EPOCH).push(2, Timestamp::EPOCH).push(3, Timestamp::EPOCH + minutes(1));
    /// assert_eq!(counts.end().drain(), [2, 1]);
    /// ```
    pub fn window_all(&self, windows: impl Into<Windows<T>>) -> WindowedStream<(), T> {
        self.key_by(|_| ()).window(windows).alone()
    }

    /// Ends the stream in a sink. What the sink promises is told on its page.
    pub fn sink(&self, sink: impl Sink<T>) -> End {
        let node = self.attach("sink", Logic::Sink(Arc::new(SinkOperator::new(sink))), Vec::new());
        End { graph: self.graph.clone(), node }
    }

    /// Gives the operator a stable id, under which its state is found again. Unique in the job, at most 100 bytes.
    #[must_use]
    pub fn uid(&self, uid: impl Into<String>) -> Stream<T> {
        let uid = uid.into();
        self.with_node(|node| {
            node.uid = uid;
            node.named = true;
        })
    }

    /// Gives the operator a name for people.
    #[must_use]
    pub fn name(&self, name: impl Into<String>) -> Stream<T> {
        let name = name.into();
        self.with_node(|node| node.name = Some(name))
    }

    /// In how many subtasks the operator runs, instead of the job's number. At least 1; at most 128 for a keyed operator,
    /// 1,024 for others.
    #[must_use]
    pub fn parallelism(&self, parallelism: usize) -> Stream<T> {
        self.with_node(|node| node.parallelism = Some(parallelism))
    }

    /// Gives the operator an actor of its own instead of a place in a chain.
    #[must_use]
    pub fn isolated(&self) -> Stream<T> {
        self.with_node(|node| node.isolated = true)
    }

    /// What becomes of a record on which the operator fails. Sources and sinks have no policy: what they fail on is not one
    /// record.
    #[must_use]
    pub fn on_error(&self, policy: OnError) -> Stream<T> {
        self.with_node(|node| node.on_error = policy)
    }

    /// Says that the operator may bring something else when it is handed the same again: it reads a clock, chance, or the
    /// world. If it fails, the whole job goes back to its last checkpoint; without this it would be restarted by itself, and
    /// what it does not bring again would be an error.
    #[must_use]
    pub fn nondeterministic(&self) -> Stream<T> {
        self.with_node(|node| node.deterministic = false)
    }

    pub(super) fn with_node(&self, change: impl FnOnce(&mut Node)) -> Stream<T> {
        let mut graph = lock(&self.graph);
        match self.from[..] {
            [(id, ..)] => change(&mut graph.nodes[id]),
            _ => graph.mistakes.push(Error::NoOperator),
        }
        drop(graph);
        self.clone()
    }
}

/// Whether two streams belong to one job; notes the mistake at the operator that the first comes from if they do not.
pub(super) fn same_job(graph: &SharedGraph, from: NodeId, other: &SharedGraph) -> bool {
    let same = Arc::ptr_eq(graph, other);
    if !same {
        let mut graph = lock(graph);
        let operator = graph.nodes[from].label().to_owned();
        graph.mistakes.push(Error::ForeignStream { operator });
    }
    same
}

/// The end of a stream, to name or place its sink.
#[derive(Clone)]
pub struct End {
    graph: SharedGraph,
    node: NodeId,
}

impl End {
    /// Gives the sink a stable id. Unique in the job, at most 100 bytes.
    pub fn uid(self, uid: impl Into<String>) -> Self {
        let mut graph = lock(&self.graph);
        graph.nodes[self.node].uid = uid.into();
        graph.nodes[self.node].named = true;
        drop(graph);
        self
    }

    /// Gives the sink a name for people.
    pub fn name(self, name: impl Into<String>) -> Self {
        lock(&self.graph).nodes[self.node].name = Some(name.into());
        self
    }

    /// In how many subtasks the sink runs, instead of the job's number.
    pub fn parallelism(self, parallelism: usize) -> Self {
        lock(&self.graph).nodes[self.node].parallelism = Some(parallelism);
        self
    }
}
