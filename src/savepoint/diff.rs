//! What becomes of a savepoint in a program: operator by operator, state by state, before anything is started.

use super::Savepoint;
use crate::checkpoint::OperatorEntry;
use crate::state::Fit;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// What becomes of an operator or of one of its states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// It goes on as it was.
    Maps,
    /// It goes on, with its state spread over another number of subtasks.
    Moves {
        /// How many subtasks it had.
        from: usize,
        /// How many it has in the program.
        to: usize,
    },
    /// Its values were stored as another type, and all of them can be read as the new one, or are made so by a migration.
    Migrates {
        /// The shape in which they were stored.
        was: String,
        /// The shape of their type in the program.
        now: String,
    },
    /// It is not in the savepoint, and begins empty.
    New,
    /// It is not in the program, and had nothing to lose.
    Gone,
    /// What the savepoint holds of it has no place in the program. An operator that does something else now begins empty.
    Lost {
        /// Whether [`Config::allow_removed`](crate::config::Config::allow_removed) names its operator.
        allowed: bool,
    },
    /// It cannot be restored.
    Refused {
        /// Why not, and how to mend it.
        reason: String,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Maps => f.write_str("maps"),
            Verdict::Moves { from, to } => write!(f, "moves from {from} to {to}"),
            Verdict::Migrates { was, now } => write!(f, "migrates from {was} to {now}"),
            Verdict::New => f.write_str("is new, begins empty"),
            Verdict::Gone => f.write_str("is gone, had no state"),
            Verdict::Lost { allowed: true } => f.write_str("is lost, as allowed"),
            Verdict::Lost { allowed: false } => f.write_str("REFUSED: would be lost"),
            Verdict::Refused { reason } => write!(f, "REFUSED: {reason}"),
        }
    }
}

/// What becomes of one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StateDiff {
    /// The state's name.
    pub name: String,
    /// Its types in the savepoint; `None` if it is new.
    pub types: Option<String>,
    /// How many entries the savepoint has of it.
    pub entries: u64,
    /// What becomes of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What becomes of one operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OperatorDiff {
    /// The operator's id.
    pub uid: String,
    /// Its kind and settings in the savepoint; `None` if it is new.
    pub was: Option<String>,
    /// Its kind and settings in the program; `None` if it is not there.
    pub now: Option<String>,
    /// What becomes of it.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What becomes of its keyed states; of a refused operator perhaps not all.
    pub states: Vec<StateDiff>,
}

/// What becomes of a savepoint in a program. As text it is a table; nothing has been started or written for it.
///
/// Made by [`Job::plan_diff`](crate::api::Job::plan_diff).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlanDiff {
    /// The program's job, and the one of which the savepoint was taken. They may differ: the operators' ids decide.
    pub job: String,
    /// The job of which the savepoint was taken.
    pub taken_of: String,
    /// The operators that keep something: those of the program, then those that are in the savepoint only.
    pub operators: Vec<OperatorDiff>,
}

impl PlanDiff {
    /// Whether the savepoint can be restored.
    pub fn fits(&self) -> bool {
        self.reasons().is_empty()
    }

    /// Why the savepoint cannot be restored, and how to mend it: a sentence for each operator or state.
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        for operator in &self.operators {
            let OperatorDiff { uid, was, now, .. } = operator;
            let was = was.as_deref().unwrap_or_default();
            match (&operator.verdict, now) {
                (Verdict::Refused { reason }, _) => reasons.push(format!("operator `{uid}`: {reason}")),
                (Verdict::Lost { allowed: false }, Some(now)) => reasons.push(format!(
                    "operator `{uid}` was {was} and is now {now}; change it back, or let its state go by allow_removed(\"{uid}\")"
                )),
                (Verdict::Lost { allowed: false }, None) => reasons.push(format!(
                    "operator `{uid}` ({was}) is not in the program any more; give the operator that continues it .uid(\"{uid}\"), or let its state go by allow_removed(\"{uid}\")"
                )),
                _ => {}
            }
            for StateDiff { name, entries, .. } in operator.states_with(&Verdict::Lost { allowed: false }) {
                reasons.push(format!(
                    "state `{name}` of operator `{uid}` is not used any more and has {entries} entries; use it, or let it go by allow_removed(\"{uid}\")"
                ));
            }
        }
        reasons
    }

    /// Whether an operator of the savepoint goes on in the program.
    pub(crate) fn keeps(&self, uid: &str) -> bool {
        let kept = |operator: &&OperatorDiff| matches!(operator.verdict, Verdict::Maps | Verdict::Moves { .. });
        self.operators.iter().filter(kept).any(|operator| operator.uid == uid)
    }

    /// Whether a state of the savepoint goes on in the program.
    pub(crate) fn keeps_state(&self, uid: &str, state: &str) -> bool {
        let kept = |diff: &StateDiff| matches!(diff.verdict, Verdict::Maps | Verdict::Migrates { .. });
        let mut states = self.operators.iter().filter(|operator| operator.uid == uid).flat_map(|o| &o.states);
        self.keeps(uid) && states.any(|diff| diff.name == state && kept(diff))
    }
}

impl OperatorDiff {
    fn states_with(&self, verdict: &Verdict) -> impl Iterator<Item = &StateDiff> {
        let goes_on = matches!(self.verdict, Verdict::Maps | Verdict::Moves { .. });
        self.states.iter().filter(move |state| goes_on && state.verdict == *verdict)
    }
}

impl fmt::Display for PlanDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![["operator", "was", "now", "what becomes of it"].map(str::to_owned)];
        for operator in &self.operators {
            let shown = |kind: &Option<String>| kind.clone().unwrap_or_else(|| "-".to_owned());
            let OperatorDiff { uid, was, now, verdict, states } = operator;
            rows.push([uid.clone(), shown(was), shown(now), verdict.to_string()]);
            rows.extend(states.iter().map(|state| {
                let entries = if state.types.is_some() { format!("{} entries", state.entries) } else { "-".to_owned() };
                [format!("  {}", state.name), entries, String::new(), state.verdict.to_string()]
            }));
        }
        let widths = [0, 1, 2].map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
        for [first, was, now, what] in &rows {
            let (a, b, c) = (widths[0], widths[1], widths[2]);
            writeln!(f, "{first:a$}  {was:b$}  {now:c$}  {what}")?;
        }
        let verdict = if self.fits() { "it can be restored" } else { "it cannot be restored" };
        write!(f, "savepoint of job `{}` into job `{}`: {verdict}", self.taken_of, self.job)
    }
}

/// How the states of an operator in the program fit those of the savepoint.
pub(crate) enum ProgramStates {
    Fit(Vec<(String, Fit)>),
    /// It could not be built on the savepoint's state.
    Failed(String),
}

/// An operator of the program that keeps something.
pub(crate) struct ProgramOperator {
    pub(crate) entry: OperatorEntry,
    pub(crate) states: ProgramStates,
}

/// Compares a savepoint with a program.
///
/// * `allowed`: the uids whose state may be lost.
pub(crate) fn compare(
    savepoint: &Savepoint,
    job: &str,
    program: &[ProgramOperator],
    allowed: &BTreeSet<String>,
) -> PlanDiff {
    let content = savepoint.content();
    let has_anything = |uid: &str| {
        content.has_small_state(uid) || content.states_of(uid).any(|(number, _)| savepoint.count(number) > 0)
    };
    let mut operators = Vec::new();
    for ProgramOperator { entry, states } in program {
        let (uid, now) = (entry.uid.clone(), Some(entry.kind.clone()));
        let allowed = allowed.contains(&uid);
        let old = content.operators.iter().find(|old| old.uid == uid);
        let was = old.map(|old| old.kind.clone());
        let mut diffs = Vec::new();
        let verdict = match (old, states) {
            (None, _) => Verdict::New,
            (Some(old), _) if old.kind != entry.kind && has_anything(&uid) => Verdict::Lost { allowed },
            (Some(old), _) if old.kind != entry.kind => Verdict::New,
            (Some(_), ProgramStates::Failed(reason)) => Verdict::Refused { reason: reason.clone() },
            (Some(old), ProgramStates::Fit(fits)) => {
                diffs = compare_states(savepoint, &uid, fits, allowed);
                match (old.parallelism, entry.parallelism) {
                    (from, to) if from != to => Verdict::Moves { from, to },
                    _ => Verdict::Maps,
                }
            }
        };
        operators.push(OperatorDiff { uid, was, now, verdict, states: diffs });
    }
    for old in content.operators.iter().filter(|old| program.iter().all(|new| new.entry.uid != old.uid)) {
        let allowed = allowed.contains(&old.uid);
        let verdict = if has_anything(&old.uid) { Verdict::Lost { allowed } } else { Verdict::Gone };
        let states = content.states_of(&old.uid).map(|(number, declaration)| StateDiff {
            name: declaration.name().to_owned(),
            types: Some(declaration.to_string()),
            entries: savepoint.count(number),
            verdict: Verdict::Lost { allowed },
        });
        let states = states.collect();
        operators.push(OperatorDiff { uid: old.uid.clone(), was: Some(old.kind.clone()), now: None, verdict, states });
    }
    PlanDiff { job: job.to_owned(), taken_of: savepoint.header().job.clone(), operators }
}

fn compare_states(savepoint: &Savepoint, uid: &str, fits: &[(String, Fit)], allowed: bool) -> Vec<StateDiff> {
    let mut diffs = Vec::new();
    for (number, declaration) in savepoint.content().states_of(uid) {
        let entries = savepoint.count(number);
        let verdict = match fits.iter().find(|(name, _)| name == declaration.name()).map(|(_, fit)| fit) {
            Some(Fit::Converted { was, now }) => Verdict::Migrates { was: was.clone(), now: now.clone() },
            Some(Fit::Same | Fit::New) => Verdict::Maps,
            None if entries == 0 => Verdict::Gone,
            None => Verdict::Lost { allowed },
        };
        let (name, types) = (declaration.name().to_owned(), Some(declaration.to_string()));
        diffs.push(StateDiff { name, types, entries, verdict });
    }
    let new = fits.iter().filter(|(name, _)| diffs.iter().all(|diff| diff.name != *name));
    let new = new.map(|(name, _)| StateDiff { name: name.clone(), types: None, entries: 0, verdict: Verdict::New });
    let new: Vec<StateDiff> = new.collect();
    diffs.extend(new);
    diffs
}
