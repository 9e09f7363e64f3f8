//! A view that comes too late is told, not lost: every view is either in a window's count or in late.jsonl.

use crate::process::{Dice, Scene};
use crate::witness::Witness;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const LINES: u64 = 4_000;
const LATE: [&str; 8] =
    ["--out-of-orderness", "1s", "--visit-gap", "20s", "--checkpoint-interval", "10ms", "--window", "10s"];

/// A log in which time goes on by a second per line, and every fourth line is up to five minutes behind. Returns it with
/// the number of views of each user.
fn log(scene: &Scene) -> (PathBuf, BTreeMap<String, u64>) {
    let mut dice = Dice::new(3);
    let (mut text, mut views) = (String::new(), BTreeMap::new());
    for line in 0..LINES {
        let behind = if dice.roll(4) == 0 { dice.roll(300) } else { 0 };
        let second = 10 * 3_600 + line - behind.min(line);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let user = format!("10.0.0.{}", dice.roll(30));
        let time = format!("17/May/2015:{hour:02}:{minute:02}:{second:02} +0000");
        text += &format!("{user} - - [{time}] \"GET / HTTP/1.1\" 200 5\n");
        *views.entry(user).or_default() += 1;
    }
    (scene.file("late.log", text), views)
}

/// Adds up a column of a CSV file, by another column.
fn sums(directory: &Path, name: &str, by: usize, of: usize) -> BTreeMap<String, u64> {
    let mut reader = csv::Reader::from_path(directory.join(name)).expect("an output file");
    let mut sums = BTreeMap::new();
    for row in reader.records() {
        let row = row.expect("a row of CSV");
        *sums.entry(row[by].to_owned()).or_default() += row[of].parse::<u64>().expect("a number");
    }
    sums
}

/// The late views of an operator, by user.
fn late(directory: &Path, operator: &str) -> BTreeMap<String, u64> {
    let mut late = BTreeMap::new();
    for line in fs::read_to_string(directory.join("late.jsonl")).expect("an output file").lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("a row of JSON");
        let text = |name: &str| row[name].as_str().unwrap_or_else(|| panic!("no text `{name}`: {line}")).to_owned();
        assert!(text("at").starts_with("2015-05-17T"), "{line}");
        if row["operator"] == operator {
            *late.entry(text("user")).or_default() += 1;
        }
    }
    late
}

/// Checks that results plus late records are all views, user by user.
fn check(scene: &Scene, views: &BTreeMap<String, u64>, summary: &serde_json::Value) {
    let directory = scene.output();
    for (operator, file) in [("users", "users.csv"), ("visits", "visits.csv")] {
        let counted = sums(directory, file, 2, 3);
        let late = late(directory, operator);
        let told = |of: &BTreeMap<String, u64>, user: &str| of.get(user).copied().unwrap_or(0);
        for (user, views) in views {
            let (counted, late) = (told(&counted, user), told(&late, user));
            assert_eq!(counted + late, *views, "{operator}: {user} has {counted} in {file} and {late} late");
        }
        let late = late.values().sum::<u64>();
        assert!(late > 0, "{operator}: the log has views that come too late");
        assert_eq!(summary["late"][operator], late);
    }
    let of_site: u64 = sums(directory, "site.csv", 0, 2).values().sum();
    assert_eq!(of_site, sums(directory, "users.csv", 0, 3).values().sum::<u64>(), "the site is the sum of its users");
}

#[test]
fn every_view_is_in_a_window_or_late() {
    for parallelism in ["1", "3"] {
        let scene = Scene::new();
        let (log, views) = log(&scene);
        let arguments = ["--input", log.to_str().unwrap(), "--parallelism", parallelism];
        let summary = scene.summary(LATE.iter().chain(&arguments));
        check(&scene, &views, &summary);
    }
}

#[test]
fn every_view_is_in_a_window_or_late_though_the_job_is_killed() {
    let scene = Scene::new();
    let (log, views) = log(&scene);
    let mut dice = Dice::new(5);
    let mut witness = Witness::new(scene.output());
    let input = ["--input", log.to_str().unwrap()];
    for parallelism in ["1", "2", "4", "2", "1", "3"] {
        let arguments = ["--rate", "1500", "--parallelism", parallelism];
        let mut life = scene.start(LATE.iter().chain(&input).chain(&arguments));
        let before = witness.look();
        crate::process::wait_until("new rows", || witness.look() > before || life.is_over());
        std::thread::sleep(std::time::Duration::from_millis(dice.roll(60)));
        assert!(!life.is_over(), "it cannot be over yet: {}", life.stderr());
        life.kill();
        witness.look();
    }
    let summary = scene.summary(LATE.iter().chain(&input));
    witness.look_at_the_end();
    check(&scene, &views, &summary);
}
