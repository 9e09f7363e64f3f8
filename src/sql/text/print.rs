//! Rows as people see them.

use super::numbers::{write_decimal, write_f32, write_f64};
use super::times::{write_date, write_time, write_timestamp};
use crate::sql::row::{RowKind, Value};
use arrow::datatypes::{DataType, TimeUnit};
use std::fmt::Write;

/// Appends a row as Flink's print connector does: `+I[ada, 3, null]`. Times are in the ISO form, `2020-01-31T12:00:00`.
pub(in crate::sql) fn print_row<'t>(
    out: &mut String,
    kind: RowKind,
    values: &[Value<'_>],
    types: impl Iterator<Item = &'t DataType>,
) {
    // Writing to a text cannot fail.
    let _ = write!(out, "{kind}[");
    for (number, (value, data_type)) in values.iter().zip(types).enumerate() {
        if number > 0 {
            out.push_str(", ");
        }
        print(out, value, data_type);
    }
    out.push(']');
}

fn print(out: &mut String, value: &Value<'_>, data_type: &DataType) {
    let mut list = |open: &str, close: char, items: &mut dyn Iterator<Item = (&Value<'_>, &DataType)>| {
        out.push_str(open);
        for (number, (value, data_type)) in items.enumerate() {
            if number > 0 {
                out.push_str(", ");
            }
            print(out, value, data_type);
        }
        out.push(close);
    };
    match (value, data_type) {
        (Value::Null, _) => out.push_str("null"),
        (Value::List(items), DataType::List(item)) => {
            list("[", ']', &mut items.iter().map(|value| (value, item.data_type())));
        }
        (Value::Row(values), DataType::Struct(fields)) => {
            list("+I[", ']', &mut values.iter().zip(fields).map(|(value, field)| (value, field.data_type())));
        }
        (Value::Map(entries), DataType::Map(field, _)) => {
            let DataType::Struct(pair) = field.data_type() else { return };
            out.push('{');
            for (number, (key, value)) in entries.iter().enumerate() {
                if number > 0 {
                    out.push_str(", ");
                }
                print(out, key, pair[0].data_type());
                out.push('=');
                print(out, value, pair[1].data_type());
            }
            out.push('}');
        }
        (Value::Bytes(bytes), _) => {
            // As Java shows signed bytes.
            let _ = write!(out, "{:?}", bytes.iter().map(|byte| byte.cast_signed()).collect::<Vec<_>>());
        }
        _ => write_plain(out, value, data_type, 'T'),
    }
}

/// Appends a value that is no NULL and not made of others.
///
/// * `between`: stands between the day and the time of a moment.
pub(in crate::sql) fn write_plain(out: &mut String, value: &Value<'_>, data_type: &DataType, between: char) {
    match (value, data_type) {
        (Value::Int(days), DataType::Date32) => write_date(out, *days),
        (Value::Int(time), DataType::Time32(unit) | DataType::Time64(unit)) => write_time(out, *time, unit),
        (Value::Int(time), DataType::Timestamp(unit, zone)) => {
            write_timestamp(out, *time, unit, between);
            if zone.is_some() {
                out.push('Z');
            }
        }
        (Value::Bool(value), _) => out.push_str(if *value { "true" } else { "false" }),
        (Value::Int(number), _) => out.push_str(itoa::Buffer::new().format(*number)),
        (Value::Unsigned(number), _) => out.push_str(itoa::Buffer::new().format(*number)),
        (Value::Float(number), DataType::Float32) => write_f32(out, *number as f32),
        (Value::Float(number), _) => write_f64(out, *number),
        (Value::Decimal(number), DataType::Decimal128(_, scale)) => write_decimal(out, *number, *scale),
        (Value::Decimal(number), _) => write_decimal(out, *number, 0),
        (Value::Text(text), _) => out.push_str(text),
        (Value::Bytes(bytes), _) => super::base64::write(out, bytes),
        (Value::Interval { months, days, nanoseconds }, _) => {
            let _ = write!(out, "{months} months {days} days ");
            write_time(out, *nanoseconds, &TimeUnit::Nanosecond);
        }
        (Value::Null | Value::List(_) | Value::Row(_) | Value::Map(_), _) => {}
    }
}
