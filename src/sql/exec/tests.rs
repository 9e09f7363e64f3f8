//! Whole programs, in three lives.

use super::job;
use crate::connector::{CollectSink, Collected};
use crate::sql::catalog::{OptionError, Takes};
use crate::sql::connector::{Connector, OptionDoc, Options, Output, Registry};
use crate::sql::row::{Row, RowCodec};
use crate::sql::{Env, plan};
use crate::testing::three_lives;
use crate::time::Timestamp;
use arrow::datatypes::{Field, Schema};
use std::sync::{Arc, Mutex};

/// Collects the rows of the one table that is written.
struct Collecting(Arc<Mutex<Option<Collected<Row>>>>);

impl Connector for Collecting {
    fn name(&self) -> &str {
        "collect"
    }

    fn doc(&self) -> &str {
        "for tests"
    }

    fn options(&self) -> &[OptionDoc] {
        &[]
    }

    fn sink(&self, _: Options<'_>) -> Result<Output, OptionError> {
        let sink = CollectSink::new();
        *self.0.lock().unwrap() = Some(sink.handle());
        Ok(Output::rows(Takes::Changes, sink))
    }
}

/// The rows that a program writes into its table `out`, the same in three lives, as they are printed.
pub(super) fn rows(text: &str) -> Vec<String> {
    let shown = Mutex::new(None);
    let found = three_lives(7, || {
        let collected = Arc::default();
        let connectors = Registry::standard().with_connector(Collecting(Arc::clone(&collected)));
        let env = Env { connectors, ..Env::default() };
        let program = plan(text, &env).unwrap_or_else(|error| panic!("{error}"));
        let field = |c: &crate::sql::Column| Field::new(&c.name, c.data_type.clone(), true);
        let schema = Schema::new(program.tables["out"].written().map(field).collect::<Vec<_>>());
        *shown.lock().unwrap() = Some(RowCodec::new(&schema).unwrap());
        let job = job(&program, &env, Timestamp::EPOCH).unwrap_or_else(|error| panic!("{error}"));
        let rows = collected.lock().unwrap().take().unwrap();
        (job, rows)
    });
    let codec = shown.lock().unwrap().take().unwrap();
    let mut shown: Vec<String> = found.unwrap().iter().map(|row| codec.show(row)).collect();
    shown.sort();
    shown
}

/// A file of lines that lives as long as the test.
pub(super) struct Input(tempfile::TempDir);

impl Input {
    pub(super) fn new(lines: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("in"), lines.join("\n") + "\n").unwrap();
        Input(directory)
    }

    pub(super) fn path(&self) -> String {
        self.0.path().join("in").display().to_string()
    }
}

const HITS: [&str; 6] = [
    "ada,1970-01-01 00:00:01,3",
    "bob,1970-01-01 00:00:02,4",
    "ada,1970-01-01 00:00:09,5",
    "ada,1970-01-01 00:00:14,7",
    "bob,1970-01-01 00:00:26,",
    "cyd,1970-01-01 00:00:40,1",
];

/// A program over hits in a file.
fn over_hits(out: &str, insert: &str) -> Vec<String> {
    let input = Input::new(&HITS);
    rows(&format!(
        "CREATE TABLE hits (who STRING, ts TIMESTAMP_LTZ(3), n INT,
           WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
         WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv', 'csv.null-literal' = '');
         CREATE TABLE out ({out}) WITH ('connector' = 'collect');
         INSERT INTO out {insert}",
        input.path()
    ))
}

#[test]
fn rows_are_filtered_and_columns_computed() {
    let found = over_hits("who STRING, n BIGINT", "SELECT UPPER(who), n * 2 FROM hits WHERE n > 3");
    assert_eq!(found, ["+I[ADA, 10]", "+I[ADA, 14]", "+I[BOB, 8]"]);
}

#[test]
fn rows_are_counted_by_window_and_key() {
    let found = over_hits(
        "who STRING, at TIMESTAMP(3), hits BIGINT, total BIGINT, mean DOUBLE, least INT",
        "SELECT who, window_start, COUNT(*), SUM(n), AVG(n), MIN(n)
         FROM TABLE(TUMBLE(TABLE hits, DESCRIPTOR(ts), INTERVAL '10' SECOND))
         GROUP BY who, window_start, window_end",
    );
    assert_eq!(
        found,
        [
            "+I[ada, 1970-01-01T00:00:00, 2, 8, 4.0, 3]",
            "+I[ada, 1970-01-01T00:00:10, 1, 7, 7.0, 7]",
            "+I[bob, 1970-01-01T00:00:00, 1, 4, 4.0, 4]",
            "+I[bob, 1970-01-01T00:00:20, 1, null, null, null]",
            "+I[cyd, 1970-01-01T00:00:40, 1, 1, 1.0, 1]",
        ]
    );
}

#[test]
fn a_watermark_told_behind_each_row_makes_the_next_one_late_whatever_batch_it_comes_in() {
    // The row that is filtered out has moved the watermark to second 11.
    let input = Input::new(&["ada,1970-01-01 00:00:01", "-,1970-01-01 00:00:11", "ada,1970-01-01 00:00:02"]);
    let views = rows(&format!(
        "CREATE TABLE hits (who STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
         WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv',
               'scan.watermark.emit.strategy' = 'on-event');
         CREATE TABLE out (at TIMESTAMP(3), hits BIGINT) WITH ('connector' = 'collect');
         INSERT INTO out SELECT window_start, COUNT(*)
         FROM TABLE(TUMBLE(TABLE hits, DESCRIPTOR(ts), INTERVAL '10' SECOND))
         WHERE who <> '-' GROUP BY window_start, window_end",
        input.path()
    ));
    assert_eq!(views, ["+I[1970-01-01T00:00:00, 1]"]);
}

#[test]
fn a_window_by_the_clock_holds_what_comes_while_it_is_open() {
    // Of a day, so that all rows are in one, whatever crashes.
    for window in [
        "TUMBLE(TABLE hits, DESCRIPTOR(proc), INTERVAL '1' DAY)",
        "HOP(TABLE hits, DESCRIPTOR(proc), INTERVAL '1' DAY, INTERVAL '1' DAY)",
        "SESSION(TABLE hits PARTITION BY who, DESCRIPTOR(proc), INTERVAL '1' DAY)",
    ] {
        let input = Input::new(&HITS);
        let found = rows(&format!(
            "CREATE TABLE hits (who STRING, at STRING, n INT, proc AS PROCTIME())
             WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv', 'csv.null-literal' = '');
             CREATE TABLE out (who STRING, hits BIGINT, n BIGINT, is_open BOOLEAN) WITH ('connector' = 'collect');
             INSERT INTO out SELECT who, COUNT(*), SUM(n), window_start < window_end FROM TABLE({window})
             WHERE who <> 'cyd' GROUP BY who, window_start, window_end",
            input.path()
        ));
        assert_eq!(found, ["+I[ada, 3, 15, true]", "+I[bob, 2, 4, true]"], "{window}");
    }
}

#[test]
fn windows_that_overlap_grow_or_wait_for_silence_are_counted() {
    let by = |window: &str| {
        over_hits(
            "who STRING, a TIMESTAMP(3), z TIMESTAMP(3), hits BIGINT",
            &format!(
                "SELECT who, window_start, window_end, COUNT(*) FROM TABLE({window})
                 WHERE who = 'ada' GROUP BY who, window_start, window_end"
            ),
        )
    };
    let row = |a: &str, z: &str, hits: u32| format!("+I[ada, 1970-01-01T00:00:{a}, 1970-01-01T00:00:{z}, {hits}]");
    assert_eq!(
        by("HOP(TABLE hits, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '20' SECOND)"),
        ["+I[ada, 1969-12-31T23:59:50, 1970-01-01T00:00:10, 2]".to_owned(), row("00", "20", 3), row("10", "30", 1)]
    );
    assert_eq!(
        by("CUMULATE(TABLE hits, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '20' SECOND)"),
        [row("00", "10", 2), row("00", "20", 3)]
    );
    assert_eq!(
        by("SESSION(TABLE hits PARTITION BY who, DESCRIPTOR(ts), INTERVAL '6' SECOND)"),
        [row("01", "07", 1), row("09", "20", 2)]
    );
}

#[test]
fn what_is_filtered_behind_a_window_is_aggregated_again_by_the_same_window() {
    let found = over_hits(
        "at TIMESTAMP(3), people BIGINT, hits BIGINT",
        "SELECT window_start, COUNT(*), SUM(hits) FROM (
           SELECT who, window_start, window_end, COUNT(*) AS hits
           FROM TABLE(TUMBLE(TABLE hits, DESCRIPTOR(ts), INTERVAL '10' SECOND))
           GROUP BY who, window_start, window_end HAVING COUNT(*) > 0)
         GROUP BY window_start, window_end",
    );
    let rows = ["00, 2, 3", "10, 1, 1", "20, 1, 1", "40, 1, 1"];
    assert_eq!(found, rows.map(|row| format!("+I[1970-01-01T00:00:{row}]")));
}

#[test]
fn aggregates_count_what_their_filter_lets_through_and_equal_values_once() {
    let found = over_hits(
        "who BIGINT, many BIGINT, some BIGINT, names BIGINT, mean DOUBLE",
        "SELECT COUNT(DISTINCT who), COUNT(*), COUNT(*) FILTER (WHERE n > 4), APPROX_DISTINCT(who), AVG(DISTINCT n)
         FROM TABLE(TUMBLE(TABLE hits, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end",
    );
    assert_eq!(found, ["+I[3, 6, 2, 3, 4.0]"]);
}

#[test]
fn the_first_rows_of_a_window_are_numbered() {
    let found = over_hits(
        "who STRING, n INT, place BIGINT",
        "SELECT who, n, place FROM (
           SELECT who, n, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n DESC) AS place
           FROM TABLE(TUMBLE(TABLE hits, DESCRIPTOR(ts), INTERVAL '20' SECOND)))
         WHERE place <= 2",
    );
    assert_eq!(found, ["+I[ada, 5, 2]", "+I[ada, 7, 1]", "+I[bob, null, 1]", "+I[cyd, 1, 1]"]);
}

#[test]
fn the_earliest_row_of_each_key_is_given_once() {
    let found = over_hits(
        "who STRING, n INT",
        "SELECT who, n FROM (SELECT who, n, ROW_NUMBER() OVER (PARTITION BY who ORDER BY ts) AS place FROM hits)
         WHERE place = 1",
    );
    assert_eq!(found, ["+I[ada, 3]", "+I[bob, 4]", "+I[cyd, 1]"]);
}

#[test]
fn results_without_windows_change_row_by_row() {
    let found = over_hits("who STRING, hits BIGINT", "SELECT who, SUM(n) FROM hits WHERE who <> 'ada' GROUP BY who");
    assert_eq!(found, ["+I[bob, 4]", "+I[cyd, 1]"]);
    let found = over_hits("hits BIGINT", "SELECT COUNT(*) FROM hits");
    let (first, rest) = (found[0].clone(), &found[1..]);
    assert_eq!((first.as_str(), rest.len()), ("+I[1]", 10), "{rest:?}");
    assert!(found.contains(&"-U[5]".to_owned()) && found.contains(&"+U[6]".to_owned()));
}

#[test]
fn the_latest_row_and_the_greatest_rows_replace_those_before() {
    let found = over_hits(
        "who STRING, n INT",
        "SELECT who, n FROM (SELECT who, n, ROW_NUMBER() OVER (PARTITION BY who ORDER BY ts DESC) AS place FROM hits)
         WHERE place = 1",
    );
    assert_eq!(
        found,
        ["+I[ada, 3]", "+I[bob, 4]", "+I[cyd, 1]", "+U[ada, 5]", "+U[ada, 7]", "+U[bob, null]"]
            .into_iter()
            .chain(["-U[ada, 3]", "-U[ada, 5]", "-U[bob, 4]"])
            .collect::<Vec<_>>()
    );
    let found = over_hits("who STRING, n INT", "SELECT who, n FROM hits WHERE n > 4 ORDER BY n DESC LIMIT 1");
    assert_eq!(found, ["+I[ada, 5]", "+U[ada, 7]", "-U[ada, 5]"]);
}

#[test]
fn rows_of_several_queries_and_of_the_text_come_together() {
    let found = over_hits(
        "who STRING",
        "SELECT who FROM hits WHERE n = 7 UNION ALL SELECT UPPER(who) FROM hits WHERE n = 1 UNION ALL VALUES ('dan')",
    );
    assert_eq!(found, ["+I[CYD]", "+I[ada]", "+I[dan]"]);
    // Both sides are of one table, which is read once, with the columns of both.
    let found = over_hits(
        "x STRING",
        "SELECT who FROM hits WHERE n = 7 UNION ALL SELECT CAST(n AS STRING) FROM hits WHERE n = 1",
    );
    assert_eq!(found, ["+I[1]", "+I[ada]"]);
}

#[test]
fn rows_that_are_taken_back_no_longer_count() {
    let input = Input::new(&[
        r#"{"op":"c","after":{"id":1,"city":"Oslo","n":3}}"#,
        r#"{"op":"c","after":{"id":2,"city":"Oslo","n":5}}"#,
        r#"{"op":"u","before":{"id":2,"city":"Oslo","n":5},"after":{"id":2,"city":"Bergen","n":5}}"#,
        r#"{"op":"d","before":{"id":1,"city":"Oslo","n":3}}"#,
    ]);
    let found = rows(&format!(
        "CREATE TABLE orders (id INT, city STRING, n INT)
           WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'debezium-json');
         CREATE TABLE out (city STRING, orders BIGINT, most INT) WITH ('connector' = 'collect');
         INSERT INTO out SELECT city, COUNT(*), MAX(n) FROM orders GROUP BY city",
        input.path()
    ));
    assert_eq!(
        found,
        ["+I[Bergen, 1, 5]", "+I[Oslo, 1, 3]", "+U[Oslo, 1, 3]", "+U[Oslo, 2, 5]"]
            .into_iter()
            .chain(["-D[Oslo, 1, 3]", "-U[Oslo, 1, 3]", "-U[Oslo, 2, 5]"])
            .collect::<Vec<_>>()
    );
}
