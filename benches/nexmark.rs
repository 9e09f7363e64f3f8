//! Queries of Nexmark in SQL over a file of bids, exactly once and with a checkpoint each second, against loops written by
//! hand.
//!
//! `cargo bench --bench nexmark`, with `--quick`, `--rounds N`, or numbers of bids. Both read the same CSV file and write
//! CSV files; the loops (`support/bid_loops.rs`) do nothing else, with one thread and hash maps. Before anything is
//! measured, the rows of both are compared. SQL is measured with planning.

#[path = "support/bid_loops.rs"]
mod bid_loops;
#[path = "support/measure.rs"]
mod measure;

use bid_loops::Query;
use measure::{Arguments, Cost, Failure, Median};
use millstream::prelude::*;
use millstream::sql::connector::nexmark::{Event, Generator, Shape};
use millstream::sql::{Env, exec, plan};
use mimalloc::MiMalloc;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const QUERIES: [(&str, Query, &str, &str); 3] = [
    (
        "q1",
        Query::Q1,
        "auction BIGINT, bidder BIGINT, price DECIMAL(23, 3), dateTime TIMESTAMP(3), extra STRING",
        "SELECT auction, bidder, CAST(0.908 AS DECIMAL(4, 3)) * price, dateTime, extra FROM bid",
    ),
    (
        "q5",
        Query::Q5,
        "auction BIGINT, num BIGINT, window_start TIMESTAMP(3), window_end TIMESTAMP(3)",
        "SELECT a.auction, a.num, a.window_start, a.window_end
         FROM counts AS a JOIN (
           SELECT MAX(num) AS most, window_start, window_end FROM counts GROUP BY window_start, window_end) AS m
         ON a.window_start = m.window_start AND a.window_end = m.window_end AND a.num = m.most",
    ),
    (
        "q7",
        Query::Q7,
        "auction BIGINT, bidder BIGINT, price BIGINT, dateTime TIMESTAMP(3), window_end TIMESTAMP(3)",
        "SELECT b.auction, b.bidder, b.price, b.dateTime, b.window_end
         FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(dateTime), INTERVAL '10' SECOND)) AS b JOIN (
           SELECT MAX(price) AS most, window_start, window_end
           FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(dateTime), INTERVAL '10' SECOND))
           GROUP BY window_start, window_end) AS m
         ON b.window_start = m.window_start AND b.window_end = m.window_end AND b.price = m.most",
    ),
];

fn main() -> ExitCode {
    measure::main(parent, child)
}

fn parent(arguments: Arguments) -> Result<(), Failure> {
    let sizes = match &arguments.sizes[..] {
        [] if arguments.quick => vec![100_000],
        [] => vec![5_000_000],
        sizes => sizes.to_vec(),
    };
    let place = tempfile::tempdir()?;
    let bids = place.path().join("bids.csv");
    let mut rows = Vec::new();
    for size in sizes {
        write_bids(&bids, size)?;
        for (name, ..) in QUERIES {
            let given = |who: &str| -> Vec<String> {
                let (input, output) = (bids.display().to_string(), place.path().join(who).display().to_string());
                vec![who.to_owned(), name.to_owned(), input, output]
            };
            let contenders = ["sql", "loop"].map(given);
            let written = compare(&contenders)?;
            let costs = measure::rounds(arguments.rounds, &contenders)?;
            let [sql, hand] = &costs[..] else { return Err("two contenders give two lists".into()) };
            let millions = |costs: &[Cost]| Median::of(costs.iter().map(|cost| size as f64 / cost.cpu / 1e6)).spread(2);
            let wall = |costs: &[Cost]| Median::of(costs.iter().map(|cost| cost.wall)).spread(2);
            rows.push(vec![
                name.to_owned(),
                size.to_string(),
                Median::ratio(sql, hand, |cost| cost.cpu).spread(2),
                millions(sql),
                millions(hand),
                wall(sql),
                wall(hand),
                Median::of(sql.iter().map(|cost| cost.peak)).spread(0),
                written.to_string(),
            ]);
        }
    }
    let columns = ["query", "bids", "CPU ratio", "M bids/CPU s", "loop's", "wall s", "loop's", "peak MiB", "rows"];
    measure::table("Nexmark in SQL, exactly once, checkpoints each second, against loops by hand", &columns, &rows)?;
    Ok(())
}

/// Writes so many bids as lines of CSV.
fn write_bids(to: &Path, count: u64) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(256 * 1024, File::create(to)?);
    let generator = Generator::new(Shape::default());
    let bids = (0..).filter_map(|number| match generator.event(number) {
        Event::Bid(bid) => Some(bid),
        _ => None,
    });
    for bid in bids.take(usize::try_from(count)?) {
        let time = bid_loops::text(bid.time.millis());
        writeln!(out, "{},{},{},{},{},{time},{}", bid.auction, bid.bidder, bid.price, bid.channel, bid.url, bid.extra)?;
    }
    Ok(out.flush()?)
}

/// Runs each contender once, and returns how many rows they have written, which must be the same ones.
fn compare(contenders: &[Vec<String>]) -> Result<usize, Failure> {
    let mut found = Vec::new();
    for contender in contenders {
        measure::child(contender)?;
        let text = fs::read_to_string(&contender[3])?;
        let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
        rows.sort_unstable();
        found.push(rows);
    }
    let differs = found[0].iter().zip(&found[1]).find(|(ours, hand)| ours != hand);
    if found[0].len() != found[1].len() || differs.is_some() {
        let counts = (found[0].len(), found[1].len());
        return Err(format!("the contenders have written different rows: {counts:?}, {differs:?}").into());
    }
    Ok(found[0].len())
}

fn child(given: &[String]) -> Result<(), Failure> {
    let [who, name, input, output] = given else { return Err("give who, query, input and output".into()) };
    let found = QUERIES.into_iter().find(|(query, ..)| query == name);
    let (_, query, columns, select) = found.ok_or_else(|| format!("there is no query {name}"))?;
    if who == "loop" {
        bid_loops::run(query, Path::new(input), Path::new(output))?;
        return Ok(());
    }
    let text = format!(
        "CREATE TABLE bid (
           auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, dateTime TIMESTAMP(3), extra STRING,
           WATERMARK FOR dateTime AS dateTime - INTERVAL '4' SECOND
         ) WITH ('connector' = 'filesystem', 'path' = '{input}', 'format' = 'csv');
         CREATE VIEW counts AS
           SELECT auction, COUNT(*) AS num, window_start, window_end
           FROM TABLE(HOP(TABLE bid, DESCRIPTOR(dateTime), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
           GROUP BY auction, window_start, window_end;
         CREATE TABLE answer ({columns}) WITH ('connector' = 'filesystem', 'path' = '{output}', 'format' = 'csv');
         INSERT INTO answer {select}"
    );
    let state = Path::new(output).with_extension("state");
    let config = Config::default().state_dir(state).checkpoint_interval(seconds(1)).fresh(true);
    let env = Env::default();
    exec::job(&plan(&text, &env)?, &env, Timestamp::EPOCH)?.run(config)?;
    Ok(())
}
