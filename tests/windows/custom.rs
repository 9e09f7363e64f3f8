//! Assigners and triggers that a user writes.

use crate::support::{At, Clock, End, Hit, Hits, Watermark, check};
use millstream::operator::TimeDomain;
use millstream::operator::window::trigger::{CountTrigger, Decision, Trigger, TriggerContext};
use millstream::operator::window::{Assigner, Window, Windows};
use millstream::prelude::*;

/// A window of 10 around each record; those that touch merge if told so.
struct Around {
    merges: bool,
    domain: TimeDomain,
}

impl Assigner<Hit> for Around {
    fn name(&self) -> String {
        "around".to_owned()
    }

    fn assign(&self, record: &Hit, time: Timestamp, windows: &mut Vec<Window>) {
        windows.push(Window::new(time - millis(5), time + millis(5)));
        // An empty one is passed over.
        windows.push(Window::new(time, time));
        if record.0 < 0 {
            windows.clear();
        }
    }

    fn domain(&self) -> TimeDomain {
        self.domain
    }

    fn merges(&self) -> bool {
        self.merges
    }
}

fn around(merges: bool, domain: TimeDomain) -> impl Fn(Hits) -> WindowedStream<u8, Hit> {
    move |hits| hits.window(Windows::custom(Around { merges, domain }))
}

#[test]
fn windows_that_overlap_stand_apart_unless_they_merge() {
    let apart = [(At(10), ""), (At(13), ""), (At(-1), ""), (End, "5..15 [10] OnTime 0; 8..18 [13] OnTime 0")];
    check(around(false, TimeDomain::Event), &apart);
    let merged = [
        (At(10), ""),
        (At(30), ""),
        (At(20), ""),
        (Watermark(33), ""),
        (Watermark(34), "5..35 [10 30 20] OnTime 0"),
        (At(29), "late 29"),
    ];
    check(around(true, TimeDomain::Event), &merged);
}

#[test]
fn an_assigner_by_processing_time_is_handed_the_clock() {
    let scenario = [(Clock(100), ""), (At(7), ""), (Clock(104), ""), (Clock(105), "95..105 [7] OnTime 0")];
    check(around(false, TimeDomain::Processing), &scenario);
}

#[test]
fn windows_that_end_together_speak_in_the_order_of_their_starts() {
    /// The window of 10 and that of 20 that hold a record.
    struct Both;
    impl Assigner<Hit> for Both {
        fn name(&self) -> String {
            "both".to_owned()
        }
        fn assign(&self, _: &Hit, time: Timestamp, windows: &mut Vec<Window>) {
            for size in [10, 20] {
                let start = time.floor_to(millis(size));
                windows.push(Window::new(start, start + millis(size)));
            }
        }
    }
    let windows = |hits: Hits| hits.window(Windows::custom(Both));
    check(windows, &[(At(12), ""), (Watermark(19), "0..20 [12] OnTime 0; 10..20 [12] OnTime 0")]);
    let counted = |hits: Hits| windows(hits).trigger(CountTrigger::of(1));
    check(counted, &[(At(2), "0..10 [2] Early 0; 0..20 [2] Early 0"), (Watermark(19), "")]);
}

/// Speaks so many milliseconds of the clock after the last record, if no other came.
#[derive(Clone, Copy)]
struct Quiet(i64);

impl Trigger<Hit> for Quiet {
    type State = Option<Timestamp>;

    fn name(&self) -> String {
        format!("quiet {}", self.0)
    }

    fn on_record(
        &self,
        wait: &mut Option<Timestamp>,
        _: &Hit,
        _: Timestamp,
        context: &mut TriggerContext<'_>,
    ) -> Decision {
        if let Some(old) = wait.take() {
            context.delete_timer(TimeDomain::Processing, old);
        }
        let next = context.processing_time() + millis(self.0.unsigned_abs());
        context.set_timer(TimeDomain::Processing, next);
        *wait = Some(next);
        Decision::Continue
    }

    fn on_processing_time(
        &self,
        wait: &mut Option<Timestamp>,
        time: Timestamp,
        _: &mut TriggerContext<'_>,
    ) -> Decision {
        assert_eq!(wait.take(), Some(time), "a timer that was taken back fires");
        Decision::FireAndPurge
    }
}

#[test]
fn a_timer_that_is_taken_back_does_not_fire() {
    let windows = |hits: Hits| hits.window(Global).trigger(Quiet(10));
    let scenario = [
        (At(1), ""),
        (Clock(8), ""),
        (At(2), ""),
        (Clock(17), ""),
        (Clock(18), "all [1 2] Early 0"),
        (At(3), ""),
        (Clock(50), "all [3] Early 1"),
    ];
    check(windows, &scenario);
}

#[test]
fn a_timer_that_two_windows_of_a_key_wait_for_stays_when_one_takes_it_back() {
    let windows = |hits: Hits| hits.window(Tumbling::of(millis(10))).trigger(Quiet(10));
    let scenario = [
        (At(1), ""),
        (At(11), ""),
        (Clock(5), ""),
        (At(2), ""),
        (Clock(10), "10..20 [11] Early 0"),
        (Clock(15), "0..10 [1 2] Early 0"),
    ];
    check(windows, &scenario);
}

#[test]
fn a_timer_is_forgotten_with_its_window() {
    let windows = |hits: Hits| hits.window(Tumbling::of(millis(10))).trigger(Quiet(10));
    check(windows, &[(At(1), ""), (Watermark(9), ""), (Clock(50), ""), (End, "")]);
}

#[test]
fn keys_do_not_touch_each_other_and_speak_in_their_order() {
    let mut harness = millstream::testing::Harness::new(|hits: Stream<(char, i64)>| {
        let windows = hits.key_by(|hit| hit.0).window(Tumbling::of(millis(10))).allowed_lateness(millis(1));
        windows.count().map(|window| (window.key, window.end.millis(), window.value))
    });
    for (key, time) in [('b', 1), ('a', 12), ('a', 2), ('b', 3), ('c', 4)] {
        harness.push((key, time), Timestamp::from_millis(time)).crash_and_restore();
    }
    assert_eq!(harness.end().drain(), [('a', 10, 1), ('b', 10, 2), ('c', 10, 1), ('a', 20, 1)]);
}
