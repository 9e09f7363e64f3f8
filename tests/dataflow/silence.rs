//! A silent source does not hold event time back.

use crate::support::{Gate, GatedSource, collected, ended, eventually, run};
use millstream::prelude::*;

fn at(n: &u64) -> Timestamp {
    Timestamp::from_millis(*n as i64)
}

#[test]
fn a_silent_source_does_not_hold_back_its_union_with_a_lively_one() {
    for parallelism in [1, 2] {
        let job = Job::new("silence");
        let watermarks = Watermarks::monotonic().idle_after(millis(20));
        let lively = job.source(GeneratorSource::new(|n| n).rate(5_000).splits(2)).event_time(at, watermarks.clone());
        let silent = job.source(GatedSource { gate: Gate::default(), count: 200, splits: 2, block: 10 });
        let windowed = lively.union(&silent.event_time(at, watermarks)).key_by(|_| 0_u8);
        let rows = collected(&windowed.window(Tumbling::of(millis(10))).count());
        let config = Config::default().parallelism(parallelism).checkpoint_interval(millis(5));
        let handle = job.start(config).unwrap();
        eventually("windows have been fired and committed", || rows.rows().len() >= 9);
        handle.stop();
        assert_eq!(ended(handle).state, JobState::Stopped);
    }
}

#[test]
fn a_source_held_back_on_purpose_is_not_silent() {
    // The sink is slow, so the sources wait for it far longer than the silence that makes them idle.
    let job = Job::new("held-back");
    let watermarks = Watermarks::monotonic().idle_after(millis(10));
    let early = job.source(MemorySource::new(0..400_u64)).event_time(at, watermarks.clone());
    let late = job.source(MemorySource::new(0..400_u64)).event_time(at, watermarks);
    let windowed = early
        .union(&late)
        .map(|n| {
            std::thread::sleep(millis(1));
            n
        })
        .key_by(|_| 0_u8)
        .window(Tumbling::of(millis(10)));
    let counts = collected(&windowed.count().uid("windows").map(|window| window.value));
    let mut config = Config::default().batch_size(10);
    config.channel_batches = 1;
    let status = run(&job, config);
    assert_eq!(status.operator("windows").unwrap().late, 0);
    assert_eq!(counts.rows(), [20; 40]);
}
