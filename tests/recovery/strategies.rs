//! The truth table of restart strategies: each way to die, each fault, each strategy.

use crate::trickle::Trickle;
use millstream::connector::{self, Committer, Guarantee, Prepared, SinkContext, SinkJob, SinkWriter};
use millstream::fault::{Fault, Faulty};
use millstream::prelude::*;
use millstream::record::Epoch;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

const COUNT: u64 = 400;
const FAULTS: [Fault; 3] = [Fault::User, Fault::External, Fault::Internal];
const ONCE: u64 = 1;
const ALWAYS: u64 = u64::MAX;

/// Where the job breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// An operator panics: always an internal fault.
    Panic,
    /// A process function returns an error that says whose fault it is.
    Returned,
    /// A process function cannot be opened, so its subtask cannot be built.
    Build,
    Source,
    Sink,
}

/// Every way with every fault that it can have.
fn deaths() -> Vec<(Way, Fault)> {
    let every = [Way::Returned, Way::Build, Way::Source, Way::Sink].into_iter();
    let mut deaths: Vec<_> = every.flat_map(|way| FAULTS.map(|fault| (way, fault))).collect();
    deaths.push((Way::Panic, Fault::Internal));
    deaths
}

/// All strategies that restart at all, with two attempts.
fn strategies() -> [Restart; 3] {
    [
        Restart::fixed_delay(millis(1), 2),
        Restart::exponential(millis(1), millis(4), 2),
        Restart::failure_rate(2, hours(1), millis(1)),
    ]
}

/// Breaks so many times.
#[derive(Clone)]
struct Breaks {
    left: Arc<AtomicU64>,
    fault: Fault,
}

impl Breaks {
    fn new(times: u64, fault: Fault) -> Self {
        Breaks { left: Arc::new(AtomicU64::new(times)), fault }
    }

    fn step(&self) -> Result<(), connector::Error> {
        let breaks = self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        if breaks { Err(connector::Error::new(self.fault, "it broke; mend it")) } else { Ok(()) }
    }
}

/// Passes numbers on, and breaks in its middle or when it is opened.
struct Passes {
    way: Option<Way>,
    breaks: Breaks,
}

impl KeyedProcess for Passes {
    type Key = u64;
    type Input = u64;
    type Output = u64;
    type State = ();

    fn open(&self, _: &mut States<'_, u64>) -> Result<(), Failure> {
        if self.way == Some(Way::Build) { Ok(self.breaks.step()?) } else { Ok(()) }
    }

    fn process(&self, (): &(), number: u64, ctx: &mut Context<'_, u64, u64>) -> Result<(), Failure> {
        if number > COUNT / 2 {
            match self.way {
                Some(Way::Returned) => self.breaks.step()?,
                Some(Way::Panic) => self.breaks.step().unwrap(),
                _ => {}
            }
        }
        ctx.emit(number);
        Ok(())
    }
}

/// Collects, and breaks at a record or where a checkpoint is planned.
struct Brittle {
    inner: CollectSink<u64>,
    write: Option<Breaks>,
    plan: Option<Breaks>,
}

struct BrittleWriter {
    inner: Box<dyn SinkWriter<u64>>,
    write: Option<Breaks>,
}

struct BrittleCommitter {
    inner: Box<dyn Committer>,
    plan: Option<Breaks>,
}

impl Sink<u64> for Brittle {
    fn describe(&self) -> String {
        "brittle".to_owned()
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    fn writer(&self, context: &SinkContext) -> Result<Box<dyn SinkWriter<u64>>, connector::Error> {
        Ok(Box::new(BrittleWriter { inner: self.inner.writer(context)?, write: self.write.clone() }))
    }

    fn committer(&self) -> Result<Option<Box<dyn Committer>>, connector::Error> {
        let plan = self.plan.clone();
        let wrap = |inner| Box::new(BrittleCommitter { inner, plan }) as Box<dyn Committer>;
        Ok(self.inner.committer()?.map(wrap))
    }
}

impl SinkWriter<u64> for BrittleWriter {
    fn write(&mut self, record: u64, time: Timestamp) -> Result<(), connector::Error> {
        if record > COUNT / 2 {
            self.write.as_ref().map_or(Ok(()), Breaks::step)?;
        }
        self.inner.write(record, time)
    }

    fn spill(&mut self, idle: bool) -> Option<SinkJob> {
        self.inner.spill(idle)
    }

    fn prepare(&mut self, epoch: Epoch) -> Prepared {
        self.inner.prepare(epoch)
    }

    fn committed(&mut self, epoch: Epoch) {
        self.inner.committed(epoch);
    }
}

impl Committer for BrittleCommitter {
    fn recover(&mut self, records: &[Value], fresh: bool) -> Result<(), connector::Error> {
        self.inner.recover(records, fresh)
    }

    fn plan(&mut self, epoch: Epoch, prepared: &[(usize, Value)]) -> Result<Value, connector::Error> {
        self.plan.as_ref().map_or(Ok(()), Breaks::step)?;
        self.inner.plan(epoch, prepared)
    }

    fn apply(&mut self, record: &Value) -> Result<(), connector::Error> {
        self.inner.apply(record)
    }
}

/// Runs a job that breaks in this way so many times; returns its rows, sorted.
fn run(way: Way, fault: Fault, times: u64, restart: Restart) -> millstream::Result<Vec<u64>> {
    let breaks = Breaks::new(times, fault);
    let mut source = Trickle::new(COUNT);
    if way == Way::Source {
        source = source.failing(times, fault);
    }
    let inner = CollectSink::new();
    let rows = inner.handle();
    let job = Job::new("table");
    let passes = Passes { way: Some(way), breaks: breaks.clone() };
    let passed = job.source(source).uid("numbers").key_by(|number| number % 5).process(passes).uid("passes");
    let write = (way == Way::Sink).then_some(breaks);
    passed.sink(Brittle { inner, write, plan: None }).uid("rows");
    job.run(Config::default().checkpoint_interval(millis(4)).restart(restart))?;
    let mut rows = rows.rows();
    rows.sort_unstable();
    Ok(rows)
}

/// The job gives up, by this fault and for this reason, and names the operator.
fn gives_up(way: Way, fault: Fault, times: u64, restart: Restart, reason: &str) {
    let error = run(way, fault, times, restart).expect_err("it gives up");
    let (told, cell) = (error.to_string(), format!("{way:?}, {fault:?}, {restart}"));
    assert_eq!(error.fault(), fault, "{cell}: {told}");
    assert!(told.contains(reason), "{cell}: {told}");
    let operator = match way {
        Way::Source => "`numbers`",
        Way::Sink => "`rows`",
        Way::Panic | Way::Returned | Way::Build => "`passes`",
    };
    assert!(told.contains(operator), "{cell}: {told}");
}

#[test]
fn the_strategy_none_gives_up_at_the_first_failure_of_whatever_kind() {
    for (way, fault) in deaths() {
        let reason = if fault == Fault::User { "would meet it again" } else { "the restart strategy is `none`" };
        gives_up(way, fault, ONCE, Restart::None, reason);
    }
}

#[test]
fn the_users_fault_ends_the_job_whatever_the_strategy() {
    for (way, fault) in deaths().into_iter().filter(|(_, fault)| *fault == Fault::User) {
        for strategy in strategies() {
            gives_up(way, fault, ONCE, strategy, "would meet it again");
        }
    }
}

#[test]
fn any_other_failure_is_survived_by_every_strategy_that_has_an_attempt_left() {
    for (way, fault) in deaths().into_iter().filter(|(_, fault)| *fault != Fault::User) {
        for strategy in strategies() {
            let rows =
                run(way, fault, ONCE, strategy).unwrap_or_else(|e| panic!("{way:?}, {fault:?}, {strategy}: {e}"));
            assert_eq!(rows, (0..COUNT).collect::<Vec<_>>(), "{way:?}, {fault:?}, {strategy}");
        }
    }
}

#[test]
fn any_failure_that_comes_again_and_again_uses_up_every_strategy() {
    for (way, fault) in deaths().into_iter().filter(|(_, fault)| *fault != Fault::User) {
        for strategy in strategies() {
            gives_up(way, fault, ALWAYS, strategy, "no attempt left");
        }
    }
}

#[test]
fn a_checkpoint_that_fails_is_no_failure_of_the_job_and_is_tried_again() {
    for restart in [Restart::None, strategies()[0]] {
        let inner = CollectSink::new();
        let rows = inner.handle();
        let job = Job::new("checkpoints");
        let plan = Some(Breaks::new(3, Fault::External));
        job.source(Trickle::new(COUNT)).sink(Brittle { inner, write: None, plan });
        let status = job.run(Config::default().checkpoint_interval(millis(1)).restart(restart)).unwrap();
        assert_eq!(
            (status.restarts, status.failed_checkpoints, rows.rows().len()),
            (0, 3, COUNT as usize),
            "{restart}"
        );
    }
}

#[test]
fn a_setting_that_makes_no_sense_is_refused_before_anything_runs() {
    let job = Job::new("settings");
    job.source(MemorySource::new([1])).sink(DiscardSink);
    let refused = job.run(Config::default().restart(Restart::failure_rate(0, hours(1), millis(1)))).map(|_| ());
    assert!(refused.unwrap_err().to_string().contains("setting `restart.failures` is 0; set it to at least 1"));
}
