//! Assigners: which windows a record belongs to.

use crate::operator::TimeDomain;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

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
