//! Tables read from end to end.

use super::scan;
use crate::api::Job;
use crate::connector::{CollectSink, MemorySource};
use crate::prelude::Config;
use crate::record::{DeadLetter, Remains};
use crate::sql::catalog::OptionError;
use crate::sql::connector::{Connector, Input, OptionDoc, Options, Registry};
use crate::sql::eval::Expressions;
use crate::sql::format::{Format, Found, ReadLine, WriteLine};
use crate::sql::row::{Row, RowCodec, RowKind, Value};
use crate::sql::{Env, Table, plan};
use crate::testing::{Probe, Simulation, three_lives};
use crate::time::Timestamp;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion_common::DFSchema;
use datafusion_expr::{Expr, col, lit};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A table as it is created.
fn table(registry: Registry, text: &str) -> (Registry, Arc<Table>) {
    let env = Env { connectors: registry, ..Env::default() };
    let program = plan(text, &env).unwrap_or_else(|error| panic!("{error}"));
    let table = program.tables.values().next().unwrap();
    (env.connectors, Arc::clone(table))
}

/// A table of the CSV files in a directory.
fn csv(directory: &Path, columns: &str, options: &str) -> (Registry, Arc<Table>) {
    let text = format!(
        "CREATE TABLE t ({columns})
         WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv'{options})",
        directory.display()
    );
    table(Registry::standard(), &text)
}

fn schema(table: &Table, columns: &[usize]) -> Schema {
    let field = |at: &usize| Field::new(&table.columns[*at].name, table.columns[*at].data_type.clone(), true);
    Schema::new(columns.iter().map(field).collect::<Vec<_>>())
}

/// Keeps rows, and then computes columns of them, all under the name and type of the first column.
fn steps(table: &Table, columns: &[usize], filter: Expr, project: Option<&[Expr]>) -> Vec<Arc<Expressions>> {
    let input = DFSchema::try_from(schema(table, columns)).unwrap();
    let filter = Expressions::new(&input, Some(&filter), None).unwrap();
    let project = project.map(|expressions| {
        let field = |(at, _)| Field::new(format!("c{at}"), table.columns[columns[0]].data_type.clone(), true);
        let output = Schema::new(expressions.iter().enumerate().map(field).collect::<Vec<_>>());
        Expressions::new(&input, None, Some((expressions, &output))).unwrap()
    });
    [Some(filter), project].into_iter().flatten().map(Arc::new).collect()
}

/// The rows of some columns and their event times, and the dead letters.
fn read(
    (registry, table): &(Registry, Arc<Table>),
    columns: &[usize],
    steps: Vec<Arc<Expressions>>,
) -> (Vec<(Row, Timestamp)>, Vec<DeadLetter>) {
    let (job, probe) = (Job::new("scan"), Probe::new());
    scan(&job, registry, table, columns, steps, None).unwrap().sink(probe.clone());
    let mut simulation = Simulation::start(&job, Config::default(), 1).unwrap();
    simulation.run().unwrap();
    let letters = simulation.dead_letters().list(None, 100, |_| true).unwrap();
    (probe.drain_timed(), letters.into_iter().map(|stored| stored.letter).collect())
}

/// Rows as they are printed.
fn shown(table: &Table, columns: &[usize], rows: &[(Row, Timestamp)]) -> Vec<String> {
    let codec = RowCodec::new(&schema(table, columns)).unwrap();
    rows.iter().map(|(row, _)| codec.show(row)).collect()
}

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| fs::write(directory.path().join(name), text).unwrap());
    directory
}

const HITS: &str = "who STRING, n INT, ts TIMESTAMP_LTZ(3), \
                    file STRING METADATA FROM 'file.name' VIRTUAL, `offset` BIGINT METADATA VIRTUAL, \
                    twice AS CAST(n * 2 AS INT), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND";

#[test]
fn columns_are_read_computed_and_told_by_the_source() {
    let files = directory(&[("a.csv", "ada,1,1970-01-01 00:00:01\nbob,,1970-01-01 00:00:02\n")]);
    let hits = csv(files.path(), HITS, ", 'csv.ignore-parse-errors' = 'true'");
    let all = [0, 1, 3, 4, 5];
    let (rows, letters) = read(&hits, &all, Vec::new());
    assert_eq!(shown(&hits.1, &all, &rows), ["+I[ada, 1, a.csv, 0, 2]", "+I[bob, null, a.csv, 26, null]"]);
    assert_eq!(rows.iter().map(|(_, time)| time.millis()).collect::<Vec<_>>(), [1000, 2000]);
    assert_eq!(letters, []);
    let (rows, _) = read(&hits, &[5], Vec::new());
    assert_eq!(shown(&hits.1, &[5], &rows), ["+I[2]", "+I[null]"]);
    let (rows, _) = read(&hits, &[], Vec::new());
    assert_eq!(shown(&hits.1, &[], &rows), ["+I[]", "+I[]"]);
}

#[test]
fn a_heading_is_left_out_of_each_file() {
    let files = directory(&[("a.csv", "who,n\nada,1\n"), ("b.csv", "who,n\nbob,2\nwho,3\n"), ("c.csv", "")]);
    let hits = csv(files.path(), "who STRING, n INT", ", 'csv.header' = 'true'");
    let (rows, letters) = read(&hits, &[0, 1], Vec::new());
    assert_eq!(shown(&hits.1, &[0, 1], &rows), ["+I[ada, 1]", "+I[bob, 2]", "+I[who, 3]"]);
    assert_eq!(letters, []);
}

#[test]
fn steps_are_taken_before_rows_are_made_and_event_times_stay_with_their_rows() {
    let lines: String = (0..10).map(|n| format!("u{n},{n},1970-01-01 00:00:0{n}\n")).collect();
    let files = directory(&[("a.csv", &lines)]);
    let hits = csv(files.path(), HITS, "");
    let keep = (col("n") % lit(3)).eq(lit(0)).and(col("twice").gt(lit(0)));
    let (rows, letters) = read(&hits, &[0, 1, 5], steps(&hits.1, &[0, 1, 5], keep.clone(), None));
    assert_eq!(letters, []);
    assert_eq!(shown(&hits.1, &[0, 1, 5], &rows), ["+I[u3, 3, 6]", "+I[u6, 6, 12]", "+I[u9, 9, 18]"]);
    assert_eq!(rows.iter().map(|(_, time)| time.millis()).collect::<Vec<_>>(), [3000, 6000, 9000]);
    let taken = steps(&hits.1, &[1, 5], keep, Some(&[col("n") + col("twice")]));
    let (rows, _) = read(&hits, &[1, 5], taken);
    assert_eq!(shown(&hits.1, &[1], &rows), ["+I[9]", "+I[18]", "+I[27]"]);
    assert_eq!(rows.iter().map(|(_, time)| time.millis()).collect::<Vec<_>>(), [3000, 6000, 9000]);
}

#[test]
fn lines_without_sense_time_or_result_are_dead_letters_with_their_place_and_bytes() {
    let lines =
        ["a,1,1970-01-01 00:00:01", "b,x,1970-01-01 00:00:02", "c,3,-", "d,0,1970-01-01 00:00:04", "e", "f,6,-"];
    let more = "g,7,1970-01-01 00:00:07\n";
    let files = directory(&[("a.csv", &(lines.join("\n") + "\n" + more))]);
    let hits = csv(files.path(), HITS, ", 'csv.null-literal' = '-'");
    let keep = (lit(10) / col("n")).gt(lit(0));
    let (rows, mut letters) = read(&hits, &[0, 1], steps(&hits.1, &[0, 1], keep, None));
    assert_eq!(shown(&hits.1, &[0, 1], &rows), ["+I[a, 1]", "+I[g, 7]"]);
    letters.sort_by_key(|letter| letter.position.clone());
    let path = files.path().join("a.csv").display().to_string();
    let told = letters.iter().map(|letter| {
        let Remains::Json(line) = &letter.remains else { panic!("{letter:?}") };
        assert!(letter.position.starts_with(&path), "{}", letter.position);
        let at = letter.position.rsplit(' ').next().unwrap();
        (at.parse::<u64>().unwrap(), line["text"].as_str().unwrap(), letter.cause.as_str())
    });
    let mut told: Vec<_> = told.collect();
    told.sort_unstable();
    assert_eq!(
        told.iter().map(|(at, line, _)| (*at, *line)).collect::<Vec<_>>(),
        [(24, lines[1]), (48, lines[2]), (54, lines[3]), (78, lines[4]), (80, lines[5])]
    );
    let causes = [
        "column `n` is a INT, found 'x'",
        "event time `ts` is NULL",
        "Divide by zero",
        "3 fields expected, 1 found",
        "event time `ts` is NULL",
    ];
    for ((_, line, found), cause) in told.iter().zip(causes) {
        assert!(found.contains(cause), "{line}: {found}");
    }
}

/// Panics at a line that says so, until it is mended.
#[derive(Clone, Default)]
struct Fragile(Arc<AtomicBool>);

impl ReadLine for Fragile {
    fn read<'l>(&self, line: &'l [u8], found: &mut Found<'l>) -> Result<(), String> {
        assert!(line != b"boom" || self.0.load(Ordering::Relaxed), "this line bursts");
        found.values.push(Value::Text(String::from_utf8_lossy(line)));
        found.row(RowKind::Insert);
        Ok(())
    }
}

impl Format for Fragile {
    fn name(&self) -> &'static str {
        "fragile"
    }
    fn doc(&self) -> &'static str {
        "for tests"
    }
    fn options(&self) -> &'static [OptionDoc] {
        &[]
    }
    fn reader(&self, _: Options<'_>, _: &SchemaRef, _: &[usize]) -> Result<Arc<dyn ReadLine>, OptionError> {
        Ok(Arc::new(self.clone()))
    }
    fn writer(&self, options: Options<'_>, _: &SchemaRef) -> Result<Arc<dyn WriteLine>, OptionError> {
        Err(options.refuse("format", "it is read, not written"))
    }
}

/// A table of the lines of files.
fn fragile(path: &Path, format: &Fragile, options: &str) -> (Registry, Arc<Table>) {
    let text = format!(
        "CREATE TABLE t (line STRING)
         WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'fragile'{options})",
        path.display()
    );
    table(Registry::standard().with_format(format.clone()), &text)
}

#[test]
fn a_line_at_which_a_format_panics_is_a_dead_letter_and_all_others_are_read() {
    let files = directory(&[("a", "one\nboom\ntwo\nboom\n")]);
    let lines = fragile(files.path(), &Fragile::default(), "");
    let (rows, letters) = read(&lines, &[0], Vec::new());
    assert_eq!(shown(&lines.1, &[0], &rows), ["+I[one]", "+I[two]"]);
    assert!(
        letters.len() == 2 && letters.iter().all(|letter| letter.cause.contains("this line bursts")),
        "{letters:?}"
    );
}

#[test]
fn a_line_that_is_a_dead_letter_is_read_again_when_it_is_replayed() {
    let files = directory(&[("a", "one\nboom\ntwo\n")]);
    let format = Fragile::default();
    let lines = fragile(&files.path().join("a"), &format, FOLLOWED);
    let (job, probe) = (Job::new("scan"), Probe::new());
    scan(&job, &lines.0, &lines.1, &[0], Vec::new(), None).unwrap().sink(probe.clone());
    let mut simulation = Simulation::start(&job, Config::default(), 1).unwrap();
    simulation.run_for(Duration::from_secs(1)).unwrap();
    simulation.checkpoint().unwrap();
    assert_eq!(shown(&lines.1, &[0], &probe.drain_timed()), ["+I[one]", "+I[two]"]);

    format.0.store(true, Ordering::Relaxed);
    let letters = simulation.dead_letters();
    let found = letters.list(None, 10, |_| true).unwrap();
    assert_eq!(found.len(), 1);
    letters.replay(&[found[0].id]).unwrap();
    simulation.run_for(Duration::from_secs(60)).unwrap();
    simulation.checkpoint().unwrap();
    simulation.run_for(Duration::from_secs(60)).unwrap();
    assert_eq!(shown(&lines.1, &[0], &probe.drain_timed()), ["+I[boom]"]);
}

/// How far a table that is followed has come in event time after so many seconds.
fn watermark(hits: &(Registry, Arc<Table>), steps: Vec<Arc<Expressions>>, seconds: u64) -> Option<i64> {
    let job = Job::new("scan");
    scan(&job, &hits.0, &hits.1, &[1], steps, None).unwrap().sink(Probe::new());
    let mut simulation = Simulation::start(&job, Config::default(), 1).unwrap();
    simulation.run_for(Duration::from_secs(seconds)).unwrap();
    let report = simulation.explain_watermark();
    let generator = report.subtasks.iter().flat_map(|subtask| &subtask.generators).next().unwrap();
    generator.watermark.map(Timestamp::millis)
}

const FOLLOWED: &str = ", 'source.monitor-interval' = '1 s'";

/// A table of one file, or of all that match.
fn followed(directory: &TempDir, name: &str, columns: &str, options: &str) -> (Registry, Arc<Table>) {
    csv(&directory.path().join(name), columns, &format!("{FOLLOWED}{options}"))
}

#[test]
fn the_watermark_is_what_the_table_says_also_of_rows_that_are_filtered_out() {
    let lines = "a,1,1970-01-01 00:00:30\nb,2,1970-01-01 00:00:20\nc,3,1970-01-01 00:00:25\n";
    let files = directory(&[("a.csv", lines)]);
    let hits = followed(&files, "a.csv", HITS, "");
    assert_eq!(watermark(&hits, Vec::new(), 1), Some(25_000));
    assert_eq!(watermark(&hits, steps(&hits.1, &[1], col("n").gt(lit(9)), None), 1), Some(25_000));
    // Any expression: a row for which it is NULL moves nothing.
    let columns = "who STRING, n INT, ts TIMESTAMP(3), \
                   WATERMARK FOR ts AS CASE WHEN n > 1 THEN ts - INTERVAL '1' SECOND END";
    assert_eq!(watermark(&followed(&files, "a.csv", columns, ""), Vec::new(), 1), Some(24_000));
}

#[test]
fn a_silent_split_holds_event_time_back_until_it_is_idle() {
    let files =
        directory(&[("a.csv", "a,1,1970-01-01 00:01:00\n"), ("b.csv", "b,1,1970-01-01 00:00:10\n"), ("c.csv", "")]);
    let forever = followed(&files, "*.csv", HITS, "");
    assert_eq!(watermark(&forever, Vec::new(), 3600), None);
    let idle = followed(&files, "*.csv", HITS, ", 'scan.watermark.idle-timeout' = '10 s'");
    assert_eq!(watermark(&idle, Vec::new(), 5), None);
    assert_eq!(watermark(&idle, Vec::new(), 60), Some(55_000));
}

#[test]
fn the_rows_are_the_same_in_three_lives() {
    let lines = |file: u32| -> String {
        (0..60)
            .map(|n| if n % 7 == 0 { "?\n".to_owned() } else { format!("u{file},{n},1970-01-01 00:00:{n:02}\n") })
            .collect()
    };
    let files = directory(&[("a.csv", &lines(0)), ("b.csv", &lines(1)), ("c.csv", &lines(2))]);
    let hits = csv(files.path(), HITS, "");
    let rows = three_lives(11, || {
        let (job, sink) = (Job::new("scan"), CollectSink::new());
        let rows = sink.handle();
        let steps = steps(&hits.1, &[0, 4, 5], col("twice").gt(lit(20)), None);
        scan(&job, &hits.0, &hits.1, &[0, 4, 5], steps, None).unwrap().sink(sink);
        (job, rows)
    });
    let expected = 3 * (11..60).filter(|n| n % 7 != 0).count();
    assert_eq!(rows.unwrap().len(), expected);
}

/// Rows that are made beforehand.
struct Made(Vec<Row>);

impl Connector for Made {
    fn name(&self) -> &str {
        "made"
    }
    fn doc(&self) -> &str {
        "for tests"
    }
    fn options(&self) -> &[OptionDoc] {
        &[]
    }
    fn source(&self, _: Options<'_>) -> Result<Input, OptionError> {
        Ok(Input::rows(MemorySource::new(self.0.clone())))
    }
}

#[test]
fn rows_of_a_connector_keep_their_kind_and_go_the_same_way() {
    const TEXT: &str = "CREATE TABLE t (who STRING, late AS ts + INTERVAL '1' SECOND, n INT, ts TIMESTAMP(3), \
                        WATERMARK FOR late AS late) WITH ('connector' = 'made')";
    let (_, shape) = table(Registry::standard(), TEXT);
    let codec = RowCodec::new(&schema(&shape, &[0, 2, 3])).unwrap();
    let row = |kind, who: &'static str, n, ts| codec.row(kind, &[Value::Text(who.into()), Value::Int(n), ts]).unwrap();
    let made = vec![
        row(RowKind::Insert, "ada", 1, Value::Int(1000)),
        row(RowKind::UpdateBefore, "ada", 1, Value::Int(2000)),
        row(RowKind::Insert, "bob", 2, Value::Null),
        row(RowKind::UpdateAfter, "ada", 3, Value::Int(3000)),
        row(RowKind::Delete, "cyd", 0, Value::Int(4000)),
    ];
    let made = table(Registry::standard().with_connector(Made(made)), TEXT);
    let (rows, letters) = read(&made, &[0, 2], steps(&made.1, &[0, 2], (lit(6) / col("n")).lt(lit(9)), None));
    assert_eq!(shown(&made.1, &[0, 2], &rows), ["+I[ada, 1]", "-U[ada, 1]", "+U[ada, 3]"]);
    assert_eq!(rows.iter().map(|(_, time)| time.millis()).collect::<Vec<_>>(), [2000, 3000, 4000]);
    let causes: Vec<&str> = letters.iter().map(|letter| letter.cause.as_str()).collect();
    assert!(causes[0].contains("`late` is NULL") && causes[1].contains("Divide by zero"), "{causes:?}");
}
