//! Keys: some columns of a row, as what a stream is keyed by.

use super::bytes::Bytes;
use super::layout::{Layout, is_null};
use super::pick::pick;
use super::{Row, RowCodec, RowError, Value, tuple};
use arrow::datatypes::{Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The columns of a key as one value: equal keys have equal bytes, whatever row they were taken out of. NULL is equal to NULL, as
/// GROUP BY has it.
///
/// The order is that of the bytes; it means nothing, but is always the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowKey(Bytes);

impl RowKey {
    /// The stored form: a tuple, as it is described in [`row`](super).
    pub fn bytes(&self) -> &[u8] {
        self.0.get()
    }
}

impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.0.hex())
    }
}

/// Takes keys out of rows.
///
/// ```
/// use arrow::datatypes::{DataType, Field, Schema};
/// use millstream::sql::row::{KeyCodec, RowCodec, RowKind, Value};
///
/// let rows = RowCodec::new(&Schema::new(vec![
///     Field::new("host", DataType::Utf8View, true),
///     Field::new("bytes", DataType::Int64, true),
/// ]))?;
/// let keys = KeyCodec::new(&rows, &[0])?;
/// let row = |bytes| rows.row(RowKind::Insert, &[Value::Text("ada".into()), Value::Int(bytes)]);
/// assert_eq!(keys.key(&row(3)?)?, keys.key(&row(4)?)?);
/// assert_eq!(keys.values(&keys.key(&row(3)?)?)?, [Value::Text("ada".into())]);
/// # Ok::<(), millstream::sql::row::RowError>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeyCodec {
    rows: RowCodec,
    columns: Vec<usize>,
    layout: Arc<Layout>,
    schema: SchemaRef,
}

impl KeyCodec {
    /// Of these columns of the rows of a codec, in this order.
    ///
    /// # Errors
    /// [`RowError::Misfit`] if there is no such column.
    pub fn new(rows: &RowCodec, columns: &[usize]) -> Result<Self, RowError> {
        let (fields, slots) = (rows.schema().fields(), &rows.layout().slots);
        if let Some(&column) = columns.iter().find(|column| **column >= fields.len()) {
            let found = format!("missing: the rows have {} columns", fields.len());
            return Err(RowError::Misfit { column, found, data_type: Box::new(arrow::datatypes::DataType::Null) });
        }
        let layout = Layout::new(columns.iter().map(|column| slots[*column].kind.clone()));
        let schema = Schema::new(columns.iter().map(|column| Arc::clone(&fields[*column])).collect::<Vec<_>>());
        let (rows, columns) = (rows.clone(), columns.to_vec());
        Ok(KeyCodec { rows, columns, layout: Arc::new(layout), schema: Arc::new(schema) })
    }

    /// The columns of the keys.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The key of a row.
    ///
    /// # Errors
    /// [`RowError::Damaged`] if it is no row of these columns.
    pub fn key(&self, row: &Row) -> Result<RowKey, RowError> {
        let make = |tuple: &[u8]| RowKey(Bytes::copy(tuple));
        pick(self.rows.layout(), &self.layout, &self.columns, row.tuple(), &[], make)
    }

    /// The values of a key, in the order of its columns.
    ///
    /// # Errors
    /// [`RowError::Damaged`] if it is no key of these columns.
    pub fn values<'k>(&self, key: &'k RowKey) -> Result<Vec<Value<'k>>, RowError> {
        self.layout.check(key.bytes())?;
        (0..self.columns.len()).map(|column| tuple::read(&self.layout, key.bytes(), column)).collect()
    }

    /// Whether a column of the key is NULL: a join finds no partner for such a key.
    ///
    /// # Errors
    /// [`RowError::Damaged`] if it is no key of these columns.
    pub fn has_null(&self, key: &RowKey) -> Result<bool, RowError> {
        self.layout.check(key.bytes())?;
        Ok((0..self.columns.len()).any(|column| is_null(key.bytes(), column)))
    }
}
