//! Failing disks, failing epochs, and jobs that never run.

use super::super::part::from_value;
use super::super::rows::Format;
use super::*;
use crate::fault::{Fault, Faulty};

struct Scene {
    directory: tempfile::TempDir,
    writer: FileWriter<String>,
}

fn epoch(count: u64) -> Epoch {
    Epoch::new(1, count)
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let target = Target::new(&directory.path().join("out.jsonl")).unwrap();
        let rows = RowBuffer::new(&Format::Json, "file out.jsonl").unwrap();
        let writer = FileWriter::new(target, rows, RowBuffer::push, "sink", 0);
        Scene { directory, writer }
    }

    fn write(&mut self, row: &str) {
        self.writer.write(row.to_owned(), Timestamp::MIN).unwrap();
    }

    fn prepare(&mut self, count: u64) -> Prepared {
        SinkWriter::<String>::prepare(&mut self.writer, epoch(count))
    }

    /// A row so large that it leaves at once, and the job that writes it.
    fn spill(&mut self, letter: &str) -> SinkJob {
        self.write(&letter.repeat(SPILL_BYTES));
        SinkWriter::<String>::spill(&mut self.writer, false).unwrap()
    }

    /// What a reader of the described parts sees: their rows in order, cut short, and their epochs.
    fn rows(&self, prepared: &Value) -> Vec<(u64, String)> {
        let prepared: PreparedParts = from_value(self.directory.path(), prepared).unwrap();
        let mut rows = Vec::new();
        for part in prepared.parts {
            let bytes = fs::read(self.directory.path().join(part.name)).unwrap();
            let text = String::from_utf8(bytes[..part.length as usize].to_vec()).unwrap();
            assert_eq!(text.lines().count() as u64, part.rows);
            rows.extend(text.lines().map(|line| (part.epoch.count(), line[1..2].to_owned())));
        }
        rows
    }

    /// Makes the next writes and syncs fail as on a full disk.
    fn fill_disk(&self) {
        let mut disk = lock(&self.writer.shared.disk);
        let file = File::options().write(true).open("/dev/full").unwrap();
        match &mut disk.open {
            Some(open) => open.file = file,
            None => {
                let name = "full.pending".to_owned();
                disk.open = Some(Open { file, name, length: 0, synced_length: 0, synced_rows: 0 });
            }
        }
    }
}

fn row(count: u64, letter: &str) -> (u64, String) {
    (count, letter.to_owned())
}

#[test]
fn parts_are_named_until_they_are_committed() {
    let mut scene = Scene::new();
    scene.write("a");
    let first = scene.prepare(1)().unwrap();
    assert_eq!(scene.rows(&first), [row(1, "a")]);
    scene.write("b");
    let second = scene.prepare(2)().unwrap();
    assert_eq!(scene.rows(&second), [row(1, "a"), row(2, "b")]);
    SinkWriter::<String>::committed(&mut scene.writer, epoch(1));
    let third = scene.prepare(3)().unwrap();
    assert_eq!(scene.rows(&third), [row(2, "b")]);
    SinkWriter::<String>::committed(&mut scene.writer, epoch(3));
    assert!(scene.prepare(4)().unwrap().is_null());
}

#[test]
fn rows_leave_memory_in_their_order() {
    let mut scene = Scene::new();
    for letter in ["a", "b", "c"] {
        scene.spill(letter)().unwrap();
    }
    scene.write("d");
    let prepared = scene.prepare(1)().unwrap();
    assert_eq!(scene.rows(&prepared), [row(1, "a"), row(1, "b"), row(1, "c"), row(1, "d")]);
    assert!(lock(&scene.writer.shared.disk).kept.is_empty());
}

#[test]
fn a_barrier_whose_job_never_ran_still_parts_the_epochs() {
    let mut scene = Scene::new();
    scene.write("a");
    drop(scene.prepare(1));
    scene.write("b");
    let prepared = scene.prepare(2)().unwrap();
    assert_eq!(scene.rows(&prepared), [row(1, "a"), row(2, "b")]);
}

#[test]
fn rows_behind_a_barrier_stay_out_of_its_epoch() {
    let mut scene = Scene::new();
    scene.write("a");
    let first = scene.prepare(1);
    scene.write("b");
    let second = scene.prepare(2);
    let first = first().unwrap();
    assert_eq!(scene.rows(&first), [row(1, "a")]);
    let second = second().unwrap();
    assert_eq!(scene.rows(&second), [row(1, "a"), row(2, "b")]);
}

#[test]
fn a_full_disk_fails_the_epoch_and_loses_no_row() {
    let mut scene = Scene::new();
    scene.write("a");
    scene.fill_disk();
    let error = scene.prepare(1)().unwrap_err();
    assert_eq!(error.fault(), Fault::External);
    assert!(error.to_string().contains("out.jsonl"), "{error}");
    scene.write("b");
    let prepared = scene.prepare(2)().unwrap();
    // Its barrier is made up for, before that of the epoch which goes on.
    assert_eq!(scene.rows(&prepared), [row(1, "a"), row(2, "b")]);
}

#[test]
fn a_disk_that_fills_up_keeps_what_was_synced_and_rewrites_the_rest() {
    let mut scene = Scene::new();
    let letters = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    for letter in letters {
        scene.spill(letter)().unwrap();
    }
    // Eight were synced together; the ninth is in the file only.
    assert_eq!(lock(&scene.writer.shared.disk).kept.len(), 1);
    scene.fill_disk();
    assert!(scene.spill("j")().is_err());
    let prepared = scene.prepare(1)().unwrap();
    let expected: Vec<_> = letters.into_iter().chain(["j"]).map(|letter| row(1, letter)).collect();
    assert_eq!(scene.rows(&prepared), expected);
    assert_eq!(from_value::<PreparedParts>(scene.directory.path(), &prepared).unwrap().parts.len(), 2);
}

#[test]
fn a_directory_that_is_gone_fails_the_epoch_until_it_is_back() {
    let mut scene = Scene::new();
    scene.write("a");
    let moved = scene.directory.path().with_extension("moved");
    fs::rename(scene.directory.path(), &moved).unwrap();
    assert!(scene.prepare(1)().is_err());
    fs::rename(&moved, scene.directory.path()).unwrap();
    let prepared = scene.prepare(2)().unwrap();
    assert_eq!(scene.rows(&prepared), [row(1, "a")]);
}
