//! The binary as a function, and what a text says of its own run.

use super::dialect::{self, Statement};
use super::error::{Error, Text};
use super::position::Position;
use super::settings::Settings;
#[cfg(feature = "cli")]
use std::process::ExitCode;

/// The binary `millstream` with connectors, formats and functions of one's own: reads the arguments of this process, does what
/// they say, and returns its exit code.
///
/// ```no_run
/// use millstream::sql::Env;
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     millstream::sql::main(Env::default())
/// }
/// ```
#[cfg(feature = "cli")]
pub fn main(env: super::Env) -> ExitCode {
    crate::cli::standalone(env)
}

/// One `SET 'key' = 'value'` of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// Where the key stands.
    pub at: Position,
}

/// All `SET`s of a text, in order: a later one replaces an earlier one of the same key.
///
/// # Errors
/// The first mistake in the grammar, or the first setting that is unknown or does not fit, with its place.
///
/// ```
/// let said = millstream::sql::sets("SET 'parallelism.default' = '2'; SET 'pipeline.name' = 'hits';")?;
/// assert_eq!((said[1].key.as_str(), said[1].value.as_str()), ("pipeline.name", "hits"));
/// # Ok::<(), millstream::sql::Error>(())
/// ```
pub fn sets(text: &str) -> Result<Vec<Said>, Error> {
    let mut said = Vec::new();
    for statement in dialect::parse(text)? {
        if let Statement::Set { key, value } = statement {
            let checked = Settings::default().set(&key.value, &value.value);
            checked.map_err(|message| Text(text).meaning(key.at, message))?;
            said.push(Said { key: key.value, value: value.value, at: key.at });
        }
    }
    Ok(said)
}
