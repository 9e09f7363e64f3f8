//! The commands that begin with SQL files. Each has a file of its own.

mod check;
mod config;
mod layers;
mod listing;
mod logs;
mod plan;
mod run;
mod test;

use super::{Done, Failure};
use crate::api::Job;
use crate::sql::{self, Env, ExecError, Outside, Place, Program};
use crate::time::{Clock, SystemClock};
use layers::Layers;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

/// The commands of SQL.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Run(Box<run::Run>),
    Check(check::Check),
    Plan(plan::Plan),
    Test(test::Test),
    Connectors(listing::Connectors),
    Functions(listing::Functions),
    #[command(subcommand)]
    Config(config::Config),
}

impl Command {
    pub(super) fn run(self, env: Env) -> Done {
        match self {
            Command::Run(command) => command.run(env),
            Command::Check(command) => command.run(env),
            Command::Plan(command) => command.run(env),
            Command::Test(command) => command.run(env),
            Command::Connectors(command) => command.run(&env),
            Command::Functions(command) => command.run(&env),
            Command::Config(command) => command.run(),
        }
    }
}

/// What goes before SET in files.
#[derive(clap::Args, Debug)]
struct Given {
    /// A setting, like parallelism.default=2; goes before SET in the file, the environment and millstream.toml. Can be given
    /// several times; `config show` tells all keys
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// What files may know of their surroundings.
#[derive(clap::Args, Debug)]
struct Variables {
    /// Lets options of tables read these variables of the environment, as `${NAME}`; what they hold is never shown
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    allow_env: Vec<String>,
}

impl Variables {
    /// What the files may take from outside.
    fn outside(&self) -> Result<Outside, Failure> {
        let mut outside = Outside::default();
        for name in &self.allow_env {
            let value =
                std::env::var(name).map_err(|cause| Failure::Mistake(format!("--allow-env {name}: {cause}")))?;
            outside = outside.variable(name, value);
        }
        Ok(outside)
    }
}

impl Given {
    /// All settings of a text.
    fn layers(&self, file: &str, text: &str) -> Result<Layers, Failure> {
        let beside = (file != STDIN).then(|| Path::new(file).parent().map(PathBuf::from).unwrap_or_default());
        let sets = sql::sets(text).map_err(|error| Failure::Mistake(format!("{file}: {error}")))?;
        Layers::read(beside.as_deref(), std::env::vars(), sets, &self.set)
    }

    /// Reads and plans a file.
    fn planned(&self, file: &str, env: &Env) -> Result<Planned, Failure> {
        let text = read(file)?;
        let layers = self.layers(file, &text)?;
        let mut program = sql::plan(&text, env).map_err(|error| Failure::Mistake(format!("{file}: {error}")))?;
        program.settings = layers.settings()?;
        let stem = Path::new(file).file_stem().filter(|_| file != STDIN);
        let name = stem.map(|stem| stem.to_string_lossy().into_owned());
        program.settings.name = program.settings.name.or(name);
        Ok(Planned { file: file.to_owned(), text, program, layers })
    }
}

/// Standard input, as a file.
const STDIN: &str = "-";

fn read(file: &str) -> Result<String, Failure> {
    let read = if file == STDIN {
        if io::stdin().is_terminal() {
            eprintln!("reading SQL from the terminal; Ctrl-D ends it");
        }
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|cause| Failure::Mistake(format!("cannot read {file}: {cause}")))
}

/// A file that was planned.
struct Planned {
    file: String,
    text: String,
    program: Program,
    layers: Layers,
}

impl Planned {
    /// Its dataflow.
    fn job(&self, env: &Env) -> Result<Job, Failure> {
        sql::exec::job(&self.program, env, SystemClock::default().now()).map_err(|error| {
            let excerpt = match &error {
                ExecError::Unsupported { at, .. } => Place::new(&self.text, *at).excerpt(),
                _ => String::new(),
            };
            Failure::Mistake(env.outside.redacted(&format!("{}: {error}{excerpt}", self.file)))
        })
    }

    /// Whether there is an INSERT that is not only explained.
    fn has_inserts(&self) -> bool {
        self.program.sinks.len() > self.program.explained.len()
    }
}
