//! Blocking work that must keep its order.

use super::guard::guard;
use super::subtask::Subtask;
use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use std::collections::VecDeque;

type Launch = Box<dyn FnOnce(&mut Subtask, &mut Context<Subtask>)>;

/// Jobs for the blocking pool, run one after the other; each answers in the actor.
#[derive(Default)]
pub(super) struct Lane {
    waiting: VecDeque<Launch>,
    running: bool,
}

/// Which lane of a subtask.
#[derive(Clone, Copy, Debug)]
pub(super) enum LaneId {
    /// Writes of its state file.
    State,
    /// Writes of one of its sinks.
    Sink(usize),
}

impl Lane {
    /// How many jobs have not answered.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + usize::from(self.running)
    }

    /// Puts a job at the end of a lane; `then` gets what it returned. A job that panics fails the subtask.
    pub(super) fn run<R: Send + 'static>(
        subtask: &mut Subtask,
        ctx: &mut Context<Subtask>,
        lane: LaneId,
        job: impl FnOnce() -> R + Send + 'static,
        then: impl FnOnce(&mut Subtask, R) + 'static,
    ) {
        let launch: Launch = Box::new(move |subtask, ctx| {
            let done = tokio::task::spawn_blocking(move || guard(job)).into_actor(subtask);
            ctx.spawn(done.map(move |result, subtask, ctx| {
                subtask.lane(lane).running = false;
                match result {
                    Ok(Ok(result)) => then(subtask, result),
                    Ok(Err(panic)) => subtask.job_panicked(panic),
                    Err(lost) => subtask.job_panicked(lost.to_string()),
                }
                Lane::next(subtask, ctx, lane);
                // There may be room again for what waits.
                subtask.wake(ctx);
            }));
        });
        subtask.lane(lane).waiting.push_back(launch);
        Lane::next(subtask, ctx, lane);
    }

    fn next(subtask: &mut Subtask, ctx: &mut Context<Subtask>, lane: LaneId) {
        if subtask.lane(lane).running {
            return;
        }
        if let Some(launch) = subtask.lane(lane).waiting.pop_front() {
            subtask.lane(lane).running = true;
            launch(subtask, ctx);
        }
    }
}
