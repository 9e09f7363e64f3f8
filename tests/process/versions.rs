//! A program goes on with the state that an earlier version of it has written.

use millstream::connector::Collected;
use millstream::prelude::*;
use millstream::testing::{Script, Simulation};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use std::path::Path;

/// How a version of the program keeps its count.
trait Version: Serialize + for<'de> Deserialize<'de> + Default + Clone + Send + Sync + 'static {
    fn add(&mut self);
    fn shown(&self) -> u64;
    fn open(states: &mut States<'_, u8>) -> Result<ValueState<u8, Self>, Failure> {
        states.value("count")
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct First {
    count: u32,
}

impl Version for First {
    fn add(&mut self) {
        self.count += 1;
    }
    fn shown(&self) -> u64 {
        self.count.into()
    }
}

/// With a field more in front of a wider one.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Second {
    #[serde(default)]
    label: String,
    count: u64,
}

impl Version for Second {
    fn add(&mut self) {
        self.label.push('+');
        self.count += 1;
    }
    fn shown(&self) -> u64 {
        self.count * 100 + self.label.len() as u64
    }
}

/// Kept in another way.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Third(Vec<u8>);

impl Version for Third {
    fn add(&mut self) {
        self.0.push(1);
    }
    fn shown(&self) -> u64 {
        1_000 + self.0.len() as u64
    }
    fn open(states: &mut States<'_, u8>) -> Result<ValueState<u8, Self>, Failure> {
        states.migrate("count", |old: First| Third(vec![0; old.count as usize]))?;
        states.value("count")
    }
}

/// Has no way from the first.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Stranger {
    price: f64,
}

impl Version for Stranger {
    fn add(&mut self) {}
    fn shown(&self) -> u64 {
        0
    }
}

/// Counts the records of each key.
struct Counts<V>(PhantomData<fn() -> V>);

impl<V: Version> KeyedProcess for Counts<V> {
    type Key = u8;
    type Input = u8;
    type Output = (u8, u64);
    type State = ValueState<u8, V>;

    fn open(&self, states: &mut States<'_, u8>) -> Result<Self::State, Failure> {
        V::open(states)
    }

    fn process(&self, state: &Self::State, _: u8, ctx: &mut Context<'_, u8, (u8, u64)>) -> Result<(), Failure> {
        let shown = state.update(ctx.keyed(), V::default, |version| {
            version.add();
            version.shown()
        })?;
        ctx.emit((*ctx.key(), shown));
        Ok(())
    }
}

fn job<V: Version>(records: usize) -> (Job, Collected<(u8, u64)>) {
    let (job, sink) = (Job::new("versions"), CollectSink::new());
    let rows = sink.handle();
    let items = [1, 2, 1, 1, 2].into_iter().take(records).map(|key| (key, Timestamp::EPOCH));
    // Waits behind its records: the first version is stopped there.
    let script = Script::new().records(items).pause(hours(1));
    let counts = script.attach(&job).key_by(|key| *key).process(Counts::<V>(PhantomData)).uid("counts");
    counts.sink(sink);
    (job, rows)
}

/// Runs the first version over three records, and another one from there over two more.
fn upgraded<V: Version>(state: &Path) -> millstream::Result<Vec<(u8, u64)>> {
    let config = Config::default().state_dir(state);
    let (first, _rows) = job::<First>(3);
    Simulation::start(&first, config.clone(), 1)?.run_for(minutes(1))?;
    let (second, rows) = job::<V>(5);
    Simulation::start(&second, config, 1)?.run()?;
    Ok(rows.rows())
}

#[test]
fn a_field_with_a_default_and_a_wider_number_restore() {
    let state = tempfile::tempdir().unwrap();
    assert_eq!(upgraded::<Second>(state.path()).unwrap(), [(1, 301), (2, 201)]);
}

#[test]
fn a_migration_makes_the_new_state_of_the_old() {
    let state = tempfile::tempdir().unwrap();
    assert_eq!(upgraded::<Third>(state.path()).unwrap(), [(1, 1_003), (2, 1_002)]);
}

#[test]
fn state_that_cannot_be_read_is_refused_by_name_and_is_still_there_for_the_old_program() {
    let state = tempfile::tempdir().unwrap();
    let refused = upgraded::<Stranger>(state.path()).unwrap_err().to_string();
    for word in ["`counts`", "`count`", "price"] {
        assert!(refused.contains(word), "{word} is missing: {refused}");
    }
    let (first, rows) = job::<First>(5);
    Simulation::start(&first, Config::default().state_dir(state.path()), 1).unwrap().run().unwrap();
    assert_eq!(rows.rows(), [(1, 3), (2, 2)]);
}
