//! How a dataflow is tested: by hand, in virtual time, and with faults.
//!
//! The dataflow is a function from one stream to another, so that a test can drive it without its source and sink. The
//! tests below are plain functions here, so that the example can be run; in your crate each would be a `#[test]`.
//!
//! ```text
//! cargo run --example testing_a_dataflow
//! ```

use millstream::prelude::*;
use millstream::testing::{Checked, Harness, Script, Simulation, three_lives};

/// What a parking meter reports.
#[derive(Clone, Debug)]
pub(crate) struct Coin {
    meter: u32,
    cents: u64,
}

/// The takings of each meter in each hour.
pub(crate) fn takings(coins: &Stream<Coin>) -> Stream<(u32, Timestamp, u64)> {
    let hours = coins.key_by(|coin| coin.meter).window(Tumbling::of(hours(1)));
    hours.aggregate(Sum::of(|coin: &Coin| coin.cents)).map(|hour| (hour.key, hour.start, hour.value))
}

fn at(minute: u64) -> Timestamp {
    Timestamp::EPOCH + minutes(minute)
}

fn coin(meter: u32, cents: u64) -> Coin {
    Coin { meter, cents }
}

/// Step by step: push, move event time, look. The crash is a line of the test.
pub(crate) fn an_hour_survives_a_crash_in_its_middle() {
    let mut harness = Harness::new(|coins| takings(&coins));
    harness.push(coin(1, 50), at(10)).push(coin(2, 20), at(20));
    harness.crash_and_restore();
    harness.push(coin(1, 200), at(59)).push(coin(1, 10), at(60));
    assert!(harness.drain().is_empty(), "the hour is not over");
    harness.watermark(at(60));
    assert_eq!(harness.drain(), [(1, at(0), 250), (2, at(0), 20)]);
}

/// A whole job, with a source that fails, in virtual time: the hours pass at once.
pub(crate) fn a_broken_line_costs_no_coin() -> millstream::Result<()> {
    let job = Job::new("meters");
    let sink = CollectSink::new();
    let rows = sink.handle();
    let script = Script::new()
        .record(coin(1, 50), at(10))
        .fail("the line is cut")
        .record(coin(1, 70), at(40))
        .pause(hours(3))
        .watermark(at(60));
    takings(&script.attach(&job).checked()).sink(sink);

    let status = Simulation::start(&job, Config::default(), 1)?.run()?;
    assert_eq!((rows.rows(), status.restarts), (vec![(1, at(0), 120)], 1));
    Ok(())
}

/// Straight through, with crashes by chance, and at other parallelisms: one answer. Any seed will do, and many are better.
pub(crate) fn every_life_gives_one_answer() -> millstream::Result<usize> {
    let mut rows = 0;
    for seed in 0..10 {
        let answer = three_lives(seed, || {
            let job = Job::new("meters");
            let sink = CollectSink::new();
            let rows = sink.handle();
            let coins = (0..300).map(|n| (coin(n % 7, u64::from(n)), at(u64::from(n))));
            takings(&Script::new().records(coins).attach(&job)).sink(sink);
            (job, rows)
        });
        rows += answer?.len();
    }
    Ok(rows)
}

fn main() -> millstream::Result<()> {
    an_hour_survives_a_crash_in_its_middle();
    println!("an hour survives a crash in its middle");
    a_broken_line_costs_no_coin()?;
    println!("a broken line costs no coin");
    let rows = every_life_gives_one_answer()?;
    println!("every life gives one answer: {rows} rows compared, two times each");
    Ok(())
}
