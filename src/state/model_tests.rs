//! The store against a naive model: whatever is done, and whatever fails, it holds what the model holds, and it can go back
//! to every epoch that was durable and has not been freed.

use super::*;
use crate::record::Epoch;
use crate::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    values: BTreeMap<u8, u32>,
    maps: BTreeMap<u8, BTreeMap<u8, String>>,
    lists: BTreeMap<u8, Vec<u32>>,
    windows: BTreeMap<i64, BTreeMap<u8, u32>>,
    timers: BTreeMap<i64, BTreeSet<u8>>,
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u32),
    Update(u8),
    Remove(u8),
    MapPut(u8, u8, u32),
    MapRemove(u8, u8),
    MapClear(u8),
    Push(u8, u32),
    Take(u8),
    Window(i64, u8, u32),
    WindowRemove(i64, u8),
    DrainWindow(i64),
    SetTimer(i64, u8),
    DeleteTimer(i64, u8),
    DrainTimers(i64),
    HandOff,
    /// Runs the oldest flush that waits; the file fails after that many writes.
    Run(Option<i64>),
    Relieve,
    /// Frees the n-th newest durable epoch; the fold's file fails after that many writes.
    Free(usize, Option<i64>),
    /// Tells of the fold that has run.
    Folded,
    /// Crashes, and goes back to the n-th newest durable epoch.
    Reopen(usize),
    /// Hands off without a barrier.
    Cut,
    /// Goes back to the last hand-off, after all that waits has run; first the file fails after that many writes.
    Rewind(Option<i64>),
    Compare,
}

fn step() -> impl Strategy<Value = Step> {
    let (key, number, time) = (|| 0..40_u8, any::<u32>, || 0..6_i64);
    let fails = || proptest::option::weighted(0.3, 0..12_i64);
    prop_oneof![
        8 => (key(), number()).prop_map(|(k, v)| Step::Put(k, v)),
        8 => key().prop_map(Step::Update),
        4 => key().prop_map(Step::Remove),
        8 => (0..8_u8, key(), number()).prop_map(|(k, m, v)| Step::MapPut(k, m, v)),
        6 => (0..8_u8, key()).prop_map(|(k, m)| Step::MapRemove(k, m)),
        1 => (0..8_u8).prop_map(Step::MapClear),
        6 => (0..8_u8, number()).prop_map(|(k, v)| Step::Push(k, v)),
        2 => (0..8_u8).prop_map(Step::Take),
        10 => (time(), key(), number()).prop_map(|(t, k, v)| Step::Window(t, k, v)),
        3 => (time(), key()).prop_map(|(t, k)| Step::WindowRemove(t, k)),
        2 => time().prop_map(Step::DrainWindow),
        6 => (time(), key()).prop_map(|(t, k)| Step::SetTimer(t, k)),
        3 => (time(), key()).prop_map(|(t, k)| Step::DeleteTimer(t, k)),
        2 => time().prop_map(Step::DrainTimers),
        8 => Just(Step::HandOff),
        10 => fails().prop_map(Step::Run),
        8 => Just(Step::Relieve),
        3 => (0..4_usize, fails()).prop_map(|(n, f)| Step::Free(n, f)),
        3 => Just(Step::Folded),
        2 => (0..4_usize).prop_map(Step::Reopen),
        4 => Just(Step::Cut),
        4 => fails().prop_map(Step::Rewind),
        2 => Just(Step::Compare),
    ]
}

struct Handles {
    values: ValueState<u8, u32>,
    maps: MapState<u8, u8, String>,
    lists: ListState<u8, u32>,
    windows: WindowedState<u8, u32>,
    timers: Timers<u8>,
}

impl Handles {
    fn of(store: &mut Store) -> Self {
        Handles {
            values: store.value("values").unwrap(),
            maps: store.map("maps").unwrap(),
            lists: store.list("lists").unwrap(),
            windows: store.windowed_value("windows").unwrap(),
            timers: store.timers("timers").unwrap(),
        }
    }
}

struct World {
    _dir: tempfile::TempDir,
    path: PathBuf,
    memory: usize,
    store: Option<(Store, Handles)>,
    model: Model,
    /// As it was at the last hand-off.
    handed: Model,
    attempt: u32,
    count: u64,
    /// Flushes that wait, and what the state was at their barrier; `None` for a spill.
    queue: VecDeque<(Flush, Option<Model>)>,
    /// Durable epochs that can be gone back to, and the newest epoch then in the file.
    durable: BTreeMap<Epoch, (Model, Epoch)>,
    written: Epoch,
    /// A fold that has run and has not been told of.
    fold: Option<FoldOutcome>,
}

fn identity() -> Identity {
    Identity { job_id: 7, uid: "model".into(), subtask: 1, generation: 0 }
}

fn at(time: i64) -> Timestamp {
    Timestamp::from_millis(time)
}

impl World {
    fn new(memory: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.redb");
        let mut store = Store::create(&path, &identity(), StoreOptions { memory, ..Default::default() }).unwrap();
        let handles = Handles::of(&mut store);
        World {
            _dir: dir,
            path,
            memory,
            store: Some((store, handles)),
            model: Model::default(),
            handed: Model::default(),
            attempt: 1,
            count: 0,
            queue: VecDeque::new(),
            durable: BTreeMap::from([(Epoch::ZERO, (Model::default(), Epoch::ZERO))]),
            written: Epoch::ZERO,
            fold: None,
        }
    }

    fn apply(&mut self, step: Step) -> Result<(), TestCaseError> {
        let (store, handles) = self.store.as_mut().unwrap();
        let model = &mut self.model;
        match step {
            Step::Put(key, value) => {
                handles.values.put(Keyed::of(&key), value).unwrap();
                model.values.insert(key, value);
            }
            Step::Update(key) => {
                let got = handles.values.update(Keyed::of(&key), || 100, |v| std::mem::replace(v, v.wrapping_add(1)));
                let value = model.values.entry(key).or_insert(100);
                prop_assert_eq!(got.unwrap(), *value);
                *value = value.wrapping_add(1);
            }
            Step::Remove(key) => {
                prop_assert_eq!(handles.values.remove(Keyed::of(&key)).unwrap(), model.values.remove(&key));
            }
            Step::MapPut(key, map_key, value) => {
                handles.maps.put(Keyed::of(&key), map_key, value.to_string()).unwrap();
                model.maps.entry(key).or_default().insert(map_key, value.to_string());
            }
            Step::MapRemove(key, map_key) => {
                let expected = model.maps.get_mut(&key).and_then(|map| map.remove(&map_key));
                model.maps.retain(|_, map| !map.is_empty());
                prop_assert_eq!(handles.maps.remove(Keyed::of(&key), &map_key).unwrap(), expected);
            }
            Step::MapClear(key) => {
                handles.maps.clear(Keyed::of(&key)).unwrap();
                model.maps.remove(&key);
            }
            Step::Push(key, item) => {
                handles.lists.push(Keyed::of(&key), item).unwrap();
                model.lists.entry(key).or_default().push(item);
            }
            Step::Take(key) => {
                let expected = model.lists.remove(&key).unwrap_or_default();
                prop_assert_eq!(handles.lists.take(Keyed::of(&key)).unwrap(), expected);
            }
            Step::Window(time, key, value) => {
                handles.windows.update(at(time), Keyed::of(&key), || 0, |v| *v = v.wrapping_add(value)).unwrap();
                let sum = model.windows.entry(time).or_default().entry(key).or_insert(0);
                *sum = sum.wrapping_add(value);
            }
            Step::WindowRemove(time, key) => {
                let expected = model.windows.get_mut(&time).and_then(|window| window.remove(&key));
                model.windows.retain(|_, window| !window.is_empty());
                prop_assert_eq!(handles.windows.remove(at(time), Keyed::of(&key)).unwrap(), expected);
            }
            Step::DrainWindow(up_to) => {
                prop_assert_eq!(handles.windows.first_namespace(), model.windows.keys().next().map(|&time| at(time)));
                let drained = handles.windows.drain_first(at(up_to)).unwrap();
                let drained = drained.map(|(time, slots)| (time, slots.into_iter().map(|(_, k, v)| (k, v)).collect()));
                let due = model.windows.first_entry().filter(|window| *window.key() <= up_to);
                let expected =
                    due.map(|window| window.remove_entry()).map(|(t, w)| (at(t), w.into_iter().collect::<Vec<_>>()));
                prop_assert_eq!(drained, expected);
            }
            Step::SetTimer(time, key) => {
                handles.timers.set(at(time), Keyed::of(&key)).unwrap();
                model.timers.entry(time).or_default().insert(key);
            }
            Step::DeleteTimer(time, key) => {
                let expected = model.timers.get_mut(&time).is_some_and(|keys| keys.remove(&key));
                model.timers.retain(|_, keys| !keys.is_empty());
                prop_assert_eq!(handles.timers.delete(at(time), Keyed::of(&key)).unwrap(), expected);
            }
            Step::DrainTimers(up_to) => {
                let drained = handles.timers.drain_first(at(up_to)).unwrap();
                let drained = drained.map(|(time, keys)| (time, keys.into_iter().map(|(_, key)| key).collect()));
                let due = model.timers.first_entry().filter(|keys| *keys.key() <= up_to);
                let expected =
                    due.map(|keys| keys.remove_entry()).map(|(t, k)| (at(t), k.into_iter().collect::<Vec<_>>()));
                prop_assert_eq!(drained, expected);
            }
            Step::HandOff => {
                self.count += 1;
                let epoch = Epoch::new(self.attempt, self.count);
                self.handed = model.clone();
                match store.hand_off(epoch) {
                    Some(flush) => self.queue.push_back((flush, Some(model.clone()))),
                    None => drop(self.durable.insert(epoch, (model.clone(), self.written))),
                }
            }
            Step::Run(fails) => {
                let Some((flush, at_barrier)) = self.queue.pop_front() else { return Ok(()) };
                store.faults().fail_after(fails.unwrap_or(i64::MAX));
                let outcome = flush.run();
                store.faults().mend();
                if let (Ok(epoch), Some(model)) = (outcome.result(), at_barrier) {
                    self.written = epoch;
                    self.durable.insert(epoch, (model, epoch));
                }
                prop_assert!(fails.is_some() || outcome.result().is_ok());
                store.flushed(outcome);
            }
            Step::Relieve => match store.relieve() {
                Relief::Fine => {}
                Relief::Spill(flush) => {
                    prop_assert!(self.queue.is_empty());
                    self.queue.push_back((flush, None));
                    self.handed = model.clone();
                }
                Relief::Wait => prop_assert!(!self.queue.is_empty()),
            },
            Step::Free(back, fails) => {
                let Some(&epoch) = self.durable.keys().nth_back(back) else { return Ok(()) };
                self.durable = self.durable.split_off(&epoch);
                if let Some(fold) = store.free(epoch) {
                    store.faults().fail_after(fails.unwrap_or(i64::MAX));
                    let outcome = fold.run();
                    store.faults().mend();
                    prop_assert!(fails.is_some() || outcome.result().is_ok());
                    self.fold = Some(outcome);
                }
            }
            Step::Folded => self.fold.take().into_iter().for_each(|outcome| store.folded(outcome)),
            Step::Reopen(back) => {
                self.fold = None;
                let epoch = *self.durable.keys().nth_back(back).unwrap_or(self.durable.keys().next_back().unwrap());
                self.queue.clear();
                self.store = None;
                self.durable.split_off(&epoch.next());
                (self.model, self.written) = self.durable[&epoch].clone();
                self.handed = self.model.clone();
                let options = StoreOptions { memory: self.memory, ..Default::default() };
                let mut store = Store::open(&self.path, &identity(), epoch, self.written, options).unwrap();
                let handles = Handles::of(&mut store);
                self.store = Some((store, handles));
                (self.attempt, self.count) = (self.attempt + 1, 0);
            }
            Step::Cut => {
                self.queue.extend(store.cut().map(|flush| (flush, None)));
                self.handed = model.clone();
            }
            Step::Rewind(fails) => {
                while !self.queue.is_empty() {
                    self.apply(Step::Run(None))?;
                }
                self.apply(Step::Folded)?;
                let Some((mut store, handles)) = self.store.take() else { return Ok(()) };
                drop(handles);
                store.faults().fail_after(fails.unwrap_or(i64::MAX));
                let rewound = store.rewind();
                prop_assert!(fails.is_some() || rewound.is_ok());
                store.faults().mend();
                store.rewind().unwrap();
                let handles = Handles::of(&mut store);
                self.store = Some((store, handles));
                self.model = self.handed.clone();
            }
            Step::Compare => self.compare()?,
        }
        Ok(())
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        let (_, handles) = self.store.as_ref().unwrap();
        let model = &self.model;
        for key in 0..40_u8 {
            let keyed = Keyed::of(&key);
            prop_assert_eq!(handles.values.get(keyed).unwrap(), model.values.get(&key).copied());
            let map = model.maps.get(&key).map(|map| map.clone().into_iter().collect::<Vec<_>>());
            prop_assert_eq!(handles.maps.entries(keyed).unwrap(), map.unwrap_or_default());
            let list = handles.lists.with(keyed, <[u32]>::to_vec).unwrap();
            prop_assert_eq!(list, model.lists.get(&key).cloned().unwrap_or_default());
            for time in 0..6 {
                let expected = model.windows.get(&time).and_then(|window| window.get(&key)).copied();
                prop_assert_eq!(handles.windows.get(at(time), keyed).unwrap(), expected);
            }
        }
        prop_assert_eq!(handles.windows.first_namespace(), model.windows.keys().next().map(|&time| at(time)));
        prop_assert_eq!(handles.timers.first_time(), model.timers.keys().next().map(|&time| at(time)));
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_store_holds_what_the_model_holds(
        memory in prop_oneof![Just(0_usize), 1_000..20_000_usize, Just(1 << 20)],
        steps in vec(step(), 1..400),
    ) {
        let mut world = World::new(memory);
        for step in steps {
            world.apply(step)?;
        }
        world.compare()?;
        world.apply(Step::Reopen(0))?;
        world.compare()?;
        for _ in 0..6 {
            world.apply(Step::DrainWindow(10))?;
            world.apply(Step::DrainTimers(10))?;
        }
    }
}
