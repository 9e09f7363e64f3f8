//! Page views, users and visits of a website from its access log, exactly once, whatever is killed on the way.
//!
//! `cargo run --release --example pageviews -- --help` tells its options. Without any it reads the log bundled in
//! `examples/data`, which `examples/generate_log.rs` has made.
//!
//! ```text
//! lines -> parse ---------------------------------------> rejected.jsonl
//!            `-> event time -> by user -> tumbling window -> users.csv
//!                                 |             `-> by window -> site.csv
//!                                 |-> session window ----------> visits.csv
//!                                 `-> what is late for either -> late.jsonl
//! ```
//! The site's numbers are made from the users' windows: each user's window is one user and so many views. So no set of
//! users is kept, and the work is spread over all subtasks.

#[path = "pageviews/dataflow.rs"]
mod dataflow;
#[path = "pageviews/options.rs"]
mod options;
#[path = "pageviews/progress.rs"]
mod progress;

use millstream::prelude::*;
use millstream::time::{Clock, SystemClock};
use mimalloc::MiMalloc;
use options::{Command, Options, USAGE};
use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The exit code for wrong usage.
const WRONG_USAGE: u8 = 2;

/// The job's settings.
fn config(options: &Options) -> Config {
    Config::default()
        .state_dir(options.state_dir())
        .parallelism(options.parallelism)
        .checkpoint_interval(options.checkpoint_interval)
        .restart(Restart::exponential(Duration::from_millis(100), Duration::from_secs(10), 20))
        .fresh(options.fresh)
}

fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("RUST_LOG");
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    let options = match options::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(options)) => options,
        Ok(Command::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("pageviews: {wrong}; --help tells all options");
            return ExitCode::from(WRONG_USAGE);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pageviews: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let clock = SystemClock::new();
    let job = options.dataflow.job();
    let status = progress::run(&job, config(options), clock)?;
    if let Some(path) = &options.summary {
        let summary = serde_json::to_string_pretty(&progress::summary(&status, clock.elapsed()))?;
        std::fs::write(path, summary + "\n").map_err(|cause| format!("cannot write {}: {cause}", path.display()))?;
    }
    progress::report(&status, options, clock.elapsed());
    Ok(())
}
