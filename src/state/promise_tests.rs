//! What the room promises, one test for each.

use super::disk::META;
use super::testkit::{check_base, checkpoint, create, epoch, identity, open};
use super::*;
use crate::fault::{Fault, Faulty as _};
use crate::record::{Epoch, Key, KeyGroup};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A file with one epoch of `count` values.
fn file_of(path: &Path, count: u64) {
    let mut store = create(path);
    let values = store.value::<u64, String>("cart").unwrap();
    (0..count).for_each(|i| values.put(Keyed::of(&i), format!("value {i}")).unwrap());
    checkpoint(&mut store, 1).unwrap();
}

#[test]
fn what_a_failed_flush_held_goes_out_with_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let mut store = create(&path);
    let values = store.value::<u64, u64>("cart").unwrap();
    values.put(Keyed::of(&1), 1).unwrap();
    values.put(Keyed::of(&2), 1).unwrap();
    store.faults().fail_after(0);
    checkpoint(&mut store, 1).unwrap_err();
    values.put(Keyed::of(&2), 2).unwrap();
    checkpoint(&mut store, 2).unwrap_err();
    store.faults().mend();
    checkpoint(&mut store, 3).unwrap();
    drop((store, values));
    let values = open(&path, epoch(3)).unwrap().value::<u64, u64>("cart").unwrap();
    assert_eq!([1, 2].map(|key| values.get(Keyed::of(&key)).unwrap()), [Some(1), Some(2)]);
}

#[test]
fn state_may_be_much_larger_than_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let options = StoreOptions { memory: 60_000, ..Default::default() };
    let mut store = Store::create(&path, &identity(0, 0), options.clone()).unwrap();
    let values = store.value::<u64, u64>("cart").unwrap();
    let most = std::cell::Cell::new(0);
    let relieve = |store: &mut Store| {
        if let Relief::Spill(flush) = store.relieve() {
            store.flushed(flush.run());
        }
        let memory = store.memory();
        most.set(most.get().max(memory.cached + memory.dirty + memory.frozen));
    };
    for i in 0..10_000_u64 {
        values.put(Keyed::of(&i), i).unwrap();
        if i % 100 == 0 {
            relieve(&mut store);
        }
    }
    checkpoint(&mut store, 1).unwrap();
    for i in (0..10_000_u64).step_by(97) {
        values.update(Keyed::of(&i), || panic!("{i} is gone"), |v| *v += 1).unwrap();
        relieve(&mut store);
    }
    assert!(most.get() < 90_000, "{most:?}");
    checkpoint(&mut store, 2).unwrap();
    drop((store, values));
    let mut store = Store::open(&path, &identity(0, 0), epoch(2), epoch(2), options).unwrap();
    let values = store.value::<u64, u64>("cart").unwrap();
    assert!(store.memory().cached < 90_000);
    for i in (0..10_000_u64).step_by(7) {
        assert_eq!(values.get(Keyed::of(&i)).unwrap(), Some(i + u64::from(i % 97 == 0)));
        relieve(&mut store);
    }
    assert!(store.unforeseen_reads() > 700);
}

#[test]
fn a_new_key_costs_no_read_while_the_state_fits() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = create(&dir.path().join("0.redb"));
    let values = store.value::<u64, u64>("cart").unwrap();
    (0..1000).for_each(|i| values.put(Keyed::of(&i), i).unwrap());
    checkpoint(&mut store, 1).unwrap();
    (500..2000).for_each(|i| values.put(Keyed::of(&i), i).unwrap());
    assert_eq!(store.unforeseen_reads(), 0);
}

#[test]
fn an_epoch_that_was_folded_is_refused_and_one_that_was_not_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let mut store = create(&path);
    let values = store.value::<u64, u64>("cart").unwrap();
    for count in 1..=20 {
        values.put(Keyed::of(&count), count).unwrap();
        checkpoint(&mut store, count).unwrap();
    }
    let fold = store.free(epoch(15)).expect("15 runs are folded");
    store.folded(fold.run());
    drop((store, values));
    let error = open(&path, epoch(14)).unwrap_err();
    assert!(matches!(error, Error::Folded { folded, .. } if folded == epoch(15)), "{error}");
    let values = open(&path, epoch(16)).unwrap().value::<u64, u64>("cart").unwrap();
    assert_eq!([15, 16, 17].map(|key| values.get(Keyed::of(&key)).unwrap()), [Some(15), Some(16), None]);
}

/// Every value, map entry, list and timer of some subtasks' files.
#[derive(Debug, Default, PartialEq)]
struct Contents(BTreeMap<u64, Held>);

type Held = (Option<u32>, Vec<(String, u8)>, Vec<u16>, bool);
type Handles<K> = (ValueState<K, u32>, MapState<K, String, u8>, ListState<K, u16>, Timers<K>);

fn handles<K: Key>(store: &mut Store, swapped: bool) -> Handles<K> {
    // The order of registration gives the states their numbers.
    let first = swapped.then(|| store.timers("timers").unwrap());
    let (values, maps, lists) =
        (store.value("values").unwrap(), store.map("maps").unwrap(), store.list("lists").unwrap());
    (values, maps, lists, first.unwrap_or_else(|| store.timers("timers").unwrap()))
}

fn contents(files: &[(PathBuf, Identity, Epoch)]) -> Contents {
    let mut contents = Contents::default();
    for (i, (path, identity, at)) in files.iter().enumerate() {
        let mut store = Store::open(path, identity, *at, *at, StoreOptions::default()).unwrap();
        let (values, maps, lists, timers) = handles::<u64>(&mut store, false);
        let due: Vec<u64> =
            timers.drain_first(crate::time::Timestamp::MAX).unwrap().unwrap().1.iter().map(|x| x.1).collect();
        for key in 0..2000_u64 {
            let keyed = Keyed::of(&key);
            if KeyGroup::of(keyed.hash).subtask(files.len()) == i {
                let list = lists.take(keyed).unwrap();
                let entry = (values.get(keyed).unwrap(), maps.entries(keyed).unwrap(), list, due.contains(&key));
                contents.0.insert(key, entry);
            } else {
                assert_eq!(values.get(keyed).unwrap(), None);
            }
        }
    }
    contents
}

#[test]
fn rescaling_keeps_everything() {
    let dir = tempfile::tempdir().unwrap();
    let file = |generation: u64, subtask: usize| {
        (dir.path().join(format!("{generation}-{subtask}.redb")), identity(subtask, generation))
    };
    let (path, first) = file(0, 0);
    let mut store = Store::create(&path, &first, StoreOptions::default()).unwrap();
    let (values, maps, lists, timers) = handles::<u64>(&mut store, true);
    for count in 1..=3_u32 {
        for key in (0..2000_u64).filter(|key| key % u64::from(count) == 0) {
            let keyed = Keyed::of(&key);
            values.put(keyed, count * 1000 + key as u32).unwrap();
            maps.put(keyed, format!("{}", key % 7 + u64::from(count)), count as u8).unwrap();
            lists.push(keyed, key as u16).unwrap();
            timers.set(crate::time::Timestamp::EPOCH, keyed).unwrap();
            if count == 2 && key % 5 == 0 {
                maps.clear(keyed).unwrap();
                lists.clear(keyed).unwrap();
                values.remove(keyed).unwrap();
            }
        }
        checkpoint(&mut store, count.into()).unwrap();
    }
    // A younger epoch that does not count.
    values.put(Keyed::of(&1), 0).unwrap();
    checkpoint(&mut store, 4).unwrap();
    drop((store, values, maps, lists, timers));

    let mut old = vec![(path, first, epoch(3))];
    let copy = dir.path().join("copy.redb");
    fs::copy(&old[0].0, &copy).unwrap();
    let expected = contents(&[(copy, old[0].1.clone(), epoch(3))]);
    assert!(expected.0.values().any(|entry| entry.0.is_none()) && expected.0.values().any(|entry| entry.2.len() == 2));
    for (generation, parallelism) in [(1, 2), (2, 3), (3, 1)] {
        let mut new = Vec::new();
        for subtask in 0..parallelism {
            let (path, identity) = file(generation, subtask);
            rescale(&old, &path, &identity, KeyGroup::range(subtask, parallelism), epoch(3), Survives::PowerLoss)
                .unwrap();
            new.push((path, identity, epoch(3)));
        }
        assert_eq!(contents(&new), expected, "{parallelism} subtasks");
        new.iter().for_each(|(path, ..)| assert!(check_base(path) > 0));
        old = new;
    }
}

#[test]
fn states_find_each_other_by_name_when_files_number_them_differently() {
    let dir = tempfile::tempdir().unwrap();
    let mut old = Vec::new();
    for subtask in 0..2 {
        let (path, identity) = (dir.path().join(subtask.to_string()), identity(subtask, 0));
        let mut store = Store::create(&path, &identity, StoreOptions::default()).unwrap();
        let mut names = ["a", "b"];
        names.rotate_left(subtask);
        for name in names {
            let values = store.value::<u64, String>(name).unwrap();
            for key in 0..100 {
                let keyed = Keyed::of(&key);
                if KeyGroup::of(keyed.hash).subtask(2) == subtask {
                    values.put(keyed, format!("{name}{key}")).unwrap();
                }
            }
        }
        checkpoint(&mut store, 1).unwrap();
        old.push((path, identity, epoch(1)));
    }
    let path = dir.path().join("new");
    rescale(&old, &path, &identity(0, 1), 0..KeyGroup::COUNT, epoch(1), Survives::PowerLoss).unwrap();
    let mut store = Store::open(&path, &identity(0, 1), epoch(1), epoch(1), StoreOptions::default()).unwrap();
    for name in ["b", "a"] {
        let values = store.value::<u64, String>(name).unwrap();
        (0..100).for_each(|key| assert_eq!(values.get(Keyed::of(&key)).unwrap(), Some(format!("{name}{key}"))));
    }
}

#[test]
fn files_that_overlap_cannot_be_rescaled() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["a", "b"].map(|name| dir.path().join(name));
    paths.iter().for_each(|path| file_of(path, 10));
    let old = paths.map(|path| (path, identity(0, 0), epoch(1)));
    let error =
        rescale(&old, &dir.path().join("new"), &identity(0, 1), 0..128, epoch(1), Survives::PowerLoss).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

/// A file whose last transaction was damaged went back to the one before, and nobody noticed when it was rescaled.
#[test]
fn an_older_copy_cannot_be_rescaled() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    file_of(&path, 10);
    let old = [(path, identity(0, 0), epoch(2))];
    let error =
        rescale(&old, &dir.path().join("new"), &identity(0, 1), 0..128, epoch(2), Survives::PowerLoss).unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error}");
}

#[test]
fn what_is_not_ours_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    file_of(&path, 10);
    let named = |error: Error, words: &[&str]| {
        let text = error.to_string();
        assert_eq!(error.fault(), Fault::User, "{text}");
        assert!(text.starts_with(path.to_str().unwrap()) && words.iter().all(|word| text.contains(word)), "{text}");
    };
    let options = StoreOptions::default();
    let other = Identity { job_id: 0xdef, ..identity(0, 0) };
    let error = Store::open(&path, &other, epoch(1), epoch(1), options.clone()).unwrap_err();
    named(error, &["0000000000000abc", "0000000000000def", "checkout"]);
    named(Store::open(&path, &identity(1, 0), epoch(1), epoch(1), options.clone()).unwrap_err(), &["subtask 1"]);
    named(
        Store::open(&path, &identity(0, 0), epoch(9), epoch(2), options.clone()).unwrap_err(),
        &["1.1", "1.2", "older"],
    );
    named(Store::create(&path, &identity(0, 0), options).unwrap_err(), &["exists"]);

    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert("format", 2_u32.to_le_bytes().as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    named(open(&path, epoch(1)).unwrap_err(), &["format 2", "formats up to 1"]);
}

#[test]
fn a_state_of_another_type_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    file_of(&path, 10);
    let mut store = open(&path, epoch(1)).unwrap();
    let error = store.value::<u64, u64>("cart").map(drop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "state `cart` of operator `checkout` was written as String, and cannot be read as u64: \
         invalid type: string \"value 3\", expected u64; give a field that was added a `#[serde(default)]`, register a \
         migration, or rename the state"
    );
    let error = store.list::<u64, String>("cart").map(drop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "state `cart` of operator `checkout` was written as value u64 -> alloc::string::String in postcard 1, \
         is now read as list u64 -> alloc::string::String in postcard 1; rename it or migrate it"
    );
    store.value::<u64, String>("cart").unwrap();
    assert!(matches!(store.value::<u64, String>("cart").map(drop), Err(Error::Twice { .. })));
    for i in 1..256 {
        store.value::<u64, ()>(&format!("state {i}")).unwrap();
    }
    assert!(matches!(store.value::<u64, ()>("one more").map(drop), Err(Error::TooMany { .. })));
}

#[test]
fn a_file_is_used_by_one_store_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    file_of(&path, 10);
    let _store = open(&path, epoch(1)).unwrap();
    let error = open(&path, epoch(1)).unwrap_err();
    assert!(matches!(error, Error::InUse { .. }) && error.fault() == Fault::External, "{error}");
}

/// Reads all of a file; a panic would fail the test.
fn read_all(path: &Path) -> Result<Vec<Option<String>>, Error> {
    let mut store = open(path, epoch(1))?;
    let values = store.value::<u64, String>("cart")?;
    (0..2000).map(|i| values.get(Keyed::of(&i))).collect()
}

#[test]
fn damage_is_an_error_that_names_the_file_or_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    file_of(&path, 2000);
    let good = fs::read(&path).unwrap();
    let expected = read_all(&path).unwrap();
    let damaged = dir.path().join("1.redb");
    let check = |bytes: &[u8], what: &str| {
        fs::write(&damaged, bytes).unwrap();
        match read_all(&damaged) {
            Ok(found) => assert_eq!(found, expected, "{what}"),
            Err(error) => {
                assert!(error.to_string().starts_with(damaged.to_str().unwrap()), "{what}: {error}");
                return true;
            }
        }
        false
    };
    let mut noticed = 0;
    for i in (0..good.len()).step_by(good.len() / 150) {
        let mut bytes = good.clone();
        bytes[i] ^= 0x10;
        noticed += usize::from(check(&bytes, &format!("byte {i} changed")));
    }
    assert!(noticed > 2, "{noticed}");
    for i in [1, 100, 4096, good.len() / 2, good.len() - 1] {
        assert!(check(&good[..i], &format!("cut at {i}")));
    }
    for bytes in [b"".as_slice(), b"not a database at all", &[0; 100_000]] {
        fs::write(&damaged, bytes).unwrap();
        assert!(matches!(read_all(&damaged), Err(Error::Corrupt { .. })), "{} bytes", bytes.len());
        assert!(
            matches!(JobFile::open(&damaged, Survives::PowerLoss), Err(Error::Corrupt { .. })),
            "{} bytes",
            bytes.len()
        );
    }
    assert!(
        matches!(JobFile::open(&path, Survives::PowerLoss), Err(Error::Corrupt { .. })),
        "a state file is no job file"
    );
}

#[test]
fn a_value_that_cannot_be_written_is_the_users_fault_and_never_acknowledged() {
    #[derive(Clone, serde::Deserialize)]
    struct Odd(u8);
    impl serde::Serialize for Odd {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0 == 13 { Err(serde::ser::Error::custom("no thirteen")) } else { serializer.serialize_u8(self.0) }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let mut store = create(&path);
    let values = store.value::<u8, Odd>("odd").unwrap();
    (10..16).for_each(|i| values.put(Keyed::of(&i), Odd(i)).unwrap());
    for count in 1..3 {
        let outcome = store.hand_off(epoch(count)).unwrap().run();
        let error = outcome.result().unwrap_err();
        assert!(error.fault() == Fault::User && error.to_string().contains("`odd`"), "{error}");
        store.flushed(outcome);
    }
    values.put(Keyed::of(&13), Odd(14)).unwrap();
    checkpoint(&mut store, 3).unwrap();
    drop((store, values));
    let values = open(&path, epoch(3)).unwrap().value::<u8, Odd>("odd").unwrap();
    let found: Vec<_> = (10..16).map(|i| values.get(Keyed::of(&i)).unwrap().map(|odd| odd.0)).collect();
    assert_eq!(found, [10, 11, 12, 14, 14, 15].map(Some));
}
