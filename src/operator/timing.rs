//! Timers of a keyed operator, by event time and by processing time, and the order in which they fire.
//!
//! * Within a pass timers fire by time, then by key; of one key and time there is one timer per domain.
//! * A timer that is set while others fire, and is due, fires in the same pass.
//! * An event-time timer set behind the watermark fires with the next watermark, as in Flink.
//! * At the end of input, when all event-time timers have fired, the processing-time timers that are pending fire once,
//!   each with its own time as the stamp (Flink drops them), unless one of them takes another back; those set meanwhile do
//!   not.
//!
//! A head that owns a `Timing` passes `Head::watermark`, `Head::tick` and `Head::wake_at` on to it, and fires what `next`
//! returns, some at a time, in `Head::resume`.

use super::{BuildContext, Error};
use crate::bug::{self, Bug};
use crate::record::Key;
use crate::state::{Keyed, Timers};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// Which clock a timer goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TimeDomain {
    /// The watermark.
    Event,
    /// The wall clock, as it is stamped on each element.
    Processing,
}

/// A timer that fires.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Due<K> {
    pub(crate) domain: TimeDomain,
    /// The time for which it was set.
    pub(crate) time: Timestamp,
    /// What counts as processing time while it fires.
    pub(crate) stamp: Timestamp,
    pub(crate) hash: u64,
    pub(crate) key: K,
}

/// Timers that are firing: of one domain and time, by key.
struct Firing<K> {
    domain: TimeDomain,
    time: Timestamp,
    rest: VecDeque<(u64, K)>,
}

/// The timers of a subtask's keys.
pub(crate) struct Timing<K> {
    event: Timers<K>,
    processing: Timers<K>,
    clock: Rc<Cell<Timestamp>>,
    now: Rc<Cell<Timestamp>>,
    firing: Option<Firing<K>>,
    /// Processing-time timers that were pending at the end of input, by time.
    last: RefCell<Option<VecDeque<Firing<K>>>>,
    /// The watermark to be told when all that it fires has been fired.
    untold: Option<Timestamp>,
    /// Processing time up to which timers are due.
    ticked: Timestamp,
}

impl<K: Key> Timing<K> {
    /// The timers of the operator that is built.
    pub(crate) fn new(context: &mut BuildContext) -> Result<Self, Error> {
        let event = context.store().timers("event timers")?;
        if bug::is(Bug::ForgetTimer) {
            event.drain_first(Timestamp::MAX)?;
        }
        Ok(Timing {
            event,
            processing: context.store().timers("processing timers")?,
            clock: context.clock.clone(),
            now: context.now.clone(),
            firing: None,
            last: RefCell::new(None),
            untold: None,
            ticked: Timestamp::MIN,
        })
    }

    /// Sets a timer; one that is set stays.
    pub(crate) fn set(&self, domain: TimeDomain, time: Timestamp, at: Keyed<'_, K>) -> Result<(), Error> {
        Ok(self.of(domain).set(time, at)?)
    }

    /// Takes a timer back; says whether it was set.
    pub(crate) fn delete(&self, domain: TimeDomain, time: Timestamp, at: Keyed<'_, K>) -> Result<bool, Error> {
        let was_set = self.of(domain).delete(time, at)?;
        Ok(was_set || (domain == TimeDomain::Processing && self.delete_last(time, at)))
    }

    /// Takes back one that was pending at the end of input.
    fn delete_last(&self, time: Timestamp, at: Keyed<'_, K>) -> bool {
        let mut last = self.last.borrow_mut();
        let Some(firing) = last.iter_mut().flatten().find(|firing| firing.time == time) else { return false };
        let place = firing.rest.iter().position(|(hash, key)| *hash == at.hash && key == at.key);
        place.and_then(|place| firing.rest.remove(place)).is_some()
    }

    fn of(&self, domain: TimeDomain) -> &Timers<K> {
        match domain {
            TimeDomain::Event => &self.event,
            TimeDomain::Processing => &self.processing,
        }
    }

    /// Event time has come this far: see `Head::watermark`.
    pub(crate) fn watermark(&mut self, watermark: Timestamp) {
        self.untold = Some(watermark);
    }

    /// Processing time has come this far: see `Head::tick`.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        self.ticked = now;
    }

    /// See `Head::wake_at`.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.processing.first_time()
    }

    /// The next timer to fire in this pass.
    pub(crate) fn next(&mut self) -> Result<Option<Due<K>>, Error> {
        loop {
            if let Some(firing) = &mut self.firing {
                if let Some((hash, key)) = firing.rest.pop_front() {
                    let stamp = if self.last.borrow().is_some() { firing.time } else { self.now.get() };
                    let (domain, time, stamp) = (firing.domain, firing.time, stamp.max(self.now.get()));
                    return Ok(Some(Due { domain, time, stamp, hash, key }));
                }
                self.firing = None;
            }
            self.firing = self.advance()?;
            if self.firing.is_none() {
                return Ok(None);
            }
        }
    }

    /// What fires when nothing does.
    fn advance(&mut self) -> Result<Option<Firing<K>>, Error> {
        if self.untold.is_some() {
            let drained = self.event.drain_first(self.clock.get())?;
            if let Some((time, keys)) = drained {
                return Ok(Some(Firing { domain: TimeDomain::Event, time, rest: keys.into() }));
            }
        }
        if self.untold == Some(Timestamp::MAX) {
            let mut last = self.last.borrow_mut();
            if last.is_none() {
                *last = Some(self.drain_processing(Timestamp::MAX)?);
            }
            return Ok(last.as_mut().and_then(VecDeque::pop_front));
        }
        let drained = self.processing.drain_first(self.ticked)?;
        Ok(drained.map(|(time, keys)| Firing { domain: TimeDomain::Processing, time, rest: keys.into() }))
    }

    fn drain_processing(&self, up_to: Timestamp) -> Result<VecDeque<Firing<K>>, Error> {
        let mut all = VecDeque::new();
        while let Some((time, keys)) = self.processing.drain_first(up_to)? {
            all.push_back(Firing { domain: TimeDomain::Processing, time, rest: keys.into() });
        }
        Ok(all)
    }

    /// The watermark that those behind must be told, now that `next` has nothing more.
    pub(crate) fn told(&mut self) -> Option<Timestamp> {
        self.untold.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Identity, Store, StoreOptions};

    fn timing(dir: &tempfile::TempDir) -> (Timing<u32>, BuildContext) {
        let identity = Identity { job_id: 1, uid: "timers".into(), subtask: 0, generation: 0 };
        let mut context = BuildContext::new(0, 1, 64);
        let path = dir.path().join("0.redb");
        context.store = Some(Store::create(&path, &identity, StoreOptions::default()).unwrap());
        (Timing::new(&mut context).unwrap(), context)
    }

    fn t(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn all(timing: &mut Timing<u32>) -> Vec<(TimeDomain, i64, u32)> {
        std::iter::from_fn(|| timing.next().unwrap()).map(|due| (due.domain, due.time.millis(), due.key)).collect()
    }

    use TimeDomain::{Event, Processing};

    #[test]
    fn timers_fire_by_time_and_then_by_key_when_their_own_clock_has_come() {
        let dir = tempfile::tempdir().unwrap();
        let (mut timing, context) = timing(&dir);
        for (domain, time, key) in [(Event, 5, 2), (Event, 5, 1), (Event, 3, 9), (Event, 7, 1), (Processing, 4, 1)] {
            timing.set(domain, t(time), Keyed::of(&key)).unwrap();
        }
        timing.set(Event, t(5), Keyed::of(&2)).unwrap();
        context.clock.set(t(6));
        timing.watermark(t(6));
        assert_eq!(all(&mut timing), [(Event, 3, 9), (Event, 5, 1), (Event, 5, 2)]);
        assert_eq!(timing.told(), Some(t(6)));
        assert_eq!(timing.wake_at(), Some(t(4)));
        context.now.set(t(4));
        timing.tick(t(4));
        assert_eq!(all(&mut timing), [(Processing, 4, 1)]);
        assert_eq!((timing.told(), timing.wake_at()), (None, None));
    }

    #[test]
    fn a_timer_set_while_others_fire_fires_in_the_same_pass_if_it_is_due() {
        let dir = tempfile::tempdir().unwrap();
        let (mut timing, context) = timing(&dir);
        timing.set(Event, t(1), Keyed::of(&1)).unwrap();
        context.clock.set(t(10));
        timing.watermark(t(10));
        assert_eq!(timing.next().unwrap().unwrap().time, t(1));
        timing.set(Event, t(10), Keyed::of(&1)).unwrap();
        timing.set(Event, t(11), Keyed::of(&1)).unwrap();
        assert_eq!(all(&mut timing), [(Event, 10, 1)]);
        assert!(timing.delete(Event, t(11), Keyed::of(&1)).unwrap());
    }

    #[test]
    fn at_the_end_what_waits_for_processing_time_fires_once_with_its_own_time() {
        let dir = tempfile::tempdir().unwrap();
        let (mut timing, context) = timing(&dir);
        context.now.set(t(100));
        for time in [500, 700] {
            timing.set(Processing, t(time), Keyed::of(&1)).unwrap();
        }
        timing.set(Event, t(9), Keyed::of(&1)).unwrap();
        context.clock.set(Timestamp::MAX);
        timing.watermark(Timestamp::MAX);
        assert_eq!(timing.next().unwrap().unwrap().domain, Event);
        let first = timing.next().unwrap().unwrap();
        assert_eq!((first.time, first.stamp), (t(500), t(500)));
        timing.set(Processing, t(600), Keyed::of(&1)).unwrap();
        assert_eq!(all(&mut timing), [(Processing, 700, 1)], "what was set at the end does not fire");
        assert_eq!(timing.told(), Some(Timestamp::MAX));
    }

    #[test]
    fn at_the_end_one_that_fires_may_take_a_later_one_back() {
        let dir = tempfile::tempdir().unwrap();
        let (mut timing, context) = timing(&dir);
        for (time, key) in [(500, 1), (700, 1), (700, 2), (900, 1)] {
            timing.set(Processing, t(time), Keyed::of(&key)).unwrap();
        }
        context.clock.set(Timestamp::MAX);
        timing.watermark(Timestamp::MAX);
        assert_eq!(timing.next().unwrap().unwrap().time, t(500));
        assert!(timing.delete(Processing, t(700), Keyed::of(&1)).unwrap());
        assert!(!timing.delete(Processing, t(700), Keyed::of(&1)).unwrap(), "it is gone");
        assert!(!timing.delete(Processing, t(800), Keyed::of(&1)).unwrap(), "it never was");
        assert_eq!(all(&mut timing), [(Processing, 700, 2), (Processing, 900, 1)]);
    }
}
