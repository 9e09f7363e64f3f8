//! Many seeds, each a job that much happens to, and one answer.

use super::compare::same_rows;
use super::{Faults, Fuse, Simulation};
use crate::api::Job;
use crate::config::{Config, Restart};
use crate::fault;
use crate::record::Data;
use crate::runtime::{JobState, JobStatus};
use std::collections::BTreeMap;
use std::env;
use std::fmt::{self, Debug};
use std::time::Duration;

/// How many moves a run may take: far more than one that goes well.
const MOVES: u64 = 40_000;

/// Runs a job under many seeds, each with its own order of things and its own [`Faults`], and compares what its sink has
/// collected with what it collects when nothing goes wrong.
///
/// `MILLSTREAM_SEEDS=1000` in the environment runs so many seeds instead, and `MILLSTREAM_SEED=17` that one only; the message
/// of a failure says how to run its seed again.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::testing::Exploration;
///
/// let explored = Exploration::of(5).run(|seed, fuse| {
///     let (job, sink, fuse) = (Job::new("counts"), CollectSink::new(), fuse.clone());
///     let rows = sink.handle();
///     let numbers = job.source(MemorySource::new(seed..seed + 60).splits(3)).inspect(move |_| fuse.check());
///     numbers.key_by(|n| n % 7).count().sink(sink);
///     (job, move || rows.rows())
/// });
/// assert_eq!(explored.seeds, 5);
/// ```
///
/// The rows must not depend on the order in which things happen: let windows give what makes them comparable, and send late
/// records to the same sink.
pub struct Exploration {
    seeds: u64,
    first: u64,
    faults: fn(u64) -> Faults,
}

/// What has happened to the jobs of an exploration, in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explored {
    /// How many seeds were run.
    pub seeds: u64,
    /// Complete checkpoints.
    pub checkpoints: u64,
    /// Checkpoints that have failed.
    pub failed_checkpoints: u64,
    /// Restarts of the whole job, in its process or with it.
    pub restarts: u64,
    /// Restarts of single subtasks.
    pub local_restarts: u64,
}

/// A seed that has given another answer, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The seed.
    pub seed: u64,
    /// What is wrong.
    pub what: String,
    /// A command that runs this seed again, as far as that can be told from here.
    pub command: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { seed, what, command } = self;
        write!(f, "seed {seed}: {what}\nrun it again: {command}\nwhat went wrong there: {:?}", Faults::from_seed(*seed))
    }
}

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| match value.trim().parse() {
        Ok(number) => number,
        Err(_) => panic!("{name} is `{value}`; set it to a whole number"),
    })
}

impl Exploration {
    /// Runs that many seeds, from 0, unless the environment says otherwise.
    ///
    /// # Panics
    /// If the environment says something that is no number.
    pub fn of(seeds: u64) -> Self {
        let (first, seeds) = match setting("MILLSTREAM_SEED") {
            Some(seed) => (seed, 1),
            None => (0, setting("MILLSTREAM_SEEDS").unwrap_or(seeds)),
        };
        Exploration { seeds, first, faults: Faults::from_seed }
    }

    /// With these faults, by seed, instead of [`Faults::from_seed`].
    #[must_use]
    pub fn faults(mut self, faults: fn(u64) -> Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Runs all seeds.
    ///
    /// * `build`: makes the job of a seed anew, and what reads its rows when it is over. The [`Fuse`] is for the user's code
    ///   in it.
    ///
    /// # Panics
    /// At the first seed that gives another answer than without faults, or none; with the command that runs it again.
    #[track_caller]
    pub fn run<R: Data + Ord + Debug, F: FnOnce() -> Vec<R>>(
        &self,
        build: impl Fn(u64, &Fuse) -> (Job, F),
    ) -> Explored {
        self.explore(build, same_rows).unwrap_or_else(|finding| panic!("{finding}"))
    }

    /// Runs all seeds, and wants rows for which `key` gives the same in the order they have without faults.
    ///
    /// # Panics
    /// As [`run`](Exploration::run).
    #[track_caller]
    pub fn run_ordered<R: Data + Ord + Debug, K: Ord, F: FnOnce() -> Vec<R>>(
        &self,
        build: impl Fn(u64, &Fuse) -> (Job, F),
        key: impl Fn(&R) -> K,
    ) -> Explored {
        let compare = |found: Vec<R>, expected: Vec<R>| {
            let in_order = by_key(&found, &key) == by_key(&expected, &key);
            same_rows(found, expected)?;
            if in_order { Ok(()) } else { Err("the rows of a key have another order".to_owned()) }
        };
        self.explore(build, compare).unwrap_or_else(|finding| panic!("{finding}"))
    }

    /// Runs seeds until one gives another answer than without faults, or none. `None`: there is none such.
    pub fn find<R: Data + Ord + Debug, F: FnOnce() -> Vec<R>>(
        &self,
        build: impl Fn(u64, &Fuse) -> (Job, F),
    ) -> Option<Finding> {
        self.explore(build, same_rows).err()
    }

    fn explore<R: Data, F: FnOnce() -> Vec<R>>(
        &self,
        build: impl Fn(u64, &Fuse) -> (Job, F),
        compare: impl Fn(Vec<R>, Vec<R>) -> Result<(), String>,
    ) -> Result<Explored, Finding> {
        fault::install_hook();
        let mut explored = Explored::default();
        for seed in self.first..self.first + self.seeds {
            // A panic of the engine itself is a finding too.
            let compared = fault::guard(|| {
                let (_, expected) =
                    run(seed, &build, 1, Faults::default()).map_err(|what| format!("without faults: {what}"))?;
                let (status, found) = run(seed, &build, 1 + (seed % 3) as usize, (self.faults)(seed))?;
                compare(found, expected).map(|()| status)
            });
            match compared.unwrap_or_else(Err) {
                Ok(status) => explored.add(&status),
                Err(what) => return Err(Finding { seed, what, command: command(seed) }),
            }
        }
        Ok(explored)
    }
}

/// Rows in their order, by key.
fn by_key<R, K: Ord>(rows: &[R], key: impl Fn(&R) -> K) -> BTreeMap<K, Vec<&R>> {
    let mut grouped: BTreeMap<K, Vec<&R>> = BTreeMap::new();
    rows.iter().for_each(|row| grouped.entry(key(row)).or_default().push(row));
    grouped
}

/// Runs the job of a seed to its end.
fn run<R, F: FnOnce() -> Vec<R>>(
    seed: u64,
    build: impl Fn(u64, &Fuse) -> (Job, F),
    parallelism: usize,
    faults: Faults,
) -> Result<(JobStatus, Vec<R>), String> {
    let fuse = Fuse::default();
    let (job, rows) = build(seed, &fuse);
    let mut config = Config::default()
        .parallelism(parallelism)
        .batch_size(1 + (seed % 5) as usize)
        .restart(Restart::fixed_delay(Duration::from_millis(10), u32::MAX));
    // So little that state is spilled, and journals are full.
    if seed % 4 == 3 {
        config = config.memory(20_000).journal(2_000);
    }
    let finished = Simulation::start(&job, config, seed)
        .and_then(|mut simulation| simulation.faults(faults).fuse(&fuse).at_most(MOVES).run());
    let status = finished.map_err(|error| error.to_string())?;
    match status.state {
        JobState::Finished => Ok((status, rows())),
        state => Err(format!("the job stands still: {state:?}, last failure: {:?}", status.failure)),
    }
}

impl Explored {
    fn add(&mut self, status: &JobStatus) {
        self.seeds += 1;
        self.checkpoints += status.checkpoints;
        self.failed_checkpoints += status.failed_checkpoints;
        self.restarts += status.restarts;
        self.local_restarts += status.local_restarts;
    }
}

/// How to run a seed again. The test harness names a test's thread after the test, and its binary after the file.
fn command(seed: u64) -> String {
    let program = env::current_exe().ok();
    let program = program.as_ref().and_then(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    let program = program.unwrap_or_else(|| "program".to_owned());
    let (binary, is_test) = match program.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 => (name.to_owned(), true),
        _ => (program, false),
    };
    let thread = std::thread::current();
    match thread.name().filter(|name| is_test && *name != "main") {
        Some(test) => format!("MILLSTREAM_SEED={seed} cargo test --test {binary} {test}"),
        None => format!("MILLSTREAM_SEED={seed} {binary}"),
    }
}
