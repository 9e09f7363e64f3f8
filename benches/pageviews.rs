//! The page view example, exactly once and with a checkpoint each second, against a loop written by hand.
//!
//! `cargo bench --bench pageviews`, with `--quick`, `--rounds N`, or numbers of lines. Both read the same log from a file
//! and write the same files; the loop (`support/hand_loop.rs`) does nothing else, with one thread and hash maps. Before
//! anything is measured, the rows of both are compared.
//!
//! * With windows of 10 s, as in the example, there is nearly a row of output for each two lines.
//! * With windows of 10 min there are few rows, and reading and counting weigh most.

#[path = "../examples/pageviews/dataflow.rs"]
mod dataflow;
#[path = "support/hand_loop.rs"]
mod hand_loop;
#[path = "support/measure.rs"]
mod measure;
#[path = "support/shifted_log.rs"]
mod shifted_log;

use dataflow::Dataflow;
use measure::{Arguments, Cost, Failure, Median};
use millstream::prelude::*;
use mimalloc::MiMalloc;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/access.log");
const VISIT_GAP: Duration = minutes(30);
const OUT_OF_ORDERNESS: Duration = seconds(60);

fn main() -> ExitCode {
    measure::main(parent, child)
}

fn parent(arguments: Arguments) -> Result<(), Failure> {
    let sizes = match &arguments.sizes[..] {
        [] if arguments.quick => vec![100_000],
        [] => vec![1_000_000, 5_000_000],
        sizes => sizes.to_vec(),
    };
    let place = tempfile::tempdir()?;
    let (log, out) = (place.path().join("access.log"), place.path().join("out"));
    let mut rows = Vec::new();
    for lines in sizes {
        shifted_log::write(Path::new(BUNDLED), &log, usize::try_from(lines)?)?;
        for window in [10, 600] {
            let given = |who: &str| -> Vec<String> {
                let mut given = vec![who.to_owned(), window.to_string()];
                given.extend([&log, &out].map(|path| path.display().to_string()));
                given
            };
            let contenders = ["millstream", "loop"].map(given);
            let written = compare(&contenders, &out)?;
            let costs = measure::rounds(arguments.rounds, &contenders)?;
            let [ours, hand] = &costs[..] else { return Err("two contenders give two lists".into()) };
            let nanos = |costs: &[Cost]| Median::of(costs.iter().map(|cost| cost.cpu * 1e9 / lines as f64)).spread(0);
            let wall = |costs: &[Cost]| Median::of(costs.iter().map(|cost| cost.wall)).spread(2);
            rows.push(vec![
                lines.to_string(),
                format!("{window} s"),
                Median::ratio(ours, hand, |cost| cost.cpu).spread(2),
                Median::ratio(ours, hand, |cost| cost.wall).spread(2),
                nanos(ours),
                nanos(hand),
                wall(ours),
                wall(hand),
                Median::of(ours.iter().map(|cost| cost.peak)).spread(0),
                written.to_string(),
            ]);
        }
    }
    let columns =
        ["lines", "window", "CPU ratio", "wall ratio", "CPU ns/line", "loop's", "wall s", "loop's", "peak MiB", "rows"];
    measure::table("Page views, exactly once, checkpoints each second, against a loop by hand", &columns, &rows)?;
    println!("\nTarget: at most 1.5 times the loop's CPU time.");
    Ok(())
}

/// Runs each contender once, and returns how many rows they have written, which must be the same ones.
fn compare(contenders: &[Vec<String>], out: &Path) -> Result<u64, Failure> {
    let mut found = Vec::new();
    for contender in contenders {
        measure::child(contender)?;
        let files = ["site.csv", "users.csv", "visits.csv"].map(|name| out.join(name));
        let rows = files.iter().map(|file| rows(file)).collect::<Result<Vec<_>, _>>()?;
        found.push((rows, rows_only(&out.join("rejected.jsonl"))?));
    }
    if found.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(format!("the contenders have written different rows: {found:?}").into());
    }
    let (tables, rejected) = &found[0];
    Ok(tables.iter().map(|(count, _)| count).sum::<u64>() + rejected)
}

/// How many rows a file has, and a number that tells them apart whatever their order.
fn rows(file: &Path) -> Result<(u64, u64), Failure> {
    let mut lines = BufReader::new(File::open(file)?).split(b'\n');
    let add = |(count, sum): (u64, u64), line: Vec<u8>| (count + 1, sum.wrapping_add(xxh3_64(&line)));
    Ok(lines.try_fold((0, 0), |so_far, line| line.map(|line| add(so_far, line)))?)
}

/// How many rows a file has. The loop says less of a rejected line.
fn rows_only(file: &Path) -> Result<u64, Failure> {
    rows(file).map(|(count, _)| count)
}

fn child(given: &[String]) -> Result<(), Failure> {
    let [who, window, log, out] = given else { return Err("give who, window, log and output".into()) };
    let window = Duration::from_secs(window.parse()?);
    let (inputs, output) = (vec![PathBuf::from(log)], PathBuf::from(out));
    if who == "loop" {
        fs::create_dir_all(&output)?;
        hand_loop::run(&inputs, &output, window, VISIT_GAP, OUT_OF_ORDERNESS)?;
        return Ok(());
    }
    let config = Config::default().state_dir(output.join(".state")).checkpoint_interval(seconds(1)).fresh(true);
    let (visit_gap, out_of_orderness) = (VISIT_GAP, OUT_OF_ORDERNESS);
    let dataflow = Dataflow { inputs, output, window, visit_gap, out_of_orderness, rate: None, follow: false };
    dataflow.job().run(config)?;
    Ok(())
}
