//! Data-driven windows: the records themselves open and close them.
//!
//! * A window of a key opens with a record for which `open` holds, if none is open, takes the records of that key in the
//!   order in which they come, and closes with one for which `close` holds; both belong to it. A record for which both hold
//!   is a window by itself if none is open. While one is open, `open` is not asked.
//! * No record is late. One that comes while no window is open and opens none is unassigned.
//! * A window goes from its earliest record's event time up to and with its latest one's. Its result bears the event time of
//!   the record that closed it.
//! * The end of input closes what is open, in the order of keys, with the window's last instant as the event time: on time,
//!   since all is there that will ever come.
//! * State: one accumulator per key with an open window.
//!
//! Flink has no such windows. Compare the frames of Grossniklaus, Maier, Miller, Moorthy and Tufte, "Frames: data-driven
//! windows", DEBS 2016.

use super::PIECE;
use super::outputs::Outputs;
use super::timed::Timed;
use super::windows::Predicate;
use crate::operator::key_by::KeyFunction;
use crate::operator::{Aggregate, AnyStage, BuildContext, Error, Head};
use crate::record::{Batch, Data, Key};
use crate::state::{Keyed, WindowedState};
use crate::time::Timestamp;
use std::sync::Arc;
use std::vec::IntoIter;

/// Where open windows stand: under the end of time, when they close at the latest.
const OPEN: Timestamp = Timestamp::MAX;

/// The head of an operator of data-driven windows.
pub(super) struct MatchingHead<T, K, A: Aggregate<T>> {
    opens: Predicate<T>,
    closes: Predicate<T>,
    key: KeyFunction<T, K>,
    aggregate: Arc<A>,
    open: WindowedState<K, Timed<A::Accumulator>>,
    outputs: Outputs<T, K, A::Output>,
    /// What the end of input closes.
    firing: IntoIter<(u64, K, Timed<A::Accumulator>)>,
    has_ended: bool,
}

impl<T: Data, K: Key, A: Aggregate<T>> MatchingHead<T, K, A> {
    pub(super) fn new(
        context: &mut BuildContext,
        (opens, closes): (Predicate<T>, Predicate<T>),
        key: KeyFunction<T, K>,
        aggregate: Arc<A>,
        outputs: Vec<AnyStage>,
    ) -> Result<Self, Error> {
        let open = context.store().windowed_value("open")?;
        let outputs = Outputs::new(context, outputs);
        let firing = Vec::new().into_iter();
        Ok(MatchingHead { opens, closes, key, aggregate, open, outputs, firing, has_ended: false })
    }
}

impl<T: Data, K: Key, A: Aggregate<T>> Head for MatchingHead<T, K, A> {
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        let rows = batch.rows::<T>();
        for ((record, time), hash) in rows.records.iter().zip(&rows.times).zip(&rows.hashes) {
            self.outputs.site.record();
            let key = (self.key)(record);
            let at = Keyed { key: &key, hash: *hash };
            let is_open = self.open.with(OPEN, at, |window| window.is_some())?;
            if !is_open && !(self.opens)(record) {
                self.outputs.unassigned(record, *time);
                continue;
            }
            let aggregate = &*self.aggregate;
            self.open.update(
                OPEN,
                at,
                || Timed::new(aggregate.create()),
                |window| {
                    aggregate.add(&mut window.accumulator, record);
                    window.stretch(*time);
                },
            )?;
            if (self.closes)(record)
                && let Some(window) = self.open.remove(OPEN, at)?
            {
                let result = window.finish(key, |all| aggregate.finish(all));
                self.outputs.pane_at(result, *time);
            }
        }
        self.outputs.batch_end();
        Ok(())
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.has_ended = watermark == Timestamp::MAX;
        if !self.has_ended {
            self.outputs.watermark(watermark);
        } else if let Some((_, open)) = self.open.drain_first(OPEN)? {
            self.firing = open.into_iter();
        }
        Ok(())
    }

    fn resume(&mut self) -> Result<bool, Error> {
        for (_, key, window) in self.firing.by_ref().take(PIECE) {
            if self.outputs.site.fires(&key, window.end()) {
                let result = window.finish(key, |all| self.aggregate.finish(all));
                self.outputs.pane(result);
                self.outputs.site.fired();
            }
        }
        let is_done = self.firing.as_slice().is_empty();
        if is_done && std::mem::take(&mut self.has_ended) {
            self.outputs.watermark(Timestamp::MAX);
        }
        Ok(is_done)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Matching;
    use super::super::fixture::{Fixture, Joined};
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Doors = Fixture<char, Vec<char>>;

    /// `(` and `!` open, `)` and `!` close.
    fn doors() -> Doors {
        let opens = |record: &(u8, char)| matches!(record.1, '(' | '!');
        Fixture::new(Matching::new(opens, |record: &(u8, char)| matches!(record.1, ')' | '!')), Joined)
    }

    /// Key, start, end, records, event time.
    type Row = (u8, i64, i64, String, i64);

    fn rows(fixture: &Doors) -> Vec<Row> {
        let text = |value: Vec<char>| value.into_iter().collect();
        let results = fixture.results().into_iter();
        results.map(|(row, time)| (row.key, row.start.millis(), row.end.millis(), text(row.value), time)).collect()
    }

    fn row(key: u8, (start, end): (i64, i64), value: &str, time: i64) -> Row {
        (key, start, end, value.to_owned(), time)
    }

    #[test]
    fn a_window_goes_from_the_record_that_opens_it_to_the_one_that_closes_it() {
        let mut fixture = doors();
        fixture.watermark(1000);
        for (value, time) in [('a', 1), ('(', 5), ('b', 9), ('(', 3), (')', 7), (')', 8), ('!', 9)] {
            fixture.push(1, value, time);
        }
        assert_eq!(rows(&fixture), [row(1, (3, 10), "(b()", 7), row(1, (9, 10), "!", 9)]);
        assert_eq!((fixture.unassigned(), fixture.late()), (vec!['a', ')'], vec![]));
    }

    #[test]
    fn the_end_of_input_closes_what_is_open_by_key() {
        let mut fixture = doors();
        fixture.push(2, '(', 5);
        fixture.push(1, '(', 6);
        fixture.push(2, 'a', 4);
        let mut fixture = fixture.crash_and_restore();
        fixture.watermark(100);
        assert_eq!(rows(&fixture), []);
        fixture.watermark(i64::MAX);
        assert_eq!(rows(&fixture), [row(1, (6, 7), "(", 6), row(2, (4, 6), "(a", 5)]);
        let (_dir, mut store) = fixture.into_store();
        assert_eq!(store.windowed_value::<u8, Timed<Vec<char>>>("open").unwrap().first_namespace(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn windows_of_a_key_do_not_depend_on_others_nor_on_restores(
            records in vec((0..3_u8, prop::sample::select(vec!['(', ')', '!', 'a', 'b'])), 0..80),
            restores in vec(any::<bool>(), 80),
        ) {
            let mut fixture = doors();
            let (mut open, mut expected): (BTreeMap<u8, String>, Vec<(u8, String)>) = Default::default();
            for (&(key, value), restore) in records.iter().zip(restores) {
                fixture.push(key, value, 0);
                if open.contains_key(&key) || matches!(value, '(' | '!') {
                    open.entry(key).or_default().push(value);
                }
                if matches!(value, ')' | '!') {
                    expected.extend(open.remove_entry(&key));
                }
                if restore && expected.len() % 4 == 0 {
                    fixture = fixture.crash_and_restore();
                }
            }
            fixture.watermark(i64::MAX);
            expected.extend(open);
            let found: Vec<(u8, String)> = rows(&fixture).into_iter().map(|row| (row.0, row.3)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
