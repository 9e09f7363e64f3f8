//! Page views as in the example `pageviews`, with a fuse in each operator.
//!
//! ```text
//! lines -> parse -> event time -> by user -> users -> users.csv
//!                                     |        `-> by window -> site -> site.csv
//!                                     `-> visits -> visits.csv
//! ```

use super::faults::{Faults, Fuse};
use millstream::formats::LogEntry;
use millstream::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// The operators that can be made to fail.
pub(crate) const OPERATORS: [&str; 4] = ["parse", "users", "site", "visits"];
/// What it writes.
pub(crate) const OUTPUTS: [&str; 3] = ["users.csv", "site.csv", "visits.csv"];
const HEADER: [&str; 4] = ["window_start", "window_end", "user", "views"];

#[derive(Clone, Serialize, Deserialize)]
struct View {
    at: Timestamp,
    user: String,
    /// Where its line begins in the log.
    offset: u64,
}

fn row(window: Windowed<String, u64>) -> (Timestamp, Timestamp, String, u64) {
    (window.start, window.end, window.key, window.value)
}

/// The sum of the records' weights, each of which meets a fuse.
fn count<T: 'static>(
    meet: impl Fn(&T) + Send + Sync + 'static,
    weight: fn(&T) -> u64,
) -> impl Aggregate<T, Output = u64> {
    let add = move |sum: &mut u64, record: &T| {
        meet(record);
        *sum += weight(record);
    };
    Fold::new(|| 0, add, |into: &mut u64, other: u64| *into += other, |sum: u64| sum)
}

/// Builds the job.
///
/// * `leave_out_poison`: the operator `users` never sees the records that are poison.
pub(crate) fn job(log: &Path, rate: Option<f64>, output: &Path, faults: &Arc<Faults>, leave_out_poison: bool) -> Job {
    let job = Job::new("fault-recovery");
    job.record_type::<View>();
    let fuse = |operator| Fuse::new(faults, operator);
    let mut source = FileSource::lines([log]);
    if let Some(rate) = rate {
        source = source.rate(rate);
    }
    let parse = fuse("parse");
    let views = job.source(source).uid("lines").flat_map(move |line| {
        parse.meet();
        let entry = LogEntry::parse(line.bytes()).ok()?;
        Some(View { at: entry.time, user: entry.client.to_string(), offset: line.offset() })
    });
    let views = views.uid("parse").event_time(|view| view.at, Watermarks::out_of_order(minutes(1))).uid("event-time");

    let poison = faults.poison.clone();
    let wholesome = views.filter(move |view| !leave_out_poison || !poison.contains(&view.offset)).uid("wholesome");
    let users = fuse("users");
    let meet = move |view: &View| {
        users.meet();
        users.taste(view.offset);
    };
    let users = wholesome.key_by(|view| view.user.clone()).uid("by-user").window(Tumbling::of(minutes(10)));
    let users = users.aggregate(count(meet, |_| 1)).uid("users").on_error(OnError::dead_letter());
    users.map(row).uid("user-rows").sink(FileSink::csv(output.join("users.csv")).header(HEADER)).uid("users.csv");

    let site = fuse("site");
    let by_window = users.key_by(|user| user.start).uid("by-window").window(Tumbling::of(minutes(10)));
    let site = by_window.aggregate(count(move |_| site.meet(), |user: &Windowed<String, u64>| user.value)).uid("site");
    let site = site.map(|window| (window.start, window.end, window.value)).uid("site-rows");
    site.sink(FileSink::csv(output.join("site.csv")).header(["window_start", "window_end", "views"])).uid("site.csv");

    let visits = fuse("visits");
    let sessions = views.key_by(|view| view.user.clone()).uid("visits-by-user").window(Session::gap(minutes(30)));
    let visits = sessions.aggregate(count(move |_| visits.meet(), |_| 1)).uid("visits");
    visits.map(row).uid("visit-rows").sink(FileSink::csv(output.join("visits.csv")).header(HEADER)).uid("visits.csv");
    job
}
