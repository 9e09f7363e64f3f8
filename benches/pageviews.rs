//! The page view examples, in Rust and in SQL, exactly once and with a checkpoint each second, against a loop written by
//! hand.
//!
//! `cargo bench --bench pageviews`, with `--quick`, `--rounds N`, or numbers of lines. All read the same log from a file
//! and write the same files; the loop (`support/hand_loop.rs`) does nothing else, with one thread and hash maps. Before
//! anything is measured, the rows of all are compared. SQL is measured with planning.
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
use millstream::sql::{Env, exec, plan};
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
const PAGEVIEWS: &str = include_str!("../examples/pageviews.sql");
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
            let contenders = ["millstream", "sql", "loop"].map(given);
            let written = compare(&contenders, &out)?;
            let costs = measure::rounds(arguments.rounds, &contenders)?;
            let [ours, sql, hand] = &costs[..] else { return Err("three contenders give three lists".into()) };
            let nanos = |costs: &[Cost]| Median::of(costs.iter().map(|cost| cost.cpu * 1e9 / lines as f64)).spread(0);
            let wall = |costs: &[Cost]| Median::of(costs.iter().map(|cost| cost.wall)).spread(2);
            rows.push(vec![
                lines.to_string(),
                format!("{window} s"),
                Median::ratio(ours, hand, |cost| cost.cpu).spread(2),
                Median::ratio(ours, hand, |cost| cost.wall).spread(2),
                Median::ratio(sql, ours, |cost| cost.cpu).spread(2),
                nanos(ours),
                nanos(sql),
                nanos(hand),
                wall(ours),
                wall(sql),
                wall(hand),
                Median::of(ours.iter().map(|cost| cost.peak)).spread(0),
                Median::of(sql.iter().map(|cost| cost.peak)).spread(0),
                written.to_string(),
            ]);
        }
    }
    let columns = [
        "lines",
        "window",
        "CPU ratio",
        "wall ratio",
        "SQL/Rust",
        "CPU ns/line",
        "SQL's",
        "loop's",
        "wall s",
        "SQL's",
        "loop's",
        "peak MiB",
        "SQL's",
        "rows",
    ];
    measure::table("Page views, exactly once, checkpoints each second, against a loop by hand", &columns, &rows)?;
    println!("\nTargets: at most 1.5 times the loop's CPU time; SQL at most 2.5 times that of Rust.");
    Ok(())
}

/// Runs each contender once, and returns how many rows they have written, which must be the same ones.
fn compare(contenders: &[Vec<String>], out: &Path) -> Result<u64, Failure> {
    let mut found = Vec::new();
    for contender in contenders {
        measure::child(contender)?;
        let files = ["site.csv", "users.csv", "visits.csv"].map(|name| out.join(name));
        found.push(files.iter().map(|file| rows(file)).collect::<Result<Vec<_>, _>>()?);
    }
    if found.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(format!("the contenders have written different rows: {found:?}").into());
    }
    Ok(found[0].iter().map(|(count, _)| count).sum::<u64>())
}

/// How many rows a file has under its header, and a number that tells them apart whatever their order. SQL writes moments
/// without `T` and `Z`.
fn rows(file: &Path) -> Result<(u64, u64), Failure> {
    let mut lines = BufReader::new(File::open(file)?).split(b'\n').skip(1);
    let add = |(count, sum): (u64, u64), mut line: Vec<u8>| {
        line.retain(|byte| *byte != b'Z');
        line.iter_mut().filter(|byte| **byte == b'T').for_each(|byte| *byte = b' ');
        (count + 1, sum.wrapping_add(xxh3_64(&line)))
    };
    Ok(lines.try_fold((0, 0), |so_far, line| line.map(|line| add(so_far, line)))?)
}

fn child(given: &[String]) -> Result<(), Failure> {
    let [who, window, log, out] = given else { return Err("give who, window, log and output".into()) };
    let window = Duration::from_secs(window.parse()?);
    let (inputs, output) = (vec![PathBuf::from(log)], PathBuf::from(out));
    let config = Config::default().state_dir(output.join(".state")).checkpoint_interval(seconds(1)).fresh(true);
    match who.as_str() {
        "loop" => {
            fs::create_dir_all(&output)?;
            hand_loop::run(&inputs, &output, window, VISIT_GAP, OUT_OF_ORDERNESS)?;
            return Ok(());
        }
        "sql" => {
            let text = PAGEVIEWS.replace("'10' SECOND", &format!("'{}' SECOND", window.as_secs()));
            let text = text.replace("examples/data/access.log", log).replace("out/pageviews-sql", out);
            let env = Env::default();
            exec::job(&plan(&text, &env)?, &env, Timestamp::EPOCH)?.run(config)?;
            return Ok(());
        }
        _ => {}
    }
    let (visit_gap, out_of_orderness) = (VISIT_GAP, OUT_OF_ORDERNESS);
    let dataflow = Dataflow { inputs, output, window, visit_gap, out_of_orderness, rate: None, follow: false };
    dataflow.job().run(config)?;
    Ok(())
}
