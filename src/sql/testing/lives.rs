//! The lives of a test, in virtual time.

use super::Failed;
use super::collect::Collecting;
use crate::config::Config;
use crate::runtime::JobState;
use crate::sql::exec::job;
use crate::sql::{Env, Program};
use crate::testing::Simulation;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// After which time, by its own clock, a program counts as one without end.
const HOUR: Duration = Duration::from_secs(3600);

/// Under which circumstances a program is run.
///
/// ```
/// assert_eq!(millstream::sql::testing::Life::Straight.to_string(), "straight through");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// To its end, without checkpoints but the last one.
    Straight,
    /// With checkpoints and crashes by chance, at another parallelism.
    Crashed,
    /// Stopped in its middle, and restored at a third parallelism.
    Restored,
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Life::Straight => "straight through",
            Life::Crashed => "with crashes, at parallelism 2",
            Life::Restored => "restored at parallelism 3",
        })
    }
}

/// What a life has left.
pub(super) struct Lived {
    /// The sorted lines of each table.
    pub(super) tables: BTreeMap<String, Vec<String>>,
    pub(super) dead_letters: u64,
}

/// Runs a program.
pub(super) fn live(life: Life, program: &Program, env: &Env) -> Result<Lived, Failed> {
    if program.sinks.len() == program.explained.len() {
        return Err(Failed::NothingWritten);
    }
    let collecting = Collecting::default();
    let connectors = env.connectors.clone().with_connector(collecting.clone());
    let job = job(&Collecting::instead_of_sinks(program), &Env { connectors, ..env.clone() }, Timestamp::EPOCH)?;
    let failed = |error: crate::Error| Failed::Run { life, message: env.outside.redacted(&error.to_string()) };
    // Which rows are late depends on how the inputs of a subtask interleave: a program that wants one answer wants one input.
    let only = program.settings.parallelism.filter(|parallelism| *parallelism == 1);
    let config = |parallelism, batch| Config::default().parallelism(only.unwrap_or(parallelism)).batch_size(batch);
    let run = || {
        let mut simulation = match life {
            Life::Straight => Simulation::start(&job, config(1, 1024), 1)?,
            Life::Crashed => {
                let mut simulation = Simulation::start(&job, config(2, 16), 2)?;
                simulation.checkpoints_one_in(40).crashes_one_in(120, 3);
                simulation
            }
            Life::Restored => {
                let mut simulation = Simulation::start(&job, config(2, 16), 3)?;
                simulation.checkpoints_one_in(25);
                simulation.step(100)?;
                simulation.crash_into(only.unwrap_or(3))?;
                simulation
            }
        };
        simulation.run_for(HOUR)
    };
    let status = run().map_err(failed)?;
    if status.state != JobState::Finished {
        return Err(Failed::Endless { life });
    }
    let dead_letters = status.operators.iter().map(|operator| operator.dead).sum();
    Ok(Lived { tables: collecting.lines(program, env)?, dead_letters })
}
