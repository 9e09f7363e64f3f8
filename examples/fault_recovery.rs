//! Page views while things break, for someone who must be convinced: operators panic, records are poison, the process is
//! killed; and in the end every row is compared with those of a run in which nothing happened.
//!
//! ```text
//! cargo run --release --example fault_recovery
//! cargo run --release --example fault_recovery -- --panic-at users:5000 --poison 3 --kill-after 2s
//! cargo run -- dlq list --state-dir fault-recovery-out/actual/state     # the dead letters, afterwards
//! ```

#[path = "support/access_log.rs"]
mod access_log;
#[path = "fault_recovery/dataflow.rs"]
mod dataflow;
#[path = "fault_recovery/faults.rs"]
mod faults;
#[path = "fault_recovery/options.rs"]
mod options;
#[path = "fault_recovery/timeline.rs"]
mod timeline;

use access_log::Random;
use faults::Faults;
use millstream::DeadLetters;
use millstream::formats::LogEntry;
use millstream::prelude::*;
use millstream::record::Remains;
use millstream::time::{Clock, SystemClock};
use options::{Options, USAGE};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;
use timeline::Timeline;

type Error = Box<dyn std::error::Error>;

/// The log that comes with the examples.
const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/access.log");
/// How often the job is looked at.
const LOOK: Duration = Duration::from_millis(5);

fn main() -> ExitCode {
    let options = match options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("fault_recovery: {wrong}; --help tells all options");
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fault_recovery: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs with faults and without. Says whether the rows are the same.
fn run(mut options: Options) -> Result<bool, Error> {
    let (actual, expected) = (options.output.join("actual"), options.output.join("expected"));
    let log = log(&options)?;
    let requests = requests(&fs::read(&log)?);
    options.draw(requests.len());
    let poison = draw_poison(&requests, options.poison, options.seed);
    let done = options.output.join("panics");
    let faults = Arc::new(Faults { panics: options.panics.clone(), poison, done });
    let mut timeline = Timeline::since(options.victim_since);
    if options.victim_since.is_some() {
        live(&options, &log, &actual, &faults, true, &mut timeline)?;
        return Ok(true);
    }

    println!("a run without faults, and without the {} poison records, for comparison", faults.poison.len());
    let peaceful = Arc::new(Faults { panics: Vec::new(), ..(*faults).clone() });
    dataflow::job(&log, None, &expected, &peaceful, true).run(config(&options, &expected).fresh(true))?;

    match fs::remove_dir_all(&faults.done) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&faults.done)?,
    }
    println!("and one with faults:");
    timeline = Timeline::since(None);
    if let Some(after) = options.kill_after {
        kill_after(after, &timeline)?;
    }
    let status = live(&options, &log, &actual, &faults, options.kill_after.is_none(), &mut timeline)?;
    timeline.tell(&format!("finished: {} checkpoints, {} restarts of the job", status.checkpoints, status.restarts));
    let same = judge_letters(&actual.join("state"), &faults.poison)? & judge(&actual, &expected)?;
    let but = if faults.poison.is_empty() { "" } else { ", but for the poison records, which are dead letters" };
    match same {
        true => println!("THE SAME: every row is as in the run without faults{but}"),
        false => println!("DIFFERENT: the rows are not those of the run without faults{but}"),
    }
    Ok(same)
}

fn config(options: &Options, output: &Path) -> Config {
    Config::default()
        .state_dir(output.join("state"))
        .parallelism(options.parallelism)
        .batch_size(64)
        .checkpoint_interval(millis(100))
        .restart(Restart::fixed_delay(millis(20), 1_000))
}

/// One life of the process.
fn live(
    options: &Options,
    log: &Path,
    output: &Path,
    faults: &Arc<Faults>,
    fresh: bool,
    timeline: &mut Timeline,
) -> Result<JobStatus, Error> {
    let job = dataflow::job(log, Some(options.rate), output, faults, false);
    timeline.job_begins();
    Ok(job.run_observed(config(options, output).fresh(fresh), LOOK, |status| timeline.look(status))?)
}

/// Starts this program once more, to do the same, and kills it.
fn kill_after(after: Duration, timeline: &Timeline) -> Result<(), Error> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).arg("--victim-since").arg(timeline.since.to_string());
    let mut victim = command.spawn()?;
    let (clock, pid) = (SystemClock::new(), victim.id());
    while clock.elapsed() < after {
        if let Some(end) = victim.try_wait()? {
            timeline.tell(&format!("process {pid} ended before it could be killed ({end})"));
            return if end.success() { Ok(()) } else { Err("the job has failed".into()) };
        }
        std::thread::sleep(LOOK);
    }
    victim.kill()?;
    victim.wait()?;
    timeline.tell(&format!("process {pid} was killed (SIGKILL); another takes over its state directory"));
    Ok(())
}

/// The log to be read: the bundled one, or one that is generated.
fn log(options: &Options) -> Result<PathBuf, Error> {
    let Some(lines) = options.lines else { return Ok(PathBuf::from(BUNDLED)) };
    let path = options.output.join("access.log");
    if options.victim_since.is_none() {
        fs::create_dir_all(&options.output)?;
        let mut bytes = Vec::new();
        access_log::write(&mut bytes, lines, options.seed)?;
        fs::write(&path, bytes)?;
    }
    Ok(path)
}

/// Where the lines begin that are requests, in bytes from the start of the log.
fn requests(log: &[u8]) -> Vec<u64> {
    let mut offset = 0;
    let mut requests = Vec::new();
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        if LogEntry::parse(line.strip_suffix(b"\n").unwrap_or(line)).is_ok() {
            requests.push(offset);
        }
        offset += line.len() as u64;
    }
    requests
}

/// Chooses the lines that are poison.
fn draw_poison(requests: &[u64], count: usize, seed: u64) -> BTreeSet<u64> {
    let mut random = Random(!seed);
    let mut poison = BTreeSet::new();
    while poison.len() < count.min(requests.len()) {
        poison.insert(requests[random.below(requests.len() as u64) as usize]);
    }
    poison
}

/// Compares the rows of both runs, in whatever order.
pub(crate) fn judge(actual: &Path, expected: &Path) -> Result<bool, Error> {
    let (mut rows, mut same) = (0, true);
    for name in dataflow::OUTPUTS {
        let (found, wanted) = (read_rows(&actual.join(name))?, read_rows(&expected.join(name))?);
        rows += wanted.len();
        if found != wanted {
            same = false;
            println!("{name}: {} rows instead of {}", found.len(), wanted.len());
            if let Some((found, wanted)) = found.iter().zip(&wanted).find(|(found, wanted)| found != wanted) {
                println!("  sorted, the first that differ: `{found}` instead of `{wanted}`");
            }
        }
    }
    println!("{rows} rows of {} files compared, as multisets", dataflow::OUTPUTS.len());
    Ok(same)
}

/// Shows the dead letters. Says whether they are the poison records, each once.
fn judge_letters(state: &Path, poison: &BTreeSet<u64>) -> Result<bool, Error> {
    let letters = DeadLetters::open(state)?.list(None, usize::MAX, |_| true)?;
    letters.iter().for_each(|stored| println!("dead letter {}: {}", stored.id, stored.letter));
    let mut found: Vec<Option<u64>> = letters
        .iter()
        .map(|stored| match &stored.letter.remains {
            Remains::Json(view) => view["offset"].as_u64(),
            _ => None,
        })
        .collect();
    found.sort();
    let same = found.into_iter().eq(poison.iter().copied().map(Some));
    if !same {
        println!("these are not the poison records, each once");
    }
    Ok(same)
}

/// The rows of a file, sorted.
fn read_rows(path: &Path) -> Result<Vec<String>, Error> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut rows: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    rows.sort();
    Ok(rows)
}
