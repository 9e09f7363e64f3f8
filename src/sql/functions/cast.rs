//! CAST between texts and other types, as Flink has it.
//!
//! * To STRING: BOOLEAN as `TRUE`, DOUBLE as Java writes it (`1.0E10`), TIMESTAMP(3) with a blank and always three digits
//!   (`2020-01-31 12:00:00.000`), TIMESTAMP_LTZ the same in UTC, BYTES as UTF-8, an ARRAY as `[1, 2]`, a MAP as `{a=1}`, a ROW as
//!   `(1, a)`, NULL within them as `NULL`.
//! * From STRING: blanks around it do not count; whole numbers may have a fraction, which is cut off; BOOLEAN is `true`, `t`,
//!   `yes`, `y`, `1` and their opposites in any case. A text that is no such value is an error of the row for CAST, NULL for
//!   TRY_CAST.
//! * From ROW to ROW: field by field, whatever their names.

use super::form::{Form, Given, OfValues, Types, general, is_bytes, is_text};
use super::function::{Function, function};
use super::text::owned;
use crate::sql::row::Value;
use crate::sql::text::{read_text, write_plain};
use crate::sql::type_name;
use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

/// The functions that stand for casts in a plan. The type is that of their second argument, which is NULL.
pub(super) struct Casts {
    pub(super) to_text: Function,
    pub(super) read: Function,
    pub(super) try_read: Function,
    pub(super) row: Function,
}

impl Casts {
    pub(super) fn new() -> Self {
        let convert: fn(&[DataType]) -> Option<Vec<DataType>> = |given| Some(given.to_vec()).filter(|g| g.len() == 2);
        let gives: fn(&[DataType]) -> DataType = |arguments| arguments[1].clone();
        let read = |name, of_values: OfValues| {
            function(name, "", "").form(general("STRING, t", convert, gives, true, of_values))
        };
        let row = Form::new("ROW, ROW".to_owned(), convert, gives, row);
        Casts {
            to_text: function("cast_to_string", "", "").form(general(
                "t",
                |given| Some(given.to_vec()).filter(|g| g.len() == 1),
                |_| DataType::Utf8View,
                false,
                to_text,
            )),
            read: read("cast_string", |values, types| match values.first() {
                Some(Value::Text(text)) => {
                    let name = || type_name(types.result);
                    from_text(text, types.result).ok_or_else(|| format!("`{text}` is no {}", name()))
                }
                _ => Ok(Value::Null),
            }),
            try_read: read("try_cast_string", |values, types| match values.first() {
                Some(Value::Text(text)) => Ok(from_text(text, types.result).unwrap_or(Value::Null)),
                _ => Ok(Value::Null),
            }),
            row: function("cast_row", "", "").form(row),
        }
    }
}

/// Whether a text is read as a value of this type here.
pub(super) fn is_read(data_type: &DataType) -> bool {
    !is_bytes(data_type) && (data_type.is_numeric() || data_type.is_temporal() || *data_type == DataType::Boolean)
}

fn to_text(values: &[Value<'_>], types: &Types<'_>) -> Result<Value<'static>, String> {
    let mut out = String::new();
    values.iter().zip(types.arguments).for_each(|(value, data_type)| write(&mut out, value, data_type));
    Ok(owned(out))
}

fn write(out: &mut String, value: &Value<'_>, data_type: &DataType) {
    let mut listed = |open: char, close: char, items: &mut dyn Iterator<Item = (&Value<'_>, &DataType)>| {
        out.push(open);
        for (number, (value, data_type)) in items.enumerate() {
            if number > 0 {
                out.push_str(", ");
            }
            write(out, value, data_type);
        }
        out.push(close);
    };
    match (value, data_type) {
        (Value::Null, _) => out.push_str("NULL"),
        (Value::Bool(value), _) => out.push_str(if *value { "TRUE" } else { "FALSE" }),
        (Value::Bytes(bytes), _) => out.push_str(&String::from_utf8_lossy(bytes)),
        (Value::Int(time), DataType::Timestamp(unit, _)) => {
            let start = out.len();
            write_plain(out, value, &DataType::Timestamp(*unit, None), ' ');
            let digits = match unit {
                TimeUnit::Second => return,
                TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond => 6,
                TimeUnit::Nanosecond => 9,
            };
            let fraction = time.rem_euclid(10_i64.pow(digits));
            let written = out[start..].find('.').map_or(out.len(), |at| start + at);
            out.truncate(written);
            // Writing to a text cannot fail.
            let _ = write!(out, ".{fraction:0width$}", width = digits as usize);
        }
        (Value::List(items), DataType::List(item)) => {
            listed('[', ']', &mut items.iter().map(|value| (value, item.data_type())));
        }
        (Value::Row(values), DataType::Struct(fields)) => {
            listed('(', ')', &mut values.iter().zip(fields).map(|(value, field)| (value, field.data_type())));
        }
        (Value::Map(entries), DataType::Map(field, _)) => {
            let DataType::Struct(pair) = field.data_type() else { return };
            out.push('{');
            for (number, (key, value)) in entries.iter().enumerate() {
                if number > 0 {
                    out.push_str(", ");
                }
                write(out, key, pair[0].data_type());
                out.push('=');
                write(out, value, pair[1].data_type());
            }
            out.push('}');
        }
        _ => write_plain(out, value, data_type, ' '),
    }
}

pub(super) fn from_text(text: &str, data_type: &DataType) -> Option<Value<'static>> {
    let text = text.trim();
    if *data_type == DataType::Boolean {
        return match text.to_ascii_lowercase().as_str() {
            "t" | "true" | "y" | "yes" | "1" => Some(Value::Bool(true)),
            "f" | "false" | "n" | "no" | "0" => Some(Value::Bool(false)),
            _ => None,
        };
    }
    let text = match text.split_once('.') {
        // The fraction of a whole number is cut off.
        Some((whole, fraction)) if data_type.is_integer() => {
            Some(whole).filter(|whole| !whole.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit()))?
        }
        _ => text,
    };
    read_text(Cow::Borrowed(text), data_type).map(Value::into_owned)
}

/// A row with other names for its fields, and each of them cast.
fn row(given: &[Given<'_>], rows: usize, result: &DataType) -> Result<ArrayRef, String> {
    let (Some(given), DataType::Struct(fields)) = (given.first(), result) else {
        return Err(format!("{} is no ROW", type_name(result)));
    };
    let found = given.array.as_struct_opt().filter(|found| found.num_columns() == fields.len());
    let found = found.ok_or_else(|| format!("a {} is no {}", type_name(given.array.data_type()), type_name(result)))?;
    let columns = found
        .columns()
        .iter()
        .zip(fields)
        .map(|(column, field)| cast(column, field.data_type()).map_err(|error| error.to_string()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let made = StructArray::try_new_with_length(fields.clone(), columns, found.nulls().cloned(), rows);
    made.map(|made| Arc::new(made) as ArrayRef).map_err(|error| error.to_string())
}

/// Whether a cast between these types is one of text.
pub(super) fn is_to_text(from: &DataType, to: &DataType) -> bool {
    is_text(to) && !is_text(from) && *from != DataType::Null && !matches!(from, DataType::Dictionary(..))
}
