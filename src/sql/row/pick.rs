//! Some columns of a row as another row or as a key, byte by byte.

use super::layout::{Layout, is_null};
use super::{Row, RowCodec, RowError};
use std::sync::Arc;

/// Columns up to so many bytes are put together without an allocation.
const SHORT: usize = 128;

/// Makes rows of some columns of other rows, in any order, also several times; the kind stays.
#[derive(Clone, Debug)]
pub(in crate::sql) struct Picker {
    from: Arc<Layout>,
    to: Arc<Layout>,
    columns: Vec<usize>,
}

impl Picker {
    /// * `columns`: of `from`, one for each column of `to`.
    ///
    /// `None` if a column of `to` is of another type than the one that it is to be.
    pub(in crate::sql) fn new(from: &RowCodec, columns: &[usize], to: &RowCodec) -> Option<Self> {
        let (from, to) = (from.shared_layout(), to.shared_layout());
        let kinds = columns.iter().map(|column| from.slots.get(*column).map(|slot| &slot.kind));
        let fits = columns.len() == to.slots.len() && kinds.eq(to.slots.iter().map(|slot| Some(&slot.kind)));
        fits.then(|| Picker { from, to, columns: columns.to_vec() })
    }

    /// The row of those columns.
    ///
    /// # Errors
    /// [`RowError::Damaged`] if it is no row of the columns that are picked from.
    pub(in crate::sql) fn pick(&self, row: &Row) -> Result<Row, RowError> {
        pick(&self.from, &self.to, &self.columns, row.tuple(), &[row.kind() as u8], Row::copy)
    }
}

/// Puts a tuple together of columns of another one, behind `head`, and makes something of it.
pub(super) fn pick<T>(
    from: &Layout,
    to: &Layout,
    columns: &[usize],
    tuple: &[u8],
    head: &[u8],
    make: impl FnOnce(&[u8]) -> T,
) -> Result<T, RowError> {
    from.check(tuple)?;
    let length = columns.iter().try_fold(head.len() + to.head, |length, column| {
        let slot = &from.slots[*column];
        let variable = slot.kind.is_variable() && !is_null(tuple, *column);
        Ok(length + if variable { from.variable(tuple, slot)?.len() } else { 0 })
    })?;
    let (mut short, mut long) = ([0; SHORT], Vec::new());
    let all = match short.get_mut(..length) {
        Some(all) => all,
        None => {
            long.resize(length, 0);
            &mut long[..]
        }
    };
    let (kind, out) = all.split_at_mut(head.len());
    kind.copy_from_slice(head);
    let mut filled = to.head;
    for (number, (column, target)) in columns.iter().zip(&to.slots).enumerate() {
        let slot = &from.slots[*column];
        let null = is_null(tuple, *column);
        if null {
            out[number / 8] |= 1 << (number % 8);
        }
        if !slot.kind.is_variable() {
            let width = slot.kind.width();
            out[target.at..target.at + width].copy_from_slice(&tuple[slot.at..slot.at + width]);
            continue;
        }
        let bytes = if null { &[] } else { from.variable(tuple, slot)? };
        out[filled..filled + bytes.len()].copy_from_slice(bytes);
        filled += bytes.len();
        let end = (filled - to.head) as u32;
        out[target.at..target.at + 4].copy_from_slice(&end.to_le_bytes());
    }
    Ok(make(all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::row::{RowKind, Value};
    use arrow::datatypes::{DataType, Field, Schema};

    fn codec(types: &[DataType]) -> RowCodec {
        let fields = types.iter().enumerate().map(|(n, t)| Field::new(n.to_string(), t.clone(), true));
        RowCodec::new(&Schema::new(fields.collect::<Vec<_>>())).unwrap()
    }

    #[test]
    fn columns_are_picked_in_any_order_and_more_than_once() {
        let from = codec(&[DataType::Utf8View, DataType::Int32, DataType::Utf8View]);
        let to = codec(&[DataType::Utf8View, DataType::Utf8View, DataType::Int32, DataType::Utf8View]);
        let picker = Picker::new(&from, &[2, 0, 1, 2], &to).unwrap();
        for long in ["", "ada", &"x".repeat(300)] {
            for number in [Value::Null, Value::Int(-7)] {
                let values = [Value::Text("first".into()), number.clone(), Value::Text(long.into())];
                let picked = picker.pick(&from.row(RowKind::Delete, &values).unwrap()).unwrap();
                assert_eq!(picked.kind(), RowKind::Delete);
                let [first, _, last] = values;
                assert_eq!(to.values(&picked).unwrap(), [last.clone(), first, number, last]);
            }
        }
        let nothing = [Value::Null, Value::Null, Value::Null];
        let picked = picker.pick(&from.row(RowKind::Insert, &nothing).unwrap()).unwrap();
        assert!(to.values(&picked).unwrap().iter().all(Value::is_null));
    }

    #[test]
    fn a_column_of_another_type_is_not_picked() {
        let (from, to) = (codec(&[DataType::Int32]), codec(&[DataType::Int64]));
        assert!(Picker::new(&from, &[0], &to).is_none());
        assert!(Picker::new(&from, &[], &to).is_none());
        assert!(Picker::new(&from, &[1], &from).is_none());
    }
}
