//! A job with state of every kind, that can be stopped in its middle.

use millstream::connector::{Error, Position, Read, Source, Split, SplitReader};
use millstream::prelude::*;
use std::path::Path;
use std::time::Duration;

/// How many numbers there are.
const COUNT: u64 = 600;

/// Brings the numbers below [`COUNT`] in tens; behind `pause`, waits for ever.
#[derive(Clone)]
struct Numbers {
    pause: u64,
    next: u64,
}

impl Source for Numbers {
    type Record = u64;
    type Block = u64;

    fn describe(&self) -> String {
        "numbers".to_owned()
    }

    fn splits(&self) -> Result<Vec<Split>, Error> {
        Ok(vec![Split::new("all")])
    }

    fn open(&self, _: &Split, position: Option<&Position>) -> Result<Box<dyn SplitReader<Block = u64>>, Error> {
        let next = position.map_or(Ok(0), Position::read)?;
        Ok(Box::new(Numbers { next, ..self.clone() }))
    }

    fn decode(&self, first: u64, emit: &mut dyn FnMut(u64, Timestamp)) {
        (first..first + 10).for_each(|number| emit(number, Timestamp::MIN));
    }
}

impl SplitReader for Numbers {
    type Block = u64;

    fn read(&mut self) -> Result<Read<u64>, Error> {
        match self.next {
            COUNT.. => Ok(Read::End),
            next if next >= self.pause => Ok(Read::Wait(Duration::from_millis(1))),
            next => {
                self.next += 10;
                Ok(Read::Block(next, Position::new(self.next)))
            }
        }
    }
}

struct Kept {
    sum: ReducingState<u64, u64>,
    largest: ValueState<u64, u64>,
    all: ListState<u64, u64>,
    by_digit: MapState<u64, u64, u64>,
}

/// Keeps each number in four ways, and tells them all at the end of event time.
struct Keep;

impl KeyedProcess for Keep {
    type Key = u64;
    type Input = u64;
    type Output = String;
    type State = Kept;

    fn open(&self, states: &mut States<'_, u64>) -> Result<Kept, Failure> {
        Ok(Kept {
            sum: states.reducing("sum", |a, b| a + b)?,
            largest: states.value("largest")?,
            all: states.list("all")?,
            by_digit: states.map("by digit")?,
        })
    }

    fn process(&self, kept: &Kept, number: u64, ctx: &mut Context<'_, u64, String>) -> Result<(), Failure> {
        kept.sum.add(ctx.keyed(), number)?;
        let largest = kept.largest.get(ctx.keyed())?.unwrap_or(0).max(number);
        kept.largest.put(ctx.keyed(), largest)?;
        kept.all.push(ctx.keyed(), number)?;
        kept.by_digit.update(ctx.keyed(), number % 10, || 0, |count| *count += 1)?;
        ctx.set_event_timer(Timestamp::from_seconds(1_000_000))
    }

    fn on_timer(&self, kept: &Kept, _: Timer, ctx: &mut Context<'_, u64, String>) -> Result<(), Failure> {
        let (sum, largest) = (kept.sum.get(ctx.keyed())?, kept.largest.get(ctx.keyed())?);
        let (all, by_digit) = (kept.all.take(ctx.keyed())?, kept.by_digit.entries(ctx.keyed())?);
        let row = format!("{} {sum:?} {largest:?} {all:?} {by_digit:?}", ctx.key());
        ctx.emit(row);
        Ok(())
    }
}

/// Runs the job in a directory: state in `state`, rows in `kept.jsonl` and `windows.jsonl`. With `pause` it is stopped there,
/// after eight checkpoints.
pub(crate) fn run(directory: &Path, pause: Option<u64>) -> millstream::Result<JobStatus> {
    run_with(directory, pause, |config| config)
}

/// As [`run`], with other settings.
pub(crate) fn run_with(
    directory: &Path,
    pause: Option<u64>,
    set: impl FnOnce(Config) -> Config,
) -> millstream::Result<JobStatus> {
    let job = Job::new("formats");
    let numbers = job.source(Numbers { pause: pause.unwrap_or(COUNT), next: 0 }).uid("numbers");
    let time = |number: &u64| Timestamp::from_seconds(*number as i64);
    let timed = numbers.event_time(time, Watermarks::out_of_order(seconds(3))).uid("time");
    let keyed = timed.key_by(|number| number % 7).uid("keys");
    keyed.process(Keep).uid("kept").sink(FileSink::json(directory.join("kept.jsonl"))).uid("kept-rows");
    let row = |window: Windowed<u64, u64>| format!("{} {} {}", window.key, window.start, window.value);
    let windows = keyed.window(Sliding::of(seconds(60)).every(seconds(20))).count().uid("windows").map(row).uid("rows");
    windows.sink(FileSink::json(directory.join("windows.jsonl"))).uid("window-rows");
    let config = Config::default().parallelism(2).checkpoint_interval(millis(20)).state_dir(directory.join("state"));
    let config = config.restart(Restart::None);
    let handle = job.start(set(config))?;
    if pause.is_some() {
        let until = |done: &dyn Fn() -> bool| {
            (0..3_000).find(|_| done() || handle.wait_for(Duration::from_millis(10)));
        };
        until(&|| handle.status().state == JobState::Running);
        let from = handle.status().checkpoints;
        until(&|| handle.status().checkpoints >= from + 8);
        handle.stop();
    }
    handle.wait()
}

/// The rows of both sinks, sorted.
pub(crate) fn rows(directory: &Path) -> Vec<String> {
    let files = ["kept.jsonl", "windows.jsonl"].map(|name| std::fs::read_to_string(directory.join(name)).unwrap());
    let mut rows: Vec<String> = files.iter().flat_map(|file| file.lines()).map(str::to_owned).collect();
    rows.sort();
    rows
}
