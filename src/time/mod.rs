//! Time as the engine knows it: [`Timestamp`]s of event time, the [`Clock`] that alone tells processing time, and
//! [`Watermarks`], the strategies that say how far event time has come.
//!
//! * Event time is a whole number of milliseconds since the Unix epoch, may be negative, and reads and writes as
//!   RFC 3339 in UTC. Numbers in other units and texts in other formats (strftime) are read and written too.
//! * A watermark `t` promises that no record with event time `<= t` follows on that edge.
//! * Nothing outside this module reads the machine's clock, so that a test can own it.
//!
//! ```
//! use millstream::time::{Timestamp, seconds};
//!
//! let opened: Timestamp = "2015-05-17T10:05:03Z".parse()?;
//! assert_eq!((opened + seconds(60)).to_string(), "2015-05-17T10:06:03Z");
//! assert_eq!(opened.floor_to(seconds(10)).to_string(), "2015-05-17T10:05:00Z");
//! # Ok::<(), millstream::time::Error>(())
//! ```

mod clock;
mod error;
mod format;
mod timestamp;
mod unix;
mod watermark;

pub use clock::{Clock, ManualClock, SystemClock};
pub use error::Error;
pub use format::TimeFormat;
pub use timestamp::Timestamp;
#[cfg(feature = "sql")]
pub(crate) use timestamp::civil_from_days;
pub(crate) use timestamp::{days_from_civil, days_in_month};
pub(crate) use watermark::Mark;
pub use watermark::{WatermarkGenerator, WatermarkStrategy, Watermarks};

use std::time::Duration;

/// A duration of `n` milliseconds.
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A duration of `n` seconds.
pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A duration of `n` minutes of 60 seconds.
///
/// # Panics
/// If `n` minutes do not fit 64 bits of seconds.
pub const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// A duration of `n` hours of 60 minutes.
///
/// # Panics
/// If `n` hours do not fit 64 bits of seconds.
pub const fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3600)
}

/// Whole milliseconds of `duration`, saturating at `i64::MAX`; a remainder below one millisecond is cut off.
pub(crate) fn whole_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
