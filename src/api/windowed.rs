//! Windows over a keyed stream.

use super::Stream;
use super::job::{SharedGraph, lock};
use crate::graph::{Exchange, Logic, Node, NodeId};
use crate::operator::window::{Late, WindowCollect, WindowOperator, Windowed, Windows};
use crate::operator::{Aggregate, Count, HeadFactory, Reduce, TypedPort};
use crate::record::{Data, Key};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// A keyed stream cut into windows; one of its methods says what becomes of each window.
///
/// Results come when the watermark reaches the last instant of a window (`end - 1 ms`), with that instant as their event
/// time, ordered by window end and then by key. A record all of whose windows are gone is *late*: it is counted and goes to
/// [`late`](WindowedStream::late), where nothing happens to it unless that stream is used.
pub struct WindowedStream<K, T> {
    graph: SharedGraph,
    node: NodeId,
    key: Arc<dyn Fn(&T) -> K + Send + Sync>,
    windows: Windows<T>,
}

impl<K: Key, T: Data> WindowedStream<K, T> {
    pub(crate) fn new(
        graph: SharedGraph,
        key_by: NodeId,
        key: Arc<dyn Fn(&T) -> K + Send + Sync>,
        windows: Windows<T>,
    ) -> Self {
        // A window nobody aggregates leads to no sink, so the plan refuses it before this logic could run.
        let logic = Logic::Keyed(Arc::new(WindowOperator::new(key.clone(), windows.clone(), Count)));
        let ports = vec![TypedPort::<Windowed<K, u64>>::shared(), TypedPort::<Late<T>>::shared()];
        let mut node = Node::new(windows.to_string(), logic, None, ports);
        node.flaw = windows.check().err();
        let id = lock(&graph).add(node, &[(key_by, 0, Exchange::Hash)]);
        WindowedStream { graph, node: id, key, windows }
    }

    /// The records that came too late for all of their windows, with how late they were.
    pub fn late(&self) -> Stream<Late<T>> {
        Stream::new(self.graph.clone(), self.node, 1)
    }

    /// Aggregates each window of each key. State: one accumulator per key and open window.
    pub fn aggregate<A: Aggregate<T>>(self, aggregate: A) -> Stream<Windowed<K, A::Output>> {
        let operator = WindowOperator::new(self.key.clone(), self.windows.clone(), aggregate);
        self.finish(operator)
    }

    /// Counts the records of each window of each key.
    pub fn count(self) -> Stream<Windowed<K, u64>> {
        self.aggregate(Count)
    }

    /// Combines the records of each window of each key into one. State: one record per key and open window.
    pub fn reduce(self, combine: impl Fn(&T, &T) -> T + Send + Sync + 'static) -> Stream<Windowed<K, T>>
    where
        T: Serialize + DeserializeOwned,
    {
        self.aggregate(Reduce::by(combine))
    }

    /// All records of each tumbling window of each key, in the order in which they came. State: all records of the open
    /// windows.
    pub fn collect(self) -> Stream<Windowed<K, Vec<T>>>
    where
        T: Serialize + DeserializeOwned,
    {
        let operator = WindowCollect::new(self.key.clone(), self.windows.clone());
        self.finish(operator)
    }

    fn finish<U: Data>(self, operator: impl HeadFactory + 'static) -> Stream<Windowed<K, U>> {
        let mut graph = lock(&self.graph);
        let node = &mut graph.nodes[self.node];
        node.logic = Logic::Keyed(Arc::new(operator));
        node.ports[0] = TypedPort::<Windowed<K, U>>::shared();
        drop(graph);
        Stream::new(self.graph.clone(), self.node, 0)
    }
}
