//! The user's own exchange: a function says to which subtask of the next operator each record goes.

use super::outlet::Outlet;
use super::{AnyStage, BuildContext, Error, Law, Site, Stage, StageFactory, erase};
use crate::record::Data;
use crate::time::Timestamp;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// Chooses one of so many subtasks.
type Choose<T> = Arc<dyn Fn(&T, usize) -> usize + Send + Sync>;

/// Chooses a subtask for each record. Always the last of its chain: an exchange by choice follows.
pub(crate) struct Partition<T> {
    choose: Choose<T>,
}

impl<T: Data> Partition<T> {
    pub(crate) fn new(choose: impl Fn(&T, usize) -> usize + Send + Sync + 'static) -> Self {
        Partition { choose: Arc::new(choose) }
    }
}

impl<T: Data> StageFactory for Partition<T> {
    fn build(&self, context: &mut BuildContext, _outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let outlet = Outlet::<T>::register(context, 0);
        Ok(erase::<T>(Box::new(PartitionStage {
            choose: self.choose.clone(),
            subtasks: context.choices,
            node: context.node(),
            site: context.site(),
            failure: context.failure.clone(),
            outlet,
        })))
    }

    fn law(&self) -> Law {
        Law::OneToOne
    }
}

struct PartitionStage<T> {
    choose: Choose<T>,
    subtasks: usize,
    node: usize,
    site: Site,
    /// Where the core finds what went wrong during the element.
    failure: Rc<RefCell<Option<(usize, Error)>>>,
    outlet: Rc<Outlet<T>>,
}

impl<T: Data> Stage<T> for PartitionStage<T> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.site.record();
        let (chosen, subtasks) = ((self.choose)(&record, self.subtasks), self.subtasks);
        if chosen >= subtasks {
            self.failure.borrow_mut().get_or_insert((self.node, Error::NoSuchSubtask { chosen, subtasks }));
            return;
        }
        self.site.out();
        self.outlet.push_keyed(record, time, chosen as u64);
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.outlet.watermark(watermark);
    }

    fn batch_end(&mut self) {}
}
