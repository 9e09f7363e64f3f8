//! Time to live: when state is over, told by the stamps of its last use.
//!
//! # The idea
//! What is kept under a [`Ttl`] bears the *stamp* of its last use: the time that the operator told ([`Stamp::advance`]) before
//! it used the state, never a clock that is read here. It is over from the instant `stamp + ttl` on. From then on it is as if
//! it were not there, whether it has been cleaned up or not.
//!
//! # Cleaning
//! What is over goes in the background, without being touched again:
//! * from memory, at each hand-off, a part of the table at a time;
//! * from the file, when runs are folded; and a [`Sweep`](super::sweep) goes round the base.
//!
//! Both go round once in half a time to live, as the stamps tell it. Neither leaves tombstones: an older version of what is
//! over is over too.
//!
//! # Invariants
//! * A stamp never goes back, also not across a restore: the operator tells it from its own clock, which is restored with it.
//! * The file is cleaned with the stamp of a freed epoch. Whoever goes back to that epoch or a later one begins at that stamp
//!   or a later one, so what has been cleaned is over for them too: they see what the first run saw.

use crate::time::Timestamp;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// How long state lives after its last use.
///
/// State is over from the instant `stamp of its last use + ttl` on. Use is writing, and with
/// [`refreshed_on_read`](Ttl::refreshed_on_read) reading as well. What lives by itself is a value, an entry of a map, or an
/// item of a list. What is over is never seen.
///
/// Whether a state has a time to live cannot change once it is in a file; how long it is, and what refreshes it, can, and
/// holds for all that has not been cleaned up yet.
///
/// ```
/// use millstream::state::{Identity, Keyed, Stamp, Store, StoreOptions, Ttl};
/// use millstream::time::{Timestamp, hours};
///
/// let dir = tempfile::tempdir()?;
/// let identity = Identity { job_id: 1, uid: "dedup".into(), subtask: 0, generation: 0 };
/// let mut store = Store::create(&dir.path().join("0.redb"), &identity, StoreOptions::default())?;
/// let stamp = Stamp::new();
/// let seen = store.value_with_ttl::<u64, bool>("seen", Ttl::after(hours(1)), &stamp)?;
/// stamp.advance(Timestamp::from_seconds(10));
/// seen.put(Keyed::of(&7), true)?;
/// stamp.advance(Timestamp::from_millis(3_609_999));
/// assert_eq!(seen.get(Keyed::of(&7))?, Some(true));
/// stamp.advance(Timestamp::from_seconds(3610));
/// assert_eq!(seen.get(Keyed::of(&7))?, None);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl {
    pub(super) millis: i64,
    pub(super) on_read: bool,
}

impl Ttl {
    /// Over so long after the last write.
    ///
    /// * `ttl`: at least 1 ms, whole milliseconds.
    pub fn after(ttl: Duration) -> Self {
        Ttl { millis: i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX), on_read: false }
    }

    /// Reading is a use too. It then costs what a write costs: the epoch writes the entry with its new stamp, and of a list
    /// all items. Reading a map refreshes the entries that are shown.
    pub fn refreshed_on_read(mut self) -> Self {
        self.on_read = true;
        self
    }
}

/// What time it is for state with a [`Ttl`]. A clone tells the same time.
///
/// The operator that owns the state advances it before it uses the state: to the stamp of the message it handles (processing
/// time), or to its event-time clock. It must do so before the first use after a restore as well.
#[derive(Clone, Debug)]
pub struct Stamp(Rc<Cell<Timestamp>>);

impl Default for Stamp {
    fn default() -> Self {
        Stamp::new()
    }
}

impl Stamp {
    /// Before all time.
    pub fn new() -> Self {
        Stamp(Rc::new(Cell::new(Timestamp::MIN)))
    }

    /// Goes on to `now`; never back.
    pub fn advance(&self, now: Timestamp) {
        self.0.set(self.0.get().max(now));
    }

    /// The time it was advanced to.
    pub fn now(&self) -> Timestamp {
        self.0.get()
    }
}

/// A state's time to live, with the time it is.
#[derive(Debug)]
pub(super) struct Aging {
    pub(super) ttl: Ttl,
    pub(super) stamp: Stamp,
}

impl Aging {
    pub(super) fn now(&self) -> Timestamp {
        self.stamp.now()
    }

    /// What was used last then, or earlier, is over. `None`: nothing is.
    pub(super) fn cutoff(&self) -> Option<Timestamp> {
        self.now().millis().checked_sub(self.ttl.millis).map(Timestamp::from_millis)
    }

    pub(super) fn is_over(&self, stamp: Timestamp) -> bool {
        self.cutoff().is_some_and(|cutoff| stamp <= cutoff)
    }
}

/// A state's time at an epoch, by which what is over then can be cleaned up.
#[derive(Clone, Debug)]
pub(super) struct Expiry {
    /// The state's number.
    pub(super) state: u8,
    pub(super) now: Timestamp,
    pub(super) ttl_millis: i64,
    /// What was used last then, or earlier, is over.
    pub(super) cutoff: Timestamp,
}

/// Whether a stored entry is over. Those of states with a time to live begin with the stamp of their last use.
pub(super) fn is_over(expiry: &[Expiry], key: &[u8], value: &[u8]) -> bool {
    let of_state = |expiry: &&Expiry| key.get(1) == Some(&expiry.state);
    expiry.iter().find(of_state).is_some_and(|expiry| {
        value.first_chunk().is_some_and(|stamp| i64::from_le_bytes(*stamp) <= expiry.cutoff.millis())
    })
}

/// The share of a round that is due when time has gone on from `before` to `now`, of `whole`: a round takes half a time to
/// live.
pub(super) fn due(whole: u64, before: Timestamp, now: Timestamp, ttl_millis: i64) -> u64 {
    let elapsed = u128::from(now.millis().abs_diff(before.millis()));
    let due = (u128::from(whole) * 2).saturating_mul(elapsed) / u128::from(ttl_millis.max(1).unsigned_abs());
    u64::try_from(due.min(u128::from(whole))).unwrap_or(whole)
}

/// How many slots that are only below were used last when, so that they are counted off when they are over, unseen.
#[derive(Debug, Default)]
pub(super) struct Ages {
    /// By the span of time that the stamp lies in.
    counts: BTreeMap<i64, usize>,
}

/// A time to live is cut into so many spans.
const SPANS: i64 = 32;

impl Ages {
    fn width(aging: &Aging) -> i64 {
        (aging.ttl.millis / SPANS).max(1)
    }

    pub(super) fn add(&mut self, aging: &Aging, stamp: Timestamp) {
        *self.counts.entry(stamp.millis().div_euclid(Self::width(aging))).or_default() += 1;
    }

    /// Takes one back that is not over.
    pub(super) fn take(&mut self, aging: &Aging, stamp: Timestamp) {
        if let Some(count) = self.counts.get_mut(&stamp.millis().div_euclid(Self::width(aging))) {
            *count = count.saturating_sub(1);
        }
    }

    /// Takes out all spans that are over as a whole; returns how many slots were in them.
    pub(super) fn settle(&mut self, aging: &Aging) -> usize {
        let Some(cutoff) = aging.cutoff() else { return 0 };
        // The span in which the cutoff lies is not over.
        let kept = self.counts.split_off(&cutoff.millis().div_euclid(Self::width(aging)));
        std::mem::replace(&mut self.counts, kept).into_values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{hours, millis};
    use std::time::Duration;

    fn aging(ttl: Duration, now: i64) -> Aging {
        let stamp = Stamp::new();
        stamp.advance(Timestamp::from_millis(now));
        Aging { ttl: Ttl::after(ttl), stamp }
    }

    #[test]
    fn state_is_over_from_its_last_use_plus_its_time_to_live_on() {
        let is_over = |now, stamp| aging(millis(10), now).is_over(Timestamp::from_millis(stamp));
        assert!(!is_over(109, 100) && is_over(110, 100) && is_over(111, 100));
        assert!(!is_over(i64::MIN, i64::MIN), "before all time nothing is over");
        assert!(!is_over(i64::MIN + 9, i64::MIN) && is_over(i64::MIN + 10, i64::MIN));
        assert!(!is_over(i64::MAX, i64::MAX) && !is_over(i64::MAX, i64::MAX - 9) && is_over(i64::MAX, i64::MAX - 10));
        let long = aging(Duration::MAX, i64::MAX);
        assert!(!long.is_over(Timestamp::from_millis(1)) && long.is_over(Timestamp::from_millis(0)));
    }

    #[test]
    fn a_stamp_never_goes_back() {
        let stamp = Stamp::default();
        stamp.advance(Timestamp::from_seconds(2));
        stamp.clone().advance(Timestamp::from_seconds(1));
        assert_eq!(stamp.now(), Timestamp::from_seconds(2));
    }

    #[test]
    fn a_round_takes_half_a_time_to_live() {
        let at = Timestamp::from_seconds;
        assert_eq!(due(1000, at(0), at(36), 3_600_000), 20);
        assert_eq!(due(1000, at(0), at(1800), 3_600_000), 1000);
        assert_eq!(due(u64::MAX, Timestamp::MIN, Timestamp::MAX, 1), u64::MAX);
    }

    #[test]
    fn what_is_below_is_counted_off_when_it_is_over() {
        let aging = aging(hours(1), 0);
        let minute = |n: i64| Timestamp::from_seconds(60 * n);
        let mut ages = Ages::default();
        (0..60).for_each(|n| ages.add(&aging, minute(n)));
        ages.take(&aging, minute(59));
        aging.stamp.advance(minute(59));
        assert_eq!(ages.settle(&aging), 0);
        let mut left: i64 = 59;
        for n in 60..130 {
            aging.stamp.advance(minute(n));
            left -= ages.settle(&aging) as i64;
            let living = (118 - n).max(0);
            assert!((living..living + 3).contains(&left), "{n}: {left} for {living}");
        }
        assert_eq!((left, ages.counts.len()), (0, 0));
    }
}
