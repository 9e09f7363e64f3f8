//! Windows over numbers of records: each `slide` records of a key its last `size` are a window, as in Flink's `countWindow`.
//!
//! * Records count in the order in which they come; none is late. Those of the first windows that come before there are
//!   `size` of them are all in it. With a slide longer than the size, records between windows are unassigned.
//! * A window goes from its earliest record's event time up to and with its latest one's. Its result bears the event time of
//!   the record that completed it (in Flink: the end of time).
//! * A window that is not complete at the end of input does not fire, as in Flink.
//! * What a record costs depends neither on size nor on slide: the panes of sliding windows are shared (see `blocks`), with
//!   the record's number in the place of time.
//! * State: one counter per key, which goes when nothing is left that a window needs; for windows that overlap it stays, with
//!   one accumulator per pane of the last window.

use super::blocks::{Blocks, Running};
use super::outputs::Outputs;
use super::paired::Paired;
use super::timed::Timed;
use crate::operator::key_by::KeyFunction;
use crate::operator::{Aggregate, AnyStage, BuildContext, Error, Head};
use crate::record::{Batch, Data, Key};
use crate::state::{Keyed, ValueState};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How far a key has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Counter<S> {
    /// How many records it has had, since it had nothing left.
    seen: i64,
    /// The pane that is being filled.
    pane: Option<Timed<S>>,
    running: Running<Timed<S>>,
}

/// What a record has brought about.
enum Step<S> {
    /// It waits in its pane.
    Kept,
    /// It belongs to no window.
    Unassigned,
    /// It has completed a window.
    Window(Timed<S>),
}

/// The head of a count window operator.
pub(super) struct CountHead<T, K, A: Aggregate<T>> {
    slide: i64,
    overlap: bool,
    grid: Paired,
    key: KeyFunction<T, K>,
    aggregate: Arc<A>,
    counters: ValueState<K, Counter<A::Accumulator>>,
    blocks: Blocks<K, Timed<A::Accumulator>>,
    outputs: Outputs<T, K, A::Output>,
}

impl<T: Data, K: Key, A: Aggregate<T>> CountHead<T, K, A> {
    /// * size, slide: at least 1.
    pub(super) fn new(
        context: &mut BuildContext,
        (size, slide): (u64, u64),
        key: KeyFunction<T, K>,
        aggregate: Arc<A>,
        outputs: Vec<AnyStage>,
    ) -> Result<Self, Error> {
        let [size, slide] = [size, slide].map(|records| i64::try_from(records).unwrap_or(i64::MAX).max(1));
        // The n-th window ends with record n * slide.
        let grid = Paired::new(size, slide, (-size).rem_euclid(slide));
        let merger = aggregate.clone();
        let merge = move |into: &mut Timed<_>, other| into.merge(other, |into, other| merger.merge(into, other));
        let blocks = Blocks::new(grid, context.store().map("blocks")?, merge, aggregate.grows());
        let counters = context.store().value("counters")?;
        let outputs = Outputs::new(context, outputs);
        Ok(CountHead { slide, overlap: size > slide, grid, key, aggregate, counters, blocks, outputs })
    }

    fn add(&self, at: Keyed<'_, K>, record: &T, time: Timestamp) -> Result<Step<A::Accumulator>, Error> {
        let create = || Counter { seen: 0, pane: None, running: Running::new() };
        let step = self.counters.update(at, create, |counter| self.count(at, counter, record, time))??;
        if !self.overlap && matches!(step, Step::Window(_)) {
            self.counters.remove(at)?;
        }
        Ok(step)
    }

    fn count(
        &self,
        at: Keyed<'_, K>,
        counter: &mut Counter<A::Accumulator>,
        record: &T,
        time: Timestamp,
    ) -> Result<Step<A::Accumulator>, Error> {
        let place = self.grid.place(counter.seen);
        counter.seen += 1;
        let Some(place) = place else { return Ok(Step::Unassigned) };
        let mut pane = counter.pane.take().unwrap_or_else(|| Timed::new(self.aggregate.create()));
        self.aggregate.add(&mut pane.accumulator, record);
        pane.stretch(time);
        if counter.seen < place.pane {
            counter.pane = Some(pane);
            return Ok(Step::Kept);
        }
        if !self.overlap {
            return Ok(Step::Window(pane));
        }
        self.blocks.push(at, &mut counter.running, (self.grid.block_of_pane(place.pane), place.pane), pane)?;
        if counter.seen % self.slide != 0 {
            return Ok(Step::Kept);
        }
        let span = self.grid.first_end(counter.seen);
        let window = self.blocks.window(at, &mut counter.running, span)?;
        self.blocks.expire(at, span.start.saturating_add(self.slide))?;
        Ok(Step::Window(window.expect("the record that completes a window is in it")))
    }
}

impl<T: Data, K: Key, A: Aggregate<T>> Head for CountHead<T, K, A> {
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        let rows = batch.rows::<T>();
        for ((record, time), hash) in rows.records.iter().zip(&rows.times).zip(&rows.hashes) {
            self.outputs.site.record();
            let key = (self.key)(record);
            match self.add(Keyed { key: &key, hash: *hash }, record, *time)? {
                Step::Kept => {}
                Step::Unassigned => self.outputs.unassigned(record, *time),
                Step::Window(window) => {
                    let result = window.finish(key, |all| self.aggregate.finish(all));
                    self.outputs.pane_at(result, *time);
                }
            }
        }
        self.outputs.batch_end();
        Ok(())
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.outputs.watermark(watermark);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::CountWindows;
    use super::super::fixture::{Fixture, Joined};
    use super::*;
    use crate::operator::Sum;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Key, start, end, value, event time.
    type Row<R> = (u8, i64, i64, R, i64);

    fn rows<V: Data, R: Data>(fixture: &Fixture<V, R>) -> Vec<Row<R>> {
        let results = fixture.results().into_iter();
        results.map(|(row, time)| (row.key, row.start.millis(), row.end.millis(), row.value, time)).collect()
    }

    #[test]
    fn a_window_is_complete_with_its_last_record() {
        let mut fixture = Fixture::new(CountWindows::of(2), Joined);
        for (value, time) in [(1, 50), (2, 30), (3, 60)] {
            fixture.push(7, value, time);
        }
        fixture.watermark(i64::MAX);
        assert_eq!(rows(&fixture), [(7, 30, 51, vec![1, 2], 30)], "what is not full does not fire");
    }

    #[test]
    fn a_tumbling_window_leaves_nothing_behind() {
        let mut fixture = Fixture::new(CountWindows::of(2), Joined);
        (1..=4).for_each(|value: u32| fixture.push(7, value, 0));
        let (_dir, mut store) = fixture.into_store();
        let counters = store.value::<u8, Counter<Vec<u32>>>("counters").unwrap();
        assert!(counters.get(Keyed::of(&7)).unwrap().is_none());
    }

    #[test]
    fn the_last_records_are_a_window_each_time_some_more_have_come() {
        let mut fixture = Fixture::new(CountWindows::of(5).every(2), Joined);
        (1..=9).for_each(|value: u32| fixture.push(7, value, i64::from(value)));
        let expected = [
            (7, 1, 3, vec![1, 2], 2),
            (7, 1, 5, vec![1, 2, 3, 4], 4),
            (7, 2, 7, vec![2, 3, 4, 5, 6], 6),
            (7, 4, 9, vec![4, 5, 6, 7, 8], 8),
        ];
        assert_eq!(rows(&fixture), expected);
    }

    fn moves() -> impl Strategy<Value = Vec<Option<(u8, i64)>>> {
        vec(proptest::option::weighted(0.95, (0..3_u8, -50..50_i64)), 0..150)
    }

    fn run<V: Data, R: Data>(
        mut fixture: Fixture<V, R>,
        moves: &[Option<(u8, i64)>],
        restores: bool,
        value: impl Fn(u32) -> V,
    ) -> Fixture<V, R> {
        for (number, one) in (0..).zip(moves) {
            match one {
                Some((key, time)) => fixture.push(*key, value(number), *time),
                None if restores => fixture = fixture.crash_and_restore(),
                None => {}
            }
        }
        fixture
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn windows_are_the_last_records_of_each_key(size in 1..20_usize, slide in 1..20_usize, moves in moves()) {
            let windows = CountWindows::of(size as u64).every(slide as u64);
            let fixture = run(Fixture::new(windows, Joined), &moves, true, |number| number);
            let mut seen: BTreeMap<u8, Vec<(u32, i64)>> = BTreeMap::new();
            let (mut expected, mut unassigned) = (Vec::new(), Vec::new());
            for (number, one) in (0..).zip(&moves) {
                let Some((key, time)) = *one else { continue };
                let all = seen.entry(key).or_default();
                if all.len() % slide < slide.saturating_sub(size) {
                    unassigned.push(number);
                }
                all.push((number, time));
                if all.len().is_multiple_of(slide) {
                    let last = &all[all.len().saturating_sub(size)..];
                    let times = || last.iter().map(|(_, time)| *time);
                    let values: Vec<u32> = last.iter().map(|(number, _)| *number).collect();
                    expected.push((key, times().min().unwrap(), times().max().unwrap() + 1, values, time));
                }
            }
            prop_assert_eq!(rows(&fixture), expected);
            prop_assert_eq!(fixture.unassigned(), unassigned);
        }

        #[test]
        fn sums_of_floats_come_out_the_same_after_a_restore(size in 1..20_u64, slide in 1..20_u64, moves in moves()) {
            let sums = |restores| -> Vec<u64> {
                let fixture = Fixture::new(CountWindows::of(size).every(slide), Sum::of(|record: &(u8, f64)| record.1));
                let fixture = run(fixture, &moves, restores, |number| 10_f64.powi((number * 7 % 31) as i32 - 15) / 3.0);
                rows(&fixture).into_iter().map(|row| row.3.to_bits()).collect()
            };
            prop_assert_eq!(sums(true), sums(false));
        }
    }
}
