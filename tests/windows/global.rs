//! The global window: each trigger.

use crate::support::{At, Clock, Cut, End, Hit, Hits, Valued, Watermark, check};
use millstream::operator::window::trigger::{
    ContinuousTrigger, CountTrigger, DeltaTrigger, EarlyLateTrigger, EventTimeTrigger, NeverTrigger,
    ProcessingTimeTrigger, PurgingTrigger, Trigger,
};
use millstream::prelude::*;

fn triggered(trigger: impl Trigger<Hit> + Clone) -> impl Fn(Hits) -> Cut {
    move |hits| hits.window(Global).trigger(trigger.clone())
}

#[test]
fn by_event_time_it_speaks_at_the_end_of_input() {
    let scenario = [(At(1), ""), (Watermark(9), ""), (At(2), ""), (End, "all [1 2] OnTime 0")];
    check(triggered(EventTimeTrigger), &scenario);
}

#[test]
fn by_processing_time_it_speaks_at_the_end_of_input() {
    let scenario = [(At(1), ""), (Clock(1_000_000), ""), (At(2), ""), (End, "all [1 2] OnTime 0")];
    check(triggered(ProcessingTimeTrigger), &scenario);
}

#[test]
fn by_count_it_speaks_after_every_so_many_records_and_not_of_the_rest() {
    let scenario = [
        (At(1), ""),
        (At(2), "all [1 2] Early 0"),
        (Watermark(50), ""),
        (At(3), ""),
        (At(4), "all [1 2 3 4] Early 1"),
        (At(5), ""),
        (End, ""),
    ];
    check(triggered(CountTrigger::of(2)), &scenario);
}

#[test]
fn continuously_it_speaks_on_a_grid_as_long_as_time_goes_on_and_at_the_end_of_input() {
    let scenario = [
        (At(1), ""),
        (Watermark(10), "all [1] Early 0"),
        (Watermark(19), ""),
        (Watermark(55), "all [1] Early 1"),
        (At(2), ""),
        (End, "all [1 2] OnTime 2"),
    ];
    check(triggered(ContinuousTrigger::every(millis(10))), &scenario);
}

#[test]
fn continuously_by_the_clock_it_speaks_on_a_grid_and_at_the_end_of_input() {
    let scenario =
        [(At(1), ""), (Clock(10), "all [1] Early 0"), (Clock(20), "all [1] Early 1"), (End, "all [1] OnTime 2")];
    check(triggered(ContinuousTrigger::every(millis(10)).processing_time()), &scenario);
}

#[test]
fn purging_counts_cut_the_stream_into_rows() {
    let scenario = [
        (At(9), ""),
        (At(1), "all [9 1] Early 0"),
        (Watermark(50), ""),
        (At(5), ""),
        (At(3), "all [5 3] Early 1"),
        (End, ""),
    ];
    check(triggered(PurgingTrigger::of(CountTrigger::of(2))), &scenario);
}

#[test]
fn by_delta_it_speaks_at_a_record_far_from_the_one_at_which_it_last_spoke() {
    let windows =
        |hits: Hits| hits.window(Global).trigger(DeltaTrigger::over(5.0, |last: &Hit, this| (this.1 - last.1) as f64));
    check(windows, &[(Valued(1, 0), ""), (Valued(2, 6), "all [1 2] Early 0"), (Valued(3, 9), ""), (End, "")]);
}

#[test]
fn an_early_trigger_speaks_before_the_end_of_input() {
    let trigger = EarlyLateTrigger::on_time().early(CountTrigger::of(2));
    check(triggered(trigger), &[(At(1), ""), (At(2), "all [1 2] Early 0"), (At(3), ""), (End, "all [1 2 3] OnTime 1")]);
}

#[test]
fn never_is_never() {
    check(triggered(NeverTrigger), &[(At(1), ""), (Watermark(9), ""), (End, "")]);
}
