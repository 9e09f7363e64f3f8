//! Sliding windows by event time that share their panes.
//!
//! * A record is added to one pane, which stands in the state under its end, as a tumbling window does: what a record costs
//!   does not depend on how many windows hold it.
//! * When the clock passes a pane's end, the pane goes into the `blocks` of its key. While a key has a pane that windows
//!   still need, it stands under the end of the next window, which is its timer.
//! * A window's result is merged from few parts, not from all of its panes. Earlier panes are merged with later ones; within
//!   a pane records stand in the order in which they came. A record that comes behind the clock, to a window that still
//!   stands, is added behind what its windows hold by then, to each part that holds it. (In Flink each window adds its records one by one as they come,
//!   size / slide times.)
//! * A record is late if all of its windows are gone.

use super::PIECE;
use super::blocks::{Blocks, Running};
use super::outputs::Outputs;
use super::paired::{Paired, Span};
use super::panes::Panes;
use crate::operator::key_by::KeyFunction;
use crate::operator::{Aggregate, AnyStage, BuildContext, Error, Head};
use crate::record::{Batch, Data, Key};
use crate::state::{Keyed, WindowedState};
use crate::time::Timestamp;
use std::sync::Arc;
use std::vec::IntoIter;

/// What is being done because time has come.
enum Firing<K, S> {
    /// A pane has ended: it goes into the blocks. `window` is the end of the next window.
    Pane { end: i64, block: i64, window: Timestamp, rest: IntoIter<(u64, K, S)> },
    /// A window has ended.
    Window { span: Span, next: Option<Span>, rest: IntoIter<(u64, K, Running<S>)> },
}

/// The head of a sliding window operator.
pub(super) struct SlidingHead<T, K, A: Aggregate<T>, P> {
    grid: Paired,
    key: KeyFunction<T, K>,
    aggregate: Arc<A>,
    /// Panes that have not ended.
    panes: P,
    /// Panes that have.
    blocks: Blocks<K, A::Accumulator>,
    /// Keys that have such panes, under the end of the next window.
    running: WindowedState<K, Running<A::Accumulator>>,
    outputs: Outputs<T, K, A::Output>,
    firing: Option<Firing<K, A::Accumulator>>,
    /// The watermark to be told when all that it fires has been fired.
    due: Option<Timestamp>,
}

impl<T, K, A, P> SlidingHead<T, K, A, P>
where
    T: Data,
    K: Key,
    A: Aggregate<T>,
    P: Panes<T, K, Pane = A::Accumulator>,
{
    pub(super) fn new(
        context: &mut BuildContext,
        grid: Paired,
        key: KeyFunction<T, K>,
        aggregate: Arc<A>,
        panes: P,
        outputs: Vec<AnyStage>,
    ) -> Result<Self, Error> {
        let merger = aggregate.clone();
        let merge = move |into: &mut A::Accumulator, other| merger.merge(into, other);
        let blocks = Blocks::new(grid, context.store().map("blocks")?, merge, aggregate.grows());
        let running = context.store().windowed_value("running")?;
        let outputs = Outputs::new(context, outputs);
        Ok(SlidingHead { grid, key, aggregate, panes, blocks, running, outputs, firing: None, due: None })
    }

    /// A record of a pane that has ended, in a window that has not.
    fn amend(&mut self, at: Keyed<'_, K>, pane: i64, record: &T) -> Result<(), Error> {
        let window = self.grid.first_end(self.outputs.due().plus_millis(1).millis());
        let (blocks, aggregate) = (&self.blocks, &*self.aggregate);
        self.running.update(Timestamp::from_millis(window.end), at, Running::new, |running| {
            blocks.amend(at, running, pane, || aggregate.create(), |pane| aggregate.add(pane, record))
        })?
    }

    /// A record whose windows are all gone: each speaks once more, of this record alone.
    fn reopen(&mut self, key: &K, record: &T, time: Timestamp) {
        let mut next = Some(self.grid.first_end(time.plus_millis(1).millis()));
        while let Some(span) = next.filter(|span| span.start <= time.millis()) {
            let mut alone = self.aggregate.create();
            self.aggregate.add(&mut alone, record);
            let value = self.aggregate.finish(alone);
            let [start, end] = [span.start, span.end].map(Timestamp::from_millis);
            self.outputs.result(key.clone(), start, end, value);
            next = self.grid.next(span);
        }
    }

    /// Finds what is to be done next; says whether there is anything.
    fn begin(&mut self) -> Result<bool, Error> {
        let due = self.outputs.due();
        let window = self.running.first_namespace().filter(|end| *end <= due);
        // A window needs the pane that ends with it.
        if let Some((end, panes)) = self.panes.take_first(window.unwrap_or(due))? {
            let (end, rest) = (end.millis(), panes.into_iter());
            let window = Timestamp::from_millis(self.grid.first_end(end).end);
            self.firing = Some(Firing::Pane { end, block: self.grid.block_of_pane(end), window, rest });
            return Ok(true);
        }
        let Some(end) = window else { return Ok(false) };
        let span = self.grid.first_end(end.millis());
        let drained = self.running.drain_first(end)?;
        self.firing =
            drained.map(|(_, keys)| Firing::Window { span, next: self.grid.next(span), rest: keys.into_iter() });
        Ok(true)
    }

    /// Goes on with what is being done, by one key; says whether there was one.
    fn step(&mut self) -> Result<bool, Error> {
        self.outputs.site.enter();
        match &mut self.firing {
            None => Ok(false),
            Some(Firing::Pane { end, block, window, rest }) => {
                let Some((hash, key, pane)) = rest.next() else { return Ok(false) };
                let at = Keyed { key: &key, hash };
                let blocks = &self.blocks;
                let (block, end) = (*block, *end);
                self.running
                    .update(*window, at, Running::new, |running| blocks.push(at, running, (block, end), pane))??;
                Ok(true)
            }
            Some(Firing::Window { span, next, rest }) => {
                let Some((hash, key, running)) = rest.next() else { return Ok(false) };
                let (span, next) = (*span, *next);
                self.fire(span, next, (hash, key), running)?;
                Ok(true)
            }
        }
    }

    /// The window of a key ends.
    fn fire(
        &mut self,
        span: Span,
        next: Option<Span>,
        (hash, key): (u64, K),
        mut running: Running<A::Accumulator>,
    ) -> Result<(), Error> {
        let at = Keyed { key: &key, hash };
        let all = self.blocks.window(at, &mut running, span)?;
        let all = all.expect("a key stands under the end of a window in which it has a pane");
        match next {
            Some(next) if self.blocks.expire(at, next.start)? => {
                self.running.put(Timestamp::from_millis(next.end), at, running)?;
            }
            Some(_) => {}
            None => self.blocks.clear(at)?,
        }
        let (start, end) = (Timestamp::from_millis(span.start), Timestamp::from_millis(span.end));
        if self.outputs.site.fires(&key, end) {
            let value = self.aggregate.finish(all);
            self.outputs.result(key, start, end, value);
            self.outputs.site.fired();
        }
        Ok(())
    }
}

impl<T, K, A, P> Head for SlidingHead<T, K, A, P>
where
    T: Data,
    K: Key,
    A: Aggregate<T>,
    P: Panes<T, K, Pane = A::Accumulator>,
{
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        let rows = batch.rows::<T>();
        let due = self.outputs.due();
        for ((record, time), hash) in rows.records.iter().zip(&rows.times).zip(&rows.hashes) {
            self.outputs.site.record();
            let Some(place) = self.grid.place(time.millis()) else {
                self.outputs.unassigned(record, *time);
                continue;
            };
            if self.outputs.is_gone(Timestamp::from_millis(place.last)) {
                self.outputs.late(record, *time);
                continue;
            }
            let key = (self.key)(record);
            if self.outputs.is_over(Timestamp::from_millis(place.last)) {
                self.reopen(&key, record, *time);
                continue;
            }
            let at = Keyed { key: &key, hash: *hash };
            let pane = Timestamp::from_millis(place.pane);
            if pane > due {
                self.panes.add(pane, at, record)?;
            } else {
                self.amend(at, place.pane, record)?;
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
            if self.step()? {
                continue;
            }
            self.firing = None;
            if !self.begin()? {
                if let Some(watermark) = self.due.take() {
                    self.outputs.watermark(watermark);
                }
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, Joined};
    use super::super::{Cut, Sliding, WindowCollect, Windows};
    use super::*;
    use crate::operator::Sum;
    use crate::time::millis;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde::{Serialize, de::DeserializeOwned};
    use std::collections::BTreeMap;

    fn windows<V>((size, slide, offset): (u64, u64, u64)) -> Windows<(u8, V)> {
        Sliding::of(millis(size)).every(millis(slide)).offset(millis(offset)).into()
    }

    /// Key, start, end, value.
    type Row<R> = (u8, i64, i64, R);

    fn rows<V: Data, R: Data>(fixture: &Fixture<V, R>) -> Vec<Row<R>> {
        let row = |(result, time): (crate::operator::window::Windowed<u8, R>, i64)| {
            assert_eq!(time, result.end.plus_millis(-1).millis());
            (result.key, result.start.millis(), result.end.millis(), result.value)
        };
        fixture.results().into_iter().map(row).collect()
    }

    fn is_empty<A: Serialize + DeserializeOwned + Clone + 'static>(fixture: Fixture<u32, Vec<u32>>) -> bool {
        let (_dir, mut store) = fixture.into_store();
        let panes = store.windowed_value::<u8, A>("panes").unwrap().first_namespace();
        let running = store.windowed_value::<u8, Running<A>>("running").unwrap().first_namespace();
        let blocks = store.map::<u8, i64, A>("blocks").unwrap();
        (panes, running) == (None, None) && (0..=u8::MAX).all(|key| blocks.is_empty(Keyed::of(&key)).unwrap())
    }

    #[test]
    fn each_window_that_holds_a_record_fires_once_and_then_nothing_is_left() {
        let mut fixture = Fixture::new(windows((30, 10, 0)), Joined);
        fixture.push(1, 5, 25);
        fixture.push(1, 6, 31);
        fixture.watermark(28);
        assert_eq!(rows(&fixture), []);
        fixture.watermark(29);
        assert_eq!(rows(&fixture), [(1, 0, 30, vec![5])]);
        fixture.watermark(49);
        assert_eq!(rows(&fixture), [(1, 10, 40, vec![5, 6]), (1, 20, 50, vec![5, 6])]);
        fixture.watermark(i64::MAX);
        assert_eq!(rows(&fixture), [(1, 30, 60, vec![6])]);
        assert!(is_empty::<Vec<u32>>(fixture));
    }

    #[test]
    fn a_record_behind_the_clock_counts_in_the_windows_that_still_stand() {
        let mut fixture = Fixture::new(windows((30, 10, 0)), Joined);
        fixture.push(1, 1, 5);
        fixture.watermark(45);
        assert_eq!(rows(&fixture).len(), 3);
        fixture.push(1, 2, 25);
        fixture.push(1, 3, 19);
        fixture.push(1, 4, 41);
        assert_eq!(fixture.late(), [3]);
        fixture.watermark(i64::MAX);
        assert_eq!(rows(&fixture), [(1, 20, 50, vec![2, 4]), (1, 30, 60, vec![4]), (1, 40, 70, vec![4])]);
        assert!(is_empty::<Vec<u32>>(fixture));
    }

    #[test]
    fn a_record_in_a_gap_is_unassigned() {
        let mut fixture = Fixture::new(windows((10, 25, 5)), Joined);
        for (value, time) in [(1, 4), (2, 5), (3, 14), (4, 15), (5, 29), (6, 30)] {
            fixture.push(1, value, time);
        }
        assert_eq!(fixture.unassigned().len(), 3);
        fixture.watermark(i64::MAX);
        assert_eq!(rows(&fixture), [(1, 5, 15, vec![2, 3]), (1, 30, 40, vec![6])]);
        assert!(is_empty::<Vec<u32>>(fixture));
    }

    #[test]
    fn windows_at_both_ends_of_time_fire_once() {
        let mut fixture = Fixture::new(windows((25, 10, 3)), Joined);
        for (value, time) in [(1, i64::MIN), (2, -1), (3, i64::MAX - 30), (4, i64::MAX - 1), (5, i64::MAX)] {
            fixture.push(1, value, time);
        }
        fixture.watermark(i64::MAX);
        let (first, last) = (i64::MIN, i64::MAX);
        let expected = [
            (1, first, first + 6, vec![1]),
            (1, first, first + 16, vec![1]),
            (1, -17, 8, vec![2]),
            (1, -7, 18, vec![2]),
            (1, last - 54, last - 29, vec![3]),
            (1, last - 44, last - 19, vec![3]),
            (1, last - 34, last - 9, vec![3]),
            (1, last - 24, last, vec![4, 5]),
        ];
        assert_eq!(rows(&fixture), expected);
        assert!(is_empty::<Vec<u32>>(fixture));
    }

    #[derive(Clone, Debug)]
    enum Move {
        Push(u8, i64),
        Watermark(i64),
        Restore,
    }

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let one = prop_oneof![
            // Around a time that goes on: most records are in time, some late.
            10 => (0..4_u8, -40..120_i64).prop_map(|(key, by)| Move::Push(key, by)),
            3 => (0..60_i64).prop_map(Move::Watermark),
            1 => Just(Move::Restore),
        ];
        vec(one, 0..120).prop_map(|moves| {
            let mut clock = -300;
            let place = |one| match one {
                Move::Push(key, by) => Move::Push(key, clock + by),
                Move::Watermark(by) => {
                    clock += by;
                    Move::Watermark(clock)
                }
                Move::Restore => Move::Restore,
            };
            moves.into_iter().map(place).collect()
        })
    }

    fn shape() -> impl Strategy<Value = (u64, u64, u64)> {
        (1..60_u64, 1..40_u64).prop_flat_map(|(size, slide)| (Just(size), Just(slide), 0..slide))
    }

    /// Each record's value with its pane, unless it came behind the end of its pane.
    type Held = Vec<(Option<i64>, u32)>;

    /// What windows there are, by looking at each.
    #[derive(Default)]
    struct Model {
        open: BTreeMap<(i64, u8), (i64, Held)>,
        rows: Vec<Row<Held>>,
        late: Vec<u32>,
        unassigned: Vec<u32>,
    }

    fn model(shape: (u64, u64, u64), moves: &[Move]) -> Model {
        let [size, slide, offset] = <[u64; 3]>::from(shape).map(|n| n as i64);
        let mut clock = i64::MIN;
        let mut model = Model::default();
        let grid = Paired::new(size, slide, offset);
        for (value, one) in (0..).zip(moves.iter().cloned().chain([Move::Watermark(i64::MAX)])) {
            match one {
                Move::Push(key, time) => {
                    let starts = (time - size + 1..=time).filter(|start| (start - offset).rem_euclid(slide) == 0);
                    let ends: Vec<i64> = starts.map(|start| start + size).collect();
                    if ends.is_empty() {
                        model.unassigned.push(value);
                    } else if ends.iter().all(|end| end - 1 <= clock) {
                        model.late.push(value);
                    }
                    for end in ends.into_iter().filter(|end| end - 1 > clock) {
                        let pane = grid.place(time).unwrap().pane;
                        let window = model.open.entry((end, key)).or_insert((end - size, Vec::new()));
                        window.1.push((Some(pane).filter(|pane| pane - 1 > clock), value));
                    }
                }
                Move::Watermark(time) => {
                    clock = clock.max(time);
                    while let Some(first) = model.open.first_entry().filter(|first| first.key().0 - 1 <= clock) {
                        let ((end, key), (start, values)) = first.remove_entry();
                        model.rows.push((key, start, end, values));
                    }
                }
                Move::Restore => {}
            }
        }
        model
    }

    fn run<V: Data, R: Data>(
        mut fixture: Fixture<V, R>,
        moves: &[Move],
        restores: bool,
        value: impl Fn(u32) -> V,
    ) -> Fixture<V, R> {
        for (number, one) in (0..).zip(moves) {
            match *one {
                Move::Push(key, time) => fixture.push(key, value(number), time),
                Move::Watermark(time) => fixture.watermark(time),
                Move::Restore if restores => fixture = fixture.crash_and_restore(),
                Move::Restore => {}
            }
        }
        fixture.watermark(i64::MAX);
        fixture
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        #[test]
        fn windows_hold_what_a_loop_over_all_windows_finds(shape in shape(), moves in moves()) {
            let fixture = run(Fixture::new(windows(shape), Joined), &moves, true, |number| number);
            let expected = model(shape, &moves);
            prop_assert_eq!((fixture.unassigned(), fixture.late()), (expected.unassigned, expected.late));
            let found = rows(&fixture);
            prop_assert_eq!(found.len(), expected.rows.len());
            for (found, (key, start, end, values)) in found.into_iter().zip(expected.rows) {
                prop_assert_eq!((found.0, found.1, found.2), (key, start, end));
                let (mut found, mut panes) = (found.3, values.clone());
                if values.iter().any(|(pane, _)| pane.is_none()) {
                    // Only where the records of a pane that had ended stand is not said.
                    found.sort_unstable();
                } else {
                    panes.sort_by_key(|(pane, _)| *pane);
                }
                prop_assert_eq!(found, panes.into_iter().map(|(_, value)| value).collect::<Vec<_>>());
            }
            prop_assert!(is_empty::<Vec<u32>>(fixture));
        }

        #[test]
        fn records_that_are_gathered_stand_by_pane_and_then_as_they_came(shape in shape(), moves in moves()) {
            let key = Arc::new(|record: &(u8, u32)| record.0);
            let operator = WindowCollect::new(key, Cut::new(windows(shape)));
            let fixture = run(Fixture::<u32, Vec<(u8, u32)>>::of(Box::new(operator)), &moves, true, |number| number);
            let times: BTreeMap<u32, i64> = (0..).zip(&moves).filter_map(|(number, one)| match one {
                Move::Push(_, time) => Some((number, *time)),
                _ => None,
            }).collect();
            let grid = Paired::new(shape.0 as i64, shape.1 as i64, shape.2 as i64);
            let expected: Vec<Row<Vec<(u8, u32)>>> = model(shape, &moves).rows.into_iter().map(|(key, start, end, values)| {
                let mut values: Vec<u32> = values.into_iter().map(|(_, value)| value).collect();
                values.sort_by_key(|value| grid.place(times[value]).unwrap().pane);
                (key, start, end, values.into_iter().map(|value| (key, value)).collect())
            }).collect();
            prop_assert_eq!(rows(&fixture), expected);
        }

        #[test]
        fn sums_of_floats_come_out_the_same_to_the_last_bit(shape in shape(), moves in moves()) {
            let sum = || Sum::of(|record: &(u8, f64)| record.1);
            let value = |number: u32| 10_f64.powi((number * 7 % 31) as i32 - 15) / 3.0;
            let sums = |moves: &[Move], restores| -> Vec<Row<u64>> {
                let fixture = run(Fixture::new(windows(shape), sum()), moves, restores, value);
                rows(&fixture).into_iter().map(|(key, start, end, sum)| (key, start, end, sum.to_bits())).collect()
            };
            let straight = sums(&moves, false);
            prop_assert_eq!(&sums(&moves, true), &straight);
            let expected = model(shape, &moves);
            let all_in_time = expected.rows.iter().all(|row| row.3.iter().all(|(pane, _)| pane.is_some()));
            if all_in_time && expected.late.is_empty() {
                // Then it does not matter either which watermarks came between.
                let without: Vec<Move> = moves.iter().map(|one| match one {
                    Move::Watermark(_) => Move::Restore,
                    other => other.clone(),
                }).collect();
                prop_assert_eq!(&sums(&without, false), &straight);
            }
        }
    }
}
