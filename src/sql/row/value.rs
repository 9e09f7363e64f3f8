//! One field, taken out of its row.

use std::borrow::Cow;
use std::fmt;

/// The value of a field. Which one it is depends on the column's type; the numbers of times are in the type's unit.
///
/// ```
/// use millstream::sql::row::Value;
///
/// assert!(Value::Null.is_null());
/// assert_eq!(Value::Text("ada".into()), Value::Text(String::from("ada").into()));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// BOOLEAN.
    Bool(bool),
    /// TINYINT to BIGINT, DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ, durations.
    Int(i64),
    /// Unsigned whole numbers, which some functions return.
    Unsigned(u64),
    /// FLOAT and DOUBLE.
    Float(f64),
    /// DECIMAL, as a whole number of its last digit.
    Decimal(i128),
    /// An interval.
    Interval {
        /// Months.
        months: i32,
        /// Days.
        days: i32,
        /// Nanoseconds.
        nanoseconds: i64,
    },
    /// STRING.
    Text(Cow<'a, str>),
    /// BYTES.
    Bytes(Cow<'a, [u8]>),
    /// ARRAY, in order.
    List(Vec<Value<'a>>),
    /// ROW, field by field.
    Row(Vec<Value<'a>>),
    /// MAP, in the order in which it was written.
    Map(Vec<(Value<'a>, Value<'a>)>),
}

impl Value<'_> {
    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The same, borrowed from nobody.
    pub(in crate::sql) fn into_owned(self) -> Value<'static> {
        let all = |values: Vec<Value<'_>>| values.into_iter().map(Value::into_owned).collect();
        match self {
            Value::Null => Value::Null,
            Value::Bool(value) => Value::Bool(value),
            Value::Int(value) => Value::Int(value),
            Value::Unsigned(value) => Value::Unsigned(value),
            Value::Float(value) => Value::Float(value),
            Value::Decimal(value) => Value::Decimal(value),
            Value::Interval { months, days, nanoseconds } => Value::Interval { months, days, nanoseconds },
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Value::List(items) => Value::List(all(items)),
            Value::Row(fields) => Value::Row(all(fields)),
            Value::Map(entries) => {
                Value::Map(entries.into_iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect())
            }
        }
    }

    /// What it is, for messages.
    pub(super) fn what(&self) -> String {
        let name: &dyn fmt::Display = match self {
            Value::Null => &"NULL",
            Value::Bool(_) => &"a truth value",
            Value::Int(_) | Value::Unsigned(_) => &"a whole number",
            Value::Float(_) => &"a floating-point number",
            Value::Decimal(_) => &"a decimal number",
            Value::Interval { .. } => &"an interval",
            Value::Text(_) => &"a text",
            Value::Bytes(_) => &"bytes",
            Value::List(_) => &"an array",
            Value::Row(_) => &"a row",
            Value::Map(_) => &"a map",
        };
        name.to_string()
    }
}
