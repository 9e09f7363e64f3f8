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
        ("n INT, s BIGINT METADATA FROM 'file.size'", lines(""), "may be another one when the file is read again"),
        ("n INT", lines(", 'source.path.regex-pattern' = '('"), "'source.path.regex-pattern': regex parse error"),
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

#[test]
fn a_pattern_chooses_files_by_their_whole_absolute_paths() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    fs::create_dir(path("in")).unwrap();
    for (name, line) in [("in/1.csv", "1\n"), ("in/2.csv", "2\n"), ("in/2.csv.old", "3\n")] {
        fs::write(path(name), line).unwrap();
    }
    let text = format!(
        "CREATE TABLE t (n INT) WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv',
           'source.path.regex-pattern' = '.*/[0-9]\\.csv');
         CREATE TABLE out (n INT) WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');
         INSERT INTO out SELECT n FROM t",
        path("in"),
        path("out")
    );
    run(&text, 1, |_| ());
    let mut lines: Vec<String> = fs::read_to_string(path("out")).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["1", "2"]);
}

/// Runs a program, with this said to chance.
fn run(text: &str, seed: u64, chance: impl FnOnce(&mut Simulation)) {
    let env = Env::default();
    let program = plan(text, &env).unwrap_or_else(|error| panic!("{error}"));
    let job = job(&program, &env, Timestamp::EPOCH).unwrap();
    let mut simulation = Simulation::start(&job, Config::default().parallelism(2).batch_size(4), seed).unwrap();
    chance(&mut simulation);
    simulation.run().unwrap();
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
    run(&text, seed, chance);
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

#[test]
fn a_file_with_a_primary_key_holds_the_current_row_of_each_key_whatever_crashes() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let lines: String = (0..240).map(|n| format!("{n},{}\n", n * n % 13)).collect();
    fs::write(path("in.csv"), lines).unwrap();
    for (format, expected) in [("csv", "0,19\n1,37\n3,37\n"), ("json", "{\"k\":0,\"n\":19}\n")] {
        for seed in 1..5 {
            let out = path(&format!("{format}-{seed}"));
            let text = format!(
                "CREATE TABLE t (n BIGINT, k BIGINT) WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');
                 CREATE TABLE counts (k BIGINT, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)
                 WITH ('connector' = 'filesystem', 'path' = '{out}', 'format' = '{format}');
                 INSERT INTO counts SELECT k, COUNT(*) FROM t GROUP BY k",
                path("in.csv")
            );
            run(&text, seed, |simulation| {
                if seed > 1 {
                    simulation.checkpoints_one_in(20).crashes_one_in(40, 4).panics_one_in(30);
                }
            });
            let found = fs::read_to_string(&out).unwrap();
            assert!(found.starts_with(expected) && found.lines().count() == 7, "seed {seed}: {found}");
        }
    }
}

/// Each order may be told before or after its customer's names, which come one after the other, from several subtasks.
#[test]
fn changes_that_come_in_any_order_leave_the_row_that_is_right() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let change = |id: u64, old: Option<u64>, new: Option<u64>| {
        let row = |c: Option<u64>| c.map_or("null".to_owned(), |c| format!("{{\"id\":{id},\"c\":{c}}}"));
        let op = match (old, new) {
            (None, _) => "c",
            (_, None) => "d",
            _ => "u",
        };
        format!("{{\"before\":{},\"after\":{},\"op\":\"{op}\"}}\n", row(old), row(new))
    };
    // Each order goes from customer to customer, the odd ones are deleted in the end.
    let mut orders = String::new();
    for id in 0..12 {
        orders += &change(id, None, Some(id % 5));
        orders += &change(id, Some(id % 5), Some((id + 1) % 5));
        orders += &change(id, Some((id + 1) % 5), Some((id + 3) % 5));
        if id % 2 == 1 {
            orders += &change(id, Some((id + 3) % 5), None);
        }
    }
    fs::write(path("orders"), orders).unwrap();
    fs::write(path("names"), (0..5).map(|n| format!("{n},c{n}\n")).collect::<String>()).unwrap();
    for seed in 1..9 {
        let out = path(&format!("out-{seed}"));
        let text = format!(
            "CREATE TABLE orders (id BIGINT, c BIGINT)
             WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'debezium-json');
             CREATE TABLE names (c BIGINT, name STRING)
             WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');
             CREATE TABLE named (id BIGINT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
             WITH ('connector' = 'filesystem', 'path' = '{out}', 'format' = 'csv');
             INSERT INTO named SELECT id, name FROM orders LEFT JOIN names ON orders.c = names.c",
            path("orders"),
            path("names")
        );
        run(&text, seed, |simulation| {
            simulation.checkpoints_one_in(20).crashes_one_in(60, 2);
        });
        let expected: String = (0..12).step_by(2).map(|id| format!("{id},c{}\n", (id + 3) % 5)).collect();
        assert_eq!(fs::read_to_string(&out).unwrap(), expected, "seed {seed}");
    }
}
