//! A full disk fails checkpoints, not the job: it goes on when there is room again.

use crate::bundled_log;
use crate::naive::{assert_same, expected};
use crate::process::{Scene, wait_until};
use crate::small_disk::SmallDisk;
use crate::witness::Witness;
use std::fs;
use std::path::Path;

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

#[test]
fn a_job_on_a_full_disk_goes_on_when_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path().join("disk"), "4m") else {
        println!("skipped: this user may not mount");
        return;
    };
    let scene = Scene::with_output(disk.0.join("out"));
    let mut witness = Witness::new(scene.output());
    for round in 0..2 {
        let mut command = scene.command(["--rate", "4000", "--checkpoint-interval", "20ms", "--parallelism", "2"]);
        command.env("RUST_LOG", "warn");
        let mut life = scene.start_command(command);
        let (users, before) = (scene.output().join("users.csv"), length(&scene.output().join("users.csv")));
        wait_until("rows", || length(&users) > before.max(1_000) || life.is_over());
        let filler = disk.fill();
        wait_until("three failed checkpoints", || {
            witness.look();
            life.stderr().matches("checkpoint failed").count() >= 3 || life.is_over()
        });
        assert!(!life.is_over(), "it goes on: {}", life.stderr());
        assert!(life.stderr().contains("No space left on device"), "{}", life.stderr());
        if round == 0 {
            // On a full disk it may also be killed.
            life.kill();
            witness.look();
            fs::remove_file(filler).unwrap();
        } else {
            fs::remove_file(filler).unwrap();
            let ended = life.wait();
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert!(!ended.stderr.contains("panic"), "{ended:?}");
        }
    }
    witness.look_at_the_end();
    assert_same(&scene.read(), &expected(&[&bundled_log::path()], 10, 1_800));
    let summary = scene.summary([] as [&str; 0]);
    assert_eq!(summary["restarts"], 1, "a failed checkpoint is no restart; the kill was one");
}

#[test]
fn a_job_cannot_be_born_on_a_full_disk_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path().join("disk"), "1m") else {
        println!("skipped: this user may not mount");
        return;
    };
    let scene = Scene::with_output(disk.0.join("out"));
    let filler = disk.fill();
    let ended = scene.run([] as [&str; 0]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("No space left on device"), "{ended:?}");
    fs::remove_file(filler).unwrap();
}
