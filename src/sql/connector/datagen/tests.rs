//! What is made, and what is refused.

use crate::config::Config;
use crate::sql::exec::job;
use crate::sql::{Env, plan};
use crate::testing::Simulation;
use crate::time::Timestamp;
use std::fs;

/// Why a table is refused.
fn refusal(columns: &str, options: &str) -> String {
    let text = format!(
        "CREATE TABLE t ({columns}) WITH ('connector' = 'datagen'{options});
         CREATE TABLE out (n BIGINT) WITH ('connector' = 'blackhole');
         INSERT INTO out SELECT COUNT(*) FROM t"
    );
    plan(&text, &Env::default()).map(|program| program.explain()).unwrap_err().to_string()
}

/// The rows of a table, as lines of JSON in order of their text, with this said to chance.
fn rows(columns: &str, options: &str, seed: u64, chance: impl FnOnce(&mut Simulation)) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out");
    let text = format!(
        "CREATE TABLE t ({columns}) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000000'{options});
         CREATE TABLE out ({columns}) WITH ('connector' = 'filesystem', 'path' = 'file://{}', 'format' = 'json');
         INSERT INTO out SELECT * FROM t",
        path.display()
    );
    let env = Env::default();
    let program = plan(&text, &env).unwrap_or_else(|error| panic!("{error}"));
    let job = job(&program, &env, Timestamp::EPOCH).unwrap();
    let mut simulation = Simulation::start(&job, Config::default().parallelism(2).batch_size(4), seed).unwrap();
    chance(&mut simulation);
    simulation.run().unwrap();
    let mut lines: Vec<String> = fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

const ALL: &str = "id BIGINT, b BOOLEAN, i TINYINT, j SMALLINT, k INT, f FLOAT, g DOUBLE, d DECIMAL(38, 4), s STRING, y BYTES, \
     day DATE, t TIME, ts TIMESTAMP(3), tz TIMESTAMP_LTZ(3), a ARRAY<INT>, m MAP<STRING, INT>, r ROW<x INT, y STRING>";

#[test]
fn all_types_are_made_and_the_same_rows_come_whatever_crashes() {
    let options = ", 'fields.id.kind' = 'sequence', 'fields.id.start' = '10', 'fields.id.end' = '69',
                   'fields.ts.max-past' = '1 h', 'fields.s.length' = '8', 'fields.k.null-rate' = '0.5',
                   'fields.a.element.min' = '1', 'fields.a.element.max' = '2', 'fields.r.x.max' = '0'";
    let expected = rows(ALL, options, 1, |_| ());
    assert_eq!(expected.len(), 60);
    for seed in 2..5 {
        let found = rows(ALL, options, seed, |simulation| {
            simulation.checkpoints_one_in(20).crashes_one_in(40, 4).panics_one_in(30);
        });
        assert_eq!(found, expected, "seed {seed}");
    }
    let dealt = rows(ALL, &format!("{options}, 'scan.parallelism' = '3'"), 1, |_| ());
    assert_eq!(dealt, expected);
    let other = rows(ALL, &format!("{options}, 'seed' = '1'"), 1, |_| ());
    assert!(other.iter().all(|row| !expected.contains(row)));
    let row: serde_json::Value = serde_json::from_str(&expected[0]).unwrap();
    assert_eq!(row["id"], 10);
    assert_eq!(row["s"].as_str().map(str::len), Some(8));
    assert_eq!(row["day"], "2020-01-01");
    assert!(
        row["ts"].as_str().unwrap() >= "2019-12-31 23:00:00" && row["ts"].as_str().unwrap() <= "2020-01-01 00:00:00"
    );
    assert!(row["a"].as_array().unwrap().iter().all(|n| *n == 1 || *n == 2));
    assert!(row["r"]["x"].as_i64().unwrap() <= 0);
    let nulls = expected.iter().filter(|row| row.contains("\"k\":null")).count();
    assert!((15..45).contains(&nulls), "{nulls}");
}

#[test]
fn the_table_ends_with_its_shortest_sequence_or_its_number_of_rows() {
    let sequence = |field: &str, start: &str, end: &str| {
        format!(
            ", 'fields.{field}.kind' = 'sequence', 'fields.{field}.start' = '{start}', 'fields.{field}.end' = '{end}'"
        )
    };
    let two = sequence("n", "1", "9") + &sequence("s", "-1", "1");
    let found = rows("n INT, s STRING", &two, 1, |_| ());
    assert_eq!(found, [r#"{"n":1,"s":"-1"}"#, r#"{"n":2,"s":"0"}"#, r#"{"n":3,"s":"1"}"#]);
    let found = rows("n INT, s STRING", &(two + ", 'number-of-rows' = '2'"), 1, |_| ());
    assert_eq!(found.len(), 2);
    let found = rows("n DECIMAL(4, 1), f DOUBLE", &(sequence("n", "7", "7") + &sequence("f", "5", "6")), 1, |_| ());
    assert_eq!(found, [r#"{"n":7.0,"f":5.0}"#]);
    assert!(rows("n INT", ", 'number-of-rows' = '0'", 1, |_| ()).is_empty());
}

#[test]
fn the_clock_of_the_table_goes_on_with_its_rows() {
    let options = ", 'number-of-rows' = '3', 'base-time' = '2024-02-29 23:59:58'";
    let text = "CREATE TABLE t (ts TIMESTAMP(3)) WITH ('connector' = 'datagen', 'rows-per-second' = '1000'";
    let env = Env::default();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out");
    let text = format!(
        "{text}{options}); CREATE TABLE out (ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '{}',
         'format' = 'csv'); INSERT INTO out SELECT * FROM t",
        path.display()
    );
    let program = plan(&text, &env).unwrap_or_else(|error| panic!("{error}"));
    let job = job(&program, &env, Timestamp::EPOCH).unwrap();
    Simulation::start(&job, Config::default(), 1).unwrap().run().unwrap();
    let written = fs::read_to_string(path).unwrap().replace('"', "");
    let times: Vec<&str> = written.lines().collect();
    assert_eq!(times, ["2024-02-29 23:59:58", "2024-02-29 23:59:58.001", "2024-02-29 23:59:58.002"]);
}

#[test]
fn what_cannot_be_made_is_told_with_what_can() {
    let cases = [
        ("n INT", ", 'rows-per-second' = '0'", "'rows-per-second' is a number from 1, not '0'"),
        ("n INT", ", 'fields.m.min' = '1'", "no option is called `fields.m.min`; did you mean `fields.n.min`?"),
        ("n INT", ", 'fields.n.length' = '1'", "no option is called `fields.n.length`"),
        ("n INT", ", 'fields.n.kind' = 'sequenc'", "did you mean `sequence`?"),
        ("n INT", ", 'fields.n.kind' = 'sequence'", "write 'fields.n.start' = '1'"),
        ("n TINYINT", ", 'fields.n.max' = '128'", "'fields.n.max' is a TINYINT, not '128'"),
        ("n INT", ", 'fields.n.min' = '2', 'fields.n.max' = '1'", "'fields.n.min' is above 'fields.n.max'"),
        ("n INT", ", 'fields.n.null-rate' = '2'", "is a number from 0 to 1"),
        ("n INT NOT NULL", ", 'fields.n.null-rate' = '0.5'", "`n` is NOT NULL"),
        ("n DATE", ", 'fields.n.kind' = 'sequence'", "a DATE has no sequence"),
        ("s STRING", ", 'fields.s.length' = '0'", "'fields.s.length' is a number from 1"),
        ("s STRING", ", 'fields.s.length' = '4000000000'", "larger than 64 MiB"),
        ("m MAP<INT, INT>", ", 'fields.m.key.null-rate' = '0.1'", "keys of a MAP are never NULL"),
        ("n INT", ", 'base-time' = 'noon'", "'base-time' is a time like"),
        ("n INT", ", 'scan.parallelism' = '0'", "'scan.parallelism' is a number from 1"),
        (
            "n TINYINT",
            ", 'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '200'",
            "'fields.n.end' is a whole number that a TINYINT holds, not '200'",
        ),
        (
            "n INT",
            ", 'fields.n.kind' = 'sequence', 'fields.n.start' = '3', 'fields.n.end' = '2'",
            "'fields.n.start' is 3, above 'fields.n.end', which is 2",
        ),
    ];
    for (columns, options, message) in cases {
        let found = refusal(columns, options);
        assert!(found.contains(message), "{columns}{options}: {found}");
    }
}
