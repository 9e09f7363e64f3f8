//! Many short lives leave no more behind than a long one.

use crate::process::{Dice, start, wait_until};
use crate::program::Settings;
use crate::world::{World, files};
use std::path::Path;

const LIVES: usize = 50;
/// Lives after which the number of files is compared with that of the last.
const EARLY: usize = 10;

/// How many files there are below these directories, and how many bytes they have.
fn measure(directories: &[&Path]) -> (usize, u64) {
    let files: Vec<_> = directories.iter().flat_map(|directory| files(directory)).collect();
    let bytes = files.iter().map(|file| std::fs::metadata(file).expect("a file that was listed").len());
    (files.len(), bytes.sum())
}

#[test]
fn files_do_not_multiply_or_grow_with_the_number_of_lives() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(folder.path());
    let (mut world, mut dice) = (World::new(&settings), Dice::new(4));
    world.grow(50, &mut dice);
    let mut early = (0, 0);
    for life in 0..LIVES {
        // Every fifth life moves the state into new files; half are stopped, half are killed.
        settings.parallelism = 1 + life / 5 % 2;
        world.grow(5, &mut dice);
        let rows = world.rows();
        let mut process = start(&settings, folder.path());
        wait_until("the new rows", || world.look() >= rows || process.is_over());
        assert!(!process.is_over(), "life {life}: {}", process.stderr());
        if life % 2 == 0 {
            process.kill();
        } else {
            process.signal("TERM");
            assert_eq!(process.wait().code, Some(0));
        }
        if life + 1 == EARLY {
            early = measure(&[&settings.state]);
        }
    }
    world.compare();
    // The last life was stopped and had as many subtasks as the tenth.
    let (count, bytes) = measure(&[&settings.state]);
    assert_eq!(count, early.0, "files: {:?}", files(&settings.state));
    assert!(bytes <= 2 * early.1 + (1 << 20), "{bytes} bytes after {LIVES} lives, {} after {EARLY}", early.1);
    let left = files(&settings.output).len();
    assert_eq!(left, 3, "only what is visible: {:?}", files(&settings.output));
}
