//! Percentiles, by a sketch with a bound on the relative error.
//!
//! Numbers are counted in bins, and the percentile is read off the counts. A bin holds the numbers that agree in sign,
//! exponent and the first six bits of their fraction, so it is at most 1/64 as wide as the numbers in it are great, and its
//! middle is within 1/128 of each of them. The bin's number is the upper part of the number's own bits: nothing is computed
//! and nothing rounded, so the sketch is the same on every machine.
//!
//! * A sketch is a function of the multiset of numbers alone: order is nothing, parts may be merged.
//! * Its size depends on the range of the numbers, not on how many there are: a bin that was met takes 3 to 6 bytes stored,
//!   and there are 64 for each doubling (at most 131,072 for all numbers there are).
//!
//! Why not a t-digest: what it holds depends on the order and the grouping in which it was merged, and its error in value has
//! no bound.
//!
//! Source: Masson, Rim, Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees", PVLDB
//! 12(12), 2019, with the bins that its section 4 calls linearly interpolated, and without a bound on their number.

use super::Aggregate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::num::FpCategory;

/// How many bits of the fraction tell bins apart.
const FRACTION_BITS: u32 = 6;
/// The lower bits, which do not.
const SHIFT: u32 = 52 - FRACTION_BITS;

/// Percentiles of a number taken from each record, each within 1/128 (0.8 %) of the true one.
///
/// Output: one number for each percentile asked for, in the order of asking. The percentile `q` of n numbers is the one at
/// position `q * (n - 1)`, rounded down, when they are sorted; the least and the greatest number are exact. Of nothing all
/// percentiles are NaN.
///
/// Numbers are ordered as by [`f64::total_cmp`]: a NaN stands above (or, with its sign set, below) all others. Nearer to zero
/// than 2.3e-308 a number counts as zero.
///
/// State: counts of bins, see [`Quantiles`].
///
/// ```
/// use millstream::operator::{Aggregate, Percentiles};
///
/// let latency = Percentiles::of(|ms: &u32| f64::from(*ms), [0.5, 0.99, 1.0]);
/// let mut sketch = latency.create();
/// (1..=1000).for_each(|ms| latency.add(&mut sketch, &ms));
/// let found = latency.finish(sketch);
/// assert!((found[0] - 500.0).abs() <= 500.0 / 128.0);
/// assert!((found[1] - 990.0).abs() <= 990.0 / 128.0);
/// assert_eq!(found[2], 1000.0);
/// ```
#[derive(Clone, Debug)]
pub struct Percentiles<F> {
    number: F,
    quantiles: Vec<f64>,
}

impl<F> Percentiles<F> {
    /// Percentiles of what `number` takes from each record.
    ///
    /// * `quantiles`: each from 0.0 (the least number) over 0.5 (the median) to 1.0 (the greatest); what lies outside is
    ///   taken for the nearer of the two, NaN for 0.0.
    pub fn of<T>(number: F, quantiles: impl IntoIterator<Item = f64>) -> Self
    where
        F: Fn(&T) -> f64,
    {
        Percentiles { number, quantiles: quantiles.into_iter().collect() }
    }
}

impl<T, F> Aggregate<T> for Percentiles<F>
where
    F: Fn(&T) -> f64 + Send + Sync + 'static,
{
    type Accumulator = Quantiles;
    type Output = Vec<f64>;

    fn create(&self) -> Quantiles {
        Quantiles::default()
    }

    fn add(&self, sketch: &mut Quantiles, record: &T) {
        sketch.add((self.number)(record));
    }

    fn merge(&self, into: &mut Quantiles, other: Quantiles) {
        into.merge(&other);
    }

    fn finish(&self, sketch: Quantiles) -> Vec<f64> {
        self.quantiles.iter().map(|quantile| sketch.quantile(*quantile).unwrap_or(f64::NAN)).collect()
    }
}

/// The sketch behind [`Percentiles`].
///
/// ```
/// use millstream::operator::Quantiles;
///
/// let mut sketch = Quantiles::default();
/// assert_eq!(sketch.quantile(0.5), None);
/// [-8.0, 2.0, 1e9].into_iter().for_each(|number| sketch.add(number));
/// assert!((sketch.quantile(0.5).unwrap() - 2.0).abs() <= 2.0 / 128.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// How many numbers fell into each bin; bins in the order of their numbers.
    bins: BTreeMap<i32, u64>,
    count: u64,
    /// The least and the greatest number.
    bounds: Option<(f64, f64)>,
}

impl Quantiles {
    /// Adds a number.
    pub fn add(&mut self, number: f64) {
        let number = match number.classify() {
            FpCategory::Nan => f64::NAN.copysign(number),
            FpCategory::Subnormal => 0.0_f64.copysign(number),
            _ => number,
        };
        *self.bins.entry(bin(number)).or_default() += 1;
        self.count += 1;
        self.widen(number, number);
    }

    /// Adds all that another sketch holds.
    pub fn merge(&mut self, other: &Quantiles) {
        other.bins.iter().for_each(|(bin, count)| *self.bins.entry(*bin).or_default() += count);
        self.count += other.count;
        if let Some((least, greatest)) = other.bounds {
            self.widen(least, greatest);
        }
    }

    fn widen(&mut self, least: f64, greatest: f64) {
        self.bounds = Some(match self.bounds {
            Some((low, high)) => (total_min(low, least), total_max(high, greatest)),
            None => (least, greatest),
        });
    }

    /// How many numbers it has been given.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// A number within 1/128 of the one at position `quantile * (count - 1)`, rounded down, of all numbers sorted; `None` if
    /// there are none.
    ///
    /// * `quantile`: 0.0 to 1.0; what lies outside is taken for the nearer of the two, NaN for 0.0.
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let (least, greatest) = self.bounds?;
        let last = self.count - 1;
        let position = (quantile.clamp(0.0, 1.0) * last as f64) as u64;
        if position == 0 {
            return Some(least);
        }
        if position >= last {
            return Some(greatest);
        }
        let mut passed = 0;
        let holder = self.bins.iter().find(|(_, count)| {
            passed += **count;
            passed > position
        });
        holder.map(|(bin, _)| total_max(least, total_min(middle(*bin), greatest)))
    }
}

fn total_min(a: f64, b: f64) -> f64 {
    if b.total_cmp(&a).is_lt() { b } else { a }
}

fn total_max(a: f64, b: f64) -> f64 {
    if b.total_cmp(&a).is_gt() { b } else { a }
}

/// The bin that holds a number: those of numbers without a sign from 0 on, those of the others from -1 down.
fn bin(number: f64) -> i32 {
    let magnitude = (number.abs().to_bits() >> SHIFT) as i32;
    if number.is_sign_negative() { -1 - magnitude } else { magnitude }
}

/// The number in the middle of a bin.
fn middle(bin: i32) -> f64 {
    let magnitude = if bin < 0 { -1 - bin } else { bin };
    let low = f64::from_bits((magnitude as u64) << SHIFT);
    let middle =
        if magnitude == 0 || !low.is_finite() { low } else { f64::from_bits(low.to_bits() | 1 << (SHIFT - 1)) };
    if bin < 0 { -middle } else { middle }
}

#[cfg(test)]
mod tests {
    use super::super::laws;
    use super::*;
    use proptest::prelude::*;

    fn is_near(found: f64, exact: f64) -> bool {
        found.total_cmp(&exact).is_eq()
            || (found - exact).abs() <= exact.abs() / 128.0
            || exact.is_subnormal() && found == 0.0
    }

    #[test]
    fn one_number_is_all_its_percentiles() {
        for number in [0.0, -17.3, 1e300, f64::INFINITY, f64::MIN_POSITIVE] {
            assert_eq!(laws::all(&Percentiles::of(|n: &f64| *n, [0.0, 0.5, 1.0]), &[number; 3]), [number; 3]);
        }
    }

    #[test]
    fn percentiles_of_nothing_are_not_numbers_and_strange_ones_are_the_nearest() {
        let strange = Percentiles::of(|n: &f64| *n, [-1.0, f64::NAN, 7.0]);
        assert!(laws::all(&strange, &[]).iter().all(|number| number.is_nan()));
        assert_eq!(laws::all(&strange, &[1.0, 2.0, 3.0]), [1.0, 1.0, 3.0]);
    }

    #[test]
    fn what_is_not_a_number_stands_above_infinity_or_below() {
        let numbers = [f64::NAN, f64::INFINITY, -f64::NAN, 1.0, f64::NEG_INFINITY];
        let found = laws::all(&Percentiles::of(|n: &f64| *n, [0.0, 0.25, 0.75, 1.0]), &numbers);
        assert!(found[0].is_nan() && found[3].is_nan());
        assert_eq!(found[1..3], [f64::NEG_INFINITY, f64::INFINITY]);
    }

    proptest! {
        #[test]
        fn percentiles_are_as_near_as_promised(records in laws::parts(any::<f64>()), quantile in 0.0..=1.0) {
            let percentiles = Percentiles::of(|n: &f64| *n, [quantile]);
            laws::hold(&percentiles, &records)?;
            laws::order_is_nothing(&percentiles, &records)?;
            let mut sorted = records.all.clone();
            sorted.sort_by(f64::total_cmp);
            if !sorted.is_empty() {
                let exact = sorted[(quantile * (sorted.len() - 1) as f64) as usize];
                let found = laws::all(&percentiles, &records.all)[0];
                prop_assert!(is_near(found, exact) || found.is_nan() && exact.is_nan(), "{found} instead of {exact}");
            }
        }

        #[test]
        fn bins_are_in_the_order_of_their_numbers(a in proptest::num::f64::NORMAL, b in proptest::num::f64::NORMAL) {
            prop_assert!(bin(a.min(b)) <= bin(a.max(b)));
            prop_assert!(is_near(middle(bin(a)), a));
        }
    }
}
