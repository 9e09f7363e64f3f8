//! All that says how a stream is cut into windows: their kind, a trigger, and an allowed lateness.

use super::assigner::{Assigner, Everything, Moving, Silence};
use super::paired::Paired;
use super::trigger::{AnyTrigger, OnTimeTrigger, Trigger};
use super::tumbling::Grid;
use super::windows::{Kind, Windows, kind_text};
use crate::operator::{PaneEnd, TimeDomain};
use crate::time::{Timestamp, whole_millis};
use std::sync::Arc;
use std::time::Duration;

/// How a stream is cut into windows, and when they speak.
pub(crate) struct Cut<T> {
    windows: Windows<T>,
    /// `None`: the default of the windows.
    trigger: Option<AnyTrigger<T>>,
    lateness: Duration,
}

impl<T> Clone for Cut<T> {
    fn clone(&self) -> Self {
        Cut { windows: self.windows.clone(), trigger: self.trigger.clone(), lateness: self.lateness }
    }
}

impl<T: 'static> Cut<T> {
    /// Windows with their default trigger.
    pub(crate) fn new(windows: Windows<T>) -> Self {
        Cut { windows, trigger: None, lateness: Duration::ZERO }
    }

    /// With another trigger.
    pub(crate) fn trigger(self, trigger: impl Trigger<T>) -> Self {
        Cut { trigger: Some(AnyTrigger::new(trigger)), ..self }
    }

    /// With lateness.
    pub(crate) fn allowed_lateness(self, lateness: Duration) -> Self {
        Cut { lateness, ..self }
    }

    /// The kind of windows.
    pub(super) fn kind(&self) -> &Kind<T> {
        &self.windows.kind
    }

    /// Whether each window speaks once, on time, and is gone then.
    pub(super) fn is_plain(&self) -> bool {
        self.trigger.is_none() && self.lateness.is_zero()
    }

    /// What the trigger is asked through; the default one speaks when a window is over.
    pub(super) fn any_trigger(&self) -> AnyTrigger<T> {
        self.trigger.clone().unwrap_or_else(|| AnyTrigger::new(OnTimeTrigger))
    }

    /// How long a window stays behind its end, in milliseconds.
    pub(super) fn lateness_millis(&self) -> i64 {
        whole_millis(self.lateness)
    }

    /// The assigner, for windows that a record's time or the record itself tells.
    ///
    /// # Panics
    /// For windows that are none: those that depend on what came before.
    pub(super) fn assigner(&self) -> Arc<dyn Assigner<T>> {
        match self.kind() {
            &Kind::Tumbling { size, offset, domain } => Arc::new(Moving::new(size, size, offset, domain)),
            &Kind::Sliding { size, slide, offset, domain } => Arc::new(Moving::new(size, slide, offset, domain)),
            &Kind::Session { gap, domain } => Arc::new(Silence::new(move |_: &T| gap, domain)),
            Kind::SessionBy { gap, domain } => {
                let gap = gap.clone();
                Arc::new(Silence::new(move |record: &T| gap(record), *domain))
            }
            Kind::Global => Arc::new(Everything),
            Kind::Custom(assigner) => assigner.clone(),
            Kind::Count { .. } | Kind::Matching { .. } => {
                unreachable!("windows that depend on what came before have heads of their own")
            }
        }
    }

    /// The node's kind, with all on which its state depends.
    pub(crate) fn name(&self) -> String {
        let (word, mut settings) = self.windows.words();
        settings.extend(self.trigger.as_ref().map(|trigger| format!("trigger {}", trigger.name())));
        if !self.lateness.is_zero() {
            settings.push(format!("lateness {}", humantime::format_duration(self.lateness)));
        }
        kind_text(word, &settings)
    }

    /// What is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.windows.check()?;
        let windows = &self.windows;
        match (self.kind(), &self.trigger) {
            (Kind::Global, None) => {
                return Err("a global window never ends, so without a trigger it never fires; give it one".to_owned());
            }
            (Kind::Count { .. } | Kind::Matching { .. }, Some(trigger)) => {
                return Err(format!(
                    "{windows} windows fire when they are full, and cannot take the trigger `{}`; take a global window with that trigger",
                    trigger.name()
                ));
            }
            (_, None) => {}
            (_, Some(trigger)) => {
                trigger.check()?;
                if self.merges() && !trigger.can_merge() {
                    return Err(format!(
                        "the trigger `{}` cannot merge what it remembers, and {windows} windows merge; take another one",
                        trigger.name()
                    ));
                }
            }
        }
        if !self.lateness.is_zero() && windows.domain() != Some(TimeDomain::Event) {
            return Err(format!(
                "{windows} windows do not end by event time, so no record is late for them; take the allowed lateness away"
            ));
        }
        Ok(())
    }

    /// The end of the pane that holds a moment, and the same cut for whole panes: for records that are aggregated by pane
    /// before their windows are.
    ///
    /// # Errors
    /// If records cannot be.
    pub(crate) fn by_pane<U: 'static>(&self) -> Result<(PaneEnd, Cut<U>), String> {
        self.check()?;
        if let Some(trigger) = &self.trigger {
            return Err(format!(
                "the trigger `{}` looks at records, which a local aggregate holds back; take it away, or aggregate in one phase",
                trigger.name()
            ));
        }
        let (pane_end, kind): (PaneEnd, Kind<U>) = match *self.kind() {
            Kind::Tumbling { size, offset, domain: domain @ TimeDomain::Event } => {
                let grid = Grid::new(size, offset);
                (Arc::new(move |time| grid.end_of(time)), Kind::Tumbling { size, offset, domain })
            }
            Kind::Sliding { size, slide, offset, domain: domain @ TimeDomain::Event } if slide <= size => {
                let grid = Paired::new(whole_millis(size), whole_millis(slide), whole_millis(offset));
                let pane_end = move |time: Timestamp| {
                    let place = grid.place(time.millis()).expect("windows that touch hold every moment");
                    Timestamp::from_millis(place.pane)
                };
                (Arc::new(pane_end), Kind::Sliding { size, slide, offset, domain })
            }
            _ => {
                return Err(format!(
                    "{} windows have no panes in which records could be aggregated before they are exchanged; take tumbling or sliding ones by event time, or aggregate in one phase",
                    self.windows
                ));
            }
        };
        Ok((pane_end, Cut { windows: Windows::of(kind), trigger: None, lateness: self.lateness }))
    }

    fn merges(&self) -> bool {
        match self.kind() {
            Kind::Session { .. } | Kind::SessionBy { .. } => true,
            Kind::Custom(assigner) => assigner.merges(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trigger::{CountTrigger, DeltaTrigger, PurgingTrigger};
    use super::super::{CountWindows, Global, Session, Tumbling};
    use super::*;
    use crate::time::seconds;

    fn cut(windows: impl Into<Windows<u64>>) -> Cut<u64> {
        Cut::new(windows.into())
    }

    #[test]
    fn the_name_tells_all_on_which_state_depends() {
        assert_eq!(cut(Tumbling::of(seconds(10))).name(), "tumbling(10s)");
        let cut_late = cut(Tumbling::of(seconds(10)).offset(seconds(3))).allowed_lateness(seconds(5));
        assert_eq!(cut_late.name(), "tumbling(10s, offset 3s, lateness 5s)");
        let counted = cut(Global).trigger(PurgingTrigger::of(CountTrigger::of(7)));
        assert_eq!(counted.name(), "global(trigger purging count 7)");
    }

    #[test]
    fn what_could_never_fire_or_never_be_late_is_refused() {
        assert!(cut(Global).check().unwrap_err().contains("never fires"));
        assert_eq!(cut(Global).trigger(CountTrigger::of(1)).check(), Ok(()));
        assert!(
            cut(Global).trigger(CountTrigger::of(0)).check().unwrap_err().starts_with("the count of a trigger is 0")
        );
        let late = cut(Tumbling::of(seconds(1)).processing_time()).allowed_lateness(seconds(1));
        assert!(late.check().unwrap_err().contains("take the allowed lateness away"));
        assert!(
            cut(CountWindows::of(3)).trigger(CountTrigger::of(1)).check().unwrap_err().contains("when they are full")
        );
    }

    #[test]
    fn a_trigger_that_cannot_merge_is_refused_for_windows_that_do() {
        let delta = || DeltaTrigger::over(1.0, |a: &u64, b: &u64| b.abs_diff(*a) as f64);
        let flaw = cut(Session::gap(seconds(1))).trigger(delta()).check().unwrap_err();
        assert!(flaw.starts_with("the trigger `delta 1` cannot merge"), "{flaw}");
        assert_eq!(cut(Tumbling::of(seconds(1))).trigger(delta()).check(), Ok(()));
    }
}
