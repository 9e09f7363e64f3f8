//! Arrays as sets, parts of arrays, arrays in order; maps made of maps.

use super::collection::{entries, item, items, list, list_and_item, one_list, one_map, pair};
use super::form::{Form, OfValues, general};
use super::function::{Function, function};
use super::logic::common;
use crate::sql::exec::compare;
use crate::sql::row::Value;
use arrow::datatypes::{DataType, Field, Fields};
use std::cmp::Ordering;

pub(super) fn functions() -> Vec<Function> {
    let of_two = |name: &str, doc: &str, of_values: OfValues| {
        let syntax = format!("{}(array, array)", name.to_uppercase());
        function(name, &syntax, doc).form(general("ARRAY<t>, ARRAY<t>", two_lists, first, false, of_values))
    };
    vec![
        of_two("array_union", "The items that are in one of two arrays, each once.", |values, _| {
            Ok(once(values.iter().flat_map(items)))
        }),
        of_two("array_intersect", "The items that are in both of two arrays, each once.", |values, _| {
            let [left, right] = values else { return Ok(Value::Null) };
            Ok(once(items(left).iter().filter(|item| items(right).contains(item))))
        }),
        of_two(
            "array_except",
            "The items that are in the first array and not in the second, each once.",
            |values, _| {
                let [left, right] = values else { return Ok(Value::Null) };
                Ok(once(items(left).iter().filter(|item| !items(right).contains(item))))
            },
        ),
        function("array_prepend", "ARRAY_PREPEND(array, item)", "The array with an item in front.").form(general(
            "ARRAY<t>, t",
            list_and_item,
            first,
            true,
            |values, _| match values {
                [Value::List(items), item] => Ok(owned([item].into_iter().chain(items))),
                _ => Ok(Value::Null),
            },
        )),
        function(
            "array_slice",
            "ARRAY_SLICE(array, from[, to])",
            "The items from a place to another, both included; places below 0 count from the end.",
        )
        .form(slice(1))
        .form(slice(2)),
        function(
            "array_sort",
            "ARRAY_SORT(array[, ascending[, nulls first]])",
            "The items in order: ascending if not said, NULLs first if it ascends, if not said.",
        )
        .form(sort(0))
        .form(sort(1))
        .form(sort(2)),
        function("map_entries", "MAP_ENTRIES(map)", "The entries, as an array of rows of key and value.").form(
            general(
                "MAP<k, v>",
                one_map,
                |arguments| {
                    let Some((key, value)) = pair(&arguments[0]) else { return DataType::Null };
                    let fields = vec![Field::new("key", key, true), Field::new("value", value, true)];
                    list(DataType::Struct(Fields::from(fields)))
                },
                false,
                |values, _| match &values[0] {
                    Value::Map(entries) => {
                        let row = |(key, value): &(Value<'_>, Value<'_>)| {
                            Value::Row(vec![key.clone().into_owned(), value.clone().into_owned()])
                        };
                        Ok(Value::List(entries.iter().map(row).collect()))
                    }
                    _ => Ok(Value::Null),
                },
            ),
        ),
        function("map_union", "MAP_UNION(map, ..)", "The entries of all maps; of equal keys the last counts.").form(
            general(
                "MAP<k, v>, ..",
                |given| {
                    let is_map = given.iter().all(|given| matches!(given, DataType::Map(..)));
                    Some(given).filter(|given| is_map && !given.is_empty()).and_then(common)
                },
                first,
                false,
                |values, _| {
                    entries(
                        values
                            .iter()
                            .flat_map(|map| match map {
                                Value::Map(entries) => &entries[..],
                                _ => &[],
                            })
                            .cloned(),
                    )
                },
            ),
        ),
    ]
}

fn first(arguments: &[DataType]) -> DataType {
    arguments[0].clone()
}

fn two_lists(given: &[DataType]) -> Option<Vec<DataType>> {
    let [left @ DataType::List(_), right @ DataType::List(_)] = given else { return None };
    let both = common(&[item(left), item(right)])?;
    Some(both.into_iter().map(list).collect())
}

fn owned<'v, 'a: 'v>(items: impl Iterator<Item = &'v Value<'a>>) -> Value<'static> {
    Value::List(items.cloned().map(Value::into_owned).collect())
}

/// The different ones, where they came first.
fn once<'v, 'a: 'v>(items: impl Iterator<Item = &'v Value<'a>>) -> Value<'static> {
    let mut kept: Vec<&Value<'a>> = Vec::new();
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    owned(kept.into_iter())
}

/// * `count`: how many places are given.
fn slice(count: usize) -> Form {
    let convert: fn(&[DataType]) -> Option<Vec<DataType>> = match count {
        1 => |given| list_and(given, 1, DataType::Int64, DataType::is_integer),
        _ => |given| list_and(given, 2, DataType::Int64, DataType::is_integer),
    };
    let takes = if count == 1 { "ARRAY<t>, INT" } else { "ARRAY<t>, INT, INT" };
    general(takes, convert, first, false, |values, _| {
        let [Value::List(items), Value::Int(from), to @ ..] = values else { return Ok(Value::Null) };
        let length = items.len() as i64;
        let place = |at: i64| if at < 0 { at.saturating_add(length + 1) } else { at };
        let to = if let [Value::Int(to)] = to { place(*to).min(length) } else { length };
        // Place 0 is the first one, too.
        let from = place(*from);
        let from = if from < 0 && to < 1 { length } else { from.max(1) - 1 };
        let count = usize::try_from(to - from).unwrap_or(0);
        Ok(owned(items.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)).take(count)))
    })
}

/// * `count`: how many truths are given.
fn sort(count: usize) -> Form {
    let convert: fn(&[DataType]) -> Option<Vec<DataType>> = match count {
        0 => one_list,
        1 => |given| list_and(given, 1, DataType::Boolean, |found| *found == DataType::Boolean),
        _ => |given| list_and(given, 2, DataType::Boolean, |found| *found == DataType::Boolean),
    };
    let takes = ["ARRAY<t>", "ARRAY<t>, BOOLEAN", "ARRAY<t>, BOOLEAN, BOOLEAN"][count.min(2)];
    general(takes, convert, first, false, |values, _| {
        let [Value::List(items), how @ ..] = values else { return Ok(Value::Null) };
        let ascending = !matches!(how, [Value::Bool(false), ..]);
        let nulls_first = if let [_, Value::Bool(nulls_first)] = how { *nulls_first } else { ascending };
        let mut sorted: Vec<&Value<'_>> = items.iter().collect();
        sorted.sort_by(|left, right| match (left.is_null(), right.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => {
                if nulls_first {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
            (false, true) => {
                if nulls_first {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
            (false, false) => {
                if ascending {
                    compare(left, right)
                } else {
                    compare(right, left)
                }
            }
        });
        Ok(owned(sorted.into_iter()))
    })
}

/// An array and so many arguments that fit, or are NULL, as one type.
fn list_and(given: &[DataType], count: usize, to: DataType, fits: fn(&DataType) -> bool) -> Option<Vec<DataType>> {
    let (list @ DataType::List(_), rest) = given.split_first()? else { return None };
    let fit = rest.len() == count && rest.iter().all(|found| fits(found) || *found == DataType::Null);
    fit.then(|| std::iter::once(list.clone()).chain(vec![to; count]).collect())
}
