//! The end of a chain that ends in a sink.

use super::core::SinkPort;
use super::{AnyStage, BuildContext, Error, Site, Stage, StageFactory, erase};
use crate::bug::{self, Bug};
use crate::connector::{self, Committer, Guarantee, Sink, SinkContext, SinkJob, SinkWriter};
use crate::record::{Data, Epoch};
use crate::time::Timestamp;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// A writer whose record type does not matter.
pub(crate) trait WriterPort {
    /// Writes what the last call into the core has brought. Until then nothing of a call is written, so that one that fails
    /// leaves nothing behind.
    fn settle(&mut self) -> Result<(), connector::Error>;
    /// The call into the core has failed and the core is built anew: what it brings first has been written already.
    fn rewind(&mut self);
    /// From here on a core that is built anew begins.
    fn begin(&mut self);
    /// How many rows a core that was built anew has still to bring before there are new ones.
    fn to_skip(&self) -> u64;
    fn spill(&mut self, idle: bool) -> Option<SinkJob>;
    fn prepare(&mut self, epoch: Epoch) -> connector::Prepared;
    fn committed(&mut self, epoch: Epoch);
}

struct Writer<T> {
    writer: Box<dyn SinkWriter<T>>,
    /// What the present call has brought.
    brought: Vec<(T, Timestamp)>,
    /// How many rows were written since a core that is built anew would begin, and how many such a core has still to bring.
    written: u64,
    to_skip: u64,
}

impl<T> WriterPort for Writer<T> {
    fn settle(&mut self) -> Result<(), connector::Error> {
        for (record, time) in self.brought.drain(..) {
            if self.to_skip > 0 {
                self.to_skip -= 1;
                continue;
            }
            self.writer.write(record, time)?;
            self.written += 1;
        }
        Ok(())
    }

    fn rewind(&mut self) {
        self.brought.clear();
        self.to_skip = self.written;
    }

    fn begin(&mut self) {
        self.written = 0;
    }

    fn to_skip(&self) -> u64 {
        self.to_skip
    }

    fn spill(&mut self, idle: bool) -> Option<SinkJob> {
        self.writer.spill(idle)
    }

    fn prepare(&mut self, epoch: Epoch) -> connector::Prepared {
        self.writer.prepare(epoch)
    }

    fn committed(&mut self, epoch: Epoch) {
        self.writer.committed(epoch);
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
        let uid = context.uid().to_owned();
        let writer = match context.kept_writer::<RefCell<Writer<T>>>() {
            Some(kept) => kept,
            None => {
                let (subtask, parallelism) = (context.subtask, context.parallelism);
                let writer = self.sink.writer(&SinkContext { uid: uid.clone(), subtask, parallelism })?;
                Rc::new(RefCell::new(Writer { writer, brought: Vec::new(), written: 0, to_skip: 0 }))
            }
        };
        let port = SinkPort { uid, node: context.node(), port: writer.clone(), writer: writer.clone() };
        context.sinks.push(port);
        Ok(erase::<T>(Box::new(SinkStage { writer, site: context.site() })))
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
    site: Site,
}

impl<T> Stage<T> for SinkStage<T> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.site.record();
        let mut writer = self.writer.borrow_mut();
        writer.brought.push((record, time));
        if bug::is(Bug::EmitInCall) && writer.settle().is_ok() {
            writer.written = 0;
        }
    }

    fn watermark(&mut self, _watermark: Timestamp) {}

    fn batch_end(&mut self) {}
}
