//! Scenarios of one key with small numbers, each played twice: straight through, and crashed after every step.

use millstream::prelude::*;
use millstream::testing::Harness;

/// A record: its event time in milliseconds and its value.
pub(crate) type Hit = (i64, i64);
/// A stream keyed by something that is the same for all.
pub(crate) type Hits = KeyedStream<u8, Hit>;
/// That stream in windows.
pub(crate) type Cut = WindowedStream<u8, Hit>;

/// A step of a scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A record at this event time.
    At(i64),
    /// A record at this event time with this value.
    Valued(i64, i64),
    /// The watermark comes to this.
    Watermark(i64),
    /// The machine's clock moves on to this. It begins at 0.
    Clock(i64),
    /// The input ends.
    End,
}

pub(crate) use Step::{At, Clock, End, Valued, Watermark};

pub(crate) fn t(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A result as text: `0..10 [1 3] OnTime 0` is the window from 0 to 10 with the records of the times 1 and 3, on time, its
/// first result.
fn text(window: Windowed<u8, Vec<Hit>>) -> String {
    let times: Vec<_> = window.value.iter().map(|hit| hit.0.to_string()).collect();
    let span = match (window.start, window.end) {
        (Timestamp::MIN, Timestamp::MAX) => "all".to_owned(),
        (start, end) => format!("{}..{}", start.millis(), end.millis()),
    };
    format!("{span} [{}] {:?} {}", times.join(" "), window.pane.timing, window.pane.index)
}

/// What the windows say and which records are late, after each step.
fn play(windows: &impl Fn(Hits) -> Cut, steps: &[Step], crash: bool) -> Vec<String> {
    let mut harness = Harness::new(|hits: Stream<Hit>| {
        let windows = windows(hits.key_by(|_| 7));
        windows.late().map(|late| format!("late {}", late.record.0)).union(&windows.collect().map(text))
    });
    let said = steps.iter().map(|step| {
        match *step {
            At(time) => harness.push((time, 0), t(time)),
            Valued(time, value) => harness.push((time, value), t(time)),
            Watermark(time) => harness.watermark(t(time)),
            Clock(time) => {
                let by = t(time).millis_since(harness.now());
                harness.advance(millis(by.unsigned_abs()))
            }
            End => harness.end(),
        };
        let said = harness.drain().join("; ");
        if crash && !matches!(step, End) {
            harness.crash_and_restore();
            assert!(harness.drain().is_empty(), "a crash after {step:?} must bring nothing forth");
        }
        said
    });
    said.collect()
}

/// Plays a scenario and compares what each step brings forth.
#[track_caller]
pub(crate) fn check(windows: impl Fn(Hits) -> Cut, scenario: &[(Step, &str)]) {
    let steps: Vec<_> = scenario.iter().map(|(step, _)| *step).collect();
    for crash in [false, true] {
        let said = play(&windows, &steps, crash);
        for (index, ((step, expected), said)) in scenario.iter().zip(said).enumerate() {
            assert_eq!(said, *expected, "step {index}, {step:?}, {}", if crash { "with crashes" } else { "without" });
        }
    }
}
