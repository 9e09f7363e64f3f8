//! Damage to any file of a state directory is found before anything runs: the answer is right, or there is none.

use crate::job::{rows, run, run_with};
use millstream::record::Epoch;
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The files of a job that was stopped in its middle, by their paths.
static STOPPED: LazyLock<Vec<(PathBuf, Vec<u8>)>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), Some(300)).unwrap();
    let mut files = Vec::new();
    read_all(directory.path(), directory.path(), &mut files);
    files.sort();
    files
});

static STRAIGHT: LazyLock<Vec<String>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), None).unwrap();
    rows(directory.path())
});

const FILES: [&str; 5] = [
    "state/job.redb",
    "state/1/kept/0.redb",
    "state/1/kept/1.redb",
    "state/1/windows/0.redb",
    "state/1/windows/1.redb",
];

fn read_all(root: &Path, directory: &Path, into: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(root, &path, into);
        } else {
            into.push((path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap()));
        }
    }
}

/// The job's directory as it was when it was stopped.
fn stopped() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, bytes) in &*STOPPED {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    directory
}

fn bytes(file: &str) -> &'static [u8] {
    STOPPED.iter().find(|(path, _)| path == Path::new(file)).map(|(_, bytes)| bytes.as_slice()).unwrap()
}

/// The job goes on to the right rows, or is refused by the name of something in its directory, with all as it was.
fn right_or_refused(directory: &Path) -> Option<String> {
    let before = rows(directory);
    match run(directory, None) {
        Ok(_) => {
            assert_eq!(rows(directory), *STRAIGHT);
            None
        }
        Err(error) => {
            let told = error.to_string();
            assert_eq!(told.lines().count(), 1, "{told}");
            assert!(told.contains(directory.to_str().unwrap()), "{told}");
            assert_eq!(rows(directory), before, "a refused start shows nothing: {told}");
            Some(told)
        }
    }
}

#[test]
fn a_file_that_is_gone_empty_or_not_ours_is_refused_by_its_name() {
    for file in FILES {
        for damage in ["gone", "empty", "text"] {
            let directory = stopped();
            let path = directory.path().join(file);
            match damage {
                "gone" => fs::remove_file(&path).unwrap(),
                "empty" => fs::write(&path, "").unwrap(),
                _ => fs::write(&path, "to be or not to be").unwrap(),
            }
            let told = right_or_refused(directory.path()).unwrap_or_else(|| panic!("{file} is {damage}"));
            if file != "state/job.redb" {
                let (uid, subtask) = (file.split('/').nth(2).unwrap(), &file[file.len() - 6..file.len() - 5]);
                let groups = if subtask == "0" { "key groups 0 to 63" } else { "key groups 64 to 127" };
                for words in [path.to_str().unwrap(), &format!("`{uid}`, subtask {subtask}"), groups] {
                    assert!(told.contains(words), "{words}: {told}");
                }
            }
        }
    }
}

#[test]
fn files_that_were_swapped_or_come_from_another_job_are_refused() {
    for (a, b) in [(FILES[1], FILES[2]), (FILES[1], FILES[3]), (FILES[3], FILES[4])] {
        let directory = stopped();
        fs::write(directory.path().join(a), bytes(b)).unwrap();
        fs::write(directory.path().join(b), bytes(a)).unwrap();
        let told = right_or_refused(directory.path()).unwrap();
        assert!(told.contains("belongs to operator"), "{told}");
    }
    let (directory, other) = (stopped(), tempfile::tempdir().unwrap());
    run(other.path(), Some(300)).unwrap();
    fs::copy(other.path().join(FILES[1]), directory.path().join(FILES[1])).unwrap();
    assert!(right_or_refused(directory.path()).unwrap().contains("belongs to operator"));
}

/// A file's newest epoch is damaged, and the refusal names an older one that is whole: the job goes on from there.
#[test]
fn a_refusal_names_the_kept_checkpoint_from_which_the_job_can_go_on() {
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), Some(300)).unwrap();
    let older = fs::read(directory.path().join(FILES[1])).unwrap();
    // A second life reads more, and stops after a few epochs; then one file is set back to where the first life left it.
    run_with(directory.path(), Some(400), |config| config.keep_checkpoints(1_000)).unwrap();
    fs::write(directory.path().join(FILES[1]), older).unwrap();
    let told = right_or_refused(directory.path()).unwrap();
    assert!(told.contains("it is an older copy"), "{told}");
    // Of the second life, as long as that file had nothing new, or of the first one.
    let named = told.split("--go-back-to ").nth(1).and_then(|rest| rest.split(')').next());
    let named = named.unwrap_or_else(|| panic!("no kept epoch is named: {told}"));
    let (attempt, count) = named.split_once('.').unwrap();
    let epoch = Epoch::new(attempt.parse().unwrap(), count.parse().unwrap());
    run_with(directory.path(), None, |config| config.go_back_to(epoch).rewind_output(true)).unwrap();
    assert_eq!(rows(directory.path()), *STRAIGHT);
}

#[test]
fn a_manifest_that_is_gone_is_no_reason_to_begin_anew() {
    let directory = stopped();
    fs::remove_file(directory.path().join(FILES[0])).unwrap();
    let told = right_or_refused(directory.path()).unwrap();
    assert!(told.contains("its manifest is lost"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_byte_anywhere_is_refused_or_harmless(file in 0..FILES.len(), at in any::<prop::sample::Index>(), mask in 1..=255_u8) {
        let (directory, file) = (stopped(), FILES[file]);
        // Most of a small file is empty.
        let used: Vec<usize> = bytes(file).iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, _)| at).collect();
        let mut bytes = bytes(file).to_vec();
        bytes[used[at.index(used.len())]] ^= mask;
        fs::write(directory.path().join(file), bytes).unwrap();
        right_or_refused(directory.path());
    }

    #[test]
    fn a_file_cut_anywhere_is_refused_or_harmless(file in 0..FILES.len(), at in any::<prop::sample::Index>()) {
        let (directory, file) = (stopped(), FILES[file]);
        let bytes = bytes(file);
        fs::write(directory.path().join(file), &bytes[..at.index(bytes.len())]).unwrap();
        right_or_refused(directory.path());
    }
}
