//! The order of rows by some of their columns, as ORDER BY has it.

use crate::sql::row::{Row, RowCodec, Value};
use std::cmp::Ordering;

/// One column of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sql) struct By {
    /// Which.
    pub(in crate::sql) column: usize,
    /// From the least to the greatest.
    pub(in crate::sql) ascending: bool,
    /// NULL before all others.
    pub(in crate::sql) nulls_first: bool,
}

/// Compares rows.
#[derive(Clone, Debug)]
pub(in crate::sql) struct Order {
    codec: RowCodec,
    by: Vec<By>,
}

impl Order {
    /// By these columns, the first of them first.
    pub(in crate::sql) fn new(codec: &RowCodec, by: Vec<By>) -> Self {
        Order { codec: codec.clone(), by }
    }

    /// Which of two rows comes first; `Equal` if the order does not say. A row that cannot be read comes as one of NULLs.
    pub(in crate::sql) fn compare(&self, left: &Row, right: &Row) -> Ordering {
        let read = |row, column| self.codec.value(row, column).unwrap_or(Value::Null);
        for by in &self.by {
            let (left, right) = (read(left, by.column), read(right, by.column));
            let ordering = match (left.is_null(), right.is_null()) {
                (true, true) => Ordering::Equal,
                (true, false) if by.nulls_first => Ordering::Less,
                (true, false) => Ordering::Greater,
                (false, true) if by.nulls_first => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) if by.ascending => compare(&left, &right),
                (false, false) => compare(&right, &left),
            };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        Ordering::Equal
    }

    /// Where a row belongs among rows in order: behind those that come before it, and of those that the order does not tell
    /// apart behind the ones whose stored form is not greater.
    pub(in crate::sql) fn place(&self, rows: &[Row], row: &Row) -> usize {
        rows.partition_point(|known| self.compare(known, row).then_with(|| known.cmp(row)) != Ordering::Greater)
    }
}

/// The order of values of one type. NaN is greater than all numbers, as in Flink; nested values are compared part by part.
pub(in crate::sql) fn compare(left: &Value<'_>, right: &Value<'_>) -> Ordering {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Unsigned(left), Value::Unsigned(right)) => left.cmp(right),
        (Value::Float(left), Value::Float(right)) => left.total_cmp(right),
        (Value::Decimal(left), Value::Decimal(right)) => left.cmp(right),
        (
            Value::Interval { months: a, days: b, nanoseconds: c },
            Value::Interval { months: x, days: y, nanoseconds: z },
        ) => (a, b, c).cmp(&(x, y, z)),
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        (Value::Bytes(left), Value::Bytes(right)) => left.cmp(right),
        (Value::List(left), Value::List(right)) | (Value::Row(left), Value::Row(right)) => {
            let parts = left.iter().zip(right).map(|(left, right)| compare(left, right));
            parts.fold(Ordering::Equal, Ordering::then).then(left.len().cmp(&right.len()))
        }
        // A NULL within a nested value comes first; values of different types are never compared.
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::row::RowKind;
    use arrow::datatypes::{DataType, Field, Schema};

    #[test]
    fn rows_are_ordered_by_each_column_and_nulls_stand_where_they_are_told_to() {
        let fields = [DataType::Int32, DataType::Float64].map(|t| Field::new("x", t, true));
        let codec = RowCodec::new(&Schema::new(fields.to_vec())).unwrap();
        let row = |a: Value<'_>, b: f64| codec.row(RowKind::Insert, &[a, Value::Float(b)]).unwrap();
        let sorted = |ascending, nulls_first| {
            let by = |column, ascending| By { column, ascending, nulls_first };
            let order = Order::new(&codec, vec![by(0, ascending), by(1, true)]);
            let mut rows = [
                row(Value::Int(2), f64::NAN),
                row(Value::Int(2), -0.0),
                row(Value::Null, 1.0),
                row(Value::Int(1), 7.0),
            ];
            rows.sort_by(|a, b| order.compare(a, b));
            let shown = |row: &Row| match codec.value(row, 0).unwrap() {
                Value::Int(n) => n.to_string(),
                _ => "null".to_owned(),
            };
            rows.iter().map(shown).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(sorted(true, true), "null 1 2 2");
        assert_eq!(sorted(true, false), "1 2 2 null");
        assert_eq!(sorted(false, false), "2 2 1 null");
        let same = Order::new(&codec, vec![By { column: 0, ascending: true, nulls_first: true }]);
        assert_eq!(same.compare(&row(Value::Int(2), 1.0), &row(Value::Int(2), 2.0)), Ordering::Equal);
    }
}
