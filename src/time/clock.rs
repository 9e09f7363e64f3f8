//! The one place that reads the machine's clock.

use super::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells processing time: real, or moved by a test.
pub trait Clock: Send + Sync + 'static {
    /// The present moment, as wall-clock time. May jump back when the machine's clock is set; whoever needs a clock
    /// that never goes back keeps the maximum.
    fn now(&self) -> Timestamp;

    /// Time passed since an arbitrary fixed moment; never goes back. For measuring spans, not for telling the time.
    fn elapsed(&self) -> Duration;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose [`elapsed`](Clock::elapsed) time starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everyone else has to ask")]
    pub fn new() -> Self {
        SystemClock { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everyone else has to ask")]
    fn now(&self) -> Timestamp {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Timestamp::from_millis(super::whole_millis(since)),
            Err(before) => Timestamp::from_millis(-super::whole_millis(before.duration())),
        }
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that stands still until it is told to move.
///
/// ```
/// use millstream::time::{Clock, ManualClock, Timestamp, seconds};
///
/// let clock = ManualClock::at(Timestamp::EPOCH);
/// clock.advance(seconds(5));
/// assert_eq!(clock.now().millis(), 5_000);
/// ```
#[derive(Debug)]
pub struct ManualClock {
    start: i64,
    now: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        ManualClock { start: now.millis(), now: AtomicI64::new(now.millis()) }
    }

    /// Moves the clock forward by whole milliseconds of `by`.
    pub fn advance(&self, by: Duration) {
        self.now.fetch_add(super::whole_millis(by), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        let passed = self.now.load(Ordering::SeqCst) - self.start;
        Duration::from_millis(u64::try_from(passed).unwrap_or(0))
    }
}
