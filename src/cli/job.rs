//! `run` and `plan`: what needs the dataflow itself.

use super::Done;
use crate::api::Job;
use crate::config::Config;
use crate::record::Epoch;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

/// How a job is run.
#[derive(clap::Args, Debug)]
pub(super) struct Settings {
    /// Where state and checkpoints live; without it they go with the process
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// In how many subtasks operators run
    #[arg(long, value_name = "N", default_value_t = 1)]
    parallelism: usize,
    /// Time between checkpoints, like 500ms, 10s or 5m
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = humantime::parse_duration)]
    checkpoint_interval: Duration,
    /// How many MiB of state to hold in memory
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    memory: usize,
    /// How many checkpoints the job can go back to
    #[arg(long, value_name = "N", default_value_t = 3)]
    keep_checkpoints: usize,
    /// Throw away the state, and let sinks replace what an earlier job left
    #[arg(long)]
    fresh: bool,
    /// Go back to this kept checkpoint before anything is read; `checkpoints list` tells which there are
    #[arg(long, value_name = "EPOCH", value_parser = epoch)]
    go_back_to: Option<Epoch>,
    /// With --go-back-to: take back output that readers may have seen
    #[arg(long, requires = "go_back_to")]
    rewind_output: bool,
}

/// Reads what `checkpoints list` prints.
fn epoch(text: &str) -> Result<Epoch, String> {
    let parsed = text.split_once('.').and_then(|(attempt, count)| {
        let epoch = Epoch::new(attempt.parse().ok()?, count.parse().ok()?);
        (epoch.to_string() == text).then_some(epoch)
    });
    parsed.ok_or_else(|| "epochs look like 1.7".to_owned())
}

impl Settings {
    fn config(self) -> Config {
        let mut config = Config::default()
            .parallelism(self.parallelism)
            .checkpoint_interval(self.checkpoint_interval)
            .memory(self.memory.saturating_mul(1 << 20))
            .keep_checkpoints(self.keep_checkpoints)
            .rewind_output(self.rewind_output)
            .fresh(self.fresh);
        config.state_dir = self.state_dir;
        config.go_back_to = self.go_back_to;
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
        let status = job.run(self.settings.config())?;
        eprintln!(
            "{}: {:?}, {} checkpoints, {} restarts",
            status.job, status.state, status.checkpoints, status.restarts
        );
        Ok(())
    }
}

/// Show the dataflow as it would run, without running it
#[derive(clap::Args, Debug)]
pub(super) struct Plan {
    #[command(flatten)]
    settings: Settings,
}

impl Plan {
    pub(super) fn run(self, job: &Job) -> Done {
        Ok(write!(io::stdout().lock(), "{}", job.explain(&self.settings.config())?)?)
    }
}
