//! One value of an Arrow array.

use super::Value;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNanoType,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use std::borrow::Cow;

/// The value at a place; NULL for a type that rows do not have. For nested values: columns of plain ones are read as a whole.
pub(in crate::sql) fn value(array: &dyn Array, at: usize) -> Value<'_> {
    if array.is_null(at) {
        return Value::Null;
    }
    macro_rules! int {
        ($type:ty) => {
            Value::Int(i64::from(array.as_primitive::<$type>().value(at)))
        };
    }
    macro_rules! unsigned {
        ($type:ty) => {
            Value::Unsigned(u64::from(array.as_primitive::<$type>().value(at)))
        };
    }
    let text = |text| Value::Text(Cow::Borrowed(text));
    let bytes = |bytes| Value::Bytes(Cow::Borrowed(bytes));
    match array.data_type() {
        DataType::Boolean => Value::Bool(array.as_boolean().value(at)),
        DataType::Int8 => int!(Int8Type),
        DataType::Int16 => int!(Int16Type),
        DataType::Int32 => int!(Int32Type),
        DataType::Int64 => int!(Int64Type),
        DataType::Date32 => int!(Date32Type),
        DataType::Time32(TimeUnit::Second) => int!(Time32SecondType),
        DataType::Time32(_) => int!(Time32MillisecondType),
        DataType::Time64(TimeUnit::Microsecond) => int!(Time64MicrosecondType),
        DataType::Time64(_) => int!(Time64NanosecondType),
        DataType::Timestamp(TimeUnit::Second, _) => int!(TimestampSecondType),
        DataType::Timestamp(TimeUnit::Millisecond, _) => int!(TimestampMillisecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => int!(TimestampMicrosecondType),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => int!(TimestampNanosecondType),
        DataType::Duration(TimeUnit::Second) => int!(DurationSecondType),
        DataType::Duration(TimeUnit::Millisecond) => int!(DurationMillisecondType),
        DataType::Duration(TimeUnit::Microsecond) => int!(DurationMicrosecondType),
        DataType::Duration(TimeUnit::Nanosecond) => int!(DurationNanosecondType),
        DataType::UInt8 => unsigned!(UInt8Type),
        DataType::UInt16 => unsigned!(UInt16Type),
        DataType::UInt32 => unsigned!(UInt32Type),
        DataType::UInt64 => unsigned!(UInt64Type),
        DataType::Float32 => Value::Float(f64::from(array.as_primitive::<Float32Type>().value(at))),
        DataType::Float64 => Value::Float(array.as_primitive::<Float64Type>().value(at)),
        DataType::Decimal128(..) => Value::Decimal(array.as_primitive::<Decimal128Type>().value(at)),
        DataType::Interval(_) => match array.as_primitive_opt::<IntervalMonthDayNanoType>() {
            None => Value::Null,
            Some(intervals) => {
                let interval = intervals.value(at);
                let (months, days) = (interval.months, interval.days);
                Value::Interval { months, days, nanoseconds: interval.nanoseconds }
            }
        },
        DataType::Utf8 => text(array.as_string::<i32>().value(at)),
        DataType::LargeUtf8 => text(array.as_string::<i64>().value(at)),
        DataType::Utf8View => text(array.as_string_view().value(at)),
        DataType::Binary => bytes(array.as_binary::<i32>().value(at)),
        DataType::LargeBinary => bytes(array.as_binary::<i64>().value(at)),
        DataType::BinaryView => bytes(array.as_binary_view().value(at)),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            Value::List(range(list.values(), list.value_offsets(), at))
        }
        DataType::Struct(_) => Value::Row(array.as_struct().columns().iter().map(|field| value(field, at)).collect()),
        DataType::Map(..) => {
            let map = array.as_map();
            let (keys, values) = (map.keys(), map.values());
            let keys = range(keys, map.value_offsets(), at);
            Value::Map(keys.into_iter().zip(range(values, map.value_offsets(), at)).collect())
        }
        _ => Value::Null,
    }
}

fn range<'a>(values: &'a ArrayRef, offsets: &[i32], at: usize) -> Vec<Value<'a>> {
    (offsets[at]..offsets[at + 1]).map(|item| value(values, item as usize)).collect()
}
