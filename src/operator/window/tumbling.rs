//! Tumbling windows: each pane stands in the state under its window's end, which is its timer too.

use super::panes::Panes;
use super::{Outputs, PIECE};
use crate::operator::key_by::KeyFunction;
use crate::operator::{Error, Head};
use crate::record::{Batch, Data, Key};
use crate::state::Keyed;
use crate::time::{Timestamp, whole_millis};
use std::time::Duration;

/// A window that is being fired.
struct Firing<K, P> {
    end: Timestamp,
    rest: std::vec::IntoIter<(u64, K, P)>,
}

/// The head of a tumbling window operator.
pub(super) struct TumblingHead<T, K, P: Panes<T, K>> {
    grid: Grid,
    key: KeyFunction<T, K>,
    panes: P,
    outputs: Outputs<T, K, P::Output>,
    firing: Option<Firing<K, P::Pane>>,
    /// The watermark to be told when all that it fires has been fired.
    due: Option<Timestamp>,
}

/// Where windows begin and end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// At least 1 ms.
    size: i64,
    /// Less than the size.
    offset: i64,
}

impl Grid {
    /// A line every `size`, shifted by `offset` from the Unix epoch.
    pub(super) fn new(size: Duration, offset: Duration) -> Self {
        Grid { size: whole_millis(size).max(1), offset: whole_millis(offset) }
    }

    /// How far a moment stands behind the last line: `0..size`.
    pub(super) fn beyond(self, millis: i64) -> i64 {
        // In this order nothing leaves the range of time.
        let beyond = millis.rem_euclid(self.size) - self.offset;
        if beyond < 0 { beyond + self.size } else { beyond }
    }

    /// The last line at or before `time`, or where time begins.
    pub(super) fn floor(self, time: Timestamp) -> Timestamp {
        let millis = time.millis();
        Timestamp::from_millis(millis.saturating_sub(self.beyond(millis)))
    }

    /// The end of the window that holds `time`. The last window ends where time does, and holds that instant too.
    pub(super) fn end_of(self, time: Timestamp) -> Timestamp {
        let millis = time.millis();
        Timestamp::from_millis(millis.saturating_add(self.size - self.beyond(millis)))
    }

    /// The start of the window that ends at `end`: on the grid, or where time begins. Not `end - size`, which is wrong for
    /// the window that is cut off at the end of time.
    fn start_of(self, end: Timestamp) -> Timestamp {
        self.floor(end.plus_millis(-1))
    }
}

impl<T: Data, K: Key, P: Panes<T, K>> TumblingHead<T, K, P> {
    pub(super) fn new(grid: Grid, key: KeyFunction<T, K>, panes: P, outputs: Outputs<T, K, P::Output>) -> Self {
        TumblingHead { grid, key, panes, outputs, firing: None, due: None }
    }
}

impl<T: Data, K: Key, P: Panes<T, K>> Head for TumblingHead<T, K, P> {
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        let rows = batch.rows::<T>();
        for ((record, time), hash) in rows.records.iter().zip(&rows.times).zip(&rows.hashes) {
            self.outputs.site.record();
            let end = self.grid.end_of(*time);
            if self.outputs.is_gone(end) {
                self.outputs.late(record, *time);
            } else {
                let key = (self.key)(record);
                self.panes.add(end, Keyed { key: &key, hash: *hash }, record)?;
            }
        }
        self.outputs.batch_end();
        Ok(())
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.due = Some(watermark);
        Ok(())
    }

    fn resume(&mut self) -> Result<bool, Error> {
        for _ in 0..PIECE {
            if self.firing.is_none() {
                let taken = self.panes.take_first(self.outputs.due())?;
                self.firing = taken.map(|(end, panes)| Firing { end, rest: panes.into_iter() });
            }
            let Some(firing) = &mut self.firing else {
                if let Some(watermark) = self.due.take() {
                    self.outputs.watermark(watermark);
                }
                return Ok(true);
            };
            match firing.rest.next() {
                Some((_, key, pane)) => {
                    let end = firing.end;
                    if self.outputs.site.fires(&key, end) {
                        let value = self.panes.finish(pane);
                        self.outputs.result(key, self.grid.start_of(end), end, value);
                        self.outputs.site.fired();
                    }
                }
                None => self.firing = None,
            }
        }
        Ok(false)
    }
}
