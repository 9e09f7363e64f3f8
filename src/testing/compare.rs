//! Comparing what came out with what should have.

use serde::Serialize;
use std::fmt::Debug;
use std::fs;
use std::path::Path;

/// Compares two lists of rows without regard to order, but with regard to how often each row is there.
///
/// # Panics
/// If they differ; with the rows that are missing, and those that are too many.
///
/// ```
/// millstream::testing::assert_same_rows(["b", "a", "a"], ["a", "b", "a"]);
/// ```
#[track_caller]
pub fn assert_same_rows<R: Ord + Debug>(found: impl IntoIterator<Item = R>, expected: impl IntoIterator<Item = R>) {
    if let Err(difference) = same_rows(found, expected) {
        panic!("{difference}");
    }
}

/// Whether the rows are the same, in whatever order; else what is missing and what is too many.
pub(super) fn same_rows<R: Ord + Debug>(
    found: impl IntoIterator<Item = R>,
    expected: impl IntoIterator<Item = R>,
) -> Result<(), String> {
    let (mut found, mut expected): (Vec<R>, Vec<R>) = (found.into_iter().collect(), expected.into_iter().collect());
    found.sort();
    expected.sort();
    let (mut missing, mut surplus) = (Vec::new(), Vec::new());
    let (mut left, mut right) = (found.iter().peekable(), expected.iter().peekable());
    loop {
        match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some(a), Some(b)) if a == b => {
                left.next();
                right.next();
            }
            (Some(a), b) if b.is_none_or(|b| *a < *b) => surplus.extend(left.next()),
            _ => missing.extend(right.next()),
        }
    }
    if missing.is_empty() && surplus.is_empty() {
        return Ok(());
    }
    let counts = format!("{} rows found, {} expected", found.len(), expected.len());
    Err(format!("{counts}\nmissing: {missing:#?}\ntoo many: {surplus:#?}"))
}

/// Compares rows, in their order, with the lines of a JSON file that is kept beside the tests.
///
/// With `MILLSTREAM_BLESS=1` in the environment the file is written anew instead, for a person to look at the difference.
///
/// # Panics
/// If they differ, with the first line that does; if the file cannot be read.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let file = folder.path().join("rows.jsonl");
/// std::fs::write(&file, "[\"ada\",2]\n")?;
/// millstream::testing::golden(&file, [("ada", 2)]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn golden<R: Serialize>(path: impl AsRef<Path>, rows: impl IntoIterator<Item = R>) {
    let path = path.as_ref();
    let line = |row: R| serde_json::to_string(&row).unwrap_or_else(|error| panic!("a row is no JSON: {error}"));
    let found: Vec<String> = rows.into_iter().map(line).collect();
    if std::env::var_os("MILLSTREAM_BLESS").is_some_and(|value| value == "1") {
        let text: String = found.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        fs::write(path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        return;
    }
    let hint = "; MILLSTREAM_BLESS=1 writes it anew";
    let kept = fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}{hint}", path.display()));
    let expected: Vec<&str> = kept.lines().collect();
    for number in 0..found.len().max(expected.len()) {
        let (found, expected) = (found.get(number).map(String::as_str), expected.get(number).copied());
        assert_eq!(found, expected, "line {} of {} differs{hint}", number + 1, path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "missing: [\n    3,\n]\ntoo many: [\n    1,\n]")]
    fn a_difference_is_told_row_by_row() {
        assert_same_rows([1, 2, 1], [1, 2, 3]);
    }

    #[test]
    #[should_panic(expected = "line 2 of")]
    fn a_golden_file_with_more_lines_differs() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rows"), "1\n2\n").unwrap();
        golden(folder.path().join("rows"), [1]);
    }
}
