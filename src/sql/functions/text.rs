//! Texts: parts of them, and texts made of others. Lengths and places are in characters (of Unicode), places from 1.

use super::form::{Form, general, is_text};
use super::function::{Function, function};
use crate::sql::row::Value;
use arrow::datatypes::{DataType, Field};
use std::borrow::Cow;
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    vec![
        function(
            "substring",
            "SUBSTRING(string, start[, length])",
            "The part that begins at a place; one below 0 counts from the end.",
        )
        .alias("substr")
        .of(|text: &str, start: i32| substring(text, start, i32::MAX))
        .of(substring),
        function("left", "LEFT(string, n)", "The first n characters; none if n is below 0.")
            .of(|text: &str, count: i32| -> String { text.chars().take(size(count)).collect() }),
        function("right", "RIGHT(string, n)", "The last n characters; none if n is below 0.").of(
            |text: &str, count: i32| -> String {
                let length = text.chars().count();
                text.chars().skip(length.saturating_sub(size(count))).collect()
            },
        ),
        function("position", "POSITION(part IN string)", "The place of the first occurrence; 0 if there is none.")
            .of(|part: &str, text: &str| locate(part, text, 1)),
        function(
            "locate",
            "LOCATE(part, string[, from])",
            "The place of the first occurrence at or behind a place; 0 if there is none.",
        )
        .of(|part: &str, text: &str| locate(part, text, 1))
        .of(locate),
        function("instr", "INSTR(string, part)", "The place of the first occurrence; 0 if there is none.")
            .of(|text: &str, part: &str| locate(part, text, 1)),
        function("replace", "REPLACE(string, part, by)", "The text with each occurrence of a part replaced.")
            .of(|text: &str, part: &str, by: &str| text.replace(part, by)),
        function(
            "overlay",
            "OVERLAY(string PLACING by FROM start [FOR length])",
            "The text with what stands at a place replaced.",
        )
        .of(|text: &str, by: &str, start: i32| {
            overlay(text, by, start, i32::try_from(by.chars().count()).unwrap_or(i32::MAX))
        })
        .of(overlay),
        function("ltrim", "LTRIM(string[, characters])", "The text without blanks, or these characters, in front.")
            .of(|text: &str| text.trim_start_matches(' ').to_owned())
            .of(|text: &str, set: &str| text.trim_start_matches(|c| set.contains(c)).to_owned()),
        function("rtrim", "RTRIM(string[, characters])", "The text without blanks, or these characters, behind.")
            .of(|text: &str| text.trim_end_matches(' ').to_owned())
            .of(|text: &str, set: &str| text.trim_end_matches(|c| set.contains(c)).to_owned()),
        function(
            "btrim",
            "BTRIM(string[, characters])",
            "The text without blanks, or these characters, on both sides.",
        )
        .alias("trim")
        .of(|text: &str| text.trim_matches(' ').to_owned())
        .of(|text: &str, set: &str| text.trim_matches(|c| set.contains(c)).to_owned()),
        function(
            "lpad",
            "LPAD(string, length, by)",
            "The text filled up in front, or cut, to a length; NULL if there is nothing to fill with.",
        )
        .of(|text: &str, length: i32, by: &str| pad(text, length, by, true)),
        function(
            "rpad",
            "RPAD(string, length, by)",
            "The text filled up behind, or cut, to a length; NULL if there is nothing to fill with.",
        )
        .of(|text: &str, length: i32, by: &str| pad(text, length, by, false)),
        function("repeat", "REPEAT(string, n)", "The text n times.").of(
            |text: &str, count: i32| -> Result<String, String> {
                const MOST: usize = 1 << 26;
                let count = size(count);
                match text.len().checked_mul(count) {
                    Some(length) if length <= MOST => Ok(text.repeat(count)),
                    _ => Err(format!("a text of {} bytes {count} times is more than {MOST} bytes", text.len())),
                }
            },
        ),
        function("reverse", "REVERSE(string)", "The characters in reverse order.")
            .of(|text: &str| -> String { text.chars().rev().collect() }),
        function("initcap", "INITCAP(string)", "The first letter of each word large, the others small.").of(initcap),
        function("ascii", "ASCII(string)", "The number of the first character; 0 if there is none.")
            .of(|text: &str| text.chars().next().map_or(0, |c| i32::try_from(u32::from(c)).unwrap_or(0))),
        function("chr", "CHR(n)", "The character of a number, of which the last 8 bits count; none if it is below 0.")
            .of(|number: i64| if number < 0 { String::new() } else { char::from((number & 0xff) as u8).to_string() }),
        function("startswith", "STARTSWITH(string, part)", "Whether the text begins with a part.")
            .of(|text: &str, part: &str| text.starts_with(part)),
        function("endswith", "ENDSWITH(string, part)", "Whether the text ends with a part.")
            .of(|text: &str, part: &str| text.ends_with(part)),
        function(
            "translate",
            "TRANSLATE(string, from, to)",
            "The text with each character of one list replaced by that of the other, or left out.",
        )
        .alias("translate3")
        .of(translate),
        function(
            "split_index",
            "SPLIT_INDEX(string, delimiter, n)",
            "The nth part between delimiters, from 0; NULL if there is none.",
        )
        .of(|text: &str, delimiter: &str, index: i32| part(text, delimiter, index))
        .of(|text: &str, delimiter: i32, index: i32| {
            let delimiter = u32::try_from(delimiter).ok().and_then(char::from_u32).filter(|c| *c != '\0')?;
            part(text, delimiter.encode_utf8(&mut [0; 4]), index)
        }),
        function("split", "SPLIT(string, delimiter)", "The parts between delimiters, as an ARRAY.").form(general(
            "STRING, STRING",
            |given| texts(given).filter(|texts| texts.len() == 2),
            |_| list_of_text(),
            false,
            |values, _| {
                let [Value::Text(text), Value::Text(delimiter)] = values else { return Ok(Value::Null) };
                let parts: Vec<String> = match &**delimiter {
                    "" => text.chars().map(String::from).collect(),
                    delimiter => text.split(delimiter).map(str::to_owned).collect(),
                };
                Ok(Value::List(parts.into_iter().map(owned).collect()))
            },
        )),
        function("elt", "ELT(n, string, ..)", "The nth of the texts, from 1; NULL if there is none.").form(general(
            "INT, STRING, ..",
            |given| {
                let (index, rest) = given.split_first()?;
                let rest = texts(rest).filter(|rest| !rest.is_empty())?;
                let index = Some(DataType::Int64).filter(|_| index.is_integer() || *index == DataType::Null)?;
                Some(std::iter::once(index).chain(rest).collect())
            },
            |_| DataType::Utf8View,
            true,
            |values, _| {
                let Some(Value::Int(index)) = values.first() else { return Ok(Value::Null) };
                let found = usize::try_from(*index).ok().filter(|index| *index > 0).and_then(|index| values.get(index));
                Ok(found.cloned().map_or(Value::Null, Value::into_owned))
            },
        )),
        function("concat", "CONCAT(string, ..)", "The texts one behind the other; NULL if one is NULL.")
            .form(joined(false)),
        function(
            "concat_ws",
            "CONCAT_WS(separator, string, ..)",
            "The texts that are not NULL, with a separator between them.",
        )
        .form(joined(true)),
        function("is_alpha", "IS_ALPHA(string)", "Whether there are only letters.").of(|text: Option<&str>| {
            text.is_some_and(|text| !text.is_empty() && text.chars().all(char::is_alphabetic))
        }),
        function("is_digit", "IS_DIGIT(string)", "Whether there are only digits.")
            .of(|text: Option<&str>| text.is_some_and(|text| !text.is_empty() && text.chars().all(char::is_numeric))),
        function("is_decimal", "IS_DECIMAL(string)", "Whether it can be read as a number.").of(|text: Option<&str>| {
            let digits = text.map(|text| text.strip_prefix(['-', '+']).unwrap_or(text));
            digits.is_some_and(|text| {
                let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
                whole.len() + fraction.len() > 0
                    && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
            })
        }),
    ]
}

/// A number of characters; none if it is below 0.
fn size(count: i32) -> usize {
    usize::try_from(count).unwrap_or(0)
}

pub(super) fn owned(text: String) -> Value<'static> {
    Value::Text(Cow::Owned(text))
}

pub(super) fn list_of_text() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Utf8View, true)))
}

/// Texts, if all are.
pub(super) fn texts(given: &[DataType]) -> Option<Vec<DataType>> {
    let text = |given: &DataType| (is_text(given) || *given == DataType::Null).then_some(DataType::Utf8View);
    given.iter().map(text).collect()
}

fn joined(is_separated: bool) -> Form {
    let convert: fn(&[DataType]) -> Option<Vec<DataType>> = |given| texts(given).filter(|texts| !texts.is_empty());
    if !is_separated {
        return general(
            "STRING, ..",
            convert,
            |_| DataType::Utf8View,
            false,
            |values, _| {
                Ok(owned(
                    values
                        .iter()
                        .filter_map(|value| if let Value::Text(text) = value { Some(&**text) } else { None })
                        .collect(),
                ))
            },
        );
    }
    general(
        "STRING, STRING, ..",
        convert,
        |_| DataType::Utf8View,
        true,
        |values, _| {
            let Some((Value::Text(separator), values)) = values.split_first() else { return Ok(Value::Null) };
            let parts =
                values.iter().filter_map(|value| if let Value::Text(text) = value { Some(&**text) } else { None });
            Ok(owned(parts.collect::<Vec<_>>().join(separator)))
        },
    )
}

fn substring(text: &str, start: i32, length: i32) -> Option<String> {
    let length = usize::try_from(length).ok()?;
    let skipped = match start {
        1.. => size(start - 1),
        0 => 0,
        _ => match text.chars().count().checked_sub(start.unsigned_abs() as usize) {
            Some(skipped) => skipped,
            None => return Some(String::new()),
        },
    };
    Some(text.chars().skip(skipped).take(length).collect())
}

fn locate(part: &str, text: &str, from: i32) -> i32 {
    let Some(skipped) = usize::try_from(from).ok().and_then(|from| from.checked_sub(1)) else { return 0 };
    let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let found = starts.nth(skipped).and_then(|start| text[start..].find(part));
    found.map_or(0, |found| {
        let start = text.char_indices().nth(skipped).map_or(text.len(), |(at, _)| at);
        i32::try_from(text[..start + found].chars().count() + 1).unwrap_or(i32::MAX)
    })
}

fn overlay(text: &str, by: &str, start: i32, length: i32) -> String {
    let Some(before) = usize::try_from(start).ok().and_then(|start| start.checked_sub(1)) else {
        return text.to_owned();
    };
    if before >= text.chars().count() {
        return text.to_owned();
    }
    let head = text.chars().take(before);
    head.chain(by.chars()).chain(text.chars().skip(before + size(length))).collect()
}

fn pad(text: &str, length: i32, by: &str, in_front: bool) -> Option<String> {
    const MOST: usize = 1 << 24;
    let length = usize::try_from(length).ok().filter(|length| *length <= MOST && !by.is_empty())?;
    let missing = length.saturating_sub(text.chars().count());
    let filling = by.chars().cycle().take(missing);
    let text = text.chars().take(length);
    Some(if in_front { filling.chain(text).collect() } else { text.chain(filling).collect() })
}

fn initcap(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        if in_word {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        in_word = c.is_alphanumeric();
    }
    out
}

fn translate(text: &str, from: &str, to: &str) -> String {
    let translated = |c: char| match from.chars().position(|known| known == c) {
        Some(at) => to.chars().nth(at),
        None => Some(c),
    };
    text.chars().filter_map(translated).collect()
}

fn part(text: &str, delimiter: &str, index: i32) -> Option<String> {
    let index = usize::try_from(index).ok()?;
    if text.is_empty() || delimiter.is_empty() {
        return None;
    }
    text.split(delimiter).nth(index).map(str::to_owned)
}
