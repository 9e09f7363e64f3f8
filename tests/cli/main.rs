//! The command line, as people use it: the real binary, beside jobs that run in this process or not at all.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare has failed")]

mod program;
mod savepoint;
mod state;
mod watch;

use millstream::JobHandle;
use millstream::control::{ControlClient, Request};
use millstream::prelude::*;
use serde_json::Value;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

/// How often something is looked for, at most: for about a minute.
const LOOKS: usize = 6_000;

/// Nothing yet.
fn pause<T>() -> Option<T> {
    std::thread::sleep(Duration::from_millis(10));
    None
}

fn millstream(arguments: &[&str], state_dir: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    command.args(arguments).arg("--state-dir").arg(state_dir).output().unwrap()
}

fn told(arguments: &[&str], state_dir: &Path) -> String {
    let output = millstream(arguments, state_dir);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(arguments: &[&str], state_dir: &Path) -> String {
    let output = millstream(arguments, state_dir);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told.trim_end().lines().count(), 1, "{told}");
    told
}

/// Quotients by key; zero is poison for it.
fn job(count: u64) -> Job {
    let job = Job::new("quotients");
    let numbers = job.source(GeneratorSource::new(|n| n).rate(4_000).count(count));
    let quotients = numbers.key_by(|n| n % 5).reduce(|sum, n| sum + 1_000 / (n % 500)).uid("quotients");
    quotients.on_error(OnError::dead_letter().after_restarts(0)).sink(DiscardSink);
    job
}

fn started(job: &Job, config: Config) -> JobHandle {
    let handle = job.start(config.checkpoint_interval(millis(20))).unwrap();
    while handle.status().checkpoints < 2 {
        std::thread::sleep(Duration::from_millis(2));
    }
    handle
}

#[test]
fn a_running_job_is_watched_rescaled_and_stopped_and_a_stopped_one_is_looked_at() {
    let state = tempfile::tempdir().unwrap();
    let handle = started(&job(1_000_000), Config::default().state_dir(state.path()));
    while handle.status().operator("quotients").unwrap().dead < 2 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let text = told(&["status"], state.path());
    assert!(text.contains("quotients (running)") && text.contains("operator"), "{text}");
    let status: Value = serde_json::from_str(&told(&["status", "--json"], state.path())).unwrap();
    assert_eq!((&status["job"], &status["state"]), (&"quotients".into(), &"running".into()));

    let text = told(&["rescale", "--parallelism", "2"], state.path());
    assert!(text.starts_with("rescaled from 1 to 2; nothing was read for "), "{text}");
    assert!(refused(&["rescale", "--parallelism", "0"], state.path()).contains("`parallelism` is 0"));

    let list = || -> Vec<Value> {
        let lines = told(&["dlq", "list", "--json"], state.path());
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    while list().len() < 2 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let id = list()[0]["id"].as_str().unwrap().to_owned();
    let shown: Value = serde_json::from_str(&told(&["dlq", "show", &id], state.path())).unwrap();
    assert_eq!((&shown["operator"], &shown["status"]), (&"quotients".into(), &"waiting".into()), "{shown}");
    assert!(shown["cause"].as_str().unwrap().contains("attempt to divide by zero"), "{shown}");
    assert!(refused(&["dlq", "show", "9.9-9"], state.path()).contains("9.9-9"));

    let kept = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    assert_eq!(kept(&told(&["checkpoints", "list", "--json"], state.path()))["job"], "quotients");
    assert_eq!(told(&["stop"], state.path()), "stopped\n");
    assert_eq!(handle.wait().unwrap().state, JobState::Stopped);

    let known = kept(&told(&["checkpoints", "list", "--json"], state.path()));
    assert_eq!((&known["life"], known["kept"].as_array().unwrap().is_empty()), (&"stopped".into(), false), "{known}");
    let before = list().len();
    assert_eq!(told(&["dlq", "drop", &id], state.path()), "1 dropped\n");
    assert_eq!(list().len(), before - 1);
    let other = list()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(told(&["dlq", "replay", "--reopen", &other], state.path()), "1 to be replayed\n");
    assert_eq!(list()[0]["status"], "replaying");
    let refusal = refused(&["status"], state.path());
    assert!(refusal.contains("no job runs there"), "{refusal}");
}

#[test]
fn garbage_on_the_socket_is_refused_and_harms_nobody() {
    let state = tempfile::tempdir().unwrap();
    let handle = started(&job(1_000_000), Config::default().state_dir(state.path()));
    let socket = state.path().join("control.sock");
    let ask = |bytes: &[u8]| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        // It may hang up in the middle of what is too long.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    for garbage in
        [&b"\n"[..], b"{}\n", b"\xff\xfe\n", b"{\"command\":\"dance\"}\n", b"[1,2", b"{\"command\":\"rescale\"}\n"]
    {
        assert!(ask(garbage).starts_with("{\"error\":"), "{:?}", String::from_utf8_lossy(garbage));
    }
    ask(&vec![b'x'; 3 << 20]);
    let silent: Vec<_> = (0..40).filter_map(|_| UnixStream::connect(&socket).ok()).collect();
    drop(silent);
    // Until those have been noticed to be gone there may be too many.
    let asked = || ControlClient::connect(state.path()).unwrap().unwrap().ask(&Request::Status);
    let told = (0..LOOKS).find_map(|_| asked().ok().or_else(pause));
    assert_eq!(told.unwrap()["job"], "quotients");
    handle.stop();
    assert_eq!(handle.wait().unwrap().state, JobState::Stopped);
    assert!(!socket.exists(), "the socket goes with the job");
}

#[test]
fn a_job_whose_directory_has_a_long_name_can_be_asked_too() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("long".repeat(40));
    let handle = started(&job(1_000_000), Config::default().state_dir(&state));
    assert!(told(&["status"], &state).contains("running"));
    told(&["stop"], &state);
    handle.wait().unwrap();
    assert!(!state.join("control.sock").exists());
}

#[test]
fn wrong_usage_is_told_with_the_nearest_right_one_and_has_an_exit_code_of_its_own() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_millstream")).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, error, _) = run(&["statsu"]);
    assert!(code == Some(2) && error.contains("status"), "{error}");
    let (code, error, _) = run(&["status"]);
    assert!(code == Some(2) && error.contains("--state-dir"), "{error}");
    let (code, error, _) = run(&["dlq", "show", "--state-dir", ".", "seven"]);
    assert!(code == Some(2) && error.contains("ids look like 1.7-3"), "{error}");
    let (code, _, help) = run(&["dlq", "replay", "--help"]);
    assert!(code == Some(0) && help.contains("Example: millstream dlq replay"), "{help}");
}
