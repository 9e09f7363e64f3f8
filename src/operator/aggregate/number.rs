//! What can be summed, and in what the sum is gathered.

use super::ExactSum;
use crate::record::Data;
use serde::{Serialize, de::DeserializeOwned};

/// A number that [`Sum`](super::Sum) and [`Avg`](super::Avg) can add up without losing anything on the way.
///
/// Integers up to 64 bits gather in an `i128` (which 2^63 records cannot fill), floating point numbers in an [`ExactSum`].
/// Other types (money, vectors) may implement it; for a single use [`Fold`](super::Fold) is shorter.
///
/// ```
/// use millstream::operator::{Aggregate, Number, Sum};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// struct Cents(i64);
///
/// impl Number for Cents {
///     type Total = i128;
///
///     fn add_to(self, total: &mut i128) {
///         self.0.add_to(total);
///     }
///     fn merge(into: &mut i128, other: i128) {
///         i64::merge(into, other);
///     }
///     fn sum(total: i128) -> Cents {
///         Cents(i64::sum(total))
///     }
///     fn mean(total: i128, count: u64) -> f64 {
///         i64::mean(total, count)
///     }
/// }
///
/// let sum = Sum::of(|price: &Cents| *price);
/// let mut total = sum.create();
/// sum.add(&mut total, &Cents(250));
/// assert_eq!(sum.finish(total), Cents(250));
/// ```
pub trait Number: Data {
    /// What the sum is gathered in; the sum of nothing by default.
    type Total: Clone + Default + Serialize + DeserializeOwned + 'static;

    /// Adds this number.
    fn add_to(self, total: &mut Self::Total);
    /// Adds another sum.
    fn merge(into: &mut Self::Total, other: Self::Total);
    /// The sum as such a number, or the bound of the type that it lies beyond.
    fn sum(total: Self::Total) -> Self;
    /// The sum divided by `count`; NaN if both are zero.
    fn mean(total: Self::Total, count: u64) -> f64;
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl Number for $integer {
            type Total = i128;

            fn add_to(self, total: &mut i128) {
                *total = total.saturating_add(self as i128);
            }

            fn merge(into: &mut i128, other: i128) {
                *into = into.saturating_add(other);
            }

            fn sum(total: i128) -> Self {
                total.clamp(Self::MIN as i128, Self::MAX as i128) as Self
            }

            fn mean(total: i128, count: u64) -> f64 {
                total as f64 / count as f64
            }
        }
    )*};
}

integers!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

macro_rules! floats {
    ($($float:ty)*) => {$(
        impl Number for $float {
            type Total = ExactSum;

            fn add_to(self, total: &mut ExactSum) {
                total.add(self.into());
            }

            fn merge(into: &mut ExactSum, other: ExactSum) {
                into.merge(&other);
            }

            fn sum(total: ExactSum) -> Self {
                total.value() as Self
            }

            fn mean(total: ExactSum, count: u64) -> f64 {
                total.value() / count as f64
            }
        }
    )*};
}

floats!(f32 f64);
