//! Millstream's SQL, planning included.

use crate::case::Case;
use crate::measure::Failure;
use millstream::prelude::*;
use millstream::sql::{Env, exec, plan};

/// Answers the query, exactly once and with a checkpoint each second.
pub fn run(case: &Case) -> Result<(), Failure> {
    let env = Env::default();
    let job = exec::job(&plan(&case.sql(false), &env)?, &env, Timestamp::EPOCH)?;
    job.run(config(case))?;
    Ok(())
}

/// How Millstream runs here, typed or in SQL.
pub fn config(case: &Case) -> Config {
    let state = case.output.join(".state");
    Config::default().state_dir(state).checkpoint_interval(seconds(1)).parallelism(case.parallelism).fresh(true)
}
