//! The job that all this is done to, as a program.

use millstream::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// The size of the windows.
pub(crate) const WINDOW: Duration = seconds(10);
/// How much older than the newest a line may be.
pub(crate) const BOUND: Duration = seconds(1);
/// What the job writes.
pub(crate) const OUTPUTS: [&str; 3] = ["seen.jsonl", "counts.jsonl", "windows.jsonl"];
/// What it reads.
pub(crate) const INPUTS: [&str; 2] = ["a.log", "b.log"];

/// The variable that holds the job's settings, as JSON.
pub(crate) const SETTINGS: &str = "MILLSTREAM_SOAK_SETTINGS";

/// How the program runs its job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The directory of the inputs.
    pub(crate) input: PathBuf,
    pub(crate) output: PathBuf,
    pub(crate) state: PathBuf,
    pub(crate) parallelism: usize,
    /// In bytes.
    pub(crate) memory: usize,
    pub(crate) checkpoint_interval_ms: u64,
    /// Whether the inputs go on growing.
    pub(crate) follow: bool,
}

impl Settings {
    /// Small, quick and endless, with all that it has below `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        Settings {
            input: folder.join("in"),
            output: folder.join("out"),
            state: folder.join("state"),
            parallelism: 2,
            memory: 64 << 20,
            checkpoint_interval_ms: 10,
            follow: true,
        }
    }
}

/// A line of the inputs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Event {
    /// Milliseconds of event time.
    pub(crate) at: i64,
    pub(crate) key: u32,
    /// No two events have the same.
    pub(crate) serial: u64,
}

/// How often a key has come so far.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) key: u32,
    pub(crate) count: u64,
}

/// How often a key came in a window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct InWindow {
    pub(crate) start: i64,
    pub(crate) key: u32,
    pub(crate) count: u64,
}

fn parse(line: &Line) -> Option<Event> {
    let text = line.text();
    let mut words = text.split(' ');
    let (at, key, serial) = (words.next()?, words.next()?, words.next()?);
    Some(Event { at: at.parse().ok()?, key: key.parse().ok()?, serial: serial.parse().ok()? })
}

fn job(settings: &Settings) -> Job {
    let job = Job::new("soak");
    let source = FileSource::lines(INPUTS.map(|name| settings.input.join(name)));
    let source = if settings.follow { source.follow() } else { source };
    let output = |name: &str| settings.output.join(name);
    let events = job.source(source).uid("lines").map(|line| parse(&line).expect("the tests write no other lines"));
    let events = events.uid("events");
    events.sink(FileSink::json(output(OUTPUTS[0]))).uid("seen");
    let timed =
        events.event_time(|event| Timestamp::from_millis(event.at), Watermarks::out_of_order(BOUND)).uid("time");
    let by_key = timed.key_by(|event| event.key).uid("by-key");
    let counts = by_key.count().uid("counts").map(|(key, count)| Running { key, count }).uid("count-rows");
    counts.sink(FileSink::json(output(OUTPUTS[1]))).uid("counts-file");
    let windows = by_key.window(Tumbling::of(WINDOW)).count().uid("windows");
    let windows = windows.map(|row| InWindow { start: row.start.millis(), key: row.key, count: row.value });
    windows.uid("window-rows").sink(FileSink::json(output(OUTPUTS[2]))).uid("windows-file");
    job
}

/// Runs the job and ends the process: with 0, or with 1 and a word on stderr.
#[test]
#[ignore = "this is the program that the other tests start"]
fn the_job() {
    let Ok(settings) = std::env::var(SETTINGS) else { return };
    let settings: Settings = serde_json::from_str(&settings).expect("settings");
    let filter = EnvFilter::try_from_env("RUST_LOG").unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
    let config = Config::default()
        .state_dir(&settings.state)
        .parallelism(settings.parallelism)
        .memory(settings.memory)
        .checkpoint_interval(millis(settings.checkpoint_interval_ms))
        .restart(Restart::exponential(millis(20), millis(500), 1_000));
    let code = match job(&settings).run(config) {
        Ok(_) => 0,
        Err(error) => {
            eprintln!("soak: {error}");
            1
        }
    };
    std::process::exit(code);
}
