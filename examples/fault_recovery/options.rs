//! The command line.

use super::access_log::Random;
use super::dataflow::OPERATORS;
use super::faults::PanicAt;
use std::path::PathBuf;
use std::time::Duration;

/// What `--help` prints.
pub(crate) const USAGE: &str = "\
Page views with faults, and the proof that nothing comes of them: their rows are those of a run without faults.

usage: fault_recovery [OPTIONS]

  --panic-at OPERATOR:N  the operator (parse, users, site, visits) panics at the N-th record that it takes in, counted from
                         the start of the process; as often as you like
  --poison N             on N records the operator `users` always panics; it may leave them out (its policy: dead_letter)
  --kill-after DURATION  the process is killed (SIGKILL) after so long, and started again
  --seed N               chooses the poison, and everything if no fault is given        [1]
  --lines N              a generated log of so many lines         [the log bundled with the examples]
  --rate N               reads so many lines per second           [4000]
  --parallelism N        subtasks of each operator, 1 to 128      [2]
  --output DIR           where the rows and the state go; those of an earlier run are replaced   [fault-recovery-out]
  --help                 this text

Exit code: 0 if the rows are the same, 1 if they differ or the job has failed, 2 for wrong usage.
";

/// How to run.
pub(crate) struct Options {
    pub(crate) panics: Vec<PanicAt>,
    pub(crate) poison: usize,
    pub(crate) kill_after: Option<Duration>,
    pub(crate) seed: u64,
    pub(crate) lines: Option<usize>,
    pub(crate) rate: f64,
    pub(crate) parallelism: usize,
    pub(crate) output: PathBuf,
    /// This is the process to be killed, and the timeline began then, in milliseconds since the Unix epoch.
    pub(crate) victim_since: Option<i64>,
}

/// Reads the command line. `None`: help is wanted.
pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options {
        panics: Vec::new(),
        poison: 0,
        kill_after: None,
        seed: 1,
        lines: None,
        rate: 4_000.0,
        parallelism: 2,
        output: PathBuf::from("fault-recovery-out"),
        victim_since: None,
    };
    let mut arguments = arguments.into_iter();
    while let Some(flag) = arguments.next() {
        if flag == "--help" {
            return Ok(None);
        }
        let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
        let wrong = |wanted: &str| format!("{flag} {value}: give {wanted}");
        let whole = || value.parse::<u64>().map_err(|_| wrong("a whole number"));
        match flag.as_str() {
            "--panic-at" => {
                let parsed = value.split_once(':').filter(|(operator, _)| OPERATORS.contains(operator));
                let parsed = parsed.and_then(|(operator, record)| Some((operator, record.parse().ok()?)));
                let (operator, record) =
                    parsed.ok_or_else(|| wrong("one of parse, users, site, visits, and a number, like users:5000"))?;
                options.panics.push(PanicAt { operator: operator.to_owned(), record });
            }
            "--poison" => options.poison = whole()? as usize,
            "--kill-after" => {
                let parsed = humantime::parse_duration(&value).map_err(|_| wrong("a duration like 2s or 800ms"))?;
                options.kill_after = Some(parsed);
            }
            "--seed" => options.seed = whole()?,
            "--lines" => options.lines = Some(whole()? as usize),
            "--rate" => {
                let rate = value.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
                options.rate = rate.ok_or_else(|| wrong("a number above 0"))?;
            }
            "--parallelism" => {
                let number = value.parse().ok().filter(|n| (1..=128).contains(n));
                options.parallelism = number.ok_or_else(|| wrong("a number from 1 to 128"))?;
            }
            "--output" => options.output = PathBuf::from(value),
            "--victim-since" => options.victim_since = Some(whole()? as i64),
            _ => return Err(format!("unknown argument {flag}")),
        }
    }
    Ok(Some(options))
}

impl Options {
    /// Chooses faults if none were given: a panic that takes the whole job back and one that takes one subtask, two poison
    /// records, and a kill.
    pub(crate) fn draw(&mut self, lines: usize) {
        if self.panics.is_empty() && self.poison == 0 && self.kill_after.is_none() {
            let mut random = Random(self.seed);
            let tenth = lines as u64 / 10 + 1;
            let mut panic = |operator: &str, from: u64| {
                let record = from + 1 + random.below(tenth);
                PanicAt { operator: operator.to_owned(), record }
            };
            self.panics = vec![panic("parse", tenth), panic("users", 2 * tenth), panic("visits", 0)];
            self.poison = 2;
            let whole = lines as f64 / self.rate;
            self.kill_after = Some(Duration::from_secs_f64(whole * (4 + random.below(4)) as f64 / 10.0));
        }
    }
}
