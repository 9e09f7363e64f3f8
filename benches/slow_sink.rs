//! Memory stays flat in front of a sink that is far slower than its source.
//!
//! `cargo bench --bench slow_sink`, with `--quick`, `--rounds N`, or a number of records. Records of 1 KiB go through three
//! actors into a sink that takes a hundred times as long for each as the source, measured before. Ten times as many records
//! must take no more memory.

#[path = "support/measure.rs"]
mod measure;

use measure::{Arguments, Failure, Median};
use millstream::connector::{Error, Guarantee, Prepared, SinkContext, SinkJob, SinkWriter};
use millstream::prelude::*;
use millstream::record::Epoch;
use mimalloc::MiMalloc;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How much slower the sink is than the source.
const SLOWER: f64 = 100.0;
/// So many records the sink takes before it works them off.
const GULP: usize = 1_000;
const RECORD_BYTES: usize = 1024;
/// How much more memory ten times the records may take.
const LIMIT: f64 = 1.25;

fn main() -> ExitCode {
    measure::main(parent, child)
}

fn parent(arguments: Arguments) -> Result<(), Failure> {
    let few = arguments.sizes.first().copied().unwrap_or(if arguments.quick { 5_000 } else { 30_000 });
    let many = 10 * few;
    // The source alone, to know its speed.
    let sample = 1_000_000;
    let alone = measure::rounds(arguments.rounds, &[vec![sample.to_string(), "0".to_owned()]])?;
    let source_ns = Median::of(alone[0].iter().map(|cost| cost.wall * 1e9 / f64::from(sample)));
    let sink_ns = (source_ns.value * SLOWER).round().to_string();
    let contenders = [few, many].map(|records| vec![records.to_string(), sink_ns.clone()]);
    let costs = measure::rounds(arguments.rounds, &contenders)?;
    let growth = Median::ratio(&costs[1], &costs[0], |cost| cost.peak);
    let peak = |index: usize| Median::of(costs[index].iter().map(|cost| cost.peak)).spread(1);
    let row = vec![
        growth.spread(2),
        peak(0),
        peak(1),
        Median::of(costs[1].iter().map(|cost| cost.cpu * 1e9 / many as f64)).spread(0),
        source_ns.spread(0),
        sink_ns.clone(),
        format!("{:.0}", many as f64 * RECORD_BYTES as f64 / f64::from(1 << 20)),
    ];
    let title = format!("Peak memory in front of a slow sink, {many} records against {few}");
    let columns =
        ["growth", "MiB few", "MiB many", "CPU ns/record", "source ns/record", "sink ns/record", "MiB brought by many"];
    measure::table(&title, &columns, &[row])?;
    if growth.value > LIMIT {
        return Err(
            format!("memory grew by {:.2} with ten times the records; at most {LIMIT} is flat", growth.value).into()
        );
    }
    Ok(())
}

fn child(given: &[String]) -> Result<(), Failure> {
    let [records, nanos] = given else { return Err("give records and the sink's nanoseconds per record".into()) };
    let job = Job::new("slow-sink");
    let make = |index: u64| vec![index as u8; RECORD_BYTES];
    let records = job.source(MemorySource::from_fn(records.parse()?, make));
    let pause = Duration::from_nanos(nanos.parse::<u64>()? * GULP as u64);
    records.map(|record| record).isolated().sink(SlowSink { pause });
    job.run(Config::default())?;
    Ok(())
}

/// Takes so long for each gulp of records.
struct SlowSink {
    pause: Duration,
}

impl Sink<Vec<u8>> for SlowSink {
    fn describe(&self) -> String {
        "a slow sink".to_owned()
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    fn writer(&self, _: &SinkContext) -> Result<Box<dyn SinkWriter<Vec<u8>>>, Error> {
        Ok(Box::new(SlowWriter { pause: self.pause, held: Vec::new() }))
    }
}

struct SlowWriter {
    pause: Duration,
    held: Vec<Vec<u8>>,
}

impl SinkWriter<Vec<u8>> for SlowWriter {
    fn write(&mut self, record: Vec<u8>, _: Timestamp) -> Result<(), Error> {
        self.held.push(record);
        Ok(())
    }

    fn spill(&mut self, _: bool) -> Option<SinkJob> {
        if self.held.len() < GULP {
            return None;
        }
        let gulp = std::mem::take(&mut self.held);
        let pause = self.pause * u32::try_from(gulp.len() / GULP).unwrap_or(u32::MAX);
        Some(Box::new(move || {
            thread::sleep(pause);
            drop(gulp);
            Ok(())
        }))
    }

    fn prepare(&mut self, _: Epoch) -> Prepared {
        let rest = std::mem::take(&mut self.held);
        Box::new(move || {
            drop(rest);
            Ok(serde_json::Value::Null)
        })
    }
}
