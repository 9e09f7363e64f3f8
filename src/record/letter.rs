//! What is kept of a record that an operator could not process.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// A record, or a timer, that its operator has failed on again and again and that was put aside so that the job could go on.
///
/// ```
/// use millstream::record::{DeadLetter, Remains};
///
/// let letter = DeadLetter {
///     operator: "count".into(),
///     subtask: 0,
///     input: 0,
///     position: "epoch 1.7, record 12".into(),
///     time: None,
///     cause: "panic: divided by zero (src/main.rs:7)".into(),
///     record_type: "(u64, u64)".into(),
///     remains: Remains::Json(serde_json::json!([7, 0])),
/// };
/// assert_eq!(letter.to_string(), "operator `count`, subtask 0, epoch 1.7, record 12: panic: divided by zero (src/main.rs:7)");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The uid of the operator that failed.
    pub operator: String,
    /// Its subtask.
    pub subtask: usize,
    /// Which of its inputs the record came from.
    pub input: usize,
    /// Where the record stood: split and offset of a source where known, else its place in the epoch.
    pub position: String,
    /// Its event time, if it has one; a timer's own time.
    pub time: Option<Timestamp>,
    /// The error, or the panic's message and place.
    pub cause: String,
    /// The type of the record.
    pub record_type: String,
    /// What is left of it.
    pub remains: Remains,
}

/// What a dead letter holds of its record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remains {
    /// The record; it can be fed back into its operator.
    Json(Value),
    /// As its type prints it for debugging; it can only be looked at.
    Debug(String),
    /// Nothing: its type is not registered.
    Unknown,
    /// It was a timer of this key.
    Timer(Value),
}

impl fmt::Display for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DeadLetter { operator, subtask, position, cause, .. } = self;
        write!(f, "operator `{operator}`, subtask {subtask}, {position}: {cause}")
    }
}
