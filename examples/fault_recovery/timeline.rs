//! What happened when, as a person reads it.

use millstream::prelude::*;
use millstream::record::Epoch;
use millstream::time::{Clock, SystemClock};
use std::time::Duration;

/// Prints what is new in a job's status.
pub(crate) struct Timeline {
    clock: SystemClock,
    /// When it began, in milliseconds since the Unix epoch.
    pub(crate) since: i64,
    /// When the job began in this process.
    job_began: Duration,
    attempt: u32,
    /// How many restarts of subtasks and of the job have been told, and how many records that were left out.
    told: (usize, usize, u64),
}

impl Timeline {
    /// Goes on with a timeline that another process has begun then.
    pub(crate) fn since(since: Option<i64>) -> Self {
        let clock = SystemClock::new();
        let since = since.unwrap_or(clock.now().millis());
        Timeline { clock, since, job_began: Duration::ZERO, attempt: 0, told: (0, 0, 0) }
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis((self.clock.now().millis() - self.since).max(0) as u64)
    }

    pub(crate) fn tell(&self, what: &str) {
        self.tell_at(self.elapsed(), what);
    }

    fn tell_at(&self, at: Duration, what: &str) {
        println!("{:>8.3} s  {what}", at.as_secs_f64());
    }

    /// A job begins in this process.
    pub(crate) fn job_begins(&mut self) {
        self.job_began = self.elapsed();
        (self.attempt, self.told) = (0, (0, 0, 0));
    }

    /// Tells what has happened since the last look.
    pub(crate) fn look(&mut self, status: &JobStatus) {
        if self.attempt == 0 && status.attempt > 0 {
            self.tell(&format!("attempt {} runs {}", status.attempt, from(status.began_from)));
        }
        self.attempt = status.attempt;
        let alone = status.restarted.iter().skip(self.told.0).map(|it| {
            let outcome = format!(
                "only this subtask went back, {}; {} elements replayed, {:.1?}; all others went on",
                from(it.epoch),
                it.replayed,
                it.took
            );
            (it.at, format!("{}, subtask {}: {}", it.operator, it.subtask, it.cause), outcome)
        });
        let together = status.went_back.iter().skip(self.told.1).map(|it| {
            let outcome = format!("the whole job went back, {}; it ran again after {:.0?}", from(it.epoch), it.took);
            (it.at, format!("{}, subtask {}: {}", it.operator, it.subtask, it.cause), outcome)
        });
        let mut news: Vec<_> = alone.chain(together).collect();
        news.sort_by_key(|(at, ..)| *at);
        for (at, cause, outcome) in news {
            self.tell_at(self.job_began + at, &cause);
            println!("{:12}-> {outcome}", "");
        }
        let dead = status.operator("users").map_or(0, |users| users.dead);
        if dead > self.told.2 {
            self.tell(&format!("users: records left out as poison so far: {dead}"));
        }
        self.told = (status.restarted.len(), status.went_back.len(), dead);
    }
}

fn from(epoch: Epoch) -> String {
    if epoch == Epoch::ZERO { "from the beginning".to_owned() } else { format!("from checkpoint {epoch}") }
}
