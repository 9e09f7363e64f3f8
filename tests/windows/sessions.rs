//! Sessions: triggers, lateness, and what happens when they merge.

use crate::support::{At, Clock, Cut, End, Hit, Hits, Valued, Watermark, check};
use millstream::operator::window::trigger::{
    ContinuousTrigger, CountTrigger, EarlyLateTrigger, EventTimeTrigger, NeverTrigger, ProcessingTimeTrigger,
    PurgingTrigger, Trigger,
};
use millstream::prelude::*;

fn tens(hits: Hits) -> Cut {
    hits.window(Session::gap(millis(10)))
}

fn triggered(trigger: impl Trigger<Hit> + Clone) -> impl Fn(Hits) -> Cut {
    move |hits| tens(hits).trigger(trigger.clone())
}

#[test]
fn by_default_a_session_speaks_once_when_the_watermark_has_come_to_its_last_instant() {
    let scenario = [
        (At(0), ""),
        (At(25), ""),
        (At(10), ""),
        (Watermark(18), ""),
        (Watermark(19), "0..20 [0 10] OnTime 0"),
        (At(9), "late 9"),
        (At(15), ""),
        (End, "15..35 [25 15] OnTime 0"),
    ];
    check(tens, &scenario);
    check(triggered(EventTimeTrigger), &scenario);
}

#[test]
fn with_lateness_a_session_that_has_spoken_takes_late_records_and_grows() {
    let windows = |hits| tens(hits).allowed_lateness(millis(5));
    let scenario = [
        (At(0), ""),
        (Watermark(9), "0..10 [0] OnTime 0"),
        (At(5), ""),
        (Watermark(14), "0..15 [0 5] OnTime 1"),
        (At(1), "0..15 [0 5 1] Late 2"),
        (Watermark(19), ""),
        (At(2), "late 2"),
    ];
    check(windows, &scenario);
}

#[test]
fn a_record_between_two_sessions_makes_them_one_whatever_each_has_said() {
    let windows = |hits| tens(hits).allowed_lateness(millis(20));
    let scenario = [
        (At(0), ""),
        (At(20), ""),
        (Watermark(9), "0..10 [0] OnTime 0"),
        (At(10), ""),
        (Watermark(28), ""),
        (Watermark(29), "0..30 [0 20 10] OnTime 1"),
        (At(40), ""),
        (At(30), ""),
        (End, "0..50 [0 20 10 40 30] OnTime 2"),
    ];
    check(windows, &scenario);
}

#[test]
fn by_count_the_counts_of_sessions_that_merge_add_up() {
    let scenario = [
        (At(0), ""),
        (At(20), ""),
        (At(10), "0..30 [0 20 10] Early 0"),
        (At(11), ""),
        (Watermark(29), ""),
        (At(30), ""),
    ];
    check(triggered(CountTrigger::of(3)), &scenario);
}

#[test]
fn purging_a_session_goes_on_without_what_it_has_told() {
    let trigger = PurgingTrigger::of(CountTrigger::of(2));
    let scenario =
        [(At(0), ""), (At(5), "0..15 [0 5] Early 0"), (At(10), ""), (At(12), "0..22 [10 12] Early 1"), (End, "")];
    check(triggered(trigger), &scenario);
}

#[test]
fn continuously_the_earliest_next_result_of_sessions_that_merge_counts() {
    let scenario = [
        (At(1), ""),
        (At(19), ""),
        (At(10), ""),
        (Watermark(6), "1..29 [1 19 10] Early 0"),
        (Watermark(12), "1..29 [1 19 10] Early 1"),
        (Watermark(28), "1..29 [1 19 10] OnTime 2"),
    ];
    check(triggered(ContinuousTrigger::every(millis(6))), &scenario);
}

#[test]
fn by_processing_time_a_session_speaks_when_the_clock_comes_to_its_end() {
    let scenario = [(At(1), ""), (At(5), ""), (Clock(11), ""), (Clock(15), "1..15 [1 5] Early 0"), (End, "")];
    check(triggered(ProcessingTimeTrigger), &scenario);
}

#[test]
fn early_and_late_triggers_speak_before_and_after_the_result_on_time() {
    let trigger = EarlyLateTrigger::on_time().early(CountTrigger::of(2)).late(CountTrigger::of(1));
    let windows = |hits| tens(hits).trigger(trigger).allowed_lateness(millis(5));
    let scenario = [
        (At(0), ""),
        (At(2), "0..12 [0 2] Early 0"),
        (Watermark(11), "0..12 [0 2] OnTime 1"),
        (At(1), "0..12 [0 2 1] Late 2"),
        (Watermark(16), ""),
        (At(1), "late 1"),
    ];
    check(windows, &scenario);
}

#[test]
fn never_is_never() {
    check(triggered(NeverTrigger), &[(At(1), ""), (Watermark(10), ""), (At(0), "late 0"), (End, "")]);
}

fn by_record(hits: Hits) -> Cut {
    hits.window(Session::gap_by(|hit: &Hit| millis(hit.1.unsigned_abs())))
}

#[test]
fn each_record_keeps_its_session_open_for_the_gap_that_it_tells() {
    let scenario = [
        (Valued(0, 20), ""),
        (Valued(5, 2), ""),
        (Watermark(18), ""),
        (Valued(20, 3), ""),
        (Watermark(22), "0..23 [0 5 20] OnTime 0"),
        (Valued(24, 0), ""),
        (End, "24..25 [24] OnTime 0"),
    ];
    check(by_record, &scenario);
}

#[test]
fn with_lateness_a_session_by_record_speaks_again() {
    let windows = |hits| by_record(hits).allowed_lateness(millis(5));
    let scenario = [
        (Valued(0, 4), ""),
        (Watermark(3), "0..4 [0] OnTime 0"),
        (Valued(1, 1), "0..4 [0 1] Late 1"),
        (Watermark(8), ""),
        (Valued(1, 1), "late 1"),
    ];
    check(windows, &scenario);
}
