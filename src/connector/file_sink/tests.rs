//! The sink as a whole: epochs, crashes at each step of a commit, and files that someone else touched.

use super::*;
use crate::fault::{Fault, Faulty};
use crate::record::Epoch;
use crate::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn epoch(count: u64) -> Epoch {
    Epoch::new(1, count)
}

fn sink(directory: &Path) -> FileSink<String> {
    FileSink::csv(directory.join("out.csv")).header(["name"])
}

fn writer(sink: &FileSink<String>, subtask: usize) -> Box<dyn SinkWriter<String>> {
    sink.writer(&SinkContext { uid: "sink".to_owned(), subtask, parallelism: 2 }).unwrap()
}

fn write(writer: &mut dyn SinkWriter<String>, rows: &[&str]) {
    rows.iter().for_each(|row| writer.write((*row).to_owned(), Timestamp::MIN).unwrap());
}

fn committer(sink: &FileSink<String>, records: &[Value]) -> Result<Box<dyn Committer>, Error> {
    let mut committer = sink.committer()?.unwrap();
    committer.recover(records, false)?;
    Ok(committer)
}

fn text(directory: &Path) -> String {
    fs::read_to_string(directory.join("out.csv")).unwrap()
}

/// All files, by name.
fn snapshot(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let file = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    fs::read_dir(directory).unwrap().map(file).collect()
}

/// The directory as it was.
fn restore(files: &BTreeMap<String, Vec<u8>>) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(directory.path().join(name), bytes).unwrap());
    directory
}

fn refusal(result: Result<Box<dyn Committer>, Error>) -> String {
    let error = result.map(|_| ()).unwrap_err();
    assert_eq!(error.fault(), Fault::User, "{error}");
    error.to_string()
}

/// A first epoch that is visible, and a second that is prepared: its files, both records.
struct Prepared {
    files: BTreeMap<String, Vec<u8>>,
    records: [Value; 2],
}

const FIRST: &str = "name\nada\n";
const BOTH: &str = "name\nada\nbob\neve\n";

fn prepared() -> Prepared {
    let directory = tempfile::tempdir().unwrap();
    let sink = sink(directory.path());
    let mut committer = committer(&sink, &[]).unwrap();
    let (mut a, mut b) = (writer(&sink, 0), writer(&sink, 1));
    write(&mut *a, &["ada"]);
    let values = [(0, a.prepare(epoch(1))().unwrap()), (1, b.prepare(epoch(1))().unwrap())];
    let first = committer.plan(epoch(1), &values).unwrap();
    committer.apply(&first).unwrap();
    assert_eq!(text(directory.path()), FIRST);
    write(&mut *b, &["eve"]);
    write(&mut *a, &["bob"]);
    // The writers have not heard of the first commit, and name its part again.
    let values = [(1, b.prepare(epoch(2))().unwrap()), (0, a.prepare(epoch(2))().unwrap())];
    let second = committer.plan(epoch(2), &values).unwrap();
    Prepared { files: snapshot(directory.path()), records: [first, second] }
}

#[test]
fn epochs_become_visible_in_order_of_subtasks_and_pending_files_go() {
    let Prepared { files, records } = prepared();
    let directory = restore(&files);
    let mut committer = committer(&sink(directory.path()), &records[..1]).unwrap();
    assert_eq!(text(directory.path()), FIRST);
    assert_eq!(snapshot(directory.path()).len(), 1, "an epoch that was not committed leaves nothing");
    let empty = committer.plan(epoch(3), &[(0, Value::Null), (1, Value::Null)]).unwrap();
    committer.apply(&empty).unwrap();
    assert_eq!(text(directory.path()), FIRST);
    assert_eq!(committer.outputs(), [directory.path().join("out.csv")]);
}

#[test]
fn a_crash_before_any_byte_of_a_commit_is_made_good() {
    let Prepared { files, records } = prepared();
    let directory = restore(&files);
    committer(&sink(directory.path()), &records).unwrap();
    assert_eq!(text(directory.path()), BOTH);
    assert_eq!(snapshot(directory.path()).len(), 1);
}

#[test]
fn a_crash_at_each_byte_of_a_commit_is_made_good() {
    let Prepared { files, records } = prepared();
    for length in FIRST.len()..=BOTH.len() {
        // As it should be so far, and as a power loss may leave it: the length is there, the bytes are not.
        for torn in [false, true] {
            let mut visible = BOTH.as_bytes()[..length].to_vec();
            if torn {
                visible[FIRST.len()..].fill(0);
            }
            let directory = restore(&files);
            fs::write(directory.path().join("out.csv"), visible).unwrap();
            committer(&sink(directory.path()), &records).unwrap();
            assert_eq!(text(directory.path()), BOTH, "crashed at length {length}, torn: {torn}");
            assert_eq!(snapshot(directory.path()).len(), 1);
        }
    }
}

#[test]
fn a_crash_while_pending_files_are_removed_is_made_good() {
    let Prepared { files, records } = prepared();
    let pending: Vec<_> = files.keys().filter(|name| name.ends_with(".pending")).collect();
    assert_eq!(pending.len(), 2);
    for removed in [vec![pending[0]], vec![pending[1]], pending.clone()] {
        let directory = restore(&files);
        fs::write(directory.path().join("out.csv"), BOTH).unwrap();
        removed.iter().for_each(|name| fs::remove_file(directory.path().join(name)).unwrap());
        let mut committer = committer(&sink(directory.path()), &records).unwrap();
        assert_eq!(text(directory.path()), BOTH);
        assert_eq!(snapshot(directory.path()).len(), 1);
        committer.apply(&records[1]).unwrap();
        assert_eq!(text(directory.path()), BOTH);
    }
}

#[test]
fn a_crash_of_the_first_commit_is_made_good_with_its_header() {
    let directory = tempfile::tempdir().unwrap();
    let sink = sink(directory.path());
    let mut planner = committer(&sink, &[]).unwrap();
    let mut a = writer(&sink, 0);
    write(&mut *a, &["ada"]);
    let value = a.prepare(epoch(1))().unwrap();
    let record = planner.plan(epoch(1), &[(0, value)]).unwrap();
    let files = snapshot(directory.path());
    for length in 0..=FIRST.len() {
        let directory = restore(&files);
        if length > 0 {
            fs::write(directory.path().join("out.csv"), &FIRST[..length]).unwrap();
        }
        let sink = self::sink(directory.path());
        committer(&sink, std::slice::from_ref(&record)).unwrap();
        assert_eq!(text(directory.path()), FIRST, "crashed at length {length}");
    }
}

#[test]
fn a_visible_file_that_someone_touched_is_refused_with_the_remedy() {
    let Prepared { files, records } = prepared();
    let cases = [
        (Some("name\n"), &records[..1], "has 5 bytes, and 9 were committed"),
        (Some("name\n"), &records[..], "has 5 bytes, and 9 were committed"),
        (None, &records[..1], "has 0 bytes, and 9 were committed"),
        (Some("name\nada\nbob\neve\nmine\n"), &records[..], "has 22 bytes and the last checkpoint knows of 17"),
        (Some("name\nada\nmine\n"), &records[..1], "has 14 bytes and the last checkpoint knows of 9"),
    ];
    for (visible, records, expected) in cases {
        let directory = restore(&files);
        let path = directory.path().join("out.csv");
        match visible {
            Some(text) => fs::write(&path, text).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let message = refusal(committer(&sink(directory.path()), records));
        assert!(message.contains(expected) && message.contains("out.csv"), "{message}");
        assert_eq!(fs::read_to_string(&path).ok().as_deref(), visible, "a refused file is left as it is");
    }
}

#[test]
fn a_file_that_grew_between_two_epochs_is_refused() {
    let Prepared { files, records } = prepared();
    let directory = restore(&files);
    let mut committer = sink(directory.path()).committer().unwrap().unwrap();
    fs::write(directory.path().join("out.csv"), "name\nada\nbob").unwrap();
    assert!(committer.apply(&records[1]).unwrap_err().to_string().contains("something else has written to it"));
}

#[test]
#[cfg(unix)]
fn a_disk_that_is_full_at_the_commit_is_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let sink = sink(directory.path());
    let mut committer = committer(&sink, &[]).unwrap();
    let mut a = writer(&sink, 0);
    write(&mut *a, &["ada"]);
    let record = committer.plan(epoch(1), &[(0, a.prepare(epoch(1))().unwrap())]).unwrap();
    std::os::unix::fs::symlink("/dev/full", directory.path().join("out.csv")).unwrap();
    let error = committer.apply(&record).unwrap_err();
    assert_eq!(error.fault(), Fault::External, "{error}");
    assert!(committer.plan(epoch(2), &[]).is_err(), "the next epoch waits for this one");
    fs::remove_file(directory.path().join("out.csv")).unwrap();
    fs::write(directory.path().join("out.csv"), "na").unwrap();
    committer.apply(&record).unwrap();
    assert_eq!(text(directory.path()), FIRST);
}

#[test]
fn a_file_of_someone_else_is_refused_or_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.csv");
    fs::write(&path, "mine\n").unwrap();
    let sink = sink(directory.path());
    let message = refusal(committer(&sink, &[]));
    assert!(message.contains("exists and was not written by this job"), "{message}");
    let mut committer = sink.committer().unwrap().unwrap();
    committer.recover(&[], true).unwrap();
    let record = committer.plan(epoch(1), &[]).unwrap();
    committer.apply(&record).unwrap();
    assert_eq!(text(directory.path()), "name\n");
}

#[test]
fn a_crash_before_the_first_checkpoint_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let sink = sink(directory.path());
    let mut a = writer(&sink, 0);
    write(&mut *a, &["ada"]);
    a.prepare(epoch(1))().unwrap();
    fs::write(directory.path().join(".out.csv.swp"), "an editor's").unwrap();
    assert_eq!(snapshot(directory.path()).len(), 2);
    committer(&sink, &[]).unwrap();
    assert_eq!(snapshot(directory.path()).into_keys().collect::<Vec<_>>(), [".out.csv.swp"]);
}

#[test]
fn rows_of_a_failed_epoch_come_with_the_next_before_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let sink = sink(directory.path());
    let mut committer = committer(&sink, &[]).unwrap();
    let (mut a, mut b) = (writer(&sink, 0), writer(&sink, 1));
    write(&mut *b, &["first"]);
    let failed = [(0, a.prepare(epoch(1))().unwrap()), (1, b.prepare(epoch(1))().unwrap())];
    committer.plan(epoch(1), &failed).unwrap();
    write(&mut *a, &["second"]);
    let values = [(0, a.prepare(epoch(2))().unwrap()), (1, b.prepare(epoch(2))().unwrap())];
    let record = committer.plan(epoch(2), &values).unwrap();
    committer.apply(&record).unwrap();
    assert_eq!(text(directory.path()), "name\nfirst\nsecond\n");
}

#[test]
fn a_file_is_there_from_the_first_epoch_on_even_without_a_row() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/out.jsonl");
    let sink = FileSink::<u64>::json(&path);
    let mut committer = sink.committer().unwrap().unwrap();
    committer.recover(&[], false).unwrap();
    assert!(!path.exists());
    let record = committer.plan(epoch(1), &[(0, Value::Null)]).unwrap();
    committer.apply(&record).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[test]
fn the_header_made_from_the_first_row_is_written_once() {
    #[derive(serde::Serialize)]
    struct Hit {
        page: &'static str,
        hits: u64,
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hits.csv");
    let sink = FileSink::<Hit>::csv(&path);
    let mut committer = sink.committer().unwrap().unwrap();
    committer.recover(&[], false).unwrap();
    let context = SinkContext { uid: "sink".to_owned(), subtask: 0, parallelism: 1 };
    let mut writer = sink.writer(&context).unwrap();
    for count in 1..=3 {
        if count > 1 {
            writer.write(Hit { page: "/", hits: count }, Timestamp::MIN).unwrap();
        }
        let value = writer.prepare(epoch(count))().unwrap();
        let record = committer.plan(epoch(count), &[(0, value)]).unwrap();
        committer.apply(&record).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "page,hits\n/,2\n/,3\n");
}

#[test]
fn a_record_of_another_kind_of_sink_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let message = refusal(committer(&sink(directory.path()), &[serde_json::json!([1])]));
    assert!(message.contains("another kind of sink"), "{message}");
}

#[test]
fn going_back_on_demand_cuts_the_file_and_only_to_what_was_committed() {
    let Prepared { files, records } = prepared();
    let directory = restore(&files);
    let mut committer = committer(&sink(directory.path()), &records).unwrap();
    assert_eq!(text(directory.path()), BOTH);
    for _ in 0..2 {
        committer.may_rewind(&records[..1]).unwrap();
        committer.rewind(&records[..1]).unwrap();
        assert_eq!(text(directory.path()), FIRST);
        committer.recover(&records[..1], false).unwrap();
        assert_eq!(snapshot(directory.path()).len(), 1);
    }
    fs::write(directory.path().join("out.csv"), "na").unwrap();
    let refused = committer.may_rewind(&records[..1]).unwrap_err();
    assert!(refused.to_string().contains("has 2 bytes"), "{refused}");
}
