//! The way out of a window operator: results, late and unassigned records, and the clock that tells which is which.

use super::result::{Late, Pane, Windowed};
use crate::operator::{AnyStage, BuildContext, Site, Stage, only, typed};
use crate::record::{Data, Key};
use crate::time::Timestamp;
use std::cell::Cell;
use std::rc::Rc;

/// The way out of a window operator, and its clock.
pub(super) struct Outputs<T, K, R> {
    pub(super) site: Site,
    clock: Rc<Cell<Timestamp>>,
    reopens: Rc<Cell<bool>>,
    results: Box<dyn Stage<Windowed<K, R>>>,
    late: Box<dyn Stage<Late<T>>>,
    unassigned: Box<dyn Stage<T>>,
}

impl<T: Data, K: Key, R: Data> Outputs<T, K, R> {
    pub(super) fn new(context: &BuildContext, mut outputs: Vec<AnyStage>) -> Self {
        let mut last = || outputs.pop().expect("a window operator has three ports");
        let (unassigned, late) = (typed(last()), typed(last()));
        let results = only(outputs);
        let (clock, reopens) = (context.clock.clone(), context.reopens.clone());
        Outputs { site: context.site(), clock, reopens, results, late, unassigned }
    }

    /// Event time.
    pub(super) fn clock(&self) -> Timestamp {
        self.clock.get()
    }

    /// Whether a window that ends at `end` is gone for the present record, if no lateness is allowed.
    pub(super) fn is_gone(&self, end: Timestamp) -> bool {
        !self.reopens() && self.is_over(end)
    }

    /// Whether a window ends at `end` that is not, or no longer.
    pub(super) fn is_over(&self, end: Timestamp) -> bool {
        end.plus_millis(-1) <= self.clock.get()
    }

    /// Whether windows that are gone open once more for the present record.
    pub(super) fn reopens(&self) -> bool {
        self.reopens.get()
    }

    /// The windows that are due end at or before this.
    pub(super) fn due(&self) -> Timestamp {
        self.clock.get().plus_millis(1)
    }

    pub(super) fn late(&mut self, record: &T, time: Timestamp) {
        self.site.late();
        self.late.push(Late { record: record.clone(), time, watermark: self.clock.get() }, time);
    }

    /// A record belongs to no window.
    pub(super) fn unassigned(&mut self, record: &T, time: Timestamp) {
        self.site.unassigned();
        self.unassigned.push(record.clone(), time);
    }

    /// The result of a window that fires once, on time.
    pub(super) fn result(&mut self, key: K, start: Timestamp, end: Timestamp, value: R) {
        self.pane(Windowed { key, start, end, value, pane: Pane::ONLY });
    }

    /// Any result; its event time is the window's last instant.
    pub(super) fn pane(&mut self, result: Windowed<K, R>) {
        let last = result.end.plus_millis(-1);
        self.pane_at(result, last);
    }

    /// Any result, with the event time that it is to bear.
    pub(super) fn pane_at(&mut self, result: Windowed<K, R>, time: Timestamp) {
        self.site.out();
        self.results.push(result, time);
    }

    pub(super) fn batch_end(&mut self) {
        self.results.batch_end();
        self.late.batch_end();
        self.unassigned.batch_end();
    }

    pub(super) fn watermark(&mut self, watermark: Timestamp) {
        self.results.watermark(watermark);
        self.late.watermark(watermark);
        self.unassigned.watermark(watermark);
    }
}
