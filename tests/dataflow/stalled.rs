//! A watermark that stands still while records come is told of, with who holds it back; and so is how event time stands.

use crate::support::{Bar, eventually};
use millstream::WatermarkStall;
use millstream::connector::{Error, Position, Read, Source, Split, SplitReader};
use millstream::prelude::*;
use millstream::testing::Simulation;

/// Brings the numbers of seconds from 0 on, one each second, in split `a`; split `b` brings only as many as it is told to.
struct Clicks {
    b: u64,
}

impl Source for Clicks {
    type Record = i64;
    type Block = i64;

    fn describe(&self) -> String {
        "clicks".to_owned()
    }

    fn splits(&self) -> Result<Vec<Split>, Error> {
        Ok(vec![Split::new("a"), Split::new("b")])
    }

    fn open(&self, split: &Split, position: Option<&Position>) -> Result<Box<dyn SplitReader<Block = i64>>, Error> {
        let next = position.map_or(Ok(0), Position::read)?;
        Ok(Box::new(Clicking { next, end: if split.id() == "a" { u64::MAX } else { self.b }, waits: false }))
    }

    fn decode(&self, second: i64, emit: &mut dyn FnMut(i64, Timestamp)) {
        emit(second, Timestamp::MIN);
    }
}

struct Clicking {
    next: u64,
    end: u64,
    waits: bool,
}

impl SplitReader for Clicking {
    type Block = i64;

    fn read(&mut self) -> Result<Read<i64>, Error> {
        self.waits = !self.waits;
        if self.waits || self.next >= self.end {
            return Ok(Read::Wait(seconds(1)));
        }
        self.next += 1;
        Ok(Read::Block(self.next as i64 - 1, Position::new(self.next)))
    }

    fn blocks(&self) -> bool {
        false
    }
}

/// Counts clicks by minute.
fn counts(clicks: Clicks, watermarks: Watermarks) -> Job {
    let job = Job::new("counts");
    let clicks = job.source(clicks).uid("clicks").event_time(|second| Timestamp::from_seconds(*second), watermarks);
    clicks.key_by(|second| second % 3).window(Tumbling::of(minutes(1))).count().uid("counts").sink(DiscardSink);
    job
}

fn patient() -> Watermarks {
    Watermarks::monotonic().idle_after(minutes(600))
}

fn simulation(job: &Job, parallelism: usize) -> Simulation {
    Simulation::start(job, Config::default().parallelism(parallelism), 7).unwrap()
}

/// Who holds event time back: operator, subtask, split, last event time.
fn holders(stalls: &[WatermarkStall]) -> Vec<(&str, usize, Option<&str>, Option<Timestamp>)> {
    stalls.iter().map(|it| (it.operator.as_str(), it.subtask, it.split.as_deref(), it.last_event_time)).collect()
}

#[test]
fn a_split_that_never_speaks_is_named_when_others_have_spoken_for_long() {
    let mut simulation = simulation(&counts(Clicks { b: 0 }, patient()), 1);
    assert_eq!(simulation.run_for(seconds(45)).unwrap().watermark_stalls, []);
    let status = simulation.run_for(seconds(45)).unwrap();
    assert_eq!(holders(&status.watermark_stalls), [("clicks", 0, Some("b"), None)]);
    let stall = &status.watermark_stalls[0];
    assert_eq!((stall.watermark, stall.stalled.as_slice()), (None, &["counts".to_owned()][..]));
    assert!(stall.stood_for >= seconds(60) && stall.stood_for <= seconds(90), "{stall:?}");
    let told = "\
job `counts`
`counts` -> `counts/sink`, subtask 0: no watermark yet
  held back by `clicks` -> `clicks/event_time` -> `clicks/event_time/key_by`, subtask 0: no watermark yet
    `clicks/event_time` makes no watermark yet
      split `b`: no watermark yet, no event time seen, holds it back
      split `a`: 1970-01-01T00:01:";
    let report = simulation.explain_watermark().to_string();
    assert!(report.starts_with(told), "{report}");
}

#[test]
fn a_split_that_has_fallen_silent_is_named_with_its_last_event_time_wherever_it_is_read() {
    let mut simulation = simulation(&counts(Clicks { b: 5 }, patient()), 2);
    let status = simulation.run_for(minutes(5)).unwrap();
    let last = Some(Timestamp::from_seconds(4));
    assert_eq!(holders(&status.watermark_stalls), [("clicks", 1, Some("b"), last)]);
    assert_eq!(status.watermark_stalls[0].watermark, last.map(|last| last - millis(1)));
    let report = simulation.explain_watermark();
    let counts: Vec<_> = report.subtasks.iter().filter(|subtask| subtask.operators[0] == "counts").collect();
    assert_eq!(counts.len(), 2);
    for subtask in counts {
        let holding = subtask.inputs.iter().filter(|input| input.holds).map(|input| &report.subtasks[input.from]);
        assert_eq!(holding.map(|sender| sender.subtask).collect::<Vec<_>>(), [1], "{report}");
    }
}

#[test]
fn what_is_idle_holds_nothing_back_and_is_shown_as_such() {
    let mut simulation = simulation(&counts(Clicks { b: 0 }, Watermarks::monotonic().idle_after(seconds(50))), 1);
    let status = simulation.run_for(minutes(10)).unwrap();
    assert_eq!(status.watermark_stalls, []);
    assert!(status.watermark > Some(Timestamp::from_seconds(200)), "{:?}", status.watermark);
    let report = simulation.explain_watermark().to_string();
    assert!(report.ends_with("split `b`: no watermark yet, no event time seen, idle"), "{report}");
}

#[test]
fn a_watermark_may_stand_still_where_no_records_come() {
    let job = Job::new("quiet");
    let script = millstream::testing::Script::new().record(1_u64, Timestamp::from_seconds(1)).pause(minutes(600));
    script.attach(&job).key_by(|n| *n).count().sink(DiscardSink);
    let status = simulation(&job, 1).run_for(minutes(100)).unwrap();
    assert_eq!(status.watermark_stalls, []);
}

#[test]
fn a_split_for_which_the_others_wait_is_named_though_no_records_come() {
    let aligned = patient().aligned(seconds(10));
    let mut simulation = simulation(&counts(Clicks { b: 5 }, aligned), 1);
    let status = simulation.run_for(minutes(5)).unwrap();
    assert!(status.operator("clicks").unwrap().records_in < 30, "the others wait");
    let last = Some(Timestamp::from_seconds(4));
    assert_eq!(holders(&status.watermark_stalls), [("clicks", 0, Some("b"), last)]);
}

#[test]
fn an_operator_that_makes_watermarks_and_gets_no_records_is_named() {
    let job = Job::new("uneven");
    let clicks =
        job.source(Clicks { b: 0 }).uid("clicks").partition_custom(|_, _| 0).map(|second| second).uid("worked");
    let timed = clicks.event_time(|second| Timestamp::from_seconds(*second), patient()).uid("times");
    timed.key_by(|second| second % 3).window(Tumbling::of(minutes(1))).count().sink(DiscardSink);
    let mut simulation = simulation(&job, 2);
    let status = simulation.run_for(minutes(5)).unwrap();
    assert_eq!(holders(&status.watermark_stalls), [("times", 1, None, None)]);
}

#[test]
fn the_status_forgets_what_held_a_watermark_when_that_goes_on() {
    let job = Job::new("late");
    let clicks = job.source(Clicks { b: 0 }).uid("clicks");
    let watermarks = Watermarks::monotonic().idle_after(minutes(3));
    let clicks = clicks.event_time(|second| Timestamp::from_seconds(*second), watermarks);
    clicks.key_by(|second| second % 3).count().sink(DiscardSink);
    let mut simulation = simulation(&job, 1);
    assert_eq!(simulation.run_for(minutes(2)).unwrap().watermark_stalls.len(), 1);
    assert_eq!(simulation.run_for(minutes(2)).unwrap().watermark_stalls, []);
}

#[test]
fn a_job_of_actors_tells_which_subtask_does_not_take_what_is_sent_to_it() {
    let (job, bar) = (Job::new("held-up"), Bar::default());
    let held = bar.clone();
    let numbers = job.source(MemorySource::new(0..9_i64)).uid("numbers");
    let timed = numbers.event_time(|n| Timestamp::from_seconds(*n), Watermarks::monotonic());
    let slow = timed.map(move |n| {
        held.pass();
        n
    });
    slow.isolated().uid("slow").sink(DiscardSink);
    let handle = job.start(Config::default()).unwrap();
    eventually("it is told that `slow` is behind", || {
        let report = handle.explain_watermark().to_string();
        let told = ["held back by `slow`, subtask 0: no watermark yet\n", "has yet to take ", " from `numbers` -> "];
        told.iter().all(|told| report.contains(told))
    });
    bar.open();
    assert_eq!(handle.wait().unwrap().watermark, Some(Timestamp::MAX));
}
