//! Joins without windows: every record with all that the other side has kept of its key, as a regular inner join in Flink
//! SQL.
//!
//! A record is kept under the time at which it expires, so that what is expired stands in front; without a time to live that
//! is the end of time. A read compares with the present stamp, so what a timer has not removed yet is not seen either.

use super::PIECE;
use super::kept::Kept;
use crate::operator::key_by::KeyFunction;
use crate::operator::{AnyStage, BuildContext, Due, Error, Head, HeadFactory, Site, Stage, TimeDomain, Timing, only};
use crate::record::{Batch, Data, Key};
use crate::state::Keyed;
use crate::time::{Timestamp, whole_millis};
use serde::{Serialize, de::DeserializeOwned};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How long records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retention {
    Forever,
    /// Until that long after they came (processing time), or after their event time.
    For(Duration, TimeDomain),
}

impl Retention {
    /// What is wrong with it, if anything.
    pub(crate) fn flaw(self) -> Option<String> {
        let Retention::For(ttl, _) = self else { return None };
        match whole_millis(ttl) {
            0 => Some(format!("the time to live of a join is {ttl:?}; it must be at least 1 ms")),
            i64::MAX => Some(format!("the time to live of a join is {ttl:?}; that is beyond the range of time")),
            _ => None,
        }
    }

    /// The kind of join, as far as what it has kept depends on it.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Retention::Forever => "join(unbounded)",
            Retention::For(_, TimeDomain::Event) => "join(event time to live)",
            Retention::For(_, TimeDomain::Processing) => "join(time to live)",
        }
    }
}

type Combine<L, R, O> = Arc<dyn Fn(&L, &R) -> O + Send + Sync>;

/// Pairs each record with all that the other side has kept of its key.
pub(crate) struct RegularJoin<K, L, R, O> {
    pub(crate) left: KeyFunction<L, K>,
    pub(crate) right: KeyFunction<R, K>,
    pub(crate) retention: Retention,
    pub(crate) combine: Combine<L, R, O>,
}

impl<K, L, R, O> HeadFactory for RegularJoin<K, L, R, O>
where
    K: Key,
    L: Data + Serialize + DeserializeOwned,
    R: Data + Serialize + DeserializeOwned,
    O: Data,
{
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let (left, right) = (Kept::new(context.store(), "left")?, Kept::new(context.store(), "right")?);
        Ok(Box::new(RegularHead {
            left: Side { key: self.left.clone(), kept: left },
            right: Side { key: self.right.clone(), kept: right },
            combine: self.combine.clone(),
            common: Common {
                retention: self.retention,
                timing: Timing::new(context)?,
                clock: context.clock.clone(),
                now: context.now.clone(),
                site: context.site(),
                results: only::<O>(outputs),
            },
        }))
    }
}

/// One of the two streams.
struct Side<K, T> {
    key: KeyFunction<T, K>,
    /// Its records and their event times, by the time at which they expire.
    kept: Kept<K, (Timestamp, T)>,
}

/// What both sides share.
struct Common<K, O> {
    retention: Retention,
    timing: Timing<K>,
    clock: Rc<Cell<Timestamp>>,
    now: Rc<Cell<Timestamp>>,
    site: Site,
    results: Box<dyn Stage<O>>,
}

impl<K: Key, O> Common<K, O> {
    /// What expires up to this time has expired.
    fn expired(&self) -> Timestamp {
        match self.retention {
            Retention::Forever => Timestamp::MIN,
            Retention::For(_, TimeDomain::Event) => self.clock.get(),
            Retention::For(_, TimeDomain::Processing) => self.now.get(),
        }
    }

    /// When a record that arrives now expires.
    fn expiry(&self, time: Timestamp) -> Result<Timestamp, Error> {
        match self.retention {
            Retention::Forever => Ok(Timestamp::MAX),
            Retention::For(_, TimeDomain::Event) if time == Timestamp::MIN => Err(Error::NoEventTime),
            Retention::For(ttl, TimeDomain::Event) => Ok(time.plus_millis(whole_millis(ttl))),
            Retention::For(ttl, TimeDomain::Processing) => Ok(self.now.get().plus_millis(whole_millis(ttl))),
        }
    }

    fn set_timer(&self, expiry: Timestamp, at: Keyed<'_, K>) -> Result<(), Error> {
        match self.retention {
            Retention::Forever => Ok(()),
            Retention::For(_, domain) => self.timing.set(domain, expiry, at),
        }
    }
}

struct RegularHead<K, L, R, O> {
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
            let (expired, expiry) = (common.expired(), common.expiry(time)?);
            let key = (self.key)(&record);
            let at = Keyed { key: &key, hash };
            let Common { site, results, .. } = common;
            other.kept.visit(at, expired.plus_millis(1)..=Timestamp::MAX, |_, (partner_time, partner)| {
                site.enter();
                let pair = combine(&record, partner);
                site.out();
                results.push(pair, time.max(*partner_time));
            })?;
            if expiry > expired {
                if self.kept.is_empty(at)? && other.kept.is_empty(at)? {
                    common.set_timer(expiry, at)?;
                }
                self.kept.add(at, expiry, (time, record))?;
            }
        }
        common.results.batch_end();
        Ok(())
    }

    /// Forgets what has expired; returns when the next one does.
    fn forget(&self, at: Keyed<'_, K>, expired: Timestamp) -> Result<Option<Timestamp>, Error> {
        self.kept.forget(at, expired)?;
        self.kept.first(at)
    }
}

impl<K, L, R, O> RegularHead<K, L, R, O>
where
    K: Key,
    L: Data + Serialize + DeserializeOwned,
    R: Data + Serialize + DeserializeOwned,
    O: Data,
{
    fn fire(&mut self, due: &Due<K>) -> Result<(), Error> {
        let at = Keyed { key: &due.key, hash: due.hash };
        let expired = match due.domain {
            TimeDomain::Event => self.common.clock.get(),
            TimeDomain::Processing => due.stamp,
        };
        let next = [self.left.forget(at, expired)?, self.right.forget(at, expired)?];
        next.into_iter().flatten().min().map_or(Ok(()), |next| self.common.set_timer(next, at))
    }
}

impl<K, L, R, O> Head for RegularHead<K, L, R, O>
where
    K: Key,
    L: Data + Serialize + DeserializeOwned,
    R: Data + Serialize + DeserializeOwned,
    O: Data,
{
    fn batch(&mut self, input: usize, batch: Batch) -> Result<(), Error> {
        let combine = &*self.combine;
        match input {
            0 => self.left.arrive(batch, &self.right, &mut self.common, combine),
            _ => self.right.arrive(batch, &self.left, &mut self.common, |right, left| combine(left, right)),
        }
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.common.timing.watermark(watermark);
        Ok(())
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        self.common.timing.tick(now);
        Ok(())
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.common.timing.wake_at()
    }

    fn resume(&mut self) -> Result<bool, Error> {
        for _ in 0..PIECE {
            let Some(due) = self.common.timing.next()? else {
                if let Some(watermark) = self.common.timing.told() {
                    self.common.results.watermark(watermark);
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
    use crate::time::{hours, millis};

    #[test]
    fn no_time_to_live_at_all_and_one_beyond_time_are_flaws() {
        assert_eq!(Retention::Forever.flaw(), None);
        assert_eq!(Retention::For(hours(1), TimeDomain::Event).flaw(), None);
        for (ttl, expected) in [(millis(0), "at least 1 ms"), (Duration::MAX, "beyond the range of time")] {
            assert!(Retention::For(ttl, TimeDomain::Processing).flaw().is_some_and(|flaw| flaw.contains(expected)));
        }
    }
}
