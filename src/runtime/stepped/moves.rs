//! What can happen next, and what happens then.

use super::super::mailbox::{Failure, News};
use super::super::shell::Effect;
use super::{Mail, Move, SteppedJob, Turn};
use crate::bug::{self, Bug};
use crate::config::Decision;
use crate::error::Result;
use crate::time::Clock;
use std::sync::atomic::Ordering::Relaxed;

impl SteppedJob {
    /// Does one move, if any is possible.
    pub(super) fn turn(&mut self) -> Result<Turn> {
        if self.over {
            return Ok(Turn::Quiet);
        }
        self.hand_out()?;
        let moves = self.moves();
        if moves.is_empty() {
            return Ok(Turn::Quiet);
        }
        let chosen = self.random.as_mut().map_or(0, |random| random.below(moves.len()));
        let acted = self.act(moves[chosen]);
        if let Some(failure) = acted.err().or(self.undecided.take()) {
            self.failed(failure)?;
        }
        if let Some((failure, reason)) = self.given_up.take() {
            return Err(self.give_up(failure, reason));
        }
        Ok(Turn::Moved)
    }

    pub(super) fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        moves.extend((!self.mail.is_empty()).then_some(Move::Mail));
        for (number, seat) in self.seats.iter().enumerate() {
            moves.extend(seat.work.keys().map(|lane| Move::Work(number, *lane)));
            let arriving = seat.on_the_way.iter().enumerate().filter(|(_, elements)| !elements.is_empty());
            moves.extend(arriving.map(|(channel, _)| Move::Arrive(number, channel)));
            moves.extend(seat.awake.then_some(Move::Step(number)));
        }
        moves
    }

    pub(super) fn act(&mut self, chosen: Move) -> std::result::Result<(), Failure> {
        match chosen {
            Move::Step(number) => {
                let seat = &mut self.seats[number];
                seat.awake = seat.shell.step()?;
                self.activity += u64::from(seat.awake);
                self.settle(number);
            }
            Move::Arrive(number, channel) => {
                self.activity += 1;
                let (receiver, there) = self.seats[number].receivers[channel];
                if let Some(element) = self.seats[number].on_the_way[channel].pop_front() {
                    self.seats[receiver].shell.deliver(there, element);
                    self.seats[receiver].awake = true;
                }
            }
            Move::Mail => {
                let attempt = self.ledger().manifest().attempt;
                let fenced = |mail: &Mail| mail.attempt != attempt && !bug::is(Bug::SkipFence);
                if let Some(Mail { subtask, epoch, part, .. }) = self.mail.pop_front().filter(|mail| !fenced(mail)) {
                    self.answer(subtask, epoch, part);
                }
            }
            Move::Work(number, lane) => {
                let seat = &mut self.seats[number];
                let waiting = seat.work.entry(lane).or_default();
                let work = waiting.pop_front();
                if waiting.is_empty() {
                    seat.work.remove(&lane);
                }
                if let Some(work) = work {
                    let done = work.run();
                    seat.shell.done(lane, done)?;
                    seat.awake = true;
                    self.settle(number);
                }
            }
        }
        Ok(())
    }

    /// Does what a shell has asked for, and puts on the way what it has to send.
    pub(super) fn settle(&mut self, number: usize) {
        while let Some(effect) = self.seats[number].shell.effect() {
            match effect {
                Effect::Credit { channel, bytes } => {
                    let (sender, there) = self.seats[number].senders[channel];
                    self.seats[sender].shell.credit(there, bytes);
                    self.seats[sender].awake = true;
                    self.send(sender);
                }
                Effect::Work(work) => self.seats[number].work.entry(work.lane()).or_default().push_back(work),
                Effect::Report(News::Answer(epoch, part)) => {
                    let attempt = self.ledger().manifest().attempt;
                    self.mail.push_back(Mail { attempt, subtask: number, epoch, part: *part });
                }
                Effect::Report(News::Ended) => drop(self.reading.remove(&number)),
                Effect::Report(News::Restarting(failure)) => {
                    self.board.set_failure(failure.to_string());
                    self.board.local_restarts.fetch_add(1, Relaxed);
                    if !failure.tolerated {
                        match self.restarts.failure(failure.fault, self.clock.elapsed()) {
                            Decision::RestartAfter(_) => self.seats[number].shell.permit(),
                            Decision::GiveUp(reason) => drop(self.given_up.get_or_insert((failure, reason))),
                        }
                    }
                }
                Effect::Report(News::Restarted(restart)) => self.board.add_restarted(restart, self.clock.elapsed()),
                Effect::Report(_) => {}
            }
        }
        self.send(number);
    }

    pub(super) fn send(&mut self, number: usize) {
        let seat = &mut self.seats[number];
        for (channel, elements) in seat.on_the_way.iter_mut().enumerate() {
            elements.extend(std::iter::from_fn(|| seat.shell.outgoing(channel)));
        }
    }
}
