//! One window operator without anything around it, that can be crashed and restored, for the unit tests of this room.

use super::{Cut, Late, WindowOperator, Windowed, Windows};
use crate::operator::{Aggregate, AnyStage, BuildContext, Head, HeadFactory, Stage, erase};
use crate::record::{Batch, Data, Epoch, Rows, hash_key};
use crate::state::{Identity, Store, StoreOptions};
use crate::time::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

/// The records' values in the order in which they are merged.
pub(super) struct Joined;

impl<V: Data + Serialize + DeserializeOwned> Aggregate<(u8, V)> for Joined {
    type Accumulator = Vec<V>;
    type Output = Vec<V>;

    fn create(&self) -> Vec<V> {
        Vec::new()
    }

    fn add(&self, all: &mut Vec<V>, record: &(u8, V)) {
        all.push(record.1.clone());
    }

    fn merge(&self, into: &mut Vec<V>, other: Vec<V>) {
        into.extend(other);
    }

    fn finish(&self, all: Vec<V>) -> Vec<V> {
        all
    }
}

/// Keeps what comes.
struct Kept<T>(Rc<RefCell<Vec<(T, Timestamp)>>>);

impl<T> Stage<T> for Kept<T> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.0.borrow_mut().push((record, time));
    }

    fn watermark(&mut self, _: Timestamp) {}

    fn batch_end(&mut self) {}
}

type Shared<T> = Rc<RefCell<Vec<(T, Timestamp)>>>;

/// The operator; its records are `(key, value)`.
pub(super) struct Fixture<V, R> {
    _dir: tempfile::TempDir,
    path: PathBuf,
    operator: Box<dyn HeadFactory>,
    epoch: Epoch,
    context: BuildContext,
    head: Box<dyn Head>,
    results: Shared<Windowed<u8, R>>,
    late: Shared<Late<(u8, V)>>,
    unassigned: Shared<(u8, V)>,
}

fn identity() -> Identity {
    Identity { job_id: 1, uid: "windows".into(), subtask: 0, generation: 0 }
}

impl<V: Data, R: Data> Fixture<V, R> {
    pub(super) fn new<A: Aggregate<(u8, V), Output = R>>(
        windows: impl Into<Windows<(u8, V)>>,
        aggregate: A,
    ) -> Fixture<V, R> {
        let operator =
            WindowOperator::new(std::sync::Arc::new(|record: &(u8, V)| record.0), Cut::new(windows.into()), aggregate);
        Self::of(Box::new(operator))
    }

    pub(super) fn of(operator: Box<dyn HeadFactory>) -> Fixture<V, R> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.redb");
        let store = Store::create(&path, &identity(), StoreOptions::default()).unwrap();
        let (results, late, unassigned) = (Shared::default(), Shared::default(), Shared::default());
        let (context, head) = build(&*operator, store, &results, &late, &unassigned);
        Fixture { _dir: dir, path, operator, epoch: Epoch::new(1, 0), context, head, results, late, unassigned }
    }

    /// Hands in one record.
    pub(super) fn push(&mut self, key: u8, value: V, time: i64) {
        let mut rows = Rows::default();
        rows.records.push((key, value));
        rows.times.push(Timestamp::from_millis(time));
        rows.hashes.push(hash_key(&key));
        self.head.batch(0, Batch::new(rows)).unwrap();
    }

    /// Moves the clock on.
    pub(super) fn watermark(&mut self, time: i64) {
        let watermark = Timestamp::from_millis(time).max(self.context.clock.get());
        self.context.clock.set(watermark);
        self.head.watermark(watermark).unwrap();
        while !self.head.resume().unwrap() {}
    }

    /// Moves processing time on.
    pub(super) fn clock(&mut self, time: i64) {
        let now = Timestamp::from_millis(time);
        self.context.now.set(now);
        self.head.tick(now).unwrap();
        while !self.head.resume().unwrap() {}
    }

    /// The processing time for which the operator waits.
    pub(super) fn wake_at(&self) -> Option<i64> {
        self.head.wake_at().map(Timestamp::millis)
    }

    /// What has come out since the last look, with event times.
    pub(super) fn results(&self) -> Vec<(Windowed<u8, R>, i64)> {
        self.results.take().into_iter().map(|(result, time)| (result, time.millis())).collect()
    }

    /// The values that were late since the last look.
    pub(super) fn late(&self) -> Vec<V> {
        self.late.take().into_iter().map(|(late, _)| late.record.1).collect()
    }

    /// The values that belonged to no window since the last look.
    pub(super) fn unassigned(&self) -> Vec<V> {
        self.unassigned.take().into_iter().map(|(record, _)| record.1).collect()
    }

    fn save(&mut self) {
        self.epoch = self.epoch.next();
        let store = self.context.store();
        if let Some(flush) = store.hand_off(self.epoch) {
            let outcome = flush.run();
            outcome.result().unwrap();
            store.flushed(outcome);
        }
    }

    /// Saves the state and begins anew with nothing else.
    pub(super) fn crash_and_restore(self) -> Self {
        let (results, late, unassigned) = (self.results.clone(), self.late.clone(), self.unassigned.clone());
        let clock = self.context.clock.get();
        let (operator, epoch, path, dir, store) = self.down();
        let (context, head) = build(&*operator, store, &results, &late, &unassigned);
        context.clock.set(clock);
        Fixture { _dir: dir, path, operator, epoch, context, head, results, late, unassigned }
    }

    /// What is left in the state, to look at.
    pub(super) fn into_store(self) -> (tempfile::TempDir, Store) {
        let (_, _, _, dir, store) = self.down();
        (dir, store)
    }

    fn down(mut self) -> (Box<dyn HeadFactory>, Epoch, PathBuf, tempfile::TempDir, Store) {
        self.save();
        let Fixture { _dir: dir, path, operator, epoch, context, head, .. } = self;
        drop((head, context));
        let store = Store::open(&path, &identity(), epoch, Epoch::ZERO, StoreOptions::default()).unwrap();
        (operator, epoch, path, dir, store)
    }
}

fn build<V: Data, R: Data>(
    operator: &dyn HeadFactory,
    store: Store,
    results: &Shared<Windowed<u8, R>>,
    late: &Shared<Late<(u8, V)>>,
    unassigned: &Shared<(u8, V)>,
) -> (BuildContext, Box<dyn Head>) {
    let mut context = BuildContext::new(0, 1, 64);
    context.store = Some(store);
    context.begin(0, "windows");
    let outputs: Vec<AnyStage> = vec![
        erase::<Windowed<u8, R>>(Box::new(Kept(results.clone()))),
        erase::<Late<(u8, V)>>(Box::new(Kept(late.clone()))),
        erase::<(u8, V)>(Box::new(Kept(unassigned.clone()))),
    ];
    let head = operator.build(&mut context, outputs).unwrap();
    (context, head)
}
