//! A sink that shows each record at once.

use crate::connector::{Committer, Error, Guarantee, Prepared, Sink, SinkContext, SinkWriter};
use crate::record::{Data, Epoch};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Shows each record as soon as it arrives, with its event time; other sinks show it when its epoch is complete.
///
/// A crash takes back what belongs to no complete epoch, so that afterwards each record has been seen once. A clone looks at
/// the same records.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::testing::{Harness, Probe};
///
/// let late = Probe::new();
/// let seen = late.clone();
/// let mut counts = Harness::new(move |hits: Stream<u8>| {
///     let windows = hits.key_by(|hit| *hit).window(Tumbling::of(seconds(1)));
///     windows.late().map(|late| late.record).sink(late);
///     windows.count()
/// });
/// counts.watermark(Timestamp::from_seconds(9));
/// counts.push(7, Timestamp::from_seconds(1));
/// assert_eq!((counts.drain().len(), seen.drain()), (0, vec![7]));
/// ```
pub struct Probe<T> {
    shared: Arc<Mutex<Shared<T>>>,
}

/// A record, its event time, and the subtask in which it arrived.
struct Row<T> {
    subtask: usize,
    record: T,
    time: Timestamp,
}

struct Shared<T> {
    /// Belong to complete epochs of earlier lives.
    kept: Vec<Row<T>>,
    /// Have come in this life.
    present: Vec<Row<T>>,
    life: u64,
    /// How many of both have been looked at.
    drained: usize,
}

/// What a complete epoch holds of the present life: records by subtask.
#[derive(Serialize, Deserialize)]
struct Mark {
    life: u64,
    counts: BTreeMap<usize, u64>,
}

impl<T> Clone for Probe<T> {
    fn clone(&self) -> Self {
        Probe { shared: self.shared.clone() }
    }
}

impl<T: Data> Default for Probe<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Probe<T> {
    fn lock(&self) -> MutexGuard<'_, Shared<T>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Data> Probe<T> {
    /// A probe that has seen nothing.
    pub fn new() -> Self {
        let shared = Shared { kept: Vec::new(), present: Vec::new(), life: 0, drained: 0 };
        Probe { shared: Arc::new(Mutex::new(shared)) }
    }

    /// What has arrived since the last look, in the order of arrival.
    pub fn drain(&self) -> Vec<T> {
        self.drain_timed().into_iter().map(|(record, _)| record).collect()
    }

    /// [`drain`](Probe::drain), with event times.
    pub fn drain_timed(&self) -> Vec<(T, Timestamp)> {
        let mut shared = self.lock();
        let rows = shared.kept.iter().chain(&shared.present).skip(shared.drained);
        let rows: Vec<_> = rows.map(|row| (row.record.clone(), row.time)).collect();
        shared.drained += rows.len();
        rows
    }

    /// All that has arrived.
    pub fn all(&self) -> Vec<T> {
        let shared = self.lock();
        shared.kept.iter().chain(&shared.present).map(|row| row.record.clone()).collect()
    }
}

impl<T: Data> Sink<T> for Probe<T> {
    fn describe(&self) -> String {
        "probe".to_owned()
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    fn writer(&self, context: &SinkContext) -> Result<Box<dyn SinkWriter<T>>, Error> {
        Ok(Box::new(Writer { probe: self.clone(), subtask: context.subtask, count: 0 }))
    }

    fn committer(&self) -> Result<Option<Box<dyn Committer>>, Error> {
        Ok(Some(Box::new(self.clone())))
    }
}

struct Writer<T> {
    probe: Probe<T>,
    subtask: usize,
    /// How many have come in this life.
    count: u64,
}

impl<T: Data> SinkWriter<T> for Writer<T> {
    fn write(&mut self, record: T, time: Timestamp) -> Result<(), Error> {
        self.count += 1;
        self.probe.lock().present.push(Row { subtask: self.subtask, record, time });
        Ok(())
    }

    fn prepare(&mut self, _: Epoch) -> Prepared {
        let count = self.count;
        Box::new(move || Ok(Value::from(count)))
    }
}

impl<T: Data> Committer for Probe<T> {
    /// Forgets what belongs to no complete epoch.
    fn recover(&mut self, records: &[Value], _: bool) -> Result<(), Error> {
        let mark: Option<Mark> = records.last().and_then(|record| Mark::deserialize(record).ok());
        let mut shared = self.lock();
        let life = shared.life;
        let mut counts = mark.filter(|mark| mark.life == life).map(|mark| mark.counts).unwrap_or_default();
        let present = std::mem::take(&mut shared.present);
        let kept = present.into_iter().filter(|row| match counts.get_mut(&row.subtask) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        });
        shared.kept.extend(kept);
        shared.drained = shared.drained.min(shared.kept.len());
        shared.life += 1;
        Ok(())
    }

    fn plan(&mut self, _: Epoch, prepared: &[(usize, Value)]) -> Result<Value, Error> {
        let counts = prepared.iter().map(|(subtask, count)| (*subtask, count.as_u64().unwrap_or(0))).collect();
        let mark = Mark { life: self.lock().life, counts };
        Ok(serde_json::to_value(mark).expect("a mark is plain data"))
    }

    fn apply(&mut self, _: &Value) -> Result<(), Error> {
        Ok(())
    }
}
