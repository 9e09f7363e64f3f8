//! Cuts the clicks of each user into visits: a visit is over when nothing came for half an hour.
//!
//! ```text
//! cargo run --example sessions
//! ```

use millstream::prelude::*;

/// When somebody clicked, in minutes after midnight, and on what. Not quite in order, as clicks come.
const CLICKS: [(&str, u64, &str); 9] = [
    ("ada", 0, "/"),
    ("bob", 3, "/"),
    ("ada", 12, "/mills"),
    ("ada", 9, "/water"),
    ("bob", 33, "/mills"),
    ("ada", 80, "/"),
    ("bob", 64, "/water"),
    ("ada", 85, "/grain"),
    ("cyd", 90, "/"),
];

/// User, first minute, last minute, and pages.
pub(crate) type Visit = (String, i64, i64, Vec<String>);

pub(crate) fn run() -> millstream::Result<Vec<Visit>> {
    let minute = |time: Timestamp| time.millis() / 60_000;
    let gap = minutes(30);

    let job = Job::new("sessions");
    let sink = CollectSink::new();
    let visits = sink.handle();
    job.source(MemorySource::new(CLICKS))
        .event_time(|click| Timestamp::EPOCH + minutes(click.1), Watermarks::out_of_order(minutes(20)))
        .map(|(user, _, page)| (user.to_owned(), page.to_owned()))
        .key_by(|(user, _)| user.clone())
        .window(Session::gap(gap))
        .collect()
        // A session ends one gap after its last click.
        .map(move |visit| {
            let pages = visit.value.into_iter().map(|(_, page)| page).collect();
            (visit.key, minute(visit.start), minute(visit.end - gap), pages)
        })
        .sink(sink);
    job.run(Config::default())?;
    Ok(visits.rows())
}

fn main() -> millstream::Result<()> {
    for (user, from, to, pages) in run()? {
        println!("{user} from minute {from} to {to}: {}", pages.join(", "));
    }
    Ok(())
}
