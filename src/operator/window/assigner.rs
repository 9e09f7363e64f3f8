//! Assigners: which windows a record belongs to.

use super::tumbling::Grid;
use crate::operator::TimeDomain;
use crate::time::{Timestamp, whole_millis};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A span of time, `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Its first instant.
    pub start: Timestamp,
    /// The first instant behind it.
    pub end: Timestamp,
}

impl Window {
    /// All of time.
    pub const ALL: Window = Window { start: Timestamp::MIN, end: Timestamp::MAX };

    /// The window `[start, end)`.
    pub const fn new(start: Timestamp, end: Timestamp) -> Self {
        Window { start, end }
    }

    /// Its last instant, 1 ms before its end: the event time of its results.
    pub const fn last_instant(&self) -> Timestamp {
        self.end.plus_millis(-1)
    }
}

/// Says which windows a record belongs to.
///
/// Shape: one record in, any number of windows out, in any order. A record without a window is counted as unassigned. Must be
/// deterministic; keeps no state.
///
/// ```
/// use millstream::operator::window::{Assigner, Window, Windows};
/// use millstream::time::{Timestamp, hours};
///
/// /// The shift of eight hours in which something was made, and the whole day.
/// struct ShiftAndDay;
///
/// impl<T> Assigner<T> for ShiftAndDay {
///     fn name(&self) -> String {
///         "shift and day".to_owned()
///     }
///
///     fn assign(&self, _record: &T, time: Timestamp, windows: &mut Vec<Window>) {
///         for size in [hours(8), hours(24)] {
///             let start = time.floor_to(size);
///             windows.push(Window::new(start, start + size));
///         }
///     }
/// }
///
/// let windows = Windows::<u64>::custom(ShiftAndDay);
/// assert_eq!(windows.to_string(), "custom(shift and day)");
/// ```
pub trait Assigner<T>: Send + Sync + 'static {
    /// What it is called, with all settings: state written under another name is refused at a restart.
    fn name(&self) -> String;

    /// Adds the windows of a record to `windows`.
    ///
    /// * time: the record's event time, or the time at which it is handled, as [`domain`](Assigner::domain) says.
    ///
    /// A window must not be empty; an empty one is passed over.
    fn assign(&self, record: &T, time: Timestamp, windows: &mut Vec<Window>);

    /// The clock by which its windows end.
    fn domain(&self) -> TimeDomain {
        TimeDomain::Event
    }

    /// Whether windows of a key that overlap or touch become one, as sessions do.
    fn merges(&self) -> bool {
        false
    }
}

/// Windows of one size at regular steps: tumbling and sliding ones.
pub(super) struct Moving {
    size: i64,
    grid: Grid,
    slide: i64,
    domain: TimeDomain,
}

impl Moving {
    pub(super) fn new(size: Duration, slide: Duration, offset: Duration, domain: TimeDomain) -> Self {
        let (size, step) = (whole_millis(size).max(1), whole_millis(slide).max(1));
        Moving { size, grid: Grid::new(slide, offset), slide: step, domain }
    }
}

impl<T> Assigner<T> for Moving {
    fn name(&self) -> String {
        "moving".to_owned()
    }

    fn assign(&self, _: &T, time: Timestamp, windows: &mut Vec<Window>) {
        // Beyond the range of time, which cuts windows off only when all have been found.
        let time = i128::from(time.millis());
        let mut start = time - i128::from(self.grid.beyond(time as i64));
        let (size, slide) = (i128::from(self.size), i128::from(self.slide));
        let cut = |millis: i128| Timestamp::from_millis(millis.clamp(i64::MIN.into(), i64::MAX.into()) as i64);
        while start > time - size {
            windows.push(Window::new(cut(start), cut(start + size)));
            start -= slide;
        }
    }

    fn domain(&self) -> TimeDomain {
        self.domain
    }
}

/// Sessions: a record's window lasts as long as its gap, and windows that touch merge.
pub(super) struct Silence<F> {
    gap: F,
    domain: TimeDomain,
}

impl<F> Silence<F> {
    pub(super) fn new(gap: F, domain: TimeDomain) -> Self {
        Silence { gap, domain }
    }
}

impl<T, F: Fn(&T) -> Duration + Send + Sync + 'static> Assigner<T> for Silence<F> {
    fn name(&self) -> String {
        "silence".to_owned()
    }

    fn assign(&self, record: &T, time: Timestamp, windows: &mut Vec<Window>) {
        let end = time.plus_millis(whole_millis((self.gap)(record)).max(1));
        // No window is empty, not even at the end of time.
        windows.push(Window::new(time.min(end.plus_millis(-1)), end));
    }

    fn domain(&self) -> TimeDomain {
        self.domain
    }

    fn merges(&self) -> bool {
        true
    }
}

/// One window for everything.
pub(super) struct Everything;

impl<T> Assigner<T> for Everything {
    fn name(&self) -> String {
        "everything".to_owned()
    }

    fn assign(&self, _: &T, _: Timestamp, windows: &mut Vec<Window>) {
        windows.push(Window::ALL);
    }
}
