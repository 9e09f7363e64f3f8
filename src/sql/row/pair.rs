//! One row of two.

use super::layout::{Kind, Layout, end, is_null};
use super::{Row, RowCodec, RowError, RowKind};
use arrow::datatypes::DataType;
use std::sync::Arc;

/// Makes rows of the first columns of a left row and, behind them, the first columns of a right one; of a row that is missing
/// all columns are NULL. Bytes are copied, no value is read.
#[derive(Clone, Debug)]
pub(in crate::sql) struct PairCodec {
    sides: [Part; 2],
    /// Of the result.
    layout: Arc<Layout>,
}

/// The columns of one of the two rows.
#[derive(Clone, Debug)]
struct Part {
    layout: Arc<Layout>,
    /// How many columns.
    width: usize,
    /// Where their slots begin and end in a tuple of their own.
    slots: (usize, usize),
    /// Where the slots of variable columns are there.
    ends: Vec<usize>,
    /// Where their slots begin in the result.
    to: usize,
}

impl PairCodec {
    /// * `left`, `right`: the rows that come in, and how many of their columns are wanted.
    /// * `output`: the columns of the result.
    ///
    /// # Errors
    /// [`RowError::Misfit`] if those are others.
    pub(in crate::sql) fn new(
        left: (&RowCodec, usize),
        right: (&RowCodec, usize),
        output: &RowCodec,
    ) -> Result<Self, RowError> {
        let given: Vec<_> = [left, right].into_iter().flat_map(|(codec, width)| columns(codec).take(width)).collect();
        let asked: Vec<_> = columns(output).collect();
        for column in 0..given.len().max(asked.len()) {
            let (given, asked) = (given.get(column), asked.get(column));
            if given.map(|(kind, _)| kind) != asked.map(|(kind, _)| kind) {
                return Err(RowError::Misfit {
                    column,
                    found: given.map_or("missing".to_owned(), |(_, data_type)| format!("a {data_type}")),
                    data_type: Box::new(asked.map_or(DataType::Null, |(_, data_type)| (*data_type).clone())),
                });
            }
        }
        let left = Part::new(left, asked.len().div_ceil(8));
        let right = Part::new(right, left.to + left.slots.1 - left.slots.0);
        Ok(PairCodec { sides: [left, right], layout: output.shared_layout() })
    }

    /// The row of two rows.
    ///
    /// # Errors
    /// [`RowError::TooLarge`]; [`RowError::Damaged`] if a row is none of its columns.
    pub(in crate::sql) fn join(&self, kind: RowKind, left: Option<&Row>, right: Option<&Row>) -> Result<Row, RowError> {
        /// Rows up to this length are made without an allocation.
        const SHORT: usize = 256;
        let tuples = [left, right].map(|row| row.map(Row::tuple));
        let mut variable = [0; 2];
        for ((part, tuple), variable) in self.sides.iter().zip(tuples).zip(&mut variable) {
            if let Some(tuple) = tuple {
                *variable = part.variable(tuple)?;
            }
        }
        let length = 1 + self.layout.head as u64 + variable.iter().map(|bytes| *bytes as u64).sum::<u64>();
        if length > u64::from(u32::MAX) {
            return Err(RowError::TooLarge { bytes: length });
        }
        let (mut short, mut long) = ([0; SHORT], Vec::new());
        let bytes = match short.get_mut(..length as usize) {
            Some(bytes) => bytes,
            None => {
                long.resize(length as usize, 0);
                &mut long[..]
            }
        };
        bytes[0] = kind as u8;
        let (out, mut number, mut filled) = (&mut bytes[1..], 0, 0);
        for ((part, tuple), variable) in self.sides.iter().zip(tuples).zip(variable) {
            for column in 0..part.width {
                if tuple.is_none_or(|tuple| is_null(tuple, column)) {
                    out[number / 8] |= 1 << (number % 8);
                }
                number += 1;
            }
            let (from, to) = part.slots;
            if let Some(tuple) = tuple {
                out[part.to..part.to + to - from].copy_from_slice(&tuple[from..to]);
                let (rest, start) = (&tuple[part.layout.head..], self.layout.head + filled);
                out[start..start + variable].copy_from_slice(&rest[..variable]);
            }
            for &at in &part.ends {
                let ends = filled + tuple.map_or(0, |tuple| end(tuple, at));
                let at = part.to + at - from;
                out[at..at + 4].copy_from_slice(&(ends as u32).to_le_bytes());
            }
            filled += variable;
        }
        Ok(Row::copy(bytes))
    }
}

impl Part {
    fn new((codec, width): (&RowCodec, usize), to: usize) -> Self {
        let layout = codec.shared_layout();
        let slots = (layout.slots.len().div_ceil(8), layout.slots.get(width).map_or(layout.head, |behind| behind.at));
        let variable = layout.slots.iter().take(width).filter(|slot| slot.kind.is_variable());
        let ends = variable.map(|slot| slot.at).collect();
        Part { width: width.min(layout.slots.len()), slots, ends, to, layout }
    }

    /// How many bytes its variable columns take.
    fn variable(&self, tuple: &[u8]) -> Result<usize, RowError> {
        self.layout.check(tuple)?;
        let bytes = self.ends.last().map_or(0, |at| end(tuple, *at));
        if bytes > tuple.len() - self.layout.head {
            let columns = self.layout.slots.len();
            return Err(RowError::Damaged { bytes: tuple.len(), columns, what: "a column ends behind the row" });
        }
        Ok(bytes)
    }
}

/// How each column is stored, and its type.
fn columns(codec: &RowCodec) -> impl Iterator<Item = (&Kind, &DataType)> {
    let types = codec.schema().fields().iter().map(|field| field.data_type());
    codec.layout().slots.iter().map(|slot| &slot.kind).zip(types)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::row::Value;
    use arrow::datatypes::{Field, Schema};
    use proptest::prelude::*;

    fn codec(types: &[DataType]) -> RowCodec {
        let fields = types.iter().map(|data_type| Field::new("x", data_type.clone(), true));
        RowCodec::new(&Schema::new(fields.collect::<Vec<_>>())).unwrap()
    }

    /// Some columns with a value of each, how many of them are wanted, and whether there is a row at all.
    #[derive(Clone, Debug)]
    struct Given {
        columns: Vec<(DataType, Value<'static>)>,
        width: usize,
        is_there: bool,
    }

    impl Given {
        fn codec(&self) -> RowCodec {
            codec(&self.columns.iter().map(|(data_type, _)| data_type.clone()).collect::<Vec<_>>())
        }

        fn row(&self) -> Option<Row> {
            let values: Vec<_> = self.columns.iter().map(|(_, value)| value.clone()).collect();
            self.is_there.then(|| self.codec().row(RowKind::Insert, &values).unwrap())
        }

        fn wanted(&self) -> impl Iterator<Item = (DataType, Value<'static>)> {
            let value = |value: &Value<'static>| if self.is_there { value.clone() } else { Value::Null };
            self.columns[..self.width].iter().map(move |(data_type, of)| (data_type.clone(), value(of)))
        }
    }

    fn given() -> impl Strategy<Value = Given> {
        let value = prop_oneof![
            Just((DataType::Int64, Value::Null)),
            any::<i64>().prop_map(|n| (DataType::Int64, Value::Int(n))),
            any::<bool>().prop_map(|b| (DataType::Boolean, Value::Bool(b))),
            Just((DataType::Null, Value::Null)),
            Just((DataType::Utf8View, Value::Null)),
            "[a-zé]{0,40}".prop_map(|text| (DataType::Utf8View, Value::Text(text.into()))),
        ];
        let columns = prop::collection::vec(value, 0..12);
        (columns, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(columns, width, is_there)| {
            let width = width.index(columns.len() + 1);
            Given { columns, width, is_there }
        })
    }

    proptest! {
        #[test]
        fn two_rows_become_the_row_of_their_values(left in given(), right in given()) {
            let (types, values): (Vec<_>, Vec<_>) = left.wanted().chain(right.wanted()).unzip();
            let output = codec(&types);
            let pairs = PairCodec::new((&left.codec(), left.width), (&right.codec(), right.width), &output).unwrap();
            let made = pairs.join(RowKind::UpdateAfter, left.row().as_ref(), right.row().as_ref()).unwrap();
            prop_assert_eq!(made, output.row(RowKind::UpdateAfter, &values).unwrap());
        }
    }

    #[test]
    fn a_result_of_other_columns_and_a_row_of_other_columns_are_refused() {
        let (long, text) = (codec(&[DataType::Int64]), codec(&[DataType::Utf8View]));
        let both = codec(&[DataType::Int64, DataType::Utf8View]);
        for output in [&long, &codec(&[DataType::Utf8View, DataType::Int64])] {
            assert!(matches!(PairCodec::new((&long, 1), (&text, 1), output), Err(RowError::Misfit { .. })));
        }
        let pairs = PairCodec::new((&long, 1), (&text, 1), &both).unwrap();
        let row = long.row(RowKind::Insert, &[Value::Int(7)]).unwrap();
        assert!(matches!(pairs.join(RowKind::Insert, None, Some(&row)), Err(RowError::Damaged { .. })));
    }
}
