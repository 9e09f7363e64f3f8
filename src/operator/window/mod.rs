//! Windows over the records of each key: what holds a record, when it speaks, and what is late.
//!
//! As in Flink, with `end - 1 ms` as a window's last instant: a window fires when the subtask's clock (its watermark) reaches
//! that instant, and is gone then; a record is late if all of its windows are gone. A record behind the clock whose window
//! still stands is not late.
//!
//! * Windows are half open, `[start, end)`, and aligned to the Unix epoch.
//! * Results bear the window's last instant as their event time, and come by window end, then by key.
//! * A late record is counted and goes to the late output, never into nothing.
//!
//! ```
//! use millstream::operator::window::{Session, Tumbling, Windows};
//! use millstream::time::minutes;
//!
//! assert_eq!(Windows::from(Tumbling::of(minutes(5))).to_string(), "tumbling(5m)");
//! assert_eq!(Windows::from(Session::gap(minutes(30))).to_string(), "session(30m)");
//! ```

mod panes;
mod session;
mod tumbling;

pub(crate) use panes::WindowCollect;

use super::key_by::KeyFunction;
use super::{Aggregate, AnyStage, BuildContext, Error, Head, HeadFactory, Site, Stage, typed};
use crate::record::{Data, Key};
use crate::time::{Timestamp, whole_millis};
use panes::AggregatePanes;
use serde::{Deserialize, Serialize};
use session::SessionHead;
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tumbling::TumblingHead;

/// How many results a head fires before it lets others have their turn.
const PIECE: usize = 4096;

/// Cuts time into equal windows: each record belongs to exactly one.
///
/// * size: at least 1 ms, whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tumbling {
    size: Duration,
}

impl Tumbling {
    /// Windows of `size`, `[n * size, (n + 1) * size)` since the Unix epoch.
    pub const fn of(size: Duration) -> Self {
        Tumbling { size }
    }
}

/// Cuts the records of each key where nothing came for longer than a gap.
///
/// A session's window is `[first record, last record + gap)`. Records exactly the gap apart belong together. Sessions that a
/// record in between joins become one.
///
/// * gap: at least 1 ms, whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    gap: Duration,
}

impl Session {
    /// Sessions that end after `gap` without a record.
    pub const fn gap(gap: Duration) -> Self {
        Session { gap }
    }
}

/// How a keyed stream is cut into windows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Windows {
    /// Equal windows.
    Tumbling(Tumbling),
    /// Windows that end with silence.
    Session(Session),
}

impl From<Tumbling> for Windows {
    fn from(tumbling: Tumbling) -> Self {
        Windows::Tumbling(tumbling)
    }
}

impl From<Session> for Windows {
    fn from(session: Session) -> Self {
        Windows::Session(session)
    }
}

impl fmt::Display for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Windows::Tumbling(Tumbling { size }) => write!(f, "tumbling({})", humantime::format_duration(*size)),
            Windows::Session(Session { gap }) => write!(f, "session({})", humantime::format_duration(*gap)),
        }
    }
}

impl Windows {
    /// What is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (what, duration) = match self {
            Windows::Tumbling(Tumbling { size }) => ("size of a tumbling window", size),
            Windows::Session(Session { gap }) => ("gap of a session window", gap),
        };
        match whole_millis(*duration) {
            0 => Err(format!("the {what} is {duration:?}; it must be at least 1 ms")),
            i64::MAX => Err(format!("the {what} is {duration:?}; that is beyond the range of time")),
            _ => Ok(()),
        }
    }
}

/// What became of one window of one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Windowed<K, R> {
    /// Whose window it is.
    pub key: K,
    /// Its first instant.
    pub start: Timestamp,
    /// The first instant behind it.
    pub end: Timestamp,
    /// The result.
    pub value: R,
}

/// A record that came too late for all of its windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late<T> {
    /// The record.
    pub record: T,
    /// Its event time.
    pub time: Timestamp,
    /// The operator's clock when it came.
    pub watermark: Timestamp,
}

impl<T> Late<T> {
    /// How far the clock was ahead of the record.
    pub fn lateness(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.watermark.millis_since(self.time)).unwrap_or(0))
    }
}

/// The way out of a window operator, and its clock.
pub(crate) struct Outputs<T, K, R> {
    site: Site,
    clock: Rc<Cell<Timestamp>>,
    results: Box<dyn Stage<Windowed<K, R>>>,
    late: Box<dyn Stage<Late<T>>>,
}

impl<T: Data, K: Key, R: Data> Outputs<T, K, R> {
    fn new(context: &BuildContext, mut outputs: Vec<AnyStage>) -> Self {
        let late = typed(outputs.pop().expect("a window operator has two ports"));
        let results = super::only(outputs);
        Outputs { site: context.site(), clock: context.clock.clone(), results, late }
    }

    /// Whether a window that ends at `end` is gone.
    fn is_gone(&self, end: Timestamp) -> bool {
        end.plus_millis(-1) <= self.clock.get()
    }

    /// The windows that are due end at or before this.
    fn due(&self) -> Timestamp {
        self.clock.get().plus_millis(1)
    }

    fn late(&mut self, record: &T, time: Timestamp) {
        self.site.late();
        self.late.push(Late { record: record.clone(), time, watermark: self.clock.get() }, time);
    }

    fn result(&mut self, key: K, start: Timestamp, end: Timestamp, value: R) {
        self.site.out();
        self.results.push(Windowed { key, start, end, value }, end.plus_millis(-1));
    }

    fn batch_end(&mut self) {
        self.results.batch_end();
        self.late.batch_end();
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.results.watermark(watermark);
        self.late.watermark(watermark);
    }
}

/// Aggregates the windows of each key.
pub(crate) struct WindowOperator<T, K, A> {
    key: KeyFunction<T, K>,
    windows: Windows,
    aggregate: Arc<A>,
}

impl<T: Data, K: Key, A: Aggregate<T>> WindowOperator<T, K, A> {
    pub(crate) fn new(key: KeyFunction<T, K>, windows: Windows, aggregate: A) -> Self {
        WindowOperator { key, windows, aggregate: Arc::new(aggregate) }
    }
}

impl<T: Data, K: Key, A: Aggregate<T>> HeadFactory for WindowOperator<T, K, A> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let (key, aggregate) = (self.key.clone(), self.aggregate.clone());
        match self.windows {
            Windows::Tumbling(Tumbling { size }) => {
                let panes = AggregatePanes::new(context, aggregate)?;
                let outputs = Outputs::new(context, outputs);
                Ok(Box::new(TumblingHead::new(whole_millis(size), key, panes, outputs)))
            }
            Windows::Session(Session { gap }) => {
                let head = SessionHead::new(context, whole_millis(gap), key, aggregate, outputs)?;
                Ok(Box::new(head))
            }
        }
    }
}
