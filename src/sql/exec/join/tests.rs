//! Joins from text to rows, in three lives; and that what can meet nobody any more leaves nothing in the state.

use super::super::tests::{Input, rows};

/// A program over orders and payments.
fn over_orders(out: &str, insert: &str) -> Vec<String> {
    let orders = Input::new(&[
        "1,ada,1970-01-01 00:00:01,30",
        "2,bob,1970-01-01 00:00:03,20",
        "3,ada,1970-01-01 00:00:12,10",
        "4,,1970-01-01 00:00:14,50",
        "5,cyd,1970-01-01 00:00:31,40",
    ]);
    let payments = Input::new(&[
        "ada,1970-01-01 00:00:05,30",
        "ada,1970-01-01 00:00:11,10",
        "bob,1970-01-01 00:00:28,20",
        ",1970-01-01 00:00:15,50",
        "cyd,1970-01-01 00:00:33,5",
    ]);
    let table = |columns: &str, input: &Input| {
        format!(
            "({columns}, ts TIMESTAMP_LTZ(3), amount INT, WATERMARK FOR ts AS ts - INTERVAL '40' SECOND)
             WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv', 'csv.null-literal' = '')",
            input.path()
        )
    };
    rows(&format!(
        "CREATE TABLE orders {}; CREATE TABLE payments {};
         CREATE TABLE out ({out}) WITH ('connector' = 'collect');
         INSERT INTO out {insert}",
        table("id INT, who STRING", &orders),
        table("who STRING", &payments)
    ))
}

#[test]
fn orders_meet_the_payments_that_are_near() {
    let found = over_orders(
        "id INT, paid INT",
        "SELECT o.id, p.amount FROM orders o LEFT JOIN payments p
         ON o.who = p.who AND p.ts BETWEEN o.ts - INTERVAL '5' SECOND AND o.ts + INTERVAL '10' SECOND
           AND p.amount >= o.amount",
    );
    assert_eq!(found, ["+I[1, 30]", "+I[2, null]", "+I[3, 10]", "+I[4, null]", "+I[5, null]"]);
}

#[test]
fn orders_meet_all_payments_of_the_same_person() {
    let found = over_orders(
        "id INT, paid INT",
        "SELECT o.id, p.amount FROM orders o JOIN payments p ON UPPER(o.who) = UPPER(p.who) AND p.amount <= o.amount",
    );
    assert_eq!(found, ["+I[1, 10]", "+I[1, 30]", "+I[2, 20]", "+I[3, 10]", "+I[5, 5]"]);
}

#[test]
fn orders_meet_the_payments_of_the_same_window() {
    let window =
        |table: &str| format!("(SELECT * FROM TABLE(TUMBLE(TABLE {table}, DESCRIPTOR(ts), INTERVAL '10' SECOND)))");
    let found = over_orders(
        "id INT, at TIMESTAMP(3), who STRING, paid INT",
        &format!(
            "SELECT o.id, o.window_start, p.who, p.amount FROM {} o FULL JOIN {} p
             ON o.window_start = p.window_start AND o.window_end = p.window_end AND o.who = p.who",
            window("orders"),
            window("payments")
        ),
    );
    assert_eq!(
        found,
        [
            "+I[1, 1970-01-01T00:00:00, ada, 30]",
            "+I[2, 1970-01-01T00:00:00, null, null]",
            "+I[3, 1970-01-01T00:00:10, ada, 10]",
            "+I[4, 1970-01-01T00:00:10, null, null]",
            "+I[5, 1970-01-01T00:00:30, cyd, 5]",
            "+I[null, null, bob, 20]",
            "+I[null, null, null, 50]",
        ]
    );
}

#[test]
fn what_windows_have_come_to_is_joined_by_window() {
    let total = |column: &str, table: &str| {
        format!(
            "(SELECT who, window_start, window_end, {column}
              FROM TABLE(TUMBLE(TABLE {table}, DESCRIPTOR(ts), INTERVAL '10' SECOND))
              GROUP BY who, window_start, window_end)"
        )
    };
    let found = over_orders(
        "who STRING, at TIMESTAMP(3), orders BIGINT, paid INT",
        &format!(
            "SELECT o.who, o.window_start, o.orders, p.paid FROM {} o LEFT JOIN {} p
             ON o.who = p.who AND o.window_start = p.window_start AND o.window_end = p.window_end AND p.paid > o.orders * 9",
            total("COUNT(*) AS orders", "orders"),
            total("MAX(amount) AS paid", "payments")
        ),
    );
    assert_eq!(
        found,
        [
            "+I[ada, 1970-01-01T00:00:00, 1, 30]",
            "+I[ada, 1970-01-01T00:00:10, 1, 10]",
            "+I[bob, 1970-01-01T00:00:00, 1, null]",
            "+I[cyd, 1970-01-01T00:00:30, 1, null]",
            "+I[null, 1970-01-01T00:00:10, 1, null]",
        ]
    );
}

#[test]
fn strict_and_turned_bounds_are_the_same_bounds() {
    for condition in [
        "p.ts > o.ts - INTERVAL '1' SECOND AND o.ts + INTERVAL '4' SECOND >= p.ts",
        "o.ts < p.ts + INTERVAL '1' SECOND AND p.ts - INTERVAL '4' SECOND <= o.ts AND p.amount > 0",
    ] {
        let insert = format!("SELECT o.id, p.amount FROM orders o JOIN payments p ON o.who = p.who AND {condition}");
        // Order 3 and its payment are a second apart.
        assert_eq!(over_orders("id INT, paid INT", &insert), ["+I[1, 30]", "+I[5, 5]"], "{condition}");
    }
}

#[test]
fn people_are_kept_for_whom_something_exists() {
    let found = over_orders(
        "id INT",
        "SELECT id FROM orders o WHERE EXISTS (SELECT * FROM payments p WHERE p.who = o.who AND p.amount < o.amount)",
    );
    assert_eq!(found, ["+I[1]", "+I[5]"]);
}

#[test]
fn bounds_hold_to_the_microsecond_where_event_time_has_them() {
    let times = ["1970-01-01 00:00:10.0007", "1970-01-01 00:00:11.0002", "1970-01-01 00:00:11.0008"];
    let input = Input::new(&times);
    let found = rows(&format!(
        "CREATE TABLE ticks (ts TIMESTAMP(6), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
         WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');
         CREATE TABLE out (a TIMESTAMP(6), b TIMESTAMP(6)) WITH ('connector' = 'collect');
         INSERT INTO out SELECT a.ts, b.ts FROM ticks a JOIN ticks b
         ON 1 = 1 AND EXTRACT(DAY FROM a.ts) = EXTRACT(DAY FROM b.ts) AND b.ts > a.ts AND b.ts < a.ts + INTERVAL '1' SECOND",
        input.path()
    ));
    assert_eq!(
        found,
        [
            "+I[1970-01-01T00:00:10.0007, 1970-01-01T00:00:11.0002]",
            "+I[1970-01-01T00:00:11.0002, 1970-01-01T00:00:11.0008]",
        ]
    );
}
