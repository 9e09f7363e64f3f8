//! Exact distinct counts whose state is one entry per value, so that an epoch writes the values that are new and no others.

use super::key_by::KeyFunction;
use super::{AnyStage, BuildContext, Error, Head, HeadFactory, Site, Stage, only};
use crate::record::{Batch, Data, Key};
use crate::state::{Keyed, MapState};
use crate::time::Timestamp;
use std::sync::Arc;

/// What of a record is counted.
pub(crate) type ValueFunction<T, V> = Arc<dyn Fn(&T) -> V + Send + Sync>;

/// Counts the distinct values of each key, and tells the count after each record.
pub(crate) struct RunningDistinct<T, K, V> {
    key: KeyFunction<T, K>,
    value: ValueFunction<T, V>,
}

impl<T, K, V> RunningDistinct<T, K, V> {
    pub(crate) fn new(key: KeyFunction<T, K>, value: ValueFunction<T, V>) -> Self {
        RunningDistinct { key, value }
    }
}

impl<T: Data, K: Key, V: Key> HeadFactory for RunningDistinct<T, K, V> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let seen = context.store().map("seen")?;
        let (key, value) = (self.key.clone(), self.value.clone());
        Ok(Box::new(DistinctHead { key, value, seen, site: context.site(), next: only::<(K, u64)>(outputs) }))
    }
}

struct DistinctHead<T, K, V> {
    key: KeyFunction<T, K>,
    value: ValueFunction<T, V>,
    seen: MapState<K, V, ()>,
    site: Site,
    next: Box<dyn Stage<(K, u64)>>,
}

impl<T: Data, K: Key, V: Key> Head for DistinctHead<T, K, V> {
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        let rows = batch.rows::<T>();
        for ((record, time), hash) in rows.records.iter().zip(&rows.times).zip(&rows.hashes) {
            self.site.record();
            let (key, value) = ((self.key)(record), (self.value)(record));
            let at = Keyed { key: &key, hash: *hash };
            if !self.seen.with(at, &value, |entry| entry.is_some())? {
                self.seen.put(at, value, ())?;
            }
            let count = self.seen.len(at)? as u64;
            self.site.out();
            self.next.push((key, count), *time);
        }
        self.next.batch_end();
        Ok(())
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.next.watermark(watermark);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::TypedPort;
    use crate::record::{Epoch, Rows, hash_key};
    use crate::state::{Identity, Store, StoreOptions};

    #[test]
    fn an_epoch_writes_the_values_that_are_new() {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity { job_id: 1, uid: "distinct".into(), subtask: 0, generation: 0 };
        let mut context = BuildContext::new(0, 1, 64);
        let path = dir.path().join("0.redb");
        context.store = Some(Store::create(&path, &identity, StoreOptions::default()).unwrap());
        context.begin(0, "distinct");
        let operator = RunningDistinct::<(u8, u64), u8, u64>::new(Arc::new(|hit| hit.0), Arc::new(|hit| hit.1));
        let outlet = TypedPort::<(u8, u64)>::shared().outlet(&mut context, 0);
        let mut head = operator.build(&mut context, vec![outlet]).unwrap();
        let mut written = |values: std::ops::Range<u64>, epoch: u64| {
            let records: Vec<(u8, u64)> = values.map(|value| (1, value)).collect();
            let (times, hashes) = (vec![Timestamp::EPOCH; records.len()], vec![hash_key(&1_u8); records.len()]);
            head.batch(0, Batch::new(Rows { records, times, hashes })).unwrap();
            let flush = context.store().hand_off(Epoch::new(1, epoch));
            let bytes = flush.as_ref().map_or(0, crate::state::Flush::bytes);
            flush.into_iter().for_each(|flush| context.store().flushed(flush.run()));
            bytes
        };
        let all = written(0..10_000, 1);
        assert!(all > 20_000, "{all} bytes for ten thousand values");
        let one = written(9_990..10_001, 2);
        assert!((1..100).contains(&one), "{one} bytes for one more");
        assert_eq!(written(0..10_001, 3), 0, "and none for values that were there");
    }
}
