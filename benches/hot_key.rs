//! What two-phase aggregation does for skewed keys: counts by ten seconds, in one phase and in two.
//!
//! `cargo bench --bench hot_key`, with `--quick`, `--rounds N`. Ten million records, made from their index, of up to a
//! million keys: all alike, by Zipf's law with exponent 1.0 (the first key has 5 % of all records), and with 1.5 (the first
//! key has 29 %). The job's parallelism is 2; 100,000 records come in each second of event time.

#[path = "support/measure.rs"]
mod measure;
#[path = "support/scatter.rs"]
mod scatter;

use measure::{Arguments, Cost, Failure, Median};
use millstream::prelude::*;
use mimalloc::MiMalloc;
use scatter::scatter;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const KEYS: u64 = 1_000_000;

fn main() -> ExitCode {
    measure::main(parent, child)
}

fn parent(arguments: Arguments) -> Result<(), Failure> {
    let records: u64 = if arguments.quick { 1_000_000 } else { 10_000_000 };
    let mut rows = Vec::new();
    for skew in ["uniform", "1.0", "1.5"] {
        let contenders = ["one", "two"].map(|phases| vec![records.to_string(), skew.into(), phases.into()]);
        let costs = measure::rounds(arguments.rounds, &contenders)?;
        let [one, two] = &costs[..] else { return Err("two contenders give two lists".into()) };
        let speed = |costs: &[Cost]| Median::of(costs.iter().map(|cost| records as f64 / cost.wall / 1e6)).spread(2);
        rows.push(vec![
            skew.into(),
            Median::ratio(one, two, |cost| cost.wall).spread(2),
            Median::ratio(one, two, |cost| cost.cpu).spread(2),
            speed(one),
            speed(two),
            Median::of(two.iter().map(|cost| cost.peak)).spread(0),
        ]);
    }
    let title = format!("Counts of {records} records by key and ten seconds, parallelism 2; one phase against two");
    measure::table(&title, &["skew", "wall one/two", "CPU one/two", "M/s one", "M/s two", "MiB two"], &rows)?;
    Ok(())
}

fn child(given: &[String]) -> Result<(), Failure> {
    let [records, skew, phases] = given else { return Err("give records, skew, and one or two".into()) };
    let records: u64 = records.parse()?;
    let key: fn(f64) -> u64 = match skew.as_str() {
        "uniform" => |at| (at * KEYS as f64) as u64,
        // The inverse of the law's distribution over real numbers, rounded down.
        "1.0" => |at| (KEYS as f64).powf(at) as u64,
        _ => |at| ((1.0 - at).powi(-2) as u64).min(KEYS),
    };
    let record = move |index: u64| (key(scatter(index) as f64 / u64::MAX as f64), index / 100);
    let state = tempfile::tempdir()?;
    let job = Job::new("hot-key");
    let windows = job
        .source(MemorySource::from_fn(records, record).splits(2))
        .event_time(|record| Timestamp::from_millis(record.1 as i64), Watermarks::out_of_order(seconds(1)))
        .key_by(|record| record.0)
        .window(Tumbling::of(seconds(10)));
    let counts = if phases == "two" { windows.local_global().count() } else { windows.count() };
    counts.sink(DiscardSink);
    job.run(Config::default().parallelism(2).state_dir(state.path()).memory(4 << 30))?;
    Ok(())
}
