//! The naive reading itself: right on logs small enough for counting by hand, and on a real one.

use crate::naive::{Outputs, assert_same, expected, read};
use std::fs;
use std::path::Path;

const GAP: i64 = 1_800;

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows: Vec<_> = text.lines().map(|row| row.trim().split(',').map(str::to_owned).collect()).collect();
    rows.sort();
    rows
}

#[test]
fn windows_are_half_open_and_visits_end_the_gap_after_their_last_view() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first.log"), folder.path().join("second.log"));
    let line = |client: &str, time: &str| format!(r#"{client} - - [{time}] "GET / HTTP/1.1" 200 5{}"#, "\n");
    let ada = [
        line("ada", "17/May/2015:10:05:09 +0000"),
        line("ada", "17/May/2015:10:05:00 +0000"),
        line("ada", "17/May/2015:12:35:09 +0200"),
        line("ada", "17/May/2015:11:05:10 +0000"),
    ];
    fs::write(&first, ada.concat() + "\nno request\n").unwrap();
    fs::write(&second, line("bob", "17/May/2015:10:05:09 +0000") + &line("bob", "31/Dec/1969:23:59:59 +0000") + "cut")
        .unwrap();

    let outputs = expected(&[&first, &second], 10, GAP);
    let site = "1969-12-31T23:59:50Z,1970-01-01T00:00:00Z,1,1
        2015-05-17T10:05:00Z,2015-05-17T10:05:10Z,3,2
        2015-05-17T10:35:00Z,2015-05-17T10:35:10Z,1,1
        2015-05-17T11:05:10Z,2015-05-17T11:05:20Z,1,1";
    assert_eq!(outputs.site, rows(site));
    let users = "1969-12-31T23:59:50Z,1970-01-01T00:00:00Z,bob,1
        2015-05-17T10:05:00Z,2015-05-17T10:05:10Z,ada,2
        2015-05-17T10:05:00Z,2015-05-17T10:05:10Z,bob,1
        2015-05-17T10:35:00Z,2015-05-17T10:35:10Z,ada,1
        2015-05-17T11:05:10Z,2015-05-17T11:05:20Z,ada,1";
    assert_eq!(outputs.users, rows(users));
    let visits = "1969-12-31T23:59:59Z,1970-01-01T00:29:59Z,bob,1
        2015-05-17T10:05:00Z,2015-05-17T11:05:09Z,ada,3
        2015-05-17T10:05:09Z,2015-05-17T10:35:09Z,bob,1
        2015-05-17T11:05:10Z,2015-05-17T11:35:10Z,ada,1";
    assert_eq!(outputs.visits, rows(visits), "10:05:09 and 10:35:09 are one visit, 11:05:10 is another");
    let first_offset = ada.concat().len() + 1;
    let second_offset = fs::metadata(&second).unwrap().len() - 3;
    let rejected = format!("{},{first_offset}\n{},{second_offset}", first.display(), second.display());
    assert_eq!(outputs.rejected, rows(&rejected));
}

/// Ten thousand lines of a real server's log, which is not ours to bundle; beside the crate where there is a copy.
#[test]
fn a_real_log_has_the_known_numbers_of_rows() {
    let log = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/access.log"));
    if !log.exists() {
        println!("skipped: there is no {}", log.display());
        return;
    }
    let outputs = expected(&[log], 10, GAP);
    let counts = [&outputs.site, &outputs.users, &outputs.visits, &outputs.rejected].map(Vec::len);
    assert_eq!(counts, [504, 6_236, 3_052, 1]);
}

#[test]
fn a_written_directory_reads_back_in_any_order_of_rows() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("site.csv", "window_start,window_end,views,users\nb,c,2,1\na,b,2,1\na,b,2,1\n");
    write("users.csv", "window_start,window_end,user,views\na,b,\"o,o\",2\n");
    write("visits.csv", "window_start,window_end,user,views\n");
    write("rejected.jsonl", "{\"file\":\"x.log\",\"offset\":12,\"reason\":\"cut\"}\n");
    let expected = Outputs {
        site: rows("a,b,2,1\na,b,2,1\nb,c,2,1"),
        users: vec![["a", "b", "o,o", "2"].map(str::to_owned).to_vec()],
        visits: vec![],
        rejected: rows("x.log,12"),
    };
    assert_same(&read(folder.path()), &expected);
}

#[test]
#[should_panic(
    expected = "site.csv: 1 of 1 rows too many, first a,b,2,1\nvisits.csv: 1 of 1 rows missing, first c,d,x,1"
)]
fn a_row_too_many_or_missing_is_told_by_name() {
    let expected = Outputs { site: rows("a,b,2,1"), visits: rows("c,d,x,1"), ..Outputs::default() };
    let actual = Outputs { site: rows("a,b,2,1\na,b,2,1"), ..Outputs::default() };
    assert_same(&actual, &expected);
}
