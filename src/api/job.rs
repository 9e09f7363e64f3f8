//! A dataflow under construction.

use super::Stream;
use crate::config::Config;
use crate::connector::Source;
use crate::graph::{Graph, Logic, Node};
use crate::operator::{SourceOperator, TypedPort};
use crate::record::Data;
use crate::runtime::{self, JobHandle};
use crate::savepoint::PlanDiff;
use serde::{Serialize, de::DeserializeOwned};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The graph that a job and its streams build together.
pub(crate) type SharedGraph = Arc<Mutex<Graph>>;

/// Locks the graph; a panic of another builder cannot leave it half changed.
pub(crate) fn lock(graph: &SharedGraph) -> MutexGuard<'_, Graph> {
    graph.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A dataflow: the place where it is built, and how it is run.
#[derive(Clone)]
pub struct Job {
    graph: SharedGraph,
}

impl Job {
    /// An empty dataflow with a name. The name identifies the job in its state directory, in logs and in messages.
    pub fn new(name: impl Into<String>) -> Self {
        Job { graph: Arc::new(Mutex::new(Graph::new(name))) }
    }

    /// Adds a source.
    ///
    /// Its splits are shared out over as many subtasks as its parallelism; a subtask without a split ends at once.
    pub fn source<S: Source>(&self, source: S) -> Stream<S::Record> {
        let logic = Logic::Source(Arc::new(SourceOperator::new(source)));
        let node = Node::new("source", logic, None, vec![TypedPort::<S::Record>::shared()]);
        let id = lock(&self.graph).add(node, &[]);
        Stream::new(self.graph.clone(), id, 0)
    }

    /// Says that records of type `T` can be written down as JSON and read back, so that one that its operator fails on can be
    /// looked at, and handed to it again when that is mended. Known from the start: numbers, `bool`, `char`, `String`, and
    /// pairs of `String`, `u64`, `i64` and `f64`.
    ///
    /// A record is read back as what the program says `T` is then: a field that was added since needs a `#[serde(default)]`.
    ///
    /// ```
    /// use millstream::prelude::*;
    ///
    /// #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// struct Order {
    ///     user: String,
    ///     cents: u64,
    /// }
    ///
    /// let job = Job::new("orders");
    /// job.record_type::<Order>();
    /// ```
    pub fn record_type<T: Data + Serialize + DeserializeOwned>(&self) {
        lock(&self.graph).types.register::<T>();
    }

    /// Says that records of type `T` can be printed, for a type that is not made for [`record_type`](Job::record_type): one
    /// that its operator fails on can be looked at, but not handed to it again.
    pub fn record_debug<T: Data + std::fmt::Debug>(&self) {
        lock(&self.graph).types.register_debug::<T>();
    }

    /// The dataflow as text, with its chains and exchanges, for the job's parallelism in `config`.
    ///
    /// # Errors
    /// [`Error::Graph`](crate::Error::Graph) if the dataflow is not complete or not possible; the operator is named.
    pub fn explain(&self, config: &Config) -> crate::Result<String> {
        let graph = self.snapshot();
        let plan = graph.plan(config.parallelism).map_err(|error| crate::Error::graph(&graph.job, error))?;
        Ok(plan.to_string())
    }

    /// What would become of a savepoint in this dataflow: what maps, moves, migrates, is new, would be lost, is refused and
    /// why. Nothing is started, and nothing is written but to a temporary directory.
    ///
    /// Each stateful operator is built on the savepoint's states, so its functions that open states are called. States whose
    /// types have changed are converted on trial, all entries of them.
    ///
    /// * `config`: for the parallelism and what may be lost.
    ///
    /// # Errors
    /// If the dataflow is not possible, or the savepoint cannot be read. That it does not fit is no error: see
    /// [`PlanDiff::fits`].
    ///
    /// ```
    /// use millstream::prelude::*;
    ///
    /// let dir = tempfile::tempdir()?;
    /// let (state, path) = (dir.path().join("state"), dir.path().join("v1.savepoint"));
    /// let sums = |uid: &str| {
    ///     let job = Job::new("sums");
    ///     let keyed = job.source(MemorySource::new(0..100_u64)).uid("numbers").key_by(|n| n % 10);
    ///     keyed.count().uid(uid).sink(DiscardSink).uid("nowhere");
    ///     job
    /// };
    /// sums("sums").run(Config::default().state_dir(&state))?;
    /// Savepoint::create(&state, &path)?;
    ///
    /// let config = Config::default();
    /// assert!(sums("sums").plan_diff(&config, &path)?.fits());
    /// let renamed = sums("totals").plan_diff(&config, &path)?;
    /// assert!(renamed.reasons()[0].starts_with("operator `sums`"));
    /// assert!(sums("totals").plan_diff(&config.allow_removed("sums"), &path)?.fits());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn plan_diff(&self, config: &Config, savepoint: impl AsRef<Path>) -> crate::Result<PlanDiff> {
        runtime::plan_diff(&self.snapshot(), config, savepoint.as_ref())
    }

    /// Runs the job to its end and returns its final status.
    ///
    /// Blocks this thread. Ctrl-C and SIGTERM stop the job gracefully: a last checkpoint, then this returns; a second signal
    /// ends the process at once. With a state directory in `config` the job goes on where the last complete checkpoint
    /// left it.
    ///
    /// # Errors
    /// If the dataflow is not possible, the state directory does not fit, or the job fails and its restart strategy gives
    /// up; the error names the operator and the cause.
    pub fn run(&self, config: Config) -> crate::Result<crate::JobStatus> {
        self.run_observed(config, Duration::from_secs(60), |_| {})
    }

    /// [`run`](Job::run), and shows `observe` the job's status at each `interval` and at the end, in this thread.
    ///
    /// # Errors
    /// As [`run`](Job::run).
    pub fn run_observed(
        &self,
        config: Config,
        interval: Duration,
        observe: impl FnMut(&crate::JobStatus),
    ) -> crate::Result<crate::JobStatus> {
        runtime::run(self.snapshot(), config, interval, observe)
    }

    /// Starts the job on threads of its own and returns at once, for programs that have a runtime of their own. Signals
    /// are the program's affair.
    ///
    /// # Errors
    /// If the dataflow is not possible. What fails later is told by the handle.
    pub fn start(&self, config: Config) -> crate::Result<JobHandle> {
        runtime::start(self.snapshot(), config)
    }

    /// The graph as it has been built so far.
    pub(crate) fn snapshot(&self) -> Graph {
        lock(&self.graph).clone()
    }
}
