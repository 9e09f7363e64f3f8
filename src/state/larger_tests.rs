//! State far larger than its memory, of every kind at once: used at random, through epochs, spills, folds and rollbacks.

use super::testkit::identity;
use super::*;
use crate::record::Epoch;
use crate::time::{Timestamp, millis};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const MEMORY: usize = 100_000;
const TTL: i64 = 4000;
const KEYS: u64 = 1500;

/// What a key has: each value with the time of its last write.
#[derive(Clone, Default)]
struct Model {
    now: i64,
    values: BTreeMap<u64, String>,
    maps: BTreeMap<u64, BTreeMap<u64, String>>,
    lists: BTreeMap<u64, Vec<String>>,
    windows: BTreeMap<i64, BTreeMap<u64, String>>,
    windowed_lists: BTreeMap<i64, BTreeMap<u64, Vec<String>>>,
    timers: BTreeMap<i64, BTreeSet<u64>>,
    aging_values: BTreeMap<u64, (String, i64)>,
    aging_maps: BTreeMap<u64, BTreeMap<u64, (String, i64)>>,
    aging_lists: BTreeMap<u64, Vec<(String, i64)>>,
}

struct Handles {
    stamp: Stamp,
    values: ValueState<u64, String>,
    maps: MapState<u64, u64, String>,
    lists: ListState<u64, String>,
    windows: WindowedState<u64, String>,
    windowed_lists: WindowedList<u64, String>,
    timers: Timers<u64>,
    aging_values: ValueState<u64, String>,
    aging_maps: MapState<u64, u64, String>,
    aging_lists: ListState<u64, String>,
}

impl Handles {
    fn of(store: &mut Store, now: i64) -> Handles {
        let (stamp, ttl) = (Stamp::new(), Ttl::after(millis(TTL as u64)));
        stamp.advance(Timestamp::from_millis(now));
        Handles {
            values: store.value("values").unwrap(),
            maps: store.map("maps").unwrap(),
            lists: store.list("lists").unwrap(),
            windows: store.windowed_value("windows").unwrap(),
            windowed_lists: store.windowed_list("windowed lists").unwrap(),
            timers: store.timers("timers").unwrap(),
            aging_values: store.value_with_ttl("aging values", ttl, &stamp).unwrap(),
            aging_maps: store.map_with_ttl("aging maps", ttl, &stamp).unwrap(),
            aging_lists: store.list_with_ttl("aging lists", ttl, &stamp).unwrap(),
            stamp,
        }
    }
}

/// A xorshift generator: the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }
}

fn open(path: &Path, at: Epoch, now: i64) -> (Store, Handles) {
    let options = StoreOptions { memory: MEMORY, ..StoreOptions::default() };
    let mut store = Store::open(path, &identity(0, 0), at, Epoch::ZERO, options).unwrap();
    let all = Handles::of(&mut store, now);
    (store, all)
}

/// One use of each kind of state, compared with what the model says.
fn step(numbers: &mut Numbers, all: &Handles, model: &mut Model) {
    let now = model.now;
    let lives = |at: i64| now < at + TTL;
    let (key, part, number) = (numbers.next(KEYS), numbers.next(5), numbers.next(1_000_000));
    let (at, text) = (Keyed::of(&key), format!("{number:0100}"));
    let end = numbers.next(40) as i64;
    let window = Timestamp::from_millis(end);
    match numbers.next(13) {
        0 => assert_eq!(all.values.get(at).unwrap(), model.values.get(&key).cloned()),
        1 => {
            all.values.put(at, text.clone()).unwrap();
            model.values.insert(key, text);
        }
        2 => assert_eq!(all.values.remove(at).unwrap(), model.values.remove(&key)),
        3 => {
            all.maps.put(at, part, text.clone()).unwrap();
            model.maps.entry(key).or_default().insert(part, text);
        }
        4 => {
            let expected = model.maps.get_mut(&key).and_then(|map| map.remove(&part));
            assert_eq!(all.maps.remove(at, &part).unwrap(), expected);
        }
        5 => {
            let list = model.lists.entry(key).or_default();
            all.lists.with(at, |items| assert_eq!(items, list)).unwrap();
            all.lists.push(at, text.clone()).unwrap();
            list.push(text);
        }
        6 => {
            all.windows.put(window, at, text.clone()).unwrap();
            model.windows.entry(end).or_default().insert(key, text);
        }
        7 => {
            all.windowed_lists.push(window, at, text.clone()).unwrap();
            model.windowed_lists.entry(end).or_default().entry(key).or_default().push(text);
            all.timers.set(window, at).unwrap();
            model.timers.entry(end).or_default().insert(key);
        }
        8 => {
            let known = model.aging_values.get(&key).filter(|known| lives(known.1)).map(|known| known.0.clone());
            assert_eq!(all.aging_values.get(at).unwrap(), known);
            all.aging_values.put(at, text.clone()).unwrap();
            model.aging_values.insert(key, (text, now));
        }
        9 => {
            let map = model.aging_maps.entry(key).or_default();
            map.retain(|_, known| lives(known.1));
            let expected: Vec<(u64, String)> = map.iter().map(|(part, known)| (*part, known.0.clone())).collect();
            assert_eq!(all.aging_maps.entries(at).unwrap(), expected);
            all.aging_maps.put(at, part, text.clone()).unwrap();
            map.insert(part, (text, now));
        }
        10 => {
            let list = model.aging_lists.entry(key).or_default();
            list.retain(|known| lives(known.1));
            let expected: Vec<String> = list.iter().map(|known| known.0.clone()).collect();
            all.aging_lists.with(at, |items| assert_eq!(items, expected)).unwrap();
            all.aging_lists.push(at, text.clone()).unwrap();
            list.push((text, now));
        }
        11 => assert_eq!(all.lists.take(at).unwrap(), model.lists.remove(&key).unwrap_or_default()),
        _ if number % 40 == 0 => drain(all, model),
        _ => {
            model.now += 1;
            all.stamp.advance(Timestamp::from_millis(model.now));
        }
    }
}

/// Takes the first window of each kind.
fn drain(all: &Handles, model: &mut Model) {
    let time = Timestamp::from_millis;
    let drained = all.windows.drain_first(Timestamp::MAX).unwrap();
    let drained = drained.map(|(end, slots)| (end, slots.into_iter().map(|(_, key, value)| (key, value)).collect()));
    let expected: Option<(_, BTreeMap<_, _>)> = model.windows.pop_first().map(|(end, slots)| (time(end), slots));
    assert_eq!(drained, expected);
    let drained = all.windowed_lists.drain_first(Timestamp::MAX).unwrap();
    let drained = drained.map(|(end, slots)| (end, slots.into_iter().map(|(_, key, items)| (key, items)).collect()));
    let expected: Option<(_, BTreeMap<_, _>)> = model.windowed_lists.pop_first().map(|(end, slots)| (time(end), slots));
    assert_eq!(drained, expected);
    let drained = all.timers.drain_first(Timestamp::MAX).unwrap();
    let drained = drained.map(|(end, keys)| (end, keys.into_iter().map(|(_, key)| key).collect()));
    let expected: Option<(_, BTreeSet<_>)> = model.timers.pop_first().map(|(end, keys)| (time(end), keys));
    assert_eq!(drained, expected);
}

#[test]
fn state_of_every_kind_may_be_far_larger_than_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let options = StoreOptions { memory: MEMORY, ..StoreOptions::default() };
    let mut store = Store::create(&path, &identity(0, 0), options).unwrap();
    let mut all = Handles::of(&mut store, 0);
    let (mut model, mut numbers) = (Model::default(), Numbers(0x9e37_79b9_7f4a_7c15));
    let mut durable: BTreeMap<Epoch, Model> = BTreeMap::new();
    let (mut attempt, mut reads, mut folds, mut most) = (1, 0, 0, 0);
    for round in 1..=24_u64 {
        for _ in 0..1000 {
            step(&mut numbers, &all, &mut model);
            if let Relief::Spill(flush) = store.relieve() {
                store.flushed(flush.run());
            }
            let memory = store.memory();
            most = most.max(memory.cached + memory.dirty + memory.frozen);
        }
        let epoch = Epoch::new(attempt, round);
        if let Some(flush) = store.hand_off(epoch) {
            store.flushed(flush.run());
        }
        durable.insert(epoch, model.clone());
        // The three youngest epochs are kept.
        while durable.len() > 3 {
            durable.pop_first();
        }
        if let Some(fold) = durable.keys().next().and_then(|oldest| store.free(*oldest)) {
            let outcome = fold.run();
            outcome.result().unwrap();
            store.folded(outcome);
            folds += 1;
        }
        if round % 5 == 0 {
            // What has been done since is lost; then, to one of the epochs that are kept.
            (0..300).for_each(|_| step(&mut numbers, &all, &mut model));
            reads += store.unforeseen_reads();
            let back = durable.keys().nth_back(numbers.next(durable.len() as u64) as usize).copied().unwrap();
            drop((store, all));
            durable.split_off(&back.next());
            model = durable[&back].clone();
            (store, all) = open(&path, back, model.now);
            attempt += 1;
        }
    }
    assert!(store.stored_bytes() > 10 * MEMORY as u64, "{}", store.stored_bytes());
    assert!(most < 3 * MEMORY, "{most}");
    assert!(reads > 2000 && folds > 3, "{reads} reads, {folds} folds");
    while !(model.windows.is_empty() && model.windowed_lists.is_empty() && model.timers.is_empty()) {
        drain(&all, &mut model);
    }
    (0..10_000).for_each(|_| step(&mut numbers, &all, &mut model));
}
