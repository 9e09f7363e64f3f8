//! Aggregates: how many records become one value.
//!
//! An [`Aggregate`] is a small machine without state of its own: `create`, `add`, `merge`, `finish`. What it gathers lies in
//! an accumulator, which the engine keeps per key (and window), stores, and restores.
//!
//! # What holds for every aggregate here
//! * **Parts may be merged.** Adding some records here and the records that follow them there, and merging the two in that
//!   order, leaves the very accumulator that adding all of them in one place leaves, bit by bit. So may parts of parts, in
//!   any grouping.
//! * **Order matters only where the page says so**: the first of equals stays ([`MinBy`], [`MaxBy`], [`TopN`]), and
//!   [`Reduce`] and [`Fold`] are what their closures are. All others, sums of floating point numbers and sketches included,
//!   give the same for every order.
//! * **Nothing overflows or panics in silence**: sums are exact inside and stop at their type's bounds.
//! * Several at once are a tuple: `(Count, Max::of(..), Avg::of(..))` is an aggregate whose value is the tuple of the values.
//!
//! # Values that cannot be compared
//! [`Min`], [`Max`], [`MinBy`], [`MaxBy`] and [`TopN`] take values of any type with `<`. One that cannot be compared even
//! with itself, like NaN, counts as greater than all others, so that the result never depends on where it stood. (This is
//! also Java's and so Flink's order; `0.0` and `-0.0` are equal here.)
//!
//! | aggregate | value | accumulator |
//! |---|---|---|
//! | [`Count`] | number of records | 8 bytes |
//! | [`Sum`], [`Avg`] | exact sum, mean | 16 bytes; about 50 for floating point numbers |
//! | [`Min`], [`Max`], [`MinBy`], [`MaxBy`] | the least or greatest value, or its record | one of them |
//! | [`TopN`] | the `n` records with the highest scores | up to `n` records |
//! | [`Distinct`] | number of different values, exact | every different value |
//! | [`ApproxDistinct`] | the same within 1.6 % | 1 KiB at 128 different values, 4 KiB from 129 on |
//! | [`Percentiles`] | any percentiles, within 0.8 % of the true value | some bytes for each 1.6 % of the range met |
//! | [`Reduce`], [`Fold`] | what your closures make | what they keep |

mod distinct;
mod exact;
mod extremes;
mod fold;
mod hyperloglog;
#[cfg(test)]
mod laws;
mod number;
mod percentiles;
mod sum;
mod top;
mod tuples;

pub use distinct::{ApproxDistinct, Distinct};
pub use exact::ExactSum;
pub use extremes::{Max, MaxBy, Min, MinBy};
pub use fold::{Fold, Reduce};
pub use hyperloglog::HyperLogLog;
pub use number::Number;
pub use percentiles::{Percentiles, Quantiles};
pub use sum::{Avg, Count, Sum};
pub use top::TopN;

use crate::record::Data;
use serde::{Serialize, de::DeserializeOwned};

/// Makes one value of many records, incrementally.
///
/// Most of what is needed is in [this module](self) already, and [`Fold`] makes one of closures.
///
/// The accumulator is the state that is kept for each key (and window), so it should be small. `add` borrows the record, so
/// that nothing is copied that need not be kept. All methods must be deterministic.
///
/// ```
/// use millstream::operator::Aggregate;
///
/// struct Mean;
///
/// impl Aggregate<f64> for Mean {
///     type Accumulator = (f64, u64);
///     type Output = f64;
///
///     fn create(&self) -> (f64, u64) {
///         (0.0, 0)
///     }
///     fn add(&self, (sum, count): &mut (f64, u64), value: &f64) {
///         *sum += value;
///         *count += 1;
///     }
///     fn merge(&self, into: &mut (f64, u64), other: (f64, u64)) {
///         *into = (into.0 + other.0, into.1 + other.1);
///     }
///     fn finish(&self, (sum, count): (f64, u64)) -> f64 {
///         sum / count as f64
///     }
/// }
///
/// let mut half = Mean.create();
/// Mean.add(&mut half, &1.0);
/// Mean.merge(&mut half, (5.0, 1));
/// assert_eq!(Mean.finish(half), 3.0);
/// ```
pub trait Aggregate<T>: Send + Sync + 'static {
    /// What is kept while records come.
    type Accumulator: Clone + Serialize + DeserializeOwned + 'static;
    /// What comes of it.
    type Output: Data;

    /// The accumulator of no records.
    fn create(&self) -> Self::Accumulator;
    /// Adds a record.
    fn add(&self, accumulator: &mut Self::Accumulator, record: &T);
    /// Adds all that another accumulator holds, as if its records had been added here, behind those that
    /// have. Sessions that grow together need it, and windows that overlap.
    fn merge(&self, into: &mut Self::Accumulator, other: Self::Accumulator);
    /// The value of what has been added.
    fn finish(&self, accumulator: Self::Accumulator) -> Self::Output;

    /// Whether the accumulator grows with what is added, as a list of all records does. Windows that overlap then keep each
    /// record once and merge all parts of a window when it fires; else they merge ahead, so that firing costs little. The
    /// results are the same. Must not change while a job lives.
    fn grows(&self) -> bool {
        false
    }
}
