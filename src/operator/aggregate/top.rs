//! The few best of many records.

use super::Aggregate;
use super::extremes::order;
use crate::record::Data;
use serde::{Serialize, de::DeserializeOwned};

/// The `n` records with the highest scores, best first.
///
/// Of records with equal scores the first that came stand first and stay. If there are fewer than `n` records, all of them
/// are the result; for `n` of zero it is empty. `score` is called again for records that are kept (about log n times per
/// record), so it should be cheap. For the lowest scores take [`std::cmp::Reverse`] of them; for scores that cannot be
/// compared see [the module](super).
///
/// ```
/// use millstream::operator::{Aggregate, TopN};
///
/// let top = TopN::by(2, |page: &(String, u64)| page.1);
/// let mut best = top.create();
/// for (page, views) in [("/", 3), ("/about", 5), ("/blog", 5)] {
///     top.add(&mut best, &(page.to_owned(), views));
/// }
/// let pages: Vec<String> = top.finish(best).into_iter().map(|page| page.0).collect();
/// assert_eq!(pages, ["/about", "/blog"]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TopN<F> {
    n: usize,
    score: F,
}

impl<F> TopN<F> {
    /// The `n` records for which `score` gives most.
    pub fn by<T, S>(n: usize, score: F) -> Self
    where
        F: Fn(&T) -> S,
    {
        TopN { n, score }
    }
}

impl<T, F, S> Aggregate<T> for TopN<F>
where
    T: Data + Serialize + DeserializeOwned,
    F: Fn(&T) -> S + Send + Sync + 'static,
    S: PartialOrd,
{
    type Accumulator = Vec<T>;
    type Output = Vec<T>;

    fn create(&self) -> Vec<T> {
        Vec::new()
    }

    fn add(&self, best: &mut Vec<T>, record: &T) {
        let score = (self.score)(record);
        let at = best.partition_point(|kept| order(&(self.score)(kept), &score).is_ge());
        if at < self.n {
            best.truncate(self.n - 1);
            best.insert(at, record.clone());
        }
    }

    fn merge(&self, into: &mut Vec<T>, other: Vec<T>) {
        other.iter().for_each(|record| self.add(into, record));
    }

    fn finish(&self, best: Vec<T>) -> Vec<T> {
        best
    }
}

#[cfg(test)]
mod tests {
    use super::super::laws;
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Reverse;

    #[test]
    fn none_are_the_best_zero() {
        assert!(laws::all(&TopN::by(0, |n: &u8| *n), &[1, 2, 3]).is_empty());
    }

    proptest! {
        #[test]
        fn the_best_are_those_in_front_when_all_are_sorted(
            records in laws::parts((-4_i32..4, any::<u8>())),
            n in 0_usize..8,
        ) {
            let top = TopN::by(n, |record: &(i32, u8)| record.0);
            laws::hold(&top, &records)?;
            let mut sorted = records.all.clone();
            sorted.sort_by_key(|record| Reverse(record.0));
            sorted.truncate(n);
            prop_assert_eq!(laws::all(&top, &records.all), sorted);
        }

        #[test]
        fn the_best_floats_merge(records in laws::parts(any::<f64>())) {
            laws::hold(&TopN::by(3, |n: &f64| *n), &records)?;
        }
    }
}
