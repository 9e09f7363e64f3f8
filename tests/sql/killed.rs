//! `kill -9` in the middle of an SQL job loses nothing and doubles nothing.

use crate::process::Scene;
use std::fmt::Write;
use std::time::Duration;

const PROGRAM: &str = "
CREATE TABLE hits (who STRING, ts TIMESTAMP(3), n BIGINT, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = 'hits.csv', 'format' = 'csv');
CREATE TABLE sums (who STRING, at TIMESTAMP(3), hits BIGINT, total BIGINT)
  WITH ('connector' = 'filesystem', 'path' = 'sums.csv', 'format' = 'csv', 'csv.header' = 'true');
CREATE TABLE large (who STRING, n BIGINT)
  WITH ('connector' = 'filesystem', 'path' = 'large.csv', 'format' = 'csv', 'csv.header' = 'true');
CREATE TABLE totals (who STRING, hits BIGINT, total BIGINT, PRIMARY KEY (who) NOT ENFORCED)
  WITH ('connector' = 'filesystem', 'path' = 'totals.csv', 'format' = 'csv', 'csv.header' = 'true');
INSERT INTO sums SELECT who, window_start, COUNT(*), SUM(n)
  FROM TABLE(TUMBLE(TABLE hits, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY who, window_start, window_end;
INSERT INTO totals SELECT who, COUNT(*), SUM(n) FROM hits GROUP BY who;
INSERT INTO large SELECT UPPER(who), n FROM hits WHERE n > 900;
";

/// As many rows as a debug build reads in about a second.
const ROWS: u64 = 150_000;

#[test]
fn a_job_killed_again_and_again_writes_the_rows_of_one_that_is_left_alone() {
    let scene = Scene::new();
    scene.write("job.sql", PROGRAM);
    let mut hits = String::new();
    for n in 0..ROWS {
        let (second, noise) = (n / 50, n.wrapping_mul(2_654_435_761) % 1_000);
        writeln!(
            hits,
            "user{},1970-01-01 {:02}:{:02}:{:02},{noise}",
            noise % 17,
            second / 3600,
            second / 60 % 60,
            second % 60
        )
        .unwrap();
    }
    scene.write("hits.csv", hits);
    scene.succeed(&["run", "job.sql"]);
    let written = || ["sums.csv", "large.csv", "totals.csv"].map(|name| scene.rows(name));
    let expected = written();
    assert!(expected[..2].iter().all(|rows| rows.len() > 1000) && expected[2].len() == 17);

    for name in ["sums.csv", "large.csv", "totals.csv"] {
        std::fs::remove_file(scene.path(name)).unwrap();
    }
    let run = ["run", "job.sql", "--state-dir", "state", "--checkpoint-interval", "10ms"];
    for kill in 0..12_u64 {
        let parallelism = (kill % 3 + 1).to_string();
        let arguments = [&run[..], &["--parallelism", &parallelism]].concat();
        let mut child = scene.start(&arguments);
        // Long enough to have come somewhere, and short enough not to be through.
        std::thread::sleep(Duration::from_millis(60 + kill * 37 % 150));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    scene.succeed(&run);
    assert_eq!(written(), expected);
}
