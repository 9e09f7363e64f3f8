//! One pipeline in three lives.

use super::{Simulation, assert_same_rows};
use crate::api::Job;
use crate::config::Config;
use crate::connector::Collected;
use crate::error::Result;
use crate::record::Data;
use std::fmt::Debug;

/// Runs a job three times in virtual time and wants the same rows each time, in whatever order: straight through; with
/// checkpoints at another parallelism, and crashes by chance; and restored at a third parallelism in its middle. Returns
/// the rows, sorted.
///
/// * `build`: makes the job anew, with what it has collected.
/// * `seed`: chooses the order of things, and where checkpoints and crashes fall.
///
/// # Errors
/// As [`Job::run`].
///
/// # Panics
/// If two lives give different rows.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::testing::three_lives;
///
/// let counts = three_lives(3, || {
///     let (job, sink) = (Job::new("counts"), CollectSink::new());
///     let rows = sink.handle();
///     job.source(MemorySource::new(0..60_u64).splits(4)).key_by(|n| n % 2).count().sink(sink);
///     (job, rows)
/// })?;
/// assert_eq!(counts.len(), 60);
/// # Ok::<(), millstream::Error>(())
/// ```
#[track_caller]
pub fn three_lives<R: Data + Ord + Debug>(seed: u64, build: impl Fn() -> (Job, Collected<R>)) -> Result<Vec<R>> {
    let small = |parallelism| Config::default().parallelism(parallelism).batch_size(4);

    let (job, rows) = build();
    Simulation::start(&job, small(1), seed)?.run()?;
    let mut expected = rows.rows();
    expected.sort();

    let (job, rows) = build();
    let mut second = Simulation::start(&job, small(2), seed.wrapping_add(1))?;
    second.checkpoints_one_in(40).crashes_one_in(120, 3).run()?;
    assert_same_rows(rows.rows(), expected.clone());

    let (job, rows) = build();
    let mut third = Simulation::start(&job, small(2), seed.wrapping_add(2))?;
    third.checkpoints_one_in(25);
    third.step(100)?;
    third.crash_into(3)?;
    third.step(100)?;
    third.crash_into(1)?;
    third.run()?;
    assert_same_rows(rows.rows(), expected.clone());

    let (job, rows) = build();
    let mut fourth = Simulation::start(&job, small(2), seed.wrapping_add(3))?;
    fourth.checkpoints_one_in(60).panics_one_in(6).crashes_one_in(200, 1).run()?;
    assert_same_rows(rows.rows(), expected.clone());
    Ok(expected)
}
