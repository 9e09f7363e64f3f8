//! Page views, users and visits of a website from its access log, exactly once, whatever is killed on the way.
//!
//! `cargo run --release --example pageviews -- --help` tells its options. Without any it reads the log bundled in
//! `examples/data`, which `examples/generate_log.rs` has made.
//!
//! ```text
//! lines -> parse ---------------------------------------> rejected.jsonl
//!            `-> event time -> by user -> tumbling window -> users.csv
//!                                 |             `-> by window -> site.csv
//!                                 |-> session window ----------> visits.csv
//!                                 `-> what is late for either -> late.jsonl
//! ```
//! The site's numbers are made from the users' windows: each user's window is one user and so many views. So no set of
//! users is kept, and the work is spread over all subtasks.

#[path = "pageviews/options.rs"]
mod options;
#[path = "pageviews/progress.rs"]
mod progress;

use compact_str::CompactString;
use millstream::formats::LogEntry;
use millstream::prelude::*;
use millstream::time::{Clock, SystemClock};
use mimalloc::MiMalloc;
use options::{Command, Options, USAGE};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The exit code for wrong usage.
const WRONG_USAGE: u8 = 2;

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

/// Views and users of a window.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Traffic {
    views: u64,
    users: u64,
}

impl std::ops::AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.views += other.views;
        self.users += other.users;
    }
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

fn late_row(operator: &'static str) -> impl Fn(Late<View>) -> LateRow {
    move |late| {
        let lateness_ms = u64::try_from(late.lateness().as_millis()).unwrap_or(u64::MAX);
        LateRow { operator, at: late.time, user: late.record.user, lateness_ms }
    }
}

/// Builds the job.
fn build(options: &Options) -> Job {
    let job = Job::new("pageviews");
    let output = |name: &str| -> PathBuf { options.output.join(name) };

    let mut source = FileSource::lines(options.inputs());
    if options.follow {
        source = source.follow();
    }
    if let Some(rate) = options.rate {
        source = source.rate(rate);
    }
    let lines = job.source(source).uid("lines").filter(|line| !line.is_empty()).uid("filled");
    let (views, rejected) = lines.try_map(parse);
    let views = views.uid("parse");
    rejected.sink(FileSink::json(output("rejected.jsonl"))).uid("rejected.jsonl");

    let by_user = views
        .event_time(|view| view.at, Watermarks::out_of_order(options.out_of_orderness))
        .uid("event-time")
        .key_by(|view| view.user.clone())
        .uid("by-user");

    let windows = by_user.window(Tumbling::of(options.window));
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
        .window(Tumbling::of(options.window))
        .aggregate(Sum::of(|user: &Windowed<CompactString, u64>| Traffic { views: user.value, users: 1 }))
        .uid("site")
        .map(|window| SiteRow {
            window_start: window.start,
            window_end: window.end,
            views: window.value.views,
            users: window.value.users,
        })
        .uid("site-rows")
        .sink(FileSink::csv(output("site.csv")).header(["window_start", "window_end", "views", "users"]))
        .uid("site.csv");

    let sessions = by_user.window(Session::gap(options.visit_gap));
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

/// The job's settings.
fn config(options: &Options) -> Config {
    Config::default()
        .state_dir(options.state_dir())
        .parallelism(options.parallelism)
        .checkpoint_interval(options.checkpoint_interval)
        .restart(Restart::exponential(Duration::from_millis(100), Duration::from_secs(10), 20))
        .fresh(options.fresh)
}

fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("RUST_LOG");
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    let options = match options::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(options)) => options,
        Ok(Command::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("pageviews: {wrong}; --help tells all options");
            return ExitCode::from(WRONG_USAGE);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pageviews: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let clock = SystemClock::new();
    let job = build(options);
    let status = progress::run(&job, config(options), clock)?;
    if let Some(path) = &options.summary {
        let summary = serde_json::to_string_pretty(&progress::summary(&status, clock.elapsed()))?;
        std::fs::write(path, summary + "\n").map_err(|cause| format!("cannot write {}: {cause}", path.display()))?;
    }
    progress::report(&status, options, clock.elapsed());
    Ok(())
}
