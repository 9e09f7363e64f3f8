//! Operators that bring streams together, or spread them.

use super::{COUNT, hits, lives, script, stream};
use millstream::prelude::*;

/// A third of the hits, as a source of its own.
fn part(job: &Job, number: u64) -> Stream<super::Hit> {
    let some: Vec<_> = hits().into_iter().filter(|hit| hit.1 % 3 == number).collect();
    script(&some).attach(job)
}

#[test]
fn unions() {
    lives(|job| part(job, 0).union(&part(job, 1)).union(&part(job, 2)), hits());
    lives(|job| part(job, 0).union_all([&part(job, 1), &part(job, 2)]).map(|hit| hit.1), 0..COUNT);
}

#[test]
fn rebalance() {
    lives(|job| stream(job).rebalance().map(|hit| hit.1), 0..COUNT);
}

#[test]
fn broadcast() {
    let build = |job: &Job| stream(job).map(|hit| hit.1).broadcast().map(|n| n).parallelism(2);
    lives(build, (0..COUNT).flat_map(|n| [n, n]));
}

#[test]
fn partition_custom() {
    let build = |job: &Job| stream(job).partition_custom(|hit, subtasks| hit.1 as usize % subtasks).map(|hit| hit.1);
    lives(build, 0..COUNT);
}

#[test]
fn throttle() {
    lives(|job| stream(job).throttle(1_000).map(|hit| hit.1), 0..COUNT);
}
