//! Two streams that meet in one operator.

use super::job::{SharedGraph, lock};
use super::stream::same_job;
use super::{KeyedStream, Stream};
use crate::graph::{Exchange, Logic, Node, Upstream};
use crate::operator::TypedPort;
use crate::operator::process::{
    BroadcastOperator, BroadcastProcess, CoProcess, CoProcessOperator, KeyedBroadcastOperator, KeyedBroadcastProcess,
};
use crate::record::{Data, Key};
use std::sync::Arc;

/// Adds an operator with two inputs.
fn join<U: Data>(graph: &SharedGraph, kind: &str, logic: Logic, inputs: [&[Upstream]; 2]) -> Stream<U> {
    let node = Node::process(kind, logic, TypedPort::<U>::shared());
    let id = lock(graph).join(node, &inputs);
    Stream::new(graph.clone(), id, 0)
}

/// A stream as the broadcast input of an operator. One of another job is a mistake, and left out.
fn broadcast<R: Data>(graph: &SharedGraph, from: usize, rules: &Stream<R>) -> Vec<Upstream> {
    if !same_job(graph, from, &rules.graph) {
        return Vec::new();
    }
    rules.from.iter().map(|&(from, port, _)| (from, port, Exchange::Broadcast)).collect()
}

/// Two keyed streams of one key type, side by side: [`KeyedStream::connect`].
///
/// ```
/// use millstream::prelude::*;
///
/// /// Counts how many records of a key have come on both sides.
/// struct Both;
///
/// impl CoProcess for Both {
///     type Key = u64;
///     type Left = u64;
///     type Right = u64;
///     type Output = (u64, u64);
///     type State = ValueState<u64, u64>;
///
///     fn open(&self, states: &mut States<'_, u64>) -> Result<Self::State, Failure> {
///         states.value("count")
///     }
///
///     fn process_left(
///         &self,
///         count: &Self::State,
///         n: u64,
///         ctx: &mut Context<'_, u64, (u64, u64)>,
///     ) -> Result<(), Failure> {
///         let seen = count.get(ctx.keyed())?.unwrap_or(0) + 1;
///         count.put(ctx.keyed(), seen)?;
///         ctx.emit((n, seen));
///         Ok(())
///     }
///
///     fn process_right(
///         &self,
///         count: &Self::State,
///         n: u64,
///         ctx: &mut Context<'_, u64, (u64, u64)>,
///     ) -> Result<(), Failure> {
///         self.process_left(count, n, ctx)
///     }
/// }
///
/// let job = Job::new("both");
/// let sink = CollectSink::new();
/// let rows = sink.handle();
/// let left = job.source(MemorySource::new([7])).key_by(|n| *n);
/// let right = job.source(MemorySource::new([7])).key_by(|n| *n);
/// left.connect(&right).process(Both).sink(sink);
/// job.run(Config::default())?;
/// assert_eq!(rows.rows(), [(7, 1), (7, 2)]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct ConnectedStreams<K, L, R> {
    left: KeyedStream<K, L>,
    right: KeyedStream<K, R>,
}

impl<K: Key, L: Data, R: Data> ConnectedStreams<K, L, R> {
    pub(super) fn new(left: &KeyedStream<K, L>, right: &KeyedStream<K, R>) -> Self {
        ConnectedStreams { left: left.clone(), right: right.clone() }
    }

    /// Runs a process function on both. One in, any number out. State: the function's, and its timers.
    pub fn process<F: CoProcess<Key = K, Left = L, Right = R>>(&self, function: F) -> Stream<F::Output> {
        let (left, right) = (&self.left, &self.right);
        let logic = Logic::Keyed(Arc::new(CoProcessOperator::new(left.key.clone(), right.key.clone(), function)));
        let same = same_job(&left.graph, left.key_by, &right.graph);
        let other: &[Upstream] = if same { &[right.upstream()] } else { &[] };
        join(&left.graph, "co_process", logic, [&[left.upstream()], other])
    }
}

/// A stream beside a broadcast stream: [`Stream::connect_broadcast`].
pub struct BroadcastStream<T, R> {
    data: Stream<T>,
    rules: Stream<R>,
}

impl<T: Data, R: Data> BroadcastStream<T, R> {
    pub(super) fn new(data: &Stream<T>, rules: &Stream<R>) -> Self {
        BroadcastStream { data: data.clone(), rules: rules.clone() }
    }

    /// Runs a process function on both. One in, any number out. State: the rules.
    pub fn process<F: BroadcastProcess<Input = T, Broadcast = R>>(&self, function: F) -> Stream<F::Output> {
        let logic = Logic::Head(Arc::new(BroadcastOperator::new(function)));
        let rules = broadcast(&self.data.graph, self.data.from[0].0, &self.rules);
        join(&self.data.graph, "broadcast_process", logic, [&self.data.from, &rules])
    }
}

/// A keyed stream beside a broadcast stream: [`KeyedStream::connect_broadcast`].
pub struct KeyedBroadcastStream<K, T, R> {
    data: KeyedStream<K, T>,
    rules: Stream<R>,
}

impl<K: Key, T: Data, R: Data> KeyedBroadcastStream<K, T, R> {
    pub(super) fn new(data: &KeyedStream<K, T>, rules: &Stream<R>) -> Self {
        KeyedBroadcastStream { data: data.clone(), rules: rules.clone() }
    }

    /// Runs a process function on both. One in, any number out. State: the function's, its timers, and the rules.
    pub fn process<F>(&self, function: F) -> Stream<F::Output>
    where
        F: KeyedBroadcastProcess<Key = K, Input = T, Broadcast = R>,
    {
        let logic = Logic::Keyed(Arc::new(KeyedBroadcastOperator::new(self.data.key.clone(), function)));
        let rules = broadcast(&self.data.graph, self.data.key_by, &self.rules);
        join(&self.data.graph, "keyed_broadcast_process", logic, [&[self.data.upstream()], &rules])
    }
}
