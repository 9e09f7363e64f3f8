//! A token bucket: lets records through at a given rate.

use super::Error;
use super::files::lock;
use crate::time::{Clock, SystemClock};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One grant is worth about this much time, so that blocks stay small.
const GRANT_SECONDS: f64 = 0.01;
/// What was not used for longer than this is gone: after a pause the rate is not exceeded for long.
const BURST_SECONDS: f64 = 0.1;

/// Lets through `rate` records per second, shared by all readers of a source.
pub(crate) struct Pacer {
    rate: f64,
    clock: Arc<dyn Clock>,
    bucket: Mutex<Bucket>,
}

struct Bucket {
    tokens: f64,
    filled_at: Duration,
}

impl Pacer {
    /// A pacer by the machine's clock.
    pub(crate) fn new(rate: f64) -> Self {
        Self::with_clock(rate, Arc::new(SystemClock::new()))
    }

    /// A pacer by this clock.
    pub(crate) fn with_clock(rate: f64, clock: Arc<dyn Clock>) -> Self {
        let filled_at = clock.elapsed();
        Pacer { rate, clock, bucket: Mutex::new(Bucket { tokens: 0.0, filled_at }) }
    }

    /// Whether the rate is one: finite and above zero.
    pub(crate) fn check(&self, what: &str) -> Result<(), Error> {
        if self.rate.is_finite() && self.rate > 0.0 {
            return Ok(());
        }
        let message =
            format!("the rate of {what} is {}; give records per second above 0, or no rate at all", self.rate);
        Err(Error::user(message))
    }

    /// How many records, at least one and at most `max`, may go now; else how long to wait before asking again.
    pub(crate) fn take(&self, max: usize) -> Result<usize, Duration> {
        let now = self.clock.elapsed();
        let mut bucket = lock(&self.bucket);
        let passed = now.saturating_sub(bucket.filled_at).as_secs_f64();
        bucket.filled_at = now.max(bucket.filled_at);
        bucket.tokens = (bucket.tokens + passed * self.rate).min((self.rate * BURST_SECONDS).max(1.0));
        let needed = (self.rate * GRANT_SECONDS).floor().min(max as f64).max(1.0);
        // Sums of fractions may end just below a whole number.
        if bucket.tokens + 1e-6 >= needed {
            let granted = ((bucket.tokens + 1e-6) as usize).min(max);
            bucket.tokens -= granted as f64;
            return Ok(granted);
        }
        let wait = Duration::try_from_secs_f64((needed - bucket.tokens) / self.rate).unwrap_or(Duration::MAX);
        Err(wait.clamp(Duration::from_micros(100), Duration::from_secs(1)))
    }

    /// Returns what was granted and not used.
    pub(crate) fn give_back(&self, unused: usize) {
        lock(&self.bucket).tokens += unused as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{ManualClock, Timestamp, millis, seconds};

    #[test]
    fn as_many_pass_as_the_clock_allows() {
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let pacer = Pacer::with_clock(1_000.0, clock.clone());
        assert_eq!(pacer.take(100), Err(millis(10)));
        let mut passed = 0;
        for _ in 0..1_000 {
            clock.advance(millis(1));
            passed += pacer.take(100).unwrap_or(0);
        }
        assert_eq!(passed, 1_000);
    }

    #[test]
    fn a_pause_is_not_made_up_for_but_what_is_given_back_is() {
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let pacer = Pacer::with_clock(100.0, clock.clone());
        clock.advance(seconds(60));
        assert_eq!(pacer.take(1_000), Ok(10));
        pacer.give_back(4);
        assert_eq!(pacer.take(1_000), Ok(4));
        assert_eq!(pacer.take(1_000), Err(millis(10)));
    }

    #[test]
    fn a_slow_rate_lets_one_record_through_at_a_time() {
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let pacer = Pacer::with_clock(0.5, clock.clone());
        assert_eq!(pacer.take(10), Err(seconds(1)));
        clock.advance(seconds(2));
        assert_eq!(pacer.take(10), Ok(1));
    }

    #[test]
    fn a_rate_that_is_none_is_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Pacer::new(rate).check("a.log").unwrap_err().to_string().contains("a.log"));
        }
        Pacer::new(0.1).check("a.log").unwrap();
    }
}
