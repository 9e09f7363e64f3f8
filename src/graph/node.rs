//! Nodes and edges.

use super::Error;
use crate::operator::process::Side;
use crate::operator::{HeadFactory, OnError, Port, SinkFactory, SourceFactory, StageFactory};
use crate::record::RecordTypes;
use std::sync::Arc;

/// The number of a node in its graph.
pub(crate) type NodeId = usize;

/// How an edge spreads records over the subtasks behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// Each subtask to the one with its number. Needs equal parallelism, or fewer senders in front of a keying, else it
    /// becomes a rebalance.
    Forward,
    /// By the key's hash.
    Hash,
    /// Batch by batch, in turn.
    Rebalance,
    /// Everything to all.
    Broadcast,
    /// To the subtasks that the operator in front has chosen, a [`Logic::KeyBy`].
    Custom,
}

/// What a node does.
#[derive(Clone)]
pub(crate) enum Logic {
    Source(Arc<dyn SourceFactory>),
    /// Keeps no keyed state.
    Stage(Arc<dyn StageFactory>),
    /// Hashes keys, or chooses subtasks; has an outlet of its own.
    KeyBy(Arc<dyn StageFactory>),
    /// Keeps keyed state, behind a hash exchange.
    Keyed(Arc<dyn HeadFactory>),
    /// Begins a chain, and has any inputs, but keeps no keyed state.
    Head(Arc<dyn HeadFactory>),
    Sink(Arc<dyn SinkFactory>),
}

/// An operator.
#[derive(Clone)]
pub(crate) struct Node {
    /// Under which its state is found again.
    pub(crate) uid: String,
    /// Whether the user has given the uid.
    pub(crate) named: bool,
    /// For people; the uid unless the user has given one.
    pub(crate) name: Option<String>,
    /// Its kind and settings, as far as its state depends on them: "tumbling(10s)". A checkpoint of another kind does not fit.
    pub(crate) kind: String,
    /// `None`: the job's.
    pub(crate) parallelism: Option<usize>,
    pub(crate) isolated: bool,
    /// Another operator has taken its place while the dataflow was built.
    pub(crate) replaced: bool,
    /// How many records a batch for it should hold at most, where all its subtasks together are given that many.
    pub(crate) batch_limit: Option<usize>,
    /// Handed the same again, it does the same.
    pub(crate) deterministic: bool,
    /// What becomes of a record that it fails on.
    pub(crate) on_error: OnError,
    /// What is wrong with its settings.
    pub(crate) flaw: Option<String>,
    pub(crate) logic: Logic,
    /// The type of its input; `None` for a source and a stateful operator, which read their input themselves.
    pub(crate) input: Option<Arc<dyn Port>>,
    /// The types of its outputs.
    pub(crate) ports: Vec<Arc<dyn Port>>,
    /// The side outputs that are read, from port 1 on; `None` if it has none by tag.
    pub(crate) sides: Option<Vec<Side>>,
}

impl Node {
    /// An operator of a kind that has not been named or placed yet.
    pub(crate) fn new(
        kind: impl Into<String>,
        logic: Logic,
        input: Option<Arc<dyn Port>>,
        ports: Vec<Arc<dyn Port>>,
    ) -> Self {
        let (uid, kind) = (String::new(), kind.into());
        Node {
            uid,
            named: false,
            name: None,
            kind,
            parallelism: None,
            isolated: false,
            replaced: false,
            batch_limit: None,
            deterministic: true,
            on_error: OnError::fail(),
            flaw: None,
            logic,
            input,
            ports,
            sides: None,
        }
    }

    /// An operator with a main output, and side outputs by tag.
    pub(crate) fn process(kind: &str, logic: Logic, main: Arc<dyn Port>) -> Self {
        Node { sides: Some(Vec::new()), ..Node::new(kind, logic, None, vec![main]) }
    }

    /// What people call it.
    pub(crate) fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.uid)
    }

    /// Whether something of it must be found again after a restart: keyed state, positions, event time, or rows.
    pub(crate) fn keeps_state(&self) -> bool {
        match self.logic {
            Logic::Source(_) | Logic::Keyed(_) | Logic::Head(_) | Logic::Sink(_) => true,
            Logic::Stage(_) | Logic::KeyBy(_) => self.kind == "event_time",
        }
    }
}

/// A stream between two operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) from: NodeId,
    /// Which output of it.
    pub(crate) port: usize,
    pub(crate) to: NodeId,
    /// Which input of that: 0, but for an operator that tells its inputs apart.
    pub(crate) input: usize,
    pub(crate) exchange: Exchange,
}

/// An output that an operator is put behind, and how its records get there.
pub(crate) type Upstream = (NodeId, usize, Exchange);

/// A dataflow.
#[derive(Clone)]
pub(crate) struct Graph {
    /// The job's name.
    pub(crate) job: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
    /// Mistakes seen while it was built.
    pub(crate) mistakes: Vec<Error>,
    /// The record types that can be written down.
    pub(crate) types: RecordTypes,
}

impl Graph {
    /// A job without operators.
    pub(crate) fn new(job: impl Into<String>) -> Self {
        Graph {
            job: job.into(),
            nodes: Vec::new(),
            edges: Vec::new(),
            mistakes: Vec::new(),
            types: RecordTypes::default(),
        }
    }

    /// Adds an operator behind `upstream` and derives its uid.
    pub(crate) fn add(&mut self, node: Node, upstream: &[Upstream]) -> NodeId {
        self.join(node, &[upstream])
    }

    /// Adds an operator that tells its inputs apart; each is a union of outputs. Derives its uid.
    pub(crate) fn join(&mut self, mut node: Node, inputs: &[&[Upstream]]) -> NodeId {
        let id = self.nodes.len();
        let word = node.kind.split('(').next().unwrap_or_default();
        let fronts: Vec<&str> =
            inputs.iter().copied().flatten().map(|(from, ..)| self.nodes[*from].uid.as_str()).collect();
        let base = if fronts.is_empty() { word.to_owned() } else { format!("{}/{word}", fronts.join("+")) };
        let taken = |uid: &str| self.nodes.iter().any(|node| node.uid == uid);
        let mut uid = base.clone();
        let mut number = 2;
        while taken(&uid) {
            uid = format!("{base}-{number}");
            number += 1;
        }
        node.uid = uid;
        self.nodes.push(node);
        for (input, upstream) in inputs.iter().enumerate() {
            self.edges.extend(upstream.iter().map(|&(from, port, exchange)| Edge {
                from,
                port,
                to: id,
                input,
                exchange,
            }));
        }
        id
    }

    /// Without the operators that others have taken the place of, and the keyings that led to those only.
    pub(crate) fn pruned(&self) -> Graph {
        let gone = |id: NodeId| self.nodes[id].replaced;
        let idle = |id: NodeId| {
            let mut outputs = self.outputs(id, 0).peekable();
            matches!(self.nodes[id].logic, Logic::KeyBy(_))
                && outputs.peek().is_some()
                && outputs.all(|edge| gone(edge.to))
        };
        let mut places = vec![None; self.nodes.len()];
        let mut nodes = Vec::new();
        for id in (0..self.nodes.len()).filter(|id| !gone(*id) && !idle(*id)) {
            places[id] = Some(nodes.len());
            nodes.push(self.nodes[id].clone());
        }
        let moved = |edge: &Edge| Some(Edge { from: places[edge.from]?, to: places[edge.to]?, ..*edge });
        let edges = self.edges.iter().filter_map(moved).collect();
        Graph { nodes, edges, ..self.clone() }
    }

    /// The port of a side output; one that is asked for twice is one port.
    pub(crate) fn side(&mut self, node: NodeId, side: Side, port: Arc<dyn Port>) -> Result<usize, Error> {
        let node = &mut self.nodes[node];
        let (operator, tag) = (node.label().to_owned(), side.name);
        let Some(sides) = &mut node.sides else { return Err(Error::NoSides { operator, tag }) };
        match sides.iter().position(|known| known.name == tag) {
            Some(known) if sides[known].is_like(&side) => Ok(known + 1),
            Some(known) => Err(Error::SideTypes { operator, tag, types: [sides[known].type_name, side.type_name] }),
            None => {
                sides.push(side);
                node.ports.push(port);
                Ok(sides.len())
            }
        }
    }

    /// The edges into a node.
    pub(crate) fn inputs(&self, node: NodeId) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.to == node)
    }

    /// The edges out of one port of a node.
    pub(crate) fn outputs(&self, node: NodeId, port: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.from == node && edge.port == port)
    }
}
