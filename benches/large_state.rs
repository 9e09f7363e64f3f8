//! State larger than memory: ten million keys, and memory for about a million of them.
//!
//! `cargo bench --bench large_state`, with `--quick`, `--rounds N`. First every key is counted once, in order, which writes
//! the whole state; then as many records again come for keys chosen by chance, all over the state (`cold`), or nearly all
//! for one key in a hundred (`hot`: 95 % of the records). With memory for all keys and with memory for about a tenth.
//! Checkpoints each second. A round with all keys takes a good quarter of an hour, with `--quick` (a million) one minute.

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

/// About what a key with its count takes in memory, in bytes.
const PER_KEY: u64 = 64;

fn main() -> ExitCode {
    measure::main(parent, child)
}

fn parent(arguments: Arguments) -> Result<(), Failure> {
    let keys: u64 = if arguments.quick { 1_000_000 } else { 10_000_000 };
    let mut rows = Vec::new();
    for access in ["hot", "cold"] {
        let contenders = ["all", "tenth"].map(|memory| vec![keys.to_string(), access.into(), memory.into()]);
        let costs = measure::rounds(arguments.rounds, &contenders)?;
        let [all, tenth] = &costs[..] else { return Err("two contenders give two lists".into()) };
        let speed = |costs: &[Cost]| Median::of(costs.iter().map(|cost| 2.0 * keys as f64 / cost.wall / 1e6)).spread(2);
        let peak = |costs: &[Cost]| Median::of(costs.iter().map(|cost| cost.peak)).spread(0);
        rows.push(vec![
            access.into(),
            Median::ratio(tenth, all, |cost| cost.wall).spread(2),
            Median::ratio(tenth, all, |cost| cost.cpu).spread(2),
            speed(all),
            speed(tenth),
            peak(all),
            peak(tenth),
        ]);
    }
    let title =
        format!("Running count of {} records by {keys} keys; memory for all of them, and for a tenth", 2 * keys);
    let columns = ["access", "wall tenth/all", "CPU tenth/all", "M/s all", "M/s tenth", "MiB all", "MiB tenth"];
    measure::table(&title, &columns, &rows)?;
    Ok(())
}

fn child(given: &[String]) -> Result<(), Failure> {
    let [keys, access, memory] = given else { return Err("give keys, hot or cold, and all or tenth".into()) };
    let keys: u64 = keys.parse()?;
    let hot = access == "hot";
    let memory = if memory == "all" { keys * PER_KEY * 4 } else { keys * PER_KEY / 10 };
    let state = tempfile::tempdir()?;
    let key = move |index: u64| match index.checked_sub(keys) {
        None => index,
        Some(again) if hot && again % 20 > 0 => scatter(again) % (keys / 100) * 100,
        Some(again) => scatter(again) % keys,
    };
    let job = Job::new("large-state");
    job.source(MemorySource::from_fn(2 * keys, key)).key_by(|key| *key).count().sink(DiscardSink);
    job.run(Config::default().state_dir(state.path()).memory(usize::try_from(memory)?))?;
    Ok(())
}
