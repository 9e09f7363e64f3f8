//! What a person gets wrong is told with its place, and how to mend it.

use crate::process::Scene;

#[test]
fn a_mistake_is_shown_with_its_line_and_a_caret() {
    let scene = Scene::new();
    scene.write("job.sql", "CREATE TABLE t (a INT)\n  WITH ('connector' = 'filesystm', 'path' = 'x', 'format' = 'csv');\nINSERT INTO t SELECT a FROM t;\n");
    for command in ["run", "check", "plan"] {
        let said = scene.refused(&[command, "job.sql"]);
        assert!(
            said.contains("job.sql: line 2, column 9: no connector is called `filesystm`; did you mean `filesystem`?"),
            "{said}"
        );
        assert!(said.contains("\n 2 |   WITH ('connector' = 'filesystm'") && said.contains("^"), "{said}");
    }
}

#[test]
fn files_and_settings_that_do_not_exist_are_named() {
    let scene = Scene::new();
    scene.write("job.sql", "CREATE TABLE t (a INT) WITH ('connector' = 'blackhole'); INSERT INTO t VALUES (1);");
    assert!(scene.refused(&["run", "jobs.sql"]).contains("cannot read jobs.sql: No such file"));
    let said = scene.refused(&["run", "job.sql", "--set", "paralelism.default=2"]);
    assert!(said.contains("did you mean `parallelism.default`?"), "{said}");
    let said = scene.refused(&["run", "job.sql", "--set", "parallelism.default"]);
    assert!(said.contains("write KEY=VALUE"), "{said}");
    scene.write("empty.sql", "SET 'parallelism.default' = '2';");
    assert!(scene.refused(&["run", "empty.sql"]).contains("there is no INSERT"));
}

#[test]
fn a_plan_is_shown_in_every_format() {
    let scene = Scene::new();
    let shown = |format: &str| scene.succeed(&["plan", "examples/pageviews.sql", "--format", format]);
    assert!(shown("text").contains("window_aggregate tumble(10s)"));
    assert!(shown("dot").starts_with("digraph"));
    assert!(shown("mermaid").starts_with("flowchart"));
    assert!(serde_json::from_str::<serde_json::Value>(&shown("json")).is_ok());
    assert!(scene.succeed(&["check", "examples/pageviews.sql"]).contains("nothing wrong"));
}
