//! The dataflow: what is read, what becomes of it, and where it goes.

use compact_str::CompactString;
use millstream::formats::LogEntry;
use millstream::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// What the dataflow reads and writes, and how it cuts time.
pub(crate) struct Dataflow {
    /// The logs to be read, side by side.
    pub(crate) inputs: Vec<PathBuf>,
    /// The directory of the outputs.
    pub(crate) output: PathBuf,
    /// Size of the tumbling windows.
    pub(crate) window: Duration,
    /// The silence that ends a visit.
    pub(crate) visit_gap: Duration,
    /// How much older than the newest a line may be.
    pub(crate) out_of_orderness: Duration,
    /// Read at most so many lines per second.
    pub(crate) rate: Option<f64>,
    /// Go on reading as the files grow.
    pub(crate) follow: bool,
}

/// A view of a page.
#[derive(Clone, Serialize, Deserialize)]
struct View {
    at: Timestamp,
    /// The client's address: short enough to be kept in place, without an allocation.
    user: CompactString,
}

/// A line that is not well-formed.
#[derive(Clone, Serialize)]
struct Rejected {
    file: String,
    offset: u64,
    reason: String,
    /// What could not be read as UTF-8 is replaced by U+FFFD.
    line: String,
    /// Whether something was replaced.
    lossy: bool,
}

#[derive(Clone, Serialize)]
struct SiteRow {
    window_start: Timestamp,
    window_end: Timestamp,
    views: u64,
    users: u64,
}

#[derive(Clone, Serialize)]
struct UserRow {
    window_start: Timestamp,
    window_end: Timestamp,
    user: CompactString,
    views: u64,
}

#[derive(Clone, Serialize)]
struct LateRow {
    operator: &'static str,
    at: Timestamp,
    user: CompactString,
    lateness_ms: u64,
}

fn parse(line: Line) -> Result<View, Rejected> {
    match LogEntry::parse(line.bytes()) {
        Ok(entry) => Ok(View { at: entry.time, user: CompactString::new(entry.client) }),
        Err(reason) => Err(Rejected {
            file: line.path().to_owned(),
            offset: line.offset(),
            reason: reason.to_string(),
            line: line.text().into_owned(),
            lossy: std::str::from_utf8(line.bytes()).is_err(),
        }),
    }
}

fn user_row(window: Windowed<CompactString, u64>) -> UserRow {
    UserRow { window_start: window.start, window_end: window.end, user: window.key, views: window.value }
}

fn site_row(window: Windowed<Timestamp, (u64, u64)>) -> SiteRow {
    let (views, users) = window.value;
    SiteRow { window_start: window.start, window_end: window.end, views, users }
}

fn late_row(operator: &'static str) -> impl Fn(Late<View>) -> LateRow {
    move |late| {
        let lateness_ms = u64::try_from(late.lateness().as_millis()).unwrap_or(u64::MAX);
        LateRow { operator, at: late.time, user: late.record.user, lateness_ms }
    }
}

impl Dataflow {
    /// Builds the job.
    pub(crate) fn job(&self) -> Job {
        let job = Job::new("pageviews");
        let output = |name: &str| -> PathBuf { self.output.join(name) };

        let mut source = FileSource::lines(self.inputs.clone());
        if self.follow {
            source = source.follow();
        }
        if let Some(rate) = self.rate {
            source = source.rate(rate);
        }
        let lines = job.source(source).uid("lines").filter(|line| !line.is_empty()).uid("filled");
        let (views, rejected) = lines.try_map(parse);
        let views = views.uid("parse");
        rejected.sink(FileSink::json(output("rejected.jsonl"))).uid("rejected.jsonl");

        let by_user = views
            .event_time(|view| view.at, Watermarks::out_of_order(self.out_of_orderness))
            .uid("event-time")
            .key_by(|view| view.user.clone())
            .uid("by-user");

        let windows = by_user.window(Tumbling::of(self.window));
        let late_users = windows.late().map(late_row("users")).uid("late-users");
        let users = windows.count().uid("users");
        users
            .map(user_row)
            .uid("user-rows")
            .sink(FileSink::csv(output("users.csv")).header(["window_start", "window_end", "user", "views"]))
            .uid("users.csv");

        users
            .key_by(|user| user.start)
            .uid("by-window")
            .window(Tumbling::of(self.window))
            .aggregate((Sum::of(|user: &Windowed<CompactString, u64>| user.value), Count))
            .uid("site")
            .map(site_row)
            .uid("site-rows")
            .sink(FileSink::csv(output("site.csv")).header(["window_start", "window_end", "views", "users"]))
            .uid("site.csv");

        let sessions = by_user.window(Session::gap(self.visit_gap));
        let late_visits = sessions.late().map(late_row("visits")).uid("late-visits");
        sessions
            .count()
            .uid("visits")
            .map(user_row)
            .uid("visit-rows")
            .sink(FileSink::csv(output("visits.csv")).header(["window_start", "window_end", "user", "views"]))
            .uid("visits.csv");

        late_users.union(&late_visits).sink(FileSink::json(output("late.jsonl"))).uid("late.jsonl");
        job
    }
}
