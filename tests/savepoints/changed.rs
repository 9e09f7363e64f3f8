//! A program that has changed gets what it can use, and refuses to lose the rest unless it is told to.

use millstream::connector::Collected;
use millstream::prelude::*;
use millstream::savepoint::Verdict;
use millstream::testing::Simulation;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// What a version of the program keeps of a key.
trait Version: Serialize + for<'de> Deserialize<'de> + Default + Clone + Send + Sync + 'static {
    fn add(&mut self) -> u64;
    fn open(states: &mut States<'_, u64>) -> Result<Vec<ValueState<u64, Self>>, Failure> {
        Ok(vec![states.value("count")?])
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct First {
    count: u32,
}

impl Version for First {
    fn add(&mut self) -> u64 {
        self.count += 1;
        self.count.into()
    }
}

/// Has a field more.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Second {
    #[serde(default)]
    label: String,
    count: u64,
}

impl Version for Second {
    fn add(&mut self) -> u64 {
        self.label.push('+');
        self.count += 1;
        self.count * 100 + self.label.len() as u64
    }
}

/// Kept in another way.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Third(Vec<u8>);

impl Version for Third {
    fn add(&mut self) -> u64 {
        self.0.push(1);
        1_000 + self.0.len() as u64
    }
    fn open(states: &mut States<'_, u64>) -> Result<Vec<ValueState<u64, Self>>, Failure> {
        states.migrate("count", |old: First| Third(vec![0; old.count as usize]))?;
        Ok(vec![states.value("count")?])
    }
}

/// Reads a count as what holds only small ones.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Small {
    count: bool,
}

impl Version for Small {
    fn add(&mut self) -> u64 {
        0
    }
}

/// Uses the state under another name.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Renamed(u64);

impl Version for Renamed {
    fn add(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
    fn open(states: &mut States<'_, u64>) -> Result<Vec<ValueState<u64, Self>>, Failure> {
        Ok(vec![states.value("hits")?])
    }
}

struct Counts<V>(std::marker::PhantomData<fn() -> V>);

impl<V: Version> KeyedProcess for Counts<V> {
    type Key = u64;
    type Input = u64;
    type Output = (u64, u64);
    type State = Vec<ValueState<u64, V>>;

    fn open(&self, states: &mut States<'_, u64>) -> Result<Self::State, Failure> {
        V::open(states)
    }

    fn process(&self, state: &Self::State, key: u64, ctx: &mut Context<'_, u64, (u64, u64)>) -> Result<(), Failure> {
        let shown = state[0].update(ctx.keyed(), V::default, V::add)?;
        ctx.emit((key, shown));
        Ok(())
    }
}

/// Counts keys 1 and 2.
fn job<V: Version>() -> (Job, Collected<(u64, u64)>) {
    job_over::<V>(keys)
}

fn keys(job: &Job) -> Stream<u64> {
    job.source(MemorySource::new([1, 2, 1, 1, 2])).uid("keys")
}

/// The same keys, and five of each more from a source that is new.
fn more_keys(job: &Job) -> Stream<u64> {
    keys(job).union(&job.source(MemorySource::from_fn(10, |n| 1 + n % 2)).uid("more"))
}

fn job_over<V: Version>(keys: impl Fn(&Job) -> Stream<u64>) -> (Job, Collected<(u64, u64)>) {
    let (job, sink) = (Job::new("versions"), CollectSink::new());
    let rows = sink.handle();
    let keys = keys(&job);
    let counts = keys.key_by(|key| *key).process(Counts::<V>(std::marker::PhantomData)).uid("counts");
    counts.sink(sink).uid("rows");
    (job, rows)
}

/// A folder with a savepoint of the first version, behind all its records.
struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Scene {
        let scene = Scene(tempfile::tempdir().unwrap());
        let (job, rows) = job::<First>();
        Simulation::start(&job, Config::default().state_dir(scene.at("first")), 1).unwrap().run().unwrap();
        assert_eq!(rows.rows().len(), 5);
        Savepoint::create(scene.at("first"), scene.path()).unwrap();
        scene
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn path(&self) -> PathBuf {
        self.at("first.savepoint")
    }

    fn config(&self) -> Config {
        Config::default().parallelism(2).state_dir(self.at("second")).restore_from(self.path())
    }

    /// Why a job is not restored; nothing may have been written.
    fn refusal(&self, job: &Job, config: Config) -> String {
        let refused = Simulation::start(job, config, 1).err().expect("it must be refused").to_string();
        let left: Vec<_> = fs::read_dir(self.at("second")).map_or(Vec::new(), |files| files.collect());
        assert!(left.len() <= 1, "only the lock is there: {left:?}");
        refused
    }
}

/// Restores the job, over more keys.
fn go_on<V: Version>(scene: &Scene) -> Vec<(u64, u64)> {
    let (job, rows) = job_over::<V>(more_keys);
    Simulation::start(&job, scene.config(), 1).unwrap().run().unwrap();
    let mut rows = rows.rows();
    rows.sort();
    rows
}

fn verdict(diff: &PlanDiff, uid: &str) -> Verdict {
    diff.operators.iter().find(|operator| operator.uid == uid).unwrap().verdict.clone()
}

fn state(diff: &PlanDiff, uid: &str, name: &str) -> Verdict {
    let operator = diff.operators.iter().find(|operator| operator.uid == uid).unwrap();
    operator.states.iter().find(|state| state.name == name).unwrap().verdict.clone()
}

#[test]
fn a_field_more_is_told_of_and_read() {
    let scene = Scene::new();
    let diff = job::<Second>().0.plan_diff(&scene.config(), scene.path()).unwrap();
    assert_eq!(verdict(&diff, "counts"), Verdict::Moves { from: 1, to: 2 });
    let Verdict::Migrates { was, now } = state(&diff, "counts", "count") else { panic!("{diff}") };
    assert_eq!((was.as_str(), now.as_str()), ("{ count: u32 }", "{ label: String, count: u64 }"));
    assert!(diff.fits() && diff.to_string().contains("migrates from { count: u32 } to"), "{diff}");
    let rows = go_on::<Second>(&scene);
    assert_eq!(rows.last(), Some(&(2, 705)), "two were known and five come");
}

#[test]
fn a_migration_makes_the_new_state_of_the_old() {
    let scene = Scene::new();
    assert_eq!(go_on::<Third>(&scene).last(), Some(&(2, 1_007)));
}

#[test]
fn what_cannot_be_read_is_refused_before_anything_is_written() {
    let scene = Scene::new();
    let (job, _) = job::<Small>();
    let diff = job.plan_diff(&scene.config(), scene.path()).unwrap();
    let Verdict::Refused { reason } = verdict(&diff, "counts") else { panic!("{diff}") };
    assert!(reason.contains("`count`") && reason.contains("u32") && reason.contains("bool"), "{reason}");
    assert!(scene.refusal(&job, scene.config()).contains("`count`"));
    assert!(
        scene.refusal(&job, scene.config().allow_removed("counts")).contains("`count`"),
        "that allows something else"
    );
}

#[test]
fn a_state_that_is_not_used_any_more_is_refused_unless_it_may_go() {
    let scene = Scene::new();
    let (job, rows) = job::<Renamed>();
    let refused = scene.refusal(&job, scene.config());
    for word in ["state `count` of operator `counts`", "2 entries", "allow_removed(\"counts\")"] {
        assert!(refused.contains(word), "{word} is missing: {refused}");
    }
    let config = scene.config().allow_removed("counts");
    let diff = job.plan_diff(&config, scene.path()).unwrap();
    assert_eq!(state(&diff, "counts", "count"), Verdict::Lost { allowed: true });
    assert_eq!(state(&diff, "counts", "hits"), Verdict::New);
    Simulation::start(&job, config, 1).unwrap().run().unwrap();
    assert!(rows.rows().is_empty(), "the source has ended long ago");
    let again = Savepoint::create(scene.at("second"), scene.at("second.savepoint")).unwrap();
    assert_eq!(again.info().entries, 0, "it is gone for good");
}

#[test]
fn operators_that_are_gone_are_refused_together_and_new_ones_begin_empty() {
    let scene = Scene::new();
    let other = || {
        let (job, sink) = (Job::new("others"), CollectSink::new());
        let rows = sink.handle();
        let numbers = job.source(MemorySource::new([1, 1_u64])).uid("numbers");
        numbers.key_by(|key| *key).count().uid("totals").sink(sink).uid("rows");
        (job, rows)
    };
    let (job, rows) = other();
    let refused = scene.refusal(&job, scene.config());
    for word in
        ["operator `keys` (source)", "operator `counts` (process)", ".uid(\"counts\")", "allow_removed(\"keys\")"]
    {
        assert!(refused.contains(word), "{word} is missing: {refused}");
    }
    let refused = scene.refusal(&job, scene.config().allow_removed("counts"));
    assert!(refused.contains("`keys`") && !refused.contains("`counts`"), "{refused}");
    let config = scene.config().allow_removed("counts").allow_removed("keys");
    let diff = job.plan_diff(&config, scene.path()).unwrap();
    assert_eq!(verdict(&diff, "totals"), Verdict::New);
    assert_eq!(verdict(&diff, "counts"), Verdict::Lost { allowed: true });
    assert_eq!((diff.job.as_str(), diff.taken_of.as_str()), ("others", "versions"));
    Simulation::start(&job, config, 1).unwrap().run().unwrap();
    assert_eq!(rows.rows(), [(1, 1), (1, 2)]);
}

#[test]
fn an_operator_that_does_something_else_is_refused_unless_its_state_may_go() {
    let scene = Scene::new();
    let (job, sink) = (Job::new("versions"), CollectSink::<(u64, u64)>::new());
    let keys = job.source(MemorySource::new([1, 2, 1, 1, 2_u64])).uid("keys");
    keys.key_by(|key| *key).count().uid("counts").sink(sink).uid("rows");
    let refused = scene.refusal(&job, scene.config());
    assert!(refused.contains("operator `counts` was process and is now"), "{refused}");
    Simulation::start(&job, scene.config().allow_removed("counts"), 1).unwrap().run().unwrap();
}

#[test]
fn a_savepoint_is_restored_only_where_nothing_is() {
    let scene = Scene::new();
    let (job, _) = job::<First>();
    let first = Config::default().state_dir(scene.at("first")).restore_from(scene.path());
    let refused = Simulation::start(&job, first.clone(), 1).err().unwrap().to_string();
    assert!(refused.contains("holds `1` already") || refused.contains("holds `job.redb` already"), "{refused}");
    // What a killed process leaves does not count.
    fs::write(scene.at("first").join("control.sock"), "").unwrap();
    drop(Simulation::start(&job, first.fresh(true), 1).unwrap());
    fs::create_dir_all(scene.at("second")).unwrap();
    fs::write(scene.at("second").join("holiday.jpg"), "").unwrap();
    let refused = Simulation::start(&job, scene.config(), 1).err().unwrap().to_string();
    assert!(refused.contains("`holiday.jpg`"), "{refused}");
}

#[test]
fn a_restore_that_was_cut_short_is_begun_anew_and_nothing_else_starts_there() {
    let scene = Scene::new();
    let (job, _) = job::<First>();
    fs::create_dir_all(scene.at("second").join("1/counts")).unwrap();
    fs::write(scene.at("second").join("1/counts/0.redb"), "half").unwrap();
    fs::write(scene.at("second").join("restoring"), "").unwrap();
    let plain = Config::default().parallelism(2).state_dir(scene.at("second"));
    assert!(Simulation::start(&job, plain, 1).is_err(), "never from nothing");
    drop(Simulation::start(&job, scene.config(), 1).unwrap());
    assert!(!scene.at("second").join("restoring").exists());
    let count = Savepoint::create(scene.at("second"), scene.at("second.savepoint")).unwrap().info().entries;
    assert_eq!(count, 2);
}

#[test]
fn a_restored_job_begins_new_output() {
    let scene = Scene::new();
    let output = scene.at("rows.csv");
    let job = |more: bool| {
        let job = Job::new("versions");
        let keys = if more { more_keys(&job) } else { keys(&job) };
        keys.key_by(|key| *key).count().uid("counts").sink(FileSink::json(&output)).uid("rows");
        job
    };
    let lines = |path: &Path| fs::read_to_string(path).unwrap().lines().count();
    Simulation::start(&job(false), Config::default().state_dir(scene.at("a")), 1).unwrap().run().unwrap();
    assert_eq!(lines(&output), 5);
    Savepoint::create(scene.at("a"), scene.at("a.savepoint")).unwrap();
    let config = || Config::default().state_dir(scene.at("b")).restore_from(scene.at("a.savepoint"));
    let refused = Simulation::start(&job(true), config(), 1).err().unwrap().to_string();
    assert!(refused.contains("rows.csv"), "{refused}");
    assert_eq!(lines(&output), 5, "what is there stays");
    Simulation::start(&job(true), config().fresh(true), 1).unwrap().run().unwrap();
    assert_eq!(lines(&output), 10, "what comes behind the savepoint replaces it");
}
