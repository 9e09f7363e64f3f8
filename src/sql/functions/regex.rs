//! Regular expressions.
//!
//! They are those of Rust's `regex`: as Java's, but without look-around and back references, which need time without bound. A
//! pattern that cannot be read is an error of the row; Flink gives NULL.

use super::form::general;
use super::function::{Function, function};
use super::recent::Recent;
use super::text::{list_of_text, owned};
use crate::sql::row::Value;
use arrow::datatypes::DataType;
use regex::{Captures, Regex};
use std::cell::RefCell;

thread_local! {
    static READY: RefCell<Recent<Regex>> = const { RefCell::new(Recent::new()) };
}

/// Does something with the pattern that a text writes.
pub(super) fn with<R>(pattern: &str, work: impl FnOnce(&Regex) -> R) -> Result<R, String> {
    READY.with_borrow_mut(|ready| {
        let regex = ready.of(pattern, |pattern| {
            Regex::new(pattern).map_err(|error| {
                let cause = error.to_string();
                format!("the pattern `{pattern}` cannot be read: {}", cause.lines().last().unwrap_or_default().trim())
            })
        });
        regex.map(work)
    })
}

pub(super) fn functions() -> Vec<Function> {
    vec![
        function("regexp", "REGEXP(string, pattern)", "Whether some part matches a regular expression.")
            .alias("rlike")
            .alias("regexp_like")
            .of(|text: &str, pattern: &str| with(pattern, |regex| regex.is_match(text))),
        function(
            "regexp_replace",
            "REGEXP_REPLACE(string, pattern, by)",
            "The text with all that matches replaced; `$1` is what the first group matched.",
        )
        .of(|text: &str, pattern: &str, by: &str| with(pattern, |regex| replaced(regex, text, by))),
        function(
            "regexp_extract",
            "REGEXP_EXTRACT(string, pattern[, group])",
            "What a group matched first, 0 the whole; NULL if nothing did.",
        )
        .of(|text: &str, pattern: &str| with(pattern, |regex| group(regex, text, 0)))
        .of(|text: &str, pattern: &str, number: i32| with(pattern, |regex| group(regex, text, number))),
        function("regexp_substr", "REGEXP_SUBSTR(string, pattern)", "What matches first; NULL if nothing does.")
            .of(|text: &str, pattern: &str| with(pattern, |regex| group(regex, text, 0))),
        function("regexp_count", "REGEXP_COUNT(string, pattern)", "How many parts match.").of(
            |text: &str, pattern: &str| {
                with(pattern, |regex| i32::try_from(regex.find_iter(text).count()).unwrap_or(i32::MAX))
            },
        ),
        function(
            "regexp_instr",
            "REGEXP_INSTR(string, pattern)",
            "The place of what matches first; 0 if nothing does.",
        )
        .of(|text: &str, pattern: &str| {
            with(pattern, |regex| {
                let place = |at: usize| i32::try_from(text[..at].chars().count() + 1).unwrap_or(i32::MAX);
                regex.find(text).map_or(0, |found| place(found.start()))
            })
        }),
        function(
            "regexp_extract_all",
            "REGEXP_EXTRACT_ALL(string, pattern[, group])",
            "What a group matched each time, as an ARRAY; the first group if not said.",
        )
        .form(general(
            "STRING, STRING",
            |given| super::text::texts(given).filter(|texts| texts.len() == 2),
            |_| list_of_text(),
            false,
            |values, _| all(values, 1),
        ))
        .form(general(
            "STRING, STRING, INT",
            |given| {
                let [text, pattern, group] = given else { return None };
                let mut converted = super::text::texts(&[text.clone(), pattern.clone()])?;
                converted.push(Some(DataType::Int64).filter(|_| group.is_integer() || *group == DataType::Null)?);
                Some(converted)
            },
            |_| list_of_text(),
            false,
            |values, _| match values.last() {
                Some(Value::Int(group)) => all(values, *group),
                _ => Ok(Value::Null),
            },
        )),
        function(
            "similar_to",
            "string SIMILAR TO pattern",
            "Whether the whole text matches a pattern of SQL: `%`, `_`, `|`, `*`, `+`, `?`, `( )`, `[ ]`.",
        )
        .of(|text: &str, pattern: &str| with(&similar(pattern, None)?, |regex| regex.is_match(text)))
        .of(|text: &str, pattern: &str, escape: &str| {
            with(&similar(pattern, escape.chars().next())?, |regex| regex.is_match(text))
        }),
    ]
}

fn group(regex: &Regex, text: &str, number: i32) -> Option<String> {
    let number = usize::try_from(number).ok()?;
    regex.captures(text)?.get(number).map(|found| found.as_str().to_owned())
}

fn all(values: &[Value<'_>], group: i64) -> Result<Value<'static>, String> {
    let [Value::Text(text), Value::Text(pattern), ..] = values else { return Ok(Value::Null) };
    with(pattern, |regex| {
        let Some(group) = usize::try_from(group).ok().filter(|group| *group < regex.captures_len()) else {
            return Value::Null;
        };
        let found = regex.captures_iter(text);
        Value::List(
            found.map(|found| found.get(group).map_or(Value::Null, |found| owned(found.as_str().to_owned()))).collect(),
        )
    })
}

/// As Java replaces: `$1` and `${name}` are groups, a backslash takes the next character as it is.
fn replaced(regex: &Regex, text: &str, by: &str) -> String {
    let expand = |found: &Captures<'_>| {
        let mut out = String::new();
        let mut rest = by;
        while let Some(at) = rest.find(['\\', '$']) {
            out.push_str(&rest[..at]);
            let is_group = rest[at..].starts_with('$');
            rest = &rest[at + 1..];
            if !is_group {
                let next = rest.chars().next();
                out.extend(next);
                rest = &rest[next.map_or(0, char::len_utf8)..];
            } else if let Some((name, behind)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
                out.push_str(found.name(name).map_or("", |group| group.as_str()));
                rest = behind;
            } else {
                // As many digits as there is a group for, at least one.
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                let number = |length: usize| rest[..length].parse::<usize>().ok();
                let length =
                    (2..=digits).rev().find(|length| number(*length).is_some_and(|n| n < regex.captures_len()));
                let length = length.unwrap_or(digits.min(1));
                match number(length) {
                    Some(number) => out.push_str(found.get(number).map_or("", |group| group.as_str())),
                    None => out.push('$'),
                }
                rest = &rest[length..];
            }
        }
        out.push_str(rest);
        out
    };
    regex.replace_all(text, expand).into_owned()
}

/// A pattern of SQL as a regular expression.
fn similar(pattern: &str, escape: Option<char>) -> Result<String, String> {
    let mut out = String::from("^(?s:");
    let mut in_set = false;
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        if Some(c) == escape {
            let next =
                characters.next().ok_or_else(|| format!("the pattern `{pattern}` ends with its escape character"))?;
            out.push_str(&regex::escape(next.encode_utf8(&mut [0; 4])));
            continue;
        }
        match c {
            '%' if !in_set => out.push_str(".*"),
            '_' if !in_set => out.push('.'),
            '.' | '^' | '$' | '\\' if !in_set => {
                out.push('\\');
                out.push(c);
            }
            _ => {
                in_set = (in_set || c == '[') && c != ']';
                out.push(c);
            }
        }
    }
    out.push_str(")$");
    Ok(out)
}
