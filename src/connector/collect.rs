//! A sink that keeps what was committed in memory, for tests.

use super::files::lock;
use super::{Committer, Error, Guarantee, Prepared, Sink, SinkContext, SinkWriter};
use crate::bug::{self, Bug};
use crate::record::{Data, Epoch};
use crate::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Collects records in memory, where a test can look at them.
///
/// Guarantee: exactly once, as long as the process lives. A record becomes visible when its epoch is committed; in order of
/// (epoch, subtask), and within a subtask in the order in which it came.
///
/// ```
/// use millstream::connector::CollectSink;
///
/// let sink = CollectSink::<u64>::new();
/// let rows = sink.handle();
/// // .. give the sink to a job and run it ..
/// assert!(rows.rows().is_empty());
/// ```
pub struct CollectSink<T> {
    shared: Arc<Mutex<Shared<T>>>,
}

/// What a [`CollectSink`] has collected; stays readable after the job.
pub struct Collected<T> {
    shared: Arc<Mutex<Shared<T>>>,
}

/// Where a prepared piece belongs; pieces are committed in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Piece {
    epoch: Epoch,
    subtask: usize,
}

/// What becomes visible with an epoch.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    epoch: Epoch,
    pieces: Vec<Piece>,
}

struct Shared<T> {
    prepared: BTreeMap<Piece, Vec<T>>,
    committed: Vec<T>,
    /// How many records were committed with each epoch and before.
    lengths: BTreeMap<Epoch, usize>,
}

impl<T> CollectSink<T> {
    /// A sink that has collected nothing yet.
    pub fn new() -> Self {
        CollectSink { shared: Arc::new(Mutex::default()) }
    }

    /// Access to what it will have collected.
    pub fn handle(&self) -> Collected<T> {
        Collected { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Shared { prepared: BTreeMap::new(), committed: Vec::new(), lengths: BTreeMap::new() }
    }
}

impl<T> Default for CollectSink<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Collected<T> {
    fn clone(&self) -> Self {
        Collected { shared: Arc::clone(&self.shared) }
    }
}

impl<T: Clone> Collected<T> {
    /// The records committed so far.
    pub fn rows(&self) -> Vec<T> {
        lock(&self.shared).committed.clone()
    }
}

impl<T: Data> Sink<T> for CollectSink<T> {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    fn writer(&self, context: &SinkContext) -> Result<Box<dyn SinkWriter<T>>, Error> {
        let shared = Arc::clone(&self.shared);
        Ok(Box::new(CollectWriter { shared, subtask: context.subtask, rows: Vec::new(), open: Vec::new() }))
    }

    fn committer(&self) -> Result<Option<Box<dyn Committer>>, Error> {
        Ok(Some(Box::new(CollectCommitter { shared: Arc::clone(&self.shared) })))
    }
}

struct CollectWriter<T> {
    shared: Arc<Mutex<Shared<T>>>,
    subtask: usize,
    rows: Vec<T>,
    /// Prepared and not known to be committed.
    open: Vec<Piece>,
}

impl<T: Data> SinkWriter<T> for CollectWriter<T> {
    fn write(&mut self, record: T, _: Timestamp) -> Result<(), Error> {
        self.rows.push(record);
        Ok(())
    }

    fn prepare(&mut self, epoch: Epoch) -> Prepared {
        if !self.rows.is_empty() {
            let piece = Piece { epoch, subtask: self.subtask };
            lock(&self.shared).prepared.insert(piece, std::mem::take(&mut self.rows));
            self.open.push(piece);
        }
        let value = if self.open.is_empty() { Value::Null } else { json(&self.open) };
        Box::new(|| Ok(value))
    }

    fn committed(&mut self, epoch: Epoch) {
        self.open.retain(|piece| piece.epoch > epoch);
    }
}

struct CollectCommitter<T> {
    shared: Arc<Mutex<Shared<T>>>,
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("numbers can be written as JSON")
}

fn from_json<R: DeserializeOwned>(value: &Value) -> Result<R, Error> {
    serde_json::from_value(value.clone()).map_err(|cause| {
        let message =
            format!("{value} is no record of a sink that collects ({cause}); start with a new state directory");
        Error::user(message)
    })
}

impl<T: Data> Committer for CollectCommitter<T> {
    fn recover(&mut self, records: &[Value], fresh: bool) -> Result<(), Error> {
        records.iter().try_for_each(|record| self.apply(record))?;
        let mut shared = lock(&self.shared);
        let dropped = std::mem::take(&mut shared.prepared);
        if bug::is(Bug::ApplyPending) {
            shared.committed.extend(dropped.into_values().flatten());
        }
        if fresh {
            shared.committed.clear();
            shared.lengths.clear();
        }
        Ok(())
    }

    fn plan(&mut self, epoch: Epoch, prepared: &[(usize, Value)]) -> Result<Value, Error> {
        let mut pieces = Vec::new();
        for (_, value) in prepared.iter().filter(|(_, value)| !value.is_null()) {
            pieces.append(&mut from_json(value)?);
        }
        pieces.sort_unstable();
        Ok(json(&Record { epoch, pieces }))
    }

    fn apply(&mut self, record: &Value) -> Result<(), Error> {
        let Record { epoch, pieces } = from_json(record)?;
        let mut shared = lock(&self.shared);
        for piece in pieces {
            // A piece that is not there was committed before.
            let mut rows = shared.prepared.remove(&piece).unwrap_or_default();
            shared.committed.append(&mut rows);
        }
        let length = shared.committed.len();
        shared.lengths.entry(epoch).or_insert(length);
        Ok(())
    }

    fn may_rewind(&mut self, records: &[Value]) -> Result<(), Error> {
        records.iter().try_for_each(|record| from_json::<Record>(record).map(|_| ()))
    }

    fn rewind(&mut self, records: &[Value]) -> Result<(), Error> {
        let epoch = records.last().map_or(Ok(Epoch::ZERO), |record| from_json(record).map(|it: Record| it.epoch))?;
        let mut shared = lock(&self.shared);
        shared.lengths.retain(|at, _| *at <= epoch);
        // Without an entry, an earlier process collected it.
        let length = shared.lengths.last_key_value().map_or(0, |(_, length)| *length);
        shared.committed.truncate(length);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(sink: &CollectSink<u64>, subtask: usize) -> Box<dyn SinkWriter<u64>> {
        sink.writer(&SinkContext { uid: "sink".to_owned(), subtask, parallelism: 2 }).unwrap()
    }

    fn write(writer: &mut dyn SinkWriter<u64>, rows: &[u64]) {
        rows.iter().for_each(|row| writer.write(*row, Timestamp::MIN).unwrap());
    }

    fn epoch(count: u64) -> Epoch {
        Epoch::new(1, count)
    }

    #[test]
    fn rows_are_visible_once_their_epoch_is_committed_in_order_of_subtasks() {
        let sink = CollectSink::new();
        let (rows, mut committer) = (sink.handle(), sink.committer().unwrap().unwrap());
        let (mut a, mut b) = (writer(&sink, 0), writer(&sink, 1));
        write(&mut *b, &[3]);
        write(&mut *a, &[1, 2]);
        let prepared = [(1, b.prepare(epoch(1))().unwrap()), (0, a.prepare(epoch(1))().unwrap())];
        let record = committer.plan(epoch(1), &prepared).unwrap();
        assert!(rows.rows().is_empty());
        committer.apply(&record).unwrap();
        committer.apply(&record).unwrap();
        assert_eq!(rows.rows(), [1, 2, 3]);
    }

    #[test]
    fn rows_of_a_failed_epoch_come_with_the_next() {
        let sink = CollectSink::new();
        let (rows, mut committer) = (sink.handle(), sink.committer().unwrap().unwrap());
        let mut a = writer(&sink, 0);
        write(&mut *a, &[1]);
        drop(a.prepare(epoch(1)));
        write(&mut *a, &[2]);
        let prepared = a.prepare(epoch(2))().unwrap();
        let record = committer.plan(epoch(2), &[(0, prepared)]).unwrap();
        committer.apply(&record).unwrap();
        assert_eq!(rows.rows(), [1, 2]);
        a.committed(epoch(2));
        assert!(a.prepare(epoch(3))().unwrap().is_null());
    }

    #[test]
    fn a_restart_finishes_what_was_committed_and_drops_the_rest() {
        let sink = CollectSink::new();
        let (rows, mut committer) = (sink.handle(), sink.committer().unwrap().unwrap());
        let mut a = writer(&sink, 0);
        write(&mut *a, &[1]);
        let prepared = a.prepare(epoch(1))().unwrap();
        let record = committer.plan(epoch(1), &[(0, prepared)]).unwrap();
        write(&mut *a, &[2]);
        a.prepare(epoch(2))().unwrap();
        let mut committer = sink.committer().unwrap().unwrap();
        committer.recover(&[record], false).unwrap();
        assert_eq!(rows.rows(), [1]);
        assert!(lock(&sink.shared).prepared.is_empty());
        committer.recover(&[], true).unwrap();
        assert!(rows.rows().is_empty());
    }

    #[test]
    fn a_record_of_another_sink_is_refused() {
        let sink = CollectSink::<u64>::new();
        let error = sink.committer().unwrap().unwrap().apply(&serde_json::json!({"before": 0})).unwrap_err();
        assert!(error.to_string().contains("before"), "{error}");
    }

    #[test]
    fn going_back_takes_back_what_younger_epochs_showed() {
        let sink = CollectSink::new();
        let (rows, mut committer) = (sink.handle(), sink.committer().unwrap().unwrap());
        let mut a = writer(&sink, 0);
        let mut records = Vec::new();
        for number in 1..4 {
            write(&mut *a, &[number]);
            let prepared = a.prepare(epoch(number))().unwrap();
            records.push(committer.plan(epoch(number), &[(0, prepared)]).unwrap());
            committer.apply(&records[number as usize - 1]).unwrap();
            a.committed(epoch(number));
        }
        let mut committer = sink.committer().unwrap().unwrap();
        for _ in 0..2 {
            committer.may_rewind(&records[..2]).unwrap();
            committer.rewind(&records[..2]).unwrap();
            committer.recover(&records[..2], false).unwrap();
            assert_eq!(rows.rows(), [1, 2]);
        }
    }
}
