//! The show-piece, as a process: it finds the same rows whatever breaks, and would tell if they were not.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

#[expect(dead_code, reason = "its main is for people")]
#[path = "../../examples/fault_recovery.rs"]
mod example;

/// Runs the example beside this test's own executable, in a fresh directory.
fn run(arguments: &[&str]) -> (Output, String) {
    let own = std::env::current_exe().expect("a test knows its own executable");
    let profile = own.parent().and_then(Path::parent).expect("tests are built in <profile>/deps");
    let binary = profile.join("examples").join("fault_recovery").with_extension(std::env::consts::EXE_EXTENSION);
    assert!(binary.exists(), "{} is missing: run `cargo build --example fault_recovery` first", binary.display());
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut command = Command::new(binary);
    let output =
        command.arg("--output").arg(folder.path()).args(arguments).output().expect("the example can be started");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, told)
}

#[test]
fn whatever_breaks_the_rows_stay_the_same() {
    for arguments in [&[][..], &["--seed", "7", "--lines", "3000", "--rate", "3000", "--parallelism", "3"]] {
        let (output, told) = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(told.contains("THE SAME") && told.matches("\ndead letter ").count() == 2, "{told}");
    }
}

#[test]
fn the_timeline_tells_who_went_back() {
    let faults = ["--panic-at", "users:700", "--panic-at", "parse:900", "--poison", "1", "--rate", "100000"];
    let (output, told) = run(&faults);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let outcome_of = |cause: &str| {
        let mut lines = told.lines().skip_while(|line| !line.contains(cause)).skip(1);
        lines.next().unwrap_or_else(|| panic!("{cause} is not told:\n{told}")).to_owned()
    };
    assert!(outcome_of("ordered at record 700").contains("only this subtask went back"), "{told}");
    assert!(outcome_of("ordered at record 900").contains("the whole job went back"), "{told}");
    assert!(outcome_of("is poison").contains("only this subtask went back"), "{told}");
}

#[test]
fn rows_that_differ_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (actual, expected) = (folder.path().join("actual"), folder.path().join("expected"));
    for directory in [&actual, &expected] {
        fs::create_dir(directory).unwrap();
        for name in ["users.csv", "site.csv", "visits.csv"] {
            fs::write(directory.join(name), "head\n1\n2\n2\n").unwrap();
        }
    }
    let same = || example::judge(&actual, &expected).unwrap();
    fs::write(actual.join("site.csv"), "head\n2\n1\n2\n").unwrap();
    assert!(same(), "their order does not count");
    fs::write(actual.join("site.csv"), "head\n1\n1\n2\n").unwrap();
    assert!(!same(), "how often a row comes does");
}

#[test]
fn wrong_usage_is_refused() {
    for wrong in [&["--panic-at", "lines:3"][..], &["--poison"], &["--kill-after", "soon"], &["--frobnicate", "1"]] {
        assert_eq!(run(wrong).0.status.code(), Some(2), "{wrong:?}");
    }
}
