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

    /// A receiver has processed a batch.
    pub(super) fn credit(&mut self, channel: usize, bytes: usize) {
        self.channels[channel].credit(bytes);
    }

    /// How many channels there are.
    pub(super) fn len(&self) -> usize {
        self.channels.len()
    }

    /// Whether nothing waits for credit.
    pub(super) fn has_room(&self) -> bool {
        self.channels.iter().all(OutChannel::has_room)
    }
}

impl Lane {
    fn spread(&mut self, batch: &Batch, channels: &mut [OutChannel]) {
        match self.exchange {
            Exchange::Forward | Exchange::Broadcast => {
                for channel in self.channels.clone() {
                    channels[channel].push(Element::Batch(batch.clone()));
                }
            }
            Exchange::Hash => {
                for (channel, part) in self.channels.clone().zip(batch.split_by_key(self.channels.len())) {
                    if let Some(part) = part {
                        channels[channel].push(Element::Batch(part));
                    }
                }
            }
            Exchange::Rebalance => {
                let channel = self.channels.start + self.turn % self.channels.len();
                self.turn += 1;
                channels[channel].push(Element::Batch(batch.clone()));
            }
        }
    }
}
