//! What can meet nobody any more leaves nothing in the state.

use super::interval::{Bounds, IntervalJoin};
use super::regular::{RegularJoin, Retention};
use crate::operator::window::Late;
use crate::operator::{AnyStage, BuildContext, Head, HeadFactory, Stage, TimeDomain, erase};
use crate::record::{Batch, Epoch, Rows, hash_key};
use crate::state::{Identity, Store, StoreOptions};
use crate::time::{Timestamp, millis};
use std::sync::Arc;

/// Takes everything and keeps nothing.
struct Nowhere;

impl<T> Stage<T> for Nowhere {
    fn push(&mut self, _: T, _: Timestamp) {}
    fn watermark(&mut self, _: Timestamp) {}
    fn batch_end(&mut self) {}
}

fn nowhere<T: 'static>() -> AnyStage {
    erase::<T>(Box::new(Nowhere))
}

fn t(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A join of numbers with themselves as keys.
struct Rig {
    context: BuildContext,
    head: Box<dyn Head>,
    _folder: tempfile::TempDir,
}

impl Rig {
    fn new(join: &impl HeadFactory, outputs: Vec<AnyStage>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity { job_id: 1, uid: "join".into(), subtask: 0, generation: 0 };
        let mut context = BuildContext::new(0, 1, 64);
        let path = folder.path().join("0.redb");
        context.store = Some(Store::create(&path, &identity, StoreOptions::default()).unwrap());
        context.begin(0, "join");
        let head = join.build(&mut context, outputs).unwrap();
        Rig { context, head, _folder: folder }
    }

    fn interval(lower: i64, upper: i64) -> Self {
        let bounds = Bounds { lower, upper };
        let join = IntervalJoin { left: Arc::new(|n| *n), right: Arc::new(|n| *n), bounds, combine: Arc::new(pair) };
        Rig::new(&join, vec![nowhere::<(u64, u64)>(), nowhere::<Late<u64>>(), nowhere::<Late<u64>>()])
    }

    fn regular(retention: Retention) -> Self {
        let join = RegularJoin { left: Arc::new(|n| *n), right: Arc::new(|n| *n), retention, combine: Arc::new(pair) };
        Rig::new(&join, vec![nowhere::<(u64, u64)>()])
    }

    fn push(&mut self, input: usize, key: u64, time: i64) {
        let rows = Rows { records: vec![key], times: vec![t(time)], hashes: vec![hash_key(&key)] };
        self.head.batch(input, Batch::new(rows)).unwrap();
    }

    fn watermark(&mut self, millis: i64) {
        self.context.clock.set(t(millis));
        self.head.watermark(t(millis)).unwrap();
        while !self.head.resume().unwrap() {}
    }

    fn tick(&mut self, millis: i64) {
        self.context.now.set(t(millis));
        self.head.tick(t(millis)).unwrap();
        while !self.head.resume().unwrap() {}
    }

    /// Whether nothing is there that a checkpoint would have to write.
    fn is_empty(&mut self) -> bool {
        self.context.store().hand_off(Epoch::new(1, 1)).is_none()
    }
}

fn pair(left: &u64, right: &u64) -> (u64, u64) {
    (*left, *right)
}

#[test]
fn an_interval_join_forgets_a_left_record_at_the_upper_and_a_right_one_at_the_lower_bound() {
    for (input, kept_until) in [(0, 110), (1, 105)] {
        for (watermark, expected) in [(kept_until - 1, false), (kept_until, true)] {
            let mut join = Rig::interval(-5, 10);
            join.push(input, 7, 100);
            join.watermark(watermark);
            assert_eq!(join.is_empty(), expected, "input {input} at {watermark}");
        }
    }
}

#[test]
fn the_one_timer_of_a_key_moves_on_until_all_is_forgotten() {
    let mut join = Rig::interval(0, 10);
    for (input, time) in [(0, 150), (0, 100), (1, 120), (0, 130), (1, 101)] {
        join.push(input, 7, time);
    }
    join.push(0, 8, 100);
    for watermark in [105, 120, 135, 160] {
        join.watermark(watermark);
    }
    assert!(join.is_empty());
}

#[test]
fn an_interval_join_keeps_no_record_whose_partners_are_all_in_the_past() {
    let mut join = Rig::interval(-20, -10);
    join.watermark(95);
    join.push(0, 7, 100);
    assert!(join.is_empty());
}

#[test]
fn a_regular_join_forgets_what_has_lived_its_time() {
    let mut join = Rig::regular(Retention::For(millis(10), TimeDomain::Processing));
    join.context.now.set(t(1_000));
    join.push(0, 7, 0);
    join.context.now.set(t(1_005));
    join.push(1, 7, 0);
    assert_eq!(join.head.wake_at(), Some(t(1_010)));
    join.tick(1_010);
    assert_eq!(join.head.wake_at(), Some(t(1_015)));
    join.tick(1_015);
    assert!(join.is_empty());

    let mut join = Rig::regular(Retention::For(millis(10), TimeDomain::Event));
    join.push(0, 7, 100);
    join.push(1, 7, 95);
    join.watermark(110);
    assert!(join.is_empty());
}
