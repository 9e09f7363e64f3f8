//! The least and the greatest: of a value, or of the records by a value.

use super::Aggregate;
use crate::record::Data;
use serde::{Serialize, de::DeserializeOwned};
use std::cmp::Ordering;

/// The order of values of any type with `<`: what cannot be compared even with itself (NaN) is greater than what can.
pub(super) fn order<V: PartialOrd>(a: &V, b: &V) -> Ordering {
    let is_nan = |value: &V| value.partial_cmp(value).is_none();
    a.partial_cmp(b).unwrap_or_else(|| is_nan(a).cmp(&is_nan(b)))
}

/// The two families differ only in what they compare and in which direction.
macro_rules! extremes {
    ($value:ident, $record:ident, $better:path, $least:literal, $example:literal) => {
        #[doc = concat!("The ", $least, " of a value taken from each record.")]
        ///
        /// Of equal values the first stays. For values that cannot be compared see [the module](super).
        ///
        /// # Panics
        /// [`finish`](Aggregate::finish) if there was no record; the engine asks only for the value of some.
        ///
        /// ```
        #[doc = concat!("use millstream::operator::{Aggregate, ", stringify!($value), "};")]
        ///
        #[doc = concat!("let ages = ", stringify!($value), "::of(|user: &(&str, u32)| user.1);")]
        /// let mut so_far = ages.create();
        /// [("ada", 36), ("bob", 28)].iter().for_each(|user| ages.add(&mut so_far, user));
        #[doc = concat!("assert_eq!(ages.finish(so_far), ", $example, ".1);")]
        /// ```
        #[derive(Clone, Copy, Debug)]
        pub struct $value<F> {
            value: F,
        }

        impl<F> $value<F> {
            #[doc = concat!("The ", $least, " of what `value` takes from each record.")]
            pub fn of<T, V>(value: F) -> Self
            where
                F: Fn(&T) -> V,
            {
                $value { value }
            }
        }

        impl<T, F, V> Aggregate<T> for $value<F>
        where
            F: Fn(&T) -> V + Send + Sync + 'static,
            V: PartialOrd + Data + Serialize + DeserializeOwned,
        {
            type Accumulator = Option<V>;
            type Output = V;

            fn create(&self) -> Option<V> {
                None
            }

            fn add(&self, so_far: &mut Option<V>, record: &T) {
                let value = (self.value)(record);
                if so_far.as_ref().is_none_or(|best| $better(order(&value, best))) {
                    *so_far = Some(value);
                }
            }

            fn merge(&self, into: &mut Option<V>, other: Option<V>) {
                let Some(value) = other else { return };
                if into.as_ref().is_none_or(|best| $better(order(&value, best))) {
                    *into = Some(value);
                }
            }

            fn finish(&self, so_far: Option<V>) -> V {
                so_far.expect("the engine asks only for the value of at least one record")
            }
        }

        #[doc = concat!("The whole record with the ", $least, " of a value.")]
        ///
        /// Of records with equal values the first that came stays, as in Flink. `value` is called again for the record that is
        /// kept, so it should be cheap. For values that cannot be compared see [the module](super).
        ///
        /// # Panics
        /// [`finish`](Aggregate::finish) if there was no record; the engine asks only for the value of some.
        ///
        /// ```
        #[doc = concat!("use millstream::operator::{Aggregate, ", stringify!($record), "};")]
        ///
        #[doc = concat!("let users = ", stringify!($record), "::of(|user: &(String, u32)| user.1);")]
        /// let mut so_far = users.create();
        /// for (name, age) in [("ada", 36), ("bob", 28), ("cyd", 36), ("dan", 28)] {
        ///     users.add(&mut so_far, &(name.to_owned(), age));
        /// }
        #[doc = concat!("assert_eq!(users.finish(so_far).0, ", $example, ".0);")]
        /// ```
        #[derive(Clone, Copy, Debug)]
        pub struct $record<F> {
            value: F,
        }

        impl<F> $record<F> {
            #[doc = concat!("The record of which `value` takes the ", $least, ".")]
            pub fn of<T, V>(value: F) -> Self
            where
                F: Fn(&T) -> V,
            {
                $record { value }
            }
        }

        impl<T, F, V> Aggregate<T> for $record<F>
        where
            T: Data + Serialize + DeserializeOwned,
            F: Fn(&T) -> V + Send + Sync + 'static,
            V: PartialOrd,
        {
            type Accumulator = Option<T>;
            type Output = T;

            fn create(&self) -> Option<T> {
                None
            }

            fn add(&self, so_far: &mut Option<T>, record: &T) {
                let is_better = |best: &T| $better(order(&(self.value)(record), &(self.value)(best)));
                if so_far.as_ref().is_none_or(is_better) {
                    *so_far = Some(record.clone());
                }
            }

            fn merge(&self, into: &mut Option<T>, other: Option<T>) {
                let Some(record) = other else { return };
                let is_better = |best: &T| $better(order(&(self.value)(&record), &(self.value)(best)));
                if into.as_ref().is_none_or(is_better) {
                    *into = Some(record);
                }
            }

            fn finish(&self, so_far: Option<T>) -> T {
                so_far.expect("the engine asks only for the value of at least one record")
            }
        }
    };
}

extremes!(Min, MinBy, Ordering::is_lt, "least", r#"("bob", 28)"#);
extremes!(Max, MaxBy, Ordering::is_gt, "greatest", r#"("ada", 36)"#);

#[cfg(test)]
mod tests {
    use super::super::laws;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_a_number_is_greater_than_all_numbers_wherever_it_stands() {
        for numbers in [[f64::NAN, f64::INFINITY, 1.0], [1.0, f64::NAN, f64::INFINITY], [1.0, f64::INFINITY, f64::NAN]]
        {
            assert_eq!(laws::all(&Min::of(|n: &f64| *n), &numbers), 1.0);
            assert!(laws::all(&Max::of(|n: &f64| *n), &numbers).is_nan());
        }
        assert!(laws::all(&Min::of(|n: &f64| *n), &[f64::NAN]).is_nan());
    }

    #[test]
    fn of_equals_the_first_stays() {
        let records = [(2, 'a'), (1, 'b'), (2, 'c'), (1, 'd')];
        assert_eq!(laws::all(&MinBy::of(|r: &(i32, char)| r.0), &records), (1, 'b'));
        assert_eq!(laws::all(&MaxBy::of(|r: &(i32, char)| r.0), &records), (2, 'a'));
    }

    proptest! {
        #[test]
        fn extremes_merge(records in laws::parts((-3_i32..3, any::<u8>()))) {
            laws::hold(&Min::of(|r: &(i32, u8)| r.0), &records)?;
            laws::hold(&Max::of(|r: &(i32, u8)| r.0), &records)?;
            laws::hold(&MinBy::of(|r: &(i32, u8)| r.0), &records)?;
            laws::hold(&MaxBy::of(|r: &(i32, u8)| r.0), &records)?;
            if let Some(first) = records.all.first() {
                let least = records.all.iter().fold(first, |best, r| if r.0 < best.0 { r } else { best });
                prop_assert_eq!(&laws::all(&MinBy::of(|r: &(i32, u8)| r.0), &records.all), least);
                prop_assert_eq!(Some(laws::all(&Max::of(|r: &(i32, u8)| r.0), &records.all)), records.all.iter().map(|r| r.0).max());
            }
        }

        #[test]
        fn extremes_of_floats_merge(records in laws::parts(any::<f64>())) {
            laws::hold(&Min::of(|n: &f64| *n), &records)?;
            laws::hold(&Max::of(|n: &f64| *n), &records)?;
        }
    }
}
