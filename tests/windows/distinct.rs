//! Distinct counts, exactly, through crashes.

use millstream::prelude::*;
use millstream::testing::Harness;
use proptest::prelude::{any, prop, proptest};
use std::collections::{BTreeMap, BTreeSet};

type Hit = (u8, u8);

fn counts(hits: &Stream<Hit>, windows: impl Into<Windows<Hit>>) -> Stream<(u8, i64, u64)> {
    let windows = hits.key_by(|hit| hit.0).window(windows).count_distinct(|hit| hit.1);
    windows.map(|window| (window.key, window.end.millis(), window.value))
}

proptest! {
    #![proptest_config(prop::test_runner::Config::with_cases(40))]

    #[test]
    fn windows_count_each_value_once(
        hits in prop::collection::vec((0..3_u8, 0..6_u8, 0..900_i64, any::<bool>()), 1..60),
        sliding: bool,
    ) {
        let mut harness = Harness::new(move |hits: Stream<Hit>| match sliding {
            false => counts(&hits, Tumbling::of(millis(100))),
            true => counts(&hits, Sliding::of(millis(100)).every(millis(50))),
        });
        let mut expected: BTreeMap<(i64, u8), BTreeSet<u8>> = BTreeMap::new();
        for (key, value, time, crashes) in hits {
            harness.push((key, value), Timestamp::from_millis(time));
            let slide = if sliding { 50 } else { 100 };
            let ends = (0..20).map(|n| n * slide).filter(|end| (end - 100..*end).contains(&time));
            ends.for_each(|end| {
                expected.entry((end, key)).or_default().insert(value);
            });
            if crashes {
                harness.crash_and_restore();
            }
        }
        let expected: Vec<_> = expected.into_iter().map(|((end, key), set)| (key, end, set.len() as u64)).collect();
        assert_eq!(harness.end().drain(), expected);
    }

    #[test]
    fn running_counts_grow_with_each_new_value(hits in prop::collection::vec((0..3_u8, 0..9_u8, any::<bool>()), 1..60)) {
        let mut harness = Harness::new(|hits: Stream<Hit>| hits.key_by(|hit| hit.0).count_distinct(|hit| hit.1));
        let mut seen: BTreeMap<u8, BTreeSet<u8>> = BTreeMap::new();
        for (key, value, crashes) in hits {
            harness.push((key, value), Timestamp::EPOCH);
            let seen = seen.entry(key).or_default();
            seen.insert(value);
            assert_eq!(harness.drain(), [(key, seen.len() as u64)]);
            if crashes {
                harness.crash_and_restore();
            }
        }
    }
}
