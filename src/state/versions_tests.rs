//! State whose type has changed: what is read anyway, what is refused, and how an old program finds its state again.

use super::testkit::{checkpoint, create, epoch, identity, open};
use super::*;
use crate::fault::{Fault, Faulty as _};
use crate::record::{Epoch, Key, KeyGroup};
use crate::time::{Timestamp, hours};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

/// Stores a value as one type and reads it as another.
fn change<Old: StateValue, New: StateValue + Clone>(old: Old) -> Result<New, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let mut store = create(&path);
    store.value::<u64, Old>("cart").unwrap().put(Keyed::of(&1), old).unwrap();
    checkpoint(&mut store, 1).unwrap();
    drop(store);
    let mut store = open(&path, epoch(1)).unwrap();
    let values = store.value::<u64, New>("cart").map_err(|error| {
        assert_eq!(error.fault(), Fault::User);
        error.to_string()
    })?;
    checkpoint(&mut store, 2).unwrap();
    let found = values.get(Keyed::of(&1)).unwrap().unwrap();
    drop((store, values));
    let again = open(&path, epoch(2)).unwrap_or_else(|_| open(&path, epoch(1)).unwrap());
    drop(again);
    Ok(found)
}

macro_rules! state {
    ($($item:item)*) => { $( #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)] $item )* };
}

state! {
    struct Cart { items: u32, name: String }
    struct Basket { items: u32, name: String }
    struct WithDefault { items: u32, #[serde(default)] paid: bool, name: String }
    struct WithoutDefault { items: u32, name: String, paid: bool }
    struct Optional { items: u32, name: String, paid: Option<bool> }
    struct Fewer { name: String }
    struct Strict { #[serde(rename = "name")] text: String }
    struct Reordered { name: String, items: u32 }
    struct Wide { items: u64, name: String }
    struct Narrow { items: u8, name: String }
    struct Renamed { #[serde(alias = "items")] count: u32, name: String }
    struct Wrapped { items: Option<Count>, name: String }
    struct Count(u32);
    enum Event { Open, Paid(u32) }
    enum EventAtEnd { Open, Paid(u32), Sent { to: String } }
    enum EventInMiddle { Sent { to: String }, Open, Gone, Paid(u64) }
    enum EventLess { Open }
    enum EventEmptied { Open, Paid }
}

fn cart() -> Cart {
    Cart { items: 300, name: "ada".into() }
}

#[test]
fn a_type_that_is_only_called_otherwise_is_the_same() {
    assert_eq!(change(cart()), Ok(Basket { items: 300, name: "ada".into() }));
    assert_eq!(change(7_u32), Ok(Count(7)));
}

#[test]
fn a_field_may_be_added_with_a_default_or_as_an_option() {
    assert_eq!(change(cart()), Ok(WithDefault { items: 300, paid: false, name: "ada".into() }));
    assert_eq!(change(cart()), Ok(Optional { items: 300, name: "ada".into(), paid: None }));
}

#[test]
fn a_field_that_is_added_without_a_default_is_refused_by_name() {
    let refused = change::<_, WithoutDefault>(cart()).unwrap_err();
    let expected = "state `cart` of operator `checkout` was written as { items: u32, name: String }, and cannot be read as \
                    { items: u32, name: String, paid: bool }: missing field `paid`; give a field that was added a \
                    `#[serde(default)]`, register a migration, or rename the state";
    assert_eq!(refused, expected);
}

#[test]
fn fields_may_be_dropped_reordered_renamed_by_an_alias_and_made_optional() {
    assert_eq!(change(cart()), Ok(Fewer { name: "ada".into() }));
    assert_eq!(change(cart()), Ok(Strict { text: "ada".into() }));
    assert_eq!(change(cart()), Ok(Reordered { name: "ada".into(), items: 300 }));
    assert_eq!(change(cart()), Ok(Renamed { count: 300, name: "ada".into() }));
    assert_eq!(change(cart()), Ok(Wrapped { items: Some(Count(300)), name: "ada".into() }));
}

#[test]
fn numbers_may_become_wider_and_narrower_if_they_fit() {
    assert_eq!(change(cart()), Ok(Wide { items: 300, name: "ada".into() }));
    assert_eq!(change(Cart { items: 255, ..cart() }), Ok(Narrow { items: 255, name: "ada".into() }));
    let refused = change::<_, Narrow>(cart()).unwrap_err();
    assert!(refused.contains("invalid value: integer `300`, expected u8"), "{refused}");
    assert_eq!(change(7_u32), Ok(7_i64));
    assert!(change::<_, u32>(-7_i64).is_err());
}

#[test]
fn variants_may_be_added_anywhere_and_are_found_by_name() {
    assert_eq!(change(Event::Paid(3)), Ok(EventAtEnd::Paid(3)));
    assert_eq!(change(Event::Paid(3)), Ok(EventInMiddle::Paid(3)));
    assert_eq!(change(Event::Open), Ok(EventInMiddle::Open));
    assert_eq!(change(Event::Open), Ok(EventLess::Open));
    let refused = change::<_, EventLess>(Event::Paid(3)).unwrap_err();
    assert!(refused.contains("unknown variant `Paid`"), "{refused}");
    let refused = change::<_, EventEmptied>(Event::Paid(3)).unwrap_err();
    assert!(refused.contains("a variant that held u32 holds nothing now"), "{refused}");
}

#[test]
fn what_has_nothing_in_common_is_refused() {
    assert!(change::<_, u32>(cart()).unwrap_err().contains("cannot be read as u32"));
    assert!(change::<_, Cart>(7_u32).unwrap_err().contains("was written as u32"));
    assert!(change::<_, Vec<u8>>("ada".to_owned()).is_err());
}

/// One state of each kind, of `V`s.
struct All<V> {
    values: ValueState<u64, V>,
    windows: WindowedState<u64, V>,
    maps: MapState<u64, String, V>,
    lists: ListState<u64, V>,
    windowed_lists: WindowedList<u64, V>,
    with_ttl: ValueState<u64, V>,
    maps_with_ttl: MapState<u64, String, V>,
    lists_with_ttl: ListState<u64, V>,
    stamp: Stamp,
}

impl<V: StateValue + Clone + Debug + PartialEq> All<V> {
    fn of(store: &mut Store) -> Result<Self, Error> {
        let (stamp, ttl) = (Stamp::new(), Ttl::after(hours(1)));
        stamp.advance(Timestamp::from_seconds(1000));
        Ok(All {
            values: store.value("values")?,
            windows: store.windowed_value("windows")?,
            maps: store.map("maps")?,
            lists: store.list("lists")?,
            windowed_lists: store.windowed_list("windowed lists")?,
            with_ttl: store.value_with_ttl("values with ttl", ttl, &stamp)?,
            maps_with_ttl: store.map_with_ttl("maps with ttl", ttl, &stamp)?,
            lists_with_ttl: store.list_with_ttl("lists with ttl", ttl, &stamp)?,
            stamp,
        })
    }

    fn put(&self, key: u64, value: &V) {
        let (key, end) = (Keyed::of(&key), Timestamp::from_seconds(60));
        self.values.put(key, value.clone()).unwrap();
        self.windows.put(end, key, value.clone()).unwrap();
        self.maps.put(key, "a".into(), value.clone()).unwrap();
        self.lists.push(key, value.clone()).unwrap();
        self.windowed_lists.push(end, key, value.clone()).unwrap();
        self.with_ttl.put(key, value.clone()).unwrap();
        self.maps_with_ttl.put(key, "a".into(), value.clone()).unwrap();
        self.lists_with_ttl.push(key, value.clone()).unwrap();
    }

    /// Checks that the key has these values, the last one where there is one, and that those with a time to live age.
    fn check(&self, key: u64, values: &[V]) {
        let (key, end, last) = (Keyed::of(&key), Timestamp::from_seconds(60), values.last().cloned());
        let entries: Vec<(String, V)> = last.iter().map(|last| ("a".to_owned(), last.clone())).collect();
        assert_eq!(self.values.get(key).unwrap(), last);
        assert_eq!(self.windows.get(end, key).unwrap(), last);
        assert_eq!(self.maps.entries(key).unwrap(), entries);
        self.lists.with(key, |items| assert_eq!(items, values)).unwrap();
        self.windowed_lists.with(end, key, |items| assert_eq!(items, values)).unwrap();
        assert_eq!(self.with_ttl.get(key).unwrap(), last);
        assert_eq!(self.maps_with_ttl.entries(key).unwrap(), entries);
        self.lists_with_ttl.with(key, |items| assert_eq!(items, values)).unwrap();
    }

    fn check_aging(&self, key: u64) {
        self.stamp.advance(Timestamp::from_seconds(1000 + 3600));
        let key = Keyed::of(&key);
        assert!(self.with_ttl.get(key).unwrap().is_none() && self.maps_with_ttl.is_empty(key).unwrap());
        self.lists_with_ttl.with(key, |items| assert!(items.is_empty())).unwrap();
    }
}

/// Several pieces and runs; then more of the new type; restored, rescaled, and folded.
fn all_kinds_become<V: StateValue + Clone + Debug + PartialEq>(
    register: impl Fn(&mut Store),
    new: impl Fn(u32) -> V,
    memory: usize,
) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let options = StoreOptions { memory, ..StoreOptions::default() };
    let mut store = Store::create(&path, &identity(0, 0), options.clone()).unwrap();
    let all = All::<u32>::of(&mut store).unwrap();
    let mut model: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for count in 1..4 {
        for key in (0..300).filter(|key| key % count == 0) {
            let value = 1000 * count as u32 + key as u32;
            all.put(key, &value);
            model.entry(key).or_default().push(value);
        }
        checkpoint(&mut store, count).unwrap();
    }
    drop((store, all));
    let mut store = Store::open(&path, &identity(0, 0), epoch(3), epoch(3), options.clone()).unwrap();
    register(&mut store);
    let all = All::<V>::of(&mut store).unwrap();
    let converted = |model: &BTreeMap<u64, Vec<u32>>, key: &u64| -> Vec<V> {
        model.get(key).map_or_else(Vec::new, |values| values.iter().copied().map(&new).collect())
    };
    (0..300).for_each(|key| all.check(key, &converted(&model, &key)));
    for key in 100..200 {
        all.put(key, &new(key as u32));
        model.entry(key).or_default().push(key as u32);
    }
    checkpoint(&mut store, 4).unwrap();
    for count in 5..30 {
        all.put(500, &new(count));
        model.entry(500).or_default().push(count);
        checkpoint(&mut store, count.into()).unwrap();
        store.free(epoch(count.into())).into_iter().for_each(|fold| store.folded(fold.run()));
    }
    drop((store, all));
    let new_path = dir.path().join("new.redb");
    let old = [(path.clone(), identity(0, 0), epoch(29))];
    rescale(&old, &new_path, &identity(0, 1), 0..KeyGroup::COUNT, epoch(29), Survives::ProcessDeath).unwrap();
    for (path, generation) in [(path, 0), (new_path, 1)] {
        let mut store = Store::open(&path, &identity(0, generation), epoch(29), epoch(29), options.clone()).unwrap();
        let all = All::<V>::of(&mut store).unwrap();
        (0..300).chain([500]).for_each(|key| all.check(key, &converted(&model, &key)));
        all.check_aging(500);
    }
}

#[test]
fn all_kinds_of_state_are_read_as_another_type() {
    for memory in [1 << 20, 0] {
        all_kinds_become(|_| (), |value| Some(u64::from(value)), memory);
    }
}

#[test]
fn all_kinds_of_state_are_migrated_by_a_function() {
    let register = |store: &mut Store| {
        for state in ["values", "windows", "maps", "lists", "windowed lists"] {
            store.migrate(state, |old: u32| Cart { items: old, name: old.to_string() }).unwrap();
            store.migrate(&format!("{state} with ttl"), |old: u32| Cart { items: old, name: old.to_string() }).unwrap();
            // Not for what was stored.
            store.migrate(state, |old: bool| Cart { items: 0, name: old.to_string() }).unwrap();
        }
    };
    for memory in [1 << 20, 0] {
        all_kinds_become(register, |value| Cart { items: value, name: value.to_string() }, memory);
    }
}

#[test]
fn a_migration_that_leads_elsewhere_or_comes_late_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let mut store = create(&path);
    let values = store.value::<u64, u32>("cart").unwrap();
    values.put(Keyed::of(&1), 1).unwrap();
    assert!(matches!(store.migrate("cart", |old: u32| u64::from(old)), Err(Error::Twice { .. })));
    checkpoint(&mut store, 1).unwrap();
    drop((store, values));
    let mut store = open(&path, epoch(1)).unwrap();
    store.migrate("cart", |old: u32| u64::from(old)).unwrap();
    let error = store.value::<u64, String>("cart").map(drop).unwrap_err();
    assert!(error.to_string().contains("its migration makes u64 of it"), "{error}");
}

fn put<K: Key, V: StateValue>(path: &Path, key: &K, value: V) {
    let mut store = create(path);
    store.value::<K, V>("cart").unwrap().put(Keyed::of(key), value).unwrap();
    checkpoint(&mut store, 1).unwrap();
}

#[test]
fn keys_cannot_change_and_kinds_neither() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    put(&path, &1_u64, 1_u32);
    let error = open(&path, epoch(1)).unwrap().value::<String, u32>("cart").map(drop).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("state `cart` of operator `checkout` was written with keys u64, and has keys String now")
    );
    assert_eq!(error.fault(), Fault::User);
    let error = open(&path, epoch(1)).unwrap().list::<u64, u32>("cart").map(drop).unwrap_err();
    assert!(matches!(error, Error::Changed { .. }), "{error}");
}

fn get<V: StateValue + Clone>(store: &mut Store) -> Result<Option<V>, Error> {
    store.value::<u64, V>("cart")?.get(Keyed::of(&1))
}

#[test]
fn until_an_epoch_is_complete_the_old_program_finds_its_state_and_then_it_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    put(&path, &1_u64, cart());
    // The new program opens its state and dies before its first epoch, several times; an attempt in between changes nothing.
    for _ in 0..3 {
        assert_eq!(get(&mut open(&path, epoch(1)).unwrap()).unwrap(), Some(Fewer { name: "ada".into() }));
        let mut store = open(&path, epoch(1)).unwrap();
        assert_eq!(get(&mut store).unwrap(), Some(cart()));
        assert!(store.hand_off(Epoch::new(2, 1)).is_none(), "nothing has changed");
        drop(store);
        // That epoch is the newest now, and what was converted before it is no more.
        let mut store =
            Store::open(&path, &identity(0, 0), Epoch::new(2, 1), epoch(1), StoreOptions::default()).unwrap();
        assert_eq!(get(&mut store).unwrap(), Some(Fewer { name: "ada".into() }));
    }
    let mut store = open(&path, epoch(1)).unwrap();
    let values = store.value::<u64, Wide>("cart").unwrap();
    checkpoint(&mut store, 2).unwrap();
    values.put(Keyed::of(&2), Wide { items: 1, name: "eve".into() }).unwrap();
    checkpoint(&mut store, 3).unwrap();
    drop((store, values));
    // As it is now, it does not know its old type; as it was, it does.
    let at = |count, written| {
        Store::open(&path, &identity(0, 0), epoch(count), epoch(written), StoreOptions::default()).unwrap()
    };
    assert_eq!(get(&mut at(3, 3)).unwrap(), Some(Wide { items: 300, name: "ada".into() }));
    assert_eq!(get(&mut at(2, 1)).unwrap(), Some(Wide { items: 300, name: "ada".into() }));
    assert_eq!(get(&mut at(1, 1)).unwrap(), Some(cart()));
}

#[test]
fn what_is_refused_leaves_the_state_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let mut store = create(&path);
    let values = store.value::<u64, (u32, String)>("cart").unwrap();
    // So many that some would have been converted and written before the one that does not fit is met.
    (0..30_000).for_each(|key| values.put(Keyed::of(&key), (7, "x".repeat(600))).unwrap());
    values.put(Keyed::of(&1), (300, String::new())).unwrap();
    checkpoint(&mut store, 1).unwrap();
    drop((store, values));
    let mut store = open(&path, epoch(1)).unwrap();
    store.value::<u64, (u8, String)>("cart").map(drop).unwrap_err();
    store.value::<u64, (u32, String)>("cart").unwrap().put(Keyed::of(&0), (8, String::new())).unwrap();
    checkpoint(&mut store, 2).unwrap();
    drop(store);
    let mut store = open(&path, epoch(2)).unwrap();
    let values = store.value::<u64, (u32, String)>("cart").unwrap();
    assert_eq!(values.get(Keyed::of(&1)).unwrap(), Some((300, String::new())));
    assert!((2..30_000).all(|key| values.with(Keyed::of(&key), |value| value.is_some()).unwrap()));
}

#[test]
fn a_state_may_change_its_type_more_often_than_there_are_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    put(&path, &1_u64, 7_u32);
    let mut count = 1;
    for _ in 0..150 {
        for wide in [true, false] {
            let mut store = open(&path, epoch(count)).unwrap();
            if wide {
                assert_eq!(get(&mut store).unwrap(), Some(7_u64));
            } else {
                assert_eq!(get(&mut store).unwrap(), Some(7_u32));
            }
            count += 1;
            store.value::<u64, u64>(&format!("other {}", count % 2)).unwrap().put(Keyed::of(&1), count).unwrap();
            checkpoint(&mut store, count).unwrap();
            store.free(epoch(count)).into_iter().for_each(|fold| store.folded(fold.run()));
        }
    }
}

/// As in files of the first versions, which have only the names of types.
#[test]
fn a_file_that_tells_no_shapes_is_opened_by_the_names_of_its_types() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    put(&path, &1_u64, 7_u32);
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let states = br#"[{"id":0,"name":"cart","signature":"value u64 -> u32 in postcard 1"}]"#;
    transaction.open_table(disk::META).unwrap().insert("states", states.as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = get::<u64>(&mut open(&path, epoch(1)).unwrap()).unwrap_err();
    assert!(matches!(error, Error::Changed { .. }), "{error}");
    let mut store = open(&path, epoch(1)).unwrap();
    let values = store.value::<u64, u32>("cart").unwrap();
    values.put(Keyed::of(&2), 1).unwrap();
    checkpoint(&mut store, 2).unwrap();
    drop((store, values));
    assert_eq!(get(&mut open(&path, epoch(2)).unwrap()).unwrap(), Some(7_u64), "now it tells");
}
