//! `dlq`: dead letters.

use super::{Done, Failure, Place, json, table};
use crate::control::{ControlClient, Request};
use crate::record::LetterId;
use crate::runtime::DeadLetters;
use crate::state::{LetterStatus, StoredLetter};
use std::io::{self, Write};
use std::path::Path;

/// How many letters are fetched at a time.
const PAGE: usize = 500;

/// Look at records that operators have given up on, and hand them in again
#[derive(clap::Subcommand, Debug)]
pub(super) enum Dlq {
    /// List dead letters
    ///
    /// Example: millstream dlq list --state-dir state --operator parse --json
    #[command(verbatim_doc_comment)]
    List {
        #[command(flatten)]
        place: Place,
        /// Only those of this operator (its uid)
        #[arg(long, value_name = "UID")]
        operator: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 1_000)]
        limit: usize,
    },
    /// Show one with all that is known of it
    ///
    /// Example: millstream dlq show --state-dir state 1.7-3
    #[command(verbatim_doc_comment)]
    Show {
        #[command(flatten)]
        place: Place,
        /// Its id
        id: LetterId,
    },
    /// Hand records to their operators again, once each
    ///
    /// Mend the program first. A running job takes them at once, a stopped one when it is started. A record that has become
    /// too late goes where late records go, unless --reopen is given.
    ///
    /// Example: millstream dlq replay --state-dir state 1.7-3 1.7-4
    #[command(verbatim_doc_comment)]
    Replay {
        #[command(flatten)]
        several: Several,
        /// Open windows that are gone once more; they tell of these records alone
        #[arg(long)]
        reopen: bool,
    },
    /// Forget letters for good
    ///
    /// Example: millstream dlq drop --state-dir state 1.7-3
    #[command(verbatim_doc_comment)]
    Drop(Several),
}

/// Letters that something is done with.
#[derive(clap::Args, Debug)]
pub(super) struct Several {
    #[command(flatten)]
    place: Place,
    /// Their ids
    #[arg(required_unless_present = "all")]
    ids: Vec<LetterId>,
    /// All that have not been replayed, of the operator if one is given
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// With --all: only those of this operator (its uid)
    #[arg(long, value_name = "UID", requires = "all")]
    operator: Option<String>,
}

/// The letters, of a running job or of a stopped one.
enum Desk {
    Running(ControlClient),
    Stopped(DeadLetters),
}

impl Desk {
    fn open(state_dir: &Path) -> Result<Self, Failure> {
        Ok(match ControlClient::connect(state_dir)? {
            Some(client) => Desk::Running(client),
            None => Desk::Stopped(DeadLetters::open(state_dir)?),
        })
    }

    fn page(
        &mut self,
        after: Option<LetterId>,
        limit: usize,
        operator: Option<&str>,
    ) -> Result<Vec<StoredLetter>, Failure> {
        let wanted = |stored: &StoredLetter| operator.is_none_or(|operator| operator == stored.letter.operator);
        Ok(match self {
            Desk::Running(client) => {
                client.ask_for(&Request::Letters { after, limit, operator: operator.map(str::to_owned) })?
            }
            Desk::Stopped(letters) => letters.list(after, limit, wanted)?,
        })
    }

    fn all(&mut self, limit: usize, operator: Option<&str>) -> Result<Vec<StoredLetter>, Failure> {
        let mut all: Vec<StoredLetter> = Vec::new();
        loop {
            let wanted = PAGE.min(limit - all.len());
            let page = self.page(all.last().map(|stored| stored.id), wanted, operator)?;
            let done = page.len() < wanted;
            all.extend(page);
            if done || all.len() == limit {
                return Ok(all);
            }
        }
    }
}

impl Several {
    fn ids(&self, desk: &mut Desk) -> Result<Vec<LetterId>, Failure> {
        if !self.all {
            return Ok(self.ids.clone());
        }
        let open = |stored: &StoredLetter| matches!(stored.status, LetterStatus::Waiting | LetterStatus::Refused(_));
        let all = desk.all(usize::MAX, self.operator.as_deref())?;
        Ok(all.iter().filter(|stored| open(stored)).map(|stored| stored.id).collect())
    }

    fn done(&self, what: &str, count: usize) -> Done {
        let mut out = io::stdout().lock();
        if self.place.json { Ok(json(&mut out, &count)?) } else { Ok(writeln!(out, "{count} {what}")?) }
    }
}

impl Dlq {
    pub(super) fn run(self) -> Done {
        match self {
            Dlq::List { place, operator, limit } => {
                let letters = Desk::open(&place.state_dir)?.all(limit, operator.as_deref())?;
                let mut out = io::stdout().lock();
                if place.json {
                    letters.iter().try_for_each(|stored| json(&mut out, stored))?;
                    return Ok(());
                }
                let rows: Vec<Vec<String>> = letters
                    .iter()
                    .map(|StoredLetter { id, status, letter }| {
                        vec![id.to_string(), status.to_string(), letter.operator.clone(), letter.cause.clone()]
                    })
                    .collect();
                Ok(table(&mut out, &["id", "status", "operator", "cause"], &rows)?)
            }
            Dlq::Show { place, id } => {
                let stored: StoredLetter = match Desk::open(&place.state_dir)? {
                    Desk::Running(mut client) => client.ask_for(&Request::Letter { id })?,
                    Desk::Stopped(letters) => letters.get(id)?,
                };
                let mut out = io::stdout().lock();
                if place.json {
                    return Ok(json(&mut out, &stored)?);
                }
                serde_json::to_writer_pretty(&mut out, &stored).map_err(io::Error::from)?;
                Ok(writeln!(out)?)
            }
            Dlq::Replay { several, reopen } => {
                let mut desk = Desk::open(&several.place.state_dir)?;
                let ids = several.ids(&mut desk)?;
                match &mut desk {
                    Desk::Running(client) => drop(client.ask(&Request::Replay { ids: ids.clone(), reopen })?),
                    Desk::Stopped(letters) if reopen => letters.replay_reopening(&ids)?,
                    Desk::Stopped(letters) => letters.replay(&ids)?,
                }
                several.done("to be replayed", ids.len())
            }
            Dlq::Drop(several) => {
                let mut desk = Desk::open(&several.place.state_dir)?;
                let ids = several.ids(&mut desk)?;
                match &mut desk {
                    Desk::Running(client) => drop(client.ask(&Request::Drop { ids: ids.clone() })?),
                    Desk::Stopped(letters) => letters.remove(&ids)?,
                }
                several.done("dropped", ids.len())
            }
        }
    }
}
