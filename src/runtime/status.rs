//! What may be seen of a running job from outside: counters that the subtasks publish and nobody waits for.

use super::mailbox::Failure;
use super::watchdog::{CheckpointWait, SlowCheckpoint, Stage};
use super::watermarks::{Course, StallWatch, Times, WatermarkReport, WatermarkStall};
use crate::graph::{Logic, Plan};
use crate::operator::Core;
use crate::record::Epoch;
use crate::time::Timestamp;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// How many restarts of single subtasks, and of the job, are remembered.
const MOST_RESTARTED: usize = 100;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobState {
    /// It reads its state directory and builds its operators.
    Starting,
    /// Records flow.
    Running,
    /// An operator has failed; the job goes back to its last checkpoint.
    Restarting,
    /// A stop was asked for; the last checkpoint is under way.
    Stopping,
    /// Its input has ended and all output is visible.
    Finished,
    /// It was stopped with a last checkpoint and can be started again.
    Stopped,
    /// It has given up.
    Failed,
}

/// A job at one moment.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct JobStatus {
    /// The job's name.
    pub job: String,
    /// Where it stands.
    pub state: JobState,
    /// It had finished before this start; nothing was done.
    pub already_finished: bool,
    /// The number of its present life: 1 at the first start, one more at each start or restart.
    pub attempt: u32,
    /// The checkpoint from which its present life began; [`Epoch::ZERO`]: from nothing.
    pub began_from: Epoch,
    /// Complete checkpoints since the job's birth.
    pub checkpoints: u64,
    /// Checkpoints that failed in this process.
    pub failed_checkpoints: u64,
    /// The open checkpoint, if it takes longer than [`Config::checkpoint_warning`](crate::config::Config::checkpoint_warning).
    pub slow_checkpoint: Option<SlowCheckpoint>,
    /// Checkpoints of this process at which counts did not agree: records were lost or doubled between two operators, or an
    /// operator has miscounted. Each is logged as an error; it is a mistake of the engine. A program built with
    /// `debug_assertions` fails instead.
    pub accounting_breaks: u64,
    /// What did not agree at the last of these: the operator, its subtask, the channel, and the numbers.
    pub accounting_break: Option<String>,
    /// Restarts since the job's birth: in place after a failure, or by a new process after a crash.
    pub restarts: u64,
    /// How far event time has come at the operator that is furthest behind; `None` before the first watermark and for jobs
    /// without event time. [`Timestamp::MAX`] at the end.
    pub watermark: Option<Timestamp>,
    /// What holds event time back, if some watermark has stood still for longer than
    /// [`Config::watermark_warning`](crate::config::Config::watermark_warning) while records came.
    pub watermark_stalls: Vec<WatermarkStall>,
    /// Its operators, in the order in which they were built.
    pub operators: Vec<OperatorStatus>,
    /// The last failure.
    pub failure: Option<String>,
    /// How often a single subtask was restarted by itself in this process, while the others went on.
    pub local_restarts: u64,
    /// The last of those that came to their end, oldest first; at most 100.
    pub restarted: Vec<LocalRestart>,
    /// The last times that the whole job went back to its last checkpoint in this process, oldest first; at most 100.
    pub went_back: Vec<JobRestart>,
    /// Automatic savepoints that were taken in this process.
    pub savepoints: u64,
    /// Automatic savepoints that came to nothing in this process.
    pub failed_savepoints: u64,
}

/// A subtask that failed and was restarted by itself.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LocalRestart {
    /// The operator that failed.
    pub operator: String,
    /// Its subtask.
    pub subtask: usize,
    /// Why.
    pub cause: String,
    /// The last barrier before the snapshot that it went back to; [`Epoch::ZERO`] if it had met none since the job's birth. A
    /// snapshot is also taken when the journal is full, so it may be younger than this.
    pub epoch: Epoch,
    /// How many elements (batches, watermarks, ticks) were replayed from its last snapshot.
    pub replayed: usize,
    /// When it failed, from the start of the job in this process.
    pub at: Duration,
    /// How long it was, from the first failure on, until it was past the place where it had failed.
    pub took: Duration,
}

/// A failure that took the whole job back to its last checkpoint, in place.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct JobRestart {
    /// The operator that failed.
    pub operator: String,
    /// Its subtask.
    pub subtask: usize,
    /// Why.
    pub cause: String,
    /// The checkpoint that the job went back to; [`Epoch::ZERO`]: to its beginning.
    pub epoch: Epoch,
    /// When it failed, from the start of the job in this process.
    pub at: Duration,
    /// How long it was until all operators ran again, with the wait that the restart strategy asks for.
    pub took: Duration,
}

/// An operator at one moment, over all its subtasks. Counts roll back with the state: a record that is processed again
/// after a restart counts once.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct OperatorStatus {
    /// Its id.
    pub uid: String,
    /// What people call it.
    pub name: String,
    /// How many subtasks it has.
    pub parallelism: usize,
    /// Whether it brings records into the job.
    pub is_source: bool,
    /// Records that came in.
    pub records_in: u64,
    /// Records that went out, on all outputs.
    pub records_out: u64,
    /// Records that came too late for all of their windows.
    pub late: u64,
    /// Records that belonged to no window: those in the gaps of hopping windows.
    pub unassigned: u64,
    /// Records that it failed on again and again and that were left out: see [`OnError`](crate::operator::OnError).
    pub dead: u64,
    /// Timers and windows that it failed on again and again while it fired them, and that were left out.
    pub dead_timers: u64,
}

impl JobStatus {
    /// The operator with this uid.
    pub fn operator(&self, uid: &str) -> Option<&OperatorStatus> {
        self.operators.iter().find(|operator| operator.uid == uid)
    }
}

#[derive(Debug, Default)]
struct Gauges {
    records_in: AtomicU64,
    records_out: AtomicU64,
    late: AtomicU64,
    unassigned: AtomicU64,
    dead: AtomicU64,
    dead_timers: AtomicU64,
}

/// A failure that takes the whole job back.
#[derive(Debug)]
pub(super) struct Failed {
    /// When, by the job's clock.
    pub(super) at: Duration,
    pub(super) failure: Failure,
}

/// What one subtask publishes.
#[derive(Debug)]
pub(super) struct SubtaskGauges {
    /// By the numbers of its operators.
    operators: Vec<(usize, Gauges)>,
    clock: AtomicI64,
    /// The operator in front of it, and its number.
    place: (String, usize),
    stage: Mutex<Stage>,
    times: Mutex<Times>,
}

impl SubtaskGauges {
    /// Publishes where the subtask stands in a checkpoint.
    pub(super) fn publish_stage(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    /// Publishes how far it has come in event time; `tell` brings that up to date.
    pub(super) fn publish_times(&self, tell: impl FnOnce(&mut Times)) {
        tell(&mut self.times.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Publishes the counts of a core.
    pub(super) fn publish(&self, core: &Core) {
        for (node, gauges) in &self.operators {
            if let Some((_, meter)) = core.meters.get(node) {
                gauges.records_in.store(meter.records_in.get(), Relaxed);
                gauges.records_out.store(meter.records_out.get(), Relaxed);
                gauges.late.store(meter.late.get(), Relaxed);
                gauges.unassigned.store(meter.unassigned.get(), Relaxed);
                gauges.dead.store(meter.dead.get(), Relaxed);
                gauges.dead_timers.store(meter.dead_timers.get(), Relaxed);
            }
        }
        self.clock.store(core.clock.get().millis(), Relaxed);
    }
}

/// The board on which a job publishes.
#[derive(Debug)]
pub(super) struct Board {
    layout: RwLock<Arc<Layout>>,
    pub(super) attempt: AtomicU32,
    pub(super) began_from: AtomicU64,
    pub(super) checkpoints: AtomicU64,
    pub(super) failed_checkpoints: AtomicU64,
    slow: Mutex<Option<SlowCheckpoint>>,
    stalls: Mutex<Vec<WatermarkStall>>,
    accounting: Mutex<(u64, Option<String>)>,
    pub(super) restarts: AtomicU64,
    pub(super) local_restarts: AtomicU64,
    pub(super) savepoints: AtomicU64,
    pub(super) failed_savepoints: AtomicU64,
    restarted: Mutex<VecDeque<LocalRestart>>,
    went_back: Mutex<VecDeque<JobRestart>>,
    state: Mutex<(JobState, Option<String>, bool)>,
}

/// Who publishes; another one after a rescale.
#[derive(Debug)]
struct Layout {
    template: JobStatus,
    course: Course,
    subtasks: Vec<Arc<SubtaskGauges>>,
    /// The subtasks whose clock tells how far the job has come: those with inputs.
    timed: Vec<usize>,
}

impl Layout {
    fn new(plan: &Plan) -> Self {
        let nodes = plan.graph.nodes.iter().enumerate();
        let operators = nodes.map(|(id, node)| OperatorStatus {
            uid: node.uid.clone(),
            name: node.label().to_owned(),
            parallelism: plan.chains.iter().find(|chain| chain.nodes.contains(&id)).map_or(1, |c| c.parallelism),
            is_source: matches!(node.logic, Logic::Source(_)),
            records_in: 0,
            records_out: 0,
            late: 0,
            unassigned: 0,
            dead: 0,
            dead_timers: 0,
        });
        let template = JobStatus {
            job: plan.graph.job.clone(),
            state: JobState::Starting,
            already_finished: false,
            attempt: 0,
            began_from: Epoch::ZERO,
            checkpoints: 0,
            failed_checkpoints: 0,
            slow_checkpoint: None,
            accounting_breaks: 0,
            accounting_break: None,
            restarts: 0,
            watermark: None,
            watermark_stalls: Vec::new(),
            operators: operators.collect(),
            failure: None,
            local_restarts: 0,
            restarted: Vec::new(),
            went_back: Vec::new(),
            savepoints: 0,
            failed_savepoints: 0,
        };
        let mut subtasks = Vec::new();
        let mut timed = Vec::new();
        for (number, chain) in plan.chains.iter().enumerate() {
            for subtask in 0..chain.parallelism {
                if !plan.is_source(number) {
                    timed.push(subtasks.len());
                }
                let operators = chain.nodes.iter().map(|node| (*node, Gauges::default())).collect();
                let clock = AtomicI64::new(Timestamp::MIN.millis());
                let place = (plan.graph.nodes[chain.head].label().to_owned(), subtask);
                subtasks.push(Arc::new(SubtaskGauges {
                    operators,
                    clock,
                    place,
                    stage: Mutex::default(),
                    times: Mutex::default(),
                }));
            }
        }
        Layout { template, course: Course::new(plan), subtasks, timed }
    }
}

impl Board {
    pub(super) fn new(plan: &Plan) -> Self {
        Board {
            layout: RwLock::new(Arc::new(Layout::new(plan))),
            attempt: AtomicU32::new(0),
            began_from: AtomicU64::new(0),
            checkpoints: AtomicU64::new(0),
            failed_checkpoints: AtomicU64::new(0),
            slow: Mutex::default(),
            stalls: Mutex::default(),
            accounting: Mutex::default(),
            restarts: AtomicU64::new(0),
            local_restarts: AtomicU64::new(0),
            savepoints: AtomicU64::new(0),
            failed_savepoints: AtomicU64::new(0),
            restarted: Mutex::default(),
            went_back: Mutex::default(),
            state: Mutex::new((JobState::Starting, None, false)),
        }
    }

    fn layout(&self) -> Arc<Layout> {
        self.layout.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From here on the subtasks of another plan publish.
    pub(super) fn rescale(&self, plan: &Plan) {
        *self.layout.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Layout::new(plan));
    }

    /// Where a subtask publishes.
    pub(super) fn subtask(&self, number: usize) -> Arc<SubtaskGauges> {
        self.layout().subtasks[number].clone()
    }

    /// The job stands elsewhere now.
    pub(super) fn set_state(&self, state: JobState) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = state;
    }

    /// A subtask has been restarted by itself.
    ///
    /// * `now`: by the job's clock.
    pub(super) fn add_restarted(&self, restart: LocalRestart, now: Duration) {
        let at = now.saturating_sub(restart.took);
        remember(&self.restarted, LocalRestart { at, ..restart });
    }

    /// The job has gone back as a whole, and runs again.
    ///
    /// * `now`: by the job's clock.
    pub(super) fn add_went_back(&self, failed: Failed, epoch: Epoch, now: Duration) {
        let Failed { at, failure: Failure { operator, subtask, cause, .. } } = failed;
        remember(&self.went_back, JobRestart { operator, subtask, cause, epoch, at, took: now.saturating_sub(at) });
    }

    /// A checkpoint takes long: these subtasks, by their numbers over all chains, have not acknowledged it. Returns what is
    /// told of it.
    pub(super) fn set_slow(
        &self,
        plan: &Plan,
        epoch: Epoch,
        open_for: Duration,
        missing: impl Iterator<Item = usize>,
    ) -> SlowCheckpoint {
        let layout = self.layout();
        let wait = |number: usize| {
            let gauges = &layout.subtasks[number];
            let reason = gauges.stage.lock().unwrap_or_else(PoisonError::into_inner).describe(plan);
            let (operator, subtask) = gauges.place.clone();
            CheckpointWait { operator, subtask, reason }
        };
        let slow = SlowCheckpoint { epoch, open_for, waits: missing.map(wait).collect() };
        *self.slow.lock().unwrap_or_else(PoisonError::into_inner) = Some(slow.clone());
        slow
    }

    /// No checkpoint is open for long.
    pub(super) fn clear_slow(&self) {
        *self.slow.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// How event time stands, and what holds it back.
    pub(super) fn explain_watermark(&self) -> WatermarkReport {
        let layout = self.layout();
        let times = |gauges: &Arc<SubtaskGauges>| gauges.times.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let times: Vec<Times> = layout.subtasks.iter().map(times).collect();
        layout.course.report(&times, |node| layout.template.operators[node].name.clone())
    }

    /// Looks whether a watermark stands still.
    pub(super) fn look_at_watermarks(&self, watch: &mut StallWatch, now: Duration) {
        let records = |gauges: &Arc<SubtaskGauges>| {
            gauges.operators.first().map_or(0, |(_, gauges)| gauges.records_in.load(Relaxed))
        };
        let records: Vec<u64> = self.layout().subtasks.iter().map(records).collect();
        let stalls = watch.look(now, &self.explain_watermark(), &records);
        *self.stalls.lock().unwrap_or_else(PoisonError::into_inner) = stalls;
    }

    /// No watermark stands still.
    pub(super) fn clear_stalls(&self) {
        self.stalls.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// At a checkpoint counts did not agree.
    pub(super) fn add_accounting_break(&self, what: String) {
        let mut accounting = self.accounting.lock().unwrap_or_else(PoisonError::into_inner);
        *accounting = (accounting.0 + 1, Some(what));
    }

    /// Something has failed.
    pub(super) fn set_failure(&self, failure: String) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = Some(failure);
    }

    /// The job had finished before, with these counts by uid: (in, out, late, unassigned).
    pub(super) fn set_finished_before(&self, counts: &std::collections::BTreeMap<String, (u64, u64, u64, u64)>) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).2 = true;
        let Layout { template, subtasks, .. } = &*self.layout();
        for subtask in subtasks {
            for (node, gauges) in &subtask.operators {
                let uid = &template.operators[*node].uid;
                // All counts go to the first subtask that has the operator: `counts` are sums.
                let first = subtasks.iter().position(|s| s.operators.iter().any(|(other, _)| other == node));
                let here = first.is_some_and(|first| Arc::ptr_eq(&subtasks[first], subtask));
                let count = counts.get(uid).copied().filter(|_| here).unwrap_or_default();
                let (records_in, records_out, late, unassigned) = count;
                gauges.records_in.store(records_in, Relaxed);
                gauges.records_out.store(records_out, Relaxed);
                gauges.late.store(late, Relaxed);
                gauges.unassigned.store(unassigned, Relaxed);
            }
            subtask.clock.store(Timestamp::MAX.millis(), Relaxed);
        }
    }

    /// The job as it stands.
    pub(super) fn status(&self) -> JobStatus {
        let layout = self.layout();
        let mut status = layout.template.clone();
        (status.state, status.failure, status.already_finished) =
            self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        status.attempt = self.attempt.load(Relaxed);
        status.began_from = Epoch::from_u64(self.began_from.load(Relaxed));
        status.checkpoints = self.checkpoints.load(Relaxed);
        status.failed_checkpoints = self.failed_checkpoints.load(Relaxed);
        status.slow_checkpoint = self.slow.lock().unwrap_or_else(PoisonError::into_inner).clone();
        status.watermark_stalls = self.stalls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (status.accounting_breaks, status.accounting_break) =
            self.accounting.lock().unwrap_or_else(PoisonError::into_inner).clone();
        status.restarts = self.restarts.load(Relaxed);
        status.local_restarts = self.local_restarts.load(Relaxed);
        status.savepoints = self.savepoints.load(Relaxed);
        status.failed_savepoints = self.failed_savepoints.load(Relaxed);
        status.restarted = remembered(&self.restarted);
        status.went_back = remembered(&self.went_back);
        for (node, gauges) in layout.subtasks.iter().flat_map(|subtask| &subtask.operators) {
            let operator = &mut status.operators[*node];
            operator.records_in += gauges.records_in.load(Relaxed);
            operator.records_out += gauges.records_out.load(Relaxed);
            operator.late += gauges.late.load(Relaxed);
            operator.unassigned += gauges.unassigned.load(Relaxed);
            operator.dead += gauges.dead.load(Relaxed);
            operator.dead_timers += gauges.dead_timers.load(Relaxed);
        }
        let clocks = layout.timed.iter().map(|&number| layout.subtasks[number].clock.load(Relaxed));
        status.watermark = clocks.min().map(Timestamp::from_millis).filter(|clock| *clock > Timestamp::MIN);
        status
    }
}

/// Keeps the newest.
fn remember<T>(list: &Mutex<VecDeque<T>>, newest: T) {
    let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
    if list.len() == MOST_RESTARTED {
        list.pop_front();
    }
    list.push_back(newest);
}

fn remembered<T: Clone>(list: &Mutex<VecDeque<T>>) -> Vec<T> {
    list.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
}
