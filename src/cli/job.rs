//! `run` and `plan`: what needs the dataflow itself.

use super::progress::{self, Progress};
use super::{Done, json};
use crate::api::Job;
use crate::config::Config;
use crate::error::Error;
use crate::record::Epoch;
use crate::savepoint;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

/// How a job is run.
#[derive(clap::Args, Debug)]
pub(super) struct Settings {
    /// Where state and checkpoints live; without it they go with the process
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// In how many subtasks operators run [default: 1]
    #[arg(long, value_name = "N")]
    parallelism: Option<usize>,
    /// Time between checkpoints, like 500ms, 10s or 5m [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    checkpoint_interval: Option<Duration>,
    /// How many MiB of state to hold in memory [default: 512]
    #[arg(long, value_name = "MIB")]
    memory: Option<usize>,
    /// How many checkpoints the job can go back to [default: 3]
    #[arg(long, value_name = "N")]
    keep_checkpoints: Option<usize>,
    /// Throw away the state, and let sinks replace what an earlier job left
    #[arg(long)]
    fresh: bool,
    /// Go back to this kept checkpoint before anything is read; `checkpoints list` tells which there are
    #[arg(long, value_name = "EPOCH", value_parser = epoch)]
    go_back_to: Option<Epoch>,
    /// With --go-back-to: take back output that readers may have seen
    #[arg(long, requires = "go_back_to")]
    rewind_output: bool,
    /// Begin with all state of this savepoint, in a state directory that holds no job yet, or with --fresh
    #[arg(long, visible_alias = "from", value_name = "SAVEPOINT")]
    restore_from: Option<PathBuf>,
    /// What the savepoint holds of the operator with this uid may be lost; can be given several times
    #[arg(long, value_name = "UID")]
    allow_removed: Vec<String>,
    /// Time between automatic savepoints, like 10m or 1h; without it none are taken
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    savepoint_every: Option<Duration>,
    /// How many automatic savepoints to keep [default: 2]
    #[arg(long, value_name = "N")]
    keep_savepoints: Option<usize>,
    /// Where automatic savepoints go; by default to `savepoints` in the state directory
    #[arg(long, value_name = "DIR")]
    savepoint_dir: Option<PathBuf>,
}

/// Reads what `checkpoints list` prints.
pub(super) fn epoch(text: &str) -> Result<Epoch, String> {
    let parsed = text.split_once('.').and_then(|(attempt, count)| {
        let epoch = Epoch::new(attempt.parse().ok()?, count.parse().ok()?);
        (epoch.to_string() == text).then_some(epoch)
    });
    parsed.ok_or_else(|| "epochs look like 1.7".to_owned())
}

impl Settings {
    /// What the flags say, and where they say nothing what `config` does.
    fn over(self, config: Config) -> Config {
        let mut config = config.rewind_output(self.rewind_output).fresh(self.fresh);
        config.parallelism = self.parallelism.unwrap_or(config.parallelism);
        config.checkpoint_interval = self.checkpoint_interval.or(config.checkpoint_interval);
        config.memory = self.memory.map_or(config.memory, |mib| mib.saturating_mul(1 << 20));
        config.keep_checkpoints = self.keep_checkpoints.unwrap_or(config.keep_checkpoints);
        config.keep_savepoints = self.keep_savepoints.unwrap_or(config.keep_savepoints);
        config.state_dir = self.state_dir.or(config.state_dir);
        config.savepoint_every = self.savepoint_every.or(config.savepoint_every);
        config.savepoint_dir = self.savepoint_dir.or(config.savepoint_dir);
        config.go_back_to = self.go_back_to;
        config.restore_from = self.restore_from;
        config.allow_removed = self.allow_removed.into_iter().collect();
        config
    }
}

/// Run the job until its input ends, or Ctrl-C or SIGTERM stops it after a last checkpoint
#[derive(clap::Args, Debug)]
pub(super) struct Run {
    #[command(flatten)]
    settings: Settings,
}

impl Run {
    pub(super) fn of(settings: Settings) -> Self {
        Run { settings }
    }

    pub(super) fn run(self, job: &Job) -> Done {
        self.run_over(job, Config::default())
    }

    /// Runs with these settings where the flags say nothing.
    pub(super) fn run_over(self, job: &Job, config: Config) -> Done {
        let mut progress = Progress::new();
        let ended = job.run_observed(self.settings.over(config), progress::INTERVAL, |status| progress.show(status));
        progress.end();
        let status = ended?;
        eprintln!(
            "{}: {:?}, {} checkpoints, {} restarts",
            status.job, status.state, status.checkpoints, status.restarts
        );
        Ok(())
    }
}

/// Show the dataflow as it would run, without running it
///
/// With --diff, what would become of a savepoint in it: what maps, moves, migrates, is new, or would be lost. The exit code
/// is 1 if it would be refused.
///
/// Example: my-program plan --diff before-upgrade.savepoint --allow-removed old-counts
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Plan {
    #[command(flatten)]
    settings: Settings,
    /// Show what would become of this savepoint instead
    #[arg(long, value_name = "SAVEPOINT")]
    diff: Option<PathBuf>,
    /// With --diff: as JSON
    #[arg(long, requires = "diff")]
    json: bool,
}

impl Plan {
    pub(super) fn run(self, job: &Job) -> Done {
        let config = self.settings.over(Config::default());
        let mut out = io::stdout().lock();
        let Some(path) = self.diff else {
            return Ok(write!(out, "{}", job.explain(&config)?)?);
        };
        let diff = job.plan_diff(&config, &path)?;
        if self.json {
            json(&mut out, &diff)?;
        } else {
            writeln!(out, "{diff}")?;
        }
        let reasons = diff.reasons();
        if reasons.is_empty() { Ok(()) } else { Err(Error::from(savepoint::Error::Misfit { path, reasons }).into()) }
    }
}
