//! The auction as a table.

use super::COLUMNS;
use crate::config::Config;
use crate::sql::exec::job;
use crate::sql::{Env, plan};
use crate::testing::Simulation;
use crate::time::Timestamp;
use std::fs;

fn columns() -> String {
    COLUMNS.map(|(name, data_type)| format!("{name} {}", data_type.replace("dateTime", "`dateTime`"))).join(", ")
}

fn program(columns: &str, options: &str, query: &str, path: &str) -> String {
    format!(
        "CREATE TABLE nexmark ({columns}) WITH ('connector' = 'nexmark'{options});
         CREATE TABLE out (a BIGINT, b STRING) WITH ('connector' = 'filesystem', 'path' = 'file://{path}',
                                                     'format' = 'csv');
         INSERT INTO out {query}"
    )
}

fn rows(options: &str, query: &str, chance: impl FnOnce(&mut Simulation)) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out");
    let watermark = "dt AS CASE WHEN event_type = 0 THEN person.`dateTime` WHEN event_type = 1 THEN auction.`dateTime`
                     ELSE bid.`dateTime` END, WATERMARK FOR dt AS dt - INTERVAL '4' SECOND";
    let text = program(&format!("{}, {watermark}", columns()), options, query, &path.display().to_string());
    let env = Env::default();
    let program = plan(&text, &env).unwrap_or_else(|error| panic!("{error}"));
    let job = job(&program, &env, Timestamp::EPOCH).unwrap();
    let mut simulation = Simulation::start(&job, Config::default().parallelism(2).batch_size(64), 1).unwrap();
    chance(&mut simulation);
    simulation.run().unwrap();
    let mut lines: Vec<String> = fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn persons_auctions_and_bids_are_read_from_one_table() {
    let events = ", 'events.num' = '1000'";
    let persons = rows(events, "SELECT person.id, person.state FROM nexmark WHERE event_type = 0", |_| ());
    assert_eq!(persons.len(), 20);
    assert!(persons[0].starts_with("1000,"), "{}", persons[0]);
    let auctions = rows(events, "SELECT auction.category, 'x' FROM nexmark WHERE auction IS NOT NULL", |_| ());
    assert_eq!(auctions.len(), 60);
    let query = "SELECT bid.price, bid.channel FROM nexmark WHERE event_type = 2";
    let bids = rows(events, query, |_| ());
    assert_eq!(bids.len(), 920);
    let crashed = rows(&format!("{events}, 'scan.parallelism' = '3'"), query, |simulation| {
        simulation.checkpoints_one_in(20).crashes_one_in(40, 4);
    });
    assert_eq!(crashed, bids);
}

#[test]
fn another_table_and_a_rate_that_changes_are_refused() {
    let refused = |columns: &str, options: &str| {
        let text = program(columns, options, "SELECT bid.price, bid.channel FROM nexmark", "/tmp/out");
        plan(&text, &Env::default()).map(|program| program.explain()).unwrap_err().to_string()
    };
    let found = refused("bid ROW<price BIGINT, channel STRING>", "");
    assert!(
        found.contains("its columns are not the benchmark's; write (event_type INT, person ROW<id BIGINT"),
        "{found}"
    );
    assert!(found.contains("`dateTime` TIMESTAMP(3)"), "{found}");
    let cases = [
        (", 'first-event.rate' = '5'", "'next-event.rate' is 10000; give both the same"),
        (", 'person.proportion' = '0'", "'person.proportion' is a number from 1, not '0'"),
        (", 'bid.avg-size' = '-1'", "'bid.avg-size' is a number from 0"),
        (", 'out-of-orderness' = '60 days'", "'out-of-orderness' is at most 49 days"),
        (", 'event.num' = '5'", "did you mean `events.num`?"),
    ];
    for (options, message) in cases {
        let found = refused(&columns(), options);
        assert!(found.contains(message), "{options}: {found}");
    }
}
