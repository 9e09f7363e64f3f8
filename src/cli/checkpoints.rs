//! `checkpoints`: what a job can go back to.

use super::{Done, Place, json, table};
use crate::control::{ControlClient, Request};
use crate::runtime::Checkpoints as Known;
use std::io::{self, Write};

/// Look at the checkpoints of a job
#[derive(clap::Subcommand, Debug)]
pub(super) enum Checkpoints {
    /// List those that the job can go back to
    ///
    /// The last is the one it goes on from. Works on running and stopped jobs.
    ///
    /// Example: millstream checkpoints list --state-dir state
    #[command(verbatim_doc_comment)]
    List {
        #[command(flatten)]
        place: Place,
    },
}

impl Checkpoints {
    pub(super) fn run(self) -> Done {
        let Checkpoints::List { place } = self;
        let known: Known = match ControlClient::connect(&place.state_dir)? {
            Some(mut client) => client.ask_for(&Request::Checkpoints)?,
            None => Known::open(&place.state_dir)?,
        };
        let mut out = io::stdout().lock();
        if place.json {
            return Ok(json(&mut out, &known)?);
        }
        let Known { job, job_id, life, attempt, complete, restarts, .. } = &known;
        writeln!(out, "job {job} ({job_id}): {life}, life {attempt}, {complete} checkpoints, {restarts} restarts\n")?;
        let rows: Vec<Vec<String>> = known
            .kept
            .iter()
            .map(|kept| {
                let operators = kept.operators.iter().map(|(uid, _, parallelism)| format!("{uid} x{parallelism}"));
                vec![kept.epoch.clone(), kept.records.to_string(), operators.collect::<Vec<_>>().join(", ")]
            })
            .collect();
        Ok(table(&mut out, &["epoch", "records read", "operators"], &rows)?)
    }
}
