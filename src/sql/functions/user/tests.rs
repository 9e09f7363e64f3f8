//! Functions of users in whole programs.

use crate::operator::Fold;
use crate::sql::{Env, plan, testing};
use crate::time::Timestamp;

const TABLES: &str = "
CREATE TABLE t (k STRING, x DOUBLE, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'filesystem', 'path' = 't.csv', 'format' = 'csv', 'csv.null-literal' = '-');
";

/// What a query gives in three lives: with crashes, and at other parallelisms.
fn passes(env: &Env, types: &str, query: &str, expected: &str, dead_letters: usize) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("t.csv"),
        "a,1.5,1,2024-01-01 00:00:01\nb,2.0,20,2024-01-01 00:00:02\na,4.0,-,2024-01-01 00:00:03\nb,-,4,2024-01-01 00:00:04\n",
    )
    .unwrap();
    std::fs::write(dir.path().join("q.p.expected"), expected).unwrap();
    let file = dir.path().join("q.sql");
    let head = format!("-- dead letters: {dead_letters}\n{TABLES}");
    std::fs::write(
        &file,
        format!("{head}CREATE TABLE p ({types}) WITH ('connector' = 'print');\nINSERT INTO p {query}"),
    )
    .unwrap();
    testing::test(&file, env, false).unwrap_or_else(|failed| panic!("{query}\n{failed}"));
}

#[test]
fn a_function_of_rust_is_called_for_each_row() {
    let env = Env::new()
        .function("Greet", |name: &str, n: Option<i64>| -> String { format!("{name}{}", n.unwrap_or(-1)) })
        .function("twice", |x: f64| x * 2.0)
        .function("later", |at: Timestamp| Timestamp::from_millis(at.millis() + 1))
        .function("zero", || 0_i32);
    passes(
        &env,
        "g STRING, x DOUBLE, ts TIMESTAMP(3), z INT",
        "SELECT GREET(k, n), twice(x), CAST(LATER(ts) AS TIMESTAMP(3)), ZERO() FROM t",
        "+I[a-1, 8.0, 2024-01-01T00:00:03.001, 0]\n+I[a1, 3.0, 2024-01-01T00:00:01.001, 0]\n\
         +I[b20, 4.0, 2024-01-01T00:00:02.001, 0]\n+I[b4, null, 2024-01-01T00:00:04.001, 0]\n",
        0,
    );
}

#[test]
fn an_error_of_a_function_is_a_dead_letter_and_the_other_rows_go_on() {
    let env = Env::new().function("odd", |n: i64| if n % 2 == 0 { Err(format!("{n} is even")) } else { Ok(n) });
    passes(&env, "n BIGINT", "SELECT ODD(n) FROM t", "+I[1]\n+I[null]\n", 2);
}

#[test]
fn an_aggregate_of_rust_counts_each_row_once() {
    let product = Fold::new(|| 1.0, |all: &mut f64, x: &f64| *all *= x, |all, more| *all *= more, |all| all);
    let pairs = Fold::new(
        || 0_i64,
        |count: &mut i64, (_, n): &(String, i64)| *count += n,
        |count, more| *count += more,
        |count| Some(count).filter(|count| *count > 0),
    );
    let env = Env::new().aggregate("product", product).aggregate("second", pairs);
    passes(
        &env,
        "k STRING, x DOUBLE, n BIGINT",
        "SELECT k, PRODUCT(x), SECOND(k, n) FROM t GROUP BY k",
        "+I[a, 6.0, 1]\n+I[b, 2.0, 24]\n",
        0,
    );
}

#[test]
fn a_panic_in_a_function_is_a_dead_letter_also_of_a_constant() {
    let env = Env::new().function("odd", |n: i64| {
        assert!(n % 2 != 0, "{n} is even");
        n
    });
    passes(&env, "n BIGINT", "SELECT ODD(n) FROM t WHERE n IS NOT NULL", "+I[1]\n", 2);
    passes(&env, "n BIGINT", "SELECT COALESCE(n, ODD(2)) FROM t", "+I[1]\n+I[20]\n+I[4]\n", 1);
}

#[test]
fn a_row_on_whose_result_an_aggregate_fails_is_a_dead_letter() {
    let sum = |limit: i64| {
        Fold::new(
            || 0_i64,
            |sum: &mut i64, n: &i64| *sum += n,
            |sum, more| *sum += more,
            move |sum| if sum > limit { Err(format!("{sum} is too much")) } else { Ok(sum) },
        )
    };
    let panicking = Fold::new(|| 0_i64, |_: &mut i64, n: &i64| assert!(*n < 9, "{n}"), |_, _| {}, |sum| sum);
    let env = Env::new().aggregate("small", sum(9)).aggregate("panicking", panicking);
    // The first row of b fails, the second is added to nothing.
    passes(&env, "k STRING, n BIGINT", "SELECT k, SMALL(n) FROM t GROUP BY k", "+I[a, 1]\n+I[b, 4]\n", 1);
    passes(&env, "k STRING, n BIGINT", "SELECT k, PANICKING(n) FROM t GROUP BY k", "+I[a, 0]\n+I[b, 0]\n", 1);
    let window = |call: &str| {
        format!(
            "SELECT k, {call} FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) \
             GROUP BY k, window_start, window_end"
        )
    };
    passes(&env, "k STRING, n BIGINT", &window("SMALL(n)"), "+I[a, 1]\n", 1);
    passes(&env, "k STRING, n BIGINT", &window("PANICKING(n)"), "+I[a, 0]\n", 1);
}

#[test]
fn arguments_of_other_types_are_refused_with_what_there_is() {
    let env = Env::new().function("twice", |x: f64| x * 2.0);
    let text = format!(
        "{TABLES} CREATE TABLE p (x DOUBLE) WITH ('connector' = 'print'); INSERT INTO p SELECT TWICE(k) FROM t"
    );
    let error = plan(&text, &env).unwrap_err().to_string();
    assert!(error.contains("found TWICE(STRING); there is TWICE(DOUBLE)"), "{error}");
}

#[test]
fn a_function_takes_the_place_of_a_built_in_one() {
    let env = Env::new().function("UPPER", |text: &str| format!("{text}!"));
    passes(&env, "k STRING", "SELECT DISTINCT UPPER(k) FROM t", "+I[a!]\n+I[b!]\n", 0);
}
