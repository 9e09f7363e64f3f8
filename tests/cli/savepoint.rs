//! Savepoints on the command line, of the binary and of a program with a job of its own.

use super::{job, refused, started, told};
use millstream::cli;
use millstream::prelude::*;
use serde_json::Value;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode, Output};

/// Runs the binary without a state directory.
fn plain(arguments: &[&str], file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_millstream")).args(arguments).arg(file).output().unwrap()
}

fn plainly_told(arguments: &[&str], file: &Path) -> String {
    let output = plain(arguments, file);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn plainly_refused(arguments: &[&str], file: &Path) -> String {
    let output = plain(arguments, file);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn savepoints_are_taken_of_running_and_stopped_jobs_listed_verified_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let (state, shelf) = (folder.path().join("state"), folder.path().join("shelf"));
    std::fs::create_dir(&shelf).unwrap();
    let at = |name: &str| shelf.join(name);
    let create = |name: &str| ["savepoint".into(), "create".into(), at(name).display().to_string()];
    fn words(arguments: &[String; 3]) -> [&str; 3] {
        [&arguments[0], &arguments[1], &arguments[2]]
    }
    let handle = started(&job(1_000_000), Config::default().state_dir(&state));
    let text = told(&words(&create("running.savepoint")), &state);
    assert!(text.starts_with("made ") && text.contains("job quotients at epoch "), "{text}");
    assert!(refused(&words(&create("running.savepoint")), &state).contains("exists already"));
    let refusal = refused(&["stop", "--savepoint", &at("running.savepoint").display().to_string()], &state);
    assert!(refusal.contains("exists already"), "{refusal}");
    assert_eq!(handle.status().state, JobState::Running, "it goes on");

    let last = at("last.savepoint").display().to_string();
    let info: Value = serde_json::from_str(&told(&["stop", "--json", "--savepoint", &last], &state)).unwrap();
    assert_eq!((&info["job"], &info["path"]), (&"quotients".into(), &last.clone().into()));
    assert_eq!(handle.wait().unwrap().state, JobState::Stopped);
    let [savepoint, create, path] = create("stopped.savepoint");
    let info: Value = serde_json::from_str(&told(&[&savepoint, &create, &path, "--json"], &state)).unwrap();
    assert_eq!(info["entries"], 5, "{info}");

    let list = |directory: &Path| -> Vec<Value> {
        let lines = plainly_told(&["savepoint", "list", "--json"], directory);
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    assert_eq!(list(&shelf).len(), 3);
    assert!(plainly_told(&["savepoint", "verify"], &at("last.savepoint")).starts_with("whole: "));
    let mut bytes = std::fs::read(&last).unwrap();
    bytes.pop();
    std::fs::write(&last, bytes).unwrap();
    assert!(plainly_refused(&["savepoint", "verify"], &at("last.savepoint")).contains("is damaged"));
    assert!(list(&shelf)[0]["error"].as_str().unwrap().contains("is damaged"));
    let table = plainly_told(&["savepoint", "list"], &shelf);
    assert!(table.lines().count() == 4 && table.contains("is damaged"), "{table}");

    assert_eq!(plainly_told(&["savepoint", "delete"], &at("last.savepoint")), "deleted\n");
    std::fs::write(at("holiday.jpg"), "not a savepoint").unwrap();
    assert!(plainly_refused(&["savepoint", "delete"], &at("holiday.jpg")).contains("is not deleted"));
    assert!(plainly_refused(&["savepoint", "list"], &at("nowhere")).contains("cannot list"));
    assert_eq!(list(&shelf).len(), 2);
}

/// Runs the command line of a program with its own job.
fn program(uid: &str, arguments: &[&str]) -> ExitCode {
    let build = || {
        let job = Job::new("sums");
        let numbers = job.source(MemorySource::new(0..100_u64)).uid("numbers");
        numbers.key_by(|n| n % 10).count().uid(uid).sink(DiscardSink).uid("nowhere");
        job
    };
    cli::run_with(build, ["program"].iter().chain(arguments).map(OsString::from))
}

#[test]
fn a_program_tells_by_its_exit_code_whether_a_savepoint_fits_and_begins_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (file, old, new) = (path("v1.savepoint"), path("old"), path("new"));
    assert_eq!(program("sums", &["--state-dir", &old]), ExitCode::SUCCESS);
    assert_eq!(program("sums", &["savepoint", "create", "--state-dir", &old, &file]), ExitCode::SUCCESS);
    assert_eq!(program("sums", &["plan", "--diff", &file]), ExitCode::SUCCESS);
    assert_eq!(program("totals", &["plan", "--diff", &file, "--json"]), ExitCode::FAILURE);
    assert_eq!(program("totals", &["plan", "--diff", &file, "--allow-removed", "sums"]), ExitCode::SUCCESS);
    assert_eq!(program("totals", &["plan", "--json"]), ExitCode::from(2));
    let from = ["run", "--state-dir", &new, "--restore-from", &file];
    assert_eq!(program("totals", &from), ExitCode::FAILURE);
    assert_eq!(program("sums", &from), ExitCode::SUCCESS);
    assert_eq!(program("sums", &from), ExitCode::FAILURE, "it is restored once");
    assert_eq!(program("sums", &["run", "--savepoint-every", "1h"]), ExitCode::FAILURE, "there is no place for them");
}
