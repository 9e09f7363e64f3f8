//! What becomes of records that come too late: nothing is dropped in silence.
//!
//! The count of each minute goes out when the watermark says that the minute is over. For a minute more the window takes
//! corrections, and tells its new count at once. What is later still goes its own way, with how late it was.
//!
//! ```text
//! cargo run --example late_data
//! ```

use millstream::prelude::*;

/// When each reading was taken, in seconds, in the order in which they arrive: they may be 10 s out of order.
const READINGS: [u64; 10] = [5, 20, 15, 62, 75, 30, 128, 100, 200, 40];

/// What is told, line by line.
pub(crate) fn run() -> millstream::Result<Vec<String>> {
    let job = Job::new("late-data");
    let sink = CollectSink::new();
    let lines = sink.handle();
    // Each record is a block of its own here, so that the watermark moves behind each; under load it moves batch by batch.
    let readings = millstream::testing::Script::new().records(READINGS.map(|s| (s, Timestamp::EPOCH))).attach(&job);
    let minutely = readings
        .event_time(|second| Timestamp::EPOCH + seconds(*second), Watermarks::out_of_order(seconds(10)))
        .window_all(Tumbling::of(minutes(1)))
        .allowed_lateness(minutes(1));

    let late = minutely.late().map(|late| {
        format!("too late: the reading of second {}, by {}", late.record, humantime::format_duration(late.lateness()))
    });
    let counts = minutely.count().map(|minute| {
        let number = minute.start.millis() / 60_000;
        format!("minute {number}: {} readings ({:?})", minute.value, minute.pane.timing)
    });
    counts.union(&late).sink(sink);
    job.run(Config::default())?;
    Ok(lines.rows())
}

fn main() -> millstream::Result<()> {
    run()?.iter().for_each(|line| println!("{line}"));
    Ok(())
}
