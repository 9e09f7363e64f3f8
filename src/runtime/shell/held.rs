//! What a subtask tells with its part of an epoch besides its state, and tells again until an epoch that holds it is
//! committed: a checkpoint that fails takes nothing with it.

use crate::record::Epoch;

/// Things that belong to the epoch in which they have come up, or to the next one that is committed.
pub(super) struct Held<T> {
    kept: Vec<T>,
    /// How many of them were given to the coordinator with an epoch.
    given: Vec<(Epoch, usize)>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Held { kept: Vec::new(), given: Vec::new() }
    }
}

impl<T: Clone> Held<T> {
    pub(super) fn add(&mut self, things: Vec<T>) {
        self.kept.extend(things);
    }

    /// All that is not committed.
    pub(super) fn give(&mut self, epoch: Epoch) -> Vec<T> {
        self.given.push((epoch, self.kept.len()));
        self.kept.clone()
    }

    pub(super) fn committed(&mut self, epoch: Epoch) {
        let gone = self.given.iter().filter(|(given, _)| *given <= epoch).map(|(_, count)| *count).max().unwrap_or(0);
        self.kept.drain(..gone);
        self.given.retain(|(given, _)| *given > epoch);
        self.given.iter_mut().for_each(|(_, count)| *count -= gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_committed_epoch_holds_is_given_again() {
        let epoch = |count| Epoch::new(1, count);
        let mut held: Held<u8> = Held::default();
        held.add(vec![1]);
        assert_eq!(held.give(epoch(1)), [1]);
        held.add(vec![2]);
        // Epochs 1 and 2 have failed.
        assert_eq!(held.give(epoch(2)), [1, 2]);
        assert_eq!(held.give(epoch(3)), [1, 2]);
        held.add(vec![3]);
        held.committed(epoch(3));
        assert_eq!(held.give(epoch(4)), [3]);
        held.add(vec![4]);
        held.committed(epoch(4));
        assert_eq!((held.give(epoch(5)), held.give(epoch(6))), (vec![4], vec![4]));
        held.committed(epoch(5));
        assert!(held.give(epoch(7)).is_empty());
    }
}
