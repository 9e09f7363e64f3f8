//! What comes in on a shell's channels.

use super::super::channel::Tide;
use super::super::exchange::End;
use super::super::mailbox::Failure;
use super::super::protocol::Protocol;
use super::{Effect, Entry, Shell};
use crate::bug::{self, Bug};
use crate::record::Element;
use crate::time::Timestamp;
use std::collections::VecDeque;

/// An element that waits.
struct Waiting {
    element: Element,
    /// Its sender has its credit back already.
    parked: bool,
}

/// The receiving end of a channel.
pub(super) struct Input {
    pub(super) end: End,
    waiting: VecDeque<Waiting>,
    protocol: Protocol,
}

impl Input {
    pub(super) fn new(end: End) -> Self {
        Input { end, waiting: VecDeque::new(), protocol: Protocol::default() }
    }
}

impl Shell {
    /// An element has come on a channel. While the core is restarted, batches are parked as far as there is room: their
    /// senders get the credit back at once, so that they can go on serving others.
    pub(in super::super) fn deliver(&mut self, channel: usize, element: Element) {
        let input = &mut self.inputs[channel];
        debug_assert_eq!(input.protocol.pass(&element), Ok(()), "channel {channel} from {:?}", input.end);
        let bytes = if let Element::Batch(batch) = &element { batch.bytes() } else { 0 };
        let parked = bytes > 0 && self.recovery.is_some() && self.parked + bytes <= self.journal_limit;
        input.waiting.push_back(Waiting { element, parked });
        if parked {
            self.parked += bytes;
            self.effects.push_back(Effect::Credit { channel, bytes });
        }
    }

    /// Takes the next element that may be taken. Without `room` that is a barrier.
    pub(super) fn take_element(&mut self, room: bool) -> Result<bool, Failure> {
        let count = self.inputs.len();
        for channel in (0..count).map(|step| (self.turn + step) % count) {
            if self.alignment.is_blocked(channel) {
                continue;
            }
            match self.inputs[channel].waiting.front().map(|waiting| &waiting.element) {
                Some(Element::Barrier(epoch)) => {
                    let epoch = *epoch;
                    self.inputs[channel].waiting.pop_front();
                    if let Some(epoch) = self.alignment.barrier(channel, epoch) {
                        if bug::is(Bug::DropStash) {
                            self.inputs.iter_mut().for_each(|input| input.waiting.clear());
                        }
                        self.barrier(epoch)?;
                    }
                    return Ok(true);
                }
                Some(_) if room => {
                    self.turn = channel + 1;
                    let waiting = self.inputs[channel].waiting.pop_front();
                    waiting.map_or(Ok(()), |waiting| self.element(channel, waiting))?;
                    return Ok(true);
                }
                _ => {}
            }
        }
        Ok(false)
    }

    /// Processes an element other than a barrier.
    fn element(&mut self, channel: usize, waiting: Waiting) -> Result<(), Failure> {
        match waiting.element {
            Element::Batch(batch) => {
                let bytes = batch.bytes();
                self.tally.received(channel, batch.len());
                if let Some(clock) = self.input_clock.speaks(channel) {
                    self.resumed(clock);
                }
                let input = self.blueprint.plan.edges[self.inputs[channel].end.edge].input;
                self.parked -= if waiting.parked { bytes } else { 0 };
                let channel = Some(channel).filter(|_| !waiting.parked);
                self.hand_over(Entry::Batch { channel, input, batch, bytes, reopens: false })
            }
            Element::Watermark(watermark) => {
                let tide = self.input_clock.watermark(channel, watermark);
                self.tide(tide)
            }
            Element::End => {
                let tide = self.input_clock.watermark(channel, Timestamp::MAX);
                self.tide(tide)?;
                // In a life that began with all inputs at their ends the clock does not rise any more.
                self.end_if_over();
                Ok(())
            }
            Element::Idle => {
                let tide = self.input_clock.idle(channel);
                self.tide(tide)
            }
            Element::Barrier(_) => unreachable!("barriers are aligned before"),
        }
    }

    fn tide(&mut self, tide: Tide) -> Result<(), Failure> {
        match tide {
            Tide::Still => Ok(()),
            Tide::Rose(clock) => self.advance(clock),
            Tide::AllIdle(rose) => {
                self.falls_silent = true;
                match rose {
                    Some(clock) => self.advance(clock),
                    None => self.resume(),
                }
            }
            Tide::Resumed(clock) => {
                self.resumed(clock);
                Ok(())
            }
        }
    }

    /// Tells those behind that the silence is over.
    fn resumed(&mut self, clock: Timestamp) {
        if clock > Timestamp::MIN {
            self.emit(&Element::Watermark(clock));
        }
    }
}
