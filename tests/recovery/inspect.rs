//! What a job keeps can be looked at when it does not run, whether it was stopped or killed, and nothing changes by it.

use millstream::connector::{Error, Position, Read, Source, Split, SplitReader};
use millstream::prelude::*;
use millstream::record::Epoch;
use millstream::{JobHandle, StateChange, StateView};
use serde_json::{Value, json};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

/// Brings the numbers below a limit that can be raised, and never ends.
#[derive(Clone)]
struct Brook(Arc<AtomicU64>);

struct Flow {
    brook: Brook,
    next: u64,
}

impl Source for Brook {
    type Record = u64;
    type Block = u64;

    fn describe(&self) -> String {
        "brook".to_owned()
    }

    fn splits(&self) -> Result<Vec<Split>, Error> {
        Ok(vec![Split::new("0")])
    }

    fn open(&self, _: &Split, position: Option<&Position>) -> Result<Box<dyn SplitReader<Block = u64>>, Error> {
        let next = position.map_or(Ok(0), Position::read)?;
        Ok(Box::new(Flow { brook: self.clone(), next }))
    }

    fn decode(&self, number: u64, emit: &mut dyn FnMut(u64, Timestamp)) {
        emit(number, Timestamp::MIN);
    }
}

impl SplitReader for Flow {
    type Block = u64;

    fn read(&mut self) -> Result<Read<u64>, Error> {
        if self.next >= self.brook.0.load(SeqCst) {
            return Ok(Read::Wait(Duration::from_millis(1)));
        }
        self.next += 1;
        Ok(Read::Block(self.next - 1, Position::new(self.next)))
    }
}

/// Keeps a state of each kind.
struct Keep;

struct Kept {
    last: ValueState<u64, (u64, String)>,
    all: ListState<u64, u64>,
    by_digit: MapState<u64, u64, u64>,
    recent: ValueState<u64, Option<u64>>,
}

impl KeyedBroadcastProcess for Keep {
    type Key = u64;
    type Input = u64;
    type Broadcast = u64;
    type Output = u64;
    type RuleKey = u64;
    type Rule = u64;
    type State = Kept;

    fn open(&self, states: &mut States<'_, u64>) -> Result<Kept, Failure> {
        Ok(Kept {
            last: states.value("last")?,
            all: states.list("all")?,
            by_digit: states.map("by digit")?,
            recent: states.value_with_ttl("recent", Ttl::after(hours(1)), TimeDomain::Event)?,
        })
    }

    fn process(
        &self,
        kept: &Kept,
        _: &BroadcastState<u64, u64>,
        n: u64,
        ctx: &mut Context<'_, u64, u64>,
    ) -> Result<(), Failure> {
        kept.last.put(ctx.keyed(), (n, format!("<{n}>")))?;
        kept.all.push(ctx.keyed(), n)?;
        kept.by_digit.update(ctx.keyed(), n % 10, || 0, |count| *count += 1)?;
        kept.recent.put(ctx.keyed(), Some(n))?;
        ctx.set_event_timer(Timestamp::from_seconds(1_000_000))
    }

    fn process_broadcast(
        &self,
        rules: &mut BroadcastState<u64, u64>,
        n: u64,
        _: &mut UnkeyedContext<'_, u64>,
    ) -> Result<(), Failure> {
        rules.insert(n % 3, 7)?;
        Ok(())
    }

    fn on_timer(
        &self,
        _: &Kept,
        _: &BroadcastState<u64, u64>,
        _: Timer,
        _: &mut Context<'_, u64, u64>,
    ) -> Result<(), Failure> {
        Ok(())
    }
}

fn start(state_dir: &Path, limit: &Arc<AtomicU64>) -> JobHandle {
    let job = Job::new("kept");
    let numbers = job.source(Brook(limit.clone()));
    let timed = numbers.event_time(|n| Timestamp::from_seconds(*n as i64), Watermarks::monotonic());
    let keyed = timed.key_by(|n| n % 7);
    keyed.connect_broadcast(&timed).process(Keep).uid("keep").sink(DiscardSink);
    keyed.window(Tumbling::of(hours(100))).count().uid("windows").sink(DiscardSink);
    keyed.window(Session::gap(hours(1))).count().uid("sessions").sink(DiscardSink);
    let config = Config::default().parallelism(3).state_dir(state_dir).checkpoint_interval(hours(1));
    job.start(config).unwrap()
}

/// Lets the numbers below `count` come, and completes a checkpoint when all have been processed.
fn bring(job: &JobHandle, limit: &AtomicU64, count: u64, savepoint: &Path) {
    limit.store(count, SeqCst);
    // A number comes to the subtask of its key, and as a rule to all three.
    let goals = [("keep", 4 * count), ("windows", count), ("sessions", count)];
    while !goals.iter().all(|(uid, goal)| job.status().operator(uid).is_some_and(|seen| seen.records_in == *goal)) {
        assert!(!job.wait_for(Duration::from_millis(5)), "{:?}", job.status());
    }
    job.savepoint(savepoint).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The bytes of all files but the lock.
fn bytes(directory: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            all.extend(bytes(&entry.path()));
        } else if kind.is_file() {
            all.push((entry.path(), fs::read(entry.path()).unwrap()));
        }
    }
    all.sort();
    all
}

fn values(view: &StateView, uid: &str, state: &str) -> Vec<Value> {
    let mut values = Vec::new();
    let visit = |_, entry: &millstream::state::StateEntry| {
        assert_eq!(entry.unread, None);
        values.push(json!([entry.key, entry.map_key, entry.value]));
        Ok(ControlFlow::Continue(()))
    };
    view.scan(uid, state, visit).unwrap();
    values.sort_by_key(|value| value[0].as_u64());
    values
}

fn check(view: &StateView, count: u64) {
    let of = |key: u64| (0..count).filter(move |n| n % 7 == key);
    let per_key = |value: &dyn Fn(u64) -> Value| (0..7).map(|key| json!([key, null, value(key)])).collect::<Vec<_>>();
    assert_eq!(values(view, "keep", "all"), per_key(&|key| of(key).collect::<Vec<_>>().into()));
    let last = |key| of(key).next_back().unwrap();
    assert_eq!(values(view, "keep", "last"), per_key(&|key| json!([last(key), format!("<{}>", last(key))])));
    assert_eq!(values(view, "keep", "recent"), per_key(&|key| json!(last(key))));
    let digits: u64 = values(view, "keep", "by digit").iter().map(|entry| entry[2].as_u64().unwrap()).sum();
    assert_eq!(digits, count);
    assert_eq!(view.unkeyed("keep").unwrap().len(), 3, "a copy of the rules at each subtask");

    let uids: Vec<String> = view.operators().into_iter().map(|operator| operator.uid).collect();
    for (uid, kinds) in
        [("keep", vec!["list", "map", "timers", "value", "value with ttl"]), ("windows", vec![]), ("sessions", vec![])]
    {
        assert!(uids.contains(&uid.to_owned()), "{uids:?}");
        let states = view.states(uid).unwrap();
        let found: Vec<&str> =
            states.iter().filter(|state| state.tally.entries > 0).map(|state| state.kind.as_str()).collect();
        assert!(kinds.iter().all(|kind| found.contains(kind)) && !found.is_empty(), "{uid}: {found:?}");
    }
    let got = view.get("keep", "last", &json!(3)).unwrap();
    assert_eq!(got.iter().map(|entry| &entry.value[0]).collect::<Vec<_>>(), [&json!(last(3))]);
    assert_eq!(view.get("keep", "last", &json!("three")).unwrap(), []);
}

fn exported(view: &StateView) -> String {
    let mut out = Vec::new();
    let lines = view.export(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().count() as u64, lines);
    text.lines().for_each(|line| assert!(serde_json::from_str::<Value>(line).unwrap()["operator"].is_string()));
    text
}

#[test]
fn what_a_job_keeps_is_shown_whether_it_was_killed_or_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let [running, killed] = ["running", "killed"].map(|name| dir.path().join(name));
    let limit = Arc::new(AtomicU64::new(0));
    let job = start(&running, &limit);
    bring(&job, &limit, 70, &dir.path().join("1.savepoint"));
    bring(&job, &limit, 84, &dir.path().join("2.savepoint"));
    let refused = StateView::open(&running).unwrap_err().to_string();
    assert!(refused.contains("in use by another process"), "{refused}");

    // Nothing is written before the next checkpoint: so a process that is killed leaves its files.
    copy(&running, &killed);
    let before = bytes(&killed);
    let view = StateView::open(&killed).unwrap();
    check(&view, 84);
    let [.., older, newest] = view.epochs()[..] else { panic!("no checkpoint is kept") };
    assert_eq!(newest, view.epoch());
    let first = view.at(older).unwrap();
    check(&first, 70);
    assert!(bytes(&killed) == before, "a file was changed");

    job.stop();
    job.wait().unwrap();
    let stopped = StateView::open(&running).unwrap();
    check(&stopped, 84);
    assert_eq!(exported(&stopped), exported(&view));
    view.diff(&stopped, |uid, state, change| panic!("{uid} {state}: {change:?}")).unwrap();

    let (mut changed, mut others) = (Vec::new(), 0);
    let note = |uid: &str, state: &str, change| {
        match change {
            StateChange::Changed { was, now } if (uid, state) == ("keep", "last") => {
                changed.push((
                    was.key.as_u64().unwrap(),
                    was.value[0].as_u64().unwrap(),
                    now.value[0].as_u64().unwrap(),
                ));
            }
            _ => others += 1,
        }
        Ok(())
    };
    first.diff(&view, note).unwrap();
    changed.sort_unstable();
    assert_eq!(changed, (0..7).map(|key| (key, 63 + key, 77 + key)).collect::<Vec<_>>());
    assert!(others > 0);
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let dir = tempfile::tempdir().unwrap();
    let limit = Arc::new(AtomicU64::new(0));
    let state_dir = dir.path().join("state");
    let missing = StateView::open(&state_dir).unwrap_err().to_string();
    assert!(missing.contains("cannot find a job there"), "{missing}");
    let job = start(&state_dir, &limit);
    bring(&job, &limit, 70, &dir.path().join("1.savepoint"));
    job.stop();
    job.wait().unwrap();

    let view = StateView::open(&state_dir).unwrap();
    let go_on = |_, _: &millstream::state::StateEntry| Ok(ControlFlow::Continue(()));
    let error = view.scan("kepp", "last", go_on).unwrap_err().to_string();
    assert!(error.contains("no operator `kepp`") && error.contains("keep"), "{error}");
    let error = view.scan("keep", "lost", go_on).unwrap_err().to_string();
    assert!(error.contains("no state `lost`") && error.contains("by digit"), "{error}");
    let error = view.at(Epoch::new(9, 9)).unwrap_err().to_string();
    assert!(error.contains("is not kept") && error.contains(&view.epoch().to_string()), "{error}");
    // While somebody looks, others may.
    let file = state_dir.join("1/keep/0.redb");
    StateView::open(&state_dir).unwrap();

    fs::write(&file, "something else").unwrap();
    let error = view.states("keep").unwrap_err().to_string();
    assert!(error.contains("0.redb: is damaged"), "{error}");
    assert!(!view.states("windows").unwrap().is_empty(), "the other operators can be seen");
}
