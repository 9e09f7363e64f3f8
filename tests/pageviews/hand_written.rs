//! The hand-written loop, which the benches measure against, gives the right answer: a fast wrong one would be no mark.

use crate::hand_loop::{Counts, run};
use crate::naive::{assert_same, expected, read};
use millstream::time::seconds;
use std::fs;
use std::path::{Path, PathBuf};

const MINUTE: u64 = 60;

/// Runs the loop over the files and compares what it wrote with the naive reading.
fn check(files: &[PathBuf], window: u64, gap: u64) -> Counts {
    let out = tempfile::tempdir().expect("a temporary directory");
    let counts = run(files, out.path(), seconds(window), seconds(gap), seconds(MINUTE)).expect("the loop runs");
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let outputs = expected(&paths, window as i64, gap as i64);
    assert_same(&read(out.path()), &outputs);
    let rows = [&outputs.site, &outputs.users, &outputs.visits].map(|rows| rows.len() as u64);
    assert_eq!((counts.rows, counts.rejected, counts.late), (rows, outputs.rejected.len() as u64, 0));
    counts
}

#[test]
fn it_writes_what_the_naive_reading_expects_of_the_bundled_log() {
    for (window, gap) in [(10, 30 * MINUTE), (600, 30 * MINUTE), (7, 3), (1, 0)] {
        assert_eq!(check(&[crate::bundled_log::path()], window, gap).lines, 10_000);
    }
}

#[test]
fn it_reads_several_files_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for seed in 2..5 {
        let mut log = Vec::new();
        crate::access_log::write(&mut log, 3_000, seed).unwrap();
        let path = folder.path().join(format!("{seed}.log"));
        fs::write(&path, &log[..log.len() - 1]).unwrap();
        files.push(path);
    }
    assert_eq!(check(&files, 10, 30 * MINUTE).lines, 9_000);
}

#[test]
fn a_repeated_log_gives_each_row_once_per_repetition() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("repeated.log");
    let once = check(&[crate::bundled_log::path()], 10, 30 * MINUTE);
    crate::shifted_log::write(&crate::bundled_log::path(), &log, 25_000).unwrap();
    assert_eq!(check(std::slice::from_ref(&log), 10, 30 * MINUTE).lines, 25_000);
    crate::shifted_log::write(&crate::bundled_log::path(), &log, 30_000).unwrap();
    let thrice = check(&[log], 10, 30 * MINUTE);
    assert_eq!((thrice.lines, thrice.rejected), (30_000, 3 * once.rejected));
    assert_eq!(thrice.rows, once.rows.map(|rows| 3 * rows));
}

#[test]
fn a_line_longer_than_a_block_and_a_client_that_needs_quotes_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("odd.log");
    let path = "x".repeat(700_000);
    let line = |client: &str, time: &str| format!("{client} - - [{time} +0000] \"GET /{path} HTTP/1.1\" 200 5\n");
    let lines = [
        line("a,\"b\"", "17/May/2015:10:00:00"),
        line("c", "31/Dec/1969:23:59:59"),
        line("c", "17/May/2015:10:00:59"),
        line("c", "17/May/2015:10:00:01"),
        "\n\nx".to_owned(),
    ];
    fs::write(&log, lines.concat()).unwrap();
    let out = tempfile::tempdir().unwrap();
    let counts = run(std::slice::from_ref(&log), out.path(), seconds(10), seconds(30), seconds(60)).unwrap();
    let late = 1;
    assert_eq!((counts.lines, counts.late), (7, late), "the line of 1969 comes too late");
    fs::write(&log, [&lines[0], &lines[2], &lines[3]].map(String::as_str).concat()).unwrap();
    assert_eq!(check(&[log], 10, 30).lines, 3);
}

#[test]
fn durations_that_are_no_whole_seconds_are_refused() {
    let out = tempfile::tempdir().unwrap();
    let half = std::time::Duration::from_millis(500);
    for (window, gap) in [(half, seconds(1)), (seconds(1), half), (seconds(0), seconds(1))] {
        let error = run(&[], out.path(), window, gap, seconds(60)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
}
