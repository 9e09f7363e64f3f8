//! The table.

use crate::case::Engine;
use crate::measure::{Cost, Median};
use crate::query::Query;
use std::fmt::Write;
use std::fs;

/// What one contender has cost at one query.
pub struct Line {
    pub query: Query,
    pub parallelism: usize,
    pub records: u64,
    pub rows: u64,
    pub engine: Engine,
    pub costs: Vec<Cost>,
}

/// The figures as Markdown; ratios are to the first contender of the same query and parallelism, round by round.
pub fn table(lines: &[Line], rounds: usize) -> String {
    let mut text = String::new();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    // Writing to a text does not fail.
    let _ = writeln!(text, "Medians of {rounds} rounds (least-most); {cores} cores, load {load}.\n");
    let _ = writeln!(
        text,
        "| query | p | contender | CPU s | CPU of the first | M records/CPU s | wall s | M records/s | peak MiB | rows |"
    );
    let _ = writeln!(text, "|---|---|---|---|---|---|---|---|---|---|");
    let mut first = None;
    for line in lines {
        let case = (line.query, line.parallelism);
        let costs = match first {
            Some((known, costs)) if known == case => costs,
            _ => &line.costs,
        };
        first = Some((case, costs));
        let of = |figure: fn(&Cost) -> f64| Median::of(line.costs.iter().map(figure));
        let (cpu, wall, peak) = (of(|cost| cost.cpu), of(|cost| cost.wall), of(|cost| cost.peak));
        let millions = line.records as f64 / 1e6;
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.2} | {} | {:.2} | {} | {} |",
            line.query.name(),
            line.parallelism,
            line.engine.name(),
            cpu.spread(2),
            Median::ratio(&line.costs, costs, |cost| cost.cpu).spread(2),
            millions / cpu.value,
            wall.spread(2),
            millions / wall.value,
            peak.spread(0),
            line.rows,
        );
    }
    text
}
