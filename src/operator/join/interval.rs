//! Joins by the difference of event times, as Flink's interval join.
//!
//! With bounds `lower` and `upper` a left record `l` and a right record `r` of one key are a pair if
//! `l.time + lower <= r.time <= l.time + upper`. Seen from the left side its partners lie in `[lower, upper]` around it, seen
//! from the right side in `[-upper, -lower]`; so both sides are one and the same code.
//!
//! A record at or before the watermark is late and takes no part. So all partners of one that is not late lie behind the
//! watermark or have been kept: a record is kept until the watermark reaches the last time at which a partner could be.

use super::PIECE;
use super::kept::Kept;
use crate::operator::key_by::KeyFunction;
use crate::operator::window::Late;
use crate::operator::{
    AnyStage, BuildContext, Due, Error, Head, HeadFactory, Site, Stage, TimeDomain, Timing, only, typed,
};
use crate::record::{Batch, Data, Key};
use crate::state::Keyed;
use crate::time::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

/// Where the partners of a left record lie: milliseconds from its event time, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) lower: i64,
    pub(crate) upper: i64,
}

impl Bounds {
    /// What is wrong with them, if anything.
    pub(crate) fn flaw(self) -> Option<String> {
        let Bounds { lower, upper } = self;
        if lower > upper {
            let found = format!("from {lower} ms to {upper} ms");
            return Some(format!(
                "the interval of a join is empty: {found}; its lower bound must not exceed its upper bound"
            ));
        }
        let beyond = lower <= -i64::MAX || upper == i64::MAX;
        beyond.then(|| "a bound of an interval join is beyond the range of time".to_owned())
    }

    /// Where the partners of a right record lie.
    fn reversed(self) -> Self {
        Bounds { lower: -self.upper, upper: -self.lower }
    }
}

type Combine<L, R, O> = Arc<dyn Fn(&L, &R) -> O + Send + Sync>;

/// Pairs the records of two keyed streams by the difference of their event times.
pub(crate) struct IntervalJoin<K, L, R, O> {
    pub(crate) left: KeyFunction<L, K>,
    pub(crate) right: KeyFunction<R, K>,
    pub(crate) bounds: Bounds,
    pub(crate) combine: Combine<L, R, O>,
}

impl<K, L, R, O> HeadFactory for IntervalJoin<K, L, R, O>
where
    K: Key,
    L: Data + Serialize + DeserializeOwned,
    R: Data + Serialize + DeserializeOwned,
    O: Data,
{
    fn build(&self, context: &mut BuildContext, mut outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let late_right = typed(outputs.pop().expect("an interval join has three ports"));
        let late_left = typed(outputs.pop().expect("an interval join has three ports"));
        let (left, right) = (Kept::new(context.store(), "left")?, Kept::new(context.store(), "right")?);
        Ok(Box::new(IntervalHead {
            left: Side { key: self.left.clone(), kept: left, partners: self.bounds, late: late_left },
            right: Side { key: self.right.clone(), kept: right, partners: self.bounds.reversed(), late: late_right },
            combine: self.combine.clone(),
            common: Common {
                timing: Timing::new(context)?,
                clock: context.clock.clone(),
                site: context.site(),
                results: only::<O>(outputs),
            },
        }))
    }
}

/// One of the two streams.
struct Side<K, T> {
    key: KeyFunction<T, K>,
    /// Its records by event time.
    kept: Kept<K, T>,
    /// Where the partners of its records lie.
    partners: Bounds,
    late: Box<dyn Stage<Late<T>>>,
}

/// What both sides share.
struct Common<K, O> {
    timing: Timing<K>,
    clock: Rc<Cell<Timestamp>>,
    site: Site,
    results: Box<dyn Stage<O>>,
}

struct IntervalHead<K, L, R, O> {
    left: Side<K, L>,
    right: Side<K, R>,
    combine: Combine<L, R, O>,
    common: Common<K, O>,
}

impl<K: Key, T: Data + Serialize + DeserializeOwned> Side<K, T> {
    /// A batch of this side arrives: each record is paired with what the other side has kept, and then kept itself.
    fn arrive<P, O>(
        &mut self,
        batch: Batch,
        other: &Side<K, P>,
        common: &mut Common<K, O>,
        combine: impl Fn(&T, &P) -> O,
    ) -> Result<(), Error>
    where
        P: Data + Serialize + DeserializeOwned,
    {
        let rows = batch.into_rows::<T>();
        for ((record, time), hash) in rows.records.into_iter().zip(rows.times).zip(rows.hashes) {
            common.site.record();
            let watermark = common.clock.get();
            if time == Timestamp::MIN {
                return Err(Error::NoEventTime);
            }
            if time <= watermark {
                common.site.late();
                self.late.push(Late { record, time, watermark }, time);
                continue;
            }
            let key = (self.key)(&record);
            let at = Keyed { key: &key, hash };
            let Bounds { lower, upper } = self.partners;
            let Common { site, results, .. } = common;
            other.kept.visit(at, time.plus_millis(lower)..=time.plus_millis(upper), |partner_time, partner| {
                site.enter();
                let pair = combine(&record, partner);
                site.out();
                results.push(pair, time.max(partner_time));
            })?;
            let expiry = self.expiry(time);
            if expiry > watermark {
                if self.kept.is_empty(at)? && other.kept.is_empty(at)? {
                    common.timing.set(TimeDomain::Event, expiry, at)?;
                }
                self.kept.add(at, time, record)?;
            }
        }
        Ok(())
    }

    /// The watermark from which on no partner of a record can come.
    fn expiry(&self, time: Timestamp) -> Timestamp {
        time.plus_millis(self.partners.upper)
    }

    /// Forgets what can go; returns when the next one can.
    fn forget(&self, at: Keyed<'_, K>, watermark: Timestamp) -> Result<Option<Timestamp>, Error> {
        self.kept.forget(at, watermark.plus_millis(-self.partners.upper))?;
        Ok(self.kept.first(at)?.map(|first| self.expiry(first)))
    }
}

impl<K, L, R, O> IntervalHead<K, L, R, O>
where
    K: Key,
    L: Data + Serialize + DeserializeOwned,
    R: Data + Serialize + DeserializeOwned,
    O: Data,
{
    fn fire(&mut self, due: &Due<K>) -> Result<(), Error> {
        let at = Keyed { key: &due.key, hash: due.hash };
        let watermark = self.common.clock.get();
        let next = [self.left.forget(at, watermark)?, self.right.forget(at, watermark)?];
        match next.into_iter().flatten().min() {
            Some(next) => self.common.timing.set(TimeDomain::Event, next, at),
            None => Ok(()),
        }
    }
}

impl<K, L, R, O> Head for IntervalHead<K, L, R, O>
where
    K: Key,
    L: Data + Serialize + DeserializeOwned,
    R: Data + Serialize + DeserializeOwned,
    O: Data,
{
    fn batch(&mut self, input: usize, batch: Batch) -> Result<(), Error> {
        let combine = &*self.combine;
        match input {
            0 => self.left.arrive(batch, &self.right, &mut self.common, combine)?,
            _ => self.right.arrive(batch, &self.left, &mut self.common, |right, left| combine(left, right))?,
        }
        self.common.results.batch_end();
        self.left.late.batch_end();
        self.right.late.batch_end();
        Ok(())
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.common.timing.watermark(watermark);
        Ok(())
    }

    fn resume(&mut self) -> Result<bool, Error> {
        for _ in 0..PIECE {
            let Some(due) = self.common.timing.next()? else {
                if let Some(watermark) = self.common.timing.told() {
                    self.common.results.watermark(watermark);
                    self.left.late.watermark(watermark);
                    self.right.late.watermark(watermark);
                }
                return Ok(true);
            };
            self.fire(&due)?;
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_side_sees_the_interval_from_the_other_end() {
        assert_eq!(Bounds { lower: -5, upper: 60 }.reversed(), Bounds { lower: -60, upper: 5 });
        assert_eq!(Bounds { lower: 2, upper: 3 }.reversed().reversed(), Bounds { lower: 2, upper: 3 });
    }

    #[test]
    fn an_empty_interval_and_one_beyond_time_are_flaws() {
        assert_eq!(Bounds { lower: 3, upper: 3 }.flaw(), None);
        assert!(Bounds { lower: 4, upper: 3 }.flaw().is_some_and(|flaw| flaw.contains("from 4 ms to 3 ms")));
        for bounds in [Bounds { lower: -i64::MAX, upper: 0 }, Bounds { lower: 0, upper: i64::MAX }] {
            assert!(bounds.flaw().is_some_and(|flaw| flaw.contains("beyond the range of time")));
        }
    }
}
