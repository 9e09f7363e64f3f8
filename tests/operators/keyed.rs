//! Operators that keep state per key.

use super::{Hit, hits, lives, stream};
use millstream::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What `step` makes of a state per key and each hit, in order.
fn by_key<S: Default, R>(step: impl Fn(&mut S, Hit) -> R) -> Vec<R> {
    let mut states: BTreeMap<u8, S> = BTreeMap::new();
    hits().into_iter().map(|hit| step(states.entry(hit.0).or_default(), hit)).collect()
}

#[test]
fn counts() {
    let expected = by_key(|count: &mut u64, hit| {
        *count += 1;
        (hit.0, *count)
    });
    lives(|job| stream(job).key_by(|hit| hit.0).count(), expected);
    let expected = by_key(|seen: &mut BTreeSet<u64>, hit| {
        seen.insert(hit.1 % 9);
        (hit.0, seen.len() as u64)
    });
    lives(|job| stream(job).key_by(|hit| hit.0).count_distinct(|hit| hit.1 % 9), expected);
}

#[test]
fn reduce_and_aggregate() {
    let expected = by_key(|latest: &mut (u64, i64), hit| {
        *latest = (latest.0 + hit.1, latest.1.max(hit.2));
        (hit.0, latest.0, latest.1)
    });
    let build = |job: &Job| stream(job).key_by(|hit| hit.0).reduce(|a, b| (a.0, a.1 + b.1, a.2.max(b.2)));
    lives(build, expected);
    let expected = by_key(|sum: &mut u64, hit| {
        *sum += hit.1;
        (hit.0, *sum)
    });
    lives(|job| stream(job).key_by(|hit| hit.0).aggregate(Sum::of(|hit: &Hit| hit.1)), expected);
}

#[test]
fn zip_with_index_and_map_with_state() {
    let expected = by_key(|index: &mut u64, hit| {
        *index += 1;
        (*index - 1, hit)
    });
    lives(|job| stream(job).key_by(|hit| hit.0).zip_with_index(), expected.clone());
    let build = |job: &Job| {
        stream(job).key_by(|hit| hit.0).map_with_state(
            || 0_u64,
            |index, _key, hit| {
                *index += 1;
                (*index - 1, hit)
            },
        )
    };
    lives(build, expected);
}

#[test]
fn flat_map_with_state() {
    // How many of each three hits of a key, and what they add up to.
    let step = |sum: &mut (u64, u64), hit: Hit| {
        *sum = (sum.0 + 1, sum.1 + hit.1);
        (sum.0 == 3).then(|| (hit.0, std::mem::take(sum).1))
    };
    let build = |job: &Job| {
        stream(job)
            .key_by(|hit| hit.0)
            .flat_map_with_state(|| (0, 0), move |sum: &mut (u64, u64), _, hit| step(sum, hit))
    };
    lives(build, by_key(step).into_iter().flatten());
}

#[test]
fn dedup_by_processing_time() {
    let build = |job: &Job| stream(job).key_by(|hit| hit.1 % 50).dedup_by_processing_time(hours(24)).map(|hit| hit.1);
    lives(build, 0..50);
}

#[test]
fn dedup() {
    // Every value comes again, far from the first time.
    let build = |job: &Job| stream(job).key_by(|hit| hit.1 % 50).dedup(millis(500)).map(|hit| hit.1 % 50);
    lives(build, (0..super::COUNT).map(|n| n % 50));
    let build = |job: &Job| stream(job).key_by(|hit| hit.1 % 50).dedup(hours(1)).map(|hit| hit.1);
    lives(build, 0..50);
}

/// Key, time and number of every seventh hit of a key.
const SEVENTH: Tag<(u8, i64, u64)> = Tag::new("every seventh");

/// Tells of a key when nothing has come for it in half a second: the time, and how many it had brought by then. Every seventh
/// hit of a key goes to the side, with how many there were.
struct Silence;

impl KeyedProcess for Silence {
    type Key = u8;
    type Input = Hit;
    type Output = (u8, i64, u64);
    type State = ValueState<u8, (i64, u64)>;

    fn open(&self, states: &mut States<'_, u8>) -> Result<Self::State, Failure> {
        states.value("latest")
    }

    fn process(&self, latest: &Self::State, hit: Hit, ctx: &mut Context<'_, u8, Self::Output>) -> Result<(), Failure> {
        latest.update(ctx.keyed(), || (i64::MIN, 0), |latest| *latest = (latest.0.max(hit.2), latest.1 + 1))?;
        if let Some((_, count)) = latest.get(ctx.keyed())?.filter(|(_, count)| count % 7 == 0) {
            ctx.side(&SEVENTH, (hit.0, hit.2, count));
        }
        ctx.set_event_timer(Timestamp::from_millis(hit.2 + 500))
    }

    fn on_timer(
        &self,
        latest: &Self::State,
        timer: Timer,
        ctx: &mut Context<'_, u8, Self::Output>,
    ) -> Result<(), Failure> {
        if let Some((time, count)) = latest.get(ctx.keyed())?.filter(|(time, _)| time + 500 == timer.time.millis()) {
            ctx.emit((*ctx.key(), time, count));
        }
        Ok(())
    }
}

#[test]
fn process() {
    let mut expected = Vec::new();
    for key in 0..3 {
        for end in [50, 100, 150] {
            let before = hits().into_iter().filter(|hit| hit.0 == key && hit.1 < end);
            let latest = before.clone().map(|hit| hit.2).max().unwrap();
            expected.push((key, latest, before.count() as u64));
        }
    }
    let numbered = by_key(|count: &mut u64, hit| {
        *count += 1;
        (hit.0, hit.2, *count)
    });
    expected.extend(numbered.into_iter().filter(|row| row.2 % 7 == 0));
    let build = |job: &Job| {
        let silences = stream(job).key_by(|hit| hit.0).process(Silence);
        silences.union(&silences.side(&SEVENTH))
    };
    lives(build, expected);
}
