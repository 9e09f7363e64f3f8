//! Whatever happens to the bytes of a savepoint is found, and a writer leaves a whole one or none.

use super::{Content, Error, Header, Savepoint, StateEntry, Writer};
use crate::checkpoint::{OperatorEntry, SubtaskEntry};
use crate::record::Epoch;
use proptest::prelude::*;
use std::fs;
use std::path::Path;

fn content() -> Content {
    let state = serde_json::json!({"operator": "carts", "name": "cart", "signature": "value u8 -> u8 in postcard 1"});
    let state: StateEntry = serde_json::from_value(state).unwrap();
    let subtask = SubtaskEntry {
        chain: "carts".into(),
        index: 0,
        clock: 7,
        now: 8,
        watermarks: [("source".into(), 7)].into(),
        splits: Vec::new(),
        operators: Default::default(),
    };
    Content {
        operators: vec![OperatorEntry { uid: "carts".into(), kind: "process".into(), parallelism: 1 }],
        states: vec![state],
        subtasks: vec![subtask],
        sinks: Default::default(),
    }
}

fn begin(path: &Path) -> Writer {
    let header = Header { job: "shop".into(), created_at: 1_000, engine: "0.1.0".into(), epoch: Epoch::new(2, 3) };
    let mut writer = Writer::create(path).unwrap();
    writer.begin(&header, &content()).unwrap();
    writer
}

/// A savepoint of some groups with some entries each.
fn write(path: &Path, entries: u8, large: usize) -> Savepoint {
    let mut writer = begin(path);
    for group in [3, 90] {
        for key in 0..entries {
            writer.push(0, group, &[key], &vec![key; 1 + large]).unwrap();
        }
    }
    writer.finish().unwrap()
}

fn check(path: &Path) -> Result<(), Error> {
    Savepoint::open(path)?.verify()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn what_is_written_is_read_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let savepoint = write(&dir.path().join("a.savepoint"), 20, 300_000);
    savepoint.verify().unwrap();
    let (info, mut seen) = (savepoint.info(), Vec::new());
    assert_eq!((info.job.as_str(), info.entries, info.epoch.as_str()), ("shop", 40, &*Epoch::new(2, 3).to_string()));
    let visit = |key: &[u8], value: &[u8]| {
        seen.push((key.to_vec(), value.len()));
        Ok::<(), Error>(())
    };
    savepoint.entries(0, 90, visit).unwrap();
    assert_eq!(seen, (0..20).map(|key| (vec![key], 300_001)).collect::<Vec<_>>());
    assert_eq!(savepoint.content(), &content());
}

#[test]
fn every_changed_byte_and_every_cut_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (good, bad) = (dir.path().join("good.savepoint"), dir.path().join("bad.savepoint"));
    write(&good, 3, 0);
    let bytes = fs::read(&good).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&bad, &changed).unwrap();
        assert!(check(&bad).is_err(), "byte {at} of {} has changed", bytes.len());
        fs::write(&bad, &bytes[..at]).unwrap();
        assert!(check(&bad).is_err(), "cut at {at}");
    }
    fs::write(&bad, [bytes.as_slice(), &[0]].concat()).unwrap();
    assert!(check(&bad).is_err(), "a byte more");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damage_anywhere_is_found(
        entries in 0..30_u8,
        at in any::<prop::sample::Index>(),
        change in 1..=255_u8,
        cut in any::<bool>(),
        moved in any::<prop::sample::Index>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.savepoint");
        write(&path, entries, 10);
        let bytes = fs::read(&path).unwrap();
        let (at, from) = (at.index(bytes.len()), moved.index(bytes.len()));
        let mut changed = bytes.clone();
        if cut {
            changed.truncate(at);
        } else {
            changed[at] ^= change;
        }
        fs::write(&path, &changed).unwrap();
        prop_assert!(check(&path).is_err());
        // Parts that are whole, but stand elsewhere.
        let mut swapped = bytes.clone();
        swapped.rotate_left(from);
        if swapped != bytes {
            fs::write(&path, &swapped).unwrap();
            prop_assert!(check(&path).is_err());
        }
    }
}

#[test]
fn a_writer_that_is_given_up_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.savepoint");
    let mut writer = begin(&path);
    (0..5).for_each(|key| writer.push(0, 1, &[key], &[0; 1 << 19]).unwrap());
    assert_eq!(names(dir.path()), ["a.savepoint.partial"]);
    assert!(matches!(Writer::create(&path), Err(Error::Busy { .. })));
    drop(writer);
    assert_eq!(names(dir.path()), [] as [&str; 0]);
}

#[test]
fn what_a_killed_process_has_left_is_written_over_and_a_savepoint_never_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.savepoint");
    fs::write(dir.path().join("a.savepoint.partial"), vec![7; 1 << 20]).unwrap();
    write(&path, 3, 0).verify().unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(Writer::create(&path), Err(Error::Exists { .. })));
    assert_eq!((fs::read(&path).unwrap(), names(dir.path())), (before, vec!["a.savepoint".to_owned()]));
}

#[test]
fn a_newer_format_is_refused_by_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.savepoint");
    write(&path, 1, 0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 2;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(check(&path), Err(Error::NewerFormat { found: 2, known: 1, .. })));
}

#[test]
fn savepoints_are_listed_and_deleted_and_nothing_else_is() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, broken, other) = ("a.savepoint", "b.savepoint", "notes.txt");
    let at = |name: &str| dir.path().join(name);
    write(&at(whole), 1, 0);
    let bytes = fs::read(at(whole)).unwrap();
    fs::write(at(broken), &bytes[..40]).unwrap();
    fs::write(at(other), "keep me, I am no savepoint").unwrap();
    let listed = super::list(dir.path()).unwrap();
    let shown: Vec<_> = listed.iter().map(|listed| (listed.path.clone(), listed.info.is_ok())).collect();
    assert_eq!(shown, [(at(whole), true), (at(broken), false)]);
    assert!(super::delete(at(other)).is_err());
    super::delete(at(whole)).unwrap();
    super::delete(at(broken)).unwrap();
    assert_eq!(names(dir.path()), [other]);
}
