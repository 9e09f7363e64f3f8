//! Operators without state that leave out what they fail on.
//!
//! Such an operator stands between two stages: one in front that calls it for each record, guarded, and keeps a copy of the
//! record meanwhile; and one behind each of its ports that holds what it sends on until the call has returned. So a call that
//! fails leaves nothing behind, and can be made again. It costs a copy of each record and a guarded call, so only operators
//! with a policy other than [`OnError::fail`] are built like that.

use super::context::Meter;
use super::{AnyStage, BuildContext, Error, OnError, Poison, Stage, erase, typed};
use crate::fault::guard;
use crate::record::{Batch, Data, DeadLetter, RecordTypes, RecordView, Remains};
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// What is held behind a port during a call.
pub(crate) trait Held {
    fn release(&self);
    fn discard(&self);
}

/// The stage behind a port.
struct Holding<T> {
    held: RefCell<Vec<(T, Timestamp)>>,
    next: RefCell<Box<dyn Stage<T>>>,
}

impl<T> Held for Holding<T> {
    fn release(&self) {
        let mut next = self.next.borrow_mut();
        self.held.borrow_mut().drain(..).for_each(|(record, time)| next.push(record, time));
    }

    fn discard(&self) {
        self.held.borrow_mut().clear();
    }
}

struct HoldingStage<T>(Rc<Holding<T>>);

impl<T> Stage<T> for HoldingStage<T> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.0.held.borrow_mut().push((record, time));
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.0.next.borrow_mut().watermark(watermark);
    }

    fn batch_end(&mut self) {
        self.0.next.borrow_mut().batch_end();
    }
}

/// Puts a stage that holds in front of one.
pub(crate) fn hold<T: Data>(stage: AnyStage) -> (AnyStage, Rc<dyn Held>) {
    let holding = Rc::new(Holding { held: RefCell::default(), next: RefCell::new(typed::<T>(stage)) });
    (erase::<T>(Box::new(HoldingStage(holding.clone()))), holding)
}

/// All that a protected operator needs besides itself.
pub(crate) struct Protection {
    held: Vec<Rc<dyn Held>>,
    restarts: u32,
    node: usize,
    meter: Rc<Meter>,
    failure: Rc<RefCell<Option<(usize, Error)>>>,
    aside: Aside,
}

/// Where an operator puts what it leaves out.
pub(crate) struct Aside {
    poison: Poison,
    uid: String,
    subtask: usize,
    meter: Rc<Meter>,
    letters: Rc<RefCell<Vec<DeadLetter>>>,
    types: Arc<RecordTypes>,
    place: Place,
    /// The input that the present record came from.
    pub(crate) input: Cell<usize>,
}

/// Where a record comes from.
struct Place {
    behind_source: bool,
    split: Rc<Cell<usize>>,
    splits: Rc<RefCell<Vec<super::SplitState>>>,
}

impl Place {
    fn describe(&self, record: u64) -> String {
        let splits = self.splits.borrow();
        match splits.get(self.split.get()).filter(|_| self.behind_source) {
            Some(split) => {
                let behind = split.position.as_ref().map(|position| format!(" behind {position}")).unwrap_or_default();
                format!("split `{}`{behind}, record {record} of the subtask", split.split)
            }
            None => format!("record {record} of the subtask"),
        }
    }
}

impl Protection {
    /// The protection of the operator that is built.
    pub(crate) fn new(context: &BuildContext, policy: OnError, held: Vec<Rc<dyn Held>>) -> Self {
        Protection {
            held,
            restarts: policy.restarts,
            node: context.node(),
            meter: context.meter(),
            failure: context.failure.clone(),
            aside: Aside::new(context, policy),
        }
    }

    /// What the operator has told to have failed.
    fn told(&self) -> Option<String> {
        let told = self.failure.borrow_mut().take_if(|(node, _)| *node == self.node);
        told.map(|(_, error)| error.to_string())
    }

    /// Makes a call until it succeeds or the record is poison. Returns why it is.
    fn call(&self, mut code: impl FnMut()) -> Result<(), String> {
        let Meter { records_in, records_out, late, unassigned, filtered, .. } = &*self.meter;
        let counts = [records_in, records_out, late, unassigned, filtered];
        let before = counts.map(|count| count.get());
        let mut deaths = 0;
        loop {
            let failed = match guard(&mut code) {
                Err(cause) => Some(cause),
                Ok(()) => self.told(),
            };
            let Some(failed) = failed else {
                self.held.iter().for_each(|held| held.release());
                return Ok(());
            };
            self.held.iter().for_each(|held| held.discard());
            counts.iter().zip(before).for_each(|(count, before)| count.set(before));
            deaths += 1;
            if deaths > self.restarts {
                return Err(failed);
            }
        }
    }
}

impl Aside {
    /// Of the operator that is built.
    pub(crate) fn new(context: &BuildContext, policy: OnError) -> Self {
        Aside {
            poison: policy.poison,
            uid: context.uid().to_owned(),
            subtask: context.subtask,
            meter: context.meter(),
            letters: context.letters.clone(),
            types: context.types.clone(),
            place: Place {
                behind_source: context.behind_source,
                split: context.split.clone(),
                splits: context.splits.clone(),
            },
            input: Cell::new(0),
        }
    }

    /// What is to be done with poison.
    #[cfg(feature = "sql")]
    pub(crate) fn poison(&self) -> Poison {
        self.poison
    }

    /// Leaves out a record that has been counted as taken.
    ///
    /// * `position`: where it stood; `None`: as far as the engine knows.
    /// * `remains`: what is kept of it; `None`: what its type says.
    pub(crate) fn put(&self, view: &RecordView<'_>, cause: String, position: Option<String>, remains: Option<Remains>) {
        self.meter.dead.set(self.meter.dead.get() + 1);
        let position = position.unwrap_or_else(|| self.place.describe(self.meter.records_in.get()));
        tracing::warn!(operator = %self.uid, subtask = self.subtask, %position, %cause, "a record is left out");
        if self.poison != Poison::DeadLetter {
            return;
        }
        let uid = &self.uid;
        let mut letter = dead_letter(&self.types, (uid, uid), self.subtask, position, cause, view);
        letter.input = self.input.get();
        if let Some(remains) = remains {
            letter.remains = remains;
        }
        self.letters.borrow_mut().push(letter);
    }
}

/// What is kept of a record.
///
/// * `uids`: the operator that failed, and the one that took the record in.
pub(crate) fn dead_letter(
    types: &RecordTypes,
    uids: (&str, &str),
    subtask: usize,
    position: String,
    cause: String,
    view: &RecordView<'_>,
) -> DeadLetter {
    DeadLetter {
        operator: uids.0.to_owned(),
        entry: uids.1.to_owned(),
        subtask,
        input: 0,
        position,
        time: Some(view.time).filter(|time| *time > Timestamp::MIN),
        hash: view.hash,
        cause,
        record_type: view.type_name.to_owned(),
        // What a type does when it is written is the user's code too.
        remains: guard(|| types.encode(view.record)).unwrap_or_else(|cause| Remains::Unwritten { cause }),
    }
}

/// The operator, with its protection.
struct Protected<T> {
    stage: Box<dyn Stage<T>>,
    protection: Protection,
}

/// The stage in front.
struct ProtectedStage<T>(Rc<RefCell<Protected<T>>>);

/// A way to hand an operator in the middle of a chain a record that it had failed on.
pub(crate) trait Inlet {
    fn feed(&self, batch: Batch);
}

impl<T: Data> Inlet for RefCell<Protected<T>> {
    fn feed(&self, batch: Batch) {
        let rows = batch.into_rows::<T>();
        let mut protected = self.borrow_mut();
        rows.records.into_iter().zip(rows.times).for_each(|(record, time)| protected.push(record, time));
        protected.stage.batch_end();
    }
}

/// Puts the stage that protects in front of the operator that is built.
pub(crate) fn protect<T: Data>(context: &mut BuildContext, stage: AnyStage, protection: Protection) -> AnyStage {
    let protected = Rc::new(RefCell::new(Protected { stage: typed::<T>(stage), protection }));
    context.inlets.push((context.uid().to_owned(), protected.clone()));
    erase::<T>(Box::new(ProtectedStage(protected)))
}

impl<T: Data> Protected<T> {
    fn push(&mut self, record: T, time: Timestamp) {
        let Protected { stage, protection } = self;
        if let Err(cause) = protection.call(|| stage.push(record.clone(), time)) {
            let type_name = std::any::type_name::<T>();
            protection.meter.records_in.set(protection.meter.records_in.get() + 1);
            let view = RecordView { record: &record, type_name, time, hash: None };
            protection.aside.put(&view, cause, None, None);
        }
    }
}

impl<T: Data> Stage<T> for ProtectedStage<T> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.0.borrow_mut().push(record, time);
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.0.borrow_mut().stage.watermark(watermark);
    }

    fn batch_end(&mut self) {
        self.0.borrow_mut().stage.batch_end();
    }
}
