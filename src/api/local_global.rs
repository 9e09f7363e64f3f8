//! Windows that are aggregated in two phases.

use super::Stream;
use super::job::{SharedGraph, lock};
use crate::graph::{Error, Exchange, Logic, Node, NodeId, Upstream};
use crate::operator::window::{Cut, Late, WindowOperator, Windowed};
use crate::operator::{Aggregate, Count, MergeParts, Partial, PartialAggregate, TypedPort};
use crate::record::{Data, Key};
use std::sync::Arc;

/// A keyed stream cut into windows that are aggregated in two phases: in each subtask in front of the exchange, and behind
/// it. See [`WindowedStream::local_global`](super::WindowedStream::local_global).
pub struct LocalGlobal<K, T> {
    graph: SharedGraph,
    /// What stands in front of the keying.
    upstream: Vec<Upstream>,
    /// The window operator of one phase, which this one takes the place of.
    replaced: NodeId,
    key: Arc<dyn Fn(&T) -> K + Send + Sync>,
    cut: Cut<T>,
}

/// Results, and the parts that came too late for all of their windows.
type Aggregated<K, T, A> =
    (Stream<Windowed<K, <A as Aggregate<T>>::Output>>, Stream<Late<Partial<K, <A as Aggregate<T>>::Accumulator>>>);

impl<K: Key, T: Data> LocalGlobal<K, T> {
    pub(super) fn new(
        graph: SharedGraph,
        replaced: NodeId,
        key: Arc<dyn Fn(&T) -> K + Send + Sync>,
        cut: Cut<T>,
    ) -> Self {
        let locked = lock(&graph);
        let keying = locked.inputs(replaced).map(|edge| edge.from).next();
        let edges = keying.into_iter().flat_map(|keying| locked.inputs(keying));
        let upstream = edges.map(|edge| (edge.from, edge.port, edge.exchange)).collect();
        drop(locked);
        LocalGlobal { graph, upstream, replaced, key, cut }
    }

    /// Aggregates each window of each key. State: one accumulator per key and open window, behind the exchange only.
    pub fn aggregate<A: Aggregate<T>>(self, aggregate: A) -> Stream<Windowed<K, A::Output>>
    where
        A::Accumulator: Data,
    {
        self.aggregate_with_late(aggregate).0
    }

    /// Counts the records of each window of each key.
    pub fn count(self) -> Stream<Windowed<K, u64>> {
        self.aggregate(Count)
    }

    /// [`aggregate`](LocalGlobal::aggregate), and the parts that came too late for all of their windows. A part counts as
    /// one late record of the operator, and tells how many records it is made of.
    pub fn aggregate_with_late<A: Aggregate<T>>(self, aggregate: A) -> Aggregated<K, T, A>
    where
        A::Accumulator: Data,
    {
        let LocalGlobal { graph, upstream, replaced, key, cut } = self;
        let mut locked = lock(&graph);
        locked.nodes[replaced].replaced = true;
        let (pane_end, parts_cut) = match cut.by_pane() {
            Ok(by_pane) => by_pane,
            Err(reason) => {
                let operator = locked.nodes[replaced].label().to_owned();
                locked.mistakes.push(Error::BadWindow { operator, reason });
                return (Stream::new(graph.clone(), replaced, 0), Stream::new(graph.clone(), replaced, 1));
            }
        };
        let aggregate = Arc::new(aggregate);
        let local = Arc::new(PartialAggregate::new(key, aggregate.clone(), pane_end));
        let port = TypedPort::<Partial<K, A::Accumulator>>::shared();
        let local = Node::new("local", Logic::KeyBy(local), Some(TypedPort::<T>::shared()), vec![port]);
        let local = locked.add(local, &upstream);

        let name = parts_cut.name();
        let part_key = Arc::new(|part: &Partial<K, A::Accumulator>| part.key.clone());
        let merge = WindowOperator::new(part_key, parts_cut, MergeParts::<T, A>::new(aggregate));
        let ports = vec![
            TypedPort::<Windowed<K, A::Output>>::shared(),
            TypedPort::<Late<Partial<K, A::Accumulator>>>::shared(),
            TypedPort::<Partial<K, A::Accumulator>>::shared(),
        ];
        let global =
            locked.add(Node::new(name, Logic::Keyed(Arc::new(merge)), None, ports), &[(local, 0, Exchange::Hash)]);
        drop(locked);
        (Stream::new(graph.clone(), global, 0), Stream::new(graph, global, 1))
    }
}
