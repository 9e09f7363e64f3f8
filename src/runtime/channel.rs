//! Channels: back pressure by credit, and how far each input has come in event time. No actor in here.
//!
//! A channel is (edge, sending subtask, receiving subtask). The sender holds credit in batches and bytes; the receiver gives
//! it back when it has *processed* a batch. Barriers, watermarks and the rest need no credit but keep their place. Each
//! channel has its own credit: with one pool per receiver, batches that wait behind a barrier would eat the credit of the
//! channel whose barrier is awaited.

use crate::record::Element;
use crate::time::Timestamp;
use std::collections::VecDeque;

/// How much may be under way on one channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) batches: usize,
    pub(super) bytes: usize,
}

/// The sending end.
#[derive(Debug)]
pub(super) struct OutChannel {
    waiting: VecDeque<Element>,
    batches: usize,
    bytes: usize,
    limits: Limits,
    /// How many records have been put in.
    records: u64,
}

impl OutChannel {
    pub(super) fn new(limits: Limits) -> Self {
        OutChannel { waiting: VecDeque::new(), batches: 0, bytes: 0, limits, records: 0 }
    }

    /// Puts an element at the end. Adjacent watermarks merge.
    pub(super) fn push(&mut self, element: Element) {
        if let Element::Batch(batch) = &element {
            self.records += batch.len() as u64;
        }
        if let (Element::Watermark(_), Some(last @ Element::Watermark(_))) = (&element, self.waiting.back_mut()) {
            *last = element;
        } else {
            self.waiting.push_back(element);
        }
    }

    /// The next element that may go now; its credit is taken. A batch above the byte limit may go when nothing else is
    /// under way.
    pub(super) fn next(&mut self) -> Option<Element> {
        if let Element::Batch(batch) = self.waiting.front()? {
            let fits = self.bytes + batch.bytes() <= self.limits.bytes || self.batches == 0;
            if self.batches >= self.limits.batches || !fits {
                return None;
            }
            self.batches += 1;
            self.bytes += batch.bytes();
        }
        self.waiting.pop_front()
    }

    /// How many records it has been given, whether they have gone or wait.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// The receiver has processed a batch of that many bytes.
    pub(super) fn credit(&mut self, bytes: usize) {
        self.batches -= 1;
        self.bytes -= bytes;
    }

    /// Whether nothing waits for credit: its sender may produce more.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// What has changed for a subtask's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tide {
    /// Nothing.
    Still,
    /// The clock has come to this moment.
    Rose(Timestamp),
    /// All inputs are silent, and the clock has perhaps come to this moment before.
    AllIdle(Option<Timestamp>),
    /// The silence is over; the clock stands where it stood.
    Resumed(Timestamp),
}

/// A subtask's event-time clock: the minimum over its channels that are neither idle nor behind it.
///
/// A channel that was idle and comes back below the clock stays out of the minimum until it has caught up, as in Flink
/// (`StatusWatermarkValve`); what it brings meanwhile may be late. The clock never goes back.
#[derive(Debug)]
pub(super) struct InputClock {
    channels: Vec<Channel>,
    clock: Timestamp,
    /// All inputs are silent, and those behind have been told.
    all_idle: bool,
}

#[derive(Clone, Copy, Debug)]
struct Channel {
    watermark: Timestamp,
    idle: bool,
}

impl InputClock {
    /// * `watermarks`: how far each channel has come.
    /// * `clock`: where the clock stood.
    pub(super) fn new(watermarks: Vec<Timestamp>, clock: Timestamp) -> Self {
        let channels = watermarks.into_iter().map(|watermark| Channel { watermark, idle: false }).collect();
        InputClock { channels, clock, all_idle: false }
    }

    /// How far a channel has come.
    pub(super) fn channel(&self, channel: usize) -> Timestamp {
        self.channels[channel].watermark
    }

    /// How far each channel has come, whether it is silent, and whether it holds the clock back.
    pub(super) fn channels(&self) -> impl Iterator<Item = (Timestamp, bool, bool)> {
        let least = self.counted().min().filter(|least| *least < Timestamp::MAX && !self.all_idle);
        self.channels
            .iter()
            .map(move |channel| (channel.watermark, channel.idle, !channel.idle && least == Some(channel.watermark)))
    }

    /// Records come on a channel: it is not idle. Returns the clock if all were silent before: those behind must be told that
    /// this is over, also where none of these records go.
    pub(super) fn speaks(&mut self, channel: usize) -> Option<Timestamp> {
        self.channels[channel].idle = false;
        std::mem::take(&mut self.all_idle).then_some(self.clock)
    }

    /// A watermark has come on a channel.
    pub(super) fn watermark(&mut self, channel: usize, watermark: Timestamp) -> Tide {
        let entry = &mut self.channels[channel];
        entry.idle = false;
        entry.watermark = entry.watermark.max(watermark);
        match self.rise() {
            // One that stands still tells all the same that the silence is over.
            Tide::Still if std::mem::take(&mut self.all_idle) => Tide::Resumed(self.clock),
            tide => tide,
        }
    }

    /// A channel has fallen silent.
    pub(super) fn idle(&mut self, channel: usize) -> Tide {
        self.channels[channel].idle = true;
        self.rise()
    }

    fn rise(&mut self) -> Tide {
        // A channel that has ended says nothing about one that is only silent.
        let ended = |channel: &Channel| channel.watermark == Timestamp::MAX;
        let waiting = self.channels.iter().any(|channel| channel.idle && !ended(channel));
        if waiting && self.channels.iter().all(|channel| channel.idle || ended(channel)) {
            self.all_idle = true;
            // Nobody holds back any more, so the furthest counts, whoever fell silent first; as in Flink.
            let furthest =
                self.channels.iter().filter(|channel| !ended(channel)).map(|channel| channel.watermark).max();
            let rose = furthest.filter(|furthest| *furthest > self.clock);
            self.clock = rose.unwrap_or(self.clock);
            return Tide::AllIdle(rose);
        }
        match self.counted().min() {
            Some(minimum) if minimum > self.clock => {
                self.clock = minimum;
                self.all_idle = false;
                Tide::Rose(minimum)
            }
            _ => Tide::Still,
        }
    }

    /// The watermarks of the channels that are neither silent nor behind the clock.
    fn counted(&self) -> impl Iterator<Item = Timestamp> {
        let counted = self.channels.iter().filter(|channel| !channel.idle && channel.watermark >= self.clock);
        counted.map(|channel| channel.watermark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Batch, Epoch, Rows};

    fn batch(records: usize) -> Element {
        let rows = Rows { records: vec![0_u8; records], times: vec![Timestamp::MIN; records], hashes: Vec::new() };
        Element::Batch(Batch::new(rows))
    }

    const ROW: usize = 1 + size_of::<Timestamp>();

    fn drain(channel: &mut OutChannel) -> Vec<String> {
        std::iter::from_fn(|| channel.next()).map(|element| format!("{element:?}")).collect()
    }

    #[test]
    fn batches_wait_for_credit_and_barriers_keep_their_place() {
        let mut channel = OutChannel::new(Limits { batches: 2, bytes: 1000 });
        channel.push(batch(1));
        channel.push(batch(2));
        channel.push(Element::Barrier(Epoch::new(1, 1)));
        channel.push(batch(3));
        channel.push(Element::End);
        assert_eq!(drain(&mut channel), ["Batch(1)", "Batch(2)", "Barrier(1.1)"]);
        assert!(!channel.has_room());
        channel.credit(ROW);
        assert_eq!(drain(&mut channel), ["Batch(3)", "End"]);
        assert!(channel.has_room());
    }

    #[test]
    fn a_batch_above_the_byte_limit_goes_alone() {
        let mut channel = OutChannel::new(Limits { batches: 4, bytes: 10 * ROW });
        channel.push(batch(20));
        channel.push(batch(1));
        assert_eq!(drain(&mut channel), ["Batch(20)"]);
        channel.credit(20 * ROW);
        assert_eq!(drain(&mut channel), ["Batch(1)"]);
    }

    #[test]
    fn adjacent_watermarks_merge_while_they_wait() {
        let mut channel = OutChannel::new(Limits { batches: 1, bytes: 1000 });
        channel.push(batch(1));
        channel.push(batch(2));
        channel.push(Element::Watermark(Timestamp::from_millis(1)));
        channel.push(Element::Watermark(Timestamp::from_seconds(2)));
        assert_eq!(drain(&mut channel), ["Batch(1)"]);
        channel.credit(ROW);
        assert_eq!(drain(&mut channel), ["Batch(2)", "Watermark(1970-01-01T00:00:02Z)"]);
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn the_clock_is_the_slowest_channel_and_never_goes_back() {
        let mut clock = InputClock::new(vec![Timestamp::MIN; 2], Timestamp::MIN);
        assert_eq!(clock.watermark(0, at(5)), Tide::Still);
        assert_eq!(clock.watermark(1, at(3)), Tide::Rose(at(3)));
        assert_eq!(clock.watermark(1, at(2)), Tide::Still);
        assert_eq!(clock.watermark(1, Timestamp::MAX), Tide::Rose(at(5)));
    }

    #[test]
    fn a_silent_channel_holds_nothing_back_and_must_catch_up() {
        let mut clock = InputClock::new(vec![Timestamp::MIN; 2], Timestamp::MIN);
        assert_eq!(clock.watermark(0, at(5)), Tide::Still);
        assert_eq!(clock.idle(1), Tide::Rose(at(5)));
        clock.speaks(1);
        assert_eq!(clock.watermark(0, at(9)), Tide::Rose(at(9)), "the other one is behind and does not count");
        assert_eq!(clock.watermark(1, at(8)), Tide::Still);
        assert_eq!(clock.watermark(1, at(9)), Tide::Still, "it has caught up");
        assert_eq!(clock.watermark(0, at(12)), Tide::Still, "and counts again");
        assert_eq!(clock.watermark(1, at(10)), Tide::Rose(at(10)));
    }

    #[test]
    fn the_channels_that_hold_the_clock_back_are_known() {
        let holds = |clock: &InputClock| clock.channels().map(|(_, _, holds)| holds).collect::<Vec<_>>();
        let mut clock = InputClock::new(vec![Timestamp::MIN; 3], Timestamp::MIN);
        clock.watermark(0, at(5));
        assert_eq!(holds(&clock), [false, true, true]);
        clock.watermark(1, at(3));
        assert_eq!(holds(&clock), [false, false, true]);
        clock.idle(2);
        assert_eq!(holds(&clock), [false, true, false]);
        clock.speaks(2);
        assert_eq!(holds(&clock), [false, true, false], "it is behind the clock and does not count");
        let tides = [0, 1, 2].map(|channel| clock.idle(channel));
        assert_eq!(tides[2], Tide::AllIdle(Some(at(5))));
        assert_eq!(holds(&clock), [false; 3]);
    }

    #[test]
    fn when_all_are_silent_so_is_what_is_behind() {
        let mut clock = InputClock::new(vec![at(1); 2], at(1));
        assert_eq!(clock.idle(0), Tide::Still);
        assert_eq!(clock.idle(1), Tide::AllIdle(None));
        assert_eq!(clock.watermark(0, at(1)), Tide::Resumed(at(1)));
        assert_eq!(clock.idle(0), Tide::AllIdle(None));
        assert_eq!(clock.speaks(1), Some(at(1)));
        assert_eq!(clock.speaks(1), None);
    }

    #[test]
    fn the_end_of_one_channel_does_not_end_a_silent_one() {
        let mut clock = InputClock::new(vec![at(1); 2], at(1));
        assert_eq!(clock.idle(0), Tide::Still);
        assert_eq!(clock.watermark(1, Timestamp::MAX), Tide::AllIdle(None));
        assert_eq!(clock.speaks(0), Some(at(1)));
        assert_eq!(clock.watermark(0, at(3)), Tide::Rose(at(3)));
        assert_eq!(clock.watermark(0, Timestamp::MAX), Tide::Rose(Timestamp::MAX));
    }

    #[test]
    fn it_does_not_matter_who_falls_silent_first() {
        for order in [[0, 1], [1, 0]] {
            let mut clock = InputClock::new(vec![Timestamp::MIN; 2], Timestamp::MIN);
            assert_eq!(clock.watermark(0, at(5)), Tide::Still);
            let tides = order.map(|channel| clock.idle(channel));
            assert!(tides.contains(&Tide::Rose(at(5))) || tides.contains(&Tide::AllIdle(Some(at(5)))), "{tides:?}");
        }
    }

    #[test]
    fn a_restored_clock_does_not_fire_again() {
        let mut clock = InputClock::new(vec![at(4), at(9)], at(9));
        assert_eq!(clock.watermark(0, at(8)), Tide::Still);
        assert_eq!(clock.watermark(0, at(9)), Tide::Still);
        assert_eq!(clock.watermark(0, at(10)), Tide::Still);
        assert_eq!(clock.watermark(1, at(11)), Tide::Rose(at(10)));
    }
}
