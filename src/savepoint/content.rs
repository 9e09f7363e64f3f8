//! What a savepoint holds besides the entries: who took it of what, and all state that is small.

use crate::checkpoint::{Manifest, OperatorEntry, SubtaskEntry};
use crate::record::Epoch;
use crate::state::Declaration;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Of what and when a savepoint was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The job's name.
    pub(crate) job: String,
    /// When it was taken, in milliseconds since 1970.
    pub(crate) created_at: i64,
    /// The version of Millstream that took it.
    pub(crate) engine: String,
    /// At which epoch of the job.
    pub(crate) epoch: Epoch,
}

/// A state of an operator. Its place in the list is its number in the sections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StateEntry {
    /// The operator's uid.
    pub(crate) operator: String,
    #[serde(flatten)]
    pub(crate) declaration: Declaration,
}

/// The operators, and what a checkpoint keeps of them outside of their state files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) operators: Vec<OperatorEntry>,
    pub(crate) states: Vec<StateEntry>,
    /// Clocks, watermarks, splits with their positions, counters, and small state by uid.
    pub(crate) subtasks: Vec<SubtaskEntry>,
    /// How far each exactly-once sink had shown its rows, by uid. For people: a restored job begins new output.
    pub(crate) sinks: BTreeMap<String, Value>,
}

impl Header {
    /// For a savepoint of what a job has committed.
    pub(crate) fn of(manifest: &Manifest, now: Timestamp) -> Self {
        Header {
            job: manifest.job.clone(),
            created_at: now.millis(),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            epoch: manifest.epoch,
        }
    }
}

impl Content {
    /// Of what a job has committed, with the states of its files.
    pub(crate) fn of(manifest: &Manifest, states: Vec<StateEntry>) -> Self {
        let last = |(uid, records): (&String, &Vec<Value>)| Some((uid.clone(), records.last()?.clone()));
        Content {
            operators: manifest.operators.clone(),
            states,
            subtasks: manifest.subtasks.clone(),
            sinks: manifest.sinks.iter().filter_map(last).collect(),
        }
    }

    /// The numbers and declarations of an operator's states.
    pub(crate) fn states_of(&self, uid: &str) -> impl Iterator<Item = (usize, &Declaration)> {
        let states = self.states.iter().enumerate().filter(move |(_, state)| state.operator == uid);
        states.map(|(number, state)| (number, &state.declaration))
    }

    /// Whether an operator has something outside of keyed state that would be missed: splits it has read, or small state of
    /// its own.
    pub(crate) fn has_small_state(&self, uid: &str) -> bool {
        let read = |entry: &&SubtaskEntry| entry.chain == uid && !entry.splits.is_empty();
        let saved = |entry: &&SubtaskEntry| entry.operators.get(uid).is_some_and(|saved| saved.get("state").is_some());
        self.subtasks.iter().any(|entry| read(&entry) || saved(&entry))
    }
}
