//! A program of one's own with the command line, as a process beside the binary.

use super::{LOOKS, millstream, pause, refused, told};
use millstream::prelude::*;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The arguments of the program, as a list in JSON.
const ARGUMENTS: &str = "MILLSTREAM_TEST_ARGUMENTS";

/// Lines by their length, read as the file grows, counted again and again.
fn job() -> Job {
    let job = Job::new("lengths");
    let lines = job.source(FileSource::lines(["in/lines.txt"]).follow());
    lines.key_by(|line| line.text().len()).count().uid("lengths").sink(FileSink::csv("out/lengths.csv"));
    job
}

#[test]
#[ignore = "the program that the tests below start"]
fn the_program() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let arguments: Vec<String> = serde_json::from_str(&arguments).unwrap();
    let code = millstream::cli::run_with(job, arguments.into_iter().map(Into::into));
    std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
}

/// The program in this directory.
fn command(arguments: &[&str], directory: &Path) -> Command {
    let arguments: Vec<&str> = ["lengths"].iter().chain(arguments).copied().collect();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "program::the_program", "--ignored", "--nocapture"]);
    command.env(ARGUMENTS, serde_json::to_string(&arguments).unwrap()).current_dir(directory);
    command.stdin(Stdio::null());
    command
}

/// A process of the program. Killed when dropped: a test that fails leaves none behind.
struct Process(Child);

impl Process {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn succeeds(&mut self) -> bool {
        self.0.wait().unwrap().success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn start(directory: &Path) -> Process {
    let arguments = ["run", "--state-dir", "state", "--checkpoint-interval", "20ms", "--parallelism", "2"];
    Process(command(&arguments, directory).stdout(Stdio::null()).spawn().unwrap())
}

/// Waits until the job runs and has counted so many lines since its birth.
fn status(state: &Path, lines: u64) -> Value {
    let look = || {
        let output = millstream(&["status", "--json"], state);
        let status: Value = serde_json::from_slice(&output.stdout).ok()?;
        let operators = status["operators"].as_array()?;
        let counted = operators.iter().find(|operator| operator["uid"] == "lengths")?["records_in"].as_u64()?;
        (status["state"] == "running" && counted >= lines).then_some(status)
    };
    (0..LOOKS).find_map(|_| look().or_else(pause)).expect("it should run")
}

#[test]
fn a_process_is_watched_stopped_and_started_again_and_a_killed_one_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    // Its own path to the state is short, that of others too long for a socket's address.
    let directory = folder.path().join("long".repeat(40));
    let state = directory.join("state");
    fs::create_dir_all(directory.join("in")).unwrap();
    fs::create_dir_all(directory.join("out")).unwrap();
    fs::write(directory.join("in/lines.txt"), "a\nbb\ncc\n").unwrap();

    let mut process = start(&directory);
    assert_eq!(status(&state, 3)["job"], "lengths");
    assert!(told(&["status"], &state).contains("lengths (running)"));
    assert_eq!(told(&["stop"], &state), "stopped\n");
    // The directory is free, whether or not the process has gone yet.
    let known: Value = serde_json::from_str(&told(&["checkpoints", "list", "--json"], &state)).unwrap();
    assert_eq!((&known["life"], &known["kept"].as_array().unwrap().is_empty()), (&"stopped".into(), &false), "{known}");
    assert!(process.succeeds());
    assert_eq!(fs::read_to_string(directory.join("out/lengths.csv")).unwrap().lines().count(), 3);

    let mut process = start(&directory);
    fs::write(directory.join("in/lines.txt"), "a\nbb\ncc\ndd\n").unwrap();
    status(&state, 4);
    process.kill();
    assert!(state.join("control.sock").exists(), "a killed process cannot remove it");
    assert!(refused(&["status"], &state).contains("no job runs there"));
    let known: Value = serde_json::from_str(&told(&["checkpoints", "list", "--json"], &state)).unwrap();
    assert_eq!(known["life"], "running", "that is how it was left");

    let mut process = start(&directory);
    status(&state, 4);
    told(&["stop"], &state);
    assert!(process.succeeds());
    let rows = fs::read_to_string(directory.join("out/lengths.csv")).unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.sort_unstable();
    assert_eq!(rows, ["1,1", "2,1", "2,2", "2,3"]);
}

#[test]
fn a_program_explains_its_plan_and_refuses_settings_that_would_be_lost() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = command(arguments, folder.path()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let (fine, plan, _) = run(&["plan", "--parallelism", "3"]);
    assert!(fine && plan.contains("lengths"), "{plan}");
    let (fine, _, error) = run(&["--state-dir", "state", "run"]);
    assert!(!fine && error.contains("cannot be used with"), "{error}");
    assert!(!folder.path().join("state").exists());
}
