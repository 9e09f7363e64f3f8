//! The same queries over the same files by Millstream and by its peers, in turns: what each costs, as a table.
//!
//! ```console
//! $ cargo run --release --manifest-path benches/peers/Cargo.toml -- --help
//! ```
//!
//! * `data` makes the inputs, from a seed. `query` names the queries, whose SQL is in `queries/`.
//! * Each contender (`case::Engine`) is a module: `hand`, `timely_dataflow`, `typed`, `sql`, `flink`. All but Flink run in a process of their own, which
//!   tells what it has cost; Flink's JVM stays and is warmed up by a run that does not count.
//! * Before anything is measured each has to give the same rows as the first one (`digest`).
//! * The contenders of a query take turns, round by round. What is told is the median, and how far the others stray.

mod case;
mod data;
mod digest;
mod flink;
mod hand;
mod highest;
#[path = "../../support/measure.rs"]
#[expect(dead_code, reason = "what only benches of one contender need")]
mod measure;
mod query;
mod records;
mod report;
#[path = "../../support/shifted_log.rs"]
mod shifted_log;
mod sql;
mod timely_dataflow;
mod typed;

use case::{Case, Engine};
use clap::Parser;
use digest::Digest;
use flink::Flink;
use measure::{Cost, Failure};
use mimalloc::MiMalloc;
use query::{Input, Query};
use report::Line;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The same queries over the same files by Millstream and by its peers: what each costs.
#[derive(Parser)]
struct Arguments {
    /// Queries, all by default.
    #[arg(long, value_delimiter = ',')]
    queries: Vec<Query>,
    /// Contenders. Flink is fetched once, and needs a JDK and pip.
    #[arg(long, value_delimiter = ',', default_value = "loop,timely,typed,sql")]
    engines: Vec<Engine>,
    /// How many workers.
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    parallelism: Vec<usize>,
    /// Events of the auction; the log has half as many lines.
    #[arg(long, default_value_t = 2_000_000)]
    events: u64,
    /// How often each contender runs.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where the inputs and outputs are put, about 2 KiB for each event; a temporary directory by default.
    #[arg(long)]
    place: Option<PathBuf>,
    /// Where Flink is kept.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/flink"))]
    flink: PathBuf,
    /// Also writes the table to this file.
    #[arg(long)]
    table: Option<PathBuf>,
}

fn main() -> ExitCode {
    let given: Vec<String> = env::args().skip(1).collect();
    let done = match given.split_first() {
        Some((first, rest)) if first == "--child" => measure::report(|| child(rest)),
        _ => parent(Arguments::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parent(mut arguments: Arguments) -> Result<(), Failure> {
    if arguments.queries.is_empty() {
        arguments.queries = <Query as clap::ValueEnum>::value_variants().to_vec();
    }
    let temporary = tempfile::tempdir()?;
    let place = arguments.place.clone().unwrap_or_else(|| temporary.path().to_owned());
    if arguments.engines.contains(&Engine::Flink) {
        flink::install(&arguments.flink)?;
    }
    let log_lines = arguments.events / 2;
    let mut lines = Vec::new();
    // What each query gives: the same at each parallelism.
    let mut expected: Vec<(Query, Digest)> = Vec::new();
    for &parallelism in &arguments.parallelism {
        let input = place.join(format!("inputs-{parallelism}"));
        eprintln!("making inputs in {parallelism} parts");
        data::write_auction(&input, parallelism, arguments.events)?;
        data::write_log(&input, parallelism, log_lines)?;
        for &query in &arguments.queries {
            let case = Case { query, parallelism, input: input.clone(), output: place.join("output") };
            let records = query.inputs().iter().map(|&kind| records_of(&case, kind)).sum::<Result<u64, Failure>>()?;
            lines.extend(measure_case(&arguments, &place, &case, records, &mut expected)?);
        }
    }
    let table = report::table(&lines, arguments.rounds);
    print!("{table}");
    if let Some(file) = &arguments.table {
        fs::write(file, table)?;
    }
    Ok(())
}

/// How many records an input of a case has.
fn records_of(case: &Case, kind: Input) -> Result<u64, Failure> {
    let mut records = 0;
    for worker in 0..case.parallelism {
        records::Lines::open(&case.file(kind, worker))?.each(|_| {
            records += 1;
            Ok(())
        })?;
    }
    Ok(records)
}

/// Runs all contenders of a case, once to compare their rows and then in turns.
fn measure_case(
    arguments: &Arguments,
    place: &Path,
    case: &Case,
    records: u64,
    expected: &mut Vec<(Query, Digest)>,
) -> Result<Vec<Line>, Failure> {
    let answers = |engine: &Engine| engine.answers(case.parallelism);
    let engines: Vec<Engine> = arguments.engines.iter().copied().filter(answers).collect();
    let mut flink = match engines.contains(&Engine::Flink) {
        true => Some(Flink::start(&arguments.flink, place, case)?),
        false => None,
    };
    let mut run = |engine: Engine| -> Result<Cost, Failure> {
        case.clear()?;
        match &mut flink {
            Some(flink) if engine == Engine::Flink => flink.run(case),
            _ => measure::child(&to_child(engine, case)),
        }
    };
    for &engine in &engines {
        eprintln!("{} at parallelism {}: {}", case.query.name(), case.parallelism, engine.name());
        run(engine)?;
        let found = digest::of(&case.output, case.query)?;
        // Flink does not close windows of the clock when its input ends.
        if engine == Engine::Flink && case.query.is_of_the_clock() {
            continue;
        }
        match expected.iter().find(|(query, _)| *query == case.query) {
            None => expected.push((case.query, found)),
            Some((query, expected)) if *expected != found => {
                let (query, engine) = (query.name(), engine.name());
                return Err(format!("{query}: {engine} has written other rows: {found:?}, not {expected:?}").into());
            }
            Some(_) => {}
        }
    }
    let mut costs = vec![Vec::new(); engines.len()];
    for _ in 0..arguments.rounds {
        for (&engine, costs) in engines.iter().zip(&mut costs) {
            costs.push(run(engine)?);
        }
    }
    case.clear()?;
    let rows = expected.iter().find(|(query, _)| *query == case.query).map_or(0, |(_, digest)| digest.rows);
    let line =
        |(engine, costs)| Line { query: case.query, parallelism: case.parallelism, records, rows, engine, costs };
    Ok(engines.into_iter().zip(costs).map(line).collect())
}

fn to_child(engine: Engine, case: &Case) -> Vec<String> {
    let (input, output) = (case.input.display().to_string(), case.output.display().to_string());
    vec![engine.name(), case.query.name(), case.parallelism.to_string(), input, output]
}

fn child(given: &[String]) -> Result<(), Failure> {
    let [engine, query, parallelism, input, output] = given else {
        return Err("give contender, query, parallelism, input and output".into());
    };
    let engine = <Engine as clap::ValueEnum>::from_str(engine, false)?;
    let query = <Query as clap::ValueEnum>::from_str(query, false)?;
    let case = Case { query, parallelism: parallelism.parse()?, input: input.into(), output: output.into() };
    match engine {
        Engine::Loop => Ok(hand::run(&case)?),
        Engine::Timely => timely_dataflow::run(&case),
        Engine::Typed => typed::run(&case),
        Engine::Sql => sql::run(&case),
        Engine::Flink => Err("Flink is no child".into()),
    }
}
