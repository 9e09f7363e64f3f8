//! What durable keyed state costs: records in memory, counted by key, with checkpoints and without.
//!
//! `cargo bench --bench keyed_count`, with `--quick`, `--rounds N`, or numbers of distinct keys. The records are made from
//! their index and the counts go nowhere, so what is left is the hop behind `key_by`, the state, and the checkpoints.
//! Both runs write all counts once, at the end; the one with checkpoints also writes each second what has changed.

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

fn main() -> ExitCode {
    measure::main(parent, child)
}

fn parent(arguments: Arguments) -> Result<(), Failure> {
    let records: u64 = if arguments.quick { 1_000_000 } else { 20_000_000 };
    let sizes = if arguments.sizes.is_empty() { vec![1_000, 1_000_000, 10_000_000] } else { arguments.sizes };
    let mut rows = Vec::new();
    for keys in sizes {
        let contenders =
            ["off", "on"].map(|checkpoints| vec![records.to_string(), keys.to_string(), checkpoints.into()]);
        let costs = measure::rounds(arguments.rounds, &contenders)?;
        let [off, on] = &costs[..] else { return Err("two contenders give two lists".into()) };
        let speed =
            |costs: &[measure::Cost]| Median::of(costs.iter().map(|cost| records as f64 / cost.wall / 1e6)).spread(2);
        let cpu =
            |costs: &[measure::Cost]| Median::of(costs.iter().map(|cost| cost.cpu * 1e9 / records as f64)).spread(0);
        rows.push(vec![
            keys.to_string(),
            Median::ratio(on, off, |cost| cost.wall).spread(2),
            Median::ratio(on, off, |cost| cost.cpu).spread(2),
            speed(off),
            speed(on),
            cpu(off),
            cpu(on),
            Median::of(on.iter().map(|cost| cost.peak)).spread(0),
        ]);
    }
    let title = format!("Running count of {records} records by key; checkpoints each second against none");
    let columns =
        ["keys", "wall on/off", "CPU on/off", "M/s off", "M/s on", "CPU ns/record off", "CPU ns/record on", "MiB on"];
    measure::table(&title, &columns, &rows)?;
    println!("\nTarget: checkpoints cost at most 1.10 at 1,000 and 1,000,000 keys.");
    Ok(())
}

fn child(given: &[String]) -> Result<(), Failure> {
    let [records, keys, checkpoints] = given else { return Err("give records, keys, and on or off".into()) };
    let (records, keys): (u64, u64) = (records.parse()?, keys.parse()?);
    let state = tempfile::tempdir()?;
    let config = Config::default().state_dir(state.path()).memory(4 << 30);
    let config =
        if checkpoints == "on" { config.checkpoint_interval(seconds(1)) } else { config.without_checkpoints() };
    let job = Job::new("keyed-count");
    job.source(MemorySource::from_fn(records, move |index| scatter(index) % keys))
        .key_by(|key| *key)
        .count()
        .sink(DiscardSink);
    job.run(config)?;
    Ok(())
}
