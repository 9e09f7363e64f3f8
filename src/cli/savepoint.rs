//! `savepoint`: all state of a job in one file.

use super::{Done, Failure, Place, json, table};
use crate::control::{ControlClient, Request};
use crate::error::Error;
use crate::savepoint::{self, Savepoint};
use serde_json::{Value, json as object};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Take savepoints, look at them, and delete them
#[derive(clap::Subcommand, Debug)]
pub(super) enum Savepoints {
    /// Write all state of a job to one file, to be kept, moved, and restored
    ///
    /// A running job makes a checkpoint for it and goes on; of a stopped one it is the last checkpoint. Returns when the file is
    /// durable. A file that exists is refused.
    ///
    /// Example: millstream savepoint create --state-dir state before-upgrade.savepoint
    #[command(verbatim_doc_comment)]
    Create {
        #[command(flatten)]
        place: Place,
        /// The file to make
        file: PathBuf,
    },
    /// List the savepoints in a directory: its files *.savepoint, by name
    ///
    /// Their entries are not read; `verify` does so. One that is damaged is listed with what is wrong.
    ///
    /// Example: millstream savepoint list state/savepoints
    #[command(verbatim_doc_comment)]
    List {
        /// The directory
        directory: PathBuf,
        /// Tell the result as JSON, a line for each
        #[arg(long)]
        json: bool,
    },
    /// Read all of a savepoint and check every byte
    ///
    /// Example: millstream savepoint verify before-upgrade.savepoint
    #[command(verbatim_doc_comment)]
    Verify(One),
    /// Delete a savepoint, also a damaged one; what never was a savepoint is refused
    ///
    /// Example: millstream savepoint delete before-upgrade.savepoint
    #[command(verbatim_doc_comment)]
    Delete(One),
}

/// Which file is meant.
#[derive(clap::Args, Debug)]
pub(super) struct One {
    /// The savepoint
    file: PathBuf,
    /// Tell the result as JSON
    #[arg(long)]
    json: bool,
}

/// A path as another process understands it.
pub(super) fn absolute(file: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(file).map_err(|cause| Failure::Other(format!("savepoint {}: {cause}", file.display())))
}

/// A savepoint as JSON: what it tells of itself.
pub(super) fn described(savepoint: &Savepoint) -> Result<Value, Failure> {
    Ok(serde_json::to_value(savepoint.info()).map_err(io::Error::from)?)
}

/// Tells, on a line, what has become of a savepoint.
pub(super) fn tell(out: &mut impl Write, what: &str, info: &Value) -> io::Result<()> {
    let text = |name: &str| info[name].as_str().unwrap_or_default().to_owned();
    let (path, job, epoch) = (text("path"), text("job"), text("epoch"));
    writeln!(out, "{what} {path}: job {job} at epoch {epoch}, {} entries, {} bytes", info["entries"], info["bytes"])
}

fn create(place: &Place, file: &Path) -> Done {
    let path = absolute(file)?;
    let info = match ControlClient::connect(&place.state_dir)? {
        Some(mut client) => client.ask(&Request::Savepoint { path, stop: false })?,
        None => described(&Savepoint::create(&place.state_dir, path)?)?,
    };
    let mut out = io::stdout().lock();
    if place.json { Ok(json(&mut out, &info)?) } else { Ok(tell(&mut out, "made", &info)?) }
}

fn list(directory: &Path, as_json: bool) -> Done {
    let mut out = io::stdout().lock();
    let mut rows = Vec::new();
    for listed in savepoint::list(directory).map_err(Error::from)? {
        let path = listed.path.display().to_string();
        match listed.info {
            Ok(info) if as_json => json(&mut out, &info)?,
            Err(error) if as_json => json(&mut out, &object!({ "path": path, "error": error.to_string() }))?,
            Ok(info) => {
                let created = info.created_at.to_string();
                let (entries, bytes) = (info.entries.to_string(), info.bytes.to_string());
                rows.push(vec![path, info.job, info.epoch, created, entries, bytes]);
            }
            Err(error) => {
                let unknown = || "-".to_owned();
                rows.push(vec![path, error.to_string(), unknown(), unknown(), unknown(), unknown()]);
            }
        }
    }
    if as_json {
        return Ok(());
    }
    Ok(table(&mut out, &["savepoint", "job", "epoch", "created", "entries", "bytes"], &rows)?)
}

impl Savepoints {
    pub(super) fn run(self) -> Done {
        match self {
            Savepoints::Create { place, file } => create(&place, &file),
            Savepoints::List { directory, json } => list(&directory, json),
            Savepoints::Verify(One { file, json: as_json }) => {
                let savepoint = Savepoint::open(&file).map_err(Error::from)?;
                savepoint.verify().map_err(Error::from)?;
                let info = described(&savepoint)?;
                let mut out = io::stdout().lock();
                if as_json { Ok(json(&mut out, &info)?) } else { Ok(tell(&mut out, "whole:", &info)?) }
            }
            Savepoints::Delete(One { file, json: as_json }) => {
                savepoint::delete(&file).map_err(Error::from)?;
                let mut out = io::stdout().lock();
                if as_json { Ok(json(&mut out, &"deleted")?) } else { Ok(writeln!(out, "deleted")?) }
            }
        }
    }
}
