//! Alignment: which of a subtask's channels may speak.

use crate::record::Epoch;

/// What stands between a subtask's channels and its core while a barrier has come on some of them.
///
/// The shell shows it the front of a channel; a barrier at the front blocks that channel and all behind it waits, within
/// the channel's credits. When every channel is blocked the barrier is complete. All channels always show the same barrier
/// then: each sender forwards every barrier, in order, also after its data has ended.
#[derive(Debug)]
pub(crate) struct Alignment {
    blocked: Vec<Option<Epoch>>,
}

impl Alignment {
    /// For a subtask with this many channels.
    pub(crate) fn new(channels: usize) -> Self {
        Alignment { blocked: vec![None; channels] }
    }

    /// Whether a channel must wait.
    pub(crate) fn is_blocked(&self, channel: usize) -> bool {
        self.blocked[channel].is_some()
    }

    /// The channels on which the barrier is missing; none if it has come on no channel.
    pub(crate) fn missing(&self) -> impl Iterator<Item = usize> {
        let begun = self.blocked.iter().any(Option::is_some);
        let missing = self.blocked.iter().enumerate().filter(move |(_, blocked)| begun && blocked.is_none());
        missing.map(|(channel, _)| channel)
    }

    /// A barrier has come to the front of a channel. Returns its epoch when this was the last channel it was missing on,
    /// and lets all channels speak again.
    ///
    /// # Panics
    /// If two channels disagree about which barrier is next, or the channel is blocked: the protocol is broken.
    pub(crate) fn barrier(&mut self, channel: usize, epoch: Epoch) -> Option<Epoch> {
        assert!(!self.is_blocked(channel), "a blocked channel spoke");
        for other in self.blocked.iter().flatten() {
            assert_eq!(*other, epoch, "two channels disagree about the next barrier");
        }
        self.blocked[channel] = Some(epoch);
        let complete = self.blocked.iter().all(Option::is_some);
        if complete {
            self.blocked.fill(None);
        }
        complete.then_some(epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Item {
        Data(u64),
        Barrier(Epoch),
    }

    proptest! {
        /// Whatever the order in which channels speak: all data before barrier n, and none behind it, is seen before
        /// snapshot n.
        #[test]
        fn a_snapshot_holds_what_came_before_its_barrier_and_nothing_else(
            lengths in proptest::collection::vec(proptest::collection::vec(0_usize..4, 4), 1..5),
            choices in proptest::collection::vec(any::<u16>(), 400),
        ) {
            // Channel c carries `lengths[c][n]` records before its barrier n; each record bears n.
            let mut channels: Vec<VecDeque<Item>> = lengths.iter().map(|epochs| {
                let one = |(n, count): (usize, &usize)| {
                    let data = std::iter::repeat_n(Item::Data(n as u64), *count);
                    data.chain([Item::Barrier(Epoch::new(1, n as u64))]).collect::<Vec<_>>()
                };
                epochs.iter().enumerate().flat_map(one).collect()
            }).collect();
            let mut alignment = Alignment::new(channels.len());
            let mut seen = [0; 4];
            let mut snapshots = Vec::new();
            for choice in choices {
                let open: Vec<usize> = (0..channels.len())
                    .filter(|&c| !alignment.is_blocked(c) && !channels[c].is_empty())
                    .collect();
                let Some(&channel) = open.get(choice as usize % open.len().max(1)) else { break };
                match channels[channel].pop_front() {
                    Some(Item::Data(n)) => {
                        prop_assert_eq!(n, snapshots.len() as u64, "data of another epoch was let through");
                        seen[n as usize] += 1;
                    }
                    Some(Item::Barrier(epoch)) => snapshots.extend(alignment.barrier(channel, epoch)),
                    None => {}
                }
            }
            prop_assert!(channels.iter().all(VecDeque::is_empty), "alignment got stuck");
            let expected: Vec<Epoch> = (0..4).map(|n| Epoch::new(1, n)).collect();
            prop_assert_eq!(snapshots, expected);
            for n in 0..4 {
                prop_assert_eq!(seen[n], lengths.iter().map(|epochs| epochs[n]).sum::<usize>());
            }
        }
    }
}
