//! What `SET 'key' = 'value'` can say: Flink's keys, typed; unknown ones are refused with the nearest known one.

use std::time::Duration;

/// The settings of one program. What is `None` was not set: the command line, the environment, or the default decides.
///
/// ```
/// let mut settings = millstream::sql::Settings::default();
/// settings.set("parallelism.default", "4")?;
/// assert_eq!(settings.parallelism, Some(4));
/// let refused = settings.set("paralelism.default", "4").unwrap_err();
/// assert_eq!(refused, "no setting is called `paralelism.default`; did you mean `parallelism.default`?");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// `pipeline.name`: the name of the job.
    pub name: Option<String>,
    /// `parallelism.default`: subtasks per operator, at least 1.
    pub parallelism: Option<usize>,
    /// `execution.checkpointing.interval`: the time between two checkpoints, above zero.
    pub checkpoint_interval: Option<Duration>,
    /// `table.exec.state.ttl`: how long unwindowed state is kept after it was last written; zero: for ever.
    pub state_ttl: Option<Duration>,
    /// `table.exec.source.idle-timeout`: after what silence a source no longer holds event time back; zero: never.
    pub idle_timeout: Option<Duration>,
    /// `table.exec.sink.not-null-enforcer`: what becomes of a row with NULL in a column that is NOT NULL.
    pub not_null: NotNull,
}

/// What becomes of a row with NULL in a NOT NULL column of the table it goes into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NotNull {
    /// `error`: it is a dead letter. In Flink it fails the job.
    #[default]
    Error,
    /// `drop`: it is left out.
    Drop,
}

/// The key of each setting and what it is.
pub const KEYS: &[(&str, &str)] = &[
    ("execution.checkpointing.interval", "the time between two checkpoints, like '10 s'"),
    ("parallelism.default", "subtasks per operator, like '2'"),
    ("pipeline.name", "the name of the job; else that of the file"),
    ("table.exec.sink.not-null-enforcer", "what becomes of a row with NULL in a NOT NULL column: 'error' or 'drop'"),
    ("table.exec.source.idle-timeout", "after what silence a source holds event time back no longer, like '30 s'"),
    ("table.exec.state.ttl", "how long unwindowed state is kept after it was last written, like '1 h'"),
    ("table.local-time-zone", "the zone of TIMESTAMP_LTZ; only 'UTC'"),
];

/// What Flink's programs say and ours do not: the beginnings of keys, and what to do instead.
const ELSEWHERE: &[(&str, &str)] = &[
    ("execution.checkpointing.dir", "give --state-dir, or say it in millstream.toml"),
    ("state.checkpoints.dir", "give --state-dir"),
    ("state.checkpoint-storage", "give --state-dir"),
    ("state.savepoints.dir", "give --savepoint-dir"),
    ("execution.checkpointing.savepoint-dir", "give --savepoint-dir, or say it in millstream.toml"),
    ("execution.checkpointing.num-retained", "give --keep-checkpoints, or say it in millstream.toml"),
    ("state.checkpoints.num-retained", "give --keep-checkpoints"),
    ("execution.savepoint.path", "give --from"),
    ("execution.state-recovery.path", "give --from"),
    ("taskmanager.memory", "give --memory"),
    ("state.backend", "leave it out: there is one backend, and each checkpoint writes what has changed"),
    ("execution.checkpointing.incremental", "leave it out: each checkpoint writes what has changed"),
    ("execution.checkpointing.mode", "leave it out: it is always exactly once"),
    ("execution.runtime-mode", "leave it out: a query over files is a stream that ends"),
    ("table.exec.mini-batch", "leave it out: the rows of a batch are always worked on together"),
    ("sql-client", "leave it out: a SELECT prints its rows"),
    ("restart-strategy", "leave it out: a job restarts by itself, unless its program is wrong"),
];

impl Settings {
    /// Takes one setting; a later one replaces an earlier one, as in Flink. Durations are a number and a unit
    /// (`ms`, `s`, `min`, `h`, `d`); a bare number is milliseconds, as in Flink.
    ///
    /// # Errors
    /// An unknown key, with the nearest known one, or a value that does not fit, with one that does.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "pipeline.name" => self.name = Some(value.to_owned()),
            "parallelism.default" => {
                let number = value.parse().ok().filter(|n| *n >= 1);
                self.parallelism = Some(number.ok_or_else(|| format!("`{key}` is a number from 1, not '{value}'"))?);
            }
            "execution.checkpointing.interval" => {
                let interval = duration(key, value)?;
                if interval.is_zero() {
                    return Err(format!("`{key}` is above zero; to run without checkpoints give no state directory"));
                }
                self.checkpoint_interval = Some(interval);
            }
            "table.exec.state.ttl" => self.state_ttl = Some(duration(key, value)?),
            "table.exec.source.idle-timeout" => self.idle_timeout = Some(duration(key, value)?),
            "table.exec.sink.not-null-enforcer" => {
                self.not_null = match value.to_lowercase().as_str() {
                    "error" => NotNull::Error,
                    "drop" => NotNull::Drop,
                    _ => return Err(format!("`{key}` is 'error' (a dead letter) or 'drop', not '{value}'")),
                };
            }
            "table.local-time-zone" if value.eq_ignore_ascii_case("UTC") => {}
            "table.local-time-zone" => {
                return Err(format!(
                    "`{key}` can only be 'UTC', not '{value}'; convert in the query where text is made"
                ));
            }
            _ => {
                let is_of = |beginning: &str| {
                    key.strip_prefix(beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                };
                if let Some((_, instead)) = ELSEWHERE.iter().find(|(beginning, _)| is_of(beginning)) {
                    return Err(format!("`{key}` is no setting of a program; {instead}"));
                }
                return Err(unknown("setting", key, KEYS.iter().map(|(name, _)| *name)));
            }
        }
        Ok(())
    }
}

pub(super) fn duration(key: &str, value: &str) -> Result<Duration, String> {
    let text = value.trim();
    if let Ok(ms) = text.parse() {
        return Ok(Duration::from_millis(ms));
    }
    humantime::parse_duration(text).map_err(|_| format!("`{key}` is a duration like '10 s' or '5 min', not '{value}'"))
}

/// The message that no `thing` has this name, with the nearest of `known`.
pub(crate) fn unknown<'a>(thing: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.collect();
    let near = known.iter().map(|candidate| (distance(name, candidate), *candidate)).min();
    match near {
        Some((steps, nearest)) if steps <= 2 + nearest.len() / 4 => {
            format!("no {thing} is called `{name}`; did you mean `{nearest}`?")
        }
        _ if known.is_empty() => format!("no {thing} is called `{name}`; there is none"),
        _ => format!("no {thing} is called `{name}`; there are {}", known.join(", ")),
    }
}

/// Levenshtein's distance in characters, letters' case apart.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, c) in from.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, d) in to.iter().enumerate() {
            let changed = diagonal + usize::from(c != *d);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_flink_writes_them() {
        let mut settings = Settings::default();
        for (text, ms) in [("10 s", 10_000), ("10s", 10_000), ("5 min", 300_000), ("250", 250), ("1 h", 3_600_000)] {
            settings.set("execution.checkpointing.interval", text).unwrap();
            assert_eq!(settings.checkpoint_interval, Some(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn settings_that_flink_has_are_refused_with_what_to_do_instead() {
        for (key, hint) in [
            ("state.checkpoints.dir", "give --state-dir"),
            ("execution.checkpointing.dir", "give --state-dir"),
            ("state.backend.type", "leave it out"),
            ("taskmanager.memory.process.size", "give --memory"),
        ] {
            let refused = Settings::default().set(key, "x").unwrap_err();
            assert!(refused.starts_with(&format!("`{key}` is no setting")) && refused.contains(hint), "{refused}");
        }
    }

    #[test]
    fn every_listed_key_is_known() {
        for (key, _) in KEYS {
            let result = Settings::default().set(key, "7");
            assert!(result.is_ok() || !result.unwrap_err().starts_with("no setting"), "{key}");
        }
    }
}
