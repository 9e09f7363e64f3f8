//! How far event time has come: marks in the records, and splits that are kept together.

use crate::support::collected;
use millstream::connector::{Error, Position, Read, Split, SplitReader};
use millstream::prelude::*;
use millstream::testing::{Harness, Simulation};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A record of a punctuated stream: its time in seconds, and whether it is a mark.
type Marked = (i64, bool);

fn second(record: &Marked) -> Timestamp {
    Timestamp::from_seconds(record.0)
}

/// Windows of 10 s over a stream whose marks move event time 10 s beyond their own; (start, count) of each.
fn windows(stream: &Stream<Marked>) -> Stream<(i64, u64)> {
    let marks = Watermarks::punctuated(|record: &Marked, at| record.1.then_some(at + seconds(10)));
    let windows = stream.event_time(second, marks).key_by(|_| 0_u8).window(Tumbling::of(seconds(10)));
    windows.count().uid("windows").map(|window| (window.start.millis() / 1000, window.value))
}

/// What windows fire for these records, dealt round to `splits` splits and read as one block each; and how many are late.
fn fired(
    records: &[Marked],
    splits: usize,
    build: impl Fn(Stream<Marked>) -> Stream<Marked>,
) -> (Vec<(i64, u64)>, u64) {
    let job = Job::new("punctuated");
    let rows = collected(&windows(&build(job.source(MemorySource::new(records.to_vec()).splits(splits)))));
    let status = Simulation::start(&job, Config::default(), 1).unwrap().run().unwrap();
    (rows.rows(), status.operator("windows").unwrap().late)
}

#[test]
fn a_mark_counts_right_behind_its_record_and_not_before() {
    // Event time comes to 14 s, so the mark itself would be late if its word came before it.
    let marked = [(3, false), (4, true), (5, false), (13, false)];
    assert_eq!(fired(&marked, 1, |stream| stream), (vec![(0, 2), (10, 1)], 1));
    let unmarked = marked.map(|record| (record.0, false));
    assert_eq!(fired(&unmarked, 1, |stream| stream), (vec![(0, 3), (10, 1)], 0));
}

#[test]
fn a_mark_behind_an_earlier_one_changes_nothing() {
    let marks = [(15, true), (5, true), (18, false), (26, false)];
    assert_eq!(fired(&marks, 1, |stream| stream), (vec![(10, 1), (20, 1)], 2));
}

#[test]
fn a_mark_speaks_for_its_own_split_only() {
    // Split 0 has 1, 2 and 3; split 1 has 91, a mark, 92 and 93.
    let records = [(1, false), (91, true), (2, false), (92, false), (3, false), (93, false)];
    assert_eq!(fired(&records, 2, |stream| stream), (vec![(0, 3), (90, 3)], 0));
    assert_eq!(fired(&records, 1, |stream| stream).1, 4);
}

#[test]
fn marks_work_behind_an_exchange() {
    let marked = [(3, false), (4, true), (5, false), (13, false)];
    assert_eq!(fired(&marked, 1, |stream| stream.rebalance()), (vec![(0, 2), (10, 1)], 1));
}

#[test]
fn a_mark_survives_a_crash() {
    let mut harness = Harness::new(|stream| windows(&stream));
    harness.push((2, true), Timestamp::MIN);
    harness.crash_and_restore();
    harness.push((4, false), Timestamp::MIN);
    harness.push((21, true), Timestamp::MIN);
    assert_eq!((harness.drain(), harness.status().operator("windows").unwrap().late), (vec![(0, 1), (20, 1)], 1));
}

/// How many records each split of [`TwoSpeeds`] brings, and how far apart they are.
const RECORDS: i64 = 30;
const STEP_MINUTES: i64 = 10;

/// Two splits with the same times: the first one waits before each record, the second one never.
#[derive(Clone, Copy)]
struct TwoSpeeds {
    wait: Duration,
}

impl Source for TwoSpeeds {
    /// The number of the split, and the time in minutes.
    type Record = (usize, i64);
    type Block = (usize, i64);

    fn describe(&self) -> String {
        "two speeds".to_owned()
    }

    fn splits(&self) -> Result<Vec<Split>, Error> {
        Ok(vec![Split::new("0"), Split::new("1")])
    }

    fn open(
        &self,
        split: &Split,
        position: Option<&Position>,
    ) -> Result<Box<dyn SplitReader<Block = Self::Block>>, Error> {
        let next = position.map_or(Ok(0), Position::read)?;
        let split = usize::from(split.id() == "1");
        Ok(Box::new(Speed { split, next, wait: (split == 0).then_some(self.wait), waited: false }))
    }

    fn decode(&self, block: (usize, i64), emit: &mut dyn FnMut((usize, i64), Timestamp)) {
        emit(block, Timestamp::MIN);
    }
}

struct Speed {
    split: usize,
    next: i64,
    wait: Option<Duration>,
    waited: bool,
}

impl SplitReader for Speed {
    type Block = (usize, i64);

    fn read(&mut self) -> Result<Read<(usize, i64)>, Error> {
        if self.next == RECORDS {
            return Ok(Read::End);
        }
        if let (Some(wait), false) = (self.wait, self.waited) {
            self.waited = true;
            return Ok(Read::Wait(wait));
        }
        self.waited = false;
        self.next += 1;
        Ok(Read::Block((self.split, (self.next - 1) * STEP_MINUTES), Position::new(self.next)))
    }
}

/// The records in the order in which they pass the event time of a job over two speeds, when it has run for `virtual_time`.
fn passed(
    watermarks: &Watermarks,
    wait: Duration,
    parallelism: usize,
    seed: u64,
    virtual_time: Duration,
) -> Vec<(usize, i64)> {
    let job = Job::new("two-speeds");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let witness = seen.clone();
    job.source(TwoSpeeds { wait })
        .event_time(|record| Timestamp::from_seconds(record.1 * 60), watermarks.clone())
        .inspect(move |record| witness.lock().unwrap().push(*record))
        .sink(DiscardSink);
    let mut simulation = Simulation::start(&job, Config::default().parallelism(parallelism), seed).unwrap();
    simulation.run_for(virtual_time).unwrap();
    let seen = seen.lock().unwrap();
    seen.clone()
}

/// By how many minutes the fast split was ahead of the slow one at most.
fn greatest_lead(passed: &[(usize, i64)]) -> i64 {
    let mut latest = [0, 0];
    let leads = passed.iter().map(|&(split, minute)| {
        latest[split] = minute;
        latest[1] - latest[0]
    });
    leads.max().unwrap_or(0)
}

#[test]
fn a_fast_split_does_not_run_further_ahead_than_the_bound_and_one_block() {
    for (parallelism, seed) in (1..=2).flat_map(|parallelism| (0..8).map(move |seed| (parallelism, seed))) {
        let aligned = Watermarks::monotonic().aligned(hours(1));
        let together = passed(&aligned, seconds(1), parallelism, seed, hours(1));
        assert_eq!(together.len() as i64, 2 * RECORDS, "parallelism {parallelism}, seed {seed}");
        let lead = greatest_lead(&together);
        assert!((50..=60 + STEP_MINUTES).contains(&lead), "{lead} min at parallelism {parallelism}, seed {seed}");
        let apart = passed(&Watermarks::monotonic(), seconds(1), parallelism, seed, hours(1));
        assert!(greatest_lead(&apart) > 200, "parallelism {parallelism}, seed {seed}");
    }
}

#[test]
fn a_silent_split_holds_the_others_back_only_until_it_is_idle() {
    let aligned = Watermarks::monotonic().aligned(hours(1)).idle_after(seconds(5));
    for parallelism in [1, 2] {
        assert_eq!(passed(&aligned, hours(9), parallelism, 1, seconds(4)), [(1, 0)], "parallelism {parallelism}");
        let all = passed(&aligned, hours(9), parallelism, 1, seconds(10));
        assert_eq!(all.len() as i64, RECORDS, "parallelism {parallelism}");
    }
}
