//! Settings from many places, the later before the earlier:
//!
//! 1. the defaults;
//! 2. `millstream.toml`, beside the SQL file, else in the working directory: keys as in `SET`, so both
//!    `parallelism.default = 2` and `[parallelism]` with `default = 2`;
//! 3. the environment: `MILLSTREAM__PARALLELISM__DEFAULT=2`; `__` stands for a point, `_` for a hyphen;
//! 4. `SET` in the SQL file;
//! 5. `--set parallelism.default=2`, and the flags that have names of their own.
//!
//! A key that is not known is refused wherever it stands, with the nearest one that is.

use crate::cli::Failure;
use crate::config::Config;
use crate::sql::{self, Position, Settings};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// What keys begin with in the environment.
const PREFIX: &str = "MILLSTREAM__";

/// The settings of the job rather than of its text: the key, what it is, and its default. `SET` does not know them.
const OF_JOB: &[(&str, &str, &str)] = &[
    (
        "execution.checkpointing.dir",
        "where state and checkpoints live (--state-dir)",
        "none: state goes with the process",
    ),
    ("execution.checkpointing.num-retained", "how many checkpoints the job can go back to (--keep-checkpoints)", "3"),
    (
        "execution.checkpointing.savepoint-dir",
        "where automatic savepoints go (--savepoint-dir)",
        "in the state directory",
    ),
    ("millstream.savepoint.interval", "time between automatic savepoints (--savepoint-every)", "none are taken"),
    ("millstream.savepoint.num-retained", "how many automatic savepoints to keep (--keep-savepoints)", "2"),
    ("taskmanager.memory.managed.size", "how many MiB of state to hold in memory (--memory)", "512"),
];

/// Where a value was said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    File(PathBuf),
    Environment(String),
    Text(Position),
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::Text(at) => write!(f, "SET, {at}"),
            Origin::Flag => f.write_str("--set"),
        }
    }
}

/// One key as `config show` tells it.
#[derive(Debug, serde::Serialize)]
pub(super) struct Shown {
    pub(super) key: &'static str,
    pub(super) value: String,
    pub(super) from: String,
    pub(super) about: &'static str,
}

/// What all places say.
#[derive(Debug, Default)]
pub(super) struct Layers {
    said: BTreeMap<String, (String, Origin)>,
}

impl Layers {
    /// Reads all places.
    ///
    /// * `beside`: the directory of the SQL file; `None`: the text does not come from a file.
    /// * `environment`: all variables.
    /// * `sets`: what `SET` says.
    /// * `flags`: what `--set` says.
    pub(super) fn read(
        beside: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        sets: Vec<sql::Said>,
        flags: &[String],
    ) -> Result<Layers, Failure> {
        let mut layers = Layers::default();
        let places = beside.into_iter().chain([Path::new("")]).map(|directory| directory.join("millstream.toml"));
        if let Some(path) = places.into_iter().find(|path| path.exists()) {
            let wrong = |cause: &dyn fmt::Display| Failure::Mistake(format!("{}: {cause}", path.display()));
            let text = std::fs::read_to_string(&path).map_err(|cause| wrong(&cause))?;
            let table: toml::Table =
                text.parse().map_err(|cause: toml::de::Error| wrong(&cause.to_string().trim_end()))?;
            let mut flat = Vec::new();
            flatten("", table, &mut flat).map_err(|cause| wrong(&cause))?;
            for (key, value) in flat {
                layers.say(key, value, Origin::File(path.clone()))?;
            }
        }
        let mut variables: Vec<_> = environment.filter(|(name, _)| name.starts_with(PREFIX)).collect();
        variables.sort();
        for (name, value) in variables {
            let key = name[PREFIX.len()..].to_lowercase().replace("__", ".").replace('_', "-");
            layers.say(key, value, Origin::Environment(name))?;
        }
        for said in sets {
            layers.say(said.key, said.value, Origin::Text(said.at))?;
        }
        for flag in flags {
            let Some((key, value)) = flag.split_once('=') else {
                return Err(Failure::Mistake(format!("--set {flag}: write KEY=VALUE, like parallelism.default=2")));
            };
            layers.say(key.trim().to_owned(), value.trim().to_owned(), Origin::Flag)?;
        }
        Ok(layers)
    }

    fn say(&mut self, key: String, value: String, origin: Origin) -> Result<(), Failure> {
        let checked = match of_job(&mut Config::default(), &key, &value) {
            Some(checked) => checked,
            None => Settings::default().set(&key, &value).map_err(|message| nearest(&key, message)),
        };
        checked.map_err(|message| Failure::Mistake(format!("{origin}: {message}")))?;
        self.said.insert(key, (value, origin));
        Ok(())
    }

    /// What the planned text runs with.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = Settings::default();
        for (key, (value, origin)) in &self.said {
            if of_job(&mut Config::default(), key, value).is_none() {
                settings.set(key, value).map_err(|message| Failure::Mistake(format!("{origin}: {message}")))?;
            }
        }
        Ok(settings)
    }

    /// What the job runs with, flags of their own apart.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let mut config = Config::default();
        for (key, (value, origin)) in &self.said {
            if let Some(applied) = of_job(&mut config, key, value) {
                applied.map_err(|message| Failure::Mistake(format!("{origin}: {message}")))?;
            }
        }
        let settings = self.settings()?;
        config.parallelism = settings.parallelism.unwrap_or(config.parallelism);
        config.checkpoint_interval = settings.checkpoint_interval.or(config.checkpoint_interval);
        Ok(config)
    }

    /// All keys, with what holds for them.
    pub(super) fn shown(&self) -> Vec<Shown> {
        let of_text = sql::KEYS.iter().map(|(key, about)| (*key, *about, default(key)));
        let mut keys: Vec<_> = of_text.chain(OF_JOB.iter().copied()).collect();
        keys.sort_unstable();
        let show = |(key, about, default): (&'static str, _, &str)| {
            let (value, from) = match self.said.get(key) {
                Some((value, origin)) => (value.clone(), origin.to_string()),
                None => (default.to_owned(), "default".to_owned()),
            };
            Shown { key, value, from, about }
        };
        keys.into_iter().map(show).collect()
    }
}

/// What holds for a key of the text that nobody says.
fn default(key: &str) -> &'static str {
    match key {
        "execution.checkpointing.interval" => "1 s",
        "parallelism.default" => "1",
        "pipeline.name" => "as the file",
        "table.exec.source.idle-timeout" | "table.exec.state.ttl" => "0 ms",
        "table.local-time-zone" => "UTC",
        _ => "as Flink's",
    }
}

/// The same refusal, with the keys of the job among those that are known.
fn nearest(key: &str, message: String) -> String {
    if !message.starts_with("no setting is called") {
        return message;
    }
    sql::unknown("setting", key, sql::KEYS.iter().map(|known| known.0).chain(OF_JOB.iter().map(|known| known.0)))
}

/// Says a setting of the job; `None` if there is none of this key.
fn of_job(config: &mut Config, key: &str, value: &str) -> Option<Result<(), String>> {
    let number = || {
        let number = value.parse().ok().filter(|number| *number >= 1);
        number.ok_or_else(|| format!("`{key}` is a number from 1, not '{value}'"))
    };
    let duration = || {
        let read = humantime::parse_duration(value).ok().filter(|duration| duration.as_millis() > 0);
        read.ok_or_else(|| format!("`{key}` is a duration like '10 min', not '{value}'"))
    };
    Some(match key {
        "execution.checkpointing.dir" => {
            config.state_dir = Some(PathBuf::from(value));
            Ok(())
        }
        "execution.checkpointing.num-retained" => number().map(|kept| config.keep_checkpoints = kept),
        "execution.checkpointing.savepoint-dir" => {
            config.savepoint_dir = Some(PathBuf::from(value));
            Ok(())
        }
        "millstream.savepoint.interval" => duration().map(|interval| config.savepoint_every = Some(interval)),
        "millstream.savepoint.num-retained" => number().map(|kept| config.keep_savepoints = kept),
        "taskmanager.memory.managed.size" => number().map(|mib: usize| config.memory = mib.saturating_mul(1 << 20)),
        _ => return None,
    })
}

/// The leaves of a table, under their keys with points.
fn flatten(prefix: &str, table: toml::Table, leaves: &mut Vec<(String, String)>) -> Result<(), String> {
    for (key, value) in table {
        let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
        let text = match value {
            toml::Value::Table(table) => {
                flatten(&key, table, leaves)?;
                continue;
            }
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(truth) => truth.to_string(),
            other => return Err(format!("`{key}` is a {}; write a text or a number", other.type_str())),
        };
        leaves.push((key, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Reads a file, variables, and flags.
    fn read(file: &str, environment: &[(&str, &str)], text: &str, flags: &[&str]) -> Result<Layers, String> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("millstream.toml"), file).unwrap();
        let environment = environment.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
        let layers = Layers::read(Some(directory.path()), environment, sql::sets(text).unwrap(), &flags);
        layers.map_err(|failure| failure.to_string().replace(&directory.path().display().to_string(), "DIR"))
    }

    fn parallelism(layers: Layers) -> usize {
        layers.config().unwrap().parallelism
    }

    #[test]
    fn a_later_place_goes_before_an_earlier_one() {
        let (file, set) = ("parallelism.default = 2", "SET 'parallelism.default' = '4'");
        let environment = [("MILLSTREAM__PARALLELISM__DEFAULT", "3")];
        assert_eq!(parallelism(read("", &[], "", &[]).unwrap()), 1);
        assert_eq!(parallelism(read(file, &[], "", &[]).unwrap()), 2);
        assert_eq!(parallelism(read(file, &environment, "", &[]).unwrap()), 3);
        assert_eq!(parallelism(read(file, &environment, set, &[]).unwrap()), 4);
        assert_eq!(parallelism(read(file, &environment, set, &["parallelism.default=5"]).unwrap()), 5);
    }

    #[test]
    fn keys_stand_flat_or_in_tables_and_hyphens_are_underscores_in_the_environment() {
        let file =
            "[execution.checkpointing]\ninterval = \"5 s\"\n\"num-retained\" = 7\n[table]\nexec.state.ttl = \"1 h\"";
        let environment = [("MILLSTREAM__EXECUTION__CHECKPOINTING__SAVEPOINT_DIR", "kept"), ("MILLSTREAM_OTHER", "x")];
        let layers = read(file, &environment, "", &["taskmanager.memory.managed.size=64"]).unwrap();
        let config = layers.config().unwrap();
        assert_eq!(config.checkpoint_interval, Some(Duration::from_secs(5)));
        assert_eq!((config.keep_checkpoints, config.memory), (7, 64 << 20));
        assert_eq!(config.savepoint_dir, Some(PathBuf::from("kept")));
        assert_eq!(layers.settings().unwrap().state_ttl, Some(Duration::from_secs(3600)));
        let shown = layers.shown();
        let from = |key: &str| shown.iter().find(|shown| shown.key == key).unwrap().from.clone();
        assert_eq!(from("parallelism.default"), "default");
        assert_eq!(from("taskmanager.memory.managed.size"), "--set");
        assert_eq!(shown.len(), sql::KEYS.len() + OF_JOB.len());
    }

    #[test]
    fn a_key_that_is_unknown_or_does_not_fit_is_refused_with_its_place() {
        for (file, environment, flag, message) in [
            (
                "paralelism.default = 2",
                None,
                None,
                "DIR/millstream.toml: no setting is called `paralelism.default`; did you mean `parallelism.default`?",
            ),
            (
                "parallelism.default = 0",
                None,
                None,
                "DIR/millstream.toml: `parallelism.default` is a number from 1, not '0'",
            ),
            (
                "parallelism.default = [1]",
                None,
                None,
                "DIR/millstream.toml: `parallelism.default` is a array; write a text or a number",
            ),
            (
                "",
                Some("MILLSTREAM__EXECUTION__CHECKPOINTING__DIRS"),
                None,
                "environment MILLSTREAM__EXECUTION__CHECKPOINTING__DIRS: no setting is called `execution.checkpointing.dirs`; did you mean `execution.checkpointing.dir`?",
            ),
            ("", None, Some("x"), "--set x: write KEY=VALUE, like parallelism.default=2"),
            (
                "",
                None,
                Some("millstream.savepoint.interval=soon"),
                "--set: `millstream.savepoint.interval` is a duration like '10 min', not 'soon'",
            ),
        ] {
            let environment: Vec<_> = environment.into_iter().map(|name| (name, "x")).collect();
            let refused = read(file, &environment, "", &flag.into_iter().collect::<Vec<_>>()).unwrap_err();
            assert_eq!(refused, message);
        }
        assert!(read("a = ", &[], "", &[]).unwrap_err().contains("line 1"));
    }
}
