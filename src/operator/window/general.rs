//! The head for all windows that do not speak just once, on time: any assigner, any trigger, any lateness.
//!
//! The windows of a key stand in a map, each with its contents, what its trigger remembers, and the timers that the trigger
//! has set. The operator's own timers know keys only; when one fires, the windows of its key that wait for that time are
//! asked, in order. Beside the trigger's timers each window waits for the moment at which it is gone.
//!
//! * A timer that is set stands for at least one window that waits for it.
//! * The windows of a key do not touch each other if they merge.
//! * Accumulators are cloned when a trigger fires without purging: what has been told may be told again.
//!
//! Semantics are those of Flink's `WindowOperator`.

use super::PIECE;
use super::assigner::{Assigner, Window};
use super::cut::Cut;
use super::outputs::Outputs;
use super::result::{Pane, Windowed};
use super::slot::{Clocks, Moment, Rules, Slot};
use super::trigger::{Asked, Change};
use crate::operator::key_by::KeyFunction;
use crate::operator::{Aggregate, AnyStage, BuildContext, Due, Error, Head, TimeDomain, Timing};
use crate::record::{Batch, CodecError, Data, Key};
use crate::state::{self, Keyed, MapState};
use crate::time::Timestamp;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

/// The head of a window operator of any kind.
pub(super) struct GeneralHead<T, K, A: Aggregate<T>> {
    key: KeyFunction<T, K>,
    aggregate: Arc<A>,
    assigner: Arc<dyn Assigner<T>>,
    rules: Rules<T>,
    windows: MapState<K, Window, Slot<A::Accumulator>>,
    timing: Timing<K>,
    now: Rc<Cell<Timestamp>>,
    /// The last watermark that has been passed on.
    told: Timestamp,
    outputs: Outputs<T, K, A::Output>,
    uid: String,
    /// The windows of a record, while it is added.
    assigned: Vec<Window>,
    /// The timers that a trigger wants set or taken back, while it is asked.
    changes: Vec<Change>,
}

impl<T: Data, K: Key, A: Aggregate<T>> GeneralHead<T, K, A> {
    pub(super) fn new(
        context: &mut BuildContext,
        cut: &Cut<T>,
        key: KeyFunction<T, K>,
        aggregate: Arc<A>,
        outputs: Vec<AnyStage>,
    ) -> Result<Self, Error> {
        let assigner = cut.assigner();
        Ok(GeneralHead {
            key,
            aggregate,
            rules: Rules::new(cut, assigner.domain()),
            assigner,
            windows: context.store().map("windows")?,
            timing: Timing::new(context)?,
            now: context.now.clone(),
            told: context.clock.get(),
            outputs: Outputs::new(context, outputs),
            uid: context.uid().to_owned(),
            assigned: Vec::new(),
            changes: Vec::new(),
        })
    }

    /// What the trigger remembers cannot be read or written.
    fn unreadable(&self, source: CodecError) -> Error {
        state::Error::Codec { state: "windows".to_owned(), uid: self.uid.clone(), source }.into()
    }

    fn clocks(&self) -> Clocks {
        Clocks { watermark: self.outputs.clock(), told: self.told, now: self.now.get() }
    }

    /// Whether a window is gone for the present record.
    fn is_gone(&self, window: Window) -> bool {
        !self.outputs.reopens() && self.rules.is_gone(window, self.outputs.clock())
    }

    /// Adds a record to its windows.
    fn record(&mut self, at: Keyed<'_, K>, record: &T, time: Timestamp) -> Result<(), Error> {
        let stamp = match self.rules.domain() {
            TimeDomain::Event => time,
            TimeDomain::Processing => self.now.get(),
        };
        let mut assigned = std::mem::take(&mut self.assigned);
        self.assigner.assign(record, stamp, &mut assigned);
        assigned.retain(|window| window.start < window.end);
        assigned.sort_unstable_by_key(|window| (window.end, window.start));
        if assigned.is_empty() {
            self.outputs.unassigned(record, time);
        }
        let mut late = !assigned.is_empty();
        for window in assigned.drain(..) {
            self.outputs.site.enter();
            let standing = if self.assigner.merges() { self.merge(at, window)? } else { Some(window) };
            if let Some(window) = standing.filter(|window| !self.is_gone(*window)) {
                late = false;
                self.add(at, window, record, time)?;
            }
        }
        if late {
            self.outputs.late(record, time);
        }
        self.assigned = assigned;
        Ok(())
    }

    /// Adds a record to a window, and asks its trigger.
    fn add(&mut self, at: Keyed<'_, K>, window: Window, record: &T, time: Timestamp) -> Result<(), Error> {
        let (rules, aggregate, clocks, changes) = (&self.rules, &*self.aggregate, self.clocks(), &mut self.changes);
        let mut opened = false;
        let create = || {
            opened = true;
            Slot::empty()
        };
        let said = self.windows.update(at, window, create, |slot| {
            aggregate.add(slot.contents.get_or_insert_with(|| aggregate.create()), record);
            rules.ask(slot, window, Asked::Record(record, time), clocks, changes)
        })?;
        let said = said.map_err(|error| self.unreadable(error))?;
        if opened {
            self.wait(at, self.rules.gone_at(window))?;
        }
        self.arrange(at)?;
        self.say(at, window, said);
        Ok(())
    }

    /// Merges the windows that a window touches with it. Returns what has become of it; `None` if it touches none and is gone.
    fn merge(&mut self, at: Keyed<'_, K>, window: Window) -> Result<Option<Window>, Error> {
        let mut touching = Vec::new();
        let up_to = Window::new(window.end, Timestamp::MAX);
        self.windows.for_each(at, ..=up_to, |other, _| {
            if other.end >= window.start {
                touching.push(*other);
            }
        })?;
        let (Some(first), Some(last)) = (touching.first(), touching.last()) else {
            return Ok(Some(window).filter(|window| !self.is_gone(*window)));
        };
        let merged = Window::new(first.start.min(window.start), last.end.max(window.end));
        if touching == [merged] {
            return Ok(Some(merged));
        }
        let (mut slot, mut moments) = (Slot::empty(), Vec::new());
        for old in touching {
            if let Some(other) = self.windows.remove(at, &old)? {
                moments.extend(self.rules.gone_at(old));
                self.absorb(&mut slot, &mut moments, other)?;
            }
        }
        let clocks = self.clocks();
        let asked = self.rules.ask(&mut slot, merged, Asked::Merged, clocks, &mut self.changes);
        asked.map_err(|error| self.unreadable(error))?;
        self.windows.put(at, merged, slot)?;
        self.wait(at, self.rules.gone_at(merged))?;
        self.arrange(at)?;
        for moment in moments {
            self.release(at, moment)?;
        }
        Ok(Some(merged))
    }

    /// Takes a later window into an earlier one; its timers are gone.
    fn absorb(
        &self,
        slot: &mut Slot<A::Accumulator>,
        moments: &mut Vec<Moment>,
        other: Slot<A::Accumulator>,
    ) -> Result<(), Error> {
        slot.contents = match (slot.contents.take(), other.contents) {
            (Some(mut contents), Some(later)) => {
                self.aggregate.merge(&mut contents, later);
                Some(contents)
            }
            (contents, later) => contents.or(later),
        };
        let merged = self.rules.merge_triggers(&mut slot.trigger, &other.trigger);
        merged.map_err(|error| self.unreadable(error))?;
        slot.fired = slot.fired.max(other.fired);
        moments.extend(other.timers);
        Ok(())
    }

    /// Sets a timer.
    fn wait(&self, at: Keyed<'_, K>, moment: Option<Moment>) -> Result<(), Error> {
        moment.map_or(Ok(()), |(domain, time)| self.timing.set(domain, time, at))
    }

    /// Sets and takes back the timers that a trigger has asked for.
    fn arrange(&self, at: Keyed<'_, K>) -> Result<(), Error> {
        for change in &self.changes {
            match *change {
                Change::Set(domain, time) => self.timing.set(domain, time, at)?,
                Change::Delete(domain, time) => self.release(at, (domain, time))?,
            }
        }
        Ok(())
    }

    /// Takes a timer back unless a window of its key waits for it.
    fn release(&self, at: Keyed<'_, K>, moment: Moment) -> Result<(), Error> {
        let mut wanted = false;
        self.windows.for_each(at, .., |window, slot| wanted |= self.rules.waits(*window, slot, moment))?;
        if !wanted {
            self.timing.delete(moment.0, moment.1, at)?;
        }
        Ok(())
    }

    /// Emits what a window says.
    fn say(&mut self, at: Keyed<'_, K>, window: Window, said: Option<(A::Accumulator, Pane)>) {
        if let Some((accumulator, pane)) = said {
            let Window { start, end } = window;
            if self.outputs.site.fires(at.key, end) {
                let value = self.aggregate.finish(accumulator);
                self.outputs.pane(Windowed { key: at.key.clone(), start, end, value, pane });
                self.outputs.site.fired();
            }
        }
    }

    /// A timer of a key fires: the windows that wait for it are asked.
    fn fire(&mut self, due: &Due<K>) -> Result<(), Error> {
        let at = Keyed { key: &due.key, hash: due.hash };
        let moment = (due.domain, due.time);
        let mut waiting = Vec::new();
        self.windows.for_each(at, .., |window, slot| {
            if self.rules.waits(*window, slot, moment) {
                waiting.push(*window);
            }
        })?;
        let clocks = Clocks { now: due.stamp, ..self.clocks() };
        let event = || match due.domain {
            TimeDomain::Event => Asked::EventTimer(due.time),
            TimeDomain::Processing => Asked::ProcessingTimer(due.time),
        };
        for window in waiting {
            self.outputs.site.enter();
            let (rules, changes) = (&self.rules, &mut self.changes);
            changes.clear();
            let said = self.windows.update(at, window, Slot::empty, |slot| match slot.take_timer(moment) {
                true => rules.ask(slot, window, event(), clocks, changes),
                false => Ok(None),
            })?;
            let said = said.map_err(|error| self.unreadable(error))?;
            self.arrange(at)?;
            self.say(at, window, said);
            if self.rules.gone_at(window) == Some(moment) {
                self.forget(at, window)?;
            }
        }
        Ok(())
    }

    /// A window is gone.
    fn forget(&self, at: Keyed<'_, K>, window: Window) -> Result<(), Error> {
        let slot = self.windows.remove(at, &window)?;
        slot.into_iter().flat_map(|slot| slot.timers).try_for_each(|moment| self.release(at, moment))
    }
}

impl<T: Data, K: Key, A: Aggregate<T>> Head for GeneralHead<T, K, A> {
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        let rows = batch.rows::<T>();
        for ((record, time), hash) in rows.records.iter().zip(&rows.times).zip(&rows.hashes) {
            self.outputs.site.record();
            let key = (self.key)(record);
            self.record(Keyed { key: &key, hash: *hash }, record, *time)?;
        }
        self.outputs.batch_end();
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
            if let Some(due) = self.timing.next()? {
                self.fire(&due)?;
                continue;
            }
            match self.timing.told() {
                Some(watermark) => {
                    self.told = watermark;
                    self.outputs.watermark(watermark);
                }
                None => self.outputs.batch_end(),
            }
            return Ok(true);
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, Joined};
    use super::super::trigger::{ContinuousTrigger, CountTrigger};
    use super::super::{Session, Tumbling, WindowOperator};
    use super::*;
    use crate::time::millis;

    fn fixture(cut: Cut<(u8, i64)>) -> Fixture<i64, Vec<i64>> {
        Fixture::of(Box::new(WindowOperator::new(Arc::new(|record: &(u8, i64)| record.0), cut, Joined)))
    }

    #[test]
    fn no_timer_stays_behind_when_sessions_grow_merge_and_go() {
        let plain = Cut::new(Session::gap(millis(10)).processing_time().into());
        // Under the second one a session waits for nothing but the moment at which it is gone.
        for (cut, spoken) in [(plain.clone(), 1), (plain.trigger(CountTrigger::of(100)), 0)] {
            let mut sessions = fixture(cut);
            for (clock, end) in [(0, 10), (4, 14), (9, 19)] {
                sessions.clock(clock);
                sessions.push(1, clock, 0);
                assert_eq!(sessions.wake_at(), Some(end), "at {clock}");
            }
            let mut sessions = sessions.crash_and_restore();
            sessions.clock(19);
            assert_eq!((sessions.results().len(), sessions.wake_at()), (spoken, None));
        }
    }

    #[test]
    fn the_timers_of_a_window_go_with_it() {
        let trigger = ContinuousTrigger::every(millis(100)).processing_time();
        let cut = Cut::new(Tumbling::of(millis(10)).into()).trigger(trigger);
        let mut windows = fixture(cut);
        windows.clock(0);
        windows.push(1, 5, 5);
        windows.push(1, 15, 15);
        assert_eq!(windows.wake_at(), Some(100));
        windows.watermark(9);
        assert_eq!(windows.wake_at(), Some(100), "the other window waits for it");
        windows.watermark(19);
        assert_eq!((windows.results().len(), windows.wake_at()), (2, None));
        let (_dir, mut store) = windows.into_store();
        let left = store.map::<u8, Window, Slot<Vec<i64>>>("windows").unwrap();
        assert!(left.is_empty(Keyed::of(&1)).unwrap(), "a window that is gone leaves nothing in the state");
    }
}
