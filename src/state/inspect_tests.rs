//! What an inspector shows is what the store holds, whatever happened to the file.

use super::testkit::{checkpoint, create, epoch, identity, open};
use super::*;
use crate::time::{Timestamp, hours};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(second)
}

/// All entries of a state: time in seconds, key, key in the map, value, and stamp in seconds.
fn shown(inspector: &Inspector, state: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let seconds = |time: Option<Timestamp>| time.map(|time| time.millis() / 1000);
    let visit = |entry: &StateEntry| {
        assert_eq!(entry.unread, None);
        all.push(json!([seconds(entry.time), entry.key, entry.map_key, entry.value, seconds(entry.last_used)]));
        Ok::<(), Error>(())
    };
    inspector.visit(state, visit).unwrap();
    all.sort_by_key(ToString::to_string);
    all
}

fn look(path: &Path, count: u64) -> Result<Inspector, Error> {
    Inspector::open(path, &identity(0, 0), epoch(count), epoch(count))
}

/// A state of each kind, written in two epochs.
fn fill(store: &mut Store) {
    let stamp = Stamp::new();
    let ttl = Ttl::after(hours(1));
    let value = store.value::<String, (u8, Option<char>)>("value").unwrap();
    let windowed = store.windowed_value::<u8, i64>("windowed").unwrap();
    let windowed_list = store.windowed_list::<u8, u16>("windowed list").unwrap();
    let timers = store.timers::<u8>("timers").unwrap();
    let map = store.map::<u8, String, f64>("map").unwrap();
    let list = store.list::<u8, bool>("list").unwrap();
    let aged = store.value_with_ttl::<u8, u8>("aged", ttl, &stamp).unwrap();
    let aged_map = store.map_with_ttl::<u8, u8, u8>("aged map", ttl, &stamp).unwrap();
    let aged_list = store.list_with_ttl::<u8, u8>("aged list", ttl, &stamp).unwrap();
    for count in 1..=2_u8 {
        stamp.advance(at(count.into()));
        value.put(Keyed::of(&"ada".to_owned()), (count, Some('x'))).unwrap();
        windowed.put(at(60), Keyed::of(&7), -3).unwrap();
        windowed.put(at(-60), Keyed::of(&7), i64::from(count)).unwrap();
        windowed_list.push(at(60), Keyed::of(&7), 1000 + u16::from(count)).unwrap();
        timers.set(at(i64::from(count) * 10), Keyed::of(&7)).unwrap();
        map.put(Keyed::of(&7), count.to_string(), 0.5).unwrap();
        list.push(Keyed::of(&7), count == 1).unwrap();
        aged.put(Keyed::of(&count), count).unwrap();
        aged_map.put(Keyed::of(&7), count, count).unwrap();
        aged_list.push(Keyed::of(&7), count).unwrap();
        checkpoint(store, count.into()).unwrap();
    }
}

fn check(inspector: &Inspector) {
    let expected = [
        ("value", "value String -> (u8, Option<char>)", json!([[null, "ada", null, [2, "x"], null]])),
        ("windowed", "windowed value u8 -> i64", json!([[-60, 7, null, 2, null], [60, 7, null, -3, null]])),
        ("windowed list", "windowed list u8 -> u16", json!([[60, 7, null, [1001, 1002], null]])),
        ("timers", "timers u8 -> ()", json!([[10, 7, null, null, null], [20, 7, null, null, null]])),
        ("map", "map u8 -> String -> f64", json!([[null, 7, "1", 0.5, null], [null, 7, "2", 0.5, null]])),
        ("list", "list u8 -> bool", json!([[null, 7, null, [true, false], null]])),
        ("aged", "value with ttl u8 -> u8", json!([[null, 1, null, 1, 1], [null, 2, null, 2, 2]])),
        ("aged map", "map with ttl u8 -> u8 -> u8", json!([[null, 7, 1, 1, 1], [null, 7, 2, 2, 2]])),
        ("aged list", "list with ttl u8 -> u8", json!([[null, 7, null, [1, 2], 2]])),
    ];
    let states = inspector.states();
    assert_eq!(states.len(), expected.len());
    for (state, (name, types, entries)) in states.iter().zip(expected) {
        assert_eq!((state.name.as_str(), state.types.as_str()), (name, types));
        assert!(types.starts_with(&state.kind));
        assert_eq!(Value::Array(shown(inspector, name)), entries, "{name}");
        assert_eq!(inspector.tally(name).unwrap().entries, entries.as_array().unwrap().len() as u64);
    }
    let tally = inspector.tally("map").unwrap();
    assert_eq!((tally.entries, tally.keys, tally.bytes), (2, 1, 2 * (1 + 2 + 8)));
}

#[test]
fn every_kind_of_state_is_shown_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let mut store = create(&path);
    fill(&mut store);
    check(&store.inspector(epoch(2)).unwrap());
    // What a process that was killed would have left: not closed.
    let killed = dir.path().join("killed.redb");
    fs::copy(&path, &killed).unwrap();
    let before = fs::read(&killed).unwrap();
    check(&look(&killed, 2).unwrap());
    assert!(fs::read(&killed).unwrap() == before, "the file was changed");

    drop(store);
    let before = fs::read(&path).unwrap();
    check(&look(&path, 2).unwrap());
    assert!(fs::read(&path).unwrap() == before, "the file was changed");
    assert_eq!(shown(&look(&path, 1).unwrap(), "timers"), [json!([10, 7, null, null, null])]);
    assert_eq!(open(&path, epoch(2)).unwrap().value::<u8, u8>("other").unwrap().get(Keyed::of(&1)).unwrap(), None);
}

#[test]
fn an_entry_that_is_not_what_its_shape_says_is_told_and_hides_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let (path, made) = (dir.path().join("0.redb"), dir.path().join("1.redb"));
    let mut store = create(&path);
    store.value::<u8, (u8, bool)>("value").unwrap().put(Keyed::of(&7), (1, true)).unwrap();
    checkpoint(&mut store, 1).unwrap();
    let declarations = store.export(epoch(1)).unwrap().declarations().to_vec();
    let mut import = Import::create(&made, &identity(0, 0), &declarations, Survives::ProcessDeath).unwrap();
    for (key, value) in
        [(&[] as &[u8], &[1_u8, 1] as &[u8]), (&[5], &[1, 9]), (&[6], &[1]), (&[7], &[1, 1, 1]), (&[8, 8], &[3, 0])]
    {
        import.push(3, 0, key, value).unwrap();
    }
    import.finish(epoch(1)).unwrap();
    let mut all = Vec::new();
    let visit = |entry: &StateEntry| {
        all.push(json!([entry.key, entry.value, entry.unread.as_deref().and_then(|unread| unread.split(':').next())]));
        Ok::<(), Error>(())
    };
    look(&made, 1).unwrap().visit("value", visit).unwrap();
    let expected = json!([
        ["", [1, true], "key"],
        [5, "0109", "value"],
        [6, "01", "value"],
        [7, "010101", "value"],
        [8, [3, false], "key"],
    ]);
    assert_eq!(Value::Array(all), expected);
}

#[test]
fn types_that_tell_no_shape_are_shown_as_bytes() {
    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u8),
    }
    let dir = tempfile::tempdir().unwrap();
    let mut store = create(&dir.path().join("0.redb"));
    store.list::<u8, Untagged>("list").unwrap().push(Keyed::of(&7), Untagged::Number(255)).unwrap();
    checkpoint(&mut store, 1).unwrap();
    let visit = |entry: &StateEntry| {
        assert_eq!((&entry.key, &entry.value), (&json!(7), &json!("01ff")));
        assert_eq!(entry.unread.as_deref(), Some("value: its shape is not known"));
        Ok::<(), Error>(())
    };
    store.inspector(epoch(1)).unwrap().visit("list", visit).unwrap();
}

#[test]
fn a_damaged_file_is_refused_by_name_and_never_panics() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let mut store = create(&path);
    fill(&mut store);
    drop(store);
    let whole = fs::read(&path).unwrap();
    let mut refused = 0;
    for place in (0..whole.len()).step_by(4096 / 3) {
        let mut damaged = whole.clone();
        damaged[place..].iter_mut().take(300).for_each(|byte| *byte ^= 0x55);
        fs::write(&path, &damaged).unwrap();
        let tallied = look(&path, 2).and_then(|inspector| {
            inspector.states().iter().try_for_each(|state| inspector.tally(&state.name).map(drop))
        });
        if let Err(error) = tallied {
            refused += 1;
            assert!(error.to_string().contains("0.redb: "), "{error}");
        }
    }
    assert!(refused > 0);
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(look(&path, 2).unwrap_err().to_string().contains("0.redb: "));
    fs::remove_file(&path).unwrap();
    assert!(look(&path, 2).unwrap_err().to_string().contains("the file is missing"));
}
