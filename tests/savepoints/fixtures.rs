//! Savepoints of every format that there has been open for ever.
//!
//! `format-N.savepoint` was taken in the middle of [`everything::job`](crate::everything) over [`EVENTS`] events by the last
//! version that wrote format `N`, and `format-N.rows` holds the rows that the job had shown until then. Neither is ever made
//! anew; a new format gets a new pair, by the ignored test below.

use crate::everything::job;
use millstream::prelude::*;
use millstream::testing::{Simulation, assert_same_rows};
use std::fs;
use std::path::PathBuf;

const EVENTS: u64 = 96;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/savepoints/fixtures").join(name)
}

fn config(parallelism: usize) -> Config {
    Config::default().parallelism(parallelism).batch_size(4)
}

#[test]
fn a_savepoint_of_format_1_is_whole_and_can_be_restored() {
    let (straight, all) = job(EVENTS);
    Simulation::start(&straight, config(1), 0).unwrap().run().unwrap();

    let path = fixture("format-1.savepoint");
    let savepoint = Savepoint::open(&path).unwrap();
    savepoint.verify().unwrap();
    assert_eq!((savepoint.info().job.as_str(), savepoint.info().engine.as_str()), ("everything", "0.1.0"));
    let before = fs::read_to_string(fixture("format-1.rows")).unwrap();
    let (restored, after) = job(EVENTS);
    let diff = restored.plan_diff(&config(3), &path).unwrap();
    assert!(diff.fits(), "{diff}");
    Simulation::start(&restored, config(3).restore_from(&path), 1).unwrap().run().unwrap();
    let rows = before.lines().map(str::to_owned).chain(after.rows());
    assert_same_rows(rows, all.rows());
}

#[test]
#[ignore = "makes the fixture of a new format; those of older ones stay as they are"]
fn make_a_fixture() {
    let state = tempfile::tempdir().unwrap();
    let (job, rows) = job(EVENTS);
    let mut simulation = Simulation::start(&job, config(2).state_dir(state.path()), 7).unwrap();
    simulation.step(300).unwrap();
    simulation.checkpoint().unwrap();
    drop(simulation);
    let name = fixture("format-1");
    Savepoint::create(state.path(), name.with_extension("savepoint")).unwrap();
    let rows: String = rows.rows().iter().map(|row| format!("{row}\n")).collect();
    assert!(!rows.is_empty());
    fs::write(name.with_extension("rows"), rows).unwrap();
}
