//! Tumbling windows of event time: each trigger, without and with lateness.

use crate::support::{At, Clock, Cut, End, Hits, Valued, Watermark, check};
use millstream::operator::window::trigger::{
    ContinuousTrigger, CountTrigger, DeltaTrigger, EarlyLateTrigger, EventTimeTrigger, NeverTrigger,
    ProcessingTimeTrigger, PurgingTrigger, Trigger,
};
use millstream::prelude::*;

fn tens(hits: Hits) -> Cut {
    hits.window(Tumbling::of(millis(10)))
}

fn triggered(trigger: impl Trigger<crate::support::Hit> + Clone) -> impl Fn(Hits) -> Cut {
    move |hits| tens(hits).trigger(trigger.clone())
}

fn triggered_late(trigger: impl Trigger<crate::support::Hit> + Clone) -> impl Fn(Hits) -> Cut {
    move |hits| tens(hits).trigger(trigger.clone()).allowed_lateness(millis(5))
}

#[test]
fn by_default_a_window_speaks_once_at_its_last_instant_and_what_follows_is_late() {
    let scenario = [
        (At(1), ""),
        (At(13), ""),
        (Watermark(8), ""),
        (At(3), ""),
        (Watermark(9), "0..10 [1 3] OnTime 0"),
        (At(5), "late 5"),
        (End, "10..20 [13] OnTime 0"),
    ];
    check(tens, &scenario);
    check(triggered(EventTimeTrigger), &scenario);
}

#[test]
fn with_lateness_a_window_speaks_again_at_each_late_record_until_it_is_gone() {
    let scenario = [
        (At(1), ""),
        (Watermark(9), "0..10 [1] OnTime 0"),
        (At(5), "0..10 [1 5] Late 1"),
        (Watermark(13), ""),
        (At(6), "0..10 [1 5 6] Late 2"),
        (Watermark(14), ""),
        (At(7), "late 7"),
        (End, ""),
    ];
    check(|hits| tens(hits).allowed_lateness(millis(5)), &scenario);
    check(triggered_late(EventTimeTrigger), &scenario);
}

#[test]
fn a_window_that_opens_within_its_lateness_speaks_late_at_once() {
    let windows = |hits| tens(hits).allowed_lateness(millis(5));
    check(windows, &[(Watermark(11), ""), (At(2), "0..10 [2] Late 0"), (At(3), "0..10 [2 3] Late 1")]);
}

#[test]
fn by_processing_time_a_window_speaks_when_the_clock_comes_to_its_end_if_it_still_stands() {
    let trigger = ProcessingTimeTrigger;
    check(triggered(trigger), &[(At(1), ""), (Clock(9), ""), (Clock(10), "0..10 [1] Early 0"), (Watermark(9), "")]);
    check(triggered(trigger), &[(At(1), ""), (Watermark(9), ""), (Clock(10), ""), (At(2), "late 2"), (End, "")]);
}

#[test]
fn by_processing_time_with_lateness_a_window_may_speak_behind_its_last_instant() {
    let scenario =
        [(At(1), ""), (Watermark(9), ""), (Clock(10), "0..10 [1] Late 0"), (Watermark(14), ""), (At(2), "late 2")];
    check(triggered_late(ProcessingTimeTrigger), &scenario);
}

#[test]
fn by_count_a_window_speaks_after_every_so_many_records_and_never_of_the_rest() {
    let scenario = [
        (At(1), ""),
        (At(2), "0..10 [1 2] Early 0"),
        (At(3), ""),
        (At(4), "0..10 [1 2 3 4] Early 1"),
        (At(5), ""),
        (Watermark(9), ""),
        (At(6), "late 6"),
        (At(15), ""),
        (End, ""),
    ];
    check(triggered(CountTrigger::of(2)), &scenario);
}

#[test]
fn by_count_with_lateness_late_records_count_too() {
    let scenario = [
        (At(1), ""),
        (Watermark(9), ""),
        (At(2), "0..10 [1 2] Late 0"),
        (At(3), ""),
        (Watermark(14), ""),
        (At(4), "late 4"),
    ];
    check(triggered_late(CountTrigger::of(2)), &scenario);
}

#[test]
fn continuously_a_window_speaks_early_on_a_grid_and_then_on_time() {
    let scenario = [
        (At(1), ""),
        (Watermark(3), ""),
        (Watermark(4), "0..10 [1] Early 0"),
        (At(5), ""),
        (Watermark(8), "0..10 [1 5] Early 1"),
        (Watermark(9), "0..10 [1 5] OnTime 2"),
        (At(6), "late 6"),
    ];
    check(triggered(ContinuousTrigger::every(millis(4))), &scenario);
}

#[test]
fn a_watermark_that_jumps_brings_one_early_result_or_the_one_on_time() {
    let trigger = ContinuousTrigger::every(millis(2));
    check(triggered(trigger), &[(At(1), ""), (Watermark(7), "0..10 [1] Early 0"), (Watermark(8), "0..10 [1] Early 1")]);
    check(triggered(trigger), &[(At(1), ""), (Watermark(20), "0..10 [1] OnTime 0")]);
}

#[test]
fn continuously_with_lateness_each_late_record_is_told_at_once() {
    let scenario = [
        (At(1), ""),
        (Watermark(4), "0..10 [1] Early 0"),
        (Watermark(9), "0..10 [1] OnTime 1"),
        (At(5), "0..10 [1 5] Late 2"),
        (Watermark(12), ""),
        (At(6), "0..10 [1 5 6] Late 3"),
        (Watermark(14), ""),
        (At(7), "late 7"),
    ];
    check(triggered_late(ContinuousTrigger::every(millis(4))), &scenario);
}

#[test]
fn continuously_by_the_clock_a_window_speaks_early_and_then_on_time_by_the_watermark() {
    let scenario = [
        (At(1), ""),
        (Clock(100), "0..10 [1] Early 0"),
        (At(2), ""),
        (Clock(150), ""),
        (Clock(200), "0..10 [1 2] Early 1"),
        (Watermark(9), "0..10 [1 2] OnTime 2"),
        (Clock(300), ""),
        (At(3), "late 3"),
    ];
    check(triggered(ContinuousTrigger::every(millis(100)).processing_time()), &scenario);
}

#[test]
fn continuously_by_the_clock_with_lateness_nothing_is_repeated_after_the_end() {
    let scenario = [
        (At(1), ""),
        (Clock(100), "0..10 [1] Early 0"),
        (Watermark(9), "0..10 [1] OnTime 1"),
        (Clock(200), ""),
        (At(2), "0..10 [1 2] Late 2"),
        (Clock(300), ""),
        (Watermark(14), ""),
        (At(3), "late 3"),
    ];
    check(triggered_late(ContinuousTrigger::every(millis(100)).processing_time()), &scenario);
}

#[test]
fn purging_each_result_tells_of_the_records_since_the_one_before() {
    let scenario = [
        (At(1), ""),
        (At(2), "0..10 [1 2] Early 0"),
        (At(3), ""),
        (At(4), "0..10 [3 4] Early 1"),
        (Watermark(9), ""),
        (At(5), "late 5"),
    ];
    check(triggered(PurgingTrigger::of(CountTrigger::of(2))), &scenario);
}

#[test]
fn purging_with_lateness_a_late_record_is_told_alone() {
    let scenario = [
        (At(1), ""),
        (Watermark(9), "0..10 [1] OnTime 0"),
        (At(2), "0..10 [2] Late 1"),
        (At(3), "0..10 [3] Late 2"),
        (Watermark(14), ""),
        (At(4), "late 4"),
    ];
    check(triggered_late(PurgingTrigger::of(EventTimeTrigger)), &scenario);
}

#[test]
fn a_window_that_was_purged_says_nothing_on_time() {
    let trigger = PurgingTrigger::of(EarlyLateTrigger::on_time().early(CountTrigger::of(2)));
    let scenario = [(At(1), ""), (At(2), "0..10 [1 2] Early 0"), (Watermark(9), ""), (At(15), "")];
    check(triggered(trigger), &scenario);
}

fn jumps(hits: Hits) -> Cut {
    tens(hits).trigger(DeltaTrigger::over(5.0, |last: &(i64, i64), this| (this.1 - last.1) as f64))
}

#[test]
fn by_delta_a_window_speaks_at_a_record_far_from_the_one_at_which_it_last_spoke() {
    let scenario = [
        (Valued(1, 10), ""),
        (Valued(2, 15), ""),
        (Valued(3, 16), "0..10 [1 2 3] Early 0"),
        (Valued(4, 21), ""),
        (Valued(5, 22), "0..10 [1 2 3 4 5] Early 1"),
        (Watermark(9), ""),
        (Valued(6, 99), "late 6"),
    ];
    check(jumps, &scenario);
}

#[test]
fn by_delta_with_lateness_late_records_are_measured_too() {
    let scenario = [
        (Valued(1, 10), ""),
        (Watermark(9), ""),
        (Valued(2, 16), "0..10 [1 2] Late 0"),
        (Watermark(14), ""),
        (Valued(3, 99), "late 3"),
    ];
    check(|hits| jumps(hits).allowed_lateness(millis(5)), &scenario);
}

#[test]
fn early_and_late_triggers_speak_before_and_after_the_result_on_time() {
    let trigger = EarlyLateTrigger::on_time().early(CountTrigger::of(2)).late(CountTrigger::of(1));
    let scenario = [
        (At(1), ""),
        (At(2), "0..10 [1 2] Early 0"),
        (At(3), ""),
        (Watermark(9), "0..10 [1 2 3] OnTime 1"),
        (At(4), "0..10 [1 2 3 4] Late 2"),
        (Watermark(14), ""),
        (At(5), "late 5"),
    ];
    check(triggered_late(trigger), &scenario);
}

#[test]
fn without_lateness_the_late_trigger_is_not_asked() {
    let trigger = EarlyLateTrigger::on_time().early(CountTrigger::of(2)).late(CountTrigger::of(1));
    let scenario = [(At(1), ""), (Watermark(9), "0..10 [1] OnTime 0"), (At(4), "late 4"), (End, "")];
    check(triggered(trigger), &scenario);
}

#[test]
fn never_is_never() {
    check(triggered(NeverTrigger), &[(At(1), ""), (Watermark(9), ""), (At(2), "late 2"), (Clock(50), ""), (End, "")]);
    let scenario = [(At(1), ""), (Watermark(9), ""), (At(2), ""), (Watermark(14), ""), (At(3), "late 3"), (End, "")];
    check(triggered_late(NeverTrigger), &scenario);
}

#[test]
fn an_offset_shifts_the_grid_also_before_1970() {
    let windows = |hits: Hits| hits.window(Tumbling::of(millis(10)).offset(millis(3)));
    let scenario = [
        (At(-8), ""),
        (At(2), ""),
        (At(3), ""),
        (Watermark(2), "-17..-7 [-8] OnTime 0; -7..3 [2] OnTime 0"),
        (End, "3..13 [3] OnTime 0"),
    ];
    check(windows, &scenario);
    check(|hits| windows(hits).trigger(EventTimeTrigger), &scenario);
}
