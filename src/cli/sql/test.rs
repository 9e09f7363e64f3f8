//! `test`: SQL files as tests.

use super::Variables;
use crate::cli::{Done, Failure};
use crate::sql::Env;
use crate::sql::testing::{self, Failed, Passed};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Run SQL files as tests: each in three lives, against the rows that were expected
///
/// The lives: straight through; with checkpoints and crashes, at parallelism 2; stopped in its middle and restored at
/// parallelism 3. All in virtual time, so that a result does not depend on the machine. Sinks are replaced: nothing is
/// written but by --update. The files that tables read are looked for beside the SQL file, then in the working directory.
///
/// Beside `name.sql`, for each table T that it writes, `name.T.expected` has the rows that are expected, sorted: as the
/// table's format writes them, without a format as `print` does. Where rows change, those that are left in the end, as
/// `print` shows them. Of a table with many rows `name.T.digest` has the number and a hash instead: make an empty file, and
/// let --update fill it.
///
/// Comments at the head of a file:
///   -- refused: part of the message     in the first line: the file must be refused with it
///   -- dead letters: 2                  so many rows cannot be processed; without it none
///   -- needs: geo_country               functions, connectors and formats of one's own; a binary without them leaves it out
///
/// The exit code is 0 if all pass, else 1.
///
/// Examples:
///   millstream test jobs
///   millstream test jobs/pageviews.sql --update
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Test {
    /// SQL files, or directories of them
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Write what the files give as what is expected
    #[arg(long)]
    update: bool,
    #[command(flatten)]
    variables: Variables,
}

impl Test {
    pub(super) fn run(self, mut env: Env) -> Done {
        env.outside = self.variables.outside()?;
        let mut files = Vec::new();
        for path in &self.paths {
            files.extend(testing::files(path).map_err(|failed| Failure::Mistake(failed.to_string()))?);
        }
        let mut out = io::stdout().lock();
        writeln!(out, "running {} {}", files.len(), if files.len() == 1 { "test" } else { "tests" })?;
        let mut failures: Vec<(&Path, Failed)> = Vec::new();
        let mut left_out = 0;
        for file in &files {
            write!(out, "test {} ... ", file.display())?;
            out.flush()?;
            match testing::test(file, &env, self.update) {
                Ok(Passed { missing: Some(name), .. }) => {
                    left_out += 1;
                    writeln!(out, "left out: this binary has no `{name}`")?;
                }
                Ok(passed) => writeln!(out, "ok{}", told(&passed))?,
                Err(failed) => {
                    writeln!(out, "FAILED")?;
                    failures.push((file, failed));
                }
            }
        }
        if !failures.is_empty() {
            writeln!(out, "\nfailures:")?;
        }
        for (file, failed) in &failures {
            writeln!(out, "\n---- {} ----\n{failed}", file.display())?;
        }
        let (passed, failed) = (files.len() - failures.len() - left_out, failures.len());
        let result = if failed == 0 { "ok" } else { "FAILED" };
        let others = if left_out == 0 { String::new() } else { format!("; {left_out} left out") };
        writeln!(out, "\ntest result: {result}. {passed} passed; {failed} failed{others}")?;
        if failed == 0 { Ok(()) } else { Err(Failure::Other(format!("{failed} of {} tests failed", files.len()))) }
    }
}

fn told(passed: &Passed) -> String {
    match passed.updated.len() {
        0 => String::new(),
        count => format!(" ({count} expectations updated)"),
    }
}
