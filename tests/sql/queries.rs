//! One query per clause of the dialect: what it writes, in three lives, against rows that were worked out by hand.
//!
//! The queries stand in `queries/`, a folder per subject, with what they must write beside them; the rows they read are in
//! `queries/data`. `millstream test tests/sql/queries` runs them too.

use millstream::sql::{Env, testing};
use std::path::Path;

/// Runs all queries of a folder, and tells of all that fail.
fn hold(folder: &str) {
    let files = testing::files(&Path::new("tests/sql/queries").join(folder)).unwrap();
    assert!(!files.is_empty());
    let env = Env::default();
    let failed: Vec<String> = files
        .iter()
        .filter_map(|file| testing::test(file, &env, false).err().map(|why| format!("{}: {why}", file.display())))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn windows_hold_the_rows_of_their_time() {
    hold("windows");
}

#[test]
fn joins_pair_rows_that_are_equal_or_near() {
    hold("joins");
}

#[test]
fn aggregates_count_each_row_once() {
    hold("aggregates");
}

#[test]
fn ranks_keep_the_first_rows() {
    hold("ranks");
}

#[test]
fn frames_hold_the_rows_before_each_row() {
    hold("over");
}

#[test]
fn functions_are_flinks() {
    hold("functions");
}

#[test]
fn formats_read_and_write_as_their_options_say() {
    hold("formats");
}

#[test]
fn statements_become_one_job() {
    hold("statements");
}

#[test]
fn event_time_comes_of_columns_and_the_watermark_of_options() {
    hold("times");
}

#[test]
fn what_the_plan_says_and_no_operator_can_do_is_refused_with_what_to_write() {
    hold("refused");
}
