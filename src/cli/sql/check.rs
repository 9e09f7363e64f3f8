//! `check`: what is wrong with SQL files, and what they would do.

use super::{Given, Planned, Variables};
use crate::cli::{Done, Failure};
use crate::sql::{Changes, Env, Op, Program, Rel, Table};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Read and plan SQL files, and tell what they would do, or what is wrong with them, without running anything
///
/// The options of all tables that are used are checked as well; nothing outside is touched, so a file that a table reads
/// need not be there. The exit code is 0 if nothing is wrong, else 2.
///
/// Example: millstream check jobs/*.sql
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Check {
    /// SQL files; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    variables: Variables,
}

impl Check {
    pub(super) fn run(self, mut env: Env) -> Done {
        env.outside = self.variables.outside()?;
        let mut wrong = 0;
        for file in &self.files {
            let checked = self.given.planned(file, &env).and_then(|planned| {
                planned.job(&env)?;
                Ok(planned)
            });
            match checked {
                Ok(planned) => io::stdout().lock().write_all(told(&planned)?.as_bytes())?,
                Err(failure) => {
                    eprintln!("{failure}");
                    wrong += 1;
                }
            }
        }
        match wrong {
            0 => Ok(()),
            1 if self.files.len() == 1 => Err(Failure::Mistake("the file cannot be run".to_owned())),
            _ => Err(Failure::Mistake(format!("{wrong} of {} files cannot be run", self.files.len()))),
        }
    }
}

/// What a file would do.
fn told(planned: &Planned) -> Result<String, Failure> {
    let (program, config) = (&planned.program, planned.layers.config()?);
    let mut told = format!("{}: nothing wrong\n", planned.file);
    let reads: BTreeSet<String> = program.rels.iter().filter_map(read).collect();
    for table in reads {
        told += &format!("  reads {table}\n");
    }
    for sink in &program.sinks {
        let rel = program.rel(*sink);
        let does = if program.explained.contains(sink) { "explains" } else { "writes" };
        if let Op::Sink { table } = &rel.op {
            told += &format!("  {does} {}: {}\n", named(table), changes(program, rel));
        }
    }
    let interval = config.checkpoint_interval.map(humantime::format_duration);
    let interval = interval.map_or_else(|| "none".to_owned(), |interval| format!("every {interval}"));
    told += &format!("  parallelism {}, checkpoints {interval}\n", config.parallelism);
    Ok(told)
}

fn read(rel: &Rel) -> Option<String> {
    match &rel.op {
        Op::Scan { table, .. } => Some(named(table)),
        _ => None,
    }
}

fn named(table: &Table) -> String {
    let connector = table.option("connector").map(|option| option.value.as_str()).unwrap_or_default();
    format!("`{}` ({connector})", table.name)
}

fn changes(program: &Program, sink: &Rel) -> &'static str {
    match sink.inputs.first().map(|input| program.rel(input.rel).changes) {
        Some(Changes::Update) => "rows change and go",
        _ => "rows are only added",
    }
}
