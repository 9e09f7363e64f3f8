//! What is kept of a record that an operator could not process.

use super::Epoch;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// A record, or a timer, that its operator has failed on again and again and that was put aside so that the job could go on.
///
/// ```
/// use millstream::record::{DeadLetter, Remains};
///
/// let letter = DeadLetter {
///     operator: "count".into(),
///     entry: "count".into(),
///     subtask: 0,
///     input: 0,
///     position: "epoch 1.7, record 12".into(),
///     time: None,
///     hash: None,
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
    /// The uid of the operator that took the record in, the first of the chain of the one that failed: a replay hands the
    /// record to this one again.
    pub entry: String,
    /// Their subtask.
    pub subtask: usize,
    /// Which of the inputs of `entry` the record came from.
    pub input: usize,
    /// Where the record stood: split and offset of a source where known, else its place in the epoch.
    pub position: String,
    /// Its event time, if it has one; a timer's own time.
    pub time: Option<Timestamp>,
    /// The hash of its key, or the subtask that was chosen for it, if `entry` stands behind an exchange by either.
    pub hash: Option<u64>,
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
    /// Nothing: its type is registered, but this record could not be written as JSON.
    Unwritten {
        /// Why.
        cause: String,
    },
    /// It was a timer of this key.
    Timer(Value),
}

impl fmt::Display for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DeadLetter { operator, subtask, position, cause, .. } = self;
        write!(f, "operator `{operator}`, subtask {subtask}, {position}: {cause}")
    }
}

/// Under which a dead letter is found for as long as it is kept: the epoch whose output it is, and its number there. As text
/// `1.7-3`: the third letter, counted from 0, of epoch 1.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct LetterId {
    /// The epoch.
    pub epoch: Epoch,
    /// Its number within the epoch, from 0.
    pub number: u32,
}

/// A text that is no [`LetterId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no id of a dead letter; ids look like 1.7-3")]
pub struct BadLetterId(String);

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.number)
    }
}

impl FromStr for LetterId {
    type Err = BadLetterId;

    fn from_str(text: &str) -> Result<Self, BadLetterId> {
        let parse = || {
            let (epoch, number) = text.split_once('-')?;
            let (attempt, count) = epoch.split_once('.')?;
            let id = LetterId {
                epoch: Epoch::new(attempt.parse().ok()?, count.parse().ok()?),
                number: number.parse().ok()?,
            };
            // What is printed differently, like a count that is too large, was never an id.
            (id.to_string() == text).then_some(id)
        };
        parse().ok_or_else(|| BadLetterId(text.to_owned()))
    }
}

impl From<LetterId> for String {
    fn from(id: LetterId) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for LetterId {
    type Error = BadLetterId;

    fn try_from(text: String) -> Result<Self, BadLetterId> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_printed_and_nothing_else_is() {
        let id = LetterId { epoch: Epoch::new(1, 7), number: 3 };
        assert_eq!((id.to_string().as_str(), "1.7-3".parse()), ("1.7-3", Ok(id)));
        for text in ["", "1.7", "1-3", "1.7-", "01.7-3", "1.7-3 ", "+1.7-3", "1.1099511627776-0", "1.7-4294967296"] {
            let refused = text.parse::<LetterId>().unwrap_err().to_string();
            assert!(refused.contains(&format!("`{text}`")) && refused.contains("1.7-3"), "{refused}");
        }
    }
}
