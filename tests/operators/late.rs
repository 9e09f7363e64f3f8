//! Windows with records that come late, and windows that speak early.
//!
//! One script gives records and watermarks one order, so which record is late does not depend on the order of things.

use super::{Hit, hits, lives, time};
use millstream::operator::window::trigger::{ContinuousTrigger, CountTrigger, DeltaTrigger, EarlyLateTrigger, Trigger};
use millstream::operator::window::{Timing, WindowInfo};
use millstream::prelude::*;
use millstream::testing::{Checked, Script};
use std::collections::BTreeMap;

#[derive(Clone, Copy)]
enum Step {
    Hit(Hit),
    Watermark(i64),
}

/// The hits, every seventh of them 12 places further back, and every 8 of them a watermark.
fn steps() -> Vec<Step> {
    let mut hits = hits();
    hits.sort_by_key(|hit| if hit.1 % 7 == 0 { hit.1 + 12 } else { hit.1 });
    let (mut steps, mut latest) = (Vec::new(), 0);
    for (number, hit) in hits.into_iter().enumerate() {
        latest = latest.max(hit.2);
        steps.push(Step::Hit(hit));
        if number % 8 == 7 {
            steps.push(Step::Watermark(latest - 40));
        }
    }
    steps
}

fn stream(job: &Job) -> Stream<Hit> {
    let script = steps().into_iter().fold(Script::new(), |script, step| match step {
        Step::Hit(hit) => script.record(hit, time(&hit)),
        Step::Watermark(at) => script.watermark(Timestamp::from_millis(at)),
    });
    script.attach(job).checked_with_late()
}

fn windows(job: &Job) -> WindowedStream<u8, Hit> {
    stream(job).key_by(|hit| hit.0).window(Tumbling::of(millis(100)))
}

/// Key, window end, timing, how often it has spoken before, and how many records it holds.
type Row = (u8, i64, Timing, u32, u64);

fn row(window: Windowed<u8, u64>) -> Row {
    (window.key, window.end.millis(), window.pane.timing, window.pane.index, window.value)
}

/// What windows of 100 ms that stand `lateness` longer tell, and the numbers of the hits that are later still. Before its end
/// a window also speaks at every `early`-th record.
fn naive(lateness: i64, early: u64) -> (Vec<Row>, Vec<Hit>) {
    let mut windows: BTreeMap<(u8, i64), (u64, u32)> = BTreeMap::new();
    let (mut rows, mut late, mut clock) = (Vec::new(), Vec::new(), i64::MIN);
    for step in steps().into_iter().chain([Step::Watermark(i64::MAX)]) {
        match step {
            Step::Hit(hit) => {
                let end = hit.2 / 100 * 100 + 100;
                if end - 1 + lateness <= clock {
                    late.push(hit);
                    continue;
                }
                let (count, spoken) = windows.entry((hit.0, end)).or_default();
                *count += 1;
                let timing = if end - 1 <= clock { Timing::Late } else { Timing::Early };
                if timing == Timing::Late || *count % early == 0 {
                    rows.push((hit.0, end, timing, *spoken, *count));
                    *spoken += 1;
                }
            }
            Step::Watermark(at) => {
                for ((key, end), (count, spoken)) in &mut windows {
                    if clock < end - 1 && end - 1 <= at {
                        rows.push((*key, *end, Timing::OnTime, *spoken, *count));
                        *spoken += 1;
                    }
                }
                clock = at;
            }
        }
    }
    (rows, late)
}

const NEVER: u64 = u64::MAX;

#[test]
fn late_records_go_to_the_side() {
    let (mut expected, late) = naive(0, NEVER);
    assert!(late.len() > 5);
    expected.extend(late.iter().map(|hit| (hit.0, hit.2, Timing::Late, 0, hit.1)));
    let build = |job: &Job| {
        let windows = windows(job);
        let late = windows.late().map(|late| (late.record.0, late.time.millis(), Timing::Late, 0, late.record.1));
        windows.count().map(row).union(&late)
    };
    lives(build, expected);
}

#[test]
fn windows_speak_again_within_the_allowed_lateness() {
    let (mut expected, late) = naive(30, NEVER);
    let corrections = expected.iter().filter(|row| row.2 == Timing::Late).count();
    assert!(corrections > 3 && late.len() > 3, "{corrections} corrections, {} too late for one", late.len());
    expected.extend(late.iter().map(|hit| (hit.0, hit.2, Timing::Late, 0, hit.1)));
    let build = |job: &Job| {
        let windows = windows(job).allowed_lateness(millis(30));
        let late = windows.late().map(|late| (late.record.0, late.time.millis(), Timing::Late, 0, late.record.1));
        windows.count().map(row).union(&late)
    };
    lives(build, expected);
}

#[test]
fn in_two_phases_a_part_is_late_or_is_not() {
    let (rows, late) = naive(0, NEVER);
    let late = late.into_iter().map(|hit| (hit.0, hit.2 / 100 * 100 + 100, 1));
    let expected = rows.into_iter().map(|row| (row.0, row.1, row.4)).chain(late);
    let build = |job: &Job| {
        let (counts, late) = windows(job).local_global().aggregate_with_late(Count);
        // How many records are in a part depends on how they were batched.
        let each = |late: millstream::operator::window::Late<millstream::operator::Partial<u8, u64>>| {
            let end = late.time.floor_to(millis(100)).millis() + 100;
            (0..late.record.records).map(move |_| (late.record.key, end, 1))
        };
        counts.map(|window| (window.key, window.end.millis(), window.value)).union(&late.flat_map(each))
    };
    lives(build, expected);
}

fn triggered(trigger: impl Trigger<Hit> + Clone, lateness: u64) -> impl Fn(&Job) -> Stream<Row> {
    move |job| windows(job).allowed_lateness(millis(lateness)).trigger(trigger.clone()).count().map(row)
}

#[test]
fn windows_speak_early_on_time_and_late() {
    let trigger = EarlyLateTrigger::on_time().early(CountTrigger::of(2)).late(CountTrigger::of(1));
    let (expected, _) = naive(30, 2);
    for timing in [Timing::Early, Timing::OnTime, Timing::Late] {
        assert!(expected.iter().any(|row| row.2 == timing), "{timing:?}");
    }
    lives(triggered(trigger, 30), expected);
}

#[test]
fn windows_that_speak_at_an_interval_tell_the_same_at_their_end() {
    // What they tell before depends on the interval alone; each life is held to the others there.
    let all = super::rows(1, triggered(ContinuousTrigger::every(millis(20)), 0));
    let (early, on_time): (Vec<_>, Vec<_>) = all.into_iter().partition(|row| row.2 == Timing::Early);
    assert!(early.len() > 10, "{} early results", early.len());
    let told = on_time.into_iter().map(|row| (row.0, row.1, row.4)).collect::<Vec<_>>();
    let mut expected: Vec<_> = naive(0, NEVER).0.into_iter().map(|row| (row.0, row.1, row.4)).collect();
    expected.sort();
    assert_eq!(told, expected);
}

#[test]
fn global_windows_speak_at_every_leap() {
    let mut last: BTreeMap<u8, (u64, u64, u64)> = BTreeMap::new();
    let mut expected = Vec::new();
    for step in steps() {
        let Step::Hit(hit) = step else { continue };
        let (reference, count, sum) = last.entry(hit.0).or_insert((hit.1, 0, 0));
        (*count, *sum) = (*count + 1, *sum + hit.1);
        if hit.1.abs_diff(*reference) > 10 {
            *reference = hit.1;
            expected.push((hit.0, *count, *sum));
        }
    }
    let build = |job: &Job| {
        let leap = DeltaTrigger::over(10.0, |a: &Hit, b: &Hit| a.1.abs_diff(b.1) as f64);
        let windows = stream(job).key_by(|hit| hit.0).window(Global).trigger(leap);
        windows.process(|key, _: &WindowInfo, hits, emit| {
            emit((*key, hits.len() as u64, hits.iter().map(|hit| hit.1).sum::<u64>()));
        })
    };
    lives(build, expected);
}
