//! The end of a chain that ends in a sink.

use super::core::SinkPort;
use super::{AnyStage, BuildContext, Error, Site, Stage, StageFactory, erase};
use crate::connector::{self, Committer, Guarantee, Sink, SinkContext, SinkJob, SinkWriter};
use crate::record::{Data, Epoch};
use crate::time::Timestamp;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// A writer whose record type does not matter.
pub(crate) trait WriterPort {
    fn spill(&mut self, idle: bool) -> Option<SinkJob>;
    fn prepare(&mut self, epoch: Epoch) -> connector::Prepared;
    fn committed(&mut self, epoch: Epoch);
}

struct Writer<T>(Box<dyn SinkWriter<T>>);

impl<T> WriterPort for Writer<T> {
    fn spill(&mut self, idle: bool) -> Option<SinkJob> {
        self.0.spill(idle)
    }

    fn prepare(&mut self, epoch: Epoch) -> connector::Prepared {
        self.0.prepare(epoch)
    }

    fn committed(&mut self, epoch: Epoch) {
        self.0.committed(epoch);
    }
}

/// A sink whose record type does not matter.
pub(crate) trait SinkFactory: StageFactory {
    fn describe(&self) -> String;
    fn guarantee(&self) -> Guarantee;
    fn committer(&self) -> Result<Option<Box<dyn Committer>>, connector::Error>;
}

/// A sink in the graph.
pub(crate) struct SinkOperator<T> {
    sink: Arc<dyn Sink<T>>,
}

impl<T: Data> SinkOperator<T> {
    pub(crate) fn new(sink: impl Sink<T>) -> Self {
        SinkOperator { sink: Arc::new(sink) }
    }
}

impl<T: Data> StageFactory for SinkOperator<T> {
    fn build(&self, context: &mut BuildContext, _outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let (subtask, parallelism) = (context.subtask, context.parallelism);
        let writer = self.sink.writer(&SinkContext { uid: context.uid().to_owned(), subtask, parallelism })?;
        let writer = Rc::new(RefCell::new(Writer(writer)));
        context.sinks.push(SinkPort { uid: context.uid().to_owned(), node: context.node(), port: writer.clone() });
        let stage = SinkStage { writer, node: context.node(), site: context.site(), failure: context.failure.clone() };
        Ok(erase::<T>(Box::new(stage)))
    }
}

impl<T: Data> SinkFactory for SinkOperator<T> {
    fn describe(&self) -> String {
        self.sink.describe()
    }

    fn guarantee(&self) -> Guarantee {
        self.sink.guarantee()
    }

    fn committer(&self) -> Result<Option<Box<dyn Committer>>, connector::Error> {
        self.sink.committer()
    }
}

struct SinkStage<T> {
    writer: Rc<RefCell<Writer<T>>>,
    node: usize,
    site: Site,
    /// Where the core finds what went wrong during the element.
    failure: Rc<RefCell<Option<(usize, Error)>>>,
}

impl<T> Stage<T> for SinkStage<T> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.site.record();
        if let Err(error) = self.writer.borrow_mut().0.write(record, time) {
            self.failure.borrow_mut().get_or_insert((self.node, error.into()));
        }
    }

    fn watermark(&mut self, _watermark: Timestamp) {}

    fn batch_end(&mut self) {}
}
