//! How many different values there are.

use super::{Aggregate, HyperLogLog};
use crate::record::{Data, hash_key};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeSet;

/// How many different values are taken from the records, exactly.
///
/// The accumulator holds every different value, and grows with them; where there may be many, or an error of some percent
/// does no harm, take [`ApproxDistinct`].
///
/// ```
/// use millstream::operator::{Aggregate, Distinct};
///
/// let users = Distinct::of(|view: &(&str, u64)| view.0.to_owned());
/// let mut seen = users.create();
/// [("ada", 1), ("bob", 2), ("ada", 3)].iter().for_each(|view| users.add(&mut seen, view));
/// assert_eq!(users.finish(seen), 2);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Distinct<F> {
    value: F,
}

impl<F> Distinct<F> {
    /// Counts what different values `value` takes from the records.
    pub fn of<T, V>(value: F) -> Self
    where
        F: Fn(&T) -> V,
    {
        Distinct { value }
    }
}

impl<T, F, V> Aggregate<T> for Distinct<F>
where
    F: Fn(&T) -> V + Send + Sync + 'static,
    V: Ord + Data + Serialize + DeserializeOwned,
{
    type Accumulator = BTreeSet<V>;
    type Output = u64;

    fn create(&self) -> BTreeSet<V> {
        BTreeSet::new()
    }

    fn add(&self, seen: &mut BTreeSet<V>, record: &T) {
        seen.insert((self.value)(record));
    }

    fn merge(&self, into: &mut BTreeSet<V>, other: BTreeSet<V>) {
        into.extend(other);
    }

    fn finish(&self, seen: BTreeSet<V>) -> u64 {
        seen.len() as u64
    }

    fn grows(&self) -> bool {
        true
    }
}

/// About how many different values are taken from the records, by a [`HyperLogLog`] sketch.
///
/// Up to 128 different values the count is exact; beyond that its standard error is 1.6 % (two of three counts are nearer,
/// 19 of 20 within 3.2 %). Other errors for other sizes: [`precision`](Self::precision). Values are told apart by
/// [`hash_key`], so the result is the same on every machine and in every run.
///
/// # Panics
/// `add` if the value's own `Serialize` refuses it.
///
/// ```
/// use millstream::operator::{Aggregate, ApproxDistinct};
///
/// let users = ApproxDistinct::of(|view: &(u64, &str)| view.0);
/// let mut seen = users.create();
/// (0..30_000).for_each(|view| users.add(&mut seen, &(view % 10_000, "/")));
/// assert!((9_500..10_500).contains(&users.finish(seen)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ApproxDistinct<F> {
    value: F,
    precision: u8,
}

impl<F> ApproxDistinct<F> {
    /// Counts about what different values `value` takes from the records.
    pub fn of<T, V>(value: F) -> Self
    where
        F: Fn(&T) -> V,
    {
        ApproxDistinct { value, precision: 12 }
    }

    /// Uses 2^`bits` registers of a byte each, for a standard error of `1.04 / sqrt(2^bits)`; up to 2^`bits` / 32 values
    /// are counted exactly.
    ///
    /// * `bits`: 4 (26 %, 16 bytes) to 18 (0.2 %, 256 KiB), else the nearer of the two; default 12. It may change over a
    ///   restart: counts begun with more registers go on with fewer, as if they always had.
    #[must_use]
    pub fn precision(self, bits: u8) -> Self {
        ApproxDistinct { precision: bits, ..self }
    }
}

impl<T, F, V> Aggregate<T> for ApproxDistinct<F>
where
    F: Fn(&T) -> V + Send + Sync + 'static,
    V: Serialize,
{
    type Accumulator = HyperLogLog;
    type Output = u64;

    fn create(&self) -> HyperLogLog {
        HyperLogLog::new(self.precision)
    }

    fn add(&self, seen: &mut HyperLogLog, record: &T) {
        seen.add(hash_key(&(self.value)(record)));
    }

    fn merge(&self, into: &mut HyperLogLog, other: HyperLogLog) {
        into.merge(other);
    }

    fn finish(&self, seen: HyperLogLog) -> u64 {
        seen.count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::laws;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn different_values_are_counted_once(records in laws::parts(0_u8..60)) {
            let (exact, approximate) = (Distinct::of(|n: &u8| *n), ApproxDistinct::of(|n: &u8| *n));
            laws::hold(&exact, &records)?;
            laws::order_is_nothing(&exact, &records)?;
            let different = records.all.iter().collect::<std::collections::HashSet<_>>().len() as u64;
            prop_assert_eq!(laws::all(&exact, &records.all), different);
            prop_assert_eq!(laws::all(&approximate, &records.all), different);
        }

        /// With few registers, so that some parts are exact and others are not.
        #[test]
        fn sketches_merge_in_any_order(records in laws::parts(any::<u16>()), bits in 4_u8..12) {
            let approximate = ApproxDistinct::of(|n: &u16| *n).precision(bits);
            laws::hold(&approximate, &records)?;
            laws::order_is_nothing(&approximate, &records)?;
        }
    }
}
