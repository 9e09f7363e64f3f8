//! The kinds of windows, as a user says them.

use super::windows::{Kind, Windows};
use crate::operator::TimeDomain;
use std::sync::Arc;
use std::time::Duration;

/// Cuts time into equal windows: each record belongs to exactly one.
///
/// * size: at least 1 ms, whole milliseconds.
/// * offset: less than the size; shifts the grid, for example to a local midnight.
///
/// ```
/// use millstream::operator::window::{Tumbling, Windows};
/// use millstream::time::{hours, minutes};
///
/// let days = Tumbling::of(hours(24)).offset(hours(22));
/// assert_eq!(Windows::<u64>::from(days).to_string(), "tumbling(1day, offset 22h)");
/// let ticks = Tumbling::of(minutes(1)).processing_time();
/// assert_eq!(Windows::<u64>::from(ticks).to_string(), "tumbling(1m, processing time)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tumbling {
    size: Duration,
    offset: Duration,
    domain: TimeDomain,
}

impl Tumbling {
    /// Windows of `size` by event time, `[n * size, (n + 1) * size)` since the Unix epoch.
    pub const fn of(size: Duration) -> Self {
        Tumbling { size, offset: Duration::ZERO, domain: TimeDomain::Event }
    }

    /// Begins windows `offset` later: `[n * size + offset, (n + 1) * size + offset)`.
    #[must_use]
    pub const fn offset(self, offset: Duration) -> Self {
        Tumbling { offset, ..self }
    }

    /// Goes by the time at which a record is handled, not by its event time.
    #[must_use]
    pub const fn processing_time(self) -> Self {
        Tumbling { domain: TimeDomain::Processing, ..self }
    }
}

impl<T> From<Tumbling> for Windows<T> {
    fn from(Tumbling { size, offset, domain }: Tumbling) -> Self {
        Windows::of(Kind::Tumbling { size, offset, domain })
    }
}

/// Windows of one size that begin at regular steps: each record belongs to about size / slide of them.
///
/// With a slide longer than the size there are gaps between the windows (they *hop*); a record in a gap belongs to no window
/// and is counted as unassigned.
///
/// * size, slide: at least 1 ms, whole milliseconds.
/// * offset: less than the slide; shifts the grid.
///
/// ```
/// use millstream::operator::window::{Sliding, Windows};
/// use millstream::time::{minutes, seconds};
///
/// let trend = Sliding::of(minutes(5)).every(seconds(10));
/// assert_eq!(Windows::<u64>::from(trend).to_string(), "sliding(5m, every 10s)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sliding {
    size: Duration,
    slide: Duration,
    offset: Duration,
    domain: TimeDomain,
}

impl Sliding {
    /// Windows of `size` by event time; without [`every`](Sliding::every) they follow one another, as tumbling ones do.
    pub const fn of(size: Duration) -> Self {
        Sliding { size, slide: size, offset: Duration::ZERO, domain: TimeDomain::Event }
    }

    /// One window begins every `slide`: `[n * slide, n * slide + size)` since the Unix epoch.
    #[must_use]
    pub const fn every(self, slide: Duration) -> Self {
        Sliding { slide, ..self }
    }

    /// Begins windows `offset` later.
    #[must_use]
    pub const fn offset(self, offset: Duration) -> Self {
        Sliding { offset, ..self }
    }

    /// Goes by the time at which a record is handled, not by its event time.
    #[must_use]
    pub const fn processing_time(self) -> Self {
        Sliding { domain: TimeDomain::Processing, ..self }
    }
}

impl<T> From<Sliding> for Windows<T> {
    fn from(Sliding { size, slide, offset, domain }: Sliding) -> Self {
        Windows::of(Kind::Sliding { size, slide, offset, domain })
    }
}

/// Cuts the records of each key where nothing came for longer than a gap.
///
/// A session's window is `[first record, last record + gap)`. Records exactly the gap apart belong together. Sessions that a
/// record in between joins become one.
///
/// * gap: at least 1 ms, whole milliseconds.
///
/// ```
/// use millstream::operator::window::{Session, Windows};
/// use millstream::time::minutes;
///
/// assert_eq!(Windows::<u64>::from(Session::gap(minutes(30))).to_string(), "session(30m)");
/// let by_record = Session::gap_by(|plan: &u64| minutes(*plan));
/// assert_eq!(Windows::from(by_record).to_string(), "session(gap by record)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    gap: Duration,
    domain: TimeDomain,
}

impl Session {
    /// Sessions by event time that end after `gap` without a record.
    pub const fn gap(gap: Duration) -> Self {
        Session { gap, domain: TimeDomain::Event }
    }

    /// Sessions by event time with a gap that each record tells: it keeps its session open for so long. A gap below 1 ms
    /// counts as 1 ms (Flink fails the job there).
    ///
    /// * gap: deterministic. If it changes between two runs, open sessions keep the ends they have.
    pub fn gap_by<T>(gap: impl Fn(&T) -> Duration + Send + Sync + 'static) -> SessionBy<T> {
        SessionBy { gap: Arc::new(gap), domain: TimeDomain::Event }
    }

    /// Goes by the time at which a record is handled, not by its event time.
    #[must_use]
    pub const fn processing_time(self) -> Self {
        Session { domain: TimeDomain::Processing, ..self }
    }
}

impl<T> From<Session> for Windows<T> {
    fn from(Session { gap, domain }: Session) -> Self {
        Windows::of(Kind::Session { gap, domain })
    }
}

/// Sessions whose gap is taken from the record: [`Session::gap_by`].
pub struct SessionBy<T> {
    gap: Arc<dyn Fn(&T) -> Duration + Send + Sync>,
    domain: TimeDomain,
}

impl<T> SessionBy<T> {
    /// Goes by the time at which a record is handled, not by its event time.
    #[must_use]
    pub fn processing_time(self) -> Self {
        SessionBy { domain: TimeDomain::Processing, ..self }
    }
}

impl<T> From<SessionBy<T>> for Windows<T> {
    fn from(SessionBy { gap, domain }: SessionBy<T>) -> Self {
        Windows::of(Kind::SessionBy { gap, domain })
    }
}

/// Windows over numbers of records of a key, whatever their times: the last `n`, each time `m` more have come.
///
/// A window that is not full at the end of input does not fire, as in Flink.
///
/// ```
/// use millstream::operator::window::{CountWindows, Windows};
///
/// assert_eq!(Windows::<u64>::from(CountWindows::of(100)).to_string(), "count(100)");
/// assert_eq!(Windows::<u64>::from(CountWindows::of(100).every(10)).to_string(), "count(100, every 10)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountWindows {
    size: u64,
    slide: u64,
}

impl CountWindows {
    /// Windows of `size` records each that follow one another. At least 1.
    pub const fn of(size: u64) -> Self {
        CountWindows { size, slide: size }
    }

    /// A window fires after every `slide` records of its key, over the last `size` (fewer at first). At least 1.
    #[must_use]
    pub const fn every(self, slide: u64) -> Self {
        CountWindows { slide, ..self }
    }
}

impl<T> From<CountWindows> for Windows<T> {
    fn from(CountWindows { size, slide }: CountWindows) -> Self {
        Windows::of(Kind::Count { size, slide })
    }
}

/// One window per key that never ends. It speaks when a trigger says so, and needs one.
///
/// ```
/// use millstream::operator::window::{Global, Windows};
///
/// assert_eq!(Windows::<u64>::from(Global).to_string(), "global");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Global;

impl<T> From<Global> for Windows<T> {
    fn from(Global: Global) -> Self {
        Windows::of(Kind::Global)
    }
}

/// Windows that the records themselves open and close; their size varies.
///
/// ```
/// use millstream::operator::window::{Matching, Windows};
///
/// let visits = Matching::new(|door: &&str| *door == "in", |door: &&str| *door == "out");
/// assert_eq!(Windows::from(visits).to_string(), "matching");
/// ```
pub struct Matching<T> {
    open: Arc<dyn Fn(&T) -> bool + Send + Sync>,
    close: Arc<dyn Fn(&T) -> bool + Send + Sync>,
}

impl<T> Matching<T> {
    /// A record for which `open` holds opens a window of its key, one for which `close` holds closes it; both belong to it.
    pub fn new(
        open: impl Fn(&T) -> bool + Send + Sync + 'static,
        close: impl Fn(&T) -> bool + Send + Sync + 'static,
    ) -> Self {
        Matching { open: Arc::new(open), close: Arc::new(close) }
    }
}

impl<T> From<Matching<T>> for Windows<T> {
    fn from(Matching { open, close }: Matching<T>) -> Self {
        Windows::of(Kind::Matching { open, close })
    }
}
