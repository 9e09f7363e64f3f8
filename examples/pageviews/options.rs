//! The command line.

use crate::dataflow::Dataflow;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What `--help` prints.
pub(crate) const USAGE: &str = "\
Page views, users and visits of a website from its access log, exactly once.

usage: pageviews [OPTIONS]

  --input FILE              an access log, common or combined format; plain or gzip; a pattern like 'logs/*.gz';
                            - is standard input. Several are read side by side   [the log bundled with the example]
  --output DIR              where site.csv, users.csv, visits.csv, rejected.jsonl and late.jsonl go   [pageviews-out]
  --state-dir DIR           where state and checkpoints live; started again with the same one, the job goes on
                            [.state in the output directory]
  --window DURATION         size of the tumbling windows                          [10s]
  --visit-gap DURATION      silence that ends a visit                             [30m]
  --out-of-orderness DURATION  how much older than the newest a line may be       [60s]
  --parallelism N           subtasks of each operator, 1 to 128                   [1]
  --checkpoint-interval DURATION  time between checkpoints, at least 1ms          [1s]
  --rate N                  read at most N lines per second
  --follow                  go on reading as the files grow, like tail -F
  --fresh                   forget the state and replace the output of an earlier run
  --summary FILE            write the final counts as JSON
  --help                    this text

Durations read like 10s, 30m, 1h 30m. Ctrl-C stops with a last checkpoint; once more stops at once.
Logs go to stderr; RUST_LOG=info tells more.
";

/// The log that comes with the example.
const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/access.log");

/// What the user wants.
pub(crate) enum Command {
    Run(Options),
    Help,
}

/// How to run.
pub(crate) struct Options {
    pub(crate) dataflow: Dataflow,
    state_dir: Option<PathBuf>,
    pub(crate) parallelism: usize,
    pub(crate) checkpoint_interval: Duration,
    pub(crate) fresh: bool,
    pub(crate) summary: Option<PathBuf>,
}

impl Options {
    /// Where state lives.
    pub(crate) fn state_dir(&self) -> PathBuf {
        self.state_dir.clone().unwrap_or_else(|| self.dataflow.output.join(".state"))
    }
}

/// Reads the command line.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let mut options = Options {
        dataflow: Dataflow {
            inputs: Vec::new(),
            output: PathBuf::from("pageviews-out"),
            window: Duration::from_secs(10),
            visit_gap: Duration::from_secs(30 * 60),
            out_of_orderness: Duration::from_secs(60),
            rate: None,
            follow: false,
        },
        state_dir: None,
        parallelism: 1,
        checkpoint_interval: Duration::from_secs(1),
        fresh: false,
        summary: None,
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy().into_owned();
        let (flag, inline) = match text.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag.to_owned(), Some(OsString::from(value))),
            _ => (text, None),
        };
        let switch = |inline: &Option<OsString>| match inline {
            None => Ok(true),
            Some(_) => Err(format!("{flag} takes no value")),
        };
        match flag.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--follow" => options.dataflow.follow = switch(&inline)?,
            "--fresh" => options.fresh = switch(&inline)?,
            "--input"
            | "--output"
            | "--state-dir"
            | "--summary"
            | "--window"
            | "--visit-gap"
            | "--out-of-orderness"
            | "--parallelism"
            | "--checkpoint-interval"
            | "--rate" => {
                let value = inline.or_else(|| arguments.next()).ok_or_else(|| format!("{flag} needs a value"))?;
                options.set(&flag, value)?;
            }
            _ => return Err(format!("unknown argument {flag}")),
        }
    }
    if options.dataflow.inputs.is_empty() {
        options.dataflow.inputs.push(PathBuf::from(BUNDLED));
    }
    Ok(Command::Run(options))
}

impl Options {
    fn set(&mut self, flag: &str, value: OsString) -> Result<(), String> {
        let text = value.to_string_lossy().into_owned();
        match flag {
            "--input" => self.dataflow.inputs.push(value.into()),
            "--output" => self.dataflow.output = value.into(),
            "--state-dir" => self.state_dir = Some(value.into()),
            "--summary" => self.summary = Some(value.into()),
            "--window" => self.dataflow.window = positive(flag, &text)?,
            "--visit-gap" => self.dataflow.visit_gap = positive(flag, &text)?,
            "--out-of-orderness" => self.dataflow.out_of_orderness = duration(flag, &text)?,
            "--checkpoint-interval" => self.checkpoint_interval = positive(flag, &text)?,
            "--parallelism" => {
                let number = text.parse().ok().filter(|n| (1..=128).contains(n));
                self.parallelism = number.ok_or_else(|| format!("{flag} {text}: give a number from 1 to 128"))?;
            }
            _ => {
                let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
                self.dataflow.rate = Some(rate.ok_or_else(|| format!("{flag} {text}: give a number above 0"))?);
            }
        }
        Ok(())
    }
}

fn duration(flag: &str, text: &str) -> Result<Duration, String> {
    let parsed = humantime::parse_duration(text);
    let parsed = parsed.map_err(|wrong| format!("{flag} {text}: {wrong}; give a duration like 10s or 30m"))?;
    let limit = Duration::from_secs(100 * 365 * 86_400);
    if parsed > limit { Err(format!("{flag} {text}: that is more than a hundred years")) } else { Ok(parsed) }
}

fn positive(flag: &str, text: &str) -> Result<Duration, String> {
    let parsed = duration(flag, text)?;
    if parsed.as_millis() == 0 { Err(format!("{flag} {text}: give at least 1ms")) } else { Ok(parsed) }
}
