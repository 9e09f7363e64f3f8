//! Where a dead letter's record goes when it is handed to its operator again.

use crate::fault::guard;
use crate::graph::{ChainEdge, Exchange, Logic, Plan};
use crate::operator::OnError;
use crate::record::{Batch, DeadLetter, KeyGroup, LetterId, Remains};
use crate::state::StoredLetter;
use crate::time::Timestamp;
use serde_json::Value;

/// The record of a dead letter, on its way to its operator.
#[derive(Clone, Debug)]
pub(super) struct Replay {
    pub(super) id: LetterId,
    pub(super) into: Into,
    /// The record.
    pub(super) batch: Batch,
    /// Windows that are gone open once more for it.
    pub(super) reopens: bool,
}

/// Who takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Into {
    /// The chain, at this input.
    Input(usize),
    /// The operator of this uid within the chain.
    Operator(String),
}

/// The record in a letter.
///
/// # Errors
/// Why there is none.
pub(super) fn record(letter: &DeadLetter) -> Result<&Value, String> {
    match &letter.remains {
        Remains::Json(value) => Ok(value),
        Remains::Timer(_) => Err("it is a timer, and only records can be replayed".to_owned()),
        Remains::Debug(_) | Remains::Unknown => Err(format!(
            "its record was not kept, since its type {} was not registered; call job.record_type::<..>() for it, so that later ones are",
            letter.record_type
        )),
        Remains::Unwritten { cause } => Err(format!("its record could not be kept: {cause}")),
    }
}

/// The subtask to which a letter's record belongs, as (chain, subtask), and the record.
///
/// * `reopens`: windows that are gone open once more for it.
///
/// # Errors
/// Why it cannot be handed to anybody.
pub(super) fn place(plan: &Plan, stored: &StoredLetter, reopens: bool) -> Result<((usize, usize), Replay), String> {
    let letter = &stored.letter;
    let (value, entry) = (record(letter)?, &letter.entry);
    let graph = &plan.graph;
    let Some(node) = graph.nodes.iter().position(|node| node.uid == *entry) else {
        return Err(format!("operator `{entry}`, which took the record in, is not in the program; give it that uid"));
    };
    let Some(chain) = plan.chains.iter().position(|chain| chain.nodes.contains(&node)) else {
        return Err(format!("operator `{entry}` does not run"));
    };
    let parallelism = plan.chains[chain].parallelism;
    let (origin, into, subtask, hash) = if plan.chains[chain].head == node {
        let Some(edge) = plan.edges.iter().find(|edge| edge.to == chain && edge.input == letter.input) else {
            return Err(format!("operator `{entry}` has no input {}", letter.input));
        };
        let (subtask, hash) = owner(letter, edge, parallelism)?;
        (edge.origin, Into::Input(letter.input), subtask, hash)
    } else {
        if matches!(graph.nodes[node].logic, Logic::Sink(_)) || graph.nodes[node].on_error == OnError::fail() {
            return Err(format!(
                "operator `{entry}` runs within a chain and has no error policy; give it one by .on_error(..), or .isolated()"
            ));
        }
        let Some(edge) = graph.inputs(node).next() else { return Err(format!("operator `{entry}` has no input")) };
        ((edge.from, edge.port), Into::Operator(entry.clone()), letter.subtask % parallelism, None)
    };
    let record_type = graph.nodes[origin.0].ports[origin.1].record_type();
    let time = letter.time.unwrap_or(Timestamp::MIN);
    // How a type is read is the user's code.
    let batch = guard(|| graph.types.decode(record_type, value, time, hash))?.map_err(|error| error.to_string())?;
    Ok(((chain, subtask), Replay { id: stored.id, into, batch, reopens }))
}

/// The subtask behind an edge that owns a record, and what it goes by.
fn owner(letter: &DeadLetter, edge: &ChainEdge, parallelism: usize) -> Result<(usize, Option<u64>), String> {
    match (edge.exchange, letter.hash) {
        (Exchange::Broadcast, _) => Err("every subtask has its own copy of a broadcast record".to_owned()),
        (Exchange::Forward | Exchange::Rebalance, _) | (Exchange::Custom, None) => {
            Ok((letter.subtask % parallelism, None))
        }
        (Exchange::Hash, Some(hash)) => Ok((KeyGroup::of(hash).subtask(parallelism), Some(hash))),
        (Exchange::Custom, Some(choice)) => Ok(((choice % parallelism as u64) as usize, Some(choice))),
        (Exchange::Hash, None) => {
            Err(format!("operator `{}` is keyed now, and was not when the record failed", letter.entry))
        }
    }
}
