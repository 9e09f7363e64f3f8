//! `run`, `check` and `plan`: what begins with an SQL file.

use super::{Done, Failure, job};
use crate::config::Config;
use crate::sql;
use crate::time::{Clock, SystemClock};
use clap::ValueEnum;
use std::io::{self, Read, Write};

/// Run an SQL file until its input ends, or Ctrl-C or SIGTERM stops it after a last checkpoint
///
/// The INSERTs of the file run together, as one job. What flags do not say is said by SET in the file.
///
/// Examples:
///   millstream run pageviews.sql
///   millstream run pageviews.sql --state-dir state --parallelism 2
///   cat pageviews.sql | millstream run - --set parallelism.default=2
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Run {
    #[command(flatten)]
    text: Text,
    #[command(flatten)]
    settings: job::Settings,
}

/// Read and plan SQL files, and tell what is wrong with them, without running anything
///
/// Example: millstream check jobs/*.sql
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Check {
    /// SQL files; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
}

/// Show the operators that an SQL file becomes: exchanges, state, and how rows change
///
/// Examples:
///   millstream plan pageviews.sql
///   millstream plan pageviews.sql --format dot | dot -Tsvg > plan.svg
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Plan {
    #[command(flatten)]
    text: Text,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
    Dot,
    Mermaid,
}

/// Which program.
#[derive(clap::Args, Debug)]
struct Text {
    /// An SQL file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// A setting, like parallelism.default=2; goes before SET in the file. Can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

fn read(file: &str) -> Result<String, Failure> {
    let read = if file == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|cause| Failure::Other(format!("cannot read {file}: {cause}")))
}

fn planned(file: &str, env: &sql::Env) -> Result<sql::Program, Failure> {
    let text = read(file)?;
    sql::plan(&text, env).map_err(|error| Failure::Other(format!("{file}: {error}")))
}

impl Text {
    fn planned(&self, env: &sql::Env) -> Result<sql::Program, Failure> {
        let mut program = planned(&self.file, env)?;
        for setting in &self.set {
            let Some((key, value)) = setting.split_once('=') else {
                return Err(Failure::Other(format!("--set {setting}: write KEY=VALUE, like parallelism.default=2")));
            };
            program.settings.set(key, value).map_err(|error| Failure::Other(format!("--set {setting}: {error}")))?;
        }
        Ok(program)
    }
}

impl Run {
    pub(super) fn run(self, env: &sql::Env) -> Done {
        let program = self.text.planned(env)?;
        if program.sinks.len() == program.explained.len() {
            // Nothing to run: EXPLAIN alone, or no INSERT.
            if program.explained.is_empty() {
                return Err(Failure::Other(format!("{}: there is no INSERT, so nothing to run", self.text.file)));
            }
            return Ok(write!(io::stdout().lock(), "{}", program.explain())?);
        }
        let now = SystemClock::new().now();
        let job = sql::exec::job(&program, env, now)
            .map_err(|error| Failure::Other(format!("{}: {error}", self.text.file)))?;
        let mut config = Config::default();
        if let Some(parallelism) = program.settings.parallelism {
            config = config.parallelism(parallelism);
        }
        if let Some(interval) = program.settings.checkpoint_interval {
            config = config.checkpoint_interval(interval);
        }
        job::Run::of(self.settings).run_over(&job, config)
    }
}

impl Check {
    pub(super) fn run(self, env: &sql::Env) -> Done {
        let mut wrong = 0;
        for file in &self.files {
            match planned(file, env) {
                Ok(program) => {
                    let (tables, inserts) = (program.tables.len(), program.sinks.len());
                    writeln!(io::stdout().lock(), "{file}: {tables} tables, {inserts} INSERTs, nothing wrong")?;
                }
                Err(failure) => {
                    eprintln!("{failure}");
                    wrong += 1;
                }
            }
        }
        match wrong {
            0 => Ok(()),
            _ => Err(Failure::Other(format!("{wrong} of {} files cannot be run", self.files.len()))),
        }
    }
}

impl Plan {
    pub(super) fn run(self, env: &sql::Env) -> Done {
        let program = self.text.planned(env)?;
        let shown = match self.format {
            Format::Text => program.explain(),
            Format::Json => format!("{:#}\n", program.explain_json()),
            Format::Dot => program.explain_dot(),
            Format::Mermaid => program.explain_mermaid(),
        };
        Ok(io::stdout().lock().write_all(shown.as_bytes())?)
    }
}
