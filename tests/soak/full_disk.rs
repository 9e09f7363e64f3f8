//! A full disk fails checkpoints, not the job: what cannot be written waits in memory, up to a limit; then the inputs wait.
//! When there is room again the job goes on by itself.

use crate::disk::{self, Place, SmallDisk};
use crate::process::{Dice, start, wait_until};
use crate::program::{INPUTS, Settings};
use crate::world::World;
use std::fs;
use std::path::Path;

/// Lines per input that no job could keep within its limits.
const MANY: u64 = 60_000;
/// Of almost as many keys.
const MANY_KEYS: u64 = 1 << 31;

fn length(path: &Path) -> u64 {
    fs::metadata(path).expect("a file").len()
}

/// Runs the job on a disk that becomes full; `place` puts on it what is to be there. The job says `word` again and again,
/// and takes no more input.
fn hold_back(test: &str, word: &str, place: impl Fn(&mut Settings, &Path)) {
    if disk::enter(test) != Place::Inside {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(folder.path().join("disk"), "64m");
    let mut settings = Settings { memory: 4 << 20, checkpoint_interval_ms: 50, ..Settings::new(folder.path()) };
    place(&mut settings, disk.path());
    let (mut world, mut dice) = (World::new(&settings), Dice::new(1));
    world.grow(100, &mut dice);
    let mut life = start(&settings, folder.path());
    world.settle(&mut life);
    disk.fill();
    world.grow_with(MANY, MANY_KEYS, &mut dice);
    wait_until("four complaints", || life.stderr().matches(word).count() >= 4 || life.is_over());
    assert!(!life.is_over(), "it goes on: {}", life.stderr());
    assert!(life.stderr().contains("No space left on device"), "{}", life.stderr());
    for input in INPUTS.map(|name| settings.input.join(name)) {
        let read = life.has_read(&input).expect("it follows its inputs");
        assert!(read < length(&input), "{} has been read to its end: all of it is in memory", input.display());
    }
    assert!(life.stderr().lines().count() < 60, "it says too much: {}", life.stderr());
    disk.clear();
    world.settle(&mut life);
    assert!(!life.stderr().contains("panic"), "{}", life.stderr());
    life.signal("TERM");
    assert_eq!(life.wait().code, Some(0));
}

#[test]
fn state_that_cannot_be_written_holds_the_inputs_back_until_it_can() {
    let test = "full_disk::state_that_cannot_be_written_holds_the_inputs_back_until_it_can";
    hold_back(test, "state cannot be written", |settings, disk| settings.state = disk.join("state"));
}

#[test]
fn rows_that_cannot_be_written_hold_the_inputs_back_until_they_can() {
    let test = "full_disk::rows_that_cannot_be_written_hold_the_inputs_back_until_they_can";
    hold_back(test, "a sink cannot write", |settings, disk| settings.output = disk.join("out"));
}

#[test]
fn a_job_that_has_no_room_to_be_born_says_so_and_is_born_when_it_has() {
    if disk::enter("full_disk::a_job_that_has_no_room_to_be_born_says_so_and_is_born_when_it_has") != Place::Inside {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(folder.path().join("disk"), "8m");
    let mut settings = Settings::new(folder.path());
    (settings.output, settings.state) = (disk.path().join("out"), disk.path().join("state"));
    let (mut world, mut dice) = (World::new(&settings), Dice::new(2));
    world.grow(100, &mut dice);
    disk.fill();
    let ended = start(&settings, folder.path()).wait();
    ended.refused(&["No space left on device"]);
    disk.clear();
    let mut life = start(&settings, folder.path());
    world.settle(&mut life);
}
