//! SQL files as tests: what each writes, in three lives, against what was expected.
//!
//! # Files
//! * `name.sql`: a program. The files that its tables read are looked for beside it, then in the working directory. They must
//!   come to an end.
//! * `name.TABLE.expected`, beside it, for each table that the program writes: its rows, a line each, sorted. Characters of the
//!   table's name that are no letters, digits, `-` or `_` are `_`.
//! * `name.TABLE.digest`, in its place, of a table with many rows: their number and a hash. Begin with an empty file, and let
//!   `update` fill it.
//! * `-- refused: part of the message` as the first line: the program must be refused with that; it has no expectations.
//! * `-- dead letters: 2` among the comments at the head: so many rows cannot be processed; else none.
//! * `-- needs: geo_country, site` there: functions, connectors and formats of a program's own. A binary that has not all of
//!   them leaves the test out, and tells so.
//!
//! Nothing is written but by `update`: all sinks are replaced by one that collects rows. A line is what the table's format
//! would write; without a format the row as `print` shows it. If the rows of a query change, its expectation is what is left of
//! them in the end: `+I[..]` for each row that was added more often than it was taken away, `-D[..]` for each that was taken
//! away more often.
//!
//! # Lives
//! Straight through; with checkpoints and crashes by chance, at parallelism 2; stopped in its middle and restored at parallelism
//! 3. All run in virtual time: the same file gives the same result always, and an hour of waiting takes no time.
//!
//! A program that says `SET 'parallelism.default' = '1'` has that in all lives. One about late rows wants it: which rows are late
//! depends on which subtask of a source has spoken first.
//!
//! ```
//! use millstream::sql::{Env, testing};
//!
//! let dir = tempfile::tempdir()?;
//! let file = dir.path().join("long.sql");
//! std::fs::write(dir.path().join("words.csv"), "mill\nstream\n")?;
//! std::fs::write(dir.path().join("long.out.expected"), "+I[stream]\n")?;
//! std::fs::write(&file, "
//!     CREATE TABLE words (word STRING) WITH ('connector' = 'filesystem', 'path' = 'words.csv', 'format' = 'csv');
//!     CREATE TABLE `out` (word STRING) WITH ('connector' = 'print');
//!     INSERT INTO `out` SELECT word FROM words WHERE CHAR_LENGTH(word) > 4")?;
//! let passed = testing::test(&file, &Env::default(), false)?;
//! assert_eq!((passed.tables, passed.rows), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod case;
mod collect;
mod difference;
mod expected;
mod failed;
mod lives;
#[cfg(test)]
mod tests;

pub use case::files;
pub use failed::Failed;
pub use lives::Life;

use super::{Env, ExecError, plan};
use case::Case;
use expected::Expectations;
use std::path::{Path, PathBuf};

/// A test that has passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Passed {
    /// How many tables it writes; 0 if it was to be refused.
    pub tables: usize,
    /// How many rows they had in the end.
    pub rows: usize,
    /// The expectations that were written anew or removed.
    pub updated: Vec<PathBuf>,
    /// What it needs and the environment has not: it was left out.
    pub missing: Option<String>,
}

/// Runs one test.
///
/// * `env`: the connectors, formats and functions of the program.
/// * `update`: write what the first life gives as the new expectation. The other lives must give the same even so.
///
/// # Errors
/// Why it has failed.
pub fn test(file: &Path, env: &Env, update: bool) -> Result<Passed, Failed> {
    let case = Case::read(file)?;
    if let Some(missing) = case.needs.iter().find(|name| !has(env, name)) {
        return Ok(Passed { missing: Some(missing.clone()), ..Passed::default() });
    }
    let mut env = env.clone();
    env.outside = env.outside.beside(case.directory());
    let refused = |message: String| match &case.refused {
        Some(wanted) if message.contains(wanted) => Ok(Passed::default()),
        Some(wanted) => Err(Failed::OtherRefusal { wanted: wanted.clone(), found: message }),
        None => Err(Failed::Refused { message }),
    };
    let program = match plan(&case.text, &env) {
        Ok(program) => program,
        Err(error) => return refused(error.to_string()),
    };
    let first = match lives::live(Life::Straight, &program, &env) {
        Err(Failed::Exec(error)) => return refused(redacted(&env, &error)),
        other => other?,
    };
    if let Some(wanted) = &case.refused {
        return Err(Failed::NotRefused { wanted: wanted.clone() });
    }
    let mut expectations = Expectations::of(&case.file);
    let mut updated = Vec::new();
    if update {
        updated = expectations.update(&first.tables)?;
    }
    let mut passed = Passed { tables: first.tables.len(), rows: 0, updated, missing: None };
    let (second, third) = (lives::live(Life::Crashed, &program, &env)?, lives::live(Life::Restored, &program, &env)?);
    for (life, lived) in [(Life::Straight, &first), (Life::Crashed, &second), (Life::Restored, &third)] {
        for (table, found) in &lived.tables {
            if let Some((path, difference)) = expectations.difference(table, found)? {
                return Err(Failed::Differs { life, table: table.clone(), path, difference });
            }
        }
        if lived.dead_letters != case.dead_letters {
            return Err(Failed::DeadLetters { life, expected: case.dead_letters, found: lived.dead_letters });
        }
    }
    passed.rows = first.tables.values().map(Vec::len).sum();
    expectations.finish(&first.tables)?;
    Ok(passed)
}

/// Whether there is a function, connector or format of this name.
fn has(env: &Env, name: &str) -> bool {
    let Env { connectors, functions, .. } = env;
    connectors.connectors().any(|connector| connector.name() == name)
        || connectors.formats().any(|format| format.name() == name)
        || functions.names().any(|function| function.eq_ignore_ascii_case(name))
}

fn redacted(env: &Env, error: &ExecError) -> String {
    env.outside.redacted(&error.to_string())
}
