//! Session windows: sessions of a key stand in a map by their start; their timers move only when they fire.

use super::{Outputs, PIECE};
use crate::operator::key_by::KeyFunction;
use crate::operator::{Aggregate, AnyStage, BuildContext, Error, Head};
use crate::record::{Batch, Data, Key};
use crate::state::{Keyed, MapState, Timers};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An open session; its start is its name in the map.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Open<A> {
    end: Timestamp,
    /// When it is looked at next: at or before its end. A record that prolongs it moves no timer, the timer moves when it
    /// fires.
    timer: Timestamp,
    accumulator: A,
}

/// Keys whose timers are being fired.
struct Firing<K> {
    time: Timestamp,
    rest: std::vec::IntoIter<(u64, K)>,
}

/// The head of a session window operator.
pub(super) struct SessionHead<T, K, A: Aggregate<T>> {
    gap: i64,
    key: KeyFunction<T, K>,
    aggregate: Arc<A>,
    sessions: MapState<K, Timestamp, Open<A::Accumulator>>,
    timers: Timers<K>,
    outputs: Outputs<T, K, A::Output>,
    firing: Option<Firing<K>>,
    /// The watermark to be told when all that it fires has been fired.
    due: Option<Timestamp>,
}

impl<T: Data, K: Key, A: Aggregate<T>> SessionHead<T, K, A> {
    pub(super) fn new(
        context: &mut BuildContext,
        gap: i64,
        key: KeyFunction<T, K>,
        aggregate: Arc<A>,
        outputs: Vec<AnyStage>,
    ) -> Result<Self, Error> {
        let sessions = context.store().map("sessions")?;
        let timers = context.store().timers("timers")?;
        let outputs = Outputs::new(context, outputs);
        Ok(SessionHead { gap, key, aggregate, sessions, timers, outputs, firing: None, due: None })
    }

    /// Adds a record to the session that it belongs to, opens one, or joins several.
    fn add(&mut self, key: &K, hash: u64, record: &T, time: Timestamp) -> Result<(), Error> {
        let at = Keyed { key, hash };
        let end = time.plus_millis(self.gap);
        // What touches [time, end] is one session with it: the last that starts at or before `end`, and those before it as
        // long as they reach `time`.
        let aggregate = &*self.aggregate;
        let found = self.sessions.update_last(at, ..=end, |start, open| {
            if open.end < time {
                return Found::Nothing;
            }
            if *start > time {
                return Found::Later;
            }
            aggregate.add(&mut open.accumulator, record);
            open.end = open.end.max(end);
            Found::Added
        })?;
        match found {
            Some(Found::Added) => Ok(()),
            Some(Found::Later) => self.join(at, record, time, end),
            Some(Found::Nothing) | None => {
                if self.outputs.is_gone(end) {
                    self.outputs.late(record, time);
                    return Ok(());
                }
                let mut accumulator = self.aggregate.create();
                self.aggregate.add(&mut accumulator, record);
                self.sessions.put(at, time, Open { end, timer: end, accumulator })?;
                self.timers.set(end, at)?;
                Ok(())
            }
        }
    }

    /// A record in front of a session: it begins earlier now, and may be joined with one before it.
    fn join(&mut self, at: Keyed<'_, K>, record: &T, time: Timestamp, end: Timestamp) -> Result<(), Error> {
        let mut joined: Option<(Timestamp, Open<A::Accumulator>)> = None;
        // Sessions stand apart, so those that touch [time, end] follow one another.
        while let Some((start, open)) = self.sessions.last_in(at, ..=end)?.filter(|(_, open)| open.end >= time) {
            self.sessions.remove(at, &start)?;
            joined = Some(match joined {
                None => (start, open),
                Some((_, later)) => {
                    let mut merged = open;
                    self.aggregate.merge(&mut merged.accumulator, later.accumulator);
                    merged.end = merged.end.max(later.end);
                    merged.timer = merged.timer.min(later.timer);
                    (start, merged)
                }
            });
        }
        if let Some((start, mut open)) = joined {
            self.aggregate.add(&mut open.accumulator, record);
            open.end = open.end.max(end);
            self.sessions.put(at, start.min(time), open)?;
        }
        Ok(())
    }

    /// A timer of a key fires at `time`: its sessions that end then are over, those it belonged to and that were prolonged
    /// get a new one.
    fn fire(&mut self, key: K, hash: u64, time: Timestamp) -> Result<(), Error> {
        let at = Keyed { key: &key, hash };
        // Sessions stand apart, so those that end first are those that start first.
        while let Some((start, open)) = self.sessions.remove_first_if(at, |_, open| open.end <= time)? {
            if self.outputs.site.fires(&key, open.end) {
                let value = self.aggregate.finish(open.accumulator);
                self.outputs.result(key.clone(), start, open.end, value);
                self.outputs.site.fired();
            }
        }
        for (start, mut open) in self.sessions.entries(at)? {
            if open.timer <= time {
                open.timer = open.end;
                self.timers.set(open.end, at)?;
                self.sessions.put(at, start, open)?;
            }
        }
        Ok(())
    }
}

/// What the last session before a record's end has to do with it.
enum Found {
    /// Nothing: it ended before.
    Nothing,
    /// It holds the record now.
    Added,
    /// It starts behind the record.
    Later,
}

impl<T: Data, K: Key, A: Aggregate<T>> Head for SessionHead<T, K, A> {
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        let rows = batch.rows::<T>();
        for ((record, time), hash) in rows.records.iter().zip(&rows.times).zip(&rows.hashes) {
            self.outputs.site.record();
            let key = (self.key)(record);
            self.add(&key, *hash, record, *time)?;
        }
        self.outputs.batch_end();
        Ok(())
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.due = Some(watermark);
        Ok(())
    }

    fn resume(&mut self) -> Result<bool, Error> {
        for _ in 0..PIECE {
            if self.firing.is_none() {
                let taken = self.timers.drain_first(self.outputs.due())?;
                self.firing = taken.map(|(time, keys)| Firing { time, rest: keys.into_iter() });
            }
            let Some(firing) = &mut self.firing else {
                if let Some(watermark) = self.due.take() {
                    self.outputs.watermark(watermark);
                }
                return Ok(true);
            };
            match firing.rest.next() {
                Some((hash, key)) => {
                    let time = firing.time;
                    self.fire(key, hash, time)?;
                }
                None => self.firing = None,
            }
        }
        Ok(false)
    }
}
