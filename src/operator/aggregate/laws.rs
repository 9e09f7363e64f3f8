//! The laws that every aggregate keeps, for property tests.

use super::Aggregate;
use crate::record::{decode, encode};
use proptest::prelude::*;
use std::fmt::Debug;

/// Records, and where they are cut into three parts.
#[derive(Clone, Debug)]
pub(super) struct Parts<T> {
    pub(super) all: Vec<T>,
    first: usize,
    second: usize,
}

/// Up to 100 records cut into three parts, some of which may be empty.
pub(super) fn parts<T: Clone + Debug>(record: impl Strategy<Value = T>) -> impl Strategy<Value = Parts<T>> {
    (proptest::collection::vec(record, 0..100), any::<(usize, usize)>()).prop_map(|(all, cuts)| {
        let (a, b) = (cuts.0 % (all.len() + 1), cuts.1 % (all.len() + 1));
        Parts { all, first: a.min(b), second: a.max(b) }
    })
}

fn gathered<T, A: Aggregate<T>>(aggregate: &A, records: &[T]) -> A::Accumulator {
    let mut accumulator = aggregate.create();
    records.iter().for_each(|record| aggregate.add(&mut accumulator, record));
    accumulator
}

/// The value of some records.
pub(super) fn all<T, A: Aggregate<T>>(aggregate: &A, records: &[T]) -> A::Output {
    aggregate.finish(gathered(aggregate, records))
}

/// Merging parts, in each grouping, each after having been stored, leaves what adding all records leaves; so does going on
/// after a restore.
pub(super) fn hold<T, A: Aggregate<T>>(aggregate: &A, records: &Parts<T>) -> Result<(), TestCaseError> {
    let stored = |accumulator: A::Accumulator| -> A::Accumulator {
        decode(&encode(&accumulator).expect("an accumulator can be stored")).expect("an accumulator can be read")
    };
    let part = |range: std::ops::Range<usize>| stored(gathered(aggregate, &records.all[range]));
    let (first, second, end) = (records.first, records.second, records.all.len());
    let merged = |mut into: A::Accumulator, other: A::Accumulator| {
        aggregate.merge(&mut into, other);
        stored(into)
    };
    let straight = encode(&gathered(aggregate, &records.all)).unwrap();
    let left = merged(merged(part(0..first), part(first..second)), part(second..end));
    let right = merged(part(0..first), merged(part(first..second), part(second..end)));
    prop_assert_eq!(&encode(&left).unwrap(), &straight, "merged from the left");
    prop_assert_eq!(&encode(&right).unwrap(), &straight, "merged from the right");
    let mut restored = part(0..first);
    records.all[first..].iter().for_each(|record| aggregate.add(&mut restored, record));
    prop_assert_eq!(&encode(&restored).unwrap(), &straight, "gone on after a restore");
    Ok(())
}

/// Parts that come in another order leave the same.
pub(super) fn order_is_nothing<T: Clone, A: Aggregate<T>>(
    aggregate: &A,
    records: &Parts<T>,
) -> Result<(), TestCaseError> {
    let backwards: Vec<T> = records.all.iter().rev().cloned().collect();
    let straight = encode(&gathered(aggregate, &records.all)).unwrap();
    prop_assert_eq!(encode(&gathered(aggregate, &backwards)).unwrap(), straight);
    Ok(())
}
