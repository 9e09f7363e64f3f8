//! What cannot be done is refused with one line that names the thing and the remedy.

use crate::bundled_log;
use crate::naive::{assert_same, expected};
use crate::process::{Scene, copy_directory, wait_until};
use millstream::prelude::*;
use millstream::state::{JobFile, Survives};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

const NOTHING: [&str; 0] = [];

/// The output directory of a job that was stopped in its middle, to be copied.
static STOPPED: LazyLock<Scene> = LazyLock::new(|| {
    let scene = Scene::new();
    let mut life = scene.start(["--rate", "4000", "--checkpoint-interval", "20ms"]);
    let shown = scene.output().join("visits.csv");
    wait_until("a hundred visits", || fs::metadata(&shown).is_ok_and(|file| file.len() > 6_000) || life.is_over());
    life.terminate();
    life.wait().succeeded();
    scene
});

/// A job that was stopped in its middle.
fn stopped() -> Scene {
    let scene = Scene::new();
    copy_directory(STOPPED.output(), scene.output());
    scene
}

/// The only state file of an operator.
fn state_file(scene: &Scene, uid: &str) -> PathBuf {
    scene.state().join("1").join(uid).join("0.redb")
}

/// Cuts a file in two and throws the second half away.
fn halve(path: &Path) {
    let file = File::options().write(true).open(path).expect("a file");
    let length = file.metadata().expect("a file's length").len();
    file.set_len(length / 2).expect("a file can be cut");
}

#[test]
fn wrong_usage_ends_with_code_2_and_names_the_flag() {
    let scene = Scene::new();
    for (arguments, words) in [
        (&["--frobnicate"][..], &["--frobnicate", "--help"][..]),
        (&["access.log"], &["access.log", "--help"]),
        (&["--input"], &["--input needs a value"]),
        (&["--follow=yes"], &["--follow takes no value"]),
        (&["--parallelism", "0"], &["--parallelism 0", "1 to 128"]),
        (&["--parallelism=129"], &["--parallelism 129", "1 to 128"]),
        (&["--parallelism", "two"], &["--parallelism two", "1 to 128"]),
        (&["--rate", "0"], &["--rate 0", "above 0"]),
        (&["--rate", "NaN"], &["--rate NaN", "above 0"]),
        (&["--window", "0s"], &["--window 0s", "at least 1ms"]),
        (&["--window", "10us"], &["--window 10us", "at least 1ms"]),
        (&["--window", "ten"], &["--window ten", "a duration like 10s"]),
        (&["--window", ""], &["--window", "a duration like 10s"]),
        (&["--window", "-1s"], &["--window -1s", "a duration like 10s"]),
        (&["--window", "101 years"], &["--window 101 years", "more than a hundred years"]),
        (&["--window", "99999999999999999999s"], &["--window 99999999999999999999s"]),
        (&["--visit-gap", "0ms"], &["--visit-gap 0ms", "at least 1ms"]),
        (&["--visit-gap", "500 years"], &["--visit-gap 500 years", "more than a hundred years"]),
        (&["--out-of-orderness", "1"], &["--out-of-orderness 1", "a duration like 10s"]),
        (&["--checkpoint-interval", "0s"], &["--checkpoint-interval 0s", "at least 1ms"]),
    ] {
        scene.run(arguments).refused(2, words);
    }
    assert!(!scene.output().exists(), "wrong usage leaves no trace");
}

#[test]
fn absurd_but_possible_durations_give_an_answer() {
    let scene = Scene::new();
    let century = ["--window", "99 years", "--visit-gap", "99 years", "--out-of-orderness", "99 years"];
    scene.run(century).succeeded();
    let users = fs::read_to_string(scene.output().join("users.csv")).unwrap();
    assert_eq!(users.lines().count(), 1_667, "one row per client, and the header");
    let scene = Scene::new();
    scene.run(["--window", "1ms", "--visit-gap", "1ms", "--checkpoint-interval", "99 years"]).succeeded();
    let rows = csv::Reader::from_path(scene.output().join("users.csv")).unwrap().into_records();
    let views: u64 = rows.map(|row| row.unwrap()[3].parse::<u64>().unwrap()).sum();
    assert_eq!(views, 9_991);
}

#[test]
fn an_input_that_cannot_be_read_is_named() {
    let scene = Scene::new();
    let missing = scene.path("no.log");
    scene.run(["--input", missing.to_str().unwrap()]).refused(1, &["`lines`", "no.log", "correct the path"]);
    let folder = scene.path("");
    let words = ["`lines`", folder.to_str().unwrap(), "is a directory; name its files"];
    scene.run(["--input", folder.to_str().unwrap()]).refused(1, &words);
}

#[test]
fn a_file_in_the_place_of_a_directory_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    let scene = Scene::with_output(file.clone());
    scene.run(NOTHING).refused(1, &[file.to_str().unwrap(), "directory"]);
    let state = folder.path().join("state");
    scene.run(["--state-dir", state.to_str().unwrap()]).refused(1, &[file.to_str().unwrap(), "directory"]);
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[test]
fn an_output_file_from_elsewhere_is_not_overwritten() {
    let scene = Scene::new();
    fs::create_dir(scene.output()).unwrap();
    let users = scene.output().join("users.csv");
    fs::write(&users, "ada,3\n").unwrap();
    scene.run(NOTHING).refused(1, &["`users.csv`", users.to_str().unwrap(), "move it away", "--fresh"]);
    assert_eq!(fs::read(&users).unwrap(), b"ada,3\n");
    scene.run(["--fresh"]).succeeded();
    assert_same(&scene.read(), &expected(&[&bundled_log::path()], 10, 1_800));
}

#[test]
fn a_state_directory_in_use_is_left_alone() {
    let scene = Scene::new();
    let life = scene.start(["--follow", "--checkpoint-interval", "20ms"]);
    let shown = scene.output().join("rejected.jsonl");
    wait_until("rows", || fs::metadata(&shown).is_ok_and(|file| file.len() > 0));
    let state = scene.state();
    for arguments in [&[][..], &["--fresh"]] {
        scene.run(arguments).refused(1, &[state.to_str().unwrap(), "in use by another process (pid ", "stop that one"]);
    }
    life.terminate();
    life.wait().succeeded();
    scene.run(NOTHING).succeeded();
    assert_same(&scene.read(), &expected(&[&bundled_log::path()], 10, 1_800));
}

#[test]
fn the_state_of_another_job_is_left_alone() {
    let scene = Scene::new();
    let payroll = Job::new("payroll");
    payroll.source(MemorySource::new([1_u64, 2])).key_by(|n| *n).count().sink(DiscardSink);
    payroll.run(Config::default().state_dir(scene.state())).unwrap();
    let words = [scene.state().to_str().unwrap().to_owned(), "`payroll`".to_owned(), "directory of its own".to_owned()];
    scene.run(NOTHING).refused(1, &words.each_ref().map(String::as_str));
    let status = payroll.run(Config::default().state_dir(scene.state())).unwrap();
    assert!(status.already_finished, "the other job's state is as it was");
}

#[test]
fn a_directory_of_something_else_is_no_state_directory() {
    let scene = Scene::new();
    fs::create_dir_all(scene.state()).unwrap();
    fs::write(scene.state().join("holiday.jpg"), "sea").unwrap();
    scene.run(NOTHING).refused(1, &[scene.state().to_str().unwrap(), "`holiday.jpg`", "no job.redb", "empty it"]);
    assert_eq!(fs::read(scene.state().join("holiday.jpg")).unwrap(), b"sea");
}

#[test]
fn state_files_without_their_manifest_are_refused() {
    let scene = stopped();
    fs::remove_file(scene.state().join("job.redb")).unwrap();
    scene.run(NOTHING).refused(1, &["no job.redb", "manifest is lost"]);
}

#[test]
fn a_missing_state_file_is_named() {
    for uid in ["users", "visits"] {
        let scene = stopped();
        let file = state_file(&scene, uid);
        fs::remove_file(&file).unwrap();
        scene.run(NOTHING).refused(1, &[file.to_str().unwrap(), "the file is missing", "restore it from a copy"]);
    }
}

#[test]
fn a_newer_manifest_is_left_to_a_newer_version() {
    let scene = stopped();
    let file = JobFile::open(&scene.state().join("job.redb"), Survives::PowerLoss).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_slice(&file.load().unwrap()).unwrap();
    manifest["format"] = 9.into();
    file.save(&serde_json::to_vec(&manifest).unwrap()).unwrap();
    drop(file);
    scene.run(NOTHING).refused(1, &[scene.state().to_str().unwrap(), "format 9", "newer version"]);
}

#[test]
fn a_truncated_file_of_state_is_named() {
    let scene = stopped();
    let manifest = scene.state().join("job.redb");
    halve(&manifest);
    scene.run(NOTHING).refused(1, &[manifest.to_str().unwrap(), "damaged"]);
    for uid in ["users", "visits"] {
        let scene = stopped();
        let file = state_file(&scene, uid);
        halve(&file);
        scene.run(NOTHING).refused(1, &[file.to_str().unwrap(), "damaged"]);
    }
}

#[test]
fn an_empty_or_foreign_file_in_the_place_of_state_is_named() {
    for bytes in [&b""[..], b"not a database", &[0; 8192]] {
        let scene = stopped();
        let manifest = scene.state().join("job.redb");
        fs::write(&manifest, bytes).unwrap();
        scene.run(NOTHING).refused(1, &[manifest.to_str().unwrap(), "damaged"]);
        let scene = stopped();
        let file = state_file(&scene, "visits");
        fs::write(&file, bytes).unwrap();
        scene.run(NOTHING).refused(1, &[file.to_str().unwrap(), "damaged"]);
    }
    let scene = stopped();
    fs::copy(state_file(&scene, "users"), state_file(&scene, "visits")).unwrap();
    scene.run(NOTHING).refused(1, &[state_file(&scene, "visits").to_str().unwrap(), "belongs to"]);
}

#[test]
fn flipped_bytes_in_a_state_file_are_named_or_do_no_harm() {
    let outputs = expected(&[&bundled_log::path()], 10, 1_800);
    let mut refusals = 0;
    for part in 1..8 {
        let scene = stopped();
        let path = state_file(&scene, "visits");
        let file = File::options().read(true).write(true).open(&path).unwrap();
        let length = file.metadata().unwrap().len();
        // Every page of an eighth of the file, so that what is in use there is hit.
        for page in (length * part / 8..length * (part + 1) / 8).step_by(512) {
            let mut bytes = [0; 16];
            file.read_exact_at(&mut bytes, page).unwrap();
            file.write_all_at(&bytes.map(|byte| !byte), page).unwrap();
        }
        drop(file);
        let ended = scene.run(NOTHING);
        if ended.code == Some(0) {
            assert_same(&scene.read(), &outputs);
        } else {
            ended.refused(1, &[path.to_str().unwrap(), "damaged"]);
            refusals += 1;
        }
    }
    assert!(refusals > 0, "no part of the file was in use");
}

#[test]
fn a_visible_file_shorter_than_committed_is_refused_by_name() {
    for name in ["site.csv", "rejected.jsonl"] {
        let scene = stopped();
        let shown = scene.output().join(name);
        let before = fs::read(&shown).unwrap();
        halve(&shown);
        scene.run(NOTHING).refused(1, &[shown.to_str().unwrap(), "were committed", "put it back"]);
        fs::write(&shown, &before).unwrap();
        scene.run(NOTHING).succeeded();
        assert_same(&scene.read(), &expected(&[&bundled_log::path()], 10, 1_800));
    }
}

#[test]
fn a_visible_file_that_someone_wrote_to_is_refused_by_name() {
    let scene = stopped();
    let shown = scene.output().join("users.csv");
    let mut bytes = fs::read(&shown).unwrap();
    bytes.extend(b"a,b,c,d\n");
    fs::write(&shown, bytes).unwrap();
    scene.run(NOTHING).refused(1, &[shown.to_str().unwrap(), "something else has written to it", "cut it to"]);
}

#[test]
fn another_window_does_not_fit_the_state() {
    let scene = stopped();
    let words = ["operator `users`", "tumbling(10s)", "tumbling(20s)", "change it back", "--fresh"];
    scene.run(["--window", "20s"]).refused(1, &words);
    let words = ["operator `visits`", "session(30m)", "session(1h)", "change it back", "--fresh"];
    scene.run(["--visit-gap", "1h"]).refused(1, &words);
    scene.run(NOTHING).succeeded();
    assert_same(&scene.read(), &expected(&[&bundled_log::path()], 10, 1_800));
}

#[test]
fn another_input_does_not_fit_the_state() {
    let scene = stopped();
    let other = scene.file("other.log", "x\n");
    let words = ["`lines`", "access.log", "is not there any more", "--fresh"];
    scene.run(["--input", other.to_str().unwrap()]).refused(1, &words);
    let scene = Scene::new();
    scene.run(NOTHING).succeeded();
    scene.run(["--input", other.to_str().unwrap()]).refused(1, &["access.log", other.to_str().unwrap(), "--fresh"]);
}
