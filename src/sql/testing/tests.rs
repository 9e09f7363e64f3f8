//! Tests that pass and tests that fail, each for its reason.

use super::{Failed, Passed, files, test};
use crate::sql::Env;
use std::path::Path;

const WORDS: &str = "CREATE TABLE words (word STRING, n INT) WITH
  ('connector' = 'filesystem', 'path' = 'words.csv', 'format' = 'csv');
";

/// A directory with words, a program, and other files.
struct Files(tempfile::TempDir);

impl Files {
    fn new(program: &str, others: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        write("words.csv", "mill,1\nstream,2\nmill,3\n");
        write("case.sql", program);
        others.iter().for_each(|(name, text)| write(name, text));
        Files(directory)
    }

    fn test(&self, update: bool) -> Result<Passed, String> {
        let found = test(&self.0.path().join("case.sql"), &Env::default(), update);
        let inside = format!("{}/", self.0.path().display());
        found.map_err(|failed| failed.to_string().replace(&inside, ""))
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).unwrap()
    }
}

/// A program that writes into a table.
fn program(head: &str, with: &str, query: &str) -> String {
    format!("{head}{WORDS}CREATE TABLE big (word STRING, n BIGINT) WITH ({with}); INSERT INTO big {query}")
}

const PRINT: &str = "'connector' = 'print'";
const ALL: &str = "SELECT word, n FROM words";

#[test]
fn rows_are_compared_as_their_format_writes_them_and_no_sink_is_touched() {
    let csv = "'connector' = 'filesystem', 'path' = '/nowhere/big.csv', 'format' = 'csv'";
    let files = Files::new(&program("", csv, ALL), &[("case.big.expected", "mill,1\nmill,3\nstream,2\n")]);
    assert_eq!(files.test(false), Ok(Passed { tables: 1, rows: 3, updated: vec![], missing: None }));
    let files = Files::new(&program("", PRINT, ALL), &[("case.big.expected", "+I[mill, 3]\n+I[other, 1]\n")]);
    assert_eq!(
        files.test(false).unwrap_err(),
        "straight through: table `big` is not as case.big.expected says (-), but (+):\n\
         - +I[other, 1]\n+ +I[mill, 1]\n+ +I[stream, 2]"
    );
}

#[test]
fn of_rows_that_change_those_that_are_left_are_compared() {
    let query = "SELECT word, SUM(n) FROM words GROUP BY word";
    let files = Files::new(&program("", PRINT, query), &[("case.big.expected", "+I[mill, 4]\n+I[stream, 2]\n")]);
    assert_eq!(files.test(false), Ok(Passed { tables: 1, rows: 2, updated: vec![], missing: None }));
}

#[test]
fn expectations_are_written_and_removed_on_demand() {
    let files = Files::new(&program("", PRINT, ALL), &[("case.small.expected", "+I[mill, 1]\n")]);
    assert_eq!(files.test(false).unwrap_err(), "case.big.expected is not there; `millstream test --update` writes it");
    assert_eq!(files.test(true).unwrap().updated.len(), 2);
    assert_eq!(files.read("case.big.expected"), "+I[mill, 1]\n+I[mill, 3]\n+I[stream, 2]\n");
    assert!(!files.0.path().join("case.small.expected").exists());
    assert_eq!(files.test(true).unwrap().updated.len(), 0);
    std::fs::write(files.0.path().join("case.small.expected"), "").unwrap();
    let refused = files.test(false).unwrap_err();
    assert_eq!(refused, "no INSERT writes the table that case.small.expected is for; remove the file");
}

#[test]
fn a_digest_stands_for_many_rows() {
    let files = Files::new(&program("", PRINT, ALL), &[("case.big.digest", "")]);
    assert_eq!(files.test(true).unwrap().updated, [files.0.path().join("case.big.digest")]);
    let digest = files.read("case.big.digest");
    assert!(digest.starts_with("rows 3\nxxh3 "), "{digest}");
    assert_eq!(files.test(false).unwrap().rows, 3);
    std::fs::write(files.0.path().join("words.csv"), "mill,1\nstream,2\nmill,4\n").unwrap();
    let failed = files.test(false).unwrap_err();
    assert!(failed.contains("is not as case.big.digest says (-), but (+):\n- xxh3 "), "{failed}");
}

#[test]
fn a_refusal_is_wanted_with_its_message() {
    let wrong = program("-- refused: did you mean `words`\n", PRINT, "SELECT * FROM wordz");
    assert_eq!(Files::new(&wrong, &[]).test(false), Ok(Passed::default()));
    let other = wrong.replace("did you mean `words`", "LIMIT");
    let failed = Files::new(&other, &[]).test(false).unwrap_err();
    assert!(failed.starts_with("expected a refusal with `LIMIT`, found:\nline 4, column"), "{failed}");
    let right = program("-- refused: LIMIT\n", PRINT, ALL);
    let failed = Files::new(&right, &[]).test(false).unwrap_err();
    assert_eq!(failed, "the program is not refused; expected a refusal with `LIMIT`");
    let failed = Files::new(&wrong.replace("-- refused", "-- was refused"), &[]).test(false).unwrap_err();
    assert!(failed.starts_with("line 4, column"), "{failed}");
}

#[test]
fn rows_that_cannot_be_processed_are_counted() {
    let others = [("words.csv", "mill,1\nstream,many\n"), ("case.big.expected", "+I[mill, 1]\n")];
    let failed = Files::new(&program("", PRINT, ALL), &others).test(false).unwrap_err();
    let told = "1 dead letters, expected 0; `-- dead letters: 1` at the head would expect them";
    assert_eq!(failed, format!("straight through: {told}"));
    let head = "-- Words, and one that is none.\n-- dead letters: 1\n";
    assert_eq!(Files::new(&program(head, PRINT, ALL), &others).test(false).unwrap().rows, 1);
}

#[test]
fn a_head_that_makes_no_sense_is_refused() {
    for (head, message) in [
        ("-- dead letters: some\n", "`-- dead letters: some`: dead letters are counted, like 2"),
        ("--\n-- refused: x\n", "`-- refused: x`: a refusal stands in the first line"),
        ("-- refused:\n", "`-- refused:`: a refusal names a part of its message"),
    ] {
        assert_eq!(Files::new(&program(head, PRINT, ALL), &[]).test(false).unwrap_err(), message);
    }
    assert!(Files::new(WORDS, &[]).test(false).unwrap_err().starts_with("there is no INSERT"));
}

#[test]
fn all_tests_below_a_directory_are_found() {
    let found = Files::new(WORDS, &[("b.sql", ""), ("b.txt", "")]);
    std::fs::create_dir(found.0.path().join("a")).unwrap();
    std::fs::write(found.0.path().join("a/z.sql"), "").unwrap();
    let names = files(found.0.path()).unwrap();
    let names: Vec<_> = names.iter().map(|path| path.strip_prefix(found.0.path()).unwrap()).collect();
    assert_eq!(names, ["a/z.sql", "b.sql", "case.sql"].map(Path::new));
    assert!(matches!(files(Path::new("/nowhere")), Err(Failed::File { .. })));
}

#[test]
fn a_test_that_needs_what_is_not_there_is_left_out() {
    let program = program("-- needs: print, GEO_COUNTRY\n", PRINT, "SELECT word, GEO_COUNTRY(n) FROM words");
    let files = Files::new(&program, &[("case.big.expected", "+I[mill, 1]\n+I[mill, 3]\n+I[stream, 2]\n")]);
    assert_eq!(files.test(false).unwrap().missing.as_deref(), Some("GEO_COUNTRY"));
    let env = Env::new().function("geo_country", |n: i64| n);
    let passed = test(&files.0.path().join("case.sql"), &env, false).unwrap();
    assert_eq!((passed.rows, passed.missing), (3, None));
}
