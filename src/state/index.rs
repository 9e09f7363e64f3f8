//! Which space belongs to which namespace, by order.
//!
//! Namespaces are mostly times, and time mostly goes on: a new one comes behind all others, the first one goes. Such live
//! in a sorted queue, where both cost a few steps; one that comes before others lives in a B-tree beside it. What is gone
//! from the middle of the queue leaves a gap, until most of it is gaps.

use std::collections::{BTreeMap, VecDeque};

/// So many entries from the back of the queue are looked at before it is searched.
const NEAR: usize = 4;

/// A sorted map from namespaces to the numbers of their spaces.
pub(super) struct Index<N> {
    /// Sorted; `None` is a gap. Neither the first nor the last is one.
    queue: VecDeque<(N, Option<usize>)>,
    gaps: usize,
    strays: BTreeMap<N, usize>,
}

impl<N> Default for Index<N> {
    fn default() -> Self {
        Index { queue: VecDeque::new(), gaps: 0, strays: BTreeMap::new() }
    }
}

impl<N: Copy + Ord> Index<N> {
    /// How many namespaces there are.
    pub(super) fn len(&self) -> usize {
        self.queue.len() - self.gaps + self.strays.len()
    }

    /// Where in the queue a namespace stands, or a gap that it left.
    fn find(&self, namespace: N) -> Option<usize> {
        if self.queue.back().is_none_or(|(last, _)| *last < namespace) {
            return None;
        }
        let near = self.queue.iter().rev().take(NEAR).position(|(near, _)| *near == namespace);
        near.map(|near| self.queue.len() - 1 - near)
            .or_else(|| self.queue.binary_search_by_key(&namespace, |(known, _)| *known).ok())
    }

    /// The namespace's space.
    pub(super) fn get(&self, namespace: N) -> Option<usize> {
        let queued = self.find(namespace).and_then(|at| self.queue[at].1);
        queued.or_else(|| if self.strays.is_empty() { None } else { self.strays.get(&namespace).copied() })
    }

    /// Adds a namespace that is not there.
    pub(super) fn insert(&mut self, namespace: N, space: usize) {
        if self.queue.back().is_none_or(|(last, _)| *last < namespace) {
            self.queue.push_back((namespace, Some(space)));
        } else {
            self.strays.insert(namespace, space);
        }
    }

    /// Forgets a namespace.
    pub(super) fn remove(&mut self, namespace: N) {
        match self.find(namespace) {
            Some(at) if self.queue[at].1.is_some() => {
                self.queue[at].1 = None;
                self.gaps += 1;
                self.close_gaps();
            }
            _ => drop(self.strays.remove(&namespace)),
        }
    }

    /// Closes gaps at both ends, and those between when they are most of the queue.
    fn close_gaps(&mut self) {
        let is_gap = |end: Option<&(N, Option<usize>)>| end.is_some_and(|(_, space)| space.is_none());
        while is_gap(self.queue.front()) {
            self.queue.pop_front();
            self.gaps -= 1;
        }
        while is_gap(self.queue.back()) {
            self.queue.pop_back();
            self.gaps -= 1;
        }
        if self.gaps > 64 + self.queue.len() / 2 {
            self.queue.retain(|(_, space)| space.is_some());
            self.gaps = 0;
        }
    }

    /// The first namespace, and its space.
    pub(super) fn first(&self) -> Option<(N, usize)> {
        let queued = self.queue.front().and_then(|&(namespace, space)| Some((namespace, space?)));
        let stray = self.strays.first_key_value().map(|(&namespace, &space)| (namespace, space));
        match (queued, stray) {
            (Some(queued), Some(stray)) => Some(queued.min(stray)),
            (queued, stray) => queued.or(stray),
        }
    }

    /// All namespaces, in no order.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = N> {
        let queued = self.queue.iter().filter(|(_, space)| space.is_some()).map(|(namespace, _)| *namespace);
        queued.chain(self.strays.keys().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_sorted_map(steps in vec((0..40_u8, 0..3_u8), 0..400)) {
            let (mut index, mut model) = (Index::default(), BTreeMap::new());
            for (i, (namespace, what)) in steps.into_iter().enumerate() {
                match what {
                    // Time goes on.
                    0 if model.len() < 30 => {
                        let next = model.keys().next_back().map_or(namespace, |last: &u8| last.saturating_add(1));
                        if model.insert(next, i).is_none() {
                            index.insert(next, i);
                        } else {
                            index.remove(next);
                            model.remove(&next);
                        }
                    }
                    1 if !model.contains_key(&namespace) => {
                        index.insert(namespace, i);
                        model.insert(namespace, i);
                    }
                    1 => {
                        index.remove(namespace);
                        model.remove(&namespace);
                    }
                    _ => {
                        if let Some((first, _)) = index.first() {
                            index.remove(first);
                        }
                        model.pop_first();
                    }
                }
                prop_assert_eq!(index.len(), model.len());
                prop_assert_eq!(index.first(), model.first_key_value().map(|(n, s)| (*n, *s)));
                prop_assert!((0..=255).all(|n| index.get(n) == model.get(&n).copied()));
                let mut all: Vec<u8> = index.namespaces().collect();
                all.sort_unstable();
                prop_assert!(all.iter().eq(model.keys()));
            }
        }
    }

    #[test]
    fn gaps_do_not_outlive_what_stands_around_them() {
        let mut index = Index::default();
        (0..10_000).for_each(|n: u32| index.insert(n, 0));
        (1..9_999).for_each(|n| index.remove(n));
        assert!(index.queue.len() < 200 && index.len() == 2);
        index.remove(0);
        assert_eq!((index.queue.len(), index.gaps, index.first()), (1, 0, Some((9_999, 0))));
    }
}
