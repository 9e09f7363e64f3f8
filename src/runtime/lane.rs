//! Blocking work that must keep its order, on the blocking pool.

use super::calls;
use super::shell::{Done, Lane, Work};
use super::subtask::Subtask;
use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use std::collections::{BTreeMap, VecDeque};

/// Work of a subtask: within a lane it runs one after the other; each answers in the actor.
#[derive(Default)]
pub(super) struct Lanes {
    /// What waits, of each lane in which something is under way.
    waiting: BTreeMap<Lane, VecDeque<Work>>,
}

impl Lanes {
    /// Puts work at the end of its lane.
    pub(super) fn run(subtask: &mut Subtask, ctx: &mut Context<Subtask>, work: Work) {
        let lane = work.lane();
        match subtask.lanes.waiting.get_mut(&lane) {
            Some(waiting) => waiting.push_back(work),
            None => {
                subtask.lanes.waiting.insert(lane, VecDeque::new());
                Lanes::launch(subtask, ctx, lane, work);
            }
        }
    }

    /// Does work where it belongs: what blocks on the blocking pool, a call to the outside in the actor's own runtime.
    async fn run_there(work: Work) -> Done {
        match work {
            Work::Call(call) => calls::make(call).await,
            work => {
                let done = tokio::task::spawn_blocking(move || work.run()).await;
                done.unwrap_or_else(|lost| Done::Panicked(lost.to_string()))
            }
        }
    }

    fn launch(subtask: &mut Subtask, ctx: &mut Context<Subtask>, lane: Lane, work: Work) {
        ctx.spawn(Lanes::run_there(work).into_actor(subtask).map(move |done, subtask, ctx| {
            let next = subtask.lanes.waiting.get_mut(&lane).and_then(VecDeque::pop_front);
            match next {
                Some(work) => Lanes::launch(subtask, ctx, lane, work),
                None => drop(subtask.lanes.waiting.remove(&lane)),
            }
            subtask.done(lane, done, ctx);
        }));
    }
}
