//! The PRIMARY KEY of a table, found in its lines.

use super::{Options, written};
use crate::sql::catalog::{OptionError, Table};
use crate::sql::exec::compare;
use crate::sql::format::{Format, Found};
use crate::sql::row::Value;
use std::cmp::Ordering;
use std::sync::Arc;

/// The values of a key, as its line tells them; ordered as ORDER BY has it, NULL first.
#[derive(Clone, Debug)]
pub(in crate::sql) struct LineKey(Vec<Value<'static>>);

impl Ord for LineKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let parts = self.0.iter().zip(&other.0).map(|(left, right)| compare(left, right));
        parts.fold(Ordering::Equal, Ordering::then)
    }
}

impl PartialOrd for LineKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for LineKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for LineKey {}

/// Finds the key of a line.
pub(in crate::sql) type LineKeys = Arc<dyn Fn(&str) -> Option<LineKey> + Send + Sync>;

/// What finds the keys of a table's lines, and which of the written columns they are.
///
/// # Errors
/// If a column of the key is not written, or the format cannot be read.
pub(super) fn line_keys(table: &Table, format: &dyn Format) -> Result<(LineKeys, Vec<usize>), OptionError> {
    let names: Vec<&str> = table.written().map(|column| column.name.as_str()).collect();
    let columns = table.primary_key.iter().map(|key| {
        names.iter().position(|name| name == key).ok_or_else(|| OptionError {
            key: None,
            message: format!("`{key}` of the PRIMARY KEY is computed, so it is not written; name written columns"),
        })
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let mut wanted = columns.clone();
    wanted.sort_unstable();
    wanted.dedup();
    let reader = format.reader(Options::new(table).of(format.name()), &written(table), &wanted)?;
    // The reader gives the columns as they stand in the line, the key has an order of its own.
    let order: Vec<usize> = columns.iter().map(|column| wanted.partition_point(|other| other < column)).collect();
    let key = move |line: &str| {
        let mut found = Found::default();
        reader.read(line.as_bytes(), &mut found).ok()?;
        let is_one = found.kinds.len() == 1 && found.values.len() == wanted.len();
        let value = |at: &usize| found.values[*at].clone().into_owned();
        is_one.then(|| LineKey(order.iter().map(value).collect()))
    };
    Ok((Arc::new(key), columns))
}
