//! `run`: an SQL file as a job.

use super::logs::Logs;
use super::{Given, STDIN, Variables};
use crate::cli::{Done, Failure, job};
use crate::sql::Env;
use std::io::{self, Write};

/// Run an SQL file until its input ends, or Ctrl-C or SIGTERM stops it after a last checkpoint
///
/// The INSERTs of the file run together, as one job. With a state directory the job goes on where it was when it is
/// started again. Settings come from millstream.toml beside the file or in the working directory, from variables like
/// MILLSTREAM__PARALLELISM__DEFAULT, from SET in the file, from --set, and from flags; the later go before the earlier.
/// What the engine logs goes to stderr. The exit code is 0 at the end or when stopped, 1 if the job failed, 2 if the
/// file, a setting or a flag is wrong.
///
/// Examples:
///   millstream run pageviews.sql
///   millstream run pageviews.sql --state-dir state --parallelism 2
///   millstream run pageviews.sql --state-dir new-state --from before-upgrade.savepoint
///   DB_FILE=/srv/orders.csv millstream run orders.sql --allow-env DB_FILE
///   cat pageviews.sql | millstream run - --set parallelism.default=2
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Run {
    /// An SQL file; `-` is standard input
    #[arg(value_name = "FILE", default_value = STDIN)]
    file: String,
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    variables: Variables,
    #[command(flatten)]
    settings: job::Settings,
    #[command(flatten)]
    logs: Logs,
}

impl Run {
    pub(super) fn run(self, mut env: Env) -> Done {
        env.outside = self.variables.outside()?;
        let planned = self.given.planned(&self.file, &env)?;
        if !planned.has_inserts() {
            // EXPLAIN alone, or nothing at all.
            if planned.program.explained.is_empty() {
                return Err(Failure::Mistake(format!("{}: there is no INSERT, so nothing to run", self.file)));
            }
            return Ok(write!(io::stdout().lock(), "{}", planned.program.explain())?);
        }
        let job = planned.job(&env)?;
        self.logs.begin(&env.outside);
        let done = job::Run::of(self.settings).run_over(&job, planned.layers.config()?);
        done.map_err(|failure| Failure::Other(env.outside.redacted(&failure.to_string())))
    }
}
