//! Sliding windows of event time: triggers, lateness, and gaps.

use crate::support::{At, Clock, Cut, End, Hit, Hits, Valued, Watermark, check, t};
use millstream::operator::window::trigger::{
    ContinuousTrigger, CountTrigger, DeltaTrigger, EarlyLateTrigger, EventTimeTrigger, NeverTrigger,
    ProcessingTimeTrigger, PurgingTrigger, Trigger,
};
use millstream::prelude::*;
use millstream::testing::Harness;

fn tens(hits: Hits) -> Cut {
    hits.window(Sliding::of(millis(10)).every(millis(5)))
}

fn triggered(trigger: impl Trigger<Hit> + Clone) -> impl Fn(Hits) -> Cut {
    move |hits| tens(hits).trigger(trigger.clone())
}

#[test]
fn by_default_each_window_speaks_once_and_a_record_is_late_when_all_its_windows_are_gone() {
    let scenario = [
        (At(1), ""),
        (At(6), ""),
        (Watermark(4), "-5..5 [1] OnTime 0"),
        (At(2), ""),
        (Watermark(9), "0..10 [1 6 2] OnTime 0"),
        (At(7), ""),
        (At(3), "late 3"),
        (End, "5..15 [6 7] OnTime 0"),
    ];
    check(triggered(EventTimeTrigger), &scenario);
    check(|hits| tens(hits).trigger(EventTimeTrigger).allowed_lateness(millis(0)), &scenario);
}

#[test]
fn with_lateness_all_windows_of_a_late_record_that_stand_speak_again() {
    let windows = |hits| tens(hits).allowed_lateness(millis(3));
    let scenario = [
        (At(1), ""),
        (Watermark(4), "-5..5 [1] OnTime 0"),
        (At(2), "-5..5 [1 2] Late 1"),
        (Watermark(9), "0..10 [1 2] OnTime 0"),
        (At(3), "0..10 [1 2 3] Late 1"),
        (Watermark(12), ""),
        (At(4), "late 4"),
    ];
    check(windows, &scenario);
}

#[test]
fn by_count_each_window_counts_for_itself() {
    let scenario = [(At(1), ""), (At(6), "0..10 [1 6] Early 0"), (At(2), "-5..5 [1 2] Early 0"), (End, "")];
    check(triggered(CountTrigger::of(2)), &scenario);
}

#[test]
fn purging_counts_begin_anew_in_each_window() {
    let trigger = PurgingTrigger::of(CountTrigger::of(2));
    let scenario = [
        (At(6), ""),
        (At(7), "0..10 [6 7] Early 0; 5..15 [6 7] Early 0"),
        (At(8), ""),
        (At(9), "0..10 [8 9] Early 1; 5..15 [8 9] Early 1"),
        (End, ""),
    ];
    check(triggered(trigger), &scenario);
}

#[test]
fn continuously_windows_speak_early_together_and_on_time_one_by_one() {
    let scenario = [
        (At(6), ""),
        (Watermark(8), "0..10 [6] Early 0; 5..15 [6] Early 0"),
        (Watermark(9), "0..10 [6] OnTime 1"),
        (Watermark(14), "5..15 [6] OnTime 1"),
    ];
    check(triggered(ContinuousTrigger::every(millis(8))), &scenario);
}

#[test]
fn by_processing_time_windows_speak_when_the_clock_comes_to_their_ends() {
    let scenario = [(At(6), ""), (Clock(10), "0..10 [6] Early 0"), (Clock(15), "5..15 [6] Early 0"), (End, "")];
    check(triggered(ProcessingTimeTrigger), &scenario);
}

#[test]
fn by_delta_each_window_measures_for_itself() {
    let windows = |hits| tens(hits).trigger(DeltaTrigger::over(5.0, |last: &Hit, this| (this.1 - last.1) as f64));
    check(windows, &[(Valued(1, 0), ""), (Valued(6, 9), "0..10 [1 6] Early 0"), (Valued(7, 9), ""), (End, "")]);
}

#[test]
fn early_triggers_speak_before_the_result_on_time() {
    let trigger = EarlyLateTrigger::on_time().early(CountTrigger::of(2));
    let scenario = [
        (At(6), ""),
        (At(7), "0..10 [6 7] Early 0; 5..15 [6 7] Early 0"),
        (Watermark(9), "0..10 [6 7] OnTime 1"),
        (End, "5..15 [6 7] OnTime 1"),
    ];
    check(triggered(trigger), &scenario);
}

#[test]
fn never_is_never() {
    check(triggered(NeverTrigger), &[(At(6), ""), (Watermark(20), ""), (At(7), "late 7"), (End, "")]);
}

#[test]
fn a_record_in_the_gap_of_hopping_windows_is_counted_as_unassigned() {
    let mut harness = Harness::new(|hits: Stream<i64>| {
        let windows = hits.key_by(|_| ()).window(Sliding::of(millis(3)).every(millis(10)));
        windows.trigger(EventTimeTrigger).count().uid("hops").map(|window| (window.start.millis(), window.value))
    });
    for time in [1, 2, 3, 9, 10, 15] {
        harness.push(time, t(time)).crash_and_restore();
    }
    assert_eq!(harness.end().drain(), [(0, 2), (10, 1)]);
    let status = harness.status();
    let hops = status.operator("hops").unwrap();
    assert_eq!((hops.records_in, hops.unassigned, hops.late, hops.records_out), (6, 3, 0, 2));
}
