//! Passes one record of a key in a span of time, and drops those that are too near to it.
//!
//! What has passed is kept as marks, a sorted map of times per key. Marks of a key are at least the span apart, so there are
//! few of them: one, and as many more as records may be out of order. A key has one timer, at the time when its first mark
//! can go; when it fires it moves to the next mark.

use super::key_by::KeyFunction;
use super::{AnyStage, BuildContext, Due, Error, Head, HeadFactory, Site, Stage, TimeDomain, Timing, only};
use crate::record::{Batch, Data, Key};
use crate::state::{Keyed, MapState};
use crate::time::{Timestamp, whole_millis};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// How many keys are looked at before others have their turn.
const PIECE: usize = 4096;

/// Drops what comes within a span of time of a record of its key that has passed.
pub(crate) struct Dedup<T, K> {
    key: KeyFunction<T, K>,
    within: Duration,
    domain: TimeDomain,
}

impl<T: Data, K: Key> Dedup<T, K> {
    pub(crate) fn new(key: KeyFunction<T, K>, within: Duration, domain: TimeDomain) -> Self {
        Dedup { key, within, domain }
    }

    /// What is wrong with it, if anything.
    pub(crate) fn flaw(&self) -> Option<String> {
        match whole_millis(self.within) {
            0 => Some(format!("the span of a dedup is {:?}; it must be at least 1 ms", self.within)),
            i64::MAX => Some(format!("the span of a dedup is {:?}; that is beyond the range of time", self.within)),
            _ => None,
        }
    }
}

impl<T: Data, K: Key> HeadFactory for Dedup<T, K> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        Ok(Box::new(DedupHead {
            key: self.key.clone(),
            within: whole_millis(self.within),
            domain: self.domain,
            passed: context.store().map("passed")?,
            timing: Timing::new(context)?,
            clock: context.clock.clone(),
            now: context.now.clone(),
            site: context.site(),
            next: only::<T>(outputs),
        }))
    }
}

struct DedupHead<T, K> {
    key: KeyFunction<T, K>,
    within: i64,
    domain: TimeDomain,
    passed: MapState<K, Timestamp, ()>,
    timing: Timing<K>,
    clock: Rc<Cell<Timestamp>>,
    now: Rc<Cell<Timestamp>>,
    site: Site,
    next: Box<dyn Stage<T>>,
}

impl<T: Data, K: Key> DedupHead<T, K> {
    /// When a mark can go: when whatever is still to come is at least the span behind it.
    fn expiry(&self, mark: Timestamp) -> Timestamp {
        match self.domain {
            // After a watermark nothing comes at that very moment.
            TimeDomain::Event => mark.plus_millis(self.within - 1),
            TimeDomain::Processing => mark.plus_millis(self.within),
        }
    }

    /// Whether a record passes; if so, leaves its mark.
    fn passes(&mut self, at: Keyed<'_, K>, time: Timestamp) -> Result<bool, Error> {
        let near = self.passed.last_in(at, ..time.plus_millis(self.within))?;
        if near.is_some_and(|(mark, ())| mark > time.plus_millis(-self.within)) {
            return Ok(false);
        }
        let expiry = self.expiry(time);
        let gone = self.domain == TimeDomain::Event && expiry <= self.clock.get();
        if !gone {
            if self.passed.is_empty(at)? {
                self.timing.set(self.domain, expiry, at)?;
            }
            self.passed.put(at, time, ())?;
        }
        Ok(true)
    }

    fn fire(&mut self, due: &Due<K>) -> Result<(), Error> {
        let at = Keyed { key: &due.key, hash: due.hash };
        let clock = match self.domain {
            TimeDomain::Event => self.clock.get(),
            TimeDomain::Processing => due.stamp,
        };
        while self.passed.remove_first_if(at, |mark, ()| self.expiry(*mark) <= clock)?.is_some() {}
        if let Some((mark, ())) = self.passed.first_in(at, ..)? {
            self.timing.set(self.domain, self.expiry(mark), at)?;
        }
        Ok(())
    }
}

impl<T: Data, K: Key> Head for DedupHead<T, K> {
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        let rows = batch.into_rows::<T>();
        for ((record, time), hash) in rows.records.into_iter().zip(rows.times).zip(rows.hashes) {
            self.site.record();
            let moment = match self.domain {
                TimeDomain::Event if time == Timestamp::MIN => return Err(Error::NoEventTime),
                TimeDomain::Event => time,
                TimeDomain::Processing => self.now.get(),
            };
            let key = (self.key)(&record);
            if self.passes(Keyed { key: &key, hash }, moment)? {
                self.site.out();
                self.next.push(record, time);
            }
        }
        self.next.batch_end();
        Ok(())
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.timing.watermark(watermark);
        Ok(())
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        self.timing.tick(now);
        Ok(())
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.timing.wake_at()
    }

    fn resume(&mut self) -> Result<bool, Error> {
        for _ in 0..PIECE {
            let Some(due) = self.timing.next()? else {
                if let Some(watermark) = self.timing.told() {
                    self.next.watermark(watermark);
                }
                return Ok(true);
            };
            self.fire(&due)?;
        }
        Ok(false)
    }
}
