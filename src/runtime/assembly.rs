//! Puts the core of a subtask together from the plan: operator behind operator, from the leaves to the head.

use super::drift::DriftBoard;
use super::mailbox::Failure;
use super::shell::Base;
use crate::config::Config;
use crate::fault::{Fault, Faulty};
use crate::graph::{ChainEdge, Exchange, Logic, NodeId, Plan};
use crate::operator::{
    AnyStage, BuildContext, Core, Error, Front, Held, Poison, Protection, Remains, Restored, SplitState,
};
use crate::record::{Epoch, KeyGroup};
use crate::state::{self, Identity, Store, StoreOptions};
use crate::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// The state file of a stateful subtask.
#[derive(Clone, Debug)]
pub(super) struct StateFile {
    pub(super) path: PathBuf,
    pub(super) identity: Identity,
    /// The epoch to go back to.
    pub(super) epoch: Epoch,
    /// The newest epoch that the file must hold; `Epoch::ZERO`: it holds nothing yet and is made anew.
    pub(super) written: Epoch,
    /// How many bytes its cache may hold, and what its commits survive.
    pub(super) options: StoreOptions,
}

/// All that a subtask needs to be built in a life of the job.
#[derive(Clone)]
pub(super) struct Blueprint {
    pub(super) plan: Arc<Plan>,
    pub(super) config: Arc<Config>,
    pub(super) chain: usize,
    pub(super) subtask: usize,
    /// The checkpoint it begins from.
    pub(super) epoch: Epoch,
    /// What the checkpoint holds, by uid.
    pub(super) restored: BTreeMap<String, Restored>,
    /// Something has failed in this process: local restarts may cost more.
    pub(super) careful: bool,
    /// The splits that a source subtask reads.
    pub(super) splits: Vec<SplitState>,
    /// Shared by the subtasks of a source.
    pub(super) drift: Arc<DriftBoard>,
    pub(super) clock: Timestamp,
    /// The processing time to which it has come.
    pub(super) now: Timestamp,
    /// How far each of its channels has come.
    pub(super) watermarks: Vec<Timestamp>,
    pub(super) state: Option<StateFile>,
}

impl Blueprint {
    /// The operator in front.
    pub(super) fn head(&self) -> NodeId {
        self.plan.chains[self.chain].head
    }

    /// The operator of its chain that has this uid.
    pub(super) fn node(&self, uid: &str) -> Option<NodeId> {
        let mut nodes = self.plan.chains[self.chain].nodes.iter().copied();
        nodes.find(|node| self.plan.graph.nodes[*node].uid == uid)
    }

    /// What people call an operator.
    pub(super) fn label(&self, node: NodeId) -> String {
        self.plan.graph.nodes[node].label().to_owned()
    }

    /// Builds the core.
    pub(super) fn build(&self) -> Result<Core, Failure> {
        let mut context = BuildContext::new(self.subtask, self.parallelism(), self.batch_size());
        context.restored = self.restored.clone();
        context.clock.set(self.clock);
        context.now.set(self.now);
        self.build_in(context, || self.state.as_ref().map(open).transpose())
    }

    /// Builds the core anew from a hand-off, around what is left of the one before.
    pub(super) fn rebuild(&self, base: &Base, remains: Remains) -> Result<Core, Failure> {
        let mut context = BuildContext::new(self.subtask, self.parallelism(), self.batch_size());
        context.restored = match &base.small {
            None => self.restored.clone(),
            Some(small) => {
                let mine = |value: &Value| BTreeMap::from([(self.subtask, value.clone())]);
                let parallelism = self.parallelism();
                let restored = |value| Restored { subtasks: mine(value), parallelism };
                small.iter().map(|(uid, value)| (uid.clone(), restored(value))).collect()
            }
        };
        context.clock.set(base.clock);
        context.now.set(base.now);
        context.kept = remains.sinks;
        self.build_in(context, || Ok(remains.store))
    }

    fn build_in(
        &self,
        mut context: BuildContext,
        store: impl FnOnce() -> Result<Option<Store>, state::Error>,
    ) -> Result<Core, Failure> {
        context.types = Arc::new(self.plan.graph.types.clone());
        let current = context.current.clone();
        self.assemble(&mut context, store).map(|front| Core::new(front, context)).map_err(|error| Failure {
            operator: self.label(current.get()),
            subtask: self.subtask,
            cause: error.to_string(),
            fault: error.fault(),
            by_code: false,
            tolerated: false,
        })
    }

    fn parallelism(&self) -> usize {
        self.plan.chains[self.chain].parallelism
    }

    /// Batches are split at a hash exchange, so they gather more records in front of many receivers.
    fn batch_size(&self) -> usize {
        let behind = self.plan.edges.iter().filter(|edge| edge.from == self.chain);
        let receivers = behind.clone().map(|edge| self.plan.chains[edge.to].parallelism).max().unwrap_or(1);
        let limits = behind.filter_map(|edge| {
            let to = &self.plan.chains[edge.to];
            Some(self.plan.graph.nodes[to.head].batch_limit? / to.parallelism)
        });
        let limit = limits.min().unwrap_or(usize::MAX).max(1);
        self.config.batch_size.saturating_mul(receivers.min(8)).min(limit)
    }

    /// Among how many subtasks an operator chooses for its records.
    fn choices(&self, node: NodeId) -> usize {
        let chosen =
            |edge: &&ChainEdge| edge.from == self.chain && edge.origin.0 == node && edge.exchange == Exchange::Custom;
        self.plan.edges.iter().find(chosen).map_or(1, |edge| self.plan.chains[edge.to].parallelism)
    }

    fn assemble(
        &self,
        context: &mut BuildContext,
        store: impl FnOnce() -> Result<Option<Store>, state::Error>,
    ) -> Result<Front, Error> {
        let head = self.head();
        let node = &self.plan.graph.nodes[head];
        context.behind_source = matches!(node.logic, Logic::Source(_));
        context.begin(head, &node.uid);
        context.store = store()?;
        let front = match &node.logic {
            Logic::Source(source) => {
                let outputs = self.outputs(context, head)?;
                context.begin(head, &node.uid);
                Front::Source(source.build(context, outputs)?)
            }
            Logic::Keyed(factory) | Logic::Head(factory) => {
                let outputs = self.outputs(context, head)?;
                context.begin(head, &node.uid);
                context.policy = node.on_error;
                context.sides = node.sides.clone().unwrap_or_default();
                Front::Head(factory.build(context, outputs)?)
            }
            _ => {
                let input = node.input.as_ref().expect("a stateless operator has one input type");
                let stage = self.stage(context, head)?;
                Front::Head(input.entry(stage))
            }
        };
        for split in &self.splits {
            for times in &context.split_times {
                times.borrow_mut().add(split.split.id());
            }
        }
        for number in (0..self.splits.len()).filter(|&number| self.splits[number].finished) {
            context.split_times.iter().for_each(|times| times.borrow_mut().finish(number));
        }
        *context.splits.borrow_mut() = self.splits.clone();
        Ok(front)
    }

    /// One stage for each port of an operator.
    fn outputs(&self, context: &mut BuildContext, node: NodeId) -> Result<Vec<AnyStage>, Error> {
        let graph = &self.plan.graph;
        let ports = graph.nodes[node].ports.iter().enumerate();
        let stages = ports.map(|(port, kind)| {
            let mut stages = Vec::new();
            for edge in graph.outputs(node, port) {
                if self.plan.chains[self.chain].nodes.contains(&edge.to) {
                    stages.push(self.stage(context, edge.to)?);
                }
            }
            if self.plan.edges.iter().any(|edge| edge.from == self.chain && edge.origin == (node, port)) {
                context.begin(node, &graph.nodes[node].uid);
                stages.push(kind.outlet(context, port));
            }
            Ok(kind.join(stages))
        });
        stages.collect()
    }

    /// Sees to it that an operator without state leaves out what it fails on, if that is its policy.
    fn protect(&self, context: &mut BuildContext, id: NodeId, stage: AnyStage, held: Vec<Rc<dyn Held>>) -> AnyStage {
        let node = &self.plan.graph.nodes[id];
        match &node.input {
            Some(input) if node.on_error.poison != Poison::Fail => {
                let protection = Protection::new(context, node.on_error, held);
                input.protect(context, stage, protection)
            }
            _ => stage,
        }
    }

    /// The stage of an operator and all behind it.
    fn stage(&self, context: &mut BuildContext, id: NodeId) -> Result<AnyStage, Error> {
        let node = &self.plan.graph.nodes[id];
        match &node.logic {
            Logic::Stage(factory) => {
                let mut outputs = self.outputs(context, id)?;
                let mut held = Vec::new();
                let is_protected = node.on_error.poison != Poison::Fail && !factory.minds_errors();
                if is_protected {
                    let holding = outputs.into_iter().zip(&node.ports).map(|(stage, port)| port.hold(stage));
                    (outputs, held) = holding.unzip();
                }
                context.begin(id, &node.uid);
                context.policy = node.on_error;
                let stage = factory.build(context, outputs)?;
                Ok(if is_protected { self.protect(context, id, stage, held) } else { stage })
            }
            Logic::KeyBy(factory) => {
                context.begin(id, &node.uid);
                context.choices = self.choices(id);
                let stage = factory.build(context, Vec::new())?;
                Ok(self.protect(context, id, stage, Vec::new()))
            }
            Logic::Sink(factory) => {
                context.begin(id, &node.uid);
                factory.build(context, Vec::new())
            }
            Logic::Source(_) | Logic::Keyed(_) | Logic::Head(_) => unreachable!("these begin a chain"),
        }
    }
}

/// Opens a state file as the checkpoint left it, or makes it anew.
fn open(file: &StateFile) -> Result<Store, state::Error> {
    let options = file.options.clone();
    if file.written != Epoch::ZERO {
        if !file.path.exists() {
            return Err(state::Error::corrupt(&file.path, "the file is missing"));
        }
        return Store::open(&file.path, &file.identity, file.epoch, file.written, options);
    }
    // Nothing in it was ever part of a checkpoint.
    match std::fs::remove_file(&file.path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(state::Error::io(&file.path, "remove", cause))
        }
        _ => Store::create(&file.path, &file.identity, options),
    }
}

/// Shares a source's splits out over its subtasks.
pub(super) fn share_splits(splits: &[SplitState], subtask: usize, parallelism: usize) -> Vec<SplitState> {
    splits.iter().skip(subtask).step_by(parallelism).cloned().collect()
}

/// The key groups of a subtask, for moving state.
pub(super) fn key_groups(subtask: usize, parallelism: usize) -> std::ops::Range<usize> {
    KeyGroup::range(subtask, parallelism)
}

impl Failure {
    /// A panic in an operator.
    pub(super) fn panic(operator: String, subtask: usize, cause: String) -> Self {
        Failure { operator, subtask, cause, fault: Fault::Internal, by_code: false, tolerated: false }
    }

    /// An error of an operator.
    pub(super) fn error(operator: String, subtask: usize, error: &(impl Faulty + std::fmt::Display)) -> Self {
        Failure { operator, subtask, cause: error.to_string(), fault: error.fault(), by_code: false, tolerated: false }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "operator `{}`, subtask {}: {}", self.operator, self.subtask, self.cause)
    }
}
