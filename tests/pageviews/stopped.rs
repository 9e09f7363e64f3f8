//! Stopping gracefully, and starting what has ended already.

use crate::bundled_log;
use crate::naive::{assert_same, expected};
use crate::process::{Life, Scene, wait_until};
use crate::witness::Witness;
use std::fs;
use std::process::Command;

const NOTHING: [&str; 0] = [];
const SLOWLY: [&str; 4] = ["--rate", "2000", "--checkpoint-interval", "20ms"];

/// Waits for rows beyond those that `witness` has seen.
fn wait_for_rows(life: &mut Life, witness: &mut Witness) {
    let before = witness.look();
    wait_until("new rows", || witness.look() > before || life.is_over());
}

#[test]
fn a_stopped_job_goes_on_and_that_is_no_restart() {
    let scene = Scene::new();
    let mut witness = Witness::new(scene.output());
    for parallelism in ["2", "2", "1", "3"] {
        let mut life = scene.start(SLOWLY.iter().chain(&["--parallelism", parallelism]));
        wait_for_rows(&mut life, &mut witness);
        life.terminate();
        let ended = life.wait();
        assert!(ended.succeeded().stdout.starts_with("stopped after "), "{}", ended.stdout);
        witness.look_at_the_end();
    }
    let summary = scene.summary(["--parallelism", "2"]);
    witness.look_at_the_end();
    assert_same(&scene.read(), &expected(&[&bundled_log::path()], 10, 1_800));
    assert_eq!((&summary["restarts"], &summary["records"]), (&0.into(), &10_000.into()));
}

#[test]
fn a_stop_fires_no_window() {
    let scene = Scene::new();
    let log = scene.file("one.log", "ada - - [17/May/2015:10:05:09 +0000] \"GET / HTTP/1.1\" 200 5\nx\n");
    let life = scene.start(["--follow", "--checkpoint-interval", "10ms", "--input", log.to_str().unwrap()]);
    let rejected = scene.output().join("rejected.jsonl");
    wait_until("the line that is no request", || fs::metadata(&rejected).is_ok_and(|file| file.len() > 0));
    life.terminate();
    life.wait().succeeded();
    let users = fs::read_to_string(scene.output().join("users.csv")).unwrap();
    assert_eq!(users, "window_start,window_end,user,views\n");
}

#[test]
fn a_second_signal_ends_a_process_at_once_that_cannot_stop_gracefully() {
    let scene = Scene::new();
    // No file may grow beyond 128 KiB (or 256 KiB, as some shells count), so users.csv never takes its last rows.
    let limited = "trap '' XFSZ; ulimit -f 256; exec \"$0\" \"$@\"";
    let program = scene.command(["--checkpoint-interval", "20ms"]);
    let mut command = Command::new("sh");
    command.args(["-c", limited]).arg(program.get_program()).args(program.get_args()).env("RUST_LOG", "info");
    let mut witness = Witness::new(scene.output());
    let mut life = scene.start_command(command);
    wait_until("a file that may not grow", || life.stderr().contains("File too large") || life.is_over());
    life.terminate();
    wait_until("the first signal is heard", || life.stderr().contains("once more to stop at once") || life.is_over());
    witness.look();
    assert!(!life.is_over(), "there are rows that are not shown: {}", life.stderr());
    life.terminate();
    assert_eq!(life.wait().code, Some(130));
    scene.run(NOTHING).succeeded();
    witness.look_at_the_end();
    assert_same(&scene.read(), &expected(&[&bundled_log::path()], 10, 1_800));
}

#[test]
fn a_finished_job_started_again_says_so_and_changes_nothing() {
    let scene = Scene::new();
    scene.run(["--parallelism", "2"]).succeeded();
    let before = scene.bytes();
    for parallelism in ["2", "1"] {
        let ended = scene.run(["--parallelism", parallelism]);
        let told = "this input has been read to its end before; nothing was changed";
        assert!(ended.succeeded().stdout.starts_with(told), "{}", ended.stdout);
        assert!(scene.bytes() == before, "the visible files have changed");
    }
    let summary = scene.summary(NOTHING);
    assert_eq!((&summary["records"], &summary["rows"]["rejected.jsonl"]), (&10_000.into(), &7.into()));
}

#[test]
fn a_fresh_start_replaces_what_an_earlier_run_left() {
    let scene = Scene::new();
    scene.run(["--window", "30s"]).succeeded();
    scene.run(["--fresh", "--parallelism", "2"]).succeeded();
    assert_same(&scene.read(), &expected(&[&bundled_log::path()], 10, 1_800));
    let mut witness = Witness::new(scene.output());
    let mut life = scene.start(SLOWLY.iter().chain(&["--fresh"]));
    // One file after the other is emptied; rows of the new life are far fewer for seconds.
    let shrunk = |name: &str| fs::metadata(scene.output().join(name)).is_ok_and(|file| file.len() < 9_000);
    wait_until("the old rows are gone", || ["site.csv", "users.csv", "visits.csv"].into_iter().all(shrunk));
    wait_for_rows(&mut life, &mut witness);
    life.kill();
    scene.run(NOTHING).succeeded();
    assert_same(&scene.read(), &expected(&[&bundled_log::path()], 10, 1_800));
}
