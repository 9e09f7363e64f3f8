//! Windows of processing time: each trigger. The harness's clock begins at 0; event times do not matter.

use crate::support::{At, Clock, Cut, End, Hit, Hits, Valued, Watermark, check};
use millstream::operator::window::trigger::{
    ContinuousTrigger, CountTrigger, DeltaTrigger, EarlyLateTrigger, EventTimeTrigger, NeverTrigger,
    ProcessingTimeTrigger, PurgingTrigger, Trigger,
};
use millstream::prelude::*;

fn tens(hits: Hits) -> Cut {
    hits.window(Tumbling::of(millis(10)).processing_time())
}

fn triggered(trigger: impl Trigger<Hit> + Clone) -> impl Fn(Hits) -> Cut {
    move |hits| tens(hits).trigger(trigger.clone())
}

#[test]
fn by_default_a_window_speaks_when_the_clock_comes_to_its_end_and_no_record_is_late() {
    let scenario = [
        (At(900), ""),
        (Clock(9), ""),
        (Watermark(5000), ""),
        (At(800), ""),
        (Clock(10), "0..10 [900 800] OnTime 0"),
        (At(700), ""),
        (End, "10..20 [700] OnTime 0"),
    ];
    check(tens, &scenario);
    check(triggered(ProcessingTimeTrigger), &scenario);
}

#[test]
fn by_event_time_a_window_speaks_when_the_watermark_comes_to_its_last_instant_if_it_still_stands() {
    check(triggered(EventTimeTrigger), &[(At(1), ""), (Watermark(9), "0..10 [1] Early 0"), (Clock(10), "")]);
    check(triggered(EventTimeTrigger), &[(At(1), ""), (Clock(10), ""), (Watermark(9), ""), (At(2), "")]);
}

#[test]
fn by_count_a_window_speaks_after_every_so_many_records() {
    let scenario = [(At(1), ""), (At(2), "0..10 [1 2] Early 0"), (At(3), ""), (Clock(10), ""), (At(4), ""), (End, "")];
    check(triggered(CountTrigger::of(2)), &scenario);
}

#[test]
fn continuously_a_window_speaks_early_on_a_grid_and_then_on_time() {
    let scenario = [
        (At(1), ""),
        (Clock(4), "0..10 [1] Early 0"),
        (At(2), ""),
        (Clock(8), "0..10 [1 2] Early 1"),
        (Clock(10), "0..10 [1 2] OnTime 2"),
        (Clock(50), ""),
    ];
    check(triggered(ContinuousTrigger::every(millis(4)).processing_time()), &scenario);
}

#[test]
fn at_the_end_of_input_a_window_speaks_on_time() {
    let trigger = ContinuousTrigger::every(millis(4)).processing_time();
    check(triggered(trigger), &[(At(1), ""), (End, "0..10 [1] Early 0; 0..10 [1] OnTime 1")]);
}

#[test]
fn continuously_by_the_watermark_a_window_speaks_early_and_then_on_time_by_the_clock() {
    let scenario = [
        (At(1), ""),
        (Watermark(100), "0..10 [1] Early 0"),
        (At(2), ""),
        (Clock(10), "0..10 [1 2] OnTime 1"),
        (Watermark(200), ""),
    ];
    check(triggered(ContinuousTrigger::every(millis(100))), &scenario);
}

#[test]
fn purging_each_result_tells_of_the_records_since_the_one_before() {
    let trigger = PurgingTrigger::of(ContinuousTrigger::every(millis(5)).processing_time());
    let scenario =
        [(At(1), ""), (Clock(5), "0..10 [1] Early 0"), (At(2), ""), (Clock(10), "0..10 [2] OnTime 1"), (Clock(20), "")];
    check(triggered(trigger), &scenario);
}

#[test]
fn by_delta_a_window_speaks_at_a_record_far_from_the_one_at_which_it_last_spoke() {
    let windows = |hits| tens(hits).trigger(DeltaTrigger::over(5.0, |last: &Hit, this| (this.1 - last.1) as f64));
    let scenario = [(Valued(1, 0), ""), (Valued(2, 6), "0..10 [1 2] Early 0"), (Clock(10), ""), (Valued(3, 60), "")];
    check(windows, &scenario);
}

#[test]
fn an_early_trigger_speaks_before_the_result_on_time() {
    let trigger = EarlyLateTrigger::on_time().early(CountTrigger::of(2)).late(CountTrigger::of(1));
    let scenario = [
        (At(1), ""),
        (At(2), "0..10 [1 2] Early 0"),
        (At(3), ""),
        (Clock(10), "0..10 [1 2 3] OnTime 1"),
        (At(4), ""),
        (Clock(20), "10..20 [4] OnTime 0"),
    ];
    check(triggered(trigger), &scenario);
}

#[test]
fn never_is_never() {
    check(triggered(NeverTrigger), &[(At(1), ""), (Clock(10), ""), (Watermark(50), ""), (End, "")]);
}

#[test]
fn sliding_windows_speak_at_each_end() {
    let windows = |hits: Hits| hits.window(Sliding::of(millis(10)).every(millis(5)).processing_time());
    let scenario = [
        (At(1), ""),
        (Clock(5), "-5..5 [1] OnTime 0"),
        (At(2), ""),
        (Clock(10), "0..10 [1 2] OnTime 0"),
        (End, "5..15 [2] OnTime 0"),
    ];
    check(windows, &scenario);
}

#[test]
fn sessions_end_when_the_clock_has_seen_no_record_for_the_gap() {
    let windows = |hits: Hits| hits.window(Session::gap(millis(10)).processing_time());
    let scenario = [
        (At(1), ""),
        (Clock(9), ""),
        (At(2), ""),
        (Clock(18), ""),
        (Clock(19), "0..19 [1 2] OnTime 0"),
        (Clock(20), ""),
        (At(3), ""),
        (End, "20..30 [3] OnTime 0"),
    ];
    check(windows, &scenario);
}

#[test]
fn sessions_with_a_gap_by_record_end_by_the_clock() {
    let windows = |hits: Hits| hits.window(Session::gap_by(|hit: &Hit| millis(hit.1.unsigned_abs())).processing_time());
    let scenario =
        [(Valued(1, 10), ""), (Clock(5), ""), (Valued(2, 2), ""), (Clock(9), ""), (Clock(10), "0..10 [1 2] OnTime 0")];
    check(windows, &scenario);
}
