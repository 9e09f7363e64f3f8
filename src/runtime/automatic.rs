//! Savepoints that a job takes by itself, at an interval.
//!
//! One is asked for like any other, at the first epoch that is opened when the interval is over. It has its epoch in its name,
//! `auto-<job id>-<attempt>-<count>.savepoint`, with as many zeros as it takes for names to sort by time. The job's random id
//! tells whose it is: what this job has not made, others are to delete.
//!
//! # Invariants
//! * An older one goes only when a newer one is durable under its name, and then so many stay as are to be kept.
//! * One that comes to nothing is told and harms nobody; the next is tried when the interval is over again.
//! * At most one is under way.

use super::job::{Master, Phase};
use super::taking::Request;
use crate::checkpoint::Manifest;
use crate::config::Config;
use crate::record::Epoch;
use crate::savepoint::{self, Error, Savepoint, SavepointInfo};
use crate::time::{Clock, SystemClock};
use actix::{AsyncContext, Context};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;
use std::time::Duration;

/// The directory of automatic savepoints in a state directory.
pub(super) const FOLDER: &str = "savepoints";

/// Where a job with these settings has its automatic savepoints.
pub(super) fn directory(config: &Config) -> Option<PathBuf> {
    config.savepoint_dir.clone().or_else(|| Some(config.state_dir.as_ref()?.join(FOLDER)))
}

/// What all names of a job's automatic savepoints begin with.
fn prefix(job_id: u64) -> String {
    format!("auto-{job_id:016x}-")
}

fn name(job_id: u64, epoch: Epoch) -> String {
    format!("{}{:08}-{:013}.savepoint", prefix(job_id), epoch.attempt(), epoch.count())
}

/// The files of a job's automatic savepoints, newest first, with a suffix.
fn files(directory: &Path, job_id: u64, suffix: &str) -> std::io::Result<Vec<PathBuf>> {
    let begin = prefix(job_id);
    let is_own = |name: &str| {
        let epoch = name.strip_prefix(&begin).and_then(|rest| rest.strip_suffix(suffix)).unwrap_or_default();
        let numbers = epoch.split_once('-').filter(|(attempt, count)| attempt.len() == 8 && count.len() == 13);
        numbers.is_some_and(|(attempt, count)| attempt.bytes().chain(count.bytes()).all(|byte| byte.is_ascii_digit()))
    };
    let mut own = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_own) {
            own.push(entry.path());
        }
    }
    own.sort();
    own.reverse();
    Ok(own)
}

/// The youngest automatic savepoint of a job that is whole, every byte of it.
pub(super) fn youngest_whole(config: &Config, job_id: u64) -> Option<PathBuf> {
    let own = files(&directory(config)?, job_id, ".savepoint").ok()?;
    own.into_iter().find(|path| Savepoint::open(path).and_then(|savepoint| savepoint.verify()).is_ok())
}

/// The automatic savepoints of a running job.
#[derive(Default)]
pub(super) struct Automatic {
    /// The next epoch is to be one.
    due: bool,
    under_way: Option<mpsc::Receiver<Result<SavepointInfo, Error>>>,
}

impl Automatic {
    /// Whether an epoch is wanted.
    pub(super) fn is_due(&self) -> bool {
        self.due
    }
}

/// Makes the directory, durably, and removes what a killed process has left half written there.
fn prepare(directory: &Path, job_id: u64) -> Result<(), Error> {
    if !directory.is_dir() {
        fs::create_dir_all(directory).map_err(|cause| Error::io(directory, "make this directory", cause))?;
        crate::state::sync_dir(directory.parent().unwrap_or(Path::new("")))?;
    }
    let left = files(directory, job_id, ".savepoint.partial");
    for partial in left.map_err(|cause| Error::io(directory, "list this directory", cause))? {
        fs::remove_file(&partial).map_err(|cause| Error::io(&partial, "remove what was left of it", cause))?;
    }
    Ok(())
}

/// Deletes all of a job's automatic savepoints but the newest.
fn prune(job: &str, directory: &Path, job_id: u64, keep: usize) {
    let deleted = match files(directory, job_id, ".savepoint") {
        Ok(own) => own.iter().skip(keep).try_for_each(savepoint::delete),
        Err(cause) => Err(Error::io(directory, "list this directory", cause)),
    };
    if let Err(error) = deleted {
        tracing::warn!(%job, %error, "an old automatic savepoint is still there; trying again after the next one");
    }
}

/// How long it is to the first one of this process: as long as is left of the interval since the last one. A job that has
/// come far without one takes it at once.
fn first_delay(every: Duration, directory: &Path, manifest: &Manifest) -> Duration {
    let own = files(directory, manifest.job_id, ".savepoint").unwrap_or_default();
    let last = own.first().and_then(|path| Savepoint::open(path).ok());
    match last {
        Some(last) => {
            let age = SystemClock::new().now().millis_since(last.info().created_at);
            every.saturating_sub(Duration::from_millis(age.max(0).unsigned_abs()))
        }
        None if manifest.epoch > Epoch::ZERO => Duration::ZERO,
        None => every,
    }
}

impl Master {
    /// Begins to count the interval.
    pub(super) fn plan_automatic(&mut self, ctx: &mut Context<Self>) {
        let (Some(every), Some(ledger)) = (self.config.savepoint_every, &self.ledger) else { return };
        let Some(directory) = directory(&self.config) else { return };
        let delay = first_delay(every, &directory, ledger.manifest());
        ctx.run_later(delay, move |master, ctx| {
            master.automatic_due(ctx);
            ctx.run_interval(every, |master, ctx| master.automatic_due(ctx));
        });
    }

    fn automatic_due(&mut self, ctx: &mut Context<Self>) {
        self.settle_automatic();
        // One that waits has its timer: set anew each time it would never go off if the interval is short.
        if self.automatic.under_way.is_some() || std::mem::replace(&mut self.automatic.due, true) {
            return;
        }
        if self.phase == Phase::Running {
            // If an epoch is open, its end leads to the next one.
            self.schedule(Some(Duration::ZERO), ctx);
        }
    }

    /// An epoch has been opened: asks for a savepoint of it, if one is due.
    pub(super) fn begin_automatic(&mut self, epoch: Epoch) {
        if !std::mem::take(&mut self.automatic.due) {
            return;
        }
        let (Some(directory), Some(ledger)) = (directory(&self.config), &self.ledger) else { return };
        let job_id = ledger.manifest().job_id;
        let (reply, answer) = mpsc::channel();
        self.automatic.under_way = Some(answer);
        match prepare(&directory, job_id) {
            Ok(()) => {
                let request = Request { path: directory.join(name(job_id, epoch)), stop: false, reply };
                self.savepoints.ask(request);
            }
            // The receiver is held above.
            Err(error) => drop(reply.send(Err(error))),
        }
        self.settle_automatic();
    }

    /// Looks what has become of the one that is under way.
    pub(super) fn settle_automatic(&mut self) {
        let Some(answer) = &self.automatic.under_way else { return };
        let taken = match answer.try_recv() {
            Ok(taken) => taken,
            Err(mpsc::TryRecvError::Empty) => return,
            Err(mpsc::TryRecvError::Disconnected) => {
                self.automatic.under_way = None;
                return;
            }
        };
        self.automatic.under_way = None;
        let job = &self.plan.graph.job;
        match taken {
            Ok(info) => {
                tracing::info!(%job, epoch = %info.epoch, path = %info.path.display(), bytes = info.bytes,
                    "automatic savepoint taken");
                if let Some((directory, ledger)) = directory(&self.config).zip(self.ledger.as_ref()) {
                    prune(job, &directory, ledger.manifest().job_id, self.config.keep_savepoints);
                }
                self.board.savepoints.fetch_add(1, Relaxed);
            }
            Err(error) => {
                tracing::warn!(%job, %error, "no automatic savepoint; trying again when the interval is over");
                self.board.failed_savepoints.fetch_add(1, Relaxed);
                self.board.set_failure(error.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_epoch_and_tell_whose_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let epochs = [Epoch::new(2, 999), Epoch::new(2, 1_000), Epoch::new(11, 1)];
        let own: Vec<_> = epochs.iter().map(|epoch| name(7, *epoch)).collect();
        let others = [name(8, epochs[0]), "mine.savepoint".into(), format!("{}old.savepoint", prefix(7))];
        for name in own.iter().chain(&others) {
            fs::write(folder.path().join(name), "\u{89}?").unwrap();
        }
        let found = files(folder.path(), 7, ".savepoint").unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, own.iter().rev().collect::<Vec<_>>());
        prune("job", folder.path(), 7, 1);
        assert!(
            found.iter().all(|path| path.exists()),
            "what does not begin like a savepoint is none, whatever its name"
        );
    }
}
