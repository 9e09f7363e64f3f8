//! Texts and what becomes of them: the plan of each query, the message and place of each refusal.

mod golden;

use super::{Env, Program, plan};
use crate::time::{Clock, SystemClock};
use proptest::prelude::*;
use std::sync::LazyLock;

const TABLES: &str = "
CREATE TABLE access_log (host STRING, ts TIMESTAMP_LTZ(3), method STRING, path STRING, status INT, bytes BIGINT,
  referer STRING, agent STRING, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
  WITH ('connector'='filesystem','path'='access.log','format'='combined-log');
CREATE TABLE orders (id BIGINT, customer BIGINT, price DECIMAL(10, 2), at TIMESTAMP(3), total AS price * 2,
  WATERMARK FOR at AS at) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv');
CREATE TABLE payments (id BIGINT, order_id BIGINT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '1' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv');
CREATE TABLE pageviews (host STRING, window_start TIMESTAMP(3), views BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
CREATE TABLE counts (host STRING, n BIGINT, PRIMARY KEY (host) NOT ENFORCED) WITH ('connector' = 'print');
CREATE TABLE ids (id BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
CREATE TABLE changing_ids (id BIGINT) WITH ('connector' = 'print');
";

fn planned(sql: &str) -> Program {
    plan(&format!("{TABLES}{sql}"), &Env::default()).unwrap_or_else(|error| panic!("{sql}\n{error}"))
}

#[test]
fn page_views_are_a_window_aggregate() {
    let program = planned(
        "INSERT INTO pageviews SELECT host, window_start, COUNT(*) AS views
         FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY host, window_start, window_end",
    );
    let text = program.explain();
    assert!(text.contains("window_aggregate tumble(10s)"), "{text}");
    assert!(text.contains("scan access_log (host, ts)"), "{text}");
}

#[test]
fn page_views_are_planned_and_how_long_that_takes_is_told() {
    let sql = "INSERT INTO pageviews SELECT host, window_start, COUNT(*) AS views
               FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY host, window_start, window_end";
    let clock = SystemClock::default();
    let before = clock.elapsed();
    assert_eq!(planned(sql).sinks.len(), 1);
    println!("page views were planned in {:?}, with all else the first time", clock.elapsed() - before);
    let before = clock.elapsed();
    assert_eq!(planned(sql).sinks.len(), 1);
    println!("and in {:?} the second time", clock.elapsed() - before);
}

/// Every query and the operators of its plan from the sink on.
const QUERIES: &[(&str, &str)] = &[
    ("INSERT INTO ids SELECT id FROM orders WHERE price > 3", "sink project filter scan"),
    ("INSERT INTO ids SELECT id FROM orders UNION ALL SELECT id FROM payments", "sink project union scan scan"),
    ("INSERT INTO ids VALUES (1), (2)", "sink project values"),
    ("INSERT INTO ids (id) SELECT CAST(total AS BIGINT) FROM orders", "sink project scan"),
    (
        "INSERT INTO pageviews SELECT host, window_start, COUNT(*) FROM TUMBLE(access_log, ts, INTERVAL '10' SECOND)
         GROUP BY host, window_start, window_end HAVING COUNT(*) > 1",
        "sink project filter project window_aggregate project window_assign scan",
    ),
    (
        "INSERT INTO pageviews SELECT host, window_start, COUNT(DISTINCT path) FROM TABLE(HOP(DATA => TABLE access_log,
         TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL '5' MINUTES, SIZE => INTERVAL '10' MINUTES))
         GROUP BY host, window_start, window_end",
        "sink project window_aggregate project window_assign scan",
    ),
    (
        "INSERT INTO pageviews SELECT host, window_start, SUM(bytes) FROM TABLE(
         SESSION(TABLE access_log PARTITION BY host, DESCRIPTOR(ts), INTERVAL '30' MINUTES))
         GROUP BY host, window_start, window_end",
        "sink project window_aggregate project window_assign scan",
    ),
    (
        "INSERT INTO pageviews SELECT host, window_start, n FROM (
           SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n DESC) AS place FROM (
             SELECT host, window_start, window_end, COUNT(*) AS n
             FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '10' SECOND))
             GROUP BY host, window_start, window_end)) WHERE place <= 3",
        "sink project project window_top_n project window_aggregate project window_assign scan",
    ),
    (
        "INSERT INTO ids SELECT id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY at) AS n FROM orders)
         WHERE n = 1",
        "sink project project deduplicate scan",
    ),
    (
        "INSERT INTO changing_ids SELECT id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY at DESC) AS n
         FROM orders) WHERE n = 1",
        "sink project project deduplicate scan",
    ),
    (
        "INSERT INTO changing_ids SELECT id FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY price DESC) AS n FROM orders)
         WHERE n < 4",
        "sink project project top_n scan",
    ),
    ("INSERT INTO counts SELECT host, COUNT(*) FROM access_log GROUP BY host", "sink project group_aggregate scan"),
    ("INSERT INTO ids SELECT DISTINCT id FROM orders", "sink project group_aggregate scan"),
    (
        "INSERT INTO ids SELECT o.id FROM orders o JOIN payments p ON o.id = p.order_id
         AND p.at BETWEEN o.at AND o.at + INTERVAL '1' HOUR",
        "sink project interval_join scan scan",
    ),
    (
        "INSERT INTO ids SELECT o.id FROM orders o JOIN payments p ON o.id = p.order_id",
        "sink project regular_join scan scan",
    ),
    (
        "INSERT INTO changing_ids SELECT o.id FROM orders o LEFT JOIN payments p ON o.id = p.order_id",
        "sink project regular_join scan scan",
    ),
    (
        "INSERT INTO ids SELECT SUM(id) OVER (PARTITION BY customer ORDER BY at ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)
         FROM orders",
        "sink project over scan",
    ),
];

#[test]
fn every_query_becomes_the_operators_it_should() {
    let mut wrong = Vec::new();
    for (sql, expected) in QUERIES {
        match plan(&format!("{TABLES}{sql}"), &Env::default()) {
            Err(error) => wrong.push(format!("{sql}\n  {error}")),
            Ok(program) => {
                let text = program.explain();
                let kinds: Vec<_> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
                let steps: Vec<_> = kinds.iter().map(|kind| kind.split('/').next().unwrap_or_default()).collect();
                if steps.join(" ") != *expected {
                    wrong.push(format!("{sql}\n  expected {expected}\n{text}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Every refusal: the text, the place, and a part of the message.
const REFUSED: &[(&str, &str, &str)] = &[
    ("DROP TABLE t", "1:1", "leave the CREATE out"),
    ("CREATE TABLE t (a STRING)", "1:25", "a table needs its options"),
    ("CREATE TABLE t (a STRNG) WITH ('connector'='print')", "1:19", "did you mean `STRING`?"),
    ("CREATE TABLE t (a INT, a INT) WITH ('connector'='print')", "1:24", "there twice"),
    ("CREATE TABLE t (a INT) PARTITIONED BY (a) WITH ('connector'='print')", "1:24", "PARTITIONED BY is not supported"),
    ("CREATE TABLE t (a INT) LIKE b", "1:24", "write the columns and options out"),
    ("CREATE TABLE t (a INT, PRIMARY KEY (a)) WITH ('connector'='print')", "1:24", "NOT ENFORCED"),
    ("CREATE TABLE t (a INT, WATERMARK FOR a AS a) WITH ('connector'='print')", "1:38", "`a` is a INT"),
    ("CREATE TABLE t (a INT, WATERMARK FOR b AS a) WITH ('connector'='print')", "1:38", "no column is called `b`"),
    ("SET 'parallelism.defualt' = '2'", "1:5", "did you mean `parallelism.default`?"),
    ("SET 'parallelism.default' = '0'", "1:5", "a number from 1"),
    ("INSERT OVERWRITE t SELECT 1", "1:8", "INSERT INTO"),
    ("INSERT INTO nowhere SELECT 1", "1:13", "no table is called `nowhere`"),
    ("CREATE FUNCTION f AS 'x'", "1:1", "registered in Rust"),
    ("CREATE TABLE t (a INT) WITH ('connector'='print'); INSERT INTO t SELECT 'x'", "1:66", "is a INT"),
];

#[test]
fn every_refusal_has_its_place_and_its_remedy() {
    let mut wrong = Vec::new();
    for (sql, place, part) in REFUSED {
        match plan(sql, &Env::default()) {
            Ok(_) => wrong.push(format!("accepted: {sql}")),
            Err(error) => {
                let at = error.position();
                if format!("{}:{}", at.line, at.column) != *place || !error.to_string().contains(part) {
                    wrong.push(format!("{sql}\n  expected {place} {part}\n  found {error}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The same for queries over the tables above: the message alone.
const REFUSED_QUERIES: &[(&str, &str)] = &[
    (
        "INSERT INTO pageviews SELECT host, CAST(NULL AS TIMESTAMP(3)), COUNT(*) FROM access_log GROUP BY host",
        "an aggregate without a window",
    ),
    (
        "INSERT INTO ids SELECT o.id FROM orders o LEFT JOIN payments p ON o.id = p.order_id",
        "a left join without a time bound",
    ),
    ("INSERT INTO ids SELECT a.id FROM orders a, payments b", "a join without an equality"),
    ("INSERT INTO ids SELECT id FROM orders ORDER BY id", "ORDER BY over a whole stream"),
    ("INSERT INTO ids SELECT id FROM orders LIMIT 3", "LIMIT without ORDER BY"),
    ("INSERT INTO ids SELECT id, at FROM orders", "takes 1 columns (id), the query gives 2 (id, at)"),
    ("INSERT INTO ids SELECT id FROM orderz", "did you mean `orders`?"),
    (
        "INSERT INTO ids SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at), INTERVAL '1' SECOND)) GROUP BY window_start",
        "an aggregate without a window",
    ),
    (
        "CREATE VIEW v AS SELECT id, at + INTERVAL '1' SECOND AS at FROM orders;
         INSERT INTO ids SELECT id FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(at), INTERVAL '1' SECOND))",
        "is not event time",
    ),
    (
        "INSERT INTO ids SELECT id FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at), INTERVAL '1' MONTH))",
        "whole milliseconds",
    ),
    (
        "INSERT INTO ids SELECT id FROM TABLE(HOP(TABLE orders, DESCRIPTOR(at), INTERVAL '2' SECOND, INTERVAL '3' SECOND))",
        "multiple of SLIDE",
    ),
];

#[test]
fn every_query_that_a_stream_cannot_answer_is_refused_with_the_reason() {
    let mut wrong = Vec::new();
    for (sql, part) in REFUSED_QUERIES {
        match plan(&format!("{TABLES}{sql}"), &Env::default()) {
            Ok(program) => wrong.push(format!("accepted: {sql}\n{}", program.explain())),
            Err(error) if error.to_string().contains(part) => {
                assert!(error.position().line >= 12, "the place is in the tables: {error}");
            }
            Err(error) => wrong.push(format!("{sql}\n  expected {part}\n  found {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_second_insert_changes_no_uid_and_reads_no_table_twice() {
    let first = "INSERT INTO ids SELECT id FROM orders WHERE price > 3;";
    let one = planned(first);
    let two = planned(&format!(
        "EXECUTE STATEMENT SET BEGIN {first} INSERT INTO changing_ids SELECT customer FROM orders; END"
    ));
    let uids = |program: &Program| program.rels.iter().map(|rel| rel.uid.clone()).collect::<Vec<_>>();
    assert!(uids(&one).iter().all(|uid| uids(&two).contains(uid)));
    assert_eq!(uids(&two).iter().filter(|uid| uid.starts_with("scan/")).count(), 1);
}

/// All texts of the golden files.
static TEXTS: LazyLock<Vec<String>> =
    LazyLock::new(|| golden::texts().into_iter().flat_map(|(_, texts)| texts).collect());

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_planner_panic(text in "\\PC{0,80}") {
        let _ = plan(&text, &Env::default());
    }

    #[test]
    fn no_change_of_a_text_makes_the_planner_panic(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        cut in 0_usize..12,
        with in "[a-zA-Z(),'*0-9 ]{0,6}|SELECT|FROM|WHERE|GROUP BY|JOIN|OVER|NULL|INTERVAL|AS|;|\\PC{1,3}",
    ) {
        let text = &TEXTS[which.index(TEXTS.len())];
        // The tables in front are the same for all: they are left as they are, mostly.
        let tables = text.find("-- ").unwrap_or_default();
        let (tables, text) = text.split_at(if cut == 0 { 0 } else { tables });
        let mut letters: Vec<char> = text.chars().collect();
        let at = at.index(letters.len());
        let end = (at + cut).min(letters.len());
        letters.splice(at..end, with.chars());
        let text = tables.chars().chain(letters).collect::<String>();
        if let Err(error) = plan(&text, &Env::default()) {
            prop_assert!(!error.to_string().contains("the planner cannot take"), "{}", error);
            let at = error.position();
            prop_assert!(at.line >= 1 && at.line as usize <= text.lines().count() && at.column >= 1, "{}", error);
        }
    }
}
