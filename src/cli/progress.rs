//! The line that tells on a terminal how far a job has come.

use crate::runtime::JobStatus;
use crate::time::{Clock, SystemClock};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// How often the line is written anew.
pub(super) const INTERVAL: Duration = Duration::from_millis(500);

/// A line on stderr, rewritten in place.
pub(super) struct Progress {
    is_shown: bool,
    clock: SystemClock,
    /// When it was written last, and what had been read.
    last: Option<(Duration, u64)>,
}

impl Progress {
    /// Shown if stderr is a terminal, and stdout, where rows may go, is none.
    pub(super) fn new() -> Self {
        Progress {
            is_shown: io::stderr().is_terminal() && !io::stdout().is_terminal(),
            clock: SystemClock::default(),
            last: None,
        }
    }

    /// Tells of this status.
    pub(super) fn show(&mut self, status: &JobStatus) {
        if !self.is_shown {
            return;
        }
        let (now, read) = (self.clock.elapsed(), read(status));
        let rate = self.last.map(|(then, before)| {
            read.saturating_sub(before) as f64 / now.saturating_sub(then).as_secs_f64().max(f64::EPSILON)
        });
        self.last = Some((now, read));
        // A terminal that has gone is no reason to stop.
        let _ = write!(io::stderr().lock(), "\r\x1b[K{}", line(status, read, rate));
    }

    /// Takes the line away.
    pub(super) fn end(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

/// What sources have given.
fn read(status: &JobStatus) -> u64 {
    status.operators.iter().filter(|operator| operator.is_source).map(|operator| operator.records_out).sum()
}

fn line(status: &JobStatus, read: u64, rate: Option<f64>) -> String {
    let mut line = format!("{}: {read} records read", status.job);
    if let Some(rate) = rate {
        line += &format!(", {rate:.0}/s");
    }
    if let Some(watermark) = status.watermark {
        line += &format!(", watermark {watermark}");
    }
    line += &format!(", {} checkpoints", status.checkpoints);
    let dead: u64 = status.operators.iter().map(|operator| operator.dead).sum();
    if dead > 0 {
        line += &format!(", {dead} dead letters");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Job;
    use crate::config::Config;
    use crate::connector::{DiscardSink, MemorySource};

    #[test]
    fn records_are_counted_where_they_come_in() {
        let job = Job::new("numbers");
        job.source(MemorySource::new(0..10_u32)).flat_map(|n| [n, n]).sink(DiscardSink);
        let status = job.run(Config::default()).unwrap();
        let checkpoints = status.checkpoints;
        let line = line(&status, read(&status), Some(1234.5));
        assert!(line.starts_with("numbers: 10 records read, 1234/s"), "{line}");
        assert!(line.ends_with(&format!(", {checkpoints} checkpoints")), "{line}");
    }
}
