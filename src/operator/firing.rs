//! Which of an element's timers and windows is being fired, and which are left out.
//!
//! An element that moves time on may fire many. They are counted, so that one on which the user's code fails is known by its
//! number: handed the same element again, the operator fires the same in the same order.

use super::context::Meter;
use crate::record::{DeadLetter, Remains};
use crate::time::Timestamp;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Why a timer is left out.
#[derive(Clone, Debug)]
pub(crate) struct Skip {
    pub(crate) cause: String,
    /// It is put aside as a dead letter.
    pub(crate) keep: bool,
}

/// The timers and windows of the present element, of one operator.
pub(crate) struct Firing {
    count: Cell<u64>,
    open: Cell<bool>,
    skips: RefCell<BTreeMap<u64, Skip>>,
    letters: Rc<RefCell<Vec<DeadLetter>>>,
}

impl Firing {
    /// * `letters`: where dead letters go.
    pub(super) fn new(letters: Rc<RefCell<Vec<DeadLetter>>>) -> Self {
        Firing { count: Cell::new(0), open: Cell::new(false), skips: RefCell::default(), letters }
    }

    /// An element begins, of which these are left out, by their numbers from 1.
    pub(crate) fn reset(&self, skips: &BTreeMap<u64, Skip>) {
        self.count.set(0);
        self.open.set(false);
        self.skips.replace(skips.clone());
    }

    /// The number of the one whose code runs, if any.
    pub(crate) fn open(&self) -> Option<u64> {
        self.open.get().then_some(self.count.get())
    }

    /// The next one fires; says whether its code is to run. If so, tell [`Firing::end`] when it has.
    pub(super) fn begin(
        &self,
        (uid, subtask): (&str, usize),
        meter: &Meter,
        key: &impl Serialize,
        time: Timestamp,
    ) -> bool {
        self.count.set(self.count.get() + 1);
        let skips = self.skips.borrow();
        let Some(skip) = skips.get(&self.count.get()) else {
            self.open.set(true);
            return true;
        };
        meter.dead_timers.set(meter.dead_timers.get() + 1);
        if skip.keep {
            self.letters.borrow_mut().push(DeadLetter {
                operator: uid.to_owned(),
                entry: uid.to_owned(),
                subtask,
                input: 0,
                position: format!("timer {} of its element", self.count.get()),
                time: Some(time),
                hash: Some(crate::record::hash_key(key)),
                cause: skip.cause.clone(),
                record_type: String::new(),
                remains: serde_json::to_value(key)
                    .map_or_else(|cause| Remains::Unwritten { cause: cause.to_string() }, Remains::Timer),
            });
        }
        false
    }

    pub(super) fn end(&self) {
        self.open.set(false);
    }
}
