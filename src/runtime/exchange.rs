//! Which channels a subtask has, and which of them an outgoing element takes.

use super::channel::{Limits, OutChannel};
use crate::graph::{Exchange, Plan};
use crate::operator::Outgoing;
use crate::record::{Batch, Element};

/// One end of a channel, as seen from a subtask: the edge, and the subtask at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// An index into the plan's edges.
    pub(super) edge: usize,
    pub(super) chain: usize,
    pub(super) subtask: usize,
}

/// The channels into a subtask, in the order in which it numbers them.
pub(super) fn inputs(plan: &Plan, chain: usize, subtask: usize) -> Vec<End> {
    let edges = plan.edges.iter().enumerate().filter(|(_, edge)| edge.to == chain);
    let ends = edges.flat_map(|(number, edge)| {
        let senders = plan.channels(edge).into_iter().filter(move |(_, to)| *to == subtask);
        senders.map(move |(from, _)| End { edge: number, chain: edge.from, subtask: from })
    });
    ends.collect()
}

/// The channels out of a subtask, in the order in which it numbers them.
pub(super) fn outputs(plan: &Plan, chain: usize, subtask: usize) -> Vec<End> {
    let edges = plan.edges.iter().enumerate().filter(|(_, edge)| edge.from == chain);
    let ends = edges.flat_map(|(number, edge)| {
        let receivers = plan.channels(edge).into_iter().filter(move |(from, _)| *from == subtask);
        receivers.map(move |(_, to)| End { edge: number, chain: edge.to, subtask: to })
    });
    ends.collect()
}

/// The receiver's number of the channel over `edge` from `sender` into (`chain`, `subtask`).
pub(super) fn number_at_receiver(plan: &Plan, edge: usize, sender: usize, chain: usize, subtask: usize) -> usize {
    let ends = inputs(plan, chain, subtask);
    ends.iter().position(|end| end.edge == edge && end.subtask == sender).expect("both ends see the same channels")
}

/// The sender's number of the channel over `edge` from (`chain`, `subtask`) to `receiver`.
pub(super) fn number_at_sender(plan: &Plan, edge: usize, receiver: usize, chain: usize, subtask: usize) -> usize {
    let ends = outputs(plan, chain, subtask);
    ends.iter().position(|end| end.edge == edge && end.subtask == receiver).expect("both ends see the same channels")
}

/// The channels of one edge.
struct Lane {
    exchange: Exchange,
    /// The numbers of its channels, by receiving subtask.
    channels: std::ops::Range<usize>,
    /// Who is next in a rebalance.
    turn: usize,
}

/// The way out of a subtask: spreads what its outlets let go over its channels.
pub(super) struct Exchanges {
    channels: Vec<OutChannel>,
    /// For each outlet the edges that begin there.
    lanes: Vec<Vec<Lane>>,
}

impl Exchanges {
    /// * `origins`: the operator and port of each outlet.
    pub(super) fn new(plan: &Plan, chain: usize, subtask: usize, origins: &[(usize, usize)], limits: Limits) -> Self {
        let ends = outputs(plan, chain, subtask);
        let lanes = origins.iter().map(|origin| {
            let edges = plan.edges.iter().enumerate().filter(|(_, edge)| edge.from == chain && edge.origin == *origin);
            let lanes = edges.map(|(number, edge)| {
                let first = ends.iter().position(|end| end.edge == number).unwrap_or(ends.len());
                let count = ends.iter().filter(|end| end.edge == number).count();
                Lane { exchange: edge.exchange, channels: first..first + count, turn: subtask }
            });
            lanes.collect()
        });
        let lanes = lanes.collect();
        Exchanges { channels: ends.iter().map(|_| OutChannel::new(limits)).collect(), lanes }
    }

    /// Takes what an outlet has let go.
    pub(super) fn push(&mut self, outlet: usize, outgoing: Outgoing) {
        for lane in &mut self.lanes[outlet] {
            match &outgoing {
                Outgoing::Batch(batch) => lane.spread(batch, &mut self.channels),
                Outgoing::Watermark(watermark) => {
                    for channel in lane.channels.clone() {
                        self.channels[channel].push(Element::Watermark(*watermark));
                    }
                }
            }
        }
    }

    /// Sends an element to everybody.
    pub(super) fn broadcast(&mut self, element: &Element) {
        self.channels.iter_mut().for_each(|channel| channel.push(element.clone()));
    }

    /// The next element that may go on a channel.
    pub(super) fn next(&mut self, channel: usize) -> Option<Element> {
        self.channels[channel].next()
    }

    /// How many records each channel has been given.
    pub(super) fn records(&self) -> impl Iterator<Item = u64> {
        self.channels.iter().map(OutChannel::records)
    }

    /// A receiver has processed a batch.
    pub(super) fn credit(&mut self, channel: usize, bytes: usize) {
        self.channels[channel].credit(bytes);
    }

    /// Whether nothing waits for credit.
    pub(super) fn has_room(&self) -> bool {
        self.channels.iter().all(OutChannel::has_room)
    }
}

impl Lane {
    /// Gives each channel its part.
    fn deal(&self, parts: Vec<Option<Batch>>, channels: &mut [OutChannel]) {
        for (channel, part) in self.channels.clone().zip(parts) {
            if let Some(part) = part {
                channels[channel].push(Element::Batch(part));
            }
        }
    }

    fn spread(&mut self, batch: &Batch, channels: &mut [OutChannel]) {
        match self.exchange {
            Exchange::Forward | Exchange::Broadcast => {
                for channel in self.channels.clone() {
                    channels[channel].push(Element::Batch(batch.clone()));
                }
            }
            Exchange::Hash => self.deal(batch.split_by_key(self.channels.len()), channels),
            Exchange::Custom => self.deal(batch.split_by_choice(self.channels.len()), channels),
            Exchange::Rebalance => {
                let channel = self.channels.start + self.turn % self.channels.len();
                self.turn += 1;
                channels[channel].push(Element::Batch(batch.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Graph, Logic, Node};
    use crate::operator::{Map, SourceOperator, TypedPort};
    use crate::prelude::MemorySource;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn exchange() -> impl Strategy<Value = Exchange> {
        prop_oneof![Just(Exchange::Forward), Just(Exchange::Hash), Just(Exchange::Rebalance), Just(Exchange::Broadcast)]
    }

    /// Edges from node 0, 1, .. of those in front, and whether the operator keys.
    type Sketch = Vec<(usize, Vec<(usize, Exchange)>, bool)>;

    /// A graph of up to 7 operators, any of which may have several inputs, also from one operator.
    fn sketches() -> impl Strategy<Value = Sketch> {
        let edges = prop::collection::vec((0..100_usize, exchange()), 1..4);
        prop::collection::vec((1..6_usize, edges, any::<bool>()), 1..7)
    }

    fn plan(sketch: Sketch) -> Plan {
        let mut graph = Graph::new("sketch");
        let port = || vec![TypedPort::<u64>::shared()];
        let source = Logic::Source(Arc::new(SourceOperator::new(MemorySource::new(0..9_u64))));
        graph.add(Node::new("source", source, None, port()), &[]);
        for (parallelism, edges, keys) in sketch {
            let stage = Arc::new(Map::new(|n: u64| n));
            let mut node = if keys {
                Node::new("key_by", Logic::KeyBy(stage), Some(TypedPort::<u64>::shared()), port())
            } else {
                Node::new("map", Logic::Stage(stage), Some(TypedPort::<u64>::shared()), port())
            };
            node.parallelism = (!keys).then_some(parallelism);
            let count = graph.nodes.len();
            let inputs: Vec<_> = edges.iter().map(|&(from, exchange)| (from % count, 0, exchange)).collect();
            graph.add(node, &inputs);
        }
        // Every end needs a reader.
        for id in 0..graph.nodes.len() {
            if graph.outputs(id, 0).next().is_none() {
                let sink = crate::operator::SinkOperator::new(crate::connector::CollectSink::<u64>::new());
                let node = Node::new("sink", Logic::Sink(Arc::new(sink)), Some(TypedPort::<u64>::shared()), Vec::new());
                graph.add(node, &[(id, 0, Exchange::Rebalance)]);
            }
        }
        graph.plan(3).expect("the sketch is possible")
    }

    fn subtasks(plan: &Plan) -> Vec<(usize, usize)> {
        let chains = plan.chains.iter().enumerate();
        chains.flat_map(|(chain, it)| (0..it.parallelism).map(move |subtask| (chain, subtask))).collect()
    }

    proptest! {
        #[test]
        fn both_ends_of_a_channel_number_it_alike(sketch in sketches()) {
            let plan = plan(sketch);
            let mut ends = (0, 0);
            for (chain, subtask) in subtasks(&plan) {
                for (number, end) in outputs(&plan, chain, subtask).into_iter().enumerate() {
                    ends.0 += 1;
                    let there = number_at_receiver(&plan, end.edge, subtask, end.chain, end.subtask);
                    let back = inputs(&plan, end.chain, end.subtask)[there];
                    prop_assert_eq!(back, End { edge: end.edge, chain, subtask });
                    prop_assert_eq!(number_at_sender(&plan, end.edge, end.subtask, chain, subtask), number);
                }
                ends.1 += inputs(&plan, chain, subtask).len();
            }
            prop_assert_eq!(ends.0, ends.1, "no channel has one end only");
        }

        #[test]
        fn every_subtask_hears_of_the_end_of_its_input(sketch in sketches()) {
            let plan = plan(sketch);
            for (chain, subtask) in subtasks(&plan) {
                let fed = !inputs(&plan, chain, subtask).is_empty();
                prop_assert_eq!(fed, !plan.is_source(chain), "chain {}, subtask {}", chain, subtask);
            }
        }
    }
}
