//! One key, small numbers, and each scenario played twice: straight through, and crashed after every step.

use millstream::operator::window::Timing;
use millstream::prelude::*;
use millstream::testing::Harness;

/// A record: its event time in milliseconds and its value.
pub(crate) type Hit = (i64, i64);

/// A step of a scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A record at this event time.
    Hit(i64),
    /// A record at this event time with this value.
    Valued(i64, i64),
    /// The watermark comes to this.
    Watermark(i64),
    /// The machine's clock moves on by so much.
    Advance(u64),
    /// The input ends.
    End,
}

pub(crate) use Step::{Advance, End, Hit as At, Valued, Watermark};

/// A result: (start, end, event times of the records, early or on time or late, index).
pub(crate) type Said = (i64, i64, Vec<i64>, Timing, u32);

pub(crate) fn t(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Plays the steps. What each step brought forth stands in a row of its own.
pub(crate) fn play<U: Data>(harness: &mut Harness<Hit, U>, steps: &[Step], crash: bool) -> Vec<Vec<U>> {
    let rows = steps.iter().map(|step| {
        match *step {
            Step::Hit(time) => harness.push((time, 0), t(time)),
            Step::Valued(time, value) => harness.push((time, value), t(time)),
            Step::Watermark(time) => harness.watermark(t(time)),
            Step::Advance(by) => harness.advance(millis(by)),
            Step::End => harness.end(),
        };
        let rows = harness.drain();
        if crash && !matches!(step, Step::End) {
            harness.crash_and_restore();
            assert_eq!(harness.drain().len(), 0, "a crash after {step:?} brings nothing forth");
        }
        rows
    });
    rows.collect()
}

/// What the windows of one key say after each step.
pub(crate) fn said(
    windows: impl Fn(KeyedStream<u8, Hit>) -> WindowedStream<u8, Hit>,
    steps: &[Step],
) -> Vec<Vec<Said>> {
    let play = |crash| {
        let mut harness = Harness::new(|hits: Stream<Hit>| windows(hits.key_by(|_| 7)).collect());
        let rows = play(&mut harness, steps, crash);
        let row = |window: Windowed<u8, Vec<Hit>>| {
            let times = window.value.iter().map(|hit| hit.0).collect();
            (window.start.millis(), window.end.millis(), times, window.pane.timing, window.pane.index)
        };
        rows.into_iter().map(|rows| rows.into_iter().map(row).collect()).collect::<Vec<Vec<Said>>>()
    };
    let straight = play(false);
    assert_eq!(play(true), straight, "crashed after each step");
    straight
}

/// The event times of the records that were late, after each step.
pub(crate) fn late(windows: impl Fn(KeyedStream<u8, Hit>) -> WindowedStream<u8, Hit>, steps: &[Step]) -> Vec<i64> {
    let mut harness = Harness::new(|hits: Stream<Hit>| {
        let windows = windows(hits.key_by(|_| 7));
        let late = windows.late().map(|late| late.time.millis());
        late.union(&windows.count().map(|_| i64::MIN).filter(|_| false))
    });
    play(&mut harness, steps, true).concat()
}
