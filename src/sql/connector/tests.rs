//! Options that are refused, and files written exactly once.

use crate::prelude::Config;
use crate::sql::exec::job;
use crate::sql::{Env, plan};
use crate::testing::Simulation;
use crate::time::Timestamp;
use std::fs;
use std::path::Path;

/// The columns of a table with event time.
const TIMED: &str = "n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts";

/// Why a program that reads `t` and writes `out` is refused.
fn refusal(columns: &str, options: &str, out: &str, into: &str) -> String {
    let text = format!(
        "CREATE TABLE t ({columns}) WITH ({options});\nCREATE TABLE out ({out}) WITH ({into});\n\
         INSERT INTO out SELECT n FROM t"
    );
    plan(&text, &Env::default()).map(|program| program.explain()).unwrap_err().to_string()
}

#[test]
fn what_a_table_cannot_be_is_told_with_what_it_can() {
    let lines = |more: &str| format!("'connector' = 'filesystem', 'path' = 'a', 'format' = 'csv'{more}");
    let cases = [
        ("n INT", "'path' = 'a'".to_owned(), "table `t` has no option 'connector'; write 'connector' = 'filesystem'"),
        ("n INT", "'connector' = 'kafak'".to_owned(), "no connector is called `kafak`"),
        ("n INT", "'connector' = 'blackhole'".to_owned(), "connector 'blackhole' is written, not read"),
        ("n INT", "'connector' = 'filesystem', 'format' = 'csv'".to_owned(), "write 'path' = 'access.log'"),
        ("n INT", "'connector' = 'filesystem', 'path' = 'a'".to_owned(), "write 'format' = 'csv'"),
        ("n INT", "'connector' = 'stdin', 'format' = 'cvs'".to_owned(), "did you mean `csv`?"),
        ("n INT", lines(", 'pth' = 'b'"), "no option is called `pth`; did you mean `path`?"),
        ("n INT", lines(", 'json.ignore-parse-errors' = 'true'"), "did you mean `csv.ignore-parse-errors`?"),
        ("n INT", lines(", 'source.monitor-interval' = '0 s'"), "'source.monitor-interval' is above zero"),
        ("n INT", lines(", 'source.monitor-interval' = 'often'"), "is a duration like '10 s'"),
        ("n INT", lines("").replace("'a'", "'s3://b/a'"), "'s3://' is not supported"),
        ("n INT", lines(", 'scan.watermark.idle-timeout' = '1 s'"), "`t` has no WATERMARK FOR"),
        ("n INT", lines(", 'scan.watermark.emit.strategy' = 'on-event'"), "`t` has no WATERMARK FOR"),
        (TIMED, lines(", 'scan.watermark.emit.strategy' = 'often'"), "is 'on-periodic' or 'on-event', not 'often'"),
        (TIMED, lines(", 'scan.watermark.alignment.max-drift' = 'far'"), "is a duration like '10 s'"),
        ("n INT, p STRING METADATA FROM 'file.pth'", lines(""), "did you mean `file.path`?"),
        ("n INT, p INT METADATA FROM 'file.path'", lines(""), "column `p` is a INT, but 'file.path' is a STRING"),
        ("n INT, `offset` INT METADATA", lines(""), "column `offset` is a INT, but 'offset' is a BIGINT"),
    ];
    for (columns, options, message) in cases {
        let found = refusal(columns, &options, "n INT", "'connector' = 'print'");
        assert!(found.contains(message), "{columns} with {options}: {found}");
    }
    let sinks = [
        ("n INT", "'connector' = 'stdin', 'format' = 'csv'", "connector 'stdin' is read, not written"),
        ("n INT", "'connector' = 'print', 'print-identifer' = 'x'", "did you mean `print-identifier`?"),
        ("n INT", "'connector' = 'print', 'format' = 'csv'", "no option is called `format`"),
        ("n INT METADATA", "'connector' = 'print'", "`n` is METADATA, which no connector writes"),
    ];
    for (out, into, message) in sinks {
        let found = refusal("n INT", &lines(""), out, into);
        assert!(found.contains(message), "{out} with {into}: {found}");
    }
}

#[test]
fn a_refused_option_is_told_with_its_place() {
    let found = refusal("n INT", "'connector' = 'stdin',\n 'format' = 'cvs'", "n INT", "'connector' = 'print'");
    assert!(found.starts_with("line 2, column 2"), "{found}");
}

/// Copies the rows of files into a file, with this said to chance; the lines that are in it then.
fn copied(directory: &Path, seed: u64, chance: impl FnOnce(&mut Simulation)) -> Vec<String> {
    let (from, to) = (directory.join("in"), directory.join(format!("out-{seed}.csv")));
    let text = format!(
        "CREATE TABLE t (n BIGINT, name STRING) WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');
         CREATE TABLE out (name STRING, n BIGINT)
         WITH ('connector' = 'filesystem', 'path' = 'file://{}', 'format' = 'csv', 'csv.header' = 'true');
         INSERT INTO out SELECT UPPER(name), n FROM t WHERE n % 3 <> 1",
        from.display(),
        to.display()
    );
    let env = Env::default();
    let program = plan(&text, &env).unwrap_or_else(|error| panic!("{error}"));
    let job = job(&program, &env, Timestamp::EPOCH).unwrap();
    let mut simulation = Simulation::start(&job, Config::default().parallelism(2).batch_size(4), seed).unwrap();
    chance(&mut simulation);
    simulation.run().unwrap();
    let written = fs::read_to_string(to).unwrap();
    let mut lines = written.lines().map(str::to_owned);
    assert_eq!(lines.next().as_deref(), Some("name,n"));
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}

#[test]
fn a_file_has_each_row_once_whatever_crashes() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("in")).unwrap();
    for file in 0..3 {
        let lines: String = (0..80).map(|n| format!("{n},f{file}\n")).collect();
        fs::write(directory.path().join("in").join(format!("{file}.csv")), lines).unwrap();
    }
    let expected = copied(directory.path(), 1, |_| ());
    assert_eq!(expected.len(), 3 * 53);
    for seed in 2..6 {
        let found = copied(directory.path(), seed, |simulation| {
            simulation.checkpoints_one_in(20).crashes_one_in(40, 4).panics_one_in(30);
        });
        assert_eq!(found, expected, "seed {seed}");
    }
}
