//! Aggregates of closures.

use super::Aggregate;
use crate::record::Data;
use serde::{Serialize, de::DeserializeOwned};

/// An aggregate of four closures, for what is used once; a type of your own with [`Aggregate`] is the same with a name.
///
/// `merge` must do what adding the other side's records after one's own would have done; sessions that grow together,
/// sliding windows and partial aggregation rely on it. All four must be deterministic.
///
/// ```
/// use millstream::operator::{Aggregate, Fold};
///
/// let longest = Fold::new(
///     || 0,
///     |longest: &mut usize, word: &String| *longest = word.len().max(*longest),
///     |into, other| *into = other.max(*into),
///     |longest| longest,
/// );
/// let mut so_far = longest.create();
/// longest.add(&mut so_far, &"mill".to_owned());
/// longest.merge(&mut so_far, 6);
/// assert_eq!(longest.finish(so_far), 6);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Fold<C, A, M, F> {
    create: C,
    add: A,
    merge: M,
    finish: F,
}

impl<C, A, M, F> Fold<C, A, M, F> {
    /// * `create`: the accumulator of no records.
    /// * `add`: adds a record to it.
    /// * `merge`: adds all that another accumulator holds.
    /// * `finish`: its value.
    pub fn new<T, S, O>(create: C, add: A, merge: M, finish: F) -> Self
    where
        C: Fn() -> S,
        A: Fn(&mut S, &T),
        M: Fn(&mut S, S),
        F: Fn(S) -> O,
    {
        Fold { create, add, merge, finish }
    }
}

impl<T, S, O, C, A, M, F> Aggregate<T> for Fold<C, A, M, F>
where
    S: Clone + Serialize + DeserializeOwned + 'static,
    O: Data,
    C: Fn() -> S + Send + Sync + 'static,
    A: Fn(&mut S, &T) + Send + Sync + 'static,
    M: Fn(&mut S, S) + Send + Sync + 'static,
    F: Fn(S) -> O + Send + Sync + 'static,
{
    type Accumulator = S;
    type Output = O;

    fn create(&self) -> S {
        (self.create)()
    }

    fn add(&self, accumulator: &mut S, record: &T) {
        (self.add)(accumulator, record);
    }

    fn merge(&self, into: &mut S, other: S) {
        (self.merge)(into, other);
    }

    fn finish(&self, accumulator: S) -> O {
        (self.finish)(accumulator)
    }
}

/// Combines records two by two into one.
///
/// `combine` must be associative: what it makes of (a and b) and c is what it makes of a and (b and c). It is always given
/// the earlier one first, so it need not be commutative.
///
/// # Panics
/// [`finish`](Aggregate::finish) if there was no record; the engine asks only for the value of some.
///
/// ```
/// use millstream::operator::{Aggregate, Reduce};
///
/// let joined = Reduce::by(|a: &String, b: &String| format!("{a} {b}"));
/// let mut so_far = joined.create();
/// joined.add(&mut so_far, &"mill".to_owned());
/// joined.add(&mut so_far, &"stream".to_owned());
/// assert_eq!(joined.finish(so_far), "mill stream");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Reduce<F> {
    combine: F,
}

impl<F> Reduce<F> {
    /// Combines records by `combine`.
    pub fn by<T>(combine: F) -> Self
    where
        F: Fn(&T, &T) -> T,
    {
        Reduce { combine }
    }
}

impl<T, F> Aggregate<T> for Reduce<F>
where
    T: Data + Serialize + DeserializeOwned,
    F: Fn(&T, &T) -> T + Send + Sync + 'static,
{
    type Accumulator = Option<T>;
    type Output = T;

    fn create(&self) -> Option<T> {
        None
    }

    fn add(&self, so_far: &mut Option<T>, record: &T) {
        *so_far = Some(match so_far {
            Some(before) => (self.combine)(before, record),
            None => record.clone(),
        });
    }

    fn merge(&self, into: &mut Option<T>, other: Option<T>) {
        if let Some(other) = other {
            self.add(into, &other);
        }
    }

    fn finish(&self, so_far: Option<T>) -> T {
        so_far.expect("the engine asks only for the value of at least one record")
    }
}

#[cfg(test)]
mod tests {
    use super::super::laws;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn records_are_combined_in_the_order_in_which_they_came(words in laws::parts("[a-z]{0,3}")) {
            let joined = Reduce::by(|a: &String, b: &String| format!("{a}{b}"));
            laws::hold(&joined, &words)?;
            if !words.all.is_empty() {
                prop_assert_eq!(laws::all(&joined, &words.all), words.all.concat());
            }
        }

        #[test]
        fn closures_make_an_aggregate(words in laws::parts("[a-z]{0,3}")) {
            let lengths = Fold::new(
                Vec::new,
                |lengths: &mut Vec<u64>, word: &String| lengths.push(word.len() as u64),
                |into, mut other| into.append(&mut other),
                |lengths| lengths.len(),
            );
            laws::hold(&lengths, &words)?;
            prop_assert_eq!(laws::all(&lengths, &words.all), words.all.len());
        }
    }
}
