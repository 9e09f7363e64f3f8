//! Where a stream becomes keyed: the key is hashed once, and the hash travels with the record.

use super::outlet::Outlet;
use super::{AnyStage, BuildContext, Error, Law, Site, Stage, StageFactory, erase};
use crate::record::{Data, Key, KeyHasher};
use crate::time::Timestamp;
use std::rc::Rc;
use std::sync::Arc;

/// Tells the key of a record.
pub(crate) type KeyFunction<T, K> = Arc<dyn Fn(&T) -> K + Send + Sync>;

/// Hashes the key of each record. Always the last of its chain: a hash exchange follows.
pub(crate) struct KeyBy<T, K> {
    key: KeyFunction<T, K>,
}

impl<T: Data, K: Key> KeyBy<T, K> {
    pub(crate) fn new(key: KeyFunction<T, K>) -> Self {
        KeyBy { key }
    }
}

impl<T: Data, K: Key> StageFactory for KeyBy<T, K> {
    fn build(&self, context: &mut BuildContext, _outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let outlet = Outlet::<T>::register(context, 0);
        let stage = KeyByStage { key: self.key.clone(), hasher: KeyHasher::default(), site: context.site(), outlet };
        Ok(erase::<T>(Box::new(stage)))
    }

    fn law(&self) -> Law {
        Law::OneToOne
    }
}

struct KeyByStage<T, K> {
    key: KeyFunction<T, K>,
    hasher: KeyHasher,
    site: Site,
    outlet: Rc<Outlet<T>>,
}

impl<T: Data, K: Key> Stage<T> for KeyByStage<T, K> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.site.record();
        let hash = self.hasher.hash(&(self.key)(&record));
        self.site.out();
        self.outlet.push_keyed(record, time, hash);
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.outlet.watermark(watermark);
    }

    fn batch_end(&mut self) {}
}
