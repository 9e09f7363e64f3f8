//! Rotation in all its forms, with and without a restart in its middle.

use super::super::super::line::texts;
use super::*;
use crate::fault::{Fault, Faulty};
use std::io::Write;

/// A directory with a log in it, and a reader that follows it.
struct Scene {
    directory: tempfile::TempDir,
    reader: FollowReader,
    position: Option<FilePosition>,
}

impl Scene {
    fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a.log"), text).unwrap();
        let reader = open(&directory.path().join("a.log"), None).unwrap();
        Scene { directory, reader, position: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = File::options().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// All lines there are until the reader has been silent for longer than a renamed file is waited for.
    fn lines(&mut self) -> Vec<String> {
        let (mut seen, mut silent) = (Vec::new(), 0);
        while silent <= QUIET_POLLS + 1 {
            match self.reader.next().unwrap() {
                Step::Block(block, position) => {
                    seen.append(&mut texts(block));
                    self.position = Some(position);
                    silent = 0;
                }
                Step::Wait(_) => silent += 1,
                Step::End => panic!("a followed file has no end"),
            }
        }
        seen
    }

    /// Forgets all but the position.
    fn restart(&mut self) {
        self.reader = open(&self.path("a.log"), self.position).unwrap();
    }
}

fn open(path: &Path, position: Option<FilePosition>) -> Result<FollowReader, Error> {
    FollowReader::open(path, "a.log", &Arc::default(), position)
}

#[test]
fn a_growing_file_brings_whole_lines_only() {
    let mut scene = Scene::new("a\nb");
    assert_eq!(scene.lines(), ["a"]);
    scene.append("a.log", "ob\nc\n");
    assert_eq!(scene.lines(), ["bob", "c"]);
    scene.append("a.log", "half");
    assert!(scene.lines().is_empty());
    scene.restart();
    scene.append("a.log", "time\n");
    assert_eq!(scene.lines(), ["halftime"]);
}

#[test]
fn a_renamed_file_is_read_to_its_end_before_the_new_one() {
    let mut scene = Scene::new("a\n");
    assert_eq!(scene.lines(), ["a"]);
    scene.rename("a.log", "a.log.1");
    scene.append("a.log.1", "b\nlast without end");
    assert_eq!(scene.lines(), ["b"]);
    scene.append("a.log", "c\n");
    assert_eq!(scene.lines(), ["last without end", "c"]);
}

#[test]
fn a_writer_that_still_holds_the_renamed_file_is_waited_for() {
    let mut scene = Scene::new("a\n");
    assert_eq!(scene.lines(), ["a"]);
    scene.rename("a.log", "a.log.1");
    scene.append("a.log", "c\n");
    assert!(matches!(scene.reader.next().unwrap(), Step::Wait(_)));
    scene.append("a.log.1", "b\n");
    assert_eq!(scene.lines(), ["b", "c"]);
}

#[test]
fn two_rotations_between_polls_of_which_one_was_seen_lose_nothing() {
    let mut scene = Scene::new("a\n");
    assert_eq!(scene.lines(), ["a"]);
    scene.rename("a.log", "a.log.1");
    scene.append("a.log", "b\n");
    assert!(matches!(scene.reader.next().unwrap(), Step::Wait(_)));
    scene.rename("a.log", "a.log.2");
    scene.append("a.log", "c\n");
    assert_eq!(scene.lines(), ["b", "c"]);
}

#[test]
fn a_renamed_file_is_found_and_finished_after_a_restart() {
    for rotated in ["a.log.1", "a-2015-05-17.log", "old"] {
        let mut scene = Scene::new("a\nb\n");
        scene.lines();
        scene.append("a.log", "c\n");
        scene.rename("a.log", rotated);
        scene.append("a.log", "d\n");
        scene.restart();
        assert_eq!(scene.lines(), ["c", "d"], "renamed to {rotated}");
    }
}

#[test]
fn a_restart_before_the_new_file_is_there_waits_for_it() {
    let mut scene = Scene::new("a\n");
    scene.lines();
    scene.rename("a.log", "a.log.1");
    scene.restart();
    assert!(scene.lines().is_empty());
    scene.append("a.log", "b\n");
    assert_eq!(scene.lines(), ["b"]);
}

#[test]
fn a_restart_between_two_files_reads_neither_twice() {
    let mut scene = Scene::new("a\n");
    scene.lines();
    scene.rename("a.log", "a.log.1");
    scene.append("a.log", "b\n");
    assert_eq!(scene.lines(), ["b"]);
    scene.restart();
    scene.append("a.log", "c\n");
    assert_eq!(scene.lines(), ["c"]);
}

#[test]
fn a_file_that_is_gone_leaves_the_new_one() {
    let mut scene = Scene::new("a\nb\n");
    scene.lines();
    scene.append("a.log", "lost\n");
    // The old file is held open under no name, so that its inode is not given to the new one.
    let held = File::open(scene.path("a.log")).unwrap();
    fs::remove_file(scene.path("a.log")).unwrap();
    scene.append("a.log", "c\n");
    scene.restart();
    assert_eq!(scene.lines(), ["c"]);
    drop(held);
}

#[test]
fn another_file_with_the_same_inode_is_not_taken_for_the_old_one() {
    let mut scene = Scene::new("a\nb\n");
    scene.lines();
    fs::write(scene.path("a.log"), "another\ntext\n").unwrap();
    scene.restart();
    assert_eq!(scene.lines(), ["another", "text"]);
}

#[test]
fn a_truncated_file_starts_again() {
    let mut scene = Scene::new("aaaa\nbbbb\nhalf");
    assert_eq!(scene.lines(), ["aaaa", "bbbb"]);
    fs::copy(scene.path("a.log"), scene.path("a.log.1")).unwrap();
    fs::write(scene.path("a.log"), "c\n").unwrap();
    assert_eq!(scene.lines(), ["c"]);
    scene.restart();
    scene.append("a.log", "d\n");
    assert_eq!(scene.lines(), ["d"]);
}

#[test]
fn a_truncated_file_that_grew_beyond_what_was_read_starts_again() {
    let mut scene = Scene::new("a\n");
    assert_eq!(scene.lines(), ["a"]);
    fs::write(scene.path("a.log"), "b\nc\nd\n").unwrap();
    assert_eq!(scene.lines(), ["b", "c", "d"]);
}

#[test]
fn a_file_truncated_before_a_restart_starts_again() {
    let mut scene = Scene::new("aaaa\nbbbb\n");
    scene.lines();
    fs::write(scene.path("a.log"), "c\n").unwrap();
    scene.restart();
    assert_eq!(scene.lines(), ["c"]);
}

#[test]
fn a_position_of_a_file_that_was_not_followed_goes_on() {
    let mut scene = Scene::new("a\nb\n");
    let head = Head::new(b"a\n".to_vec()).fingerprint();
    scene.position = Some(FilePosition { offset: 2, head, file: None });
    scene.restart();
    assert_eq!(scene.lines(), ["b"]);
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let mut scene = Scene::new("\u{1f}");
    fs::write(scene.path("a.log"), [GZIP_MAGIC[0], GZIP_MAGIC[1], 8]).unwrap();
    let error = scene.reader.next().map(|_| ()).unwrap_err();
    assert_eq!(error.fault(), Fault::User);
    assert!(error.to_string().contains("a.log is compressed"), "{error}");
    fs::remove_file(scene.path("a.log")).unwrap();
    fs::create_dir(scene.path("a.log")).unwrap();
    assert!(scene.reader.next().is_err());
}
