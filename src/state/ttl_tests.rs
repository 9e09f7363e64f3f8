//! Time to live: exact to the millisecond, across every way to lose and find state, and against a naive model.

use super::testkit::{check_base, checkpoint, create, epoch, identity, open};
use super::*;
use crate::record::{Epoch, KeyGroup};
use crate::time::{Timestamp, millis};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The time to live of all states here.
const TTL: i64 = 100;

fn at(time: i64) -> Timestamp {
    Timestamp::from_millis(time)
}

struct Handles {
    stamp: Stamp,
    values: ValueState<u64, u32>,
    maps: MapState<u64, u8, u32>,
    lists: ListState<u64, u32>,
}

fn handles(store: &mut Store, now: i64, on_read: bool) -> Handles {
    let ttl = Ttl::after(millis(TTL as u64));
    let ttl = if on_read { ttl.refreshed_on_read() } else { ttl };
    let stamp = Stamp::new();
    stamp.advance(at(now));
    Handles {
        values: store.value_with_ttl("values", ttl, &stamp).unwrap(),
        maps: store.map_with_ttl("maps", ttl, &stamp).unwrap(),
        lists: store.list_with_ttl("lists", ttl, &stamp).unwrap(),
        stamp,
    }
}

impl Handles {
    /// All there is to see of a key.
    fn of(&self, key: u64) -> (Option<u32>, Vec<(u8, u32)>, Vec<u32>) {
        let key = Keyed::of(&key);
        let list = self.lists.with(key, <[u32]>::to_vec).unwrap();
        (self.values.get(key).unwrap(), self.maps.entries(key).unwrap(), list)
    }
}

#[test]
fn state_vanishes_at_the_instant_of_its_last_write_plus_its_time_to_live() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = create(&dir.path().join("0.redb"));
    let Handles { stamp, values, maps, lists } = handles(&mut store, 1000, false);
    let key = Keyed::of(&1);
    values.put(key, 1).unwrap();
    maps.put(key, 1, 1).unwrap();
    lists.push(key, 1).unwrap();
    stamp.advance(at(1050));
    maps.put(key, 2, 2).unwrap();
    lists.push(key, 2).unwrap();
    stamp.advance(at(1099));
    assert_eq!(values.get(key).unwrap(), Some(1));
    assert_eq!(maps.entries(key).unwrap(), [(1, 1), (2, 2)]);
    lists.with(key, |items| assert_eq!(items, [1, 2])).unwrap();
    stamp.advance(at(1100));
    assert_eq!((values.get(key).unwrap(), values.remove(key).unwrap()), (None, None));
    assert_eq!((maps.get(key, &1).unwrap(), maps.remove(key, &1).unwrap(), maps.len(key).unwrap()), (None, None, 1));
    assert_eq!(maps.first_in(key, ..).unwrap(), Some((2, 2)));
    assert_eq!(maps.last_in(key, ..2).unwrap(), None);
    assert_eq!(maps.update_last(key, ..2, |_, _| ()).unwrap(), None);
    lists.with(key, |items| assert_eq!(items, [2])).unwrap();
    // What is over is made anew, not changed.
    assert_eq!(values.update(key, || 7, |value| *value).unwrap(), 7);
    assert_eq!(maps.update(key, 1, || 8, |value| *value).unwrap(), 8);
    stamp.advance(at(1150));
    assert_eq!(maps.remove_first_if(key, |map_key, _| *map_key == 2).unwrap(), None);
    assert_eq!(maps.entries(key).unwrap(), [(1, 8)]);
    assert!(lists.take(key).unwrap().is_empty() && !maps.is_empty(key).unwrap());
    stamp.advance(at(1200));
    assert!(maps.is_empty(key).unwrap() && values.get(key).unwrap().is_none());
}

#[test]
fn reading_refreshes_where_it_is_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    for on_read in [true, false] {
        let _ = std::fs::remove_file(&path);
        let mut store = create(&path);
        let all = handles(&mut store, 0, on_read);
        all.values.put(Keyed::of(&1), 1).unwrap();
        (0..4).for_each(|i| all.maps.put(Keyed::of(&1), i, 1).unwrap());
        all.lists.push(Keyed::of(&1), 1).unwrap();
        checkpoint(&mut store, 1).unwrap();
        all.lists.push(Keyed::of(&1), 2).unwrap();
        checkpoint(&mut store, 2).unwrap();
        all.stamp.advance(at(60));
        all.values.with(Keyed::of(&1), |_| ()).unwrap();
        all.maps.range(Keyed::of(&1), 1..3).unwrap();
        all.lists.with(Keyed::of(&1), |_| ()).unwrap();
        checkpoint(&mut store, 3).unwrap();
        drop((store, all));
        // Without refreshing, the last epoch changed nothing.
        let options = StoreOptions::default();
        let mut store = Store::open(&path, &identity(0, 0), epoch(3), epoch(2), options).unwrap();
        let all = handles(&mut store, 159, on_read);
        let expected = if on_read { (Some(1), vec![(1, 1), (2, 1)], vec![1, 2]) } else { (None, vec![], vec![]) };
        assert_eq!(all.of(1), expected);
    }
}

#[test]
fn stamps_survive_a_restore_and_a_rescale() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let mut store = create(&path);
    let all = handles(&mut store, 0, false);
    for key in 0..200 {
        all.stamp.advance(at(key as i64));
        all.values.put(Keyed::of(&key), 1).unwrap();
        all.maps.put(Keyed::of(&key), 1, 1).unwrap();
        all.lists.push(Keyed::of(&key), 1).unwrap();
    }
    checkpoint(&mut store, 1).unwrap();
    drop((store, all));
    let new = dir.path().join("new.redb");
    let old = [(path.clone(), identity(0, 0), epoch(1))];
    rescale(&old, &new, &identity(0, 1), 0..KeyGroup::COUNT, epoch(1), Survives::PowerLoss).unwrap();
    for (path, generation) in [(path, 0), (new, 1)] {
        let options = StoreOptions::default();
        let mut store = Store::open(&path, &identity(0, generation), epoch(1), epoch(1), options).unwrap();
        let all = handles(&mut store, 250, false);
        for key in 0..200 {
            let expected = if key <= 150 { (None, vec![], vec![]) } else { (Some(1), vec![(1, 1)], vec![1]) };
            assert_eq!(all.of(key), expected, "{key}");
        }
    }
}

/// One epoch after the other: what the job does when no record comes.
fn idle(store: &mut Store, stamp: &Stamp, from: u64, until: i64) -> u64 {
    let mut count = from;
    while stamp.now() < at(until) {
        stamp.advance(at(stamp.now().millis() + 5));
        count += 1;
        checkpoint(store, count).unwrap();
        // The youngest epoch is kept.
        if let Some(fold) = store.free(epoch(count - 1)) {
            let outcome = fold.run();
            outcome.result().unwrap();
            store.folded(outcome);
        }
        assert!(!matches!(store.relieve(), Relief::Wait));
    }
    count
}

#[test]
fn file_and_memory_let_go_of_what_is_over_though_nobody_touches_it() {
    let dir = tempfile::tempdir().unwrap();
    for memory in [64 << 20, 200_000] {
        let path = dir.path().join(format!("{memory}.redb"));
        let mut store = Store::create(&path, &identity(0, 0), StoreOptions { memory, ..Default::default() }).unwrap();
        let stamp = Stamp::new();
        let ttl = Ttl::after(millis(TTL as u64));
        let values = store.value_with_ttl::<u64, String>("values", ttl, &stamp).unwrap();
        let maps = store.map_with_ttl::<u64, u64, String>("maps", ttl, &stamp).unwrap();
        let lists = store.list_with_ttl::<u64, String>("lists", ttl, &stamp).unwrap();
        let kept = store.value::<u64, u64>("kept").unwrap();
        stamp.advance(at(0));
        let text = "x".repeat(1000);
        let fill = |keys: std::ops::Range<u64>| {
            for key in keys {
                values.put(Keyed::of(&key), text.clone()).unwrap();
                maps.put(Keyed::of(&(key / 10)), key, text.clone()).unwrap();
                lists.push(Keyed::of(&(key / 10)), text.clone()).unwrap();
            }
        };
        let mut count = 0;
        for part in 0..10 {
            fill(part * 300..part * 300 + 300);
            kept.put(Keyed::of(&part), part).unwrap();
            count += 1;
            checkpoint(&mut store, count).unwrap();
            (0..3).for_each(|_| drop(store.relieve()));
        }
        let count = idle(&mut store, &stamp, count, 60);
        let (length, used) = (std::fs::metadata(&path).unwrap().len(), store.memory().cached);
        assert!(length > 9_000_000 && store.stored_bytes() > 8_000_000, "{length}");
        assert!(used > 100_000 && (memory < 1 << 20 || used > 8_000_000), "{used}");
        // A key that lives on among those that do not.
        fill(1000..1001);
        idle(&mut store, &stamp, count, 155);
        let (bytes, used) = (store.stored_bytes(), store.memory().cached);
        assert!(bytes < 200_000 && used < 50_000, "{bytes} {used}");
        assert_eq!(values.get(Keyed::of(&1000)).unwrap().as_ref(), Some(&text));
        assert_eq!(maps.len(Keyed::of(&100)).unwrap(), 1);
        assert_eq!(lists.take(Keyed::of(&100)).unwrap().len(), 1);
        (0..10).for_each(|part| assert_eq!(kept.get(Keyed::of(&part)).unwrap(), Some(part)));
        let reads = store.unforeseen_reads();
        values.get(Keyed::of(&5)).unwrap();
        assert!(memory < 1 << 20 || store.unforeseen_reads() == reads, "a key that is over costs no read");
        idle(&mut store, &stamp, count + 100, 300);
        drop((store, values, maps, lists, kept));
        let now = std::fs::metadata(&path).unwrap().len();
        assert!(now < length / 10, "{length} bytes have become {now}");
        check_base(&path);
    }
}

#[test]
fn a_key_that_was_evicted_and_is_over_costs_no_read_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions { memory: 20_000, ..Default::default() };
    let mut store = Store::create(&dir.path().join("0.redb"), &identity(0, 0), options).unwrap();
    let all = handles(&mut store, 0, false);
    (0..2000).for_each(|key| all.values.put(Keyed::of(&key), 1).unwrap());
    checkpoint(&mut store, 1).unwrap();
    (0..3).for_each(|_| drop(store.relieve()));
    let reads = store.unforeseen_reads();
    all.values.get(Keyed::of(&5000)).unwrap();
    assert!(store.unforeseen_reads() > reads, "it may be below");
    idle(&mut store, &all.stamp, 1, 2 * TTL);
    let reads = store.unforeseen_reads();
    (0..3000).for_each(|key| assert_eq!(all.values.get(Keyed::of(&key)).unwrap(), None));
    assert_eq!(store.unforeseen_reads(), reads);
}

#[test]
fn a_time_to_live_of_nothing_is_refused_and_so_is_one_that_comes_or_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let mut store = create(&path);
    let stamp = Stamp::new();
    let error = store.value_with_ttl::<u64, u64>("cart", Ttl::after(millis(0)), &stamp).map(drop).unwrap_err();
    assert!(error.to_string().starts_with("state `cart` of operator `checkout` has a time to live below 1 ms"));
    let values = store.value_with_ttl::<u64, u64>("cart", Ttl::after(millis(1)), &stamp).unwrap();
    values.put(Keyed::of(&1), 1).unwrap();
    checkpoint(&mut store, 1).unwrap();
    drop((store, values));
    let error = open(&path, epoch(1)).unwrap().value::<u64, u64>("cart").map(drop).unwrap_err();
    assert!(error.to_string().contains("value with ttl"), "{error}");
    // How long it is may change, and what has not been cleaned up is back.
    stamp.advance(at(i64::MIN + 5000));
    let again =
        |ttl| open(&path, epoch(1)).unwrap().value_with_ttl::<u64, u64>("cart", Ttl::after(millis(ttl)), &stamp);
    assert_eq!(again(5000).unwrap().get(Keyed::of(&1)).unwrap(), None);
    assert_eq!(again(5001).unwrap().get(Keyed::of(&1)).unwrap(), Some(1));
}

/// A value and when it was used last.
type Used<T> = (T, i64);

#[derive(Clone, Debug, Default)]
struct Model {
    now: i64,
    values: BTreeMap<u64, Used<u32>>,
    maps: BTreeMap<(u64, u8), Used<u32>>,
    lists: BTreeMap<u64, Vec<Used<u32>>>,
}

impl Model {
    fn forget(&mut self) {
        let now = self.now;
        self.values.retain(|_, used| now < used.1 + TTL);
        self.maps.retain(|_, used| now < used.1 + TTL);
        self.lists.values_mut().for_each(|items| items.retain(|used| now < used.1 + TTL));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Advance(i64),
    Put(u64, u32),
    Get(u64),
    Update(u64),
    Remove(u64),
    MapPut(u64, u8, u32),
    MapGet(u64, u8),
    MapUpdate(u64, u8),
    MapRange(u64, u8),
    MapRemove(u64, u8),
    Push(u64, u32),
    List(u64),
    Take(u64),
    Epoch,
    Relieve,
    Free(usize),
    Reopen(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (key, map_key) = (|| 0..12_u64, || 0..90_u8);
    prop_oneof![
        12 => (0..40_i64).prop_map(Step::Advance),
        4 => (key(), any::<u32>()).prop_map(|(k, v)| Step::Put(k, v)),
        4 => key().prop_map(Step::Get),
        4 => key().prop_map(Step::Update),
        1 => key().prop_map(Step::Remove),
        8 => (0..2_u64, map_key(), any::<u32>()).prop_map(|(k, m, v)| Step::MapPut(k, m, v)),
        3 => (0..2_u64, map_key()).prop_map(|(k, m)| Step::MapGet(k, m)),
        3 => (0..2_u64, map_key()).prop_map(|(k, m)| Step::MapUpdate(k, m)),
        2 => (0..2_u64, map_key()).prop_map(|(k, m)| Step::MapRange(k, m)),
        2 => (0..2_u64, map_key()).prop_map(|(k, m)| Step::MapRemove(k, m)),
        6 => (0..3_u64, any::<u32>()).prop_map(|(k, v)| Step::Push(k, v)),
        3 => (0..3_u64).prop_map(Step::List),
        1 => (0..3_u64).prop_map(Step::Take),
        10 => Just(Step::Epoch),
        5 => Just(Step::Relieve),
        5 => (0..3_usize).prop_map(Step::Free),
        2 => (0..3_usize).prop_map(Step::Reopen),
    ]
}

struct World {
    dir: tempfile::TempDir,
    memory: usize,
    on_read: bool,
    store: Option<(Store, Handles)>,
    model: Model,
    attempt: u32,
    count: u64,
    durable: BTreeMap<Epoch, (Model, Epoch)>,
    written: Epoch,
}

impl World {
    fn path(&self) -> PathBuf {
        self.dir.path().join("0.redb")
    }

    fn apply(&mut self, step: Step) -> Result<(), TestCaseError> {
        let path = self.path();
        let (store, all) = self.store.as_mut().unwrap();
        let (model, on_read) = (&mut self.model, self.on_read);
        model.forget();
        let now = model.now;
        match step {
            Step::Advance(by) => {
                model.now += by;
                all.stamp.advance(at(model.now));
            }
            Step::Put(key, value) => {
                all.values.put(Keyed::of(&key), value).unwrap();
                model.values.insert(key, (value, now));
            }
            Step::Get(key) => {
                let found = model.values.get_mut(&key);
                prop_assert_eq!(all.values.get(Keyed::of(&key)).unwrap(), found.as_ref().map(|used| used.0));
                found.into_iter().filter(|_| on_read).for_each(|used| used.1 = now);
            }
            Step::Update(key) => {
                let got = all.values.update(Keyed::of(&key), || 5, |v| std::mem::replace(v, v.wrapping_add(1)));
                let used = model.values.entry(key).or_insert((5, now));
                prop_assert_eq!(got.unwrap(), used.0);
                *used = (used.0.wrapping_add(1), now);
            }
            Step::Remove(key) => {
                let expected = model.values.remove(&key).map(|used| used.0);
                prop_assert_eq!(all.values.remove(Keyed::of(&key)).unwrap(), expected);
            }
            Step::MapPut(key, map_key, value) => {
                all.maps.put(Keyed::of(&key), map_key, value).unwrap();
                model.maps.insert((key, map_key), (value, now));
            }
            Step::MapGet(key, map_key) => {
                let found = model.maps.get_mut(&(key, map_key));
                prop_assert_eq!(all.maps.get(Keyed::of(&key), &map_key).unwrap(), found.as_ref().map(|used| used.0));
                found.into_iter().filter(|_| on_read).for_each(|used| used.1 = now);
            }
            Step::MapUpdate(key, map_key) => {
                let got = all.maps.update(Keyed::of(&key), map_key, || 5, |v| std::mem::replace(v, v.wrapping_add(1)));
                let used = model.maps.entry((key, map_key)).or_insert((5, now));
                prop_assert_eq!(got.unwrap(), used.0);
                *used = (used.0.wrapping_add(1), now);
            }
            Step::MapRange(key, from) => {
                let mut expected = Vec::new();
                for ((_, map_key), used) in model.maps.range_mut((key, from)..(key, from + 20)) {
                    expected.push((*map_key, used.0));
                    used.1 = if on_read { now } else { used.1 };
                }
                prop_assert_eq!(all.maps.range(Keyed::of(&key), from..from + 20).unwrap(), expected);
            }
            Step::MapRemove(key, map_key) => {
                let expected = model.maps.remove(&(key, map_key)).map(|used| used.0);
                prop_assert_eq!(all.maps.remove(Keyed::of(&key), &map_key).unwrap(), expected);
            }
            Step::Push(key, item) => {
                all.lists.push(Keyed::of(&key), item).unwrap();
                model.lists.entry(key).or_default().push((item, now));
            }
            Step::List(key) => {
                let items = model.lists.entry(key).or_default();
                let expected: Vec<u32> = items.iter().map(|used| used.0).collect();
                prop_assert_eq!(all.lists.with(Keyed::of(&key), <[u32]>::to_vec).unwrap(), expected);
                items.iter_mut().filter(|_| on_read).for_each(|used| used.1 = now);
            }
            Step::Take(key) => {
                let items = model.lists.remove(&key).unwrap_or_default();
                let expected: Vec<u32> = items.iter().map(|used| used.0).collect();
                prop_assert_eq!(all.lists.take(Keyed::of(&key)).unwrap(), expected);
            }
            Step::Epoch => {
                self.count += 1;
                let epoch = Epoch::new(self.attempt, self.count);
                if let Some(flush) = store.hand_off(epoch) {
                    store.flushed(flush.run());
                    self.written = epoch;
                }
                self.durable.insert(epoch, (model.clone(), self.written));
            }
            Step::Relieve => {
                if let Relief::Spill(flush) = store.relieve() {
                    store.flushed(flush.run());
                }
            }
            Step::Free(back) => {
                let Some(&epoch) = self.durable.keys().nth_back(back) else { return Ok(()) };
                self.durable = self.durable.split_off(&epoch);
                if let Some(fold) = store.free(epoch) {
                    let outcome = fold.run();
                    prop_assert!(outcome.result().is_ok());
                    store.folded(outcome);
                }
            }
            Step::Reopen(back) => {
                self.store = None;
                let epoch = *self.durable.keys().nth_back(back).unwrap_or(self.durable.keys().next_back().unwrap());
                self.durable.split_off(&epoch.next());
                (self.model, self.written) = self.durable[&epoch].clone();
                let options = StoreOptions { memory: self.memory, ..Default::default() };
                let mut store = Store::open(&path, &identity(0, 0), epoch, self.written, options).unwrap();
                // The clock is told before or after the states are opened.
                let early = if back == 0 { self.model.now } else { i64::MIN };
                let all = handles(&mut store, early, self.on_read);
                all.stamp.advance(at(self.model.now));
                self.store = Some((store, all));
                (self.attempt, self.count) = (self.attempt + 1, 0);
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever has been cleaned up by then, memory is short or not, and the job goes back to any epoch that is kept.
    #[test]
    fn what_is_over_is_never_seen_and_all_else_is(
        memory in prop_oneof![Just(0_usize), 1_000..10_000_usize, Just(1 << 20)],
        on_read: bool,
        steps in vec(step(), 1..500),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::create(&dir.path().join("0.redb"), &identity(0, 0), StoreOptions { memory, ..Default::default() }).unwrap();
        let all = handles(&mut store, 0, on_read);
        let durable = BTreeMap::from([(Epoch::ZERO, (Model::default(), Epoch::ZERO))]);
        let (model, store) = (Model::default(), Some((store, all)));
        let mut world =
            World { dir, memory, on_read, store, model, attempt: 1, count: 0, durable, written: Epoch::ZERO };
        for step in steps {
            world.apply(step)?;
        }
        for key in 0..12 {
            world.apply(Step::Get(key))?;
            world.apply(Step::List(key))?;
            (0..5).try_for_each(|part| world.apply(Step::MapRange(key, 20 * part)))?;
        }
    }
}
