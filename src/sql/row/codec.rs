//! Batches of columns to rows, and back.

use super::layout::{Kind, Layout, Slot, is_null};
use super::tuple::{self, canonical, canonical_f32};
use super::{Row, RowError, RowKind, Value, arrays, column};
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryViewBuilder, BooleanArray, PrimitiveArray, RecordBatch,
    RecordBatchOptions,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use std::sync::Arc;

/// Writes and reads rows of one list of columns.
///
/// Only the types of the columns count, and their order: rows written with one schema are read with another that has the same
/// types in the same order. Text types are one type to it, and so are those of bytes.
///
/// ```
/// use arrow::array::{Int64Array, RecordBatch, StringViewArray};
/// use arrow::datatypes::{DataType, Field, Schema};
/// use millstream::sql::row::RowCodec;
/// use std::sync::Arc;
///
/// let schema = Arc::new(Schema::new(vec![
///     Field::new("page", DataType::Utf8View, true),
///     Field::new("views", DataType::Int64, true),
/// ]));
/// let columns = RecordBatch::try_new(Arc::clone(&schema), vec![
///     Arc::new(StringViewArray::from(vec![Some("/"), None])),
///     Arc::new(Int64Array::from(vec![Some(3), Some(4)])),
/// ])?;
/// let codec = RowCodec::new(&schema)?;
/// let rows = codec.rows(&columns)?;
/// assert_eq!(codec.batch(&rows)?, columns);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RowCodec {
    schema: SchemaRef,
    layout: Arc<Layout>,
}

impl RowCodec {
    /// The codec of rows with these columns.
    ///
    /// # Errors
    /// [`RowError::Type`] if a column has a type that rows do not have.
    pub fn new(schema: &Schema) -> Result<Self, RowError> {
        let kinds = schema.fields().iter().map(|field| Kind::of(field.name(), field.data_type()));
        let kinds = kinds.collect::<Result<Vec<_>, _>>()?;
        Ok(RowCodec { schema: Arc::new(schema.clone()), layout: Arc::new(Layout::new(kinds.into_iter())) })
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(super) fn shared_layout(&self) -> Arc<Layout> {
        Arc::clone(&self.layout)
    }

    /// The rows of a batch, in order, all of kind `+I`.
    ///
    /// # Errors
    /// [`RowError::TooLarge`], [`RowError::Misfit`] if the batch has other columns.
    pub fn rows(&self, batch: &RecordBatch) -> Result<Vec<Row>, RowError> {
        self.changes(batch, |_| RowKind::Insert)
    }

    /// As [`rows`](Self::rows), each of the kind that `kind` tells for its number.
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    pub fn changes(&self, batch: &RecordBatch, kind: impl Fn(usize) -> RowKind) -> Result<Vec<Row>, RowError> {
        let (rows, layout) = (batch.num_rows(), &*self.layout);
        self.fit(batch)?;
        let head = 1 + layout.head;
        let mut variable = Vec::new();
        let mut lengths = vec![head as u64; rows];
        for (slot, array) in layout.slots.iter().zip(batch.columns()) {
            if slot.kind.is_variable() {
                let bytes = Variable::of(&slot.kind, array);
                lengths.iter_mut().enumerate().for_each(|(row, length)| *length += bytes.get(row).len() as u64);
                variable.push(bytes);
            }
        }
        if let Some(bytes) = lengths.iter().copied().find(|length| *length > u64::from(u32::MAX)) {
            return Err(RowError::TooLarge { bytes });
        }
        let mut starts = Vec::with_capacity(rows + 1);
        let total = lengths.iter().fold(0, |start, length| {
            starts.push(start);
            start + *length as usize
        });
        starts.push(total);
        let mut out = vec![0; total];
        // Where the next variable column of each row goes, counted from the end of its head.
        let mut filled = vec![0_u32; rows];
        let mut variable = variable.into_iter();
        for (number, (slot, array)) in layout.slots.iter().zip(batch.columns()).enumerate() {
            let (byte, bit) = (1 + number / 8, 1 << (number % 8));
            if slot.kind == Kind::Null {
                starts.iter().take(rows).for_each(|start| out[start + byte] |= bit);
            } else if let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
                for (row, _) in nulls.iter().enumerate().filter(|(_, valid)| !valid) {
                    out[starts[row] + byte] |= bit;
                }
            }
            let at = 1 + slot.at;
            if slot.kind.is_variable() {
                let bytes = variable.next().expect("each variable column has been measured");
                for (row, filled) in filled.iter_mut().enumerate() {
                    let (bytes, start) = (bytes.get(row), starts[row]);
                    let from = start + head + *filled as usize;
                    out[from..from + bytes.len()].copy_from_slice(bytes);
                    *filled += bytes.len() as u32;
                    out[start + at..start + at + 4].copy_from_slice(&filled.to_le_bytes());
                }
            } else {
                put(&mut out, &starts, at, slot, array, number)?;
            }
        }
        let copy = |row: usize| {
            out[starts[row]] = kind(row) as u8;
            Row::copy(&out[starts[row]..starts[row + 1]])
        };
        Ok((0..rows).map(copy).collect())
    }

    /// Whether the columns of a batch are stored as this codec's.
    fn fit(&self, batch: &RecordBatch) -> Result<(), RowError> {
        let misfit = |number, found: String, data_type: &DataType| RowError::Misfit {
            column: number,
            found,
            data_type: Box::new(data_type.clone()),
        };
        let fields = self.schema.fields();
        if batch.num_columns() != fields.len() {
            let found = format!("missing: the batch has {} columns", batch.num_columns());
            return Err(misfit(batch.num_columns().min(fields.len()), found, &DataType::Null));
        }
        for (number, (field, array)) in fields.iter().zip(batch.columns()).enumerate() {
            let fits = field.data_type() == array.data_type()
                || Kind::of("", array.data_type()).is_ok_and(|kind| kind == self.layout.slots[number].kind);
            if !fits {
                return Err(misfit(number, format!("a {}", array.data_type()), field.data_type()));
            }
        }
        Ok(())
    }

    /// The columns of rows, in order; what kinds they are is left out.
    ///
    /// # Errors
    /// [`RowError::Damaged`] if a row is none of these columns.
    pub fn batch(&self, rows: &[Row]) -> Result<RecordBatch, RowError> {
        let columns: Vec<usize> = (0..self.layout.slots.len()).collect();
        self.batch_of(rows, &columns, Arc::clone(&self.schema))
    }

    /// Some columns of rows, in the order of `columns`.
    ///
    /// * `schema`: of those columns.
    pub(in crate::sql) fn batch_of(
        &self,
        rows: &[Row],
        columns: &[usize],
        schema: SchemaRef,
    ) -> Result<RecordBatch, RowError> {
        for row in rows {
            self.layout.check(row.tuple())?;
        }
        let arrays = columns.iter().map(|&column| self.array(rows, column)).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(schema, arrays, &options).map_err(|error| RowError::Misfit {
            column: 0,
            found: error.to_string(),
            data_type: Box::new(DataType::Null),
        })
    }

    /// One column of rows that have been checked.
    fn array(&self, rows: &[Row], column: usize) -> Result<ArrayRef, RowError> {
        let slot = &self.layout.slots[column];
        let data_type = self.schema.field(column).data_type();
        let nulls = || {
            let valid = NullBuffer::from_iter(rows.iter().map(|row| !is_null(row.tuple(), column)));
            Some(valid).filter(|valid| valid.null_count() > 0)
        };
        macro_rules! read {
            ($type:ty) => {
                Arc::new(primitive::<$type>(rows, slot, nulls()).with_data_type(data_type.clone()))
            };
        }
        use arrow::datatypes as t;
        Ok(match (&slot.kind, data_type) {
            (Kind::Bool, _) => {
                let values = rows.iter().map(|row| row.tuple()[slot.at] != 0).collect::<Vec<_>>();
                Arc::new(BooleanArray::new(values.into(), nulls()))
            }
            (Kind::Int(_), DataType::Int8) => read!(t::Int8Type),
            (Kind::Int(_), DataType::Int16) => read!(t::Int16Type),
            (Kind::Int(_), DataType::Int32) => read!(t::Int32Type),
            (Kind::Int(_), DataType::Int64) => read!(t::Int64Type),
            (Kind::Int(_), DataType::Date32) => read!(t::Date32Type),
            (Kind::Int(_), DataType::Timestamp(t::TimeUnit::Millisecond, _)) => read!(t::TimestampMillisecondType),
            (Kind::Float32, _) => read!(t::Float32Type),
            (Kind::Float64, _) => read!(t::Float64Type),
            (Kind::Text | Kind::Bytes, _) => {
                let mut builder = BinaryViewBuilder::with_capacity(rows.len());
                for row in rows {
                    let tuple = row.tuple();
                    if is_null(tuple, column) {
                        builder.append_null();
                    } else {
                        builder.append_value(self.layout.variable(tuple, slot)?);
                    }
                }
                self.named(builder.finish(), slot, data_type)?
            }
            _ => {
                let values = rows.iter().map(|row| tuple::read(&self.layout, row.tuple(), column));
                column::of_values(column, data_type, values)?
            }
        })
    }

    /// Bytes as the type of their column; a text is checked to be one.
    fn named(
        &self,
        bytes: arrow::array::BinaryViewArray,
        slot: &Slot,
        data_type: &DataType,
    ) -> Result<ArrayRef, RowError> {
        let damaged = |what| RowError::Damaged { bytes: bytes.len(), columns: self.layout.slots.len(), what };
        if slot.kind == Kind::Bytes {
            return cast(&bytes, data_type).map_err(|_| damaged("bytes do not fit their column"));
        }
        let text = bytes.clone().to_string_view().map_err(|_| damaged("a text is no UTF-8"))?;
        match data_type {
            DataType::Utf8View => Ok(Arc::new(text)),
            other => cast(&text, other).map_err(|_| damaged("a text does not fit its column")),
        }
    }

    /// One field of a row.
    ///
    /// # Errors
    /// [`RowError::Damaged`] if it is no row of these columns.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn value<'r>(&self, row: &'r Row, column: usize) -> Result<Value<'r>, RowError> {
        self.layout.check(row.tuple())?;
        tuple::read(&self.layout, row.tuple(), column)
    }

    /// All fields of a row, in order.
    ///
    /// # Errors
    /// [`RowError::Damaged`] if it is no row of these columns.
    pub fn values<'r>(&self, row: &'r Row) -> Result<Vec<Value<'r>>, RowError> {
        self.layout.check(row.tuple())?;
        (0..self.layout.slots.len()).map(|column| tuple::read(&self.layout, row.tuple(), column)).collect()
    }

    /// A row of values, one per column.
    ///
    /// # Errors
    /// [`RowError::Misfit`] if a value is of another type than its column, or there are fewer or more.
    pub fn row(&self, kind: RowKind, values: &[Value<'_>]) -> Result<Row, RowError> {
        let misfit = |column: usize| RowError::Misfit {
            column,
            found: values.get(column).map_or("missing".to_owned(), Value::what),
            data_type: Box::new(self.schema.fields().get(column).map_or(DataType::Null, |f| f.data_type().clone())),
        };
        if values.len() != self.layout.slots.len() {
            return Err(misfit(values.len().min(self.layout.slots.len())));
        }
        let mut out = vec![kind as u8];
        let kinds = self.layout.slots.iter().map(|slot| &slot.kind);
        tuple::write(&mut out, kinds, values).map_err(|at| misfit(at.0))?;
        match u32::try_from(out.len()) {
            Ok(_) => Ok(Row::copy(&out)),
            Err(_) => Err(RowError::TooLarge { bytes: out.len() as u64 }),
        }
    }
}

/// The bytes of a variable column, row by row; none for NULL.
enum Variable<'a> {
    Text(&'a arrow::array::StringViewArray),
    Bytes(&'a arrow::array::BinaryViewArray),
    Other { bytes: Vec<u8>, ends: Vec<usize> },
}

impl<'a> Variable<'a> {
    fn of(kind: &Kind, array: &'a ArrayRef) -> Self {
        match array.data_type() {
            DataType::Utf8View => Variable::Text(array.as_string_view()),
            DataType::BinaryView => Variable::Bytes(array.as_binary_view()),
            _ => {
                let (mut bytes, mut ends) = (Vec::new(), vec![0]);
                for row in 0..array.len() {
                    let value = arrays::value(array, row);
                    if !value.is_null() {
                        tuple::write_variable(&mut bytes, kind, &value).expect("the column has been found to fit");
                    }
                    ends.push(bytes.len());
                }
                Variable::Other { bytes, ends }
            }
        }
    }

    #[inline]
    fn get(&self, row: usize) -> &[u8] {
        match self {
            Variable::Text(array) if array.is_null(row) => &[],
            Variable::Text(array) => array.value(row).as_bytes(),
            Variable::Bytes(array) if array.is_null(row) => &[],
            Variable::Bytes(array) => array.value(row),
            Variable::Other { bytes, ends } => &bytes[ends[row]..ends[row + 1]],
        }
    }
}

/// Writes a column of fixed width into its slots.
fn put(
    out: &mut [u8],
    starts: &[usize],
    at: usize,
    slot: &Slot,
    array: &ArrayRef,
    number: usize,
) -> Result<(), RowError> {
    use arrow::datatypes as t;
    macro_rules! each {
        ($type:ty, $map:expr) => {{
            let array = array.as_primitive::<$type>();
            let map = $map;
            match array.nulls().filter(|nulls| nulls.null_count() > 0) {
                None => {
                    for (value, start) in array.values().iter().zip(starts) {
                        let bytes = map(*value).to_le_bytes();
                        out[start + at..start + at + bytes.len()].copy_from_slice(&bytes);
                    }
                }
                Some(nulls) => {
                    for ((value, start), valid) in array.values().iter().zip(starts).zip(nulls) {
                        if valid {
                            let bytes = map(*value).to_le_bytes();
                            out[start + at..start + at + bytes.len()].copy_from_slice(&bytes);
                        }
                    }
                }
            }
        }};
    }
    match array.data_type() {
        DataType::Int32 => each!(t::Int32Type, |v: i32| v),
        DataType::Int64 => each!(t::Int64Type, |v: i64| v),
        DataType::Timestamp(t::TimeUnit::Millisecond, _) => each!(t::TimestampMillisecondType, |v: i64| v),
        DataType::Float32 => each!(t::Float32Type, canonical_f32),
        DataType::Float64 => each!(t::Float64Type, canonical),
        _ => {
            let width = slot.kind.width();
            let mut scratch = Vec::new();
            for (row, start) in starts.iter().take(array.len()).enumerate() {
                let value = arrays::value(array, row);
                if value.is_null() {
                    continue;
                }
                scratch.clear();
                tuple::write(&mut scratch, std::iter::once(&slot.kind), std::slice::from_ref(&value)).map_err(
                    |_| {
                        let data_type = Box::new(array.data_type().clone());
                        RowError::Misfit { column: number, found: value.what(), data_type }
                    },
                )?;
                // Behind the byte of nulls.
                out[start + at..start + at + width].copy_from_slice(&scratch[1..]);
            }
        }
    }
    Ok(())
}

/// Reads a column of fixed width of rows that have been checked.
fn primitive<T: ArrowPrimitiveType>(rows: &[Row], slot: &Slot, nulls: Option<NullBuffer>) -> PrimitiveArray<T>
where
    T::Native: FromSlot,
{
    let values = rows.iter().map(|row| T::Native::from_slot(&row.tuple()[slot.at..])).collect::<Vec<_>>();
    PrimitiveArray::new(values.into(), nulls)
}

/// A number as its slot has it.
trait FromSlot {
    fn from_slot(bytes: &[u8]) -> Self;
}

macro_rules! from_slot {
    ($($type:ty),+) => {
        $(impl FromSlot for $type {
            #[inline]
            fn from_slot(bytes: &[u8]) -> Self {
                bytes.first_chunk().map_or(<$type>::default(), |bytes| <$type>::from_le_bytes(*bytes))
            }
        })+
    };
}

from_slot!(i8, i16, i32, i64, f32, f64);
