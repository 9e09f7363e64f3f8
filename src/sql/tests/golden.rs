//! Files of SQL and what the planner says of them: `tests/sql_plan/*.sql` and, beside each, `*.txt`.
//!
//! A file is texts between lines of `----`. Before each stand the tables of `tables.sql`, all in the text's first line, which is a
//! comment: so the places in messages are those in the text. `UPDATE_GOLDEN=1` writes the files anew.

use crate::sql::{Env, plan};
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql_plan")
}

/// All texts of the files: the name, and each text with the tables in front.
pub(super) fn texts() -> Vec<(PathBuf, Vec<String>)> {
    let tables = std::fs::read_to_string(directory().join("tables.sql")).unwrap().replace('\n', " ");
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "sql") && !path.ends_with("tables.sql"));
    files.sort();
    let read = |path: PathBuf| {
        let file = std::fs::read_to_string(&path).unwrap();
        let texts = file.split("\n----\n").map(|text| {
            assert!(text.starts_with("-- "), "{}: a text begins with a comment:\n{text}", path.display());
            format!("{tables} {}", text.trim_end())
        });
        (path.clone(), texts.collect())
    };
    files.into_iter().map(read).collect()
}

/// What the planner says of a text, without the tables in the line that an error shows.
fn said(text: &str) -> String {
    let title = text.lines().next().and_then(|line| line.rsplit_once("-- ")).map(|(_, title)| title);
    let said = match plan(text, &Env::default()) {
        Ok(program) => program.explain(),
        Err(error) => format!("refused: {error}\n"),
    };
    format!("-- {}\n{said}", title.unwrap_or_default())
}

#[test]
fn every_text_is_planned_or_refused_as_its_file_says() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = String::new();
    for (path, texts) in texts() {
        let found = texts.iter().map(|text| said(text)).collect::<Vec<_>>().join("----\n");
        let expected = path.with_extension("txt");
        if update {
            std::fs::write(&expected, found).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != found {
            let _ = writeln!(wrong, "{}:\n{found}", expected.display());
        }
    }
    assert!(wrong.is_empty(), "UPDATE_GOLDEN=1 takes these as right:\n{wrong}");
}
