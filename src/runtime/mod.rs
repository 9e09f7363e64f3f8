//! What runs a dataflow: actors, and the only room that knows actix.
//!
//! # Who is who
//! * The *core* of a subtask (in [`operator`](crate::operator)) is user code and state, and knows no actor. The *shell*
//!   (`shell/`) around it is what must outlive the user's code: queues, alignment, credits, work on the disk; it knows no
//!   actor either. The *subtask* (`subtask.rs`) is the actor around the shell: its mailbox, and the threads for its work.
//! * A job can be run by hand instead (`stepped/`): one thread, virtual time, every move chosen from a seed. It drives
//!   the same shells; [`testing`](crate::testing) is made of it.
//! * The master (`job/`) supervises them and coordinates checkpoints. It runs on a control arbiter of its own.
//! * There is one arbiter (thread) per worker; the subtasks with the same number share it, so that only an exchange crosses
//!   threads. What blocks runs on the blocking pool.
//! * What is durable about a job is in the master's hands (`ledger.rs`): the manifest, the state files, and the records that
//!   could not be processed (`letters.rs`), which come again by the master too (`replay.rs`).
//!
//! # Order and loss
//! * A channel (`channel.rs`) keeps the order of its elements; between channels there is none.
//! * Data goes out only with credit, so mailboxes are bounded; nothing is dropped.
//!
//! # What is told
//! Each subtask publishes (`status.rs`) what it has counted and where it stands after each step, and nobody waits for it. At
//! each checkpoint the accounts of all are compared (`accounts.rs`). Who holds up a checkpoint (`watchdog.rs`) or a watermark
//! (`watermarks/`) for long is named.
//!
//! # Failure
//! actix does not restart an actor that panics, and loses its mailbox. So user code runs guarded, a panic is attributed to
//! operator and subtask, and the shell lives on.
//! * *Local restart* (`shell/recovery.rs`, `shell/journal.rs`): the core that failed is built anew from its last hand-off of
//!   state, what it was handed since is replayed, and what it had sent is not sent again. Those before, behind and beside
//!   it see a pause. A record that kills it again and again is left out, if its operator's policy says so.
//! * *Job restart*: what is not the user's code on a record (a source, a sink, a disk), and operators that do not do the same
//!   again, take the whole job back to its last checkpoint, in place, with new actors and a higher attempt.
//! * A process that dies is started again by somebody else, and goes on like after a job restart.
//!
//! Each failure is put to the restart strategy ([`config`](crate::config)), which may give up.

mod accounts;
mod assembly;
mod automatic;
mod calls;
mod channel;
mod checkpoints;
pub mod control;
mod directory;
mod drift;
mod examine;
mod exchange;
mod handle;
mod inspect;
mod job;
mod lane;
mod ledger;
mod letters;
mod mailbox;
mod protocol;
mod reading;
mod repeats;
mod replay;
mod rescale;
mod restoring;
mod shell;
mod signals;
mod status;
mod stepped;
mod subtask;
mod taking;
mod watchdog;
mod watching;
mod watermarks;

pub use checkpoints::{Checkpoint, Checkpoints};
pub use handle::JobHandle;
pub use inspect::{KeptOperator, StateChange, StateSummary, StateView};
pub use letters::DeadLetters;
pub use rescale::Rescaled;
pub(crate) use restoring::plan_diff;
pub use status::{JobRestart, JobState, JobStatus, LocalRestart, OperatorStatus};
pub(crate) use stepped::{Random, SteppedJob};
pub use watchdog::{CheckpointWait, SlowCheckpoint};
pub use watermarks::{
    GeneratorWatermark, InputWatermark, SplitWatermark, SubtaskWatermark, WatermarkReport, WatermarkStall,
};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::fault;
use crate::graph::Graph;
use actix::Actor;
use handle::{Outcome, Promise};
use job::Master;
use status::Board;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// Starts a job on a control thread of its own.
pub(crate) fn start(graph: Graph, config: Config) -> Result<JobHandle> {
    config.check().map_err(Error::Config)?;
    let job = graph.job.clone();
    let plan = graph.plan(config.parallelism).map_err(|error| Error::graph(&job, error))?;
    fault::install_hook();
    let board = Arc::new(Board::new(&plan));
    let outcome = Arc::new(Outcome::default());
    let promise = Promise::new(outcome.clone(), &job);
    let (sender, receiver) = mpsc::channel();
    let shared = board.clone();
    let control = move || {
        let system = actix::System::new();
        system.block_on(async move {
            let master = Master::new(plan, config, shared, move |result| promise.keep(result)).start();
            // If nobody waits for the address any more, nobody wants the job's handle.
            let _ = sender.send(master);
        });
        if let Err(error) = system.run() {
            tracing::error!(%error, "the control thread failed");
        }
    };
    let name = format!("millstream-{job}");
    let spawned = thread::Builder::new().name(name).spawn(control);
    spawned.map_err(|cause| Error::Config(format!("job `{job}`: cannot start its control thread: {cause}")))?;
    let master = receiver.recv().map_err(|_| Error::Lost { job })?;
    Ok(JobHandle { board, outcome, master })
}

/// Runs a job to its end; Ctrl-C and SIGTERM stop it gracefully. `observe` is shown its status at each `interval`.
pub(crate) fn run(
    graph: Graph,
    config: Config,
    interval: Duration,
    mut observe: impl FnMut(&JobStatus),
) -> Result<JobStatus> {
    let handle = start(graph, config)?;
    signals::watch(handle.stopper());
    while !handle.wait_for(interval) {
        observe(&handle.status());
    }
    observe(&handle.status());
    handle.wait()
}
