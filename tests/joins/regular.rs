//! The regular join against a nested loop.

use crate::history::{Moment, Row, Side, arrivals, histories, numbers, parted, play, rows, t};
use millstream::prelude::*;
use millstream::testing::Harness;
use proptest::prelude::*;

/// How long the model keeps a record.
#[derive(Clone, Copy, Debug)]
enum Keep {
    Forever,
    Processing(i64),
    Event(i64),
}

impl Keep {
    /// When a record that arrives expires.
    fn expiry(self, row: &Row, at: Moment) -> i64 {
        match self {
            Keep::Forever => i64::MAX,
            Keep::Processing(ttl) => at.now + ttl,
            Keep::Event(ttl) => row.time + ttl,
        }
    }

    fn is_over(self, expiry: i64, at: Moment) -> bool {
        match self {
            Keep::Forever => false,
            Keep::Processing(_) => expiry <= at.now,
            Keep::Event(_) => expiry <= at.watermark,
        }
    }
}

fn nested_loop(arrivals: &[(Side, Moment)], keep: Keep) -> Vec<((usize, usize), Timestamp)> {
    let mut pairs = Vec::new();
    for (second, (side, at)) in arrivals.iter().enumerate() {
        let (Either::Left(row) | Either::Right(row)) = side;
        let mut found = Vec::new();
        for (first, came) in &arrivals[..second] {
            let (l, r) = match (first, side) {
                (Either::Left(l), Either::Right(r)) | (Either::Right(r), Either::Left(l)) => (l, r),
                _ => continue,
            };
            let (Either::Left(partner) | Either::Right(partner)) = first;
            let expiry = keep.expiry(partner, *came);
            // What had expired when it came was never kept.
            if l.key == r.key && !keep.is_over(expiry, *at) && !keep.is_over(expiry, *came) {
                found.push((expiry, partner.number, (numbers(l, r), t(partner.time.max(row.time)))));
            }
        }
        found.sort();
        pairs.extend(found.into_iter().map(|(.., pair)| pair));
    }
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_regular_join_finds_what_a_nested_loop_finds(
        steps in histories(),
        keep in prop_oneof![
            Just(Keep::Forever),
            (1..60_i64).prop_map(Keep::Processing),
            (1..60_i64).prop_map(Keep::Event),
        ],
    ) {
        let found = play(&steps, move |both| {
            let (left, right) = parted(&both);
            let join = left.join(&right).on(|l| l.key, |r| r.key).unbounded();
            let join = match keep {
                Keep::Forever => join,
                Keep::Processing(ttl) => join.ttl(millis(ttl as u64)),
                Keep::Event(ttl) => join.event_time_ttl(millis(ttl as u64)),
            };
            join.inner(numbers)
        });
        prop_assert_eq!(found, nested_loop(&arrivals(&steps), keep));
    }
}

#[test]
fn a_record_without_event_time_joins_for_ever() {
    let mut joined = Harness::new(|both: Stream<Side>| {
        let (left, right) = parted(&both);
        left.join(&right).on(|l| l.key, |r| r.key).unbounded().inner(numbers)
    });
    let rows = rows(&[(1, 0), (1, 0), (2, 0), (1, 0)]);
    joined.push(Either::Left(rows[0]), Timestamp::MIN).crash_and_restore();
    joined.advance(hours(1_000)).watermark(t(1_000_000));
    joined.push(Either::Left(rows[1]), Timestamp::MIN).push(Either::Right(rows[2]), Timestamp::MIN);
    joined.push(Either::Right(rows[3]), t(5));
    assert_eq!(joined.drain_timed(), [((0, 3), t(5)), ((1, 3), t(5))]);
}

#[test]
fn no_time_to_live_is_told() {
    let job = Job::new("short-lived");
    let numbers = job.source(MemorySource::new(0..9_u64));
    let joined = numbers.join(&numbers).on(|n| *n, |n| *n).unbounded().ttl(millis(0)).inner(|l, _| *l);
    joined.uid("pairs").sink(CollectSink::new());
    let error = job.explain(&Config::default()).unwrap_err().to_string();
    assert!(error.contains("`pairs`: the time to live of a join is 0ns; it must be at least 1 ms"), "{error}");
}
