//! Windows that cannot work are refused before anything runs, by name.

use crate::support::{Cut, Hit, Hits};
use millstream::operator::window::trigger::{ContinuousTrigger, CountTrigger, DeltaTrigger};
use millstream::prelude::*;

/// What `explain` says of a job with these windows.
fn refusal(windows: impl Fn(Hits) -> Cut) -> String {
    let job = Job::new("refused");
    let hits = job.source(MemorySource::new(Vec::<Hit>::new())).key_by(|_| 7);
    windows(hits).count().uid("windows").sink(DiscardSink);
    job.explain(&Config::default()).expect_err("it should be refused").to_string()
}

#[test]
fn windows_that_could_hold_nothing_are_refused() {
    assert!(refusal(|hits| hits.window(Sliding::of(millis(0)))).contains("`windows`"));
    assert!(refusal(|hits| hits.window(Tumbling::of(millis(5)).offset(millis(5)))).contains("less than their size"));
    assert!(refusal(|hits| hits.window(CountWindows::of(0))).contains("at least 1 record"));
}

#[test]
fn a_global_window_without_a_trigger_is_refused() {
    assert!(refusal(|hits| hits.window(Global)).contains("never fires"));
}

#[test]
fn triggers_that_could_never_or_always_fire_are_refused() {
    let tens = |hits: Hits| hits.window(Tumbling::of(millis(10)));
    assert!(refusal(|hits| tens(hits).trigger(CountTrigger::of(0))).contains("the count of a trigger is 0"));
    let every = ContinuousTrigger::every(millis(0));
    assert!(refusal(|hits| tens(hits).trigger(every)).contains("the interval of a trigger is 0ns"));
    let delta = || DeltaTrigger::over(f64::NAN, |_: &Hit, _| 0.0);
    assert!(refusal(|hits| tens(hits).trigger(delta())).contains("is no number"));
}

#[test]
fn a_trigger_that_cannot_merge_is_refused_for_sessions() {
    let delta = || DeltaTrigger::over(1.0, |_: &Hit, _| 0.0);
    assert!(refusal(|hits| hits.window(Session::gap(millis(5))).trigger(delta())).contains("cannot merge"));
}

#[test]
fn lateness_is_refused_where_nothing_is_late() {
    let by_clock = |hits: Hits| hits.window(Tumbling::of(millis(5)).processing_time()).allowed_lateness(millis(1));
    assert!(refusal(by_clock).contains("no record is late for them"));
    assert!(refusal(|hits| hits.window(CountWindows::of(5)).allowed_lateness(millis(1))).contains("lateness"));
}

#[test]
fn count_windows_take_no_trigger() {
    let counted = |hits: Hits| hits.window(CountWindows::of(5)).trigger(CountTrigger::of(1));
    assert!(refusal(counted).contains("take a global window with that trigger"));
}
