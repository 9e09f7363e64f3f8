//! What happens to a join: records of two streams, watermarks, the clock, crashes. Played through the real operators, and
//! told to a model.

use millstream::prelude::*;
use millstream::testing::Harness;
use proptest::prelude::*;

/// A record: its number, key, and event time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) struct Row {
    pub(crate) number: usize,
    pub(crate) key: u8,
    pub(crate) time: i64,
}

/// A record of one of both streams.
pub(crate) type Side = Either<Row, Row>;

/// A step of a history.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Record(Side),
    /// Event time comes to this moment, if it is ahead.
    Watermark(i64),
    /// So many milliseconds pass.
    Pause(u64),
    /// A crash, and on at this parallelism.
    Crash(usize),
}

pub(crate) fn t(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Histories of up to 60 steps: four keys, times out of order within a span that moves on.
pub(crate) fn histories() -> impl Strategy<Value = Vec<Step>> {
    let record = (any::<bool>(), 0..4_u8, -20..20_i64).prop_map(|(left, key, time)| {
        let row = Row { number: 0, key, time };
        Step::Record(if left { Either::Left(row) } else { Either::Right(row) })
    });
    let step = prop_oneof![
        12 => record,
        2 => (-20..5_i64).prop_map(Step::Watermark),
        2 => (1..30_u64).prop_map(Step::Pause),
        1 => (1..4_usize).prop_map(Step::Crash),
    ];
    prop::collection::vec(step, 1..60).prop_map(|mut steps| {
        for (number, step) in steps.iter_mut().enumerate() {
            let now = number as i64 * 2;
            match step {
                Step::Record(Either::Left(row) | Either::Right(row)) => {
                    (row.number, row.time) = (number, row.time + now)
                }
                Step::Watermark(time) => *time += now,
                Step::Pause(_) | Step::Crash(_) => {}
            }
        }
        steps
    })
}

/// The two streams that a stream of both carries.
pub(crate) fn parted(both: &Stream<Side>) -> (Stream<Row>, Stream<Row>) {
    (both.flat_map(|side| side.left().copied()), both.flat_map(|side| side.right().copied()))
}

/// Plays a history, and ends the input.
pub(crate) fn play<U: Data>(steps: &[Step], dataflow: impl FnOnce(Stream<Side>) -> Stream<U>) -> Vec<(U, Timestamp)> {
    let mut harness = Harness::new(dataflow);
    for step in steps {
        match *step {
            Step::Record(side @ (Either::Left(row) | Either::Right(row))) => harness.push(side, t(row.time)),
            Step::Watermark(time) => harness.watermark(t(time)),
            Step::Pause(millis) => harness.advance(std::time::Duration::from_millis(millis)),
            Step::Crash(parallelism) => harness.rescale(parallelism),
        };
    }
    harness.end().drain_timed()
}

/// What a model knows at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) watermark: i64,
    pub(crate) now: i64,
}

/// Each record of a history with the moment at which it arrives.
pub(crate) fn arrivals(steps: &[Step]) -> Vec<(Side, Moment)> {
    let mut moment = Moment { watermark: i64::MIN, now: 0 };
    let mut arrivals = Vec::new();
    for step in steps {
        match *step {
            Step::Record(side) => arrivals.push((side, moment)),
            Step::Watermark(time) => moment.watermark = moment.watermark.max(time),
            Step::Pause(millis) => moment.now += millis as i64,
            Step::Crash(_) => {}
        }
    }
    arrivals
}

/// A pair by the numbers of its records.
pub(crate) fn numbers(left: &Row, right: &Row) -> (usize, usize) {
    (left.number, right.number)
}

/// Records of one side that arrive in this order with these keys and times.
pub(crate) fn rows(records: &[(u8, i64)]) -> Vec<Row> {
    records.iter().enumerate().map(|(number, &(key, time))| Row { number, key, time }).collect()
}
