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
fn rows(text: &str) -> Vec<String> {
    let shown = Mutex::new(None);
    let found = three_lives(7, || {
        let collected = Arc::default();
        let connectors = Registry::standard().with_connector(Collecting(Arc::clone(&collected)));
        let env = Env { connectors };
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
struct Input(tempfile::TempDir);

impl Input {
    fn new(lines: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("in"), lines.join("\n") + "\n").unwrap();
        Input(directory)
    }

    fn path(&self) -> String {
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
