//! Joins of every kind.

use super::two_streams::both;
use super::{Hit, hits, lives, script, time};
use millstream::prelude::*;
use millstream::testing::{Checked, Script};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// All pairs of an even and an odd hit of one key for which `fits` holds.
fn pairs(fits: impl Fn(i64, i64) -> bool) -> Vec<(u64, u64)> {
    let (even, odd): (Vec<_>, Vec<_>) = hits().into_iter().partition(|hit| hit.1 % 2 == 0);
    let all = even.iter().flat_map(|left| odd.iter().map(move |right| (left, right)));
    all.filter(|(l, r)| l.0 == r.0 && fits(l.2, r.2)).map(|(l, r)| (l.1, r.1)).collect()
}

fn on_key(job: &Job) -> millstream::api::JoinOn<u8, Hit, Hit> {
    let (left, right) = both(job);
    left.checked().join(&right.checked()).on(|hit| hit.0, |hit| hit.0)
}

#[test]
fn by_window() {
    let windows = |job: &Job| on_key(job).window(Tumbling::of(millis(40)));
    let inner = pairs(|l, r| l / 40 == r / 40);
    lives(|job| windows(job).inner(|l, r| (l.1, r.1)).map(|window| window.value), inner.clone());

    let (lefts, rights): (BTreeSet<_>, BTreeSet<_>) = inner.iter().copied().unzip();
    let alone = |odd: u64, with: BTreeSet<u64>| (odd..super::COUNT).step_by(2).filter(move |n| !with.contains(n));
    let left = alone(0, lefts).map(|n| (Some(n), None));
    let right = alone(1, rights).map(|n| (None, Some(n)));
    assert!(left.clone().count() > 5 && right.clone().count() > 5, "some are alone");
    let both = inner.into_iter().map(|(l, r)| (Some(l), Some(r)));

    let number = |hit: Option<&Hit>| hit.map(|hit| hit.1);
    let build = |job: &Job| windows(job).left(move |l, r| (Some(l.1), number(r))).map(|window| window.value);
    lives(build, both.clone().chain(left.clone()));
    let build = |job: &Job| windows(job).right(move |l, r| (number(l), Some(r.1))).map(|window| window.value);
    lives(build, both.clone().chain(right.clone()));
    let build = |job: &Job| windows(job).full(move |l, r| (number(l), number(r))).map(|window| window.value);
    lives(build, both.chain(left).chain(right));
}

#[test]
fn by_interval() {
    let interval = |job: &Job| on_key(job).interval(Offset::before(millis(39)), millis(117));
    let (all, inside) = (pairs(|l, r| (l - 39..=l + 117).contains(&r)), pairs(|l, r| (l - 38..l + 117).contains(&r)));
    assert!(all.len() > inside.len() + 5, "some partners are at the bounds");
    lives(|job| interval(job).inner(|l, r| (l.1, r.1)), all);
    lives(|job| interval(job).exclusive_lower().exclusive_upper().inner(|l, r| (l.1, r.1)), inside);
}

/// The hits, every ninth of them 48 places further back.
fn with_late() -> Script<Hit> {
    let mut hits = hits();
    hits.sort_by_key(|hit| if hit.1 % 9 == 0 { hit.1 + 48 } else { hit.1 });
    hits.into_iter().fold(Script::new(), |script, hit| {
        let script = script.record(hit, time(&hit));
        if hit.1 % 9 == 0 { script } else { script.watermark(Timestamp::from_millis(hit.2 - 40)) }
    })
}

/// Each hit has one partner, on the other side, that is not late. So it is told of once: in a pair, or as late.
#[test]
fn by_interval_with_late_records() {
    let late_hits = Arc::new(AtomicUsize::new(0));
    let count = |late: &Stream<millstream::operator::window::Late<Hit>>| {
        let late_hits = late_hits.clone();
        late.map(|late| late.record.1).inspect(move |_| {
            late_hits.fetch_add(1, Relaxed);
        })
    };
    let build = |job: &Job| {
        let (late, on_time) = (with_late().attach(job), script(&hits()).attach(job).checked());
        let join = late.checked_with_late().join(&on_time).on(|hit| hit.1, |hit| hit.1).interval(millis(0), millis(0));
        let late = count(&join.late_left());
        join.inner(|l, _| l.1).union(&late)
    };
    lives(build, 0..super::COUNT);
    assert!(late_hits.swap(0, Relaxed) > 0, "some came late to the left");
    let build = |job: &Job| {
        let (late, on_time) = (with_late().attach(job), script(&hits()).attach(job).checked());
        let join = on_time.join(&late.checked_with_late()).on(|hit| hit.1, |hit| hit.1).interval(millis(0), millis(0));
        let late = count(&join.late_right());
        join.inner(|_, r| r.1).union(&late)
    };
    lives(build, 0..super::COUNT);
    assert!(late_hits.load(Relaxed) > 0, "some came late to the right");
}

#[test]
fn without_bounds() {
    let all = pairs(|_, _| true);
    lives(|job| on_key(job).unbounded().inner(|l, r| (l.1, r.1)), all.clone());
    lives(|job| on_key(job).unbounded().ttl(hours(24)).inner(|l, r| (l.1, r.1)), all.clone());
    lives(|job| on_key(job).unbounded().event_time_ttl(hours(24)).inner(|l, r| (l.1, r.1)), all);
}
