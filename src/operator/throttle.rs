//! A limit on how many records go on in a second. What is above it waits in front of the operator, where back pressure
//! holds it; the operator itself keeps nothing, so that a checkpoint finds nothing in it and no result depends on it.
//!
//! For each record the operator is busy for a fixed time. It passes a batch on as a whole and says until when it takes no
//! more; batches for it are small, so that the flow is even and a barrier behind them does not wait for long.

use super::{AnyStage, BuildContext, Error, Head, HeadFactory, Law, Site, Stage, only};
use crate::record::{Batch, Data};
use crate::time::Timestamp;
use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;

/// How many batches go on in a second, as long as they hold more than one record.
const BATCHES_PER_SECOND: u64 = 100;

/// How far it may catch up after it was woken late, in nanoseconds: the time of a batch.
const SLACK: i128 = 1_000_000_000 / BATCHES_PER_SECOND as i128;

/// Lets so many records pass in a second, over all subtasks.
pub(crate) struct Throttle<T> {
    records_per_second: u64,
    record: PhantomData<fn(T)>,
}

impl<T: Data> Throttle<T> {
    pub(crate) fn new(records_per_second: u64) -> Self {
        Throttle { records_per_second, record: PhantomData }
    }

    /// What is wrong with it, if anything.
    pub(crate) fn flaw(&self) -> Option<String> {
        (self.records_per_second == 0)
            .then(|| "the rate of a throttle is 0 records per second; it must be at least 1".into())
    }

    /// How many records a batch for it should hold at most, over all subtasks.
    pub(crate) fn batch_limit(&self) -> usize {
        usize::try_from(self.records_per_second / BATCHES_PER_SECOND).unwrap_or(usize::MAX)
    }
}

impl<T: Data> HeadFactory for Throttle<T> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let shares = i128::try_from(context.parallelism).unwrap_or(1);
        let pace =
            Pace { per_record: 1_000_000_000 * shares / i128::from(self.records_per_second), free_at: i128::MIN };
        Ok(Box::new(ThrottleHead { pace, now: context.now.clone(), site: context.site(), next: only::<T>(outputs) }))
    }

    fn law(&self) -> Law {
        Law::OneToOne
    }
}

/// When the next record may come, in nanoseconds since 1970.
struct Pace {
    per_record: i128,
    free_at: i128,
}

impl Pace {
    fn take(&mut self, records: usize, now: Timestamp) {
        let now = i128::from(now.millis()) * 1_000_000;
        let cost = self.per_record.saturating_mul(i128::try_from(records).unwrap_or(i128::MAX));
        self.free_at = self.free_at.max(now - SLACK).saturating_add(cost);
    }

    fn free_at(&self) -> Timestamp {
        let millis = self.free_at.div_euclid(1_000_000) + i128::from(self.free_at.rem_euclid(1_000_000) > 0);
        Timestamp::from_millis(millis.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
    }
}

struct ThrottleHead<T> {
    pace: Pace,
    now: Rc<Cell<Timestamp>>,
    site: Site,
    next: Box<dyn Stage<T>>,
}

impl<T: Data> Head for ThrottleHead<T> {
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        self.pace.take(batch.len(), self.now.get());
        let rows = batch.into_rows::<T>();
        for (record, time) in rows.records.into_iter().zip(rows.times) {
            self.site.record();
            self.site.out();
            self.next.push(record, time);
        }
        self.next.batch_end();
        Ok(())
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.next.watermark(watermark);
        Ok(())
    }

    fn free_at(&self) -> Option<Timestamp> {
        Some(self.pace.free_at())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many batches of `records` pass in a second, by a clock that wakes it `late` milliseconds late.
    fn batches_in_a_second(per_record: i128, records: usize, late: i64) -> usize {
        let (mut pace, mut batches, mut now) = (Pace { per_record, free_at: i128::MIN }, 0, 0);
        while now < 1_000 {
            pace.take(records, Timestamp::from_millis(now));
            batches += 1;
            now = now.max(pace.free_at().millis() + late);
        }
        batches
    }

    #[test]
    fn the_rate_is_kept_though_the_clock_is_coarse_and_wakes_late() {
        for late in [0, 1, 5] {
            let batches = batches_in_a_second(1_000_000_000 / 30_000, 300, late);
            assert!((100..=102).contains(&batches), "{batches} batches of 300, woken {late} ms late");
        }
        assert_eq!(batches_in_a_second(1_000_000_000 / 4, 1, 0), 5, "at 0, 240, 490, 740 and 990 ms");
    }

    #[test]
    fn a_silence_earns_no_burst() {
        let mut pace = Pace { per_record: 100_000_000, free_at: i128::MIN };
        pace.take(1, Timestamp::from_millis(0));
        pace.take(1, Timestamp::from_millis(60_000));
        assert_eq!(pace.free_at().millis(), 60_090);
    }
}
