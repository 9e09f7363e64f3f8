//! A part of a job that had come to its end before a crash ends again after it.

use millstream::prelude::*;
use millstream::testing::{Checked, Harness, Script, Simulation, assert_same_rows};

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

/// Of two subtasks of a source with one split the second ends at once, and with it the second ones behind it. Three subtasks
/// of the source are not paired off with these any more: their records come to both.
#[test]
fn a_subtask_that_had_ended_takes_the_records_that_a_rescaled_source_sends_it() {
    for seed in 0..6 {
        let (job, sink) = (Job::new("rescaled-in-front"), CollectSink::new());
        let rows = sink.handle();
        let numbers = Script::new().records((0..400_u64).map(|n| (n, Timestamp::EPOCH))).attach(&job);
        let apart = |numbers: &Stream<u64>| numbers.map(|n| n).isolated().parallelism(2);
        // The second is fed by one that is itself not rescaled; the checker behind it looks at its clock.
        let twice = apart(&apart(&numbers)).checked().parallelism(2);
        twice.key_by(|n| n % 100).window(Tumbling::of(minutes(1))).count().map(|window| window.value).sink(sink);

        let config = Config::default().parallelism(2).batch_size(4);
        let mut simulation = Simulation::start(&job, config, seed).unwrap();
        assert!(simulation.step(120).unwrap(), "the source is not at its end");
        simulation.checkpoint().unwrap();
        simulation.crash_into(3).unwrap();
        simulation.run().unwrap();
        assert_same_rows(rows.rows(), vec![4; 100]);
    }
}
