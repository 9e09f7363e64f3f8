//! From nodes to chains: validation, parallelism, chaining.

use super::{Error, Exchange, Graph, Logic, NodeId};
use crate::operator::OnError;
use crate::record::KeyGroup;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The highest parallelism of an operator that is not keyed.
const MAX_PARALLELISM: usize = 1024;

/// Operators that run in one subtask and pass records by call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The first operator.
    pub(crate) head: NodeId,
    /// All its operators, the head first, each behind the one that feeds it.
    pub(crate) nodes: Vec<NodeId>,
    pub(crate) parallelism: usize,
}

/// A stream between two chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChainEdge {
    /// The chain it leaves.
    pub(crate) from: usize,
    /// The operator and port it leaves.
    pub(crate) origin: (NodeId, usize),
    /// The chain it enters, always at its head, and at which of the head's inputs.
    pub(crate) to: usize,
    pub(crate) input: usize,
    pub(crate) exchange: Exchange,
}

/// A checked graph, cut into chains.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) graph: Arc<Graph>,
    /// In an order in which each chain stands behind those that feed it.
    pub(crate) chains: Vec<Chain>,
    pub(crate) edges: Vec<ChainEdge>,
}

impl Graph {
    /// Checks the graph and cuts it into chains.
    pub(crate) fn plan(&self, parallelism: usize) -> Result<Plan, Error> {
        self.pruned().plan_all(parallelism)
    }

    fn plan_all(&self, parallelism: usize) -> Result<Plan, Error> {
        if let Some(mistake) = self.mistakes.first() {
            return Err(mistake.clone());
        }
        if !self.nodes.iter().any(|node| matches!(node.logic, Logic::Source(_))) {
            return Err(Error::NoSource { job: self.job.clone() });
        }
        let parallelism = self.parallelisms(parallelism);
        let parallelism = |id: NodeId| parallelism[id];
        let mut uids = BTreeSet::new();
        for (id, node) in self.nodes.iter().enumerate() {
            if node.uid.is_empty() || (node.named && node.uid.len() > 100) {
                return Err(Error::BadUid { uid: node.uid.clone() });
            }
            if !uids.insert(node.uid.as_str()) {
                return Err(Error::DuplicateUid { uid: node.uid.clone() });
            }
            if node.on_error != OnError::fail() && matches!(node.logic, Logic::Source(_) | Logic::Sink(_)) {
                return Err(Error::NoPolicy { operator: node.label().to_owned() });
            }
            if let Some(reason) = &node.flaw {
                let (operator, reason) = (node.label().to_owned(), reason.clone());
                return Err(Error::BadWindow { operator, reason });
            }
            let limit = if matches!(node.logic, Logic::Keyed(_)) { KeyGroup::COUNT } else { MAX_PARALLELISM };
            if !(1..=limit).contains(&parallelism(id)) {
                let (operator, parallelism) = (node.label().to_owned(), parallelism(id));
                return Err(Error::BadParallelism { operator, parallelism, limit });
            }
            if !matches!(node.logic, Logic::Sink(_)) && self.outputs(id, 0).next().is_none() {
                return Err(Error::NoSink { operator: node.label().to_owned() });
            }
            let mut chosen = self.outputs(id, 0).filter(|edge| edge.exchange == Exchange::Custom);
            if let Some(one) = chosen.next().map(|edge| parallelism(edge.to))
                && let Some(other) = chosen.map(|edge| parallelism(edge.to)).find(|other| *other != one)
            {
                return Err(Error::UnequalPartitions { operator: node.label().to_owned(), one, other });
            }
        }

        // Nodes are numbered in the order they were built, and a node's inputs exist before it.
        let mut chain_of = vec![0; self.nodes.len()];
        let mut chains: Vec<Chain> = Vec::new();
        for id in 0..self.nodes.len() {
            match self.chained_behind(id, &parallelism) {
                Some(front) => {
                    chain_of[id] = chain_of[front];
                    chains[chain_of[id]].nodes.push(id);
                }
                None => {
                    chain_of[id] = chains.len();
                    chains.push(Chain { head: id, nodes: vec![id], parallelism: parallelism(id) });
                }
            }
        }
        let crossing = self.edges.iter().filter(|edge| chains[chain_of[edge.to]].head == edge.to);
        let edges = crossing.map(|edge| ChainEdge {
            from: chain_of[edge.from],
            origin: (edge.from, edge.port),
            to: chain_of[edge.to],
            input: edge.input,
            exchange: match edge.exchange {
                // From fewer subtasks into a keying: those go on with the same number, and keep their order.
                Exchange::Forward if matches!(self.nodes[edge.to].logic, Logic::KeyBy(_)) => Exchange::Forward,
                Exchange::Forward if parallelism(edge.from) != parallelism(edge.to) => Exchange::Rebalance,
                other => other,
            },
        });
        let edges = edges.collect();
        Ok(Plan { graph: Arc::new(self.clone()), chains, edges })
    }

    /// The parallelism of each node, where `parallelism` is the job's.
    ///
    /// A keying has as many subtasks as what is in front of it: a rebalance between them would spread the records of a key,
    /// and the hash exchange behind it could not give them their order back.
    fn parallelisms(&self, parallelism: usize) -> Vec<usize> {
        let mut all: Vec<usize> = Vec::with_capacity(self.nodes.len());
        for (id, node) in self.nodes.iter().enumerate() {
            let keying = matches!(node.logic, Logic::KeyBy(_));
            let fronts = self.inputs(id).filter(|edge| keying && edge.exchange == Exchange::Forward);
            let inherited = fronts.map(|edge| all[edge.from]).max();
            all.push(node.parallelism.or(inherited).unwrap_or(parallelism));
        }
        all
    }

    /// The operator in front, if `id` runs in its chain.
    fn chained_behind(&self, id: NodeId, parallelism: &impl Fn(NodeId) -> usize) -> Option<NodeId> {
        let mut inputs = self.inputs(id);
        let (edge, None) = (inputs.next()?, inputs.next()) else { return None };
        let behind = !matches!(self.nodes[id].logic, Logic::Keyed(_) | Logic::Head(_) | Logic::Source(_));
        let chained = behind
            && edge.exchange == Exchange::Forward
            && parallelism(edge.from) == parallelism(id)
            && !self.nodes[id].isolated
            && !self.nodes[edge.from].isolated;
        chained.then_some(edge.from)
    }
}

impl Plan {
    /// How many channels lead over an edge: (sending subtask, receiving subtask) pairs in a fixed order.
    pub(crate) fn channels(&self, edge: &ChainEdge) -> Vec<(usize, usize)> {
        let (senders, receivers) = (self.chains[edge.from].parallelism, self.chains[edge.to].parallelism);
        match edge.exchange {
            Exchange::Forward => (0..senders).map(|subtask| (subtask, subtask)).collect(),
            _ => (0..senders).flat_map(|from| (0..receivers).map(move |to| (from, to))).collect(),
        }
    }

    /// Whether a chain's head keeps keyed state.
    pub(crate) fn is_stateful(&self, chain: usize) -> bool {
        matches!(self.graph.nodes[self.chains[chain].head].logic, Logic::Keyed(_))
    }

    /// Whether a chain begins with a source.
    pub(crate) fn is_source(&self, chain: usize) -> bool {
        matches!(self.graph.nodes[self.chains[chain].head].logic, Logic::Source(_))
    }
}
