//! Bad rows go their own way, and all others theirs.

use crate::process::Scene;

const PROGRAM: &str = "
CREATE TABLE orders (id INT, price DOUBLE, pieces INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'filesystem', 'path' = 'orders.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE out (id INT, pieces INT) WITH ('connector' = 'filesystem', 'path' = 'out.json', 'format' = 'json');
INSERT INTO out SELECT id, 100 / pieces FROM orders WHERE price > 0;
";

#[test]
fn lines_and_rows_that_fail_are_dead_letters_with_their_place_and_reason() {
    let scene = Scene::new();
    scene.write("job.sql", PROGRAM);
    let lines = [
        "1,0.5,4,1970-01-01 00:00:00",
        "2,x,4,1970-01-01 00:00:00",
        "3,0.5,0,1970-01-01 00:00:00",
        "4,0.5,5,",
        "5,0.5",
        "6,0.5,20,1970-01-01 00:00:01",
    ];
    scene.write("orders.csv", lines.join("\n").as_bytes());
    scene.succeed(&["run", "job.sql", "--state-dir", "state"]);
    assert_eq!(scene.read("out.json"), "{\"id\":1,\"pieces\":25}\n{\"id\":6,\"pieces\":5}\n");

    let letters = scene.succeed(&["dlq", "list", "--state-dir", "state", "--json"]);
    for (cause, place) in [
        ("column `price` is a DOUBLE, found 'x'", "orders.csv at byte 28"),
        ("Divide by zero", "orders.csv at byte 54"),
        ("event time `ts` is NULL", "orders.csv at byte 82"),
        ("4 fields expected, 2 found", "orders.csv at byte 91"),
    ] {
        assert!(letters.contains(cause) && letters.contains(place), "no {cause:?} at {place:?} in\n{letters}");
    }
}
