//! Whether two contenders have written the same rows, whatever their order and however they write them.

use crate::measure::Failure;
use crate::query::Query;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// How many rows there are in the end, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    pub rows: u64,
    pub sum: u64,
}

impl Digest {
    fn add(&mut self, hash: u64) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(hash);
    }
}

/// Of all files in a directory and those in it, but for those whose names begin with a dot.
///
/// Rows that change are followed to what they have become: the last row of a key stands for it, unless it was taken back.
/// (Flink leaves out what takes a row back where the next row of its key does too.)
pub fn of(directory: &Path, query: Query) -> Result<Digest, Failure> {
    let mut digest = Digest::default();
    let mut counts: HashMap<String, u64> = HashMap::new();
    let mut current: HashMap<String, u64> = HashMap::new();
    let mut change = |row: &str, key_columns: usize, is_taken_back: bool| {
        let row = normal_row(row);
        let key: Vec<&str> = row.split(',').take(key_columns).collect();
        let (key, hash) = (key.join(","), hash(&row));
        if !is_taken_back {
            current.insert(key, hash);
        } else if current.get(&key) == Some(&hash) {
            current.remove(&key);
        }
    };
    for file in files(directory)? {
        for line in BufReader::with_capacity(1 << 18, File::open(file)?).lines() {
            let line = line?;
            if query.is_of_the_clock() {
                let (key, count) = line.split_once(',').ok_or_else(|| format!("{line:?} has one column"))?;
                *counts.entry(key.to_owned()).or_default() += count.parse::<u64>()?;
                continue;
            }
            let Some(key) = query.key_columns() else {
                digest.add(hash(&normal_row(&line)));
                continue;
            };
            match line.split_at_checked(2) {
                Some(("+,", row)) => change(row, key, false),
                Some(("-,", row)) => change(row, key, true),
                _ => {
                    let images: Map<String, Value> = serde_json::from_str(&line)?;
                    let row = |image: &str| images.get(image).and_then(Value::as_object).map(columns);
                    row("before").into_iter().for_each(|row| change(&row, key, true));
                    row("after").into_iter().for_each(|row| change(&row, key, false));
                }
            }
        }
    }
    counts.iter().for_each(|(key, count)| digest.add(hash(&format!("{key},{count}"))));
    current.into_values().for_each(|hash| digest.add(hash));
    Ok(digest)
}

fn hash(row: &str) -> u64 {
    xxh3_64(row.as_bytes())
}

/// In the order in which they were written: the names of Flink's end in `-subtask-number`.
fn files(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort_by_key(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut parts = name.rsplit('-').map(|part| part.parse::<u64>().unwrap_or(0));
        let (number, subtask) = (parts.next(), parts.next());
        (path.parent().map(Path::to_owned), subtask, number)
    });
    Ok(found)
}

fn columns(row: &Map<String, Value>) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    row.values().map(text).collect::<Vec<_>>().join(",")
}

fn normal_row(row: &str) -> String {
    row.split(',').map(normal).collect::<Vec<_>>().join(",")
}

/// A field without quotes, a time as `2015-07-15 00:00:00.01`, a fraction without zeros at its end. No field of an answer has
/// a comma or a quote in it.
fn normal(field: &str) -> Cow<'_, str> {
    let field = field.trim_matches('"');
    let bytes = field.as_bytes();
    if bytes.len() >= 19 && bytes[4] == b'-' && bytes[13] == b':' {
        let time = field.trim_end_matches('Z').replace('T', " ");
        let fraction = if time.contains('.') { time.trim_end_matches('0').trim_end_matches('.') } else { &time };
        return Cow::Owned(fraction.to_owned());
    }
    let is_number = bytes.first().is_some_and(u8::is_ascii_digit) && (field.contains('.') || field.contains('E'));
    match field.parse::<f64>() {
        Ok(number) if is_number => Cow::Owned(number.to_string()),
        _ => Cow::Borrowed(field),
    }
}
