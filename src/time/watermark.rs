//! How far event time has come: what a source may promise about the records it has not read yet.

use super::{Timestamp, whole_millis};
use std::sync::Arc;
use std::time::Duration;

/// Watches the event times of one split and says up to which moment no further record is to be expected.
///
/// There is one generator per split of a source, because records are in some order within a split and in none between
/// splits. `max` is all its state unless it is stateless itself, so that it can be part of a checkpoint.
pub trait WatermarkGenerator: Send + Sync + 'static {
    /// The watermark after a record of event time `max` has been seen and none later. Must not fall when `max` grows.
    fn watermark(&self, max: Timestamp) -> Timestamp;
}

impl<F: Fn(Timestamp) -> Timestamp + Send + Sync + 'static> WatermarkGenerator for F {
    fn watermark(&self, max: Timestamp) -> Timestamp {
        self(max)
    }
}

/// A strategy for making watermarks from the event times of a stream.
///
/// ```
/// use millstream::time::{Timestamp, Watermarks, minutes, seconds};
///
/// let strategy = Watermarks::out_of_order(seconds(60)).idle_after(minutes(1));
/// assert_eq!(strategy.watermark(Timestamp::from_seconds(100)).millis(), 39_999);
/// ```
#[derive(Clone)]
pub struct Watermarks {
    generator: Arc<dyn WatermarkGenerator>,
    idle_after: Duration,
    max_drift: Option<Duration>,
}

impl Watermarks {
    /// Records never go back in time within a split: the watermark stands 1 ms behind the latest one.
    pub fn monotonic() -> Self {
        Self::out_of_order(Duration::ZERO)
    }

    /// Records are at most `bound` (whole milliseconds) older than the latest one of their split: the watermark stands
    /// `bound` and 1 ms behind that one. A record that comes later still is late.
    pub fn out_of_order(bound: Duration) -> Self {
        let behind = whole_millis(bound).saturating_add(1);
        Self::custom(move |max: Timestamp| Timestamp::from_millis(max.millis().saturating_sub(behind)))
    }

    /// The user's own rule.
    pub fn custom(generator: impl WatermarkGenerator) -> Self {
        Watermarks { generator: Arc::new(generator), idle_after: Duration::from_secs(30), max_drift: None }
    }

    /// Some records say how far event time has come: the watermark rises to what `mark` returns, right behind that record. It
    /// never falls; without a mark it stays where it is.
    ///
    /// * `mark`: is given each record with its event time, and must be deterministic. Its record type must be written down.
    ///
    /// ```
    /// use millstream::prelude::*;
    ///
    /// let job = Job::new("punctuated");
    /// let lines = job.source(MemorySource::new(["5 a", "3 b", "flush 5", "9 c"]));
    /// let seconds = |line: &&str| line.split(' ').find_map(|word| word.parse().ok()).unwrap_or(0);
    /// let marks = Watermarks::punctuated(|line: &&str, at| line.starts_with("flush").then_some(at));
    /// let timed = lines.event_time(move |line| Timestamp::from_seconds(seconds(line)), marks);
    /// # let _ = timed;
    /// ```
    pub fn punctuated<T>(
        mark: impl Fn(&T, Timestamp) -> Option<Timestamp> + Send + Sync + 'static,
    ) -> WatermarkStrategy<T> {
        WatermarkStrategy { watermarks: Self::custom(|mark| mark), mark: Some(Arc::new(mark)) }
    }

    /// How long the input must be silent until it no longer holds event time back. Default: 30 s.
    #[must_use]
    pub fn idle_after(mut self, silence: Duration) -> Self {
        self.idle_after = silence;
        self
    }

    /// Reads no split that has come more than `max_drift` of event time further than the slowest split of its source, so that
    /// what is read ahead need not be kept in windows that cannot close. A split may be ahead by one block more; one that is
    /// idle or has ended does not count as slow. Default: no bound.
    ///
    /// It holds for all subtasks of the source, each of which learns within about 10 ms how far the others have come. What
    /// waits this way does not count as silent. Works right behind a source only. (Flink's alignment also goes over several
    /// sources; ours ends with the source.)
    #[must_use]
    pub fn aligned(mut self, max_drift: Duration) -> Self {
        self.max_drift = Some(max_drift);
        self
    }

    /// The watermark of a split whose latest record has event time `max`. Never [`Timestamp::MAX`], which only the end of
    /// input is.
    pub fn watermark(&self, max: Timestamp) -> Timestamp {
        const LAST: Timestamp = Timestamp::MAX.plus_millis(-1);
        if max == Timestamp::MIN { Timestamp::MIN } else { self.generator.watermark(max).min(LAST) }
    }

    /// The silence after which an input counts as idle.
    pub fn idle_timeout(&self) -> Duration {
        self.idle_after
    }

    /// How far splits may be ahead of the slowest one; `None` if without bound.
    pub fn max_drift(&self) -> Option<Duration> {
        self.max_drift
    }
}

impl std::fmt::Debug for Watermarks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watermarks")
            .field("idle_after", &self.idle_after)
            .field("max_drift", &self.max_drift)
            .finish_non_exhaustive()
    }
}

/// What tells how far event time has come by looking at a record.
pub(crate) type Mark<T> = Arc<dyn Fn(&T, Timestamp) -> Option<Timestamp> + Send + Sync>;

/// A strategy for a stream of `T`: [`Watermarks`], which look at times only, or marks in the records
/// ([`Watermarks::punctuated`]).
pub struct WatermarkStrategy<T> {
    pub(crate) watermarks: Watermarks,
    pub(crate) mark: Option<Mark<T>>,
}

impl<T> WatermarkStrategy<T> {
    /// See [`Watermarks::idle_after`].
    #[must_use]
    pub fn idle_after(self, silence: Duration) -> Self {
        WatermarkStrategy { watermarks: self.watermarks.idle_after(silence), ..self }
    }

    /// See [`Watermarks::aligned`].
    #[must_use]
    pub fn aligned(self, max_drift: Duration) -> Self {
        WatermarkStrategy { watermarks: self.watermarks.aligned(max_drift), ..self }
    }
}

impl<T> Clone for WatermarkStrategy<T> {
    fn clone(&self) -> Self {
        WatermarkStrategy { watermarks: self.watermarks.clone(), mark: self.mark.clone() }
    }
}

impl<T> From<Watermarks> for WatermarkStrategy<T> {
    fn from(watermarks: Watermarks) -> Self {
        WatermarkStrategy { watermarks, mark: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_record_makes_the_watermark_that_ends_the_stream() {
        for strategy in [Watermarks::custom(|_| Timestamp::MAX), Watermarks::monotonic(), Watermarks::custom(|max| max)]
        {
            assert!(strategy.watermark(Timestamp::MAX) < Timestamp::MAX);
        }
    }

    #[test]
    fn before_the_first_record_there_is_no_watermark() {
        assert_eq!(Watermarks::custom(|_| Timestamp::EPOCH).watermark(Timestamp::MIN), Timestamp::MIN);
    }
}
