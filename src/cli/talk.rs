//! `status`, `stop`, `rescale`: a word with a running job.

use super::savepoint::{absolute, described, tell};
use super::watch::warnings;
use super::{Done, Failure, Place, json, table};
use crate::control::{ControlClient, Request};
use crate::error::Error;
use crate::runtime::Checkpoints;
use crate::savepoint::Savepoint;
use serde_json::Value;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Connects to the job, which must be running.
pub(super) fn connect(state_dir: &Path) -> Result<ControlClient, Failure> {
    ControlClient::connect(state_dir)?.ok_or_else(|| {
        let reason = if state_dir.is_dir() { "no job runs there" } else { "there is no such directory" };
        Failure::Other(format!("{}: {reason}; start the job, or give its --state-dir", state_dir.display()))
    })
}

/// Tell how a running job stands
///
/// Shows its state, its last failure, its checkpoints and restarts, for whom a checkpoint waits that takes long, what holds a
/// watermark that stands still, and of each operator how many records it has taken, sent on, found too late, and given up
/// on.
///
/// Example: millstream status --state-dir state
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Status {
    #[command(flatten)]
    place: Place,
}

impl Status {
    pub(super) fn run(self) -> Done {
        let status = connect(&self.place.state_dir)?.ask(&Request::Status)?;
        let mut out = io::stdout().lock();
        if self.place.json {
            return Ok(json(&mut out, &status)?);
        }
        let text = |name: &str| match &status[name] {
            Value::String(text) => text.clone(),
            Value::Null => "-".to_owned(),
            other => other.to_string(),
        };
        writeln!(out, "job          {} ({})", text("job"), text("state"))?;
        writeln!(out, "watermark    {}", text("watermark"))?;
        writeln!(out, "checkpoints  {} complete, {} failed", text("checkpoints"), text("failed_checkpoints"))?;
        writeln!(out, "restarts     {} of the job, {} of single subtasks", text("restarts"), text("local_restarts"))?;
        writeln!(out, "last failure {}\n", text("failure"))?;
        let warnings = warnings(&status);
        if !warnings.is_empty() {
            writeln!(out, "{}\n", warnings.join("\n"))?;
        }
        let columns = ["uid", "parallelism", "records_in", "records_out", "late", "dead"];
        let operators = status["operators"].as_array().into_iter().flatten();
        let cell = |operator: &Value, name: &str| match &operator[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let rows: Vec<Vec<String>> =
            operators.map(|operator| columns.iter().map(|name| cell(operator, name)).collect()).collect();
        Ok(table(&mut out, &["operator", "subtasks", "in", "out", "late", "dead"], &rows)?)
    }
}

/// Stop a running job after a last checkpoint
///
/// Nothing is lost and no window fires: started again, the job goes on where it was. Waits until the job has ended. With
/// --savepoint, all that the job has done is also written to one file; if that file cannot be made the job goes on.
///
/// Example: millstream stop --state-dir state --savepoint last.savepoint
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Stop {
    #[command(flatten)]
    place: Place,
    /// Take a savepoint of its very end
    #[arg(long, value_name = "FILE")]
    savepoint: Option<PathBuf>,
}

impl Stop {
    pub(super) fn run(self) -> Done {
        let mut client = connect(&self.place.state_dir)?;
        let savepoint = match &self.savepoint {
            Some(file) => Some(last(&mut client, absolute(file)?)?),
            None => client.ask(&Request::Stop).map(|_| None)?,
        };
        // The connection ends with this run of the job; another may begin at once.
        while client.ask(&Request::Status).is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
        // If it runs again there is nothing to be read, and no reason to doubt.
        let known = Checkpoints::open(&self.place.state_dir).ok().filter(|known| known.life == "running");
        if let Some(last) = known.map(|known| known.kept.last().map_or("nothing".to_owned(), |kept| kept.epoch.clone()))
        {
            return Err(Failure::Other(format!(
                "the job has ended without a last checkpoint, and goes on from {last} when it is started; its log says why"
            )));
        }
        let mut out = io::stdout().lock();
        match savepoint {
            Some(info) if self.place.json => Ok(json(&mut out, &info)?),
            Some(info) => Ok(tell(&mut out, "stopped at", &info)?),
            None if self.place.json => Ok(json(&mut out, &"stopped")?),
            None => Ok(writeln!(out, "stopped")?),
        }
    }
}

/// Stops the job with a savepoint, and returns what that tells of itself.
fn last(client: &mut ControlClient, path: PathBuf) -> Result<Value, Failure> {
    match client.ask(&Request::Savepoint { path: path.clone(), stop: true }) {
        // The process may have ended before it could say what it had done.
        Err(Error::Control { .. }) if path.exists() => described(&Savepoint::open(&path).map_err(Error::from)?),
        answer => Ok(answer?),
    }
}

/// Change the parallelism of a running job
///
/// A last checkpoint, then the job goes on with each subtask's share of the state; no record is lost or doubled. Tells for
/// how long nothing was read. Operators with a parallelism of their own keep it.
///
/// Example: millstream rescale --state-dir state --parallelism 4
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Rescale {
    #[command(flatten)]
    place: Place,
    /// In how many subtasks operators are to run
    #[arg(long, value_name = "N")]
    parallelism: usize,
}

impl Rescale {
    pub(super) fn run(self) -> Done {
        let mut client = connect(&self.place.state_dir)?;
        let rescaled = client.ask(&Request::Rescale { parallelism: self.parallelism })?;
        let mut out = io::stdout().lock();
        if self.place.json {
            return Ok(json(&mut out, &rescaled)?);
        }
        let (from, to) = (&rescaled["from"], &rescaled["to"]);
        let gap: Duration = serde_json::from_value(rescaled["gap"].clone()).unwrap_or_default();
        Ok(writeln!(out, "rescaled from {from} to {to}; nothing was read for {} ms", gap.as_millis())?)
    }
}
