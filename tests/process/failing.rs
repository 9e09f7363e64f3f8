//! Panics and errors in a process function: made good, or told with the operator.

use crate::at;
use crate::fuse::Fuse;
use millstream::fault::{Fault, Faulty};
use millstream::prelude::*;
use millstream::testing::Simulation;
use std::collections::BTreeMap;

/// Where the fuse is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Process,
    OnTimer,
    Nowhere,
}

/// Tells, for each ten seconds in which a key had records, how many.
struct PerTen {
    place: Place,
    fuse: Fuse,
}

impl KeyedProcess for PerTen {
    type Key = u64;
    type Input = u64;
    type Output = (u64, i64, u64);
    type State = MapState<u64, i64, u64>;

    fn open(&self, states: &mut States<'_, u64>) -> Result<Self::State, Failure> {
        states.map("counts")
    }

    fn process(&self, counts: &Self::State, _: u64, ctx: &mut Context<'_, u64, Self::Output>) -> Result<(), Failure> {
        let end = ctx.time().floor_to(seconds(10)) + seconds(10);
        counts.update(ctx.keyed(), end.millis(), || 0, |count| *count += 1)?;
        if self.place == Place::Process {
            self.fuse.call();
        }
        ctx.set_event_timer(end)
    }

    fn on_timer(
        &self,
        counts: &Self::State,
        timer: Timer,
        ctx: &mut Context<'_, u64, Self::Output>,
    ) -> Result<(), Failure> {
        let count = counts.remove(ctx.keyed(), &timer.time.millis())?.ok_or("a timer without records")?;
        ctx.emit((*ctx.key(), timer.time.millis(), count));
        // The record has gone on, and is to come back.
        if self.place == Place::OnTimer {
            self.fuse.call();
        }
        Ok(())
    }
}

const COUNT: u64 = 300;

fn expected() -> Vec<(u64, i64, u64)> {
    let mut counts: BTreeMap<(u64, i64), u64> = BTreeMap::new();
    (0..COUNT).for_each(|n| *counts.entry((n % 5, (n as i64 / 10 + 1) * 10_000)).or_default() += 1);
    counts.into_iter().map(|((key, end), count)| (key, end, count)).collect()
}

/// In virtual time, in the order that the seed chooses; without one as actors.
fn run(place: Place, fuse: &Fuse, seed: Option<u64>) -> (Vec<(u64, i64, u64)>, JobStatus) {
    let (job, sink) = (Job::new("per-ten"), CollectSink::new());
    let rows = sink.handle();
    let numbers = job.source(MemorySource::new(0..COUNT).splits(2));
    let numbers = numbers.event_time(|n| at(*n as i64), Watermarks::monotonic());
    numbers.key_by(|n| n % 5).process(PerTen { place, fuse: fuse.clone() }).uid("per-ten").sink(sink);
    let config = Config::default().parallelism(2).batch_size(4).restart(Restart::fixed_delay(millis(1), 10));
    let status = match seed {
        Some(seed) => Simulation::start(&job, config, seed).unwrap().checkpoints_one_in(30).run().unwrap(),
        None => job.run(config.checkpoint_interval(millis(2))).unwrap(),
    };
    let mut rows = rows.rows();
    rows.sort_unstable();
    (rows, status)
}

#[test]
fn a_panic_in_the_middle_of_processing_or_firing_changes_no_result() {
    assert_eq!(run(Place::Nowhere, &Fuse::default(), None).0, expected());
    for place in [Place::Process, Place::OnTimer] {
        for seed in [None, Some(0), Some(1), Some(2)] {
            let dry = Fuse::default();
            let dry_run = run(place, &dry, seed).1;
            assert_eq!((dry_run.restarts, dry_run.local_restarts), (0, 0));
            // On threads it is chance which subtask makes which call, so there it is one panic.
            let third = dry.calls() / 3;
            let calls = if seed.is_some() { vec![third, third * 2, third * 3] } else { vec![third * 2] };
            let fuse = Fuse::at(calls.clone());
            let (rows, status) = run(place, &fuse, seed);
            assert_eq!(rows, expected(), "{place:?}, seed {seed:?}");
            assert_eq!((status.restarts, status.local_restarts), (0, calls.len() as u64), "{place:?}, seed {seed:?}");
            assert!(!status.restarted.is_empty(), "{place:?}, seed {seed:?}");
            for restart in status.restarted {
                assert!(restart.operator == "per-ten" && restart.cause.contains("the fuse blew"), "{restart:?}");
            }
        }
    }
}

/// Gives up at one number, behind a record that it has sent on.
struct Picky;

impl KeyedProcess for Picky {
    type Key = u64;
    type Input = u64;
    type Output = u64;
    type State = ();

    fn open(&self, _: &mut States<'_, u64>) -> Result<(), Failure> {
        Ok(())
    }

    fn process(&self, (): &(), n: u64, ctx: &mut Context<'_, u64, u64>) -> Result<(), Failure> {
        ctx.emit(n);
        if n == 7 { Err(format!("{n} is no price").into()) } else { Ok(()) }
    }
}

#[test]
fn an_error_of_the_function_stops_the_job_and_names_the_operator_though_others_have_run_since() {
    let job = Job::new("picky");
    let numbers = job.source(MemorySource::new(0..30_u64)).key_by(|n| *n);
    numbers.process(Picky).uid("prices").map(|n| n + 1).uid("behind").sink(DiscardSink);
    let error = job.run(Config::default().restart(Restart::fixed_delay(millis(1), 10))).unwrap_err();
    assert_eq!(error.fault(), Fault::User);
    let told = error.to_string();
    assert!(told.contains("operator `prices`") && told.contains("7 is no price"), "{told}");
}
