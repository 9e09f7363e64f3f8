//! How many, how much together, and how much on average.

use super::{Aggregate, Number};

/// Counts records.
///
/// ```
/// use millstream::operator::{Aggregate, Count};
///
/// let mut count = Aggregate::<&str>::create(&Count);
/// Count.add(&mut count, &"ada");
/// Count.add(&mut count, &"bob");
/// assert_eq!(Aggregate::<&str>::finish(&Count, count), 2);
/// ```
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

/// Adds up a [`Number`] taken from each record.
///
/// The sum is exact while it is gathered, whatever the order, and becomes the number's own type only at the end: an
/// integer beyond the type's bounds becomes that bound (`u8`: 200 and 100 give 255), a floating point sum is rounded once.
/// The sum of nothing is zero.
///
/// ```
/// use millstream::operator::{Aggregate, Sum};
///
/// let prices = Sum::of(|order: &(&str, f64)| order.1);
/// let mut sum = prices.create();
/// for order in [("tea", 0.1), ("bread", 0.2), ("milk", 0.3)] {
///     prices.add(&mut sum, &order);
/// }
/// assert_eq!(prices.finish(sum), 0.6);
/// assert_ne!(0.1 + 0.2 + 0.3, 0.6);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sum<F> {
    number: F,
}

impl<F> Sum<F> {
    /// Adds up what `number` takes from each record.
    pub fn of<T, N: Number>(number: F) -> Self
    where
        F: Fn(&T) -> N,
    {
        Sum { number }
    }
}

impl<T, F, N> Aggregate<T> for Sum<F>
where
    F: Fn(&T) -> N + Send + Sync + 'static,
    N: Number,
{
    type Accumulator = N::Total;
    type Output = N;

    fn create(&self) -> N::Total {
        N::Total::default()
    }

    fn add(&self, total: &mut N::Total, record: &T) {
        (self.number)(record).add_to(total);
    }

    fn merge(&self, into: &mut N::Total, other: N::Total) {
        N::merge(into, other);
    }

    fn finish(&self, total: N::Total) -> N {
        N::sum(total)
    }
}

/// The arithmetic mean of a [`Number`] taken from each record.
///
/// Sum and count are exact, whatever the order; only the quotient is rounded. The mean of nothing is NaN.
///
/// ```
/// use millstream::operator::{Aggregate, Avg};
///
/// let mean = Avg::of(|age: &u8| *age);
/// let mut ages = mean.create();
/// [31, 32].iter().for_each(|age| mean.add(&mut ages, age));
/// assert_eq!(mean.finish(ages), 31.5);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Avg<F> {
    number: F,
}

impl<F> Avg<F> {
    /// The mean of what `number` takes from each record.
    pub fn of<T, N: Number>(number: F) -> Self
    where
        F: Fn(&T) -> N,
    {
        Avg { number }
    }
}

impl<T, F, N> Aggregate<T> for Avg<F>
where
    F: Fn(&T) -> N + Send + Sync + 'static,
    N: Number,
{
    type Accumulator = (N::Total, u64);
    type Output = f64;

    fn create(&self) -> (N::Total, u64) {
        (N::Total::default(), 0)
    }

    fn add(&self, (total, count): &mut (N::Total, u64), record: &T) {
        (self.number)(record).add_to(total);
        *count += 1;
    }

    fn merge(&self, into: &mut (N::Total, u64), other: (N::Total, u64)) {
        N::merge(&mut into.0, other.0);
        into.1 += other.1;
    }

    fn finish(&self, (total, count): (N::Total, u64)) -> f64 {
        N::mean(total, count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::laws;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sum_beyond_its_type_is_the_bound_of_the_type() {
        assert_eq!(laws::all(&Sum::of(|n: &u8| *n), &[200, 100]), 255);
        assert_eq!(laws::all(&Sum::of(|n: &i64| *n), &[i64::MIN, -1]), i64::MIN);
        assert_eq!(laws::all(&Sum::of(|n: &f32| *n), &[f32::MAX, f32::MAX]), f32::INFINITY);
    }

    #[test]
    fn a_sum_that_comes_back_from_beyond_its_type_is_right() {
        assert_eq!(laws::all(&Sum::of(|n: &i8| *n), &[100, 100, -100, -50]), 50);
        assert_eq!(laws::all(&Sum::of(|n: &f64| *n), &[f64::MAX, f64::MAX, -f64::MAX]), f64::MAX);
    }

    #[test]
    fn the_sum_of_nothing_is_zero_and_its_mean_is_not_a_number() {
        assert_eq!(laws::all(&Sum::of(|n: &u64| *n), &[]), 0);
        assert!(laws::all(&Avg::of(|n: &u64| *n), &[]).is_nan());
    }

    #[test]
    fn a_mean_of_great_integers_does_not_overflow() {
        assert_eq!(laws::all(&Avg::of(|n: &u64| *n), &[u64::MAX; 4]), u64::MAX as f64);
    }

    proptest! {
        #[test]
        fn sums_counts_and_means_of_integers_merge(records in laws::parts(any::<i64>())) {
            laws::hold(&Count, &records)?;
            laws::hold(&Sum::of(|n: &i64| *n), &records)?;
            laws::order_is_nothing(&Sum::of(|n: &i64| *n), &records)?;
            laws::hold(&Avg::of(|n: &i64| *n), &records)?;
            let sum: i128 = records.all.iter().map(|n| i128::from(*n)).sum();
            let bounded = sum.clamp(i64::MIN.into(), i64::MAX.into());
            prop_assert_eq!(i128::from(laws::all(&Sum::of(|n: &i64| *n), &records.all)), bounded);
        }

        #[test]
        fn sums_and_means_of_floats_merge_in_any_order(records in laws::parts(any::<f64>())) {
            laws::hold(&Sum::of(|n: &f64| *n), &records)?;
            laws::order_is_nothing(&Sum::of(|n: &f64| *n), &records)?;
            laws::hold(&Avg::of(|n: &f64| *n), &records)?;
            laws::order_is_nothing(&Avg::of(|n: &f64| *n), &records)?;
        }
    }
}
