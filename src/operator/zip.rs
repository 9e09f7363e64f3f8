//! Numbers the records of each key.

use super::key_by::KeyFunction;
use super::{AnyStage, BuildContext, Error, Head, HeadFactory, Law, Site, Stage, only};
use crate::record::{Batch, Data, Key};
use crate::state::{Keyed, ValueState};
use crate::time::Timestamp;

/// Gives each record its number within its key.
pub(crate) struct ZipWithIndex<T, K> {
    key: KeyFunction<T, K>,
}

impl<T: Data, K: Key> ZipWithIndex<T, K> {
    pub(crate) fn new(key: KeyFunction<T, K>) -> Self {
        ZipWithIndex { key }
    }
}

impl<T: Data, K: Key> HeadFactory for ZipWithIndex<T, K> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let next_index = context.store().value("next index")?;
        let (key, site, next) = (self.key.clone(), context.site(), only::<(u64, T)>(outputs));
        Ok(Box::new(ZipHead { key, next_index, site, next }))
    }

    fn law(&self) -> Law {
        Law::OneToOne
    }
}

struct ZipHead<T, K> {
    key: KeyFunction<T, K>,
    next_index: ValueState<K, u64>,
    site: Site,
    next: Box<dyn Stage<(u64, T)>>,
}

impl<T: Data, K: Key> Head for ZipHead<T, K> {
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        let rows = batch.into_rows::<T>();
        for ((record, time), hash) in rows.records.into_iter().zip(rows.times).zip(rows.hashes) {
            self.site.record();
            let key = (self.key)(&record);
            let index = self.next_index.update(
                Keyed { key: &key, hash },
                || 0,
                |next| {
                    *next += 1;
                    *next - 1
                },
            )?;
            self.site.out();
            self.next.push((index, record), time);
        }
        self.next.batch_end();
        Ok(())
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.next.watermark(watermark);
        Ok(())
    }
}
