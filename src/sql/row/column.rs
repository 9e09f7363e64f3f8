//! An Arrow array of values that come one by one.

use super::{RowError, Value};
use arrow::array::{
    Array, ArrayRef, BinaryViewBuilder, BooleanBuilder, ListArray, MapArray, NullArray, NullBufferBuilder,
    PrimitiveArray, PrimitiveBuilder, StringViewBuilder, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Decimal128Type, FieldRef, Fields, Float64Type, Int32Type, Int64Type,
    IntervalMonthDayNano, IntervalMonthDayNanoType, UInt64Type,
};
use std::sync::Arc;

/// Builds the array of a column. Fixed types are gathered in the widest of their family and cast at the end.
#[derive(Debug)]
pub(in crate::sql) struct Column {
    data_type: DataType,
    values: Values,
    length: usize,
}

#[derive(Debug)]
enum Values {
    Null,
    Bool(BooleanBuilder),
    Int(Gather<Int64Type>),
    Unsigned(Gather<UInt64Type>),
    Float(Gather<Float64Type>),
    Decimal(Gather<Decimal128Type>),
    Interval(Gather<IntervalMonthDayNanoType>),
    Text(StringViewBuilder),
    Bytes(BinaryViewBuilder),
    List {
        field: FieldRef,
        item: Box<Column>,
        ends: Vec<i32>,
        nulls: NullBufferBuilder,
    },
    Row {
        fields: Fields,
        columns: Vec<Column>,
        nulls: NullBufferBuilder,
    },
    Map {
        field: FieldRef,
        ordered: bool,
        pair: Fields,
        key: Box<Column>,
        value: Box<Column>,
        ends: Vec<i32>,
        nulls: NullBufferBuilder,
    },
}

type Gather<T> = PrimitiveBuilder<T>;

impl Column {
    /// An empty column; `None` for a type that rows do not have.
    pub(in crate::sql) fn new(data_type: &DataType, capacity: usize) -> Option<Self> {
        let nulls = || NullBufferBuilder::new(capacity);
        let values = match data_type {
            DataType::Null => Values::Null,
            DataType::Boolean => Values::Bool(BooleanBuilder::with_capacity(capacity)),
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 | DataType::Date32 => {
                Values::Int(Gather::with_capacity(capacity))
            }
            DataType::Time32(_) | DataType::Time64(_) | DataType::Timestamp(..) | DataType::Duration(_) => {
                Values::Int(Gather::with_capacity(capacity))
            }
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
                Values::Unsigned(Gather::with_capacity(capacity))
            }
            DataType::Float32 | DataType::Float64 => Values::Float(Gather::with_capacity(capacity)),
            DataType::Decimal128(..) => Values::Decimal(Gather::with_capacity(capacity)),
            DataType::Interval(_) => Values::Interval(Gather::with_capacity(capacity)),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Values::Text(StringViewBuilder::new()),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Values::Bytes(BinaryViewBuilder::new()),
            DataType::List(field) => {
                let item = Box::new(Column::new(field.data_type(), 0)?);
                Values::List { field: Arc::clone(field), item, ends: vec![0], nulls: nulls() }
            }
            DataType::Struct(fields) => {
                let columns = fields.iter().map(|field| Column::new(field.data_type(), capacity));
                Values::Row { fields: fields.clone(), columns: columns.collect::<Option<_>>()?, nulls: nulls() }
            }
            DataType::Map(field, ordered) => {
                let DataType::Struct(pair) = field.data_type() else { return None };
                let [key, value] = [0, 1].map(|at| Column::new(pair.get(at)?.data_type(), 0).map(Box::new));
                Values::Map {
                    field: Arc::clone(field),
                    ordered: *ordered,
                    pair: pair.clone(),
                    key: key?,
                    value: value?,
                    ends: vec![0],
                    nulls: nulls(),
                }
            }
            _ => return None,
        };
        Some(Column { data_type: data_type.clone(), values, length: 0 })
    }

    /// Appends a value; `false` if it is of another type, and then it is NULL.
    pub(in crate::sql) fn push(&mut self, value: &Value<'_>) -> bool {
        self.length += 1;
        match (&mut self.values, value) {
            (Values::Null, Value::Null) => {}
            (Values::Bool(values), Value::Bool(value)) => values.append_value(*value),
            (Values::Int(values), Value::Int(value)) => values.append_value(*value),
            (Values::Unsigned(values), Value::Unsigned(value)) => values.append_value(*value),
            (Values::Float(values), Value::Float(value)) => values.append_value(*value),
            (Values::Decimal(values), Value::Decimal(value)) => values.append_value(*value),
            (Values::Interval(values), Value::Interval { months, days, nanoseconds }) => {
                values.append_value(IntervalMonthDayNano::new(*months, *days, *nanoseconds));
            }
            (Values::Text(values), Value::Text(text)) => values.append_value(text),
            (Values::Bytes(values), Value::Bytes(bytes)) => values.append_value(bytes),
            (Values::List { item, ends, nulls, .. }, Value::List(items)) => {
                // Each is pushed, also behind one that does not fit.
                let misfits = items.iter().filter(|value| !item.push(value)).count();
                ends.push(item.length as i32);
                nulls.append_non_null();
                return misfits == 0;
            }
            (Values::Row { columns, nulls, .. }, Value::Row(fields)) if columns.len() == fields.len() => {
                nulls.append_non_null();
                return columns
                    .iter_mut()
                    .zip(fields)
                    .filter_map(|(column, value)| (!column.push(value)).then_some(()))
                    .count()
                    == 0;
            }
            (Values::Map { key, value, ends, nulls, .. }, Value::Map(entries)) => {
                let push = |fit, (k, v): &(Value<'_>, Value<'_>)| key.push(k) & value.push(v) && fit;
                let fit = entries.iter().fold(true, push);
                ends.push(key.length as i32);
                nulls.append_non_null();
                return fit;
            }
            (_, other) => {
                self.length -= 1;
                self.push_null();
                return other.is_null();
            }
        }
        true
    }

    /// Appends NULL.
    pub(in crate::sql) fn push_null(&mut self) {
        self.length += 1;
        match &mut self.values {
            Values::Null => {}
            Values::Bool(values) => values.append_null(),
            Values::Int(values) => values.append_null(),
            Values::Unsigned(values) => values.append_null(),
            Values::Float(values) => values.append_null(),
            Values::Decimal(values) => values.append_null(),
            Values::Interval(values) => values.append_null(),
            Values::Text(values) => values.append_null(),
            Values::Bytes(values) => values.append_null(),
            Values::List { ends, nulls, .. } | Values::Map { ends, nulls, .. } => {
                ends.push(ends.last().copied().unwrap_or(0));
                nulls.append_null();
            }
            Values::Row { columns, nulls, .. } => {
                columns.iter_mut().for_each(Column::push_null);
                nulls.append_null();
            }
        }
    }

    /// The array.
    ///
    /// # Errors
    /// If the type does not hold a value: a number too large for it, a NULL that it does not allow.
    pub(in crate::sql) fn finish(self) -> Result<ArrayRef, arrow::error::ArrowError> {
        let data_type = self.data_type;
        Ok(match self.values {
            Values::Null => Arc::new(NullArray::new(self.length)),
            Values::Bool(mut values) => Arc::new(values.finish()),
            Values::Int(mut values) => return narrow(values.finish(), &data_type),
            Values::Unsigned(mut values) => return narrow(values.finish(), &data_type),
            Values::Float(mut values) => return narrow(values.finish(), &data_type),
            Values::Decimal(mut values) => Arc::new(values.finish().with_data_type(data_type)),
            Values::Interval(mut values) => Arc::new(values.finish()),
            Values::Text(mut values) => return cast(&values.finish(), &data_type),
            Values::Bytes(mut values) => return cast(&values.finish(), &data_type),
            Values::List { field, item, ends, mut nulls } => {
                Arc::new(ListArray::try_new(field, OffsetBuffer::new(ends.into()), item.finish()?, nulls.finish())?)
            }
            Values::Row { fields, columns, mut nulls } => {
                let arrays = columns.into_iter().map(Column::finish).collect::<Result<Vec<_>, _>>()?;
                Arc::new(StructArray::try_new_with_length(fields, arrays, nulls.finish(), self.length)?)
            }
            Values::Map { field, ordered, pair, key, value, ends, mut nulls } => {
                let entries = StructArray::try_new(pair, vec![key.finish()?, value.finish()?], None)?;
                let ends = OffsetBuffer::new(ends.into());
                Arc::new(MapArray::try_new(field, ends, entries, nulls.finish(), ordered)?)
            }
        })
    }
}

/// Casts to the type of the column; times go by way of the number they are.
fn narrow<T: ArrowPrimitiveType>(
    array: PrimitiveArray<T>,
    data_type: &DataType,
) -> Result<ArrayRef, arrow::error::ArrowError> {
    let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
    if array.data_type() == data_type {
        return Ok(Arc::new(array));
    }
    let is_short = matches!(data_type, DataType::Date32 | DataType::Time32(_));
    if is_short {
        let days = arrow::compute::cast_with_options(&array, &DataType::Int32, &options)?;
        let days = days.as_any().downcast_ref::<PrimitiveArray<Int32Type>>();
        let data = days.map(|days| days.to_data().into_builder().data_type(data_type.clone()).build()).transpose()?;
        return Ok(data.map_or_else(|| Arc::new(NullArray::new(array.len())) as ArrayRef, arrow::array::make_array));
    }
    let is_long = matches!(data_type, DataType::Time64(_) | DataType::Timestamp(..) | DataType::Duration(_));
    if is_long {
        let data = array.to_data().into_builder().data_type(data_type.clone()).build()?;
        return Ok(arrow::array::make_array(data));
    }
    arrow::compute::cast_with_options(&array, data_type, &options)
}

/// One column, of all its values.
pub(super) fn of_values<'a>(
    number: usize,
    data_type: &DataType,
    values: impl ExactSizeIterator<Item = Result<Value<'a>, RowError>>,
) -> Result<ArrayRef, RowError> {
    let misfit = |found: String| RowError::Misfit { column: number, found, data_type: Box::new(data_type.clone()) };
    let mut column = Column::new(data_type, values.len()).ok_or_else(|| misfit("of no type of rows".to_owned()))?;
    for value in values {
        let value = value?;
        if !column.push(&value) {
            return Err(misfit(value.what()));
        }
    }
    column.finish().map_err(|error| misfit(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::TimeUnit;

    #[test]
    fn a_number_that_its_type_does_not_hold_is_an_error() {
        let column = |data_type: &DataType| {
            let mut column = Column::new(data_type, 1).unwrap();
            assert!(column.push(&Value::Int(i64::MAX)));
            column.finish()
        };
        assert!(column(&DataType::Int8).is_err() && column(&DataType::Date32).is_err());
        assert!(column(&DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))).is_ok());
    }

    #[test]
    fn a_value_of_another_type_is_told() {
        let mut column = Column::new(&DataType::Int64, 1).unwrap();
        assert!(!column.push(&Value::Bool(true)));
        assert!(column.push(&Value::Null));
        assert_eq!(column.finish().unwrap().null_count(), 2);
    }
}
