//! A part of a stream, chosen by the hash of something in each record: the same records in every run.

use super::{Filter, StageFactory};
use crate::record::{Data, hash_key};
use serde::Serialize;

/// Set before the value that is hashed, so that a sample is spread over all key groups of a stream keyed by that value.
const SALT: &str = "sample";

/// Keeps a part of the records.
pub(crate) struct Sample {
    fraction: f64,
}

impl Sample {
    /// * `fraction`: `0.0..=1.0`.
    pub(crate) fn new(fraction: f64) -> Self {
        Sample { fraction }
    }

    /// What is wrong with it, if anything.
    pub(crate) fn flaw(&self) -> Option<String> {
        let wrong = !(0.0..=1.0).contains(&self.fraction);
        wrong.then(|| format!("the fraction of a sample is {}; it must be from 0.0 to 1.0", self.fraction))
    }

    /// The operator.
    pub(crate) fn operator<T: Data, H: Serialize>(
        self,
        by: impl Fn(&T) -> H + Send + Sync + 'static,
    ) -> impl StageFactory + 'static {
        Filter::new(move |record: &T| self.keeps(&by(record)))
    }

    fn keeps(&self, value: &impl Serialize) -> bool {
        // A hash is below 2^64, so at 1.0 all are kept.
        let bound = (self.fraction * 2_f64.powi(64)) as u128;
        u128::from(hash_key(&(SALT, value))) < bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::KeyGroup;
    use std::collections::BTreeSet;

    fn kept(fraction: f64) -> BTreeSet<u64> {
        (0..20_000).filter(|n| Sample::new(fraction).keeps(n)).collect()
    }

    #[test]
    fn a_sample_has_about_its_share_and_a_smaller_one_is_part_of_it() {
        assert_eq!((kept(0.0).len(), kept(1.0).len()), (0, 20_000));
        let (tenth, half) = (kept(0.1), kept(0.5));
        assert!((1_800..2_200).contains(&tenth.len()), "{}", tenth.len());
        assert!((9_700..10_300).contains(&half.len()), "{}", half.len());
        assert!(tenth.is_subset(&half));
    }

    #[test]
    fn a_sample_falls_into_all_key_groups() {
        let groups: BTreeSet<KeyGroup> = kept(0.1).iter().map(|n| KeyGroup::of(hash_key(n))).collect();
        assert_eq!(groups.len(), KeyGroup::COUNT);
    }

    #[test]
    fn a_fraction_beyond_one_is_a_flaw() {
        assert_eq!(Sample::new(1.0).flaw(), None);
        for fraction in [-0.1, 1.1, f64::NAN] {
            assert!(Sample::new(fraction).flaw().is_some_and(|flaw| flaw.contains("from 0.0 to 1.0")));
        }
    }
}
