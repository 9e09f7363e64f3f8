//! The command line: of the binary `millstream`, and of every program that wants it for its own job.
//!
//! The binary looks at state directories and talks to running jobs; [`main`]. A program that defines a dataflow gets the same
//! commands, and those that need the dataflow itself, by one call; [`run`]. Each subcommand has a file of its own.
//!
//! Results go to stdout: as text for people, with `--json` as JSON for programs. All else goes to stderr. The exit code is 0 if
//! all went well, 1 if not, 2 if the command line, a setting, or an SQL file is wrong, so that nothing was done. 130 is that of a
//! process that a second Ctrl-C has ended; the first one stops a job with a last checkpoint.

mod checkpoints;
mod completions;
mod dlq;
mod job;
mod progress;
mod savepoint;
#[cfg(feature = "sql")]
mod sql;
mod state;
mod talk;
mod watch;

use crate::api::Job;
use crate::error::Error;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// What a command returns.
type Done = Result<(), Failure>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Job(#[from] Error),
    #[error("{0}")]
    Other(String),
    /// In what was asked for; nothing was done.
    #[cfg(feature = "sql")]
    #[error("{0}")]
    Mistake(String),
    #[error("cannot write the result: {0}")]
    Output(#[from] std::io::Error),
}

/// Which job is meant.
#[derive(clap::Args, Debug)]
struct Place {
    /// The job's state directory
    #[arg(long, value_name = "DIR")]
    state_dir: PathBuf,
    /// Tell the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Status(talk::Status),
    ExplainWatermark(watch::ExplainWatermark),
    Stop(talk::Stop),
    Rescale(talk::Rescale),
    #[command(subcommand)]
    Checkpoints(checkpoints::Checkpoints),
    #[command(subcommand, name = "savepoint")]
    Savepoints(savepoint::Savepoints),
    #[command(subcommand)]
    State(state::State),
    #[command(subcommand)]
    Dlq(dlq::Dlq),
}

/// Runs SQL files, looks at the state of Millstream jobs, and talks to running ones.
///
/// A job is found by its state directory. While it runs, commands go to the job itself, through a socket in that directory;
/// when it does not, they read its files.
#[derive(Debug, Parser)]
#[command(name = "millstream", version, after_help = "`millstream COMMAND --help` tells more, with examples.")]
struct Standalone {
    #[command(subcommand)]
    command: StandaloneCommand,
}

#[derive(Debug, Subcommand)]
enum StandaloneCommand {
    #[cfg(feature = "sql")]
    #[command(flatten)]
    Sql(sql::Command),
    #[command(flatten)]
    Other(Command),
    Completions(completions::Completions),
}

/// The same, for a program that defines a job.
#[derive(Debug, Parser)]
#[command(version, about = "Runs this program's job, looks at its state, and talks to it while it runs.")]
// Settings before a subcommand would be lost: each subcommand has its own.
#[command(args_conflicts_with_subcommands = true)]
struct Program {
    #[command(subcommand)]
    command: Option<ProgramCommand>,
    #[command(flatten)]
    settings: job::Settings,
}

#[derive(Debug, Subcommand)]
enum ProgramCommand {
    Run(job::Run),
    Plan(job::Plan),
    #[command(flatten)]
    Other(Command),
}

/// The binary `millstream`: reads the arguments of this process, does what they say, and returns its exit code.
pub fn main() -> ExitCode {
    #[cfg(feature = "sql")]
    let code = standalone(crate::sql::Env::default());
    #[cfg(not(feature = "sql"))]
    let code = standalone();
    code
}

/// The binary, and if it is built with SQL with connectors, formats and functions of one's own.
pub(crate) fn standalone(#[cfg(feature = "sql")] env: crate::sql::Env) -> ExitCode {
    let done = Standalone::try_parse().map(|standalone| match standalone.command {
        #[cfg(feature = "sql")]
        StandaloneCommand::Sql(command) => command.run(env),
        StandaloneCommand::Other(command) => command.run(),
        StandaloneCommand::Completions(command) => command.run::<Standalone>("millstream"),
    });
    finish("millstream", done)
}

/// The command line of a program that defines a job: without a subcommand, or with `run`, it runs the job; `--help` tells what
/// else there is.
///
/// * `job`: builds the job; called only by commands that need it.
///
/// ```no_run
/// use millstream::prelude::*;
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     millstream::cli::run(|| {
///         let job = Job::new("lines");
///         job.source(FileSource::lines(["access.log"])).map(|line| line.to_string()).sink(StdoutSink::lines());
///         job
///     })
/// }
/// ```
pub fn run(job: impl FnOnce() -> Job) -> ExitCode {
    run_with(job, std::env::args_os())
}

/// [`run`] with these arguments, the first of which is the program's name.
pub fn run_with(job: impl FnOnce() -> Job, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = Program::try_parse_from(arguments);
    let done = parsed.map(|program| match program.command {
        None => job::Run::of(program.settings).run(&job()),
        Some(ProgramCommand::Run(run)) => run.run(&job()),
        Some(ProgramCommand::Plan(plan)) => plan.run(&job()),
        Some(ProgramCommand::Other(command)) => command.run(),
    });
    finish("error", done)
}

fn finish(name: &str, done: Result<Done, clap::Error>) -> ExitCode {
    match done {
        Ok(Ok(())) => ExitCode::SUCCESS,
        // Who reads the result may have seen enough.
        Ok(Err(Failure::Output(cause))) if cause.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        #[cfg(feature = "sql")]
        Ok(Err(Failure::Mistake(message))) => {
            eprintln!("{name}: {message}");
            ExitCode::from(2)
        }
        Ok(Err(failure)) => {
            eprintln!("{name}: {failure}");
            ExitCode::FAILURE
        }
        Err(usage) => {
            // If the terminal has gone there is nobody to tell.
            let _ = usage.print();
            ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
        }
    }
}

impl Command {
    fn run(self) -> Done {
        match self {
            Command::Status(command) => command.run(),
            Command::ExplainWatermark(command) => command.run(),
            Command::Stop(command) => command.run(),
            Command::Rescale(command) => command.run(),
            Command::Checkpoints(command) => command.run(),
            Command::Savepoints(command) => command.run(),
            Command::State(command) => command.run(),
            Command::Dlq(command) => command.run(),
        }
    }
}

/// Writes rows under a header, in columns.
fn table(out: &mut impl std::io::Write, header: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let header: Vec<String> = header.iter().map(ToString::to_string).collect();
    for row in std::iter::once(&header).chain(rows) {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// Writes JSON on a line.
fn json(out: &mut impl std::io::Write, value: &impl serde::Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_lines_are_consistent() {
        Standalone::command().debug_assert();
        Program::command().debug_assert();
    }

    #[test]
    fn settings_belong_behind_the_subcommand_or_to_none() {
        let parse = |line: &str| Program::try_parse_from(line.split(' ')).map(|_| ());
        assert!(parse("program --state-dir state --parallelism 2").is_ok());
        assert!(parse("program run --state-dir state --parallelism 2").is_ok());
        let refused = parse("program --state-dir state run").unwrap_err();
        assert_eq!((refused.kind(), refused.exit_code()), (clap::error::ErrorKind::ArgumentConflict, 2));
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut out = Vec::new();
        table(&mut out, &["id", "what"], &[vec!["1.7-3".into(), "ä".into()], vec!["2".into(), "long".into()]]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "id     what\n1.7-3  ä\n2      long\n");
    }
}
