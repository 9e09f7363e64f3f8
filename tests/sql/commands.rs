//! What the commands for SQL say, and with which exit code.

use crate::process::Scene;
use serde_json::Value;

const WORDS: &str =
    "CREATE TABLE words (word STRING) WITH ('connector' = 'filesystem', 'path' = 'words.csv', 'format' = 'csv');
CREATE TABLE counts (word STRING, n BIGINT) WITH ('connector' = 'print');
INSERT INTO counts SELECT word, COUNT(*) FROM words GROUP BY word;
";

fn scene() -> Scene {
    let scene = Scene::new();
    scene.write("job.sql", WORDS);
    scene.write("words.csv", "mill\nstream\nmill\n");
    scene
}

/// The exit code, and what was said on stderr.
fn ended(scene: &Scene, arguments: &[&str]) -> (i32, String) {
    let output = scene.run(arguments);
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn every_help_teaches_with_an_example() {
    let scene = Scene::new();
    for command in ["run", "check", "plan", "test", "connectors", "functions", "completions", "config show"] {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = scene.succeed(&words);
        assert!(help.contains(&format!("millstream {command}")) && help.contains("Example"), "{command}: {help}");
    }
}

#[test]
fn a_mistake_ends_with_2_and_a_failure_with_1() {
    let scene = scene();
    scene.write("wrong.sql", WORDS.replace("FROM words GROUP", "FROM wordz GROUP"));
    for arguments in [
        &["run", "wrong.sql"][..],
        &["check", "job.sql", "wrong.sql"],
        &["plan", "wrong.sql"],
        &["run", "nowhere.sql"],
        &["run", "job.sql", "--set", "paralelism.default=2"],
        &["run", "job.sql", "--allow-env", "MILLSTREAM_IS_NOT_THERE"],
        &["run", "job.sql", "--paralelism", "2"],
        &["connectors", "filesistem"],
        &["config", "show", "--set", "x=1"],
    ] {
        assert_eq!(ended(&scene, arguments).0, 2, "{arguments:?}");
    }
    std::fs::remove_file(scene.path("words.csv")).unwrap();
    assert_eq!(ended(&scene, &["check", "job.sql"]), (0, String::new()));
    let (code, said) = ended(&scene, &["run", "job.sql"]);
    assert!(code == 1 && said.contains("words.csv"), "{code}: {said}");
}

#[test]
fn check_tells_what_a_file_would_do() {
    let said = scene().succeed(&["check", "job.sql", "--set", "parallelism.default=3"]);
    assert_eq!(
        said,
        "job.sql: nothing wrong\n  reads `words` (filesystem)\n  writes `counts` (print): rows change and go\n  \
         parallelism 3, checkpoints every 1s\n"
    );
}

#[test]
fn settings_come_from_the_file_beside_the_sql_and_are_shown_with_their_place() {
    let scene = scene();
    scene.write("millstream.toml", "parallelism.default = 2\nexecution.checkpointing.dir = \"state\"\n");
    let shown = scene.succeed(&["config", "show", "job.sql", "--json", "--set", "pipeline.name=words"]);
    let shown: Vec<Value> = serde_json::from_str(&shown).unwrap();
    let of = |key: &str| {
        let found = shown.iter().find(|shown| shown["key"] == key).unwrap();
        (found["value"].as_str().unwrap().to_owned(), found["from"].as_str().unwrap().to_owned())
    };
    assert_eq!(of("parallelism.default"), ("2".into(), "millstream.toml".into()));
    assert_eq!(of("pipeline.name"), ("words".into(), "--set".into()));
    assert_eq!(of("table.local-time-zone"), ("UTC".into(), "default".into()));
    // The state directory of the file is that of the job.
    scene.succeed(&["run", "job.sql"]);
    let kept = scene.succeed(&["checkpoints", "list", "--state-dir", "state"]);
    assert!(kept.contains("scan/words x2"), "{kept}");
}

#[test]
fn a_secret_is_read_where_that_is_allowed_and_never_shown() {
    let scene = scene();
    scene.write("job.sql", WORDS.replace("words.csv", "${MILLSTREAM_PLACE}/words.csv"));
    let (code, said) = ended(&scene, &["run", "job.sql"]);
    assert!(code == 2 && said.contains("allow it with --allow-env MILLSTREAM_PLACE"), "{said}");
    let run = |place: &str| {
        let mut command = scene.command(&["run", "job.sql", "--allow-env", "MILLSTREAM_PLACE", "--log", "debug"]);
        let output = command.env("MILLSTREAM_PLACE", place).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(".").0, 0);
    let (code, said) = run("s3cret");
    assert!(code == 1 && said.contains("${MILLSTREAM_PLACE}/words.csv") && !said.contains("s3cret"), "{said}");
}

#[test]
fn logs_are_lines_of_json_if_that_is_asked_for() {
    let (code, said) = ended(&scene(), &["run", "job.sql", "--log-format", "json", "--log", "info"]);
    assert_eq!(code, 0);
    let lines: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line["level"] == "INFO"), "{said}");
}

#[test]
fn connectors_and_functions_are_listed_and_told_of_one_by_one() {
    let scene = Scene::new();
    let all = scene.succeed(&["connectors"]);
    assert!(all.contains("filesystem") && all.contains("combined-log"), "{all}");
    assert!(scene.succeed(&["connectors", "filesystem"]).contains("'source.monitor-interval'"));
    assert!(scene.succeed(&["connectors", "csv"]).contains("'csv.field-delimiter'"));
    let all = scene.succeed(&["functions"]);
    assert!(all.lines().count() > 100 && all.contains("upper"), "{all}");
    assert!(scene.succeed(&["functions", "UPPER"]).contains("upper("));
    let (code, said) = ended(&scene, &["functions", "uper"]);
    assert!(code == 2 && said.contains("did you mean `upper`?"), "{said}");
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(Scene::new().succeed(&["completions", shell]).contains("savepoint"), "{shell}");
    }
}

#[test]
fn tests_pass_or_fail_with_a_difference_and_an_exit_code() {
    let scene = scene();
    let said = scene.succeed(&["test", "job.sql", "--update"]);
    assert!(said.contains("test job.sql ... ok (1 expectations updated)"), "{said}");
    assert_eq!(scene.read("job.counts.expected"), "+I[mill, 2]\n+I[stream, 1]\n");
    scene.succeed(&["test", "job.sql"]);
    scene.write("job.counts.expected", "+I[mill, 3]\n+I[stream, 1]\n");
    let output = scene.run(&["test", "job.sql"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("test job.sql ... FAILED") && said.contains("- +I[mill, 3]\n+ +I[mill, 2]\n"), "{said}");
    assert!(said.contains("test result: FAILED. 0 passed; 1 failed"), "{said}");
}

#[test]
fn the_examples_give_what_is_expected_of_them_in_three_lives() {
    let said = Scene::new().succeed(&["test", "examples"]);
    assert!(said.contains("5 passed; 0 failed; 1 left out"), "{said}");
    assert!(said.contains("sql_functions.sql ... left out: this binary has no `geo_country`"), "{said}");
}
