//! A part of a job that had come to its end before a crash ends again after it.

use millstream::prelude::*;
use millstream::testing::Harness;

/// The source has one split, so that one of its two subtasks ends at once, and with it what is behind that subtask.
#[test]
fn a_subtask_whose_input_had_ended_before_a_crash_tells_of_the_end_again() {
    let config = Config::default().parallelism(2);
    let mut counts = Harness::with_config(config, |numbers: Stream<u64>| {
        numbers.map(|n| n).isolated().key_by(|n| n % 3).window(Tumbling::of(minutes(1))).count()
    });
    counts.crash_and_restore();
    for number in 0..9 {
        counts.push(number, Timestamp::EPOCH);
    }
    counts.crash_and_restore();
    assert_eq!(counts.end().drain().iter().map(|window| window.value).collect::<Vec<_>>(), [3, 3, 3]);
}
