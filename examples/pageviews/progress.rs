//! What a person sees: a line of progress on a terminal, and a short report at the end.

use crate::options::Options;
use millstream::prelude::*;
use millstream::time::{Clock, SystemClock};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Runs the job, with a line of progress if stderr is a terminal.
pub(crate) fn run(job: &Job, config: Config, clock: SystemClock) -> millstream::Result<JobStatus> {
    if !std::io::stderr().is_terminal() {
        return job.run(config);
    }
    job.run_observed(config, Duration::from_millis(250), {
        let mut last = (Duration::ZERO, 0);
        move |status| {
            let records = count(status, "lines").0;
            let now = clock.elapsed();
            let rate = (records - last.1.min(records)) as f64 / (now - last.0).as_secs_f64().max(1e-3);
            last = (now, records);
            let reached = status.watermark.filter(|time| *time < Timestamp::MAX);
            let reached = reached.map_or_else(|| "-".to_owned(), |time| time.to_string());
            let line = format!(
                "{records} records, {rate:.0}/s, event time {reached}, {} checkpoints, {} restarts",
                status.checkpoints, status.restarts
            );
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(std::io::stderr(), "\r\x1b[2K{line}");
            if status.state != JobState::Running {
                let _ = write!(std::io::stderr(), "\r\x1b[2K");
            }
        }
    })
}

/// In, out and late records of an operator.
fn count(status: &JobStatus, uid: &str) -> (u64, u64, u64) {
    let operator = status.operators.iter().find(|operator| operator.uid == uid);
    operator.map_or((0, 0, 0), |operator| (operator.records_in, operator.records_out, operator.late))
}

/// The final counts.
pub(crate) fn summary(status: &JobStatus, took: Duration) -> Value {
    let rows = |uid: &str| count(status, uid).0;
    json!({
        "state": status.state,
        "records": count(status, "lines").0,
        "rejected": rows("rejected.jsonl"),
        "late": { "users": count(status, "users").2, "visits": count(status, "visits").2 },
        "rows": {
            "site.csv": rows("site.csv"),
            "users.csv": rows("users.csv"),
            "visits.csv": rows("visits.csv"),
            "rejected.jsonl": rows("rejected.jsonl"),
            "late.jsonl": rows("late.jsonl"),
        },
        "checkpoints": status.checkpoints,
        "failed_checkpoints": status.failed_checkpoints,
        "restarts": status.restarts,
        "seconds": took.as_secs_f64(),
    })
}

/// Tells how it ended, and who came most.
pub(crate) fn report(status: &JobStatus, options: &Options, took: Duration) {
    let mut out = std::io::stdout().lock();
    let told = if status.already_finished {
        writeln!(out, "this input has been read to its end before; nothing was changed")
    } else if status.state == JobState::Stopped {
        writeln!(out, "stopped after {:.1} s; start again with the same state directory to go on", took.as_secs_f64())
    } else {
        let (records, rejected) = (count(status, "lines").0, count(status, "rejected.jsonl").0);
        writeln!(
            out,
            "{records} records, {rejected} rejected, in {:.1} s -> {}",
            took.as_secs_f64(),
            options.dataflow.output.display()
        )
    };
    let shown = told.and_then(|()| {
        let busiest = busiest_users(options);
        if !busiest.is_empty() {
            writeln!(out, "\n{:>10}  user", "views")?;
        }
        busiest.iter().try_for_each(|(user, views)| writeln!(out, "{views:>10}  {user}"))
    });
    // Nobody may be listening any more.
    drop(shown);
}

/// The five users with the most views, from users.csv.
fn busiest_users(options: &Options) -> Vec<(String, u64)> {
    let Ok(mut rows) = csv::Reader::from_path(options.dataflow.output.join("users.csv")) else { return Vec::new() };
    let mut views: HashMap<String, u64> = HashMap::new();
    for row in rows.records().flatten() {
        if let (Some(user), Some(Ok(more))) = (row.get(2), row.get(3).map(str::parse::<u64>)) {
            *views.entry(user.to_owned()).or_default() += more;
        }
    }
    let mut views: Vec<_> = views.into_iter().collect();
    views.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    views.truncate(5);
    views
}
