//! Where each column lies in a tuple.

use super::RowError;
use arrow::datatypes::{DataType, FieldRef, IntervalUnit};

/// How values of a type are stored.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool,
    /// So many bytes; also dates and times.
    Int(usize),
    Unsigned(usize),
    Float32,
    Float64,
    /// 8 or 16 bytes.
    Decimal(usize),
    Interval,
    Text,
    Bytes,
    List(Box<Kind>),
    Row(Vec<Kind>),
    /// Of keys and values.
    Map(Box<[Kind; 2]>),
}

impl Kind {
    /// The kind of a column's type.
    pub(super) fn of(column: &str, data_type: &DataType) -> Result<Kind, RowError> {
        Ok(match data_type {
            DataType::Null => Kind::Null,
            DataType::Boolean => Kind::Bool,
            DataType::Int8 => Kind::Int(1),
            DataType::Int16 => Kind::Int(2),
            DataType::Int32 | DataType::Date32 | DataType::Time32(_) => Kind::Int(4),
            DataType::Int64 | DataType::Timestamp(..) | DataType::Time64(_) | DataType::Duration(_) => Kind::Int(8),
            DataType::UInt8 => Kind::Unsigned(1),
            DataType::UInt16 => Kind::Unsigned(2),
            DataType::UInt32 => Kind::Unsigned(4),
            DataType::UInt64 => Kind::Unsigned(8),
            DataType::Float32 => Kind::Float32,
            DataType::Float64 => Kind::Float64,
            DataType::Decimal128(precision, _) => Kind::Decimal(if *precision <= 18 { 8 } else { 16 }),
            DataType::Interval(IntervalUnit::MonthDayNano) => Kind::Interval,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Kind::Bytes,
            DataType::List(item) => Kind::List(Box::new(Kind::of(column, item.data_type())?)),
            DataType::Struct(fields) => Kind::Row(Kind::all(column, fields)?),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => {
                    let [key, value] = [0, 1].map(|at| Kind::of(column, pair[at].data_type()));
                    Kind::Map(Box::new([key?, value?]))
                }
                _ => return Err(unsupported(column, data_type)),
            },
            _ => return Err(unsupported(column, data_type)),
        })
    }

    fn all(column: &str, fields: &[FieldRef]) -> Result<Vec<Kind>, RowError> {
        fields.iter().map(|field| Kind::of(&format!("{column}.{}", field.name()), field.data_type())).collect()
    }

    /// How wide its slot is.
    pub(super) fn width(&self) -> usize {
        match self {
            Kind::Null => 0,
            Kind::Bool => 1,
            Kind::Int(width) | Kind::Unsigned(width) | Kind::Decimal(width) => *width,
            Kind::Float64 => 8,
            Kind::Interval => 16,
            Kind::Float32 | Kind::Text | Kind::Bytes | Kind::List(_) | Kind::Row(_) | Kind::Map(_) => 4,
        }
    }

    /// Whether its slot tells where its bytes end.
    pub(super) fn is_variable(&self) -> bool {
        matches!(self, Kind::Text | Kind::Bytes | Kind::List(_) | Kind::Row(_) | Kind::Map(_))
    }
}

fn unsupported(column: &str, data_type: &DataType) -> RowError {
    RowError::Type { column: column.to_owned(), data_type: Box::new(data_type.clone()) }
}

/// One column in a tuple.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) kind: Kind,
    /// Where its slot begins in the tuple.
    pub(super) at: usize,
    /// The slot of the variable column before it, if it is one and not the first.
    pub(super) behind: Option<usize>,
}

/// The columns of a tuple.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) slots: Vec<Slot>,
    /// The bytes of nulls and slots.
    pub(super) head: usize,
    /// The slot that tells where the tuple ends; `None` if it has no variable column.
    pub(super) last: Option<usize>,
}

impl Layout {
    pub(super) fn new(kinds: impl ExactSizeIterator<Item = Kind>) -> Self {
        let (mut at, mut last) = (kinds.len().div_ceil(8), None);
        let slots = kinds.map(|kind| {
            let slot = Slot { at, behind: last.filter(|_| kind.is_variable()), kind };
            if slot.kind.is_variable() {
                last = Some(at);
            }
            at += slot.kind.width();
            slot
        });
        let slots = slots.collect();
        Layout { slots, head: at, last }
    }

    fn damaged(&self, tuple: &[u8], what: &'static str) -> RowError {
        RowError::Damaged { bytes: tuple.len(), columns: self.slots.len(), what }
    }

    /// Whether a tuple is as long as its columns say. Behind this [`slot`](Self::slot) does not fail.
    pub(super) fn check(&self, tuple: &[u8]) -> Result<(), RowError> {
        if tuple.len() < self.head {
            return Err(self.damaged(tuple, "it is shorter than its columns"));
        }
        let end = self.last.map_or(0, |at| end(tuple, at));
        if tuple.len() - self.head != end {
            return Err(self.damaged(tuple, "it does not end where its columns do"));
        }
        Ok(())
    }

    /// The bytes of a variable column of a tuple that has been checked.
    #[inline]
    pub(super) fn variable<'t>(&self, tuple: &'t [u8], slot: &Slot) -> Result<&'t [u8], RowError> {
        let (start, end) = (slot.behind.map_or(0, |at| end(tuple, at)), end(tuple, slot.at));
        let bytes = tuple.get(self.head + start..self.head + end);
        bytes.ok_or_else(|| self.damaged(tuple, "a column ends before it begins"))
    }
}

/// Whether a column of a tuple that has been checked is NULL.
#[inline]
pub(super) fn is_null(tuple: &[u8], column: usize) -> bool {
    tuple[column / 8] >> (column % 8) & 1 == 1
}

/// What the slot of a variable column says.
#[inline]
pub(super) fn end(tuple: &[u8], at: usize) -> usize {
    tuple[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
}
