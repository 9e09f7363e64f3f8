//! The actor around a [`Shell`]: its mailbox, its neighbours' addresses, and the blocking pool for its work.
//!
//! Message handlers only queue; a step follows, and yields, so that neighbours on the same arbiter and control messages get
//! their turn.

use super::assembly::Blueprint;
use super::exchange::{self, End};
use super::job::Master;
use super::lane::Lanes;
use super::mailbox::{Addresses, Control, Credit, Deliver, Failure, News, Report, send};
use super::shell::{Done, Effect, Lane, Shell};
use super::status::SubtaskGauges;
use crate::time::{Clock, SystemClock};
use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, WrapFuture};
use std::sync::Arc;
use std::time::Duration;

/// One parallel instance of an operator chain.
pub(super) struct Subtask {
    blueprint: Arc<Blueprint>,
    attempt: u32,
    /// Its number over all chains.
    number: usize,
    master: Addr<Master>,
    gauges: Arc<SubtaskGauges>,
    clock: Arc<SystemClock>,
    /// `None` before it is built, and if it could not be.
    shell: Option<Shell>,
    receivers: Vec<(Addr<Subtask>, usize)>,
    senders: Vec<(Addr<Subtask>, usize)>,
    pub(super) lanes: Lanes,
    /// When a step follows though nothing comes.
    alarm: Option<Duration>,
    scheduled: bool,
    closing: bool,
}

impl Subtask {
    pub(super) fn new(
        blueprint: Blueprint,
        attempt: u32,
        number: usize,
        master: Addr<Master>,
        gauges: Arc<SubtaskGauges>,
    ) -> Self {
        Subtask {
            blueprint: Arc::new(blueprint),
            attempt,
            number,
            master,
            gauges,
            clock: Arc::new(SystemClock::new()),
            shell: None,
            receivers: Vec::new(),
            senders: Vec::new(),
            lanes: Lanes::default(),
            alarm: None,
            scheduled: false,
            closing: false,
        }
    }

    fn report(&self, news: News) {
        Report { attempt: self.attempt, subtask: self.number, news }.send(&self.master);
    }

    /// Learns its neighbours.
    fn wire(&mut self, addresses: &Addresses) {
        let (plan, chain, index) = (&self.blueprint.plan, self.blueprint.chain, self.blueprint.subtask);
        let receiver = |end: End| {
            let number = exchange::number_at_receiver(plan, end.edge, index, end.chain, end.subtask);
            (addresses[end.chain][end.subtask].clone(), number)
        };
        let sender = |end: End| {
            let number = exchange::number_at_sender(plan, end.edge, index, end.chain, end.subtask);
            (addresses[end.chain][end.subtask].clone(), number)
        };
        self.receivers = exchange::outputs(plan, chain, index).into_iter().map(receiver).collect();
        self.senders = exchange::inputs(plan, chain, index).into_iter().map(sender).collect();
    }

    /// Makes sure that a step follows.
    fn wake(&mut self, ctx: &mut Context<Self>) {
        let lives = self.shell.as_ref().is_some_and(Shell::lives);
        if lives && !self.scheduled && !self.closing {
            self.scheduled = true;
            ctx.spawn(tokio::task::yield_now().into_actor(self).map(|(), subtask, ctx| subtask.step(ctx)));
        }
    }

    fn step(&mut self, ctx: &mut Context<Self>) {
        self.scheduled = false;
        let Some(shell) = self.shell.as_mut().filter(|_| !self.closing) else { return };
        let worked = shell.step();
        self.publish();
        match worked {
            Ok(more) => {
                self.settle(ctx);
                if more { self.wake(ctx) } else { self.set_alarm(ctx) }
            }
            Err(failure) => self.fail(failure),
        }
    }

    /// Does what the shell has asked for, and sends what it has to send.
    fn settle(&mut self, ctx: &mut Context<Self>) {
        while let Some(effect) = self.shell.as_mut().and_then(Shell::effect) {
            match effect {
                Effect::Credit { channel, bytes } => {
                    let (sender, number) = &self.senders[channel];
                    send(sender, Credit { channel: *number, bytes });
                }
                Effect::Work(work) => Lanes::run(self, ctx, work),
                Effect::Report(news) => self.report(news),
            }
        }
        for channel in 0..self.receivers.len() {
            self.send_channel(channel);
        }
    }

    fn send_channel(&mut self, channel: usize) {
        let (Some(shell), Some((receiver, number))) = (&mut self.shell, self.receivers.get(channel)) else { return };
        while let Some(element) = shell.outgoing(channel) {
            send(receiver, Deliver { channel: *number, element });
        }
    }

    /// Sees to it that a step follows when the shell wants one.
    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let Some(at) = self.shell.as_ref().and_then(Shell::wake_at) else { return };
        let now = self.clock.elapsed();
        if self.alarm.is_none_or(|alarm| alarm <= now || at < alarm) {
            self.alarm = Some(at);
            ctx.run_later(at.saturating_sub(now), |subtask, ctx| subtask.wake(ctx));
        }
    }

    /// Work of the shell has been done.
    pub(super) fn done(&mut self, lane: Lane, done: Done, ctx: &mut Context<Self>) {
        let Some(shell) = &mut self.shell else { return };
        match shell.done(lane, done) {
            Ok(()) => self.settle(ctx),
            Err(failure) => self.fail(failure),
        }
        self.wake(ctx);
    }

    fn publish(&self) {
        let Some(shell) = &self.shell else { return };
        self.gauges.publish_stage(shell.stage());
        self.gauges.publish_times(|times| shell.tell_times(times));
        if let Some(core) = shell.core() {
            self.gauges.publish(core);
        }
    }

    /// The core is lost.
    fn fail(&mut self, failure: Failure) {
        self.shell.iter_mut().for_each(Shell::kill);
        self.report(News::Failed(failure));
    }

    /// Ends this life as soon as nothing writes any more.
    fn close(&mut self, ctx: &mut Context<Self>) {
        if self.shell.as_ref().is_some_and(Shell::is_writing) {
            ctx.run_later(Duration::from_millis(1), |subtask, ctx| subtask.close(ctx));
            return;
        }
        self.shell.iter_mut().for_each(Shell::kill);
        self.report(News::Closed);
        actix::ActorContext::stop(ctx);
    }
}

impl Actor for Subtask {
    type Context = Context<Self>;

    /// Builds the core, in the actor's own thread.
    fn started(&mut self, _: &mut Self::Context) {
        match Shell::build(self.blueprint.clone(), self.clock.clone()) {
            Ok(shell) => {
                self.shell = Some(shell);
                self.publish();
                self.report(News::Ready(Ok(())));
            }
            Err(failure) => self.report(News::Ready(Err(failure))),
        }
    }
}

impl Handler<Deliver> for Subtask {
    type Result = ();

    fn handle(&mut self, message: Deliver, ctx: &mut Self::Context) {
        if let Some(shell) = &mut self.shell {
            shell.deliver(message.channel, message.element);
        }
        self.wake(ctx);
    }
}

impl Handler<Credit> for Subtask {
    type Result = ();

    fn handle(&mut self, message: Credit, ctx: &mut Self::Context) {
        if let Some(shell) = &mut self.shell {
            shell.credit(message.channel, message.bytes);
        }
        self.send_channel(message.channel);
        self.wake(ctx);
    }
}

impl Handler<Control> for Subtask {
    type Result = ();

    fn handle(&mut self, message: Control, ctx: &mut Self::Context) {
        match message {
            Control::Wire(addresses) => self.wire(&addresses),
            Control::Start => {
                self.shell.iter_mut().for_each(Shell::start);
                self.settle(ctx);
                self.wake(ctx);
            }
            Control::Replay(replay) => {
                self.shell.iter_mut().for_each(|shell| shell.hand_again(replay.clone()));
                self.wake(ctx);
            }
            Control::Trigger { epoch, stop } => {
                let Some(shell) = self.shell.as_mut().filter(|_| !self.closing) else { return };
                match shell.trigger(epoch, stop) {
                    Ok(()) => self.settle(ctx),
                    Err(failure) => self.fail(failure),
                }
                self.wake(ctx);
            }
            Control::Recover => {
                self.shell.iter_mut().for_each(Shell::permit);
                self.wake(ctx);
            }
            Control::Export(epoch, savepoints) => {
                let Some(shell) = self.shell.as_mut().filter(|_| !self.closing) else { return };
                let uid = &self.blueprint.plan.graph.nodes[self.blueprint.head()].uid;
                for savepoint in savepoints {
                    if let Some(export) = shell.export(epoch) {
                        // One that is not wanted any more is nobody's loss.
                        let _ = savepoint.send((uid.clone(), self.blueprint.subtask, export));
                    }
                }
            }
            Control::Committed { epoch, freed } => {
                self.shell.iter_mut().for_each(|shell| shell.committed(epoch, freed));
                self.settle(ctx);
            }
            Control::Teardown => {
                self.closing = true;
                self.close(ctx);
            }
        }
    }
}
