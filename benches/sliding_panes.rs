//! What it costs that windows overlap: records in memory, counted by key in windows of 60 s, with ever shorter slides.
//!
//! `cargo bench --bench sliding_panes`, with `--quick`, `--rounds N`, or numbers of distinct keys. Without overlap a record is
//! in one window, with a slide of 100 ms in 600. Records share panes, so what a record costs should stay; what a result
//! costs cannot be shared, and shorter slides have more results. 100,000 records per second of event time keep the two
//! apart: 100 keys have at most one result per 100 records, which is the case that the target is for; 1,000 keys have one
//! per 10, to show what results cost. Records come in the order of time. All runs take checkpoints each second. `by CPU` is
//! the ratio of CPU times, which tells more than the clock's on a machine that has other work.

#[path = "support/measure.rs"]
mod measure;
#[path = "support/scatter.rs"]
mod scatter;

use measure::{Arguments, Failure, Median};
use millstream::prelude::*;
use mimalloc::MiMalloc;
use scatter::scatter;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The window, in milliseconds.
const SIZE: u64 = 60_000;
/// The slides, in milliseconds; the first is the mark.
const SLIDES: [u64; 4] = [60_000, 10_000, 1_000, 100];
/// How many records come in a millisecond of event time.
const PER_MILLI: u64 = 100;

fn main() -> ExitCode {
    measure::main(parent, child)
}

fn parent(arguments: Arguments) -> Result<(), Failure> {
    let records: u64 = if arguments.quick { 2_000_000 } else { 20_000_000 };
    let sizes = if arguments.sizes.is_empty() { vec![100, 1_000] } else { arguments.sizes };
    let mut rows = Vec::new();
    for keys in sizes {
        let contenders = SLIDES.map(|slide| vec![records.to_string(), keys.to_string(), slide.to_string()]);
        let costs = measure::rounds(arguments.rounds, &contenders)?;
        let tumbling = costs.first().ok_or("there is a mark")?;
        for (slide, cost) in SLIDES.iter().zip(&costs) {
            let speed = Median::of(cost.iter().map(|cost| records as f64 / cost.wall / 1e6));
            let cpu = Median::of(cost.iter().map(|cost| cost.cpu * 1e9 / records as f64));
            rows.push(vec![
                keys.to_string(),
                slide.to_string(),
                (SIZE / slide).to_string(),
                speed.spread(2),
                Median::ratio(tumbling, cost, |cost| cost.wall).spread(2),
                cpu.spread(0),
                Median::ratio(tumbling, cost, |cost| cost.cpu).spread(2),
                Median::of(cost.iter().map(|cost| cost.peak)).spread(0),
            ]);
        }
    }
    let title =
        format!("Count of {records} records by key in windows of 60 s; speed against windows that do not overlap");
    let columns = ["keys", "slide, ms", "windows/record", "M/s", "of tumbling", "CPU ns/record", "by CPU", "MiB"];
    measure::table(&title, &columns, &rows)?;
    println!("\nTarget: at 600 windows per record and 100 keys at least 0.70.");
    Ok(())
}

fn child(given: &[String]) -> Result<(), Failure> {
    let [records, keys, slide] = given else { return Err("give records, keys, and a slide in ms".into()) };
    let (records, keys, slide): (u64, u64, u64) = (records.parse()?, keys.parse()?, slide.parse()?);
    let state = tempfile::tempdir()?;
    let config = Config::default().state_dir(state.path()).memory(1 << 30).checkpoint_interval(seconds(1));
    let job = Job::new("sliding-panes");
    job.source(MemorySource::from_fn(records, |index| index))
        .event_time(|index| Timestamp::from_millis((index / PER_MILLI) as i64), Watermarks::monotonic())
        .key_by(move |index| scatter(*index) % keys)
        .window(Sliding::of(millis(SIZE)).every(millis(slide)))
        .count()
        .sink(DiscardSink);
    job.run(config)?;
    Ok(())
}
