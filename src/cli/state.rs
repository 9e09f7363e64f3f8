//! `state`: what operators keep.

use super::{Done, Failure, Place, json, table};
use crate::error::Error;
use crate::record::Epoch;
use crate::runtime::{StateChange, StateView};
use crate::state::StateEntry;
use serde_json::{Value, json as object};
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// An export tells each time when so many more bytes have been written how far it has come.
const TELL: u64 = 16 << 20;

/// Look into the state of operators
///
/// Of a stopped job at its last checkpoint or another that is kept. A running job makes a checkpoint and a copy of its state,
/// like a savepoint, that goes again when it has been read. Keys and values are shown as JSON by the shapes that lie beside
/// them; what has no known shape, as its bytes in hexadecimal digits.
#[derive(clap::Subcommand, Debug)]
pub(super) enum State {
    /// List operators, their states, and how large these are
    ///
    /// Example: millstream state ls --state-dir state
    #[command(verbatim_doc_comment)]
    Ls {
        #[command(flatten)]
        what: What,
        /// Only this operator (its uid)
        operator: Option<String>,
    },
    /// Show what a state holds under a key
    ///
    /// With windows, timers or maps that may be several entries.
    ///
    /// Example: millstream state get --state-dir state users state '"ada"'
    #[command(verbatim_doc_comment)]
    Get {
        #[command(flatten)]
        what: What,
        /// The operator (its uid)
        operator: String,
        /// The state
        state: String,
        /// The key as `scan` shows it, in JSON; what is no JSON is taken as text
        key: String,
    },
    /// Show the entries of a state, by key group
    ///
    /// Example: millstream state scan --state-dir state users state --limit 10
    #[command(verbatim_doc_comment)]
    Scan {
        #[command(flatten)]
        what: What,
        /// The operator (its uid)
        operator: String,
        /// The state
        state: String,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Write all state as lines of JSON
    ///
    /// Example: millstream state export --state-dir state --output state.jsonl
    #[command(verbatim_doc_comment)]
    Export {
        #[command(flatten)]
        what: What,
        /// The file to make, instead of the standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show what has changed between two checkpoints of a stopped job
    ///
    /// Example: millstream state diff --state-dir state 1.7 1.8
    #[command(verbatim_doc_comment)]
    Diff {
        #[command(flatten)]
        place: Place,
        /// The older one, as `checkpoints list` shows it; or a savepoint's file
        from: String,
        /// The younger one; or a savepoint's file
        to: String,
    },
}

/// Which state is meant.
#[derive(clap::Args, Debug)]
pub(super) struct What {
    #[command(flatten)]
    place: Place,
    /// As it was at this checkpoint, of those that `checkpoints list` shows; of a stopped job
    #[arg(long, value_name = "EPOCH", value_parser = super::job::epoch)]
    checkpoint: Option<Epoch>,
}

impl What {
    fn view(&self) -> Result<StateView, Failure> {
        let view = StateView::of_job(&self.place.state_dir)?;
        Ok(self.checkpoint.map_or(Ok(view.clone()), |epoch| view.at(epoch))?)
    }
}

/// An entry on a line, for people.
fn line(entry: &StateEntry) -> Vec<String> {
    let text = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
    let time = entry.time.map_or("-".to_owned(), |time| time.to_string());
    vec![entry.key.to_string(), time, text(&entry.map_key), entry.value.to_string()]
}

fn show(entries: &[StateEntry], as_json: bool) -> Done {
    let mut out = io::stdout().lock();
    if as_json {
        return Ok(entries.iter().try_for_each(|entry| json(&mut out, entry))?);
    }
    let rows: Vec<Vec<String>> = entries.iter().map(line).collect();
    table(&mut out, &["key", "time", "map key", "value"], &rows)?;
    if let Some(unread) = entries.iter().find_map(|entry| entry.unread.as_ref()) {
        eprintln!("some are shown as the bytes that are stored, in hexadecimal digits: {unread}");
    }
    Ok(())
}

fn list(what: &What, only: Option<&str>) -> Done {
    let view = what.view()?;
    let mut rows = Vec::new();
    let operators = view.operators();
    // An operator that is not there is refused, with those that are.
    only.map(|uid| view.unkeyed(uid)).transpose()?;
    let mut out = io::stdout().lock();
    for operator in operators.iter().filter(|operator| only.is_none_or(|uid| uid == operator.uid)) {
        for state in view.states(&operator.uid)? {
            if what.place.json {
                json(&mut out, &object!({ "operator": operator.uid, "kind": operator.kind, "state": state }))?;
                continue;
            }
            let [entries, keys, bytes] =
                [state.tally.entries, state.tally.keys, state.tally.bytes].map(|n| n.to_string());
            rows.push(vec![operator.uid.clone(), state.name, state.types, entries, keys, bytes]);
        }
        for (subtask, unkeyed) in view.unkeyed(&operator.uid)? {
            if what.place.json {
                json(&mut out, &object!({ "operator": operator.uid, "subtask": subtask, "unkeyed": unkeyed }))?;
                continue;
            }
            let bytes = unkeyed.to_string().len().to_string();
            let none = || "-".to_owned();
            rows.push(vec![operator.uid.clone(), none(), format!("of subtask {subtask}"), none(), none(), bytes]);
        }
    }
    if what.place.json {
        return Ok(());
    }
    writeln!(out, "job {} at epoch {}\n", view.job(), view.epoch())?;
    Ok(table(&mut out, &["operator", "state", "types", "entries", "keys", "bytes"], &rows)?)
}

fn scan(what: &What, operator: &str, state: &str, limit: usize) -> Done {
    let (mut found, mut more) = (Vec::new(), false);
    what.view()?.scan(operator, state, |_, entry| {
        if found.len() == limit {
            more = true;
            return Ok(ControlFlow::Break(()));
        }
        found.push(entry.clone());
        Ok(ControlFlow::Continue(()))
    })?;
    show(&found, what.place.json)?;
    if more {
        eprintln!("there are more; --limit N shows so many");
    }
    Ok(())
}

/// Counts what goes through, and tells it on a terminal now and then.
struct Telling<W> {
    out: W,
    bytes: u64,
    tells: bool,
}

impl<W: Write> Write for Telling<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        let before = self.bytes / TELL;
        self.bytes += written as u64;
        if self.tells && self.bytes / TELL > before {
            eprint!("\r{} MiB", self.bytes >> 20);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn export(what: &What, output: Option<&Path>) -> Done {
    let view = what.view()?;
    let out: Box<dyn Write> = match output {
        Some(path) => {
            let made = File::create_new(path);
            Box::new(made.map_err(|cause| Failure::Other(format!("cannot make {}: {cause}", path.display())))?)
        }
        None => Box::new(io::stdout().lock()),
    };
    let tells = output.is_some() && io::stderr().is_terminal();
    let mut out = Telling { out: BufWriter::new(out), bytes: 0, tells };
    let lines = view.export(&mut out)?;
    out.flush()?;
    if let Some(path) = output {
        eprintln!("{}{lines} lines of epoch {} in {}", if tells { "\r" } else { "" }, view.epoch(), path.display());
    }
    Ok(())
}

/// A checkpoint of a job, or a savepoint.
fn seen(state_dir: &Path, what: &str) -> Result<StateView, Failure> {
    match super::job::epoch(what) {
        Ok(epoch) => Ok(StateView::open(state_dir)?.at(epoch)?),
        Err(_) => Ok(StateView::of_savepoint(what)?),
    }
}

fn diff(place: &Place, from: &str, to: &str) -> Done {
    let (from, to) = (seen(&place.state_dir, from)?, seen(&place.state_dir, to)?);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut changes = 0_u64;
    from.diff(&to, |operator, state, change| {
        changes += 1;
        let told = if place.json {
            let mut told = serde_json::to_value(&change).unwrap_or_default();
            told["operator"] = operator.into();
            told["state"] = state.into();
            writeln!(out, "{told}")
        } else {
            let (sign, was, now) = match &change {
                StateChange::Added { now } => ("+", None, Some(now)),
                StateChange::Removed { was } => ("-", Some(was), None),
                StateChange::Changed { was, now } => ("~", Some(was), Some(now)),
            };
            let values: Vec<String> = was.into_iter().chain(now).map(|entry| entry.value.to_string()).collect();
            let entry = now.or(was).map(line).unwrap_or_default();
            let place = entry.iter().take(3).filter(|part| *part != "-").map(String::as_str).collect::<Vec<_>>();
            writeln!(out, "{sign} {operator} {state} {}: {}", place.join(" "), values.join(" -> "))
        };
        told.map_err(|cause| Error::Inspect {
            path: place.state_dir.clone(),
            reason: format!("cannot tell it: {cause}"),
        })
    })?;
    out.flush()?;
    if !place.json {
        eprintln!("{changes} changes from epoch {} to {}", from.epoch(), to.epoch());
    }
    Ok(())
}

impl State {
    pub(super) fn run(self) -> Done {
        match self {
            State::Ls { what, operator } => list(&what, operator.as_deref()),
            State::Get { what, operator, state, key } => {
                let key = serde_json::from_str(&key).unwrap_or(Value::String(key));
                let found = what.view()?.get(&operator, &state, &key)?;
                if found.is_empty() {
                    return Err(Failure::Other(format!(
                        "state `{state}` of operator `{operator}` has nothing under {key}"
                    )));
                }
                show(&found, what.place.json)
            }
            State::Scan { what, operator, state, limit } => scan(&what, &operator, &state, limit),
            State::Export { what, output } => export(&what, output.as_deref()),
            State::Diff { place, from, to } => diff(&place, &from, &to),
        }
    }
}
