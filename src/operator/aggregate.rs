//! Aggregates: how many records become one value.

use crate::record::Data;
use serde::{Serialize, de::DeserializeOwned};
use std::marker::PhantomData;

/// Makes one value of many records, incrementally.
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
    /// Adds all that another accumulator holds, as if its records had been added here. Sessions that grow together need it.
    fn merge(&self, into: &mut Self::Accumulator, other: Self::Accumulator);
    /// The value of what has been added.
    fn finish(&self, accumulator: Self::Accumulator) -> Self::Output;
}

/// Counts records.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count;

impl<T> Aggregate<T> for Count {
    type Accumulator = u64;
    type Output = u64;

    fn create(&self) -> u64 {
        0
    }

    fn add(&self, count: &mut u64, _record: &T) {
        *count += 1;
    }

    fn merge(&self, into: &mut u64, other: u64) {
        *into += other;
    }

    fn finish(&self, count: u64) -> u64 {
        count
    }
}

/// Adds up a number taken from each record; wraps at the type's bounds in release builds as `+` does.
pub struct Sum<F, N> {
    number: F,
    kind: PhantomData<fn() -> N>,
}

impl<F, N> Sum<F, N> {
    /// Adds up what `number` takes from each record.
    pub fn of(number: F) -> Self {
        Sum { number, kind: PhantomData }
    }
}

impl<T, F, N> Aggregate<T> for Sum<F, N>
where
    F: Fn(&T) -> N + Send + Sync + 'static,
    N: std::ops::AddAssign + Default + Data + Serialize + DeserializeOwned,
{
    type Accumulator = N;
    type Output = N;

    fn create(&self) -> N {
        N::default()
    }

    fn add(&self, sum: &mut N, record: &T) {
        *sum += (self.number)(record);
    }

    fn merge(&self, into: &mut N, other: N) {
        *into += other;
    }

    fn finish(&self, sum: N) -> N {
        sum
    }
}
