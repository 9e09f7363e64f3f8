//! What one window of one key holds, and the rules by which it is asked.

use super::assigner::Window;
use super::cut::Cut;
use super::result::{Pane, Timing};
use super::trigger::{AnyTrigger, Asked, Change, TriggerContext};
use crate::operator::TimeDomain;
use crate::record::CodecError;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A moment that a window waits for.
pub(super) type Moment = (TimeDomain, Timestamp);

/// A window's contents and all else that is known of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Slot<A> {
    /// `None` after a purge.
    pub(super) contents: Option<A>,
    /// What the trigger remembers.
    pub(super) trigger: Vec<u8>,
    /// The timers that the trigger has set.
    pub(super) timers: Vec<Moment>,
    /// How often it has fired.
    pub(super) fired: u32,
}

impl<A> Slot<A> {
    /// A window that holds nothing yet.
    pub(super) fn empty() -> Self {
        Slot { contents: None, trigger: Vec::new(), timers: Vec::new(), fired: 0 }
    }

    /// Takes a timer of the trigger; says whether it was set.
    pub(super) fn take_timer(&mut self, moment: Moment) -> bool {
        let found = self.timers.iter().position(|timer| *timer == moment);
        found.map(|index| self.timers.remove(index)).is_some()
    }

    /// Takes what the trigger wants into its list of timers, and leaves in `changes` what is new.
    fn note(&mut self, changes: &mut Vec<Change>) {
        changes.retain(|change| match *change {
            Change::Set(domain, time) => {
                let new = !self.timers.contains(&(domain, time));
                if new {
                    self.timers.push((domain, time));
                }
                new
            }
            Change::Delete(domain, time) => self.take_timer((domain, time)),
        });
    }
}

/// The clocks while a window is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    /// How far event time has come.
    pub(super) watermark: Timestamp,
    /// How far those behind know that it has come.
    pub(super) told: Timestamp,
    /// Processing time.
    pub(super) now: Timestamp,
}

/// When windows speak, and when they are gone.
pub(super) struct Rules<T> {
    trigger: AnyTrigger<T>,
    domain: TimeDomain,
    /// In milliseconds.
    lateness: i64,
}

impl<T: 'static> Rules<T> {
    pub(super) fn new(cut: &Cut<T>, domain: TimeDomain) -> Self {
        Rules { trigger: cut.any_trigger(), domain, lateness: cut.lateness_millis() }
    }

    /// The clock by which windows end.
    pub(super) fn domain(&self) -> TimeDomain {
        self.domain
    }

    /// When a window is gone; one that ends where time does stays.
    pub(super) fn gone_at(&self, window: Window) -> Option<Moment> {
        let end = self.domain.end_of(window);
        let lateness = if self.domain == TimeDomain::Event { self.lateness } else { 0 };
        (window.end < Timestamp::MAX).then(|| (self.domain, end.plus_millis(lateness)))
    }

    /// Whether a record for this window is too late.
    pub(super) fn is_gone(&self, window: Window, watermark: Timestamp) -> bool {
        match self.gone_at(window) {
            Some((TimeDomain::Event, time)) => time <= watermark,
            // Processing time does not go back, so no record comes for a window that is over.
            Some((TimeDomain::Processing, _)) | None => false,
        }
    }

    /// Whether a window waits for this moment.
    pub(super) fn waits<A>(&self, window: Window, slot: &Slot<A>, moment: Moment) -> bool {
        self.gone_at(window) == Some(moment) || slot.timers.contains(&moment)
    }

    /// Asks the trigger. Returns what the window says, and leaves in `changes` the timers that are new or taken back.
    pub(super) fn ask<A: Clone>(
        &self,
        slot: &mut Slot<A>,
        window: Window,
        event: Asked<'_, T>,
        clocks: Clocks,
        changes: &mut Vec<Change>,
    ) -> Result<Option<(A, Pane)>, CodecError> {
        let timing = self.timing(window, &event, clocks);
        changes.clear();
        let (watermark, now) = (clocks.watermark, clocks.now);
        let mut context = TriggerContext { window, domain: self.domain, watermark, now, changes };
        let decision = self.trigger.call(&mut slot.trigger, event, &mut context)?;
        slot.note(changes);
        let said = match (decision.fires(), decision.purges()) {
            (true, true) => slot.contents.take(),
            (true, false) => slot.contents.clone(),
            (false, true) => {
                slot.contents = None;
                None
            }
            (false, false) => None,
        };
        Ok(said.map(|contents| {
            let index = slot.fired;
            slot.fired = slot.fired.saturating_add(1);
            (contents, Pane { timing, index })
        }))
    }

    /// Whether what a window says now is early, on time, or late. A timer of the window's own clock speaks as of its time.
    fn timing(&self, window: Window, event: &Asked<'_, T>, clocks: Clocks) -> Timing {
        let end = self.domain.end_of(window);
        let (now, late) = match (self.domain, event) {
            (TimeDomain::Event, Asked::EventTimer(time)) => (*time, *time > end),
            (TimeDomain::Event, _) => (clocks.watermark, false),
            (TimeDomain::Processing, Asked::ProcessingTimer(time)) => (*time, false),
            (TimeDomain::Processing, _) => (clocks.now, false),
        };
        if now < end {
            Timing::Early
        } else if late || (self.domain == TimeDomain::Event && clocks.told >= end) {
            Timing::Late
        } else {
            Timing::OnTime
        }
    }

    /// Adds what the trigger remembers of a later window to what it remembers of an earlier one.
    pub(super) fn merge_triggers(&self, into: &mut Vec<u8>, other: &[u8]) -> Result<(), CodecError> {
        self.trigger.merge(into, other)
    }
}
