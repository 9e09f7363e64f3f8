//! What the master keeps an eye on: checkpoints that take long, and watermarks that stand still.

use super::job::{Master, Phase};
use super::watchdog::CheckpointWait;
use crate::record::Epoch;
use crate::time::Clock;
use actix::{AsyncContext, Context};

impl Master {
    /// An epoch has been opened.
    pub(super) fn watch_epoch(&mut self, epoch: Epoch, ctx: &mut Context<Self>) {
        let look_after = self.watchdog.opened(epoch, self.clock.elapsed());
        self.watch = Some(ctx.run_later(look_after, move |master, ctx| master.look_at_epoch(epoch, ctx)));
    }

    /// Tells of the open epoch if it takes long.
    fn look_at_epoch(&mut self, epoch: Epoch, ctx: &mut Context<Self>) {
        let Some((due, look_after)) = self.watchdog.look(epoch, self.clock.elapsed()) else { return };
        if let Some(open_for) = due {
            let slow = self.board.set_slow(&self.plan, epoch, open_for, self.tracker.missing());
            for CheckpointWait { operator, subtask, reason } in &slow.waits {
                tracing::warn!(job = %self.plan.graph.job, %operator, subtask, %epoch, ?open_for, reason,
                    "a checkpoint takes long: it waits for this subtask");
            }
        }
        self.watch = Some(ctx.run_later(look_after, move |master, ctx| master.look_at_epoch(epoch, ctx)));
    }

    /// No epoch is open any more.
    pub(super) fn settled(&mut self, ctx: &mut Context<Self>) {
        self.watchdog.settled();
        if let Some(look) = self.watch.take() {
            ctx.cancel_future(look);
        }
        self.board.clear_slow();
    }

    /// From here on looks at the watermarks now and then.
    pub(super) fn watch_watermarks(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(self.stalls.period(), |master, _| {
            if matches!(master.phase, Phase::Running | Phase::Ending(_)) {
                master.board.look_at_watermarks(&mut master.stalls, master.clock.elapsed());
            }
        });
    }

    /// This life is over, and with it what its watermarks waited for.
    pub(super) fn forget_watermarks(&mut self) {
        self.stalls.reset();
        self.board.clear_stalls();
    }
}
