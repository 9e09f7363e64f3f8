//! JSON in texts: what stands at a [path](path), and texts made of values.
//!
//! A text that is no JSON is an error as `ON ERROR` says, which is NULL (for JSON_EXISTS: false) if it is not said. Objects keep
//! the order of their members by name. The clauses are arguments here; the reader of the text has put them there.

mod path;

use super::form::{Types, general, is_text};
use super::function::{Function, function};
use super::planner::IS_JSON;
use super::recent::Recent;
use super::text::{owned, texts};
use crate::sql::row::Value;
use crate::sql::text::{TimeStyle, write_json};
use arrow::datatypes::DataType;
use path::Path;
use serde_json::Value as Json;
use std::cell::RefCell;

thread_local! {
    static PATHS: RefCell<Recent<Path>> = const { RefCell::new(Recent::new()) };
}

pub(super) fn functions() -> Vec<Function> {
    vec![
        function("json_exists", "JSON_EXISTS(json, path [{TRUE | FALSE | UNKNOWN | ERROR} ON ERROR])", "Whether a path leads to something.")
            .of(|json: &str, path: &str| exists(json, path, "FALSE"))
            .of(exists),
        function("json_value", "JSON_VALUE(json, path [RETURNING type] [{NULL | ERROR | DEFAULT value} ON EMPTY] [.. ON ERROR])", "The text, number or truth value at a path, as a STRING or the type that is said.")
            .form(general("STRING, STRING", |given| texts(given).filter(|texts| texts.len() == 2), |_| DataType::Utf8View, true, scalar))
            .form(general(
                "STRING, STRING, clauses",
                |given| {
                    let [_, _, result, _, _, _, _] = given else { return None };
                    let result = match result {
                        DataType::Null => DataType::Utf8View,
                        other if is_text(other) => DataType::Utf8View,
                        other => other.clone(),
                    };
                    let mut converted = texts(&given[..2])?;
                    converted.extend([result.clone(), DataType::Utf8View, result.clone(), DataType::Utf8View, result]);
                    Some(converted)
                },
                |arguments| arguments[2].clone(),
                true,
                scalar,
            )),
        function("json_query", "JSON_QUERY(json, path [{WITHOUT | WITH [CONDITIONAL | UNCONDITIONAL]} [ARRAY] WRAPPER] [{NULL | EMPTY ARRAY | EMPTY OBJECT | ERROR} ON {EMPTY | ERROR}])", "The array or object at a path, as JSON.")
            .form(general("STRING, STRING", |given| texts(given).filter(|texts| texts.len() == 2), |_| DataType::Utf8View, false, query))
            .form(general("STRING, STRING, clauses", |given| texts(given).filter(|texts| texts.len() == 5), |_| DataType::Utf8View, false, query)),
        function(IS_JSON, "string IS [NOT] JSON [VALUE | SCALAR | ARRAY | OBJECT]", "Whether a text is JSON, of a kind.")
            // Alone it stands for the kind: see `planner`.
            .of(|kind: &str| kind.to_owned())
            .of(|json: Option<&str>, kind: &str| {
                let json = json.and_then(|json| serde_json::from_str::<Json>(json).ok());
                json.is_some_and(|json| match kind {
                    "ARRAY" => json.is_array(),
                    "OBJECT" => json.is_object(),
                    "SCALAR" => !json.is_array() && !json.is_object(),
                    _ => true,
                })
            }),
        function("json_string", "JSON_STRING(value)", "The value as JSON.").form(general(
            "t",
            |given| Some(given.to_vec()).filter(|given| given.len() == 1),
            |_| DataType::Utf8View,
            false,
            |values, types| {
                let mut out = String::new();
                write_json(&mut out, &values[0], &types.arguments[0], TimeStyle::Sql);
                Ok(owned(out))
            },
        )),
        function("json_quote", "JSON_QUOTE(string)", "The text as a text of JSON.").of(|text: &str| Json::from(text).to_string()),
        function("json_unquote", "JSON_UNQUOTE(string)", "The text that a text of JSON stands for; others stay as they are.").of(|text: &str| {
            serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned())
        }),
        function("json_object", "JSON_OBJECT([[KEY] key VALUE value], .. [{NULL | ABSENT} ON NULL])", "An object of JSON.")
            .form(general("pairs", parts(3), |_| DataType::Utf8View, true, object)),
        function("json_array", "JSON_ARRAY(value, .. [{NULL | ABSENT} ON NULL])", "An array of JSON; without NULLs, if not said.")
            .form(general("values", parts(2), |_| DataType::Utf8View, true, array)),
    ]
}

fn with<R>(path: &str, work: impl FnOnce(&Path) -> Result<R, String>) -> Result<R, String> {
    PATHS.with_borrow_mut(|paths| work(paths.of(path, Path::read)?))
}

fn read(json: &str) -> Result<Json, String> {
    serde_json::from_str(json).map_err(|error| format!("no JSON: {error}"))
}

fn exists(json: &str, path: &str, on_error: &str) -> Result<Option<bool>, String> {
    // A path that cannot be read is a mistake of the text, not of the row.
    with(path, |path| match read(json).and_then(|json| Ok(!path.find(&json)?.is_empty())) {
        Ok(exists) => Ok(Some(exists)),
        Err(message) => match on_error {
            "TRUE" => Ok(Some(true)),
            "FALSE" => Ok(Some(false)),
            "UNKNOWN" => Ok(None),
            _ => Err(message),
        },
    })
}

/// What a clause gives: `NULL`, `ERROR`, or `DEFAULT` and a value.
fn otherwise(
    clause: Option<&Value<'_>>,
    default: Option<&Value<'_>>,
    message: String,
) -> Result<Value<'static>, String> {
    match clause {
        Some(Value::Text(clause)) if clause == "ERROR" => Err(message),
        Some(Value::Text(clause)) if clause == "DEFAULT" => Ok(default.cloned().map_or(Value::Null, Value::into_owned)),
        _ => Ok(Value::Null),
    }
}

/// JSON_VALUE: json, path, and perhaps type, on empty, its default, on error, its default.
fn scalar(values: &[Value<'_>], types: &Types<'_>) -> Result<Value<'static>, String> {
    let [Value::Text(json), Value::Text(path), ..] = values else { return Ok(Value::Null) };
    let found = with(path, |path| {
        Ok(read(json).and_then(|json| match path.find(&json)?[..] {
            [] | [Json::Null] => Ok(None),
            [Json::Array(_) | Json::Object(_)] => Err("there is an array or object at the path".to_owned()),
            [only] => {
                let text = only.as_str().map_or_else(|| only.to_string(), str::to_owned);
                let value =
                    if is_text(types.result) { Some(owned(text)) } else { super::cast::from_text(&text, types.result) };
                value.map(Some).ok_or_else(|| format!("{only} is of another type"))
            }
            _ => Err("there are several values at the path".to_owned()),
        }))
    })?;
    match found {
        Ok(Some(value)) => Ok(value),
        Ok(None) => otherwise(values.get(3), values.get(4), "there is nothing at the path".to_owned()),
        Err(message) => otherwise(values.get(5), values.get(6), message),
    }
}

/// JSON_QUERY: json, path, and perhaps wrapper, on empty, on error.
fn query(values: &[Value<'_>], _: &Types<'_>) -> Result<Value<'static>, String> {
    let [Value::Text(json), Value::Text(path), clauses @ ..] = values else { return Ok(Value::Null) };
    let clause = |at: usize| match clauses.get(at) {
        Some(Value::Text(clause)) => &**clause,
        _ => "",
    };
    let found = with(path, |path| {
        Ok(read(json).and_then(|json| {
            let found = path.find(&json)?;
            let wrapped = || Json::Array(found.iter().map(|value| (*value).clone()).collect()).to_string();
            match (&found[..], clause(0)) {
                ([], _) => Ok(None),
                (_, "UNCONDITIONAL") => Ok(Some(wrapped())),
                ([only @ (Json::Array(_) | Json::Object(_))], _) => Ok(Some(only.to_string())),
                (_, "CONDITIONAL") => Ok(Some(wrapped())),
                // Flink gives all that a path with a star leads to, too.
                (_, _) if path.is_many() => Ok(Some(wrapped())),
                ([Json::Null], _) => Ok(None),
                _ => Err("there is no array or object at the path".to_owned()),
            }
        }))
    })?;
    let (clause, message) = match found {
        Ok(Some(found)) => return Ok(owned(found)),
        Ok(None) => (clause(1), "there is nothing at the path".to_owned()),
        Err(message) => (clause(2), message),
    };
    match clause {
        "ARRAY" => Ok(owned("[]".to_owned())),
        "OBJECT" => Ok(owned("{}".to_owned())),
        "ERROR" => Err(message),
        _ => Ok(Value::Null),
    }
}

/// What is done with NULLs, and then groups of so many arguments, the last of each of any type.
fn parts(size: usize) -> fn(&[DataType]) -> Option<Vec<DataType>> {
    fn grouped(given: &[DataType], size: usize) -> Option<Vec<DataType>> {
        let (first, rest) = given.split_first()?;
        let fits = |(at, part): (usize, &DataType)| (at % size == size - 1) || is_text(part);
        let fit = is_text(first) && rest.len() % size == 0 && rest.iter().enumerate().all(fits);
        let text = |part: &DataType| if is_text(part) { DataType::Utf8View } else { part.clone() };
        fit.then(|| given.iter().map(text).collect())
    }
    if size == 3 { |given| grouped(given, 3) } else { |given| grouped(given, 2) }
}

/// A value as JSON; if it is JSON already, as it is.
fn write(kind: &Value<'_>, value: &Value<'_>, data_type: &DataType) -> String {
    let mut out = String::new();
    match (kind, value) {
        (Value::Text(kind), Value::Text(json)) if kind == "JSON" => out.push_str(json),
        _ => write_json(&mut out, value, data_type, TimeStyle::Sql),
    }
    out
}

/// Of `NULL` or `ABSENT`, and then key, `JSON` or `VALUE`, value.
fn object(values: &[Value<'_>], types: &Types<'_>) -> Result<Value<'static>, String> {
    let keeps_nulls = values.first() == Some(&Value::Text("NULL".into()));
    let mut members: Vec<String> = Vec::new();
    for (values, types) in values[1..].chunks(3).zip(types.arguments[1..].chunks(3)) {
        let [Value::Text(key), kind, value] = values else { return Err("a key is NULL".to_owned()) };
        if keeps_nulls || !value.is_null() {
            members.push(format!("{}:{}", Json::from(&**key), write(kind, value, &types[2])));
        }
    }
    Ok(owned(format!("{{{}}}", members.join(","))))
}

/// Of `NULL` or `ABSENT`, and then `JSON` or `VALUE`, value.
fn array(values: &[Value<'_>], types: &Types<'_>) -> Result<Value<'static>, String> {
    let keeps_nulls = values.first() == Some(&Value::Text("NULL".into()));
    let mut items: Vec<String> = Vec::new();
    for (values, types) in values[1..].chunks(2).zip(types.arguments[1..].chunks(2)) {
        let [kind, value] = values else { continue };
        if keeps_nulls || !value.is_null() {
            items.push(write(kind, value, &types[1]));
        }
    }
    Ok(owned(format!("[{}]", items.join(","))))
}
