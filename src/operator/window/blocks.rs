//! The panes of each key, merged so that a window costs a few merges, however many panes it has.
//!
//! Panes are gathered in blocks (see `paired`). While a block is filled, a running *prefix* holds all of its panes so far.
//! When the next one begins, its panes are replaced in place, from the last to the first, by *suffixes*: each pane merged
//! with those behind it in its block. A window that lies in two blocks is a suffix of the first merged with the prefix of the
//! second; one that begins its block is the prefix. That makes three merges per pane, and each is of earlier panes with
//! later ones.
//!
//! Source: van Herk, "A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels", Pattern
//! Recognition Letters 13(7), 1992; Gil and Werman, "Computing 2-D min, median, and max filters", IEEE TPAMI 15(5), 1993.
//! Not two stacks, which would do too: where a stack is turned over depends on when results are asked for, where a block
//! ends on the grid alone. So the same panes are merged in the same grouping in every run, and sums of floats come out the
//! same to the last bit.
//!
//! * All of it is in the state: the panes and suffixes in a map per key, the prefix in a [`Running`] that the caller keeps.
//! * Entries at or before the start of [`Running::block`] are suffixes, those behind it are panes. There are none before the
//!   block that comes before it: [`Blocks::expire`] has removed them.
//! * A pane without records has no entry; the suffix that begins behind it says the same.
//! * Where accumulators grow with their records, suffixes would hold each record many times: such panes are kept *apart*, as
//!   they are, and each window merges all of its panes.

use super::paired::{Paired, Span};
use crate::operator::Error;
use crate::record::Key;
use crate::state::{Keyed, MapState, StateValue};
use serde::{Deserialize, Serialize};
use std::ops::Bound;

/// Adds all that the second has to the first.
type Merge<S> = Box<dyn Fn(&mut S, S)>;

/// The panes of each key that windows still need, by their ends.
pub(super) struct Blocks<K, S> {
    grid: Paired,
    panes: MapState<K, i64, S>,
    merge: Merge<S>,
    apart: bool,
}

/// How far the block of a key is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Running<S> {
    /// The block whose panes have not been made suffixes.
    block: i64,
    /// All of its panes so far.
    prefix: Option<S>,
}

impl<S> Running<S> {
    /// Before all blocks.
    pub(super) fn new() -> Self {
        Running { block: i64::MIN, prefix: None }
    }
}

impl<K: Key, S: StateValue + Clone> Blocks<K, S> {
    /// * merge: adds all that the second has to the first.
    /// * apart: merges no panes before a window asks for them.
    pub(super) fn new(
        grid: Paired,
        panes: MapState<K, i64, S>,
        merge: impl Fn(&mut S, S) + 'static,
        apart: bool,
    ) -> Self {
        Blocks { grid, panes, merge: Box::new(merge), apart }
    }

    fn merged(&self, earlier: Option<S>, later: Option<S>) -> Option<S> {
        match (earlier, later) {
            (Some(mut all), Some(later)) => {
                (self.merge)(&mut all, later);
                Some(all)
            }
            (earlier, later) => earlier.or(later),
        }
    }

    /// Begins `block`, if it has not begun: what is there becomes suffixes.
    fn begin(&self, at: Keyed<'_, K>, running: &mut Running<S>, block: i64) -> Result<(), Error> {
        if self.apart || running.block >= block {
            return Ok(());
        }
        let mut suffix: Option<S> = None;
        for (end, pane) in self.panes.entries(at)?.into_iter().rev() {
            let Some(later) = suffix.take() else {
                suffix = Some(pane);
                continue;
            };
            let mut all = pane;
            (self.merge)(&mut all, later);
            self.panes.put(at, end, all.clone())?;
            suffix = Some(all);
        }
        *running = Running { block, prefix: None };
        Ok(())
    }

    /// Takes the key's pane that ends at `end`, in `block`. Panes come in the order of time.
    pub(super) fn push(
        &self,
        at: Keyed<'_, K>,
        running: &mut Running<S>,
        (block, end): (i64, i64),
        pane: S,
    ) -> Result<(), Error> {
        self.begin(at, running, block)?;
        if !self.apart {
            running.prefix = self.merged(running.prefix.take(), Some(pane.clone()));
        }
        Ok(self.panes.put(at, end, pane)?)
    }

    /// Adds something to the pane that ends at `end`, behind what has been added, although [`push`](Self::push) has come to
    /// it or to one behind it.
    pub(super) fn amend(
        &self,
        at: Keyed<'_, K>,
        running: &mut Running<S>,
        end: i64,
        create: impl Fn() -> S,
        add: impl Fn(&mut S),
    ) -> Result<(), Error> {
        let block = self.grid.block_of_pane(end);
        self.begin(at, running, block)?;
        if self.apart || block == running.block {
            if !self.apart {
                add(running.prefix.get_or_insert_with(&create));
            }
            return Ok(self.panes.update(at, end, create, add)?);
        }
        let mut suffixes = Vec::new();
        self.panes.for_each(at, ..=end, |start, _| suffixes.push(*start))?;
        if suffixes.last() != Some(&end) {
            let later = (Bound::Excluded(end), Bound::Included(self.grid.block_start(running.block)));
            let later = self.panes.first_in(at, later)?.map(|(_, suffix)| suffix);
            let mut pane = create();
            add(&mut pane);
            if let Some(later) = later {
                (self.merge)(&mut pane, later);
            }
            self.panes.put(at, end, pane)?;
        } else {
            self.panes.update(at, end, &create, &add)?;
            suffixes.pop();
        }
        for suffix in suffixes {
            self.panes.update(at, suffix, &create, &add)?;
        }
        Ok(())
    }

    /// All that the window holds; `None` if the key has no pane in it. Windows are asked for in the order of time, when all
    /// panes that end with them or before have been pushed.
    pub(super) fn window(&self, at: Keyed<'_, K>, running: &mut Running<S>, span: Span) -> Result<Option<S>, Error> {
        if self.apart {
            let mut all = None;
            for (_, pane) in self.panes.range(at, (Bound::Excluded(span.start), Bound::Included(span.end)))? {
                all = self.merged(all, Some(pane));
            }
            return Ok(all);
        }
        self.begin(at, running, span.block)?;
        let suffix = match span.begins_block {
            true => None,
            false => self.panes.first_in(at, (Bound::Excluded(span.start), Bound::Included(span.block_start)))?,
        };
        Ok(self.merged(suffix.map(|(_, suffix)| suffix), running.prefix.clone()))
    }

    /// Removes the panes that end at or before `start`; says whether the key has others.
    pub(super) fn expire(&self, at: Keyed<'_, K>, start: i64) -> Result<bool, Error> {
        while self.panes.remove_first_if(at, |end, _| *end <= start)?.is_some() {}
        Ok(!self.panes.is_empty(at)?)
    }

    /// Removes all panes of the key.
    pub(super) fn clear(&self, at: Keyed<'_, K>) -> Result<(), Error> {
        Ok(self.panes.clear(at)?)
    }
}
