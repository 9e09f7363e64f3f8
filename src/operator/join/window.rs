//! Pairs what a window holds of two streams.
//!
//! The window knows nothing of joins: it collects the records of both streams, and when it fires they are paired here.

use super::Either;

/// Which records of a window are told without a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// None.
    Inner,
    /// Those of the left stream.
    Left,
    /// Those of the right stream.
    Right,
    /// Those of both.
    Full,
}

/// Calls `pair` for each left record with each right one, and for those without a partner as far as the kind of join has
/// them.
pub(crate) fn each_pair<L, R>(kind: Kind, records: &[Either<L, R>], mut pair: impl FnMut(Option<&L>, Option<&R>)) {
    let left: Vec<&L> = records.iter().filter_map(Either::left).collect();
    let right: Vec<&R> = records.iter().filter_map(Either::right).collect();
    if right.is_empty() && matches!(kind, Kind::Left | Kind::Full) {
        left.iter().for_each(|left| pair(Some(left), None));
    }
    if left.is_empty() && matches!(kind, Kind::Right | Kind::Full) {
        right.iter().for_each(|right| pair(None, Some(right)));
    }
    for left in left {
        right.iter().for_each(|right| pair(Some(left), Some(right)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Either::{Left, Right};

    fn pairs(kind: Kind, records: &[Either<u8, char>]) -> Vec<(Option<u8>, Option<char>)> {
        let mut found = Vec::new();
        each_pair(kind, records, |left, right| found.push((left.copied(), right.copied())));
        found
    }

    #[test]
    fn pairs_come_by_left_record_and_then_by_right_one() {
        let records = [Left(1), Right('b'), Left(2), Right('a')];
        for kind in [Kind::Inner, Kind::Left, Kind::Right, Kind::Full] {
            let expected = [(1, 'b'), (1, 'a'), (2, 'b'), (2, 'a')].map(|(left, right)| (Some(left), Some(right)));
            assert_eq!(pairs(kind, &records), expected);
        }
    }

    #[test]
    fn a_window_with_one_side_only_is_told_by_the_joins_that_keep_that_side() {
        let (left, right) = ([Left(1), Left(2)], [Right('a')]);
        let told = |kind| (pairs(kind, &left), pairs(kind, &right));
        let (lefts, rights) = (vec![(Some(1), None), (Some(2), None)], vec![(None, Some('a'))]);
        assert_eq!(told(Kind::Inner), (vec![], vec![]));
        assert_eq!(told(Kind::Left), (lefts.clone(), vec![]));
        assert_eq!(told(Kind::Right), (vec![], rights.clone()));
        assert_eq!(told(Kind::Full), (lefts, rights));
    }
}
