//! Arrays, maps and rows: made, read, searched. Places are from 1.

use super::form::{Form, OfValues, general, is_text};
use super::function::{Function, function};
use super::logic::common;
use super::regex;
use super::text::{owned, texts};
use crate::sql::exec::compare;
use crate::sql::row::Value;
use arrow::array::UInt32Array;
use arrow::array::{ArrayRef, StructArray};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Fields};
use std::cmp::Ordering;
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    let of_list = |name: &str, doc: &str, gives: fn(&[DataType]) -> DataType, of_values: OfValues| {
        let syntax = format!("{}(array)", name.to_uppercase());
        function(name, &syntax, doc).form(general("ARRAY<t>", one_list, gives, false, of_values))
    };
    let with_item = |name: &str, doc: &str, gives: fn(&[DataType]) -> DataType, of_values: OfValues| {
        let syntax = format!("{}(array, item)", name.to_uppercase());
        function(name, &syntax, doc).form(general("ARRAY<t>, t", list_and_item, gives, true, of_values))
    };
    let same: fn(&[DataType]) -> DataType = |arguments| arguments[0].clone();
    vec![
        function("array", "ARRAY[item, ..]", "An array of these items.").form(general(
            "t, ..",
            |given| if given.is_empty() { None } else { common(given) },
            |arguments| list(arguments[0].clone()),
            true,
            |values, _| Ok(Value::List(values.iter().cloned().map(Value::into_owned).collect())),
        )),
        function("map", "MAP[key, value, ..]", "A map of these entries; of equal keys the last counts.").form(general(
            "k, v, ..",
            |given| {
                let every = |from: usize| common(&given.iter().skip(from).step_by(2).cloned().collect::<Vec<_>>());
                let fits = !given.is_empty() && given.len() % 2 == 0;
                let (keys, values) = (every(0).filter(|_| fits)?, every(1)?);
                Some(keys.into_iter().zip(values).flat_map(|(key, value)| [key, value]).collect())
            },
            |arguments| map(arguments[0].clone(), arguments[1].clone()),
            true,
            |values, _| entries(values.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone()))),
        )),
        function("map_from_arrays", "MAP_FROM_ARRAYS(keys, values)", "A map of keys and values at the same places.")
            .form(general(
                "ARRAY<k>, ARRAY<v>",
                |given| Some(given.to_vec()).filter(|g| matches!(g[..], [DataType::List(_), DataType::List(_)])),
                |arguments| map(item(&arguments[0]), item(&arguments[1])),
                false,
                |values, _| match values {
                    [Value::List(keys), Value::List(values)] if keys.len() == values.len() => {
                        entries(keys.iter().cloned().zip(values.iter().cloned()))
                    }
                    _ => Err("there are not as many values as keys".to_owned()),
                },
            )),
        function(
            "str_to_map",
            "STR_TO_MAP(string[, between entries, between key and value])",
            "The map that a text writes; the signs between are regular expressions, `,` and `=` if not said.",
        )
        .form(general(
            "STRING",
            |given| texts(given).filter(|t| t.len() == 1),
            |_| text_map(),
            false,
            |values, _| split(values),
        ))
        .form(general(
            "STRING, STRING, STRING",
            |given| texts(given).filter(|t| t.len() == 3),
            |_| text_map(),
            false,
            |values, _| split(values),
        )),
        function("row", "ROW(value, ..)", "A row of these values.").form(Form::new(
            "t, ..".to_owned(),
            |given| {
                Some(
                    given
                        .iter()
                        .map(|given| if *given == DataType::Null { DataType::Utf8View } else { given.clone() })
                        .collect(),
                )
            },
            |arguments| {
                let fields = arguments.iter().enumerate().map(|(at, t)| Field::new(format!("f{at}"), t.clone(), true));
                DataType::Struct(fields.collect())
            },
            |given, rows, result| {
                let DataType::Struct(fields) = result else { return Err("a ROW is of no type of rows".to_owned()) };
                let columns = given.iter().map(|given| {
                    let at = UInt32Array::from_iter_values((0..rows).map(|row| given.at(row) as u32));
                    take(given.array, &at, None).map_err(|error| error.to_string())
                });
                let columns = columns.collect::<Result<Vec<ArrayRef>, _>>()?;
                let made = StructArray::try_new_with_length(fields.clone(), columns, None, rows);
                made.map(|made| Arc::new(made) as ArrayRef).map_err(|error| error.to_string())
            },
        )),
        function("item", "array[n] or map[key]", "The item at a place, the value of a key; NULL if there is none.")
            .form(general(
                "ARRAY<t>, INT",
                |given| match given {
                    [list @ DataType::List(_), index] if index.is_integer() => {
                        Some(vec![list.clone(), DataType::Int64])
                    }
                    _ => None,
                },
                |arguments| item(&arguments[0]),
                false,
                |values, _| match values {
                    [Value::List(items), Value::Int(at)] => {
                        let found = usize::try_from(*at).ok().and_then(|at| items.get(at.checked_sub(1)?));
                        Ok(found.cloned().map_or(Value::Null, Value::into_owned))
                    }
                    _ => Ok(Value::Null),
                },
            ))
            .form(general(
                "MAP<k, v>, k",
                |given| match given {
                    [map @ DataType::Map(..), _] => Some(vec![map.clone(), pair(map)?.0]),
                    _ => None,
                },
                |arguments| pair(&arguments[0]).map_or(DataType::Null, |(_, value)| value),
                false,
                |values, _| match values {
                    [Value::Map(entries), key] => {
                        let found = entries.iter().find(|(known, _)| known == key);
                        Ok(found.map_or(Value::Null, |(_, value)| value.clone().into_owned()))
                    }
                    _ => Ok(Value::Null),
                },
            )),
        function("cardinality", "CARDINALITY(array or map)", "How many items or entries there are.").form(general(
            "ARRAY<t> or MAP<k, v>",
            |given| Some(given.to_vec()).filter(|g| matches!(g[..], [DataType::List(_) | DataType::Map(..)])),
            |_| DataType::Int32,
            false,
            |values, _| match &values[0] {
                Value::List(items) => Ok(Value::Int(items.len() as i64)),
                Value::Map(entries) => Ok(Value::Int(entries.len() as i64)),
                _ => Ok(Value::Null),
            },
        )),
        of_list(
            "element",
            "The only item; NULL if there is none.",
            |arguments| item(&arguments[0]),
            |values, _| match &values[0] {
                Value::List(items) if items.len() > 1 => Err(format!("the array has {} items, not one", items.len())),
                Value::List(items) => Ok(items.first().cloned().map_or(Value::Null, Value::into_owned)),
                _ => Ok(Value::Null),
            },
        ),
        of_list("array_distinct", "The array with equal items once, where they came first.", same, |values, _| {
            let mut kept: Vec<Value<'static>> = Vec::new();
            for item in items(&values[0]) {
                if !kept.contains(item) {
                    kept.push(item.clone().into_owned());
                }
            }
            Ok(Value::List(kept))
        }),
        of_list("array_reverse", "The items in reverse order.", same, |values, _| {
            Ok(Value::List(items(&values[0]).iter().rev().cloned().map(Value::into_owned).collect()))
        }),
        of_list(
            "array_max",
            "The greatest item; NULL if there is none.",
            |arguments| item(&arguments[0]),
            |values, _| Ok(best(items(&values[0]), Ordering::Greater)),
        ),
        of_list(
            "array_min",
            "The least item; NULL if there is none.",
            |arguments| item(&arguments[0]),
            |values, _| Ok(best(items(&values[0]), Ordering::Less)),
        ),
        with_item(
            "array_contains",
            "Whether an item is there.",
            |_| DataType::Boolean,
            |values, _| match values {
                [Value::List(items), item] => Ok(Value::Bool(items.contains(item))),
                _ => Ok(Value::Null),
            },
        ),
        with_item(
            "array_position",
            "The place of the first such item; 0 if there is none.",
            |_| DataType::Int32,
            |values, _| match values {
                [Value::Null, _] | [_, Value::Null] => Ok(Value::Null),
                [Value::List(items), item] => {
                    Ok(Value::Int(items.iter().position(|known| known == item).map_or(0, |at| at as i64 + 1)))
                }
                _ => Ok(Value::Null),
            },
        ),
        with_item("array_remove", "The array without such items.", same, |values, _| match values {
            [Value::List(items), item] => {
                Ok(Value::List(items.iter().filter(|known| *known != item).cloned().map(Value::into_owned).collect()))
            }
            _ => Ok(Value::Null),
        }),
        with_item("array_append", "The array with an item behind.", same, |values, _| match values {
            [Value::List(items), item] => {
                Ok(Value::List(items.iter().chain([item]).cloned().map(Value::into_owned).collect()))
            }
            _ => Ok(Value::Null),
        }),
        function(
            "array_join",
            "ARRAY_JOIN(array, separator[, for NULL])",
            "The texts with a separator between them; NULLs left out, or written as said.",
        )
        .form(general("ARRAY<STRING>, STRING", |given| joins(given, 2), |_| DataType::Utf8View, false, join))
        .form(general(
            "ARRAY<STRING>, STRING, STRING",
            |given| joins(given, 3),
            |_| DataType::Utf8View,
            false,
            join,
        )),
        function("array_concat", "ARRAY_CONCAT(array, ..)", "The items of all arrays, one behind the other.").form(
            general(
                "ARRAY<t>, ..",
                |given| {
                    let first = given.first().filter(|first| matches!(first, DataType::List(_)))?;
                    given.iter().all(|list| item(list) == item(first)).then(|| vec![first.clone(); given.len()])
                },
                |arguments| arguments[0].clone(),
                false,
                |values, _| Ok(Value::List(values.iter().flat_map(items).cloned().map(Value::into_owned).collect())),
            ),
        ),
        function("map_keys", "MAP_KEYS(map)", "The keys, as an array.").form(general(
            "MAP<k, v>",
            one_map,
            |arguments| pair(&arguments[0]).map_or(DataType::Null, |(key, _)| list(key)),
            false,
            |values, _| match &values[0] {
                Value::Map(entries) => {
                    Ok(Value::List(entries.iter().map(|(key, _)| key.clone().into_owned()).collect()))
                }
                _ => Ok(Value::Null),
            },
        )),
        function("map_values", "MAP_VALUES(map)", "The values, as an array.").form(general(
            "MAP<k, v>",
            one_map,
            |arguments| pair(&arguments[0]).map_or(DataType::Null, |(_, value)| list(value)),
            false,
            |values, _| match &values[0] {
                Value::Map(entries) => {
                    Ok(Value::List(entries.iter().map(|(_, value)| value.clone().into_owned()).collect()))
                }
                _ => Ok(Value::Null),
            },
        )),
    ]
}

pub(super) fn list(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

/// As the types of columns have it.
fn map(key: DataType, value: DataType) -> DataType {
    let pair = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
}

fn text_map() -> DataType {
    map(DataType::Utf8View, DataType::Utf8View)
}

pub(super) fn item(list: &DataType) -> DataType {
    match list {
        DataType::List(item) => item.data_type().clone(),
        _ => DataType::Null,
    }
}

pub(super) fn pair(map: &DataType) -> Option<(DataType, DataType)> {
    let DataType::Map(entries, _) = map else { return None };
    let DataType::Struct(pair) = entries.data_type() else { return None };
    Some((pair.first()?.data_type().clone(), pair.get(1)?.data_type().clone()))
}

pub(super) fn one_list(given: &[DataType]) -> Option<Vec<DataType>> {
    Some(given.to_vec()).filter(|given| matches!(given[..], [DataType::List(_)]))
}

pub(super) fn one_map(given: &[DataType]) -> Option<Vec<DataType>> {
    Some(given.to_vec()).filter(|given| matches!(given[..], [DataType::Map(..)]))
}

pub(super) fn list_and_item(given: &[DataType]) -> Option<Vec<DataType>> {
    let [list @ DataType::List(_), found] = given else { return None };
    let wanted = item(list);
    let fits = *found == wanted
        || *found == DataType::Null
        || (found.is_numeric() && wanted.is_numeric())
        || (is_text(found) && is_text(&wanted));
    fits.then(|| vec![list.clone(), wanted])
}

fn joins(given: &[DataType], count: usize) -> Option<Vec<DataType>> {
    let (list @ DataType::List(_), rest) = given.split_first()? else { return None };
    let fits = given.len() == count && is_text(&item(list));
    Some(std::iter::once(list.clone()).chain(texts(rest).filter(|_| fits)?).collect())
}

pub(super) fn items<'v, 'a>(value: &'v Value<'a>) -> &'v [Value<'a>] {
    if let Value::List(items) = value { items } else { &[] }
}

fn best(items: &[Value<'_>], wanted: Ordering) -> Value<'static> {
    let known = items.iter().filter(|item| !item.is_null());
    let best = known.reduce(|best, item| if compare(item, best) == wanted { item } else { best });
    best.cloned().map_or(Value::Null, Value::into_owned)
}

fn join(values: &[Value<'_>], _: &super::form::Types<'_>) -> Result<Value<'static>, String> {
    let [list, Value::Text(separator), for_null @ ..] = values else { return Ok(Value::Null) };
    let for_null = if let [Value::Text(text)] = for_null { Some(&**text) } else { None };
    let texts =
        items(list).iter().filter_map(|item| if let Value::Text(text) = item { Some(&**text) } else { for_null });
    Ok(owned(texts.collect::<Vec<_>>().join(separator)))
}

/// A map; of equal keys the last value counts, at the place of the first.
pub(super) fn entries<'v>(pairs: impl Iterator<Item = (Value<'v>, Value<'v>)>) -> Result<Value<'static>, String> {
    let mut entries: Vec<(Value<'static>, Value<'static>)> = Vec::new();
    for (key, value) in pairs {
        if key.is_null() {
            return Err("a key is NULL".to_owned());
        }
        let value = value.into_owned();
        match entries.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => entries.push((key.into_owned(), value)),
        }
    }
    Ok(Value::Map(entries))
}

/// STR_TO_MAP: text, what is between entries, what is between key and value.
fn split(values: &[Value<'_>]) -> Result<Value<'static>, String> {
    let Some(Value::Text(text)) = values.first() else { return Ok(Value::Null) };
    let sign = |at: usize, default: &'static str| match values.get(at) {
        Some(Value::Text(sign)) => sign.clone().into_owned(),
        _ => default.to_owned(),
    };
    let parts = regex::with(&sign(1, ","), |regex| regex.split(text).map(str::to_owned).collect::<Vec<_>>())?;
    let pairs = regex::with(&sign(2, "="), |regex| {
        let pair = |part: &String| {
            let mut pair = regex.splitn(part, 2);
            let key = owned(pair.next().unwrap_or_default().to_owned());
            (key, pair.next().map_or(Value::Null, |value| owned(value.to_owned())))
        };
        parts.iter().map(pair).collect::<Vec<_>>()
    })?;
    entries(pairs.into_iter())
}
