//! Flink's data types as Arrow's.
//!
//! | Flink | Arrow |
//! |---|---|
//! | `BOOLEAN`, `TINYINT` .. `BIGINT`, `FLOAT`, `DOUBLE` | `Boolean`, `Int8` .. `Int64`, `Float32`, `Float64` |
//! | `DECIMAL(p, s)`, at most 38 digits; `(10, 0)` if not said | `Decimal128(p, s)` |
//! | `STRING`, `VARCHAR(n)`, `CHAR(n)`: the length is not enforced, Flink's default for tables | `Utf8View` |
//! | `BYTES`, `VARBINARY(n)`, `BINARY(n)` | `BinaryView` |
//! | `DATE`, `TIME(p)` with p up to 3 | `Date32`, `Time32(ms)` |
//! | `TIMESTAMP(p)`: p up to 3, 6, 9 in ms, µs, ns; 6 if not said | `Timestamp(unit, None)` |
//! | `TIMESTAMP_LTZ(p)` | `Timestamp(unit, "UTC")` |
//! | `ARRAY<t>`, `MAP<k, v>`, `ROW<name t, ..>` | `List`, `Map`, `Struct` |

use super::error::{Error, Text};
use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use datafusion_sql::sqlparser::parser::Parser;
use datafusion_sql::sqlparser::tokenizer::{Token, Word};
use std::sync::Arc;

/// The zone of all `TIMESTAMP_LTZ` values.
pub(super) const UTC: &str = "UTC";

/// How deep types may nest in each other.
const DEPTH: usize = 32;

/// The name of a type in Flink's words, for messages and `EXPLAIN`.
///
/// ```
/// use arrow::datatypes::{DataType, TimeUnit};
///
/// assert_eq!(millstream::sql::type_name(&DataType::Timestamp(TimeUnit::Millisecond, None)), "TIMESTAMP(3)");
/// ```
pub fn type_name(data_type: &DataType) -> String {
    let digits = |unit: &TimeUnit| match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    match data_type {
        DataType::Null => "NULL".to_owned(),
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int8 => "TINYINT".to_owned(),
        DataType::Int16 => "SMALLINT".to_owned(),
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Float32 => "FLOAT".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Decimal128(precision, scale) => format!("DECIMAL({precision}, {scale})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "STRING".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "BYTES".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Time32(unit) | DataType::Time64(unit) => format!("TIME({})", digits(unit)),
        DataType::Timestamp(unit, None) => format!("TIMESTAMP({})", digits(unit)),
        DataType::Timestamp(unit, Some(_)) => format!("TIMESTAMP_LTZ({})", digits(unit)),
        DataType::List(item) => format!("ARRAY<{}>", type_name(item.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                format!("MAP<{}, {}>", type_name(pair[0].data_type()), type_name(pair[1].data_type()))
            }
            other => other.to_string(),
        },
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| format!("{} {}", field.name(), type_name(field.data_type())));
            format!("ROW<{}>", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Whether rows can be told apart by a value of this type: what may be a key of a group, a join, or a table.
pub fn is_key(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) | DataType::Null => false,
        DataType::List(item) => is_key(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_key(field.data_type())),
        _ => true,
    }
}

/// The type of a column for what the planner computes: it has a few types more than columns have.
pub(super) fn stored(data_type: &DataType) -> DataType {
    match data_type {
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Null => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Timestamp(TimeUnit::Second, zone) => DataType::Timestamp(TimeUnit::Millisecond, zone.clone()),
        other => other.clone(),
    }
}

/// Reads one type at the parser's place.
pub(super) fn parse(text: Text<'_>, parser: &mut Parser<'_>) -> Result<DataType, Error> {
    nested(text, parser, DEPTH)
}

fn nested(text: Text<'_>, parser: &mut Parser<'_>, depth: usize) -> Result<DataType, Error> {
    let token = parser.next_token();
    let at = token.span.start;
    let Token::Word(Word { value, .. }) = &token.token else {
        return Err(text.syntax(at, format!("found {token}, expected a type like STRING or BIGINT")));
    };
    if depth == 0 {
        return Err(text.unsupported(at, "a type nested this deep", format!("nest at most {DEPTH} types")));
    }
    let name = value.to_ascii_uppercase();
    let found = match name.as_str() {
        "BOOLEAN" | "BOOL" => DataType::Boolean,
        "TINYINT" => DataType::Int8,
        "SMALLINT" => DataType::Int16,
        "INT" | "INTEGER" => DataType::Int32,
        "BIGINT" => DataType::Int64,
        "FLOAT" => DataType::Float32,
        "DOUBLE" => {
            word(parser, "PRECISION");
            DataType::Float64
        }
        "STRING" => DataType::Utf8View,
        "VARCHAR" | "CHAR" | "CHARACTER" => {
            arguments(text, parser, 1)?;
            DataType::Utf8View
        }
        "BYTES" => DataType::BinaryView,
        "VARBINARY" | "BINARY" => {
            arguments(text, parser, 1)?;
            DataType::BinaryView
        }
        "DECIMAL" | "DEC" | "NUMERIC" => {
            let given = arguments(text, parser, 2)?;
            let (precision, scale) = (given.first().copied().unwrap_or(10), given.get(1).copied().unwrap_or(0));
            match (u8::try_from(precision), i8::try_from(scale)) {
                (Ok(p @ 1..=38), Ok(s)) if scale <= precision => DataType::Decimal128(p, s),
                _ => {
                    let message = "DECIMAL(p, s) has p from 1 to 38 and s from 0 to p";
                    return Err(text.meaning(at, format!("{message}; found DECIMAL({precision}, {scale})")));
                }
            }
        }
        "DATE" => DataType::Date32,
        "TIME" => match arguments(text, parser, 1)?.first().copied().unwrap_or(0) {
            0..=3 => DataType::Time32(TimeUnit::Millisecond),
            p => return Err(text.unsupported(at, format!("TIME({p})"), "TIME holds milliseconds: write TIME(3)")),
        },
        "TIMESTAMP" => {
            let unit = unit(text, parser, at.into())?;
            if word(parser, "WITHOUT") {
                words(text, parser, &["TIME", "ZONE"])?;
                DataType::Timestamp(unit, None)
            } else if word(parser, "WITH") {
                if !word(parser, "LOCAL") {
                    let instead = "an instant is a TIMESTAMP_LTZ(3)";
                    return Err(text.unsupported(at, "TIMESTAMP WITH TIME ZONE", instead));
                }
                words(text, parser, &["TIME", "ZONE"])?;
                DataType::Timestamp(unit, Some(UTC.into()))
            } else {
                DataType::Timestamp(unit, None)
            }
        }
        "TIMESTAMP_LTZ" => DataType::Timestamp(unit(text, parser, at.into())?, Some(UTC.into())),
        "ARRAY" => {
            open(text, parser, "ARRAY<STRING>")?;
            let item = nested(text, parser, depth - 1)?;
            close(text, parser)?;
            DataType::List(Arc::new(Field::new("item", item, true)))
        }
        "MAP" => {
            open(text, parser, "MAP<STRING, BIGINT>")?;
            let key = nested(text, parser, depth - 1)?;
            parser.expect_token(&Token::Comma).map_err(|_| {
                text.syntax(parser.peek_token().span.start, "a MAP has two types, like MAP<STRING, BIGINT>")
            })?;
            let value = nested(text, parser, depth - 1)?;
            close(text, parser)?;
            let pair = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
            DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
        }
        "ROW" | "STRUCT" => {
            open(text, parser, "ROW<name STRING, size INT>")?;
            let mut fields = Vec::new();
            loop {
                let at = parser.peek_token().span.start;
                let name = parser.parse_identifier().map_err(|error| text.syntax(at, message(&error)))?;
                let field = nested(text, parser, depth - 1)?;
                let nullable = nullable(text, parser)?;
                fields.push(Field::new(name.value, field, nullable));
                if !parser.consume_token(&Token::Comma) {
                    break;
                }
            }
            close(text, parser)?;
            DataType::Struct(fields.into())
        }
        "MULTISET" => return Err(text.unsupported(at, "the type MULTISET", "write MAP<t, INT>")),
        "INTERVAL" => return Err(text.unsupported(at, "a column of type INTERVAL", "keep it as BIGINT milliseconds")),
        _ => {
            let known =
                ["STRING", "BOOLEAN", "INT", "BIGINT", "DOUBLE", "DECIMAL", "TIMESTAMP", "TIMESTAMP_LTZ", "DATE"];
            return Err(text.meaning(at, super::settings::unknown("type", value, known.into_iter())));
        }
    };
    Ok(found)
}

/// Reads `NULL` or `NOT NULL` behind a type: whether it may be null.
pub(super) fn nullable(text: Text<'_>, parser: &mut Parser<'_>) -> Result<bool, Error> {
    if word(parser, "NOT") {
        words(text, parser, &["NULL"])?;
        return Ok(false);
    }
    word(parser, "NULL");
    Ok(true)
}

fn unit(text: Text<'_>, parser: &mut Parser<'_>, at: super::Position) -> Result<TimeUnit, Error> {
    match arguments(text, parser, 1)?.first().copied().unwrap_or(6) {
        0..=3 => Ok(TimeUnit::Millisecond),
        4..=6 => Ok(TimeUnit::Microsecond),
        7..=9 => Ok(TimeUnit::Nanosecond),
        p => Err(text.meaning(at, format!("a timestamp has 0 to 9 digits of a second, not {p}"))),
    }
}

/// Reads `(1, 2)`, at most `most` numbers, if there is a parenthesis.
fn arguments(text: Text<'_>, parser: &mut Parser<'_>, most: usize) -> Result<Vec<u64>, Error> {
    let mut numbers = Vec::new();
    if !parser.consume_token(&Token::LParen) {
        return Ok(numbers);
    }
    loop {
        let token = parser.next_token();
        let number = match &token.token {
            Token::Number(digits, _) => digits.parse().ok(),
            _ => None,
        };
        let number = number.filter(|_| numbers.len() < most);
        numbers.push(number.ok_or_else(|| text.syntax(token.span.start, format!("found {token} in a type's length")))?);
        let token = parser.next_token();
        match token.token {
            Token::Comma => {}
            Token::RParen => return Ok(numbers),
            _ => return Err(text.syntax(token.span.start, format!("found {token}, expected `)`"))),
        }
    }
}

fn open(text: Text<'_>, parser: &mut Parser<'_>, example: &str) -> Result<(), Error> {
    let token = parser.peek_token();
    if parser.consume_token(&Token::Lt) {
        return Ok(());
    }
    Err(text.syntax(token.span.start, format!("found {token}, expected `<`, as in {example}")))
}

fn close(text: Text<'_>, parser: &mut Parser<'_>) -> Result<(), Error> {
    let token = parser.peek_token();
    if parser.consume_token(&Token::Gt) {
        return Ok(());
    }
    Err(text.syntax(token.span.start, format!("found {token}, expected `>`")))
}

/// Takes the next word if it is this one, in any case and without quotes.
pub(super) fn word(parser: &mut Parser<'_>, expected: &str) -> bool {
    let found = is_word(&parser.peek_token().token, expected);
    if found {
        parser.next_token();
    }
    found
}

/// Takes these words, or says which one was expected.
pub(super) fn words(text: Text<'_>, parser: &mut Parser<'_>, expected: &[&str]) -> Result<(), Error> {
    for expected in expected {
        let token = parser.peek_token();
        if !word(parser, expected) {
            return Err(text.syntax(token.span.start, format!("found {token}, expected {expected}")));
        }
    }
    Ok(())
}

pub(super) fn is_word(token: &Token, expected: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected))
}

/// The parser's own message without its name and place, which the error says already.
pub(super) fn message(error: &datafusion_sql::sqlparser::parser::ParserError) -> String {
    let text = error.to_string();
    let text = text.trim_start_matches("sql parser error: ");
    text.rsplit_once(" at Line: ").map_or(text, |(before, _)| before).to_owned()
}
