//! What is chained, what runs in how many subtasks, and what operators are called.

use super::{Exchange, Graph, Logic, Node, NodeId};
use crate::operator::{Map, SinkOperator, SourceOperator, TypedPort};
use crate::prelude::{CollectSink, MemorySource};
use std::sync::Arc;

/// A graph under construction, without the typed API.
struct Sketch(Graph);

impl Sketch {
    fn new() -> Self {
        Sketch(Graph::new("sketch"))
    }

    fn add(&mut self, kind: &str, logic: Logic, inputs: &[(NodeId, Exchange)]) -> NodeId {
        let input = (!inputs.is_empty()).then(TypedPort::<u64>::shared);
        let ports = match logic {
            Logic::Sink(_) => Vec::new(),
            _ => vec![TypedPort::<u64>::shared()],
        };
        let inputs: Vec<_> = inputs.iter().map(|&(from, exchange)| (from, 0, exchange)).collect();
        self.0.add(Node::new(kind, logic, input, ports), &inputs)
    }

    fn source(&mut self) -> NodeId {
        self.add("source", Logic::Source(Arc::new(SourceOperator::new(MemorySource::new(0..9_u64)))), &[])
    }

    fn map(&mut self, inputs: &[(NodeId, Exchange)]) -> NodeId {
        self.add("map", Logic::Stage(Arc::new(Map::new(|n: u64| n))), inputs)
    }

    /// Hashes keys; what it does does not matter to a plan.
    fn key_by(&mut self, inputs: &[(NodeId, Exchange)]) -> NodeId {
        self.add("key_by", Logic::KeyBy(Arc::new(Map::new(|n: u64| n))), inputs)
    }

    fn sink(&mut self, inputs: &[(NodeId, Exchange)]) -> NodeId {
        self.add("sink", Logic::Sink(Arc::new(SinkOperator::new(CollectSink::<u64>::new()))), inputs)
    }

    fn chains(&self, parallelism: usize) -> Vec<Vec<NodeId>> {
        self.0.plan(parallelism).unwrap().chains.into_iter().map(|chain| chain.nodes).collect()
    }

    fn uids(&self) -> Vec<&str> {
        self.0.nodes.iter().map(|node| node.uid.as_str()).collect()
    }
}

use Exchange::{Broadcast, Forward, Rebalance};

#[test]
fn neighbours_without_an_exchange_are_one_chain() {
    let mut sketch = Sketch::new();
    let source = sketch.source();
    let map = sketch.map(&[(source, Forward)]);
    let sink = sketch.sink(&[(map, Forward)]);
    assert_eq!(sketch.chains(3), [[source, map, sink]]);
}

#[test]
fn a_stream_used_twice_goes_on_twice_in_one_chain() {
    let mut sketch = Sketch::new();
    let source = sketch.source();
    let (left, right) = (sketch.map(&[(source, Forward)]), sketch.map(&[(source, Forward)]));
    let (one, two) = (sketch.sink(&[(left, Forward)]), sketch.sink(&[(right, Forward)]));
    assert_eq!(sketch.chains(1), [[source, left, right, one, two]]);
}

#[test]
fn an_exchange_a_union_another_parallelism_and_isolation_each_begin_a_chain() {
    for exchange in [Rebalance, Broadcast] {
        let mut sketch = Sketch::new();
        let source = sketch.source();
        let sink = sketch.sink(&[(source, exchange)]);
        assert_eq!(sketch.chains(2), [[source], [sink]]);
    }
    let mut union = Sketch::new();
    let (a, b) = (union.source(), union.source());
    let sink = union.sink(&[(a, Forward), (b, Forward)]);
    assert_eq!(union.chains(2), [[a], [b], [sink]]);

    let mut other = Sketch::new();
    let source = other.source();
    let sink = other.sink(&[(source, Forward)]);
    other.0.nodes[sink].parallelism = Some(3);
    assert_eq!(other.chains(3), [vec![source, sink]], "the same after all");
    assert_eq!(other.chains(2), [[source], [sink]]);
    assert_eq!(other.0.plan(2).unwrap().edges[0].exchange, Rebalance);

    let mut isolated = Sketch::new();
    let source = isolated.source();
    let map = isolated.map(&[(source, Forward)]);
    let sink = isolated.sink(&[(map, Forward)]);
    isolated.0.nodes[map].isolated = true;
    assert_eq!(isolated.chains(2), [[source], [map], [sink]]);
    assert_eq!(isolated.0.plan(2).unwrap().edges[0].exchange, Forward);
}

#[test]
fn a_keying_has_the_parallelism_of_what_is_in_front_unless_it_is_spread_on_purpose() {
    for (exchange, expected) in [(Forward, 2), (Rebalance, 4)] {
        let mut sketch = Sketch::new();
        let source = sketch.source();
        sketch.0.nodes[source].parallelism = Some(2);
        let keyed = sketch.key_by(&[(source, exchange)]);
        sketch.sink(&[(keyed, Exchange::Hash)]);
        let plan = sketch.0.plan(4).unwrap();
        let chain = plan.chains.iter().find(|chain| chain.nodes.contains(&keyed)).unwrap();
        assert_eq!(chain.parallelism, expected);
    }
}

#[test]
fn a_keying_behind_a_union_takes_each_sender_by_its_number() {
    let mut sketch = Sketch::new();
    let (few, many) = (sketch.source(), sketch.source());
    sketch.0.nodes[few].parallelism = Some(1);
    sketch.0.nodes[many].parallelism = Some(3);
    let keyed = sketch.key_by(&[(few, Forward), (many, Forward)]);
    sketch.sink(&[(keyed, Exchange::Hash)]);
    let plan = sketch.0.plan(2).unwrap();
    let forward = plan.edges.iter().filter(|edge| edge.exchange == Forward);
    let channels: Vec<_> = forward.map(|edge| plan.channels(edge)).collect();
    assert_eq!(channels, [vec![(0, 0)], vec![(0, 0), (1, 1), (2, 2)]]);
}

#[test]
fn derived_uids_tell_the_way_from_the_source_and_stay_when_others_come() {
    let build = |before: bool| {
        let mut sketch = Sketch::new();
        if before {
            let other = sketch.source();
            sketch.0.nodes[other].uid = "added later".to_owned();
            sketch.sink(&[(other, Forward)]);
        }
        let source = sketch.source();
        let map = sketch.map(&[(source, Forward)]);
        sketch.map(&[(source, Forward)]);
        sketch.sink(&[(map, Forward), (source, Forward)]);
        sketch
    };
    let expected = ["source", "source/map", "source/map-2", "source/map+source/sink"];
    assert_eq!(build(false).uids(), expected);
    assert_eq!(build(true).uids()[2..], expected);
}

#[test]
fn chains_stand_behind_those_that_feed_them() {
    let mut sketch = Sketch::new();
    let source = sketch.source();
    let spread = sketch.map(&[(source, Rebalance)]);
    let joined = sketch.map(&[(source, Forward), (spread, Forward)]);
    sketch.sink(&[(joined, Broadcast)]);
    let plan = sketch.0.plan(2).unwrap();
    assert!(plan.edges.iter().all(|edge| edge.from < edge.to), "{:?}", plan.edges);
}
