//! Two keyed streams in one function.

use crate::at;
use millstream::connector::Collected;
use millstream::prelude::*;
use millstream::testing::{Harness, three_lives};

/// What has come of a key on each side.
struct Sides {
    left: ListState<u64, u64>,
    right: ListState<u64, String>,
}

/// Gathers both sides, and tells them when their minute is over.
struct Gather;

type Row = (u64, i64, Vec<u64>, Vec<String>);

impl Gather {
    fn minute(ctx: &Context<'_, u64, Row>) -> Result<(), Failure> {
        ctx.set_event_timer(ctx.time().floor_to(minutes(1)) + minutes(1))
    }
}

impl CoProcess for Gather {
    type Key = u64;
    type Left = u64;
    type Right = String;
    type Output = Row;
    type State = Sides;

    fn open(&self, states: &mut States<'_, u64>) -> Result<Sides, Failure> {
        Ok(Sides { left: states.list("left")?, right: states.list("right")? })
    }

    fn process_left(&self, sides: &Sides, n: u64, ctx: &mut Context<'_, u64, Row>) -> Result<(), Failure> {
        sides.left.push(ctx.keyed(), n)?;
        Self::minute(ctx)
    }

    fn process_right(&self, sides: &Sides, text: String, ctx: &mut Context<'_, u64, Row>) -> Result<(), Failure> {
        sides.right.push(ctx.keyed(), text)?;
        Self::minute(ctx)
    }

    fn on_timer(&self, sides: &Sides, timer: Timer, ctx: &mut Context<'_, u64, Row>) -> Result<(), Failure> {
        let (mut left, mut right) = (sides.left.take(ctx.keyed())?, sides.right.take(ctx.keyed())?);
        left.sort_unstable();
        right.sort_unstable();
        ctx.emit((*ctx.key(), timer.time.millis() / 60_000, left, right));
        Ok(())
    }
}

/// Even numbers to the left; odd ones, as text, to the right.
fn gather(numbers: &Stream<u64>) -> Stream<Row> {
    let (even, odd) = numbers.split(|n| n % 2 == 0);
    let odd = odd.map(|n| n.to_string()).key_by(|text| text.len() as u64);
    even.key_by(|n| n.to_string().len() as u64).connect(&odd).process(Gather).uid("gather")
}

#[test]
fn both_sides_share_state_and_timers_of_a_key() {
    let mut harness = Harness::new(|numbers: Stream<u64>| gather(&numbers));
    for n in [4, 5, 12, 2, 7] {
        harness.push(n, at(n as i64)).crash_and_restore();
    }
    harness.watermark(at(60));
    let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(harness.drain(), [(1, 1, vec![2, 4], texts(&["5", "7"])), (2, 1, vec![12], Vec::new())]);
    let status = harness.status();
    let counts = status.operator("gather").unwrap();
    assert_eq!((counts.records_in, counts.records_out), (5, 2));
}

#[test]
fn two_streams_give_one_answer_in_three_lives() {
    let build = || {
        let (job, sink) = (Job::new("gathered"), CollectSink::new());
        let rows: Collected<Row> = sink.handle();
        // A record may be gathered before an earlier minute is told, so all belong to one.
        let minute =
            |stream: Stream<u64>| stream.event_time(|n| Timestamp::from_millis(*n as i64), Watermarks::monotonic());
        let left = minute(job.source(MemorySource::new(0..120_u64).splits(2)));
        let right = minute(job.source(MemorySource::new((0..120_u64).step_by(3)))).map(|n| n.to_string());
        let right = right.key_by(|text| text.len() as u64 % 3);
        left.key_by(|n| n % 3).connect(&right).process(Gather).sink(sink);
        (job, rows)
    };
    let row = |key: u64| {
        let left: Vec<u64> = (0..120).filter(|n| n % 3 == key).collect();
        let texts = (0..120_u64).step_by(3).map(|n| n.to_string());
        let mut right: Vec<String> = texts.filter(|text| text.len() as u64 % 3 == key).collect();
        right.sort_unstable();
        (key, 1, left, right)
    };
    for seed in 0..4 {
        assert_eq!(three_lives(seed, build).unwrap(), [row(0), row(1), row(2)]);
    }
}

#[test]
fn event_time_is_that_of_the_slower_side() {
    let mut harness = Harness::new(|numbers: Stream<u64>| {
        let (fast, slow) = numbers.split(|n| n % 2 == 0);
        let slow = slow.event_time(|n| at(*n as i64), Watermarks::monotonic());
        let slow = slow.map(|n| n.to_string()).key_by(|text| text.len() as u64);
        fast.key_by(|n| n.to_string().len() as u64).connect(&slow).process(Gather)
    });
    harness.push(2, at(2)).push(31, at(0)).watermark(at(500));
    assert!(harness.drain().is_empty(), "the slow side is at second 30");
    harness.push(101, at(0));
    assert_eq!(harness.drain(), [(1, 1, vec![2], Vec::new()), (2, 1, Vec::new(), vec!["31".to_owned()])]);
}

#[test]
fn streams_of_two_jobs_are_refused() {
    let (job, other) = (Job::new("one"), Job::new("other"));
    let numbers = job.source(MemorySource::new(0..3_u64)).uid("numbers");
    let texts = other.source(MemorySource::new(["a".to_owned()]));
    let connected = numbers.key_by(|n| *n).uid("keys").connect(&texts.key_by(|text| text.len() as u64));
    connected.process(Gather).sink(DiscardSink);
    let told = job.start(Config::default()).err().unwrap().to_string();
    assert!(told.contains("operator `keys` joins streams of two jobs"), "{told}");
}
