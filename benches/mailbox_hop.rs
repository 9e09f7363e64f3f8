//! What it costs a record to go from one actor to the next.
//!
//! `cargo bench --bench mailbox_hop`, with `--quick`, `--rounds N`, or batch sizes. The same source, map and sink run once
//! as one actor and once as three: the difference is two hops. All three share a thread, as the subtasks of one slice of
//! a dataflow do.

#[path = "support/measure.rs"]
mod measure;

use measure::{Arguments, Cost, Failure, Median};
use millstream::prelude::*;
use mimalloc::MiMalloc;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// From source to map, and from map to sink.
const HOPS: f64 = 2.0;

fn main() -> ExitCode {
    measure::main(parent, child)
}

fn parent(arguments: Arguments) -> Result<(), Failure> {
    let sizes = if arguments.sizes.is_empty() { vec![1, 64, 1024] } else { arguments.sizes };
    let mut rows = Vec::new();
    for batch in sizes {
        let records = (batch * 400_000).clamp(5_000_000, 50_000_000) / if arguments.quick { 5 } else { 1 };
        let contenders = ["chained", "isolated"].map(|how| vec![records.to_string(), batch.to_string(), how.into()]);
        let costs = measure::rounds(arguments.rounds, &contenders)?;
        let [chained, isolated] = &costs[..] else { return Err("two contenders give two lists".into()) };
        let nanos = |figure: f64| figure * 1e9 / records as f64;
        let hop = |figure: fn(&Cost) -> f64| {
            Median::of(
                isolated
                    .iter()
                    .zip(chained)
                    .map(|(isolated, chained)| nanos(figure(isolated) - figure(chained)) / HOPS),
            )
        };
        rows.push(vec![
            batch.to_string(),
            Median::ratio(isolated, chained, |cost| cost.cpu).spread(1),
            hop(|cost| cost.cpu).spread(1),
            hop(|cost| cost.wall).spread(1),
            Median::of(chained.iter().map(|cost| nanos(cost.cpu))).spread(1),
            Median::of(isolated.iter().map(|cost| nanos(cost.cpu))).spread(1),
            Median::of(isolated.iter().map(|cost| cost.peak)).spread(0),
            records.to_string(),
        ]);
    }
    let columns = [
        "batch size",
        "CPU isolated/chained",
        "CPU ns per record and hop",
        "wall ns per record and hop",
        "chained, CPU ns",
        "isolated, CPU ns",
        "isolated, MiB",
        "records",
    ];
    measure::table("From actor to actor: source, map and sink as three actors against one", &columns, &rows)?;
    Ok(())
}

fn child(given: &[String]) -> Result<(), Failure> {
    let [records, batch, how] = given else { return Err("give records, batch size, and chained or isolated".into()) };
    let job = Job::new("mailbox-hop");
    let source = job.source(MemorySource::from_fn(records.parse()?, |index| index));
    let mut mapped = source.map(|number| number.wrapping_mul(3));
    if how == "isolated" {
        mapped = mapped.isolated();
    }
    mapped.sink(DiscardSink);
    job.run(Config::default().without_checkpoints().batch_size(batch.parse()?))?;
    Ok(())
}
