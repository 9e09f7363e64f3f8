//! Values as JSON.

use super::print::write_plain;
use crate::sql::row::Value;
use arrow::datatypes::DataType;

/// How times are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sql) enum TimeStyle {
    /// `2020-01-31 12:00:00`.
    #[default]
    Sql,
    /// `2020-01-31T12:00:00`.
    Iso,
}

/// Appends a value as Flink's `json` format writes it: numbers as numbers, times and BYTES (in base 64) as texts, an object for
/// a ROW and a MAP. A number that JSON does not have (NaN) is a text.
pub(in crate::sql) fn write_json(out: &mut String, value: &Value<'_>, data_type: &DataType, style: TimeStyle) {
    match (value, data_type) {
        (Value::Null, _) => out.push_str("null"),
        (Value::Text(text), _) => quote(out, text),
        (Value::List(items), DataType::List(item)) => {
            out.push('[');
            for (number, value) in items.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write_json(out, value, item.data_type(), style);
            }
            out.push(']');
        }
        (Value::Row(values), DataType::Struct(fields)) => {
            out.push('{');
            for (number, (value, field)) in values.iter().zip(fields).enumerate() {
                write_member(out, number, field.name(), value, field.data_type(), style);
            }
            out.push('}');
        }
        (Value::Map(entries), DataType::Map(field, _)) => {
            let DataType::Struct(pair) = field.data_type() else { return };
            out.push('{');
            for (number, (key, value)) in entries.iter().enumerate() {
                let mut name = String::new();
                write_plain(&mut name, key, pair[0].data_type(), ' ');
                write_member(out, number, &name, value, pair[1].data_type(), style);
            }
            out.push('}');
        }
        (Value::Float(number), _) if !number.is_finite() => {
            out.push('"');
            write_plain(out, value, data_type, ' ');
            out.push('"');
        }
        (Value::Bool(_) | Value::Float(_) | Value::Decimal(_) | Value::Unsigned(_), _) => {
            write_plain(out, value, data_type, ' ');
        }
        (Value::Int(_), data_type) if !data_type.is_temporal() => write_plain(out, value, data_type, ' '),
        _ => {
            out.push('"');
            write_plain(out, value, data_type, if style == TimeStyle::Iso { 'T' } else { ' ' });
            out.push('"');
        }
    }
}

/// Appends a member of an object.
pub(in crate::sql) fn write_member(
    out: &mut String,
    number: usize,
    name: &str,
    value: &Value<'_>,
    data_type: &DataType,
    style: TimeStyle,
) {
    if number > 0 {
        out.push(',');
    }
    quote(out, name);
    out.push(':');
    write_json(out, value, data_type, style);
}

fn quote(out: &mut String, text: &str) {
    // A text can always be written as JSON.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// The same as a tree, to be put into a dead letter.
pub(in crate::sql) fn plain_json(value: &Value<'_>, data_type: &DataType) -> serde_json::Value {
    let mut text = String::new();
    write_json(&mut text, value, data_type, TimeStyle::Iso);
    serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text))
}
