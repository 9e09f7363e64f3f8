//! Which function an aggregate is, and what it reads.

use super::general::{Call, Keep};
use arrow::datatypes::DataType;

/// One aggregate over columns of a row.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub(super) kind: Kind,
    /// The column that it is about; `None`: the row itself.
    pub(super) argument: Option<usize>,
    /// Rows count only if this column is true.
    pub(super) filter: Option<usize>,
    /// Equal values count once.
    pub(super) distinct: bool,
    /// The type of the result.
    pub(super) result: DataType,
    /// What a general aggregate is.
    pub(super) call: Option<Box<Call>>,
}

impl Function {
    /// The columns whose values are kept.
    pub(super) fn columns(&self) -> Option<Vec<usize>> {
        match &self.call {
            Some(call) => Some(call.columns.clone()),
            None => self.argument.map(|column| vec![column]),
        }
    }

    /// Whether NULL counts.
    pub(super) fn counts_nulls(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.nulls)
    }
}

/// What is done with the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Count,
    Sum(Number),
    Avg(Number),
    Min,
    Max,
    ApproxDistinct,
    /// Nearly this percentile, from 0 to 1.
    ApproxPercentile(f64),
    /// All others.
    General(Keep),
}

/// How numbers of a column are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// Whole ones.
    Whole,
    /// With so many digits behind the point.
    Decimal(i8),
    /// Floating-point ones.
    Float,
}

impl Number {
    /// How those of a type are added; `None` if it has no numbers.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Float32 | DataType::Float64 => Some(Number::Float),
            DataType::Decimal128(_, scale) => Some(Number::Decimal(*scale)),
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Some(Number::Whole),
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => Some(Number::Whole),
            _ => None,
        }
    }
}
