//! What it costs that a subtask can be restarted by itself: journals of what it has been handed, small and large, against none.
//!
//! `cargo bench --bench journal`, with `--quick` or `--rounds N`. Three jobs, each with checkpoints each second: a running
//! count by key with few keys and with many, and page views from a file into files.

#[path = "../examples/pageviews/dataflow.rs"]
mod dataflow;
#[path = "support/measure.rs"]
mod measure;
#[path = "support/scatter.rs"]
mod scatter;
#[path = "support/shifted_log.rs"]
mod shifted_log;

use dataflow::Dataflow;
use measure::{Arguments, Failure, Median};
use millstream::prelude::*;
use mimalloc::MiMalloc;
use scatter::scatter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/access.log");

/// Journals, in MiB; 16 is the default.
const SIZES: [u64; 5] = [0, 1, 4, 16, 64];

fn main() -> ExitCode {
    measure::main(parent, child)
}

fn parent(arguments: Arguments) -> Result<(), Failure> {
    let place = tempfile::tempdir()?;
    let log = place.path().join("access.log");
    let (records, lines) = if arguments.quick { (1_000_000, 100_000) } else { (20_000_000, 2_000_000) };
    shifted_log::write(Path::new(BUNDLED), &log, lines)?;
    let count =
        |keys: u64| (format!("count, {keys} keys"), records, vec!["count".to_owned(), format!("{records}/{keys}")]);
    let views = vec!["views".to_owned(), log.display().to_string()];
    let mut rows = Vec::new();
    for (name, records, job) in [count(1_000), count(1_000_000), ("page views".to_owned(), lines as u64, views)] {
        let contenders = SIZES.map(|journal| [&job[..], &[journal.to_string()]].concat());
        let costs = measure::rounds(arguments.rounds, &contenders)?;
        for (size, on) in SIZES.iter().zip(&costs) {
            rows.push(vec![
                name.clone(),
                size.to_string(),
                Median::ratio(on, &costs[0], |cost| cost.wall).spread(2),
                Median::ratio(on, &costs[0], |cost| cost.cpu).spread(2),
                Median::of(on.iter().map(|cost| cost.cpu * 1e9 / records as f64)).spread(0),
                Median::of(on.iter().map(|cost| cost.peak)).spread(0),
            ]);
        }
    }
    let columns = ["job", "journal, MiB", "wall against none", "CPU against none", "CPU ns/record", "peak MiB"];
    measure::table("The journal for local restarts; checkpoints each second", &columns, &rows)?;
    println!("\nTarget: a journal of the default size costs at most 1.03.");
    Ok(())
}

fn child(given: &[String]) -> Result<(), Failure> {
    let [what, input, journal] = given else { return Err("give count or views, what of, and MiB".into()) };
    let place = tempfile::tempdir()?;
    let config = Config::default().state_dir(place.path().join("state")).checkpoint_interval(seconds(1));
    let config = config.journal(journal.parse::<usize>()? << 20);
    if what == "views" {
        let (inputs, output) = (vec![PathBuf::from(input)], place.path().join("out"));
        let (window, visit_gap, out_of_orderness) = (seconds(10), minutes(30), seconds(60));
        let dataflow = Dataflow { inputs, output, window, visit_gap, out_of_orderness, rate: None, follow: false };
        dataflow.job().run(config)?;
        return Ok(());
    }
    let (records, keys) = input.split_once('/').ok_or("give records/keys")?;
    let (records, keys): (u64, u64) = (records.parse()?, keys.parse()?);
    let job = Job::new("journal");
    job.source(MemorySource::from_fn(records, move |index| scatter(index) % keys))
        .key_by(|key| *key)
        .count()
        .sink(DiscardSink);
    job.run(config.memory(4 << 30))?;
    Ok(())
}
