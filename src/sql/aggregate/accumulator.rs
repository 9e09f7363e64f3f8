//! What is kept of the rows that were added.

use crate::operator::{ExactSum, HyperLogLog, Quantiles};
use crate::sql::row::RowKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a list of aggregates keeps; one alone without a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::sql) enum Accumulators {
    One(Accumulator),
    Many(Vec<Accumulator>),
}

/// What one aggregate keeps. A value is kept as a key of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::sql) enum Accumulator {
    /// How many.
    Count(i64),
    /// The sum of whole numbers, or of last digits, and how many there were.
    Sum(i128, i64),
    /// The same of floating-point numbers.
    Float(FloatSum),
    /// The least or greatest value.
    Extreme(Option<RowKey>),
    /// All values and how often each was added, from the least to the greatest.
    Ordered(Vec<(RowKey, i64)>),
    /// All values and how often each was added.
    Distinct(BTreeMap<RowKey, i64>),
    /// How many different values, nearly.
    Sketch(HyperLogLog),
    /// How the numbers lie, nearly.
    Quantiles(Quantiles),
    /// Values as they came.
    Listed(Vec<RowKey>),
}

/// A sum of floating-point numbers from which numbers can be taken back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::sql) struct FloatSum {
    finite: ExactSum,
    plus_infinities: i64,
    minus_infinities: i64,
    nans: i64,
    pub(super) count: i64,
}

impl FloatSum {
    /// Adds a number, or takes it back.
    ///
    /// * `sign`: 1 or -1.
    pub(super) fn add(&mut self, number: f64, sign: i64) {
        self.count += sign;
        if number.is_nan() {
            self.nans += sign;
        } else if number == f64::INFINITY {
            self.plus_infinities += sign;
        } else if number == f64::NEG_INFINITY {
            self.minus_infinities += sign;
        } else {
            self.finite.add(if sign < 0 { -number } else { number });
        }
    }

    pub(super) fn merge(&mut self, other: &FloatSum) {
        self.finite.merge(&other.finite);
        self.plus_infinities += other.plus_infinities;
        self.minus_infinities += other.minus_infinities;
        self.nans += other.nans;
        self.count += other.count;
    }

    pub(super) fn value(&self) -> f64 {
        match (self.nans > 0, self.plus_infinities > 0, self.minus_infinities > 0) {
            (true, ..) | (_, true, true) => f64::NAN,
            (_, true, false) => f64::INFINITY,
            (_, false, true) => f64::NEG_INFINITY,
            _ => self.finite.value(),
        }
    }
}
