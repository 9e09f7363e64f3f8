//! The page views in SQL are the page views in Rust.

use crate::dataflow::Dataflow;
use crate::process::Scene;
use millstream::prelude::*;

#[test]
fn the_sql_file_gives_the_rows_of_the_typed_example() {
    let scene = Scene::new();
    scene.succeed(&["run", "examples/pageviews.sql"]);
    let typed = Dataflow {
        inputs: vec![scene.path("examples/data/access.log")],
        output: scene.path("typed"),
        window: seconds(10),
        visit_gap: minutes(30),
        out_of_orderness: seconds(60),
        rate: None,
        follow: false,
    };
    typed.job().run(Config::default()).unwrap();
    for name in ["users.csv", "site.csv", "visits.csv"] {
        let rows = scene.rows(&format!("out/pageviews-sql/{name}"));
        // The typed example writes moments with a `T` and a `Z`.
        let typed = scene.read(&format!("typed/{name}")).replace('Z', "");
        let mut typed: Vec<String> = typed.lines().skip(1).map(|row| row.replacen('T', " ", 2)).collect();
        typed.sort();
        assert!(rows.len() > 1000, "{name} has {} rows", rows.len());
        assert_eq!(rows, typed, "{name}");
    }
}

#[test]
fn the_rows_are_the_same_at_any_parallelism_and_with_state_on_disk() {
    let scene = Scene::new();
    scene.succeed(&["run", "examples/pageviews.sql"]);
    let straight = scene.rows("out/pageviews-sql/users.csv");
    for parallelism in ["2", "3"] {
        let state = format!("state-{parallelism}");
        let arguments =
            ["--state-dir", &state, "--parallelism", parallelism, "--fresh", "--checkpoint-interval", "20ms"];
        scene.succeed(&[&["run", "examples/pageviews.sql"], &arguments[..]].concat());
        assert_eq!(scene.rows("out/pageviews-sql/users.csv"), straight);
    }
}
