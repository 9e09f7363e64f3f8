//! Any trigger, its state as bytes, so that a windowed stream has the same type whatever its trigger.

use super::{Decision, Trigger, TriggerContext};
use crate::record::{CodecError, decode, encode_into};
use crate::time::Timestamp;
use std::mem::size_of;
use std::sync::Arc;

/// A trigger whose state is stored in bytes; no bytes stand for the state of a window that has none yet.
trait Erased<T>: Send + Sync {
    fn name(&self) -> String;
    fn check(&self) -> Result<(), String>;
    fn can_merge(&self) -> bool;
    fn call(
        &self,
        state: &mut Vec<u8>,
        event: Asked<'_, T>,
        context: &mut TriggerContext<'_>,
    ) -> Result<Decision, CodecError>;
    fn merge(&self, into: &mut Vec<u8>, other: &[u8]) -> Result<(), CodecError>;
}

/// What a trigger is asked about.
pub(in crate::operator::window) enum Asked<'a, T> {
    Record(&'a T, Timestamp),
    EventTimer(Timestamp),
    ProcessingTimer(Timestamp),
    Merged,
}

impl<T, R: Trigger<T>> Erased<T> for R {
    fn name(&self) -> String {
        Trigger::name(self)
    }

    fn check(&self) -> Result<(), String> {
        Trigger::check(self)
    }

    fn can_merge(&self) -> bool {
        Trigger::can_merge(self)
    }

    fn call(
        &self,
        stored: &mut Vec<u8>,
        event: Asked<'_, T>,
        context: &mut TriggerContext<'_>,
    ) -> Result<Decision, CodecError> {
        let mut state = read::<R::State>(stored)?;
        let decision = match event {
            Asked::Record(record, time) => self.on_record(&mut state, record, time, context),
            Asked::EventTimer(time) => self.on_event_time(&mut state, time, context),
            Asked::ProcessingTimer(time) => self.on_processing_time(&mut state, time, context),
            Asked::Merged => {
                self.on_merge(&mut state, context);
                Decision::Continue
            }
        };
        write(&state, stored)?;
        Ok(decision)
    }

    fn merge(&self, into: &mut Vec<u8>, other: &[u8]) -> Result<(), CodecError> {
        let mut state = read::<R::State>(into)?;
        Trigger::merge(self, &mut state, read(other)?);
        write(&state, into)
    }
}

fn read<S: Default + serde::de::DeserializeOwned>(stored: &[u8]) -> Result<S, CodecError> {
    if stored.is_empty() { Ok(S::default()) } else { decode(stored) }
}

fn write<S: serde::Serialize>(state: &S, stored: &mut Vec<u8>) -> Result<(), CodecError> {
    stored.clear();
    if size_of::<S>() == 0 { Ok(()) } else { encode_into(state, stored) }
}

/// Any trigger of records of type `T`.
pub(in crate::operator::window) struct AnyTrigger<T>(Arc<dyn Erased<T>>);

impl<T> Clone for AnyTrigger<T> {
    fn clone(&self) -> Self {
        AnyTrigger(self.0.clone())
    }
}

impl<T: 'static> AnyTrigger<T> {
    pub(in crate::operator::window) fn new(trigger: impl Trigger<T>) -> Self {
        AnyTrigger(Arc::new(trigger))
    }

    pub(in crate::operator::window) fn name(&self) -> String {
        self.0.name()
    }

    pub(in crate::operator::window) fn check(&self) -> Result<(), String> {
        self.0.check()
    }

    pub(in crate::operator::window) fn can_merge(&self) -> bool {
        self.0.can_merge()
    }

    /// Asks it; `state` is what it remembers.
    pub(in crate::operator::window) fn call(
        &self,
        state: &mut Vec<u8>,
        event: Asked<'_, T>,
        context: &mut TriggerContext<'_>,
    ) -> Result<Decision, CodecError> {
        self.0.call(state, event, context)
    }

    /// Adds the state of a later window to that of an earlier one.
    pub(in crate::operator::window) fn merge(&self, into: &mut Vec<u8>, other: &[u8]) -> Result<(), CodecError> {
        self.0.merge(into, other)
    }
}
