//! Values of text.

use super::base64;
use super::numbers::read_decimal;
use super::times::{read_date, read_time, read_timestamp};
use crate::sql::row::Value;
use arrow::datatypes::DataType;
use std::borrow::Cow;

/// The value that a text writes; `None` if it writes none of that type, or the type is made of others.
///
/// Blanks around a number or time do not count. A truth value is `true` or `false` in any case.
pub(in crate::sql) fn read_text<'t>(text: Cow<'t, str>, data_type: &DataType) -> Option<Value<'t>> {
    if let DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View = data_type {
        return Some(Value::Text(text));
    }
    let text = text.trim();
    let ranged = |min: i64, max: i64| whole(text).filter(|n| (min..=max).contains(n)).map(Value::Int);
    match data_type {
        DataType::Boolean if text.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        DataType::Boolean if text.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        DataType::Int8 => ranged(i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => ranged(i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => ranged(i32::MIN.into(), i32::MAX.into()),
        DataType::Int64 => ranged(i64::MIN, i64::MAX),
        DataType::Float32 => text.parse::<f32>().ok().map(|number| Value::Float(number.into())),
        DataType::Float64 => text.parse().ok().map(Value::Float),
        DataType::Decimal128(precision, scale) => read_decimal(text, *precision, *scale).map(Value::Decimal),
        DataType::Date32 => read_date(text).map(Value::Int),
        DataType::Time32(unit) | DataType::Time64(unit) => read_time(text, unit).map(Value::Int),
        DataType::Timestamp(unit, _) => read_timestamp(text, unit).map(Value::Int),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            base64::read(text).map(|bytes| Value::Bytes(Cow::Owned(bytes)))
        }
        _ => None,
    }
}

/// A whole number; `None` also if it is too large.
fn whole(text: &str) -> Option<i64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::row::RowKind;
    use crate::sql::text::json::write_json;
    use crate::sql::text::{TimeStyle, print_row, write_plain};
    use arrow::datatypes::{Field, TimeUnit};
    use std::sync::Arc;

    fn read(text: &str, data_type: &DataType) -> Option<Value<'static>> {
        read_text(Cow::Owned(text.to_owned()), data_type)
    }

    #[test]
    fn values_are_read_as_they_are_written() {
        let ltz = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
        let cases = [
            (DataType::Boolean, "true"),
            (DataType::Int8, "-128"),
            (DataType::Int64, "9223372036854775807"),
            (DataType::Float64, "1.0E10"),
            (DataType::Float32, "0.1"),
            (DataType::Decimal128(10, 2), "-3.50"),
            (DataType::Date32, "2020-01-31"),
            (DataType::Time32(TimeUnit::Millisecond), "12:00:00.5"),
            (DataType::Timestamp(TimeUnit::Microsecond, None), "2020-01-31 12:00:00.000001"),
            (ltz, "2020-01-31 12:00:00Z"),
            (DataType::BinaryView, "Zm9v"),
            (DataType::Utf8View, " as it is "),
        ];
        for (data_type, text) in cases {
            let mut out = String::new();
            write_plain(&mut out, &read(text, &data_type).unwrap(), &data_type, ' ');
            assert_eq!(out, text);
        }
        for (data_type, text) in
            [(DataType::Int8, "128"), (DataType::Boolean, "yes"), (DataType::Int32, "1.0"), (DataType::Date32, "")]
        {
            assert_eq!(read(text, &data_type), None, "{text}");
        }
    }

    #[test]
    fn nested_values_are_shown_and_written_as_json() {
        let row = DataType::Struct(vec![Field::new("name", DataType::Utf8View, true)].into());
        let types = [
            DataType::List(Arc::new(Field::new("item", DataType::Int32, true))),
            row,
            DataType::Timestamp(TimeUnit::Millisecond, None),
        ];
        let values = [
            Value::List(vec![Value::Int(1), Value::Null]),
            Value::Row(vec![Value::Text("a\"b".into())]),
            Value::Int(0),
        ];
        let mut out = String::new();
        print_row(&mut out, RowKind::Delete, &values, types.iter());
        assert_eq!(out, "-D[[1, null], +I[a\"b], 1970-01-01T00:00:00]");
        let json = values.iter().zip(&types).map(|(value, data_type)| {
            let mut out = String::new();
            write_json(&mut out, value, data_type, TimeStyle::Sql);
            out
        });
        assert_eq!(json.collect::<Vec<_>>(), ["[1,null]", r#"{"name":"a\"b"}"#, r#""1970-01-01 00:00:00""#]);
    }
}
