//! What comes in on a shell's channels.

use super::super::channel::Tide;
use super::super::exchange::End;
use super::super::mailbox::Failure;
use super::super::protocol::Protocol;
use super::{Entry, Shell};
use crate::record::Element;
use crate::time::Timestamp;
use std::collections::VecDeque;

/// The receiving end of a channel.
pub(super) struct Input {
    pub(super) end: End,
    waiting: VecDeque<Element>,
    protocol: Protocol,
}

impl Input {
    pub(super) fn new(end: End) -> Self {
        Input { end, waiting: VecDeque::new(), protocol: Protocol::default() }
    }
}

impl Shell {
    /// An element has come on a channel.
    pub(in super::super) fn deliver(&mut self, channel: usize, element: Element) {
        let input = &mut self.inputs[channel];
        debug_assert_eq!(input.protocol.pass(&element), Ok(()), "channel {channel} from {:?}", input.end);
        input.waiting.push_back(element);
    }

    /// Takes the next element that may be taken. Without `room` that is a barrier.
    pub(super) fn take_element(&mut self, room: bool) -> Result<bool, Failure> {
        let count = self.inputs.len();
        for channel in (0..count).map(|step| (self.turn + step) % count) {
            if self.alignment.is_blocked(channel) {
                continue;
            }
            match self.inputs[channel].waiting.front() {
                Some(Element::Barrier(epoch)) => {
                    let epoch = *epoch;
                    self.inputs[channel].waiting.pop_front();
                    if let Some(epoch) = self.alignment.barrier(channel, epoch) {
                        self.barrier(epoch)?;
                    }
                    return Ok(true);
                }
                Some(_) if room => {
                    self.turn = channel + 1;
                    let element = self.inputs[channel].waiting.pop_front();
                    element.map_or(Ok(()), |element| self.element(channel, element))?;
                    return Ok(true);
                }
                _ => {}
            }
        }
        Ok(false)
    }

    /// Processes an element other than a barrier.
    fn element(&mut self, channel: usize, element: Element) -> Result<(), Failure> {
        match element {
            Element::Batch(batch) => {
                let bytes = batch.bytes();
                if let Some(clock) = self.input_clock.speaks(channel) {
                    self.resumed(clock);
                }
                let input = self.blueprint.plan.edges[self.inputs[channel].end.edge].input;
                self.hand_over(Entry::Batch { channel: Some(channel), input, batch, bytes })
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
