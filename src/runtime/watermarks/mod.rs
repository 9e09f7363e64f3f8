//! How event time runs through a job, and what holds it back.
//!
//! Event time begins at *generators* (`event_time` operators): behind a source they have a state for each split, elsewhere one
//! for all that comes. From there on the clock of a subtask is the minimum over its channels. So whoever wants to know why a
//! clock stands still goes from channel to channel that *holds* it, up to a generator, and there to the split that holds that.
//!
//! Each subtask publishes its own part of this ([`Times`]) after each step, so also what a subtask has that is stuck in the
//! user's code can be seen, as it was before. What belongs together is known from the plan ([`Course`]).

mod report;
mod stall;

pub use report::{GeneratorWatermark, InputWatermark, SplitWatermark, SubtaskWatermark, WatermarkReport};
pub(super) use stall::StallWatch;
pub use stall::WatermarkStall;

use super::exchange;
use crate::graph::{Logic, NodeId, Plan};
use crate::operator::SplitView;
use crate::time::Timestamp;

/// What one subtask publishes of its event time.
#[derive(Clone, Debug)]
pub(super) struct Times {
    /// The last watermark that it has taken.
    pub(super) clock: Timestamp,
    pub(super) channels: Vec<ChannelTime>,
    /// The operators in it that make watermarks.
    pub(super) generators: Vec<Generator>,
    /// It is a source that does not read some of its splits, because others are behind.
    pub(super) holds_splits: bool,
}

impl Default for Times {
    fn default() -> Self {
        Times { clock: Timestamp::MIN, channels: Vec::new(), generators: Vec::new(), holds_splits: false }
    }
}

/// A channel into a subtask.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChannelTime {
    pub(super) watermark: Timestamp,
    pub(super) idle: bool,
    pub(super) holds: bool,
}

/// An operator that makes watermarks.
#[derive(Clone, Debug, Default)]
pub(super) struct Generator {
    pub(super) node: NodeId,
    /// `None` if all its splits have ended.
    pub(super) watermark: Option<Timestamp>,
    pub(super) splits: Vec<SplitView>,
}

/// The way of event time through a plan.
#[derive(Debug)]
pub(super) struct Course {
    job: String,
    /// By the numbers of the subtasks over all chains.
    places: Vec<Place>,
}

/// A subtask in it.
#[derive(Debug)]
struct Place {
    /// Of its operators, the one in front first.
    labels: Vec<String>,
    subtask: usize,
    inputs: Vec<Origin>,
    /// Event time comes to it from others.
    is_timed: bool,
    /// Nobody is behind it.
    is_last: bool,
}

/// Where a channel comes from.
#[derive(Clone, Copy, Debug)]
struct Origin {
    /// The number of the sending subtask.
    sender: usize,
    /// Where its event time begins, if that is in the sender.
    generator: Option<NodeId>,
}

impl Course {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut first = Vec::new();
        let mut count = 0;
        for chain in &plan.chains {
            first.push(count);
            count += chain.parallelism;
        }
        let mut places: Vec<Place> = Vec::new();
        // Each chain stands behind those that feed it.
        for (number, chain) in plan.chains.iter().enumerate() {
            for subtask in 0..chain.parallelism {
                let ends = exchange::inputs(plan, number, subtask).into_iter();
                let inputs: Vec<Origin> = ends
                    .map(|end| Origin {
                        sender: first[end.chain] + end.subtask,
                        generator: generator(plan, end.chain, plan.edges[end.edge].origin.0),
                    })
                    .collect();
                places.push(Place {
                    labels: chain.nodes.iter().map(|node| plan.graph.nodes[*node].label().to_owned()).collect(),
                    subtask,
                    is_timed: inputs.iter().any(|it| it.generator.is_some() || places[it.sender].is_timed),
                    is_last: !plan.edges.iter().any(|edge| edge.from == number),
                    inputs,
                });
            }
        }
        Course { job: plan.graph.job.clone(), places }
    }

    /// How event time stands, from what the subtasks have published.
    ///
    /// * `labels`: names the operators.
    pub(super) fn report(&self, times: &[Times], label: impl Fn(NodeId) -> String) -> WatermarkReport {
        let subtasks = self.places.iter().zip(times).map(|(place, own)| SubtaskWatermark {
            operators: place.labels.clone(),
            subtask: place.subtask,
            timed: place.is_timed,
            last: place.is_last,
            watermark: known(own.clock),
            inputs: inputs(place, own, times),
            generators: own.generators.iter().map(|generator| shown(generator, &label)).collect(),
            holds_splits: own.holds_splits,
        });
        WatermarkReport { job: self.job.clone(), subtasks: subtasks.collect() }
    }
}

/// Where the event time of what `node` gives begins, if that is in its chain.
fn generator(plan: &Plan, chain: usize, mut node: NodeId) -> Option<NodeId> {
    loop {
        let makes_watermarks = match &plan.graph.nodes[node].logic {
            Logic::Stage(stage) => stage.makes_watermarks(),
            Logic::Source(source) => source.makes_watermarks(),
            _ => false,
        };
        if makes_watermarks {
            return Some(node);
        }
        if node == plan.chains[chain].head {
            return None;
        }
        node = plan.graph.edges.iter().find(|edge| edge.to == node)?.from;
    }
}

/// The beginning of time says nothing.
fn known(watermark: Timestamp) -> Option<Timestamp> {
    Some(watermark).filter(|watermark| *watermark > Timestamp::MIN)
}

fn inputs(place: &Place, own: &Times, times: &[Times]) -> Vec<InputWatermark> {
    let channels = place.inputs.iter().zip(&own.channels);
    let shown = channels.map(|(origin, channel)| {
        let sender = &times[origin.sender].generators;
        InputWatermark {
            from: origin.sender,
            generator: origin.generator.and_then(|node| sender.iter().position(|it| it.node == node)),
            watermark: known(channel.watermark),
            idle: channel.idle,
            holds: channel.holds,
        }
    });
    shown.collect()
}

fn shown(generator: &Generator, label: impl Fn(NodeId) -> String) -> GeneratorWatermark {
    let holds = |split: &SplitView| split.active && !split.finished && generator.watermark == Some(split.watermark);
    let splits = generator.splits.iter().map(|split| SplitWatermark {
        split: (!split.id.is_empty()).then(|| split.id.to_string()),
        last_event_time: known(split.last),
        watermark: known(split.watermark),
        idle: !split.active,
        finished: split.finished,
        holds: holds(split),
    });
    GeneratorWatermark {
        operator: label(generator.node),
        watermark: generator.watermark.map_or(Some(Timestamp::MAX), known),
        splits: splits.collect(),
    }
}
