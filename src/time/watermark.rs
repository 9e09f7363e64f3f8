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
        Watermarks { generator: Arc::new(generator), idle_after: Duration::from_secs(30) }
    }

    /// How long the input must be silent until it no longer holds event time back. Default: 30 s.
    #[must_use]
    pub fn idle_after(mut self, silence: Duration) -> Self {
        self.idle_after = silence;
        self
    }

    /// The watermark of a split whose latest record has event time `max`.
    pub fn watermark(&self, max: Timestamp) -> Timestamp {
        if max == Timestamp::MIN { Timestamp::MIN } else { self.generator.watermark(max) }
    }

    /// The silence after which an input counts as idle.
    pub fn idle_timeout(&self) -> Duration {
        self.idle_after
    }
}

impl std::fmt::Debug for Watermarks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watermarks").field("idle_after", &self.idle_after).finish_non_exhaustive()
    }
}
