//! The way out of a chain: buffers in front of an exchange.
//!
//! Records gather in a typed [`Outlet`] until a batch is full, a watermark passes, or the shell flushes because nothing else
//! is to be done. What has left the outlets waits in one [`OutletQueue`], in order, for the shell to send it. The batch of
//! a port goes to all edges of that port, shared.

use super::protect::{self, Held, Protection};
use super::{AnyStage, BuildContext, Error, Head, Stage, erase, typed};
use crate::record::{Batch, Data, Rows, record_type};
use crate::time::Timestamp;
use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

/// What goes out of a port.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Batch(Batch),
    Watermark(Timestamp),
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batch({})", self.len())
    }
}

/// What has left the outlets of a core and waits for the shell: (outlet number, what).
pub(crate) type OutletQueue = Rc<RefCell<VecDeque<(usize, Outgoing)>>>;

/// An outlet whose record type does not matter.
pub(crate) trait OutletHandle {
    /// Lets go what has gathered.
    fn flush(&self);
    /// Whether nothing has gathered.
    fn is_empty(&self) -> bool;
    /// Whether the same records bring the same rows, however often it is flushed between them.
    fn replays(&self) -> bool {
        true
    }
    /// The operator and port that it serves.
    fn origin(&self) -> (usize, usize);
}

/// Gathers records of one port.
pub(crate) struct Outlet<T> {
    rows: RefCell<Rows<T>>,
    /// How many there were in the last batch.
    last: Cell<usize>,
    number: usize,
    origin: (usize, usize),
    queue: OutletQueue,
    batch_size: usize,
}

impl<T: Data> Outlet<T> {
    /// Makes the outlet of `port` of the operator that is built, and registers it.
    pub(crate) fn register(context: &mut BuildContext, port: usize) -> Rc<Self> {
        let outlet = Self::unregistered(context, port);
        context.outlets.push(outlet.clone());
        outlet
    }

    /// Makes the next outlet, for one that is to be registered in its place and passes on to it.
    pub(crate) fn unregistered(context: &BuildContext, port: usize) -> Rc<Self> {
        Rc::new(Outlet {
            rows: RefCell::default(),
            last: Cell::new(0),
            number: context.outlets.len(),
            origin: (context.node(), port),
            queue: context.queue.clone(),
            batch_size: context.batch_size(),
        })
    }

    /// Takes a record for an edge that is not keyed.
    #[inline]
    pub(crate) fn push(&self, record: T, time: Timestamp) {
        let mut rows = self.rows.borrow_mut();
        rows.records.push(record);
        rows.times.push(time);
        if rows.records.len() >= self.batch_size {
            drop(rows);
            self.flush();
        }
    }

    /// Takes a record and the hash of its key.
    #[inline]
    pub(crate) fn push_keyed(&self, record: T, time: Timestamp, hash: u64) {
        let mut rows = self.rows.borrow_mut();
        rows.records.push(record);
        rows.times.push(time);
        rows.hashes.push(hash);
        if rows.records.len() >= self.batch_size {
            drop(rows);
            self.flush();
        }
    }

    /// Lets a watermark go, behind what has gathered.
    pub(crate) fn watermark(&self, watermark: Timestamp) {
        self.flush();
        self.queue.borrow_mut().push_back((self.number, Outgoing::Watermark(watermark)));
    }
}

impl<T: Data> OutletHandle for Outlet<T> {
    fn flush(&self) {
        let mut rows = self.rows.borrow_mut();
        if rows.is_empty() {
            return;
        }
        // A full batch and what is left of a block take turns, often.
        let room = 2 * rows.len().max(self.last.replace(rows.len()));
        let next = Rows::with_capacity(self.batch_size.min(room), !rows.hashes.is_empty());
        let full = std::mem::replace(&mut *rows, next);
        self.queue.borrow_mut().push_back((self.number, Outgoing::Batch(Batch::new(full))));
    }

    fn is_empty(&self) -> bool {
        self.rows.borrow().is_empty()
    }

    fn origin(&self) -> (usize, usize) {
        self.origin
    }
}

/// The stage in front of an outlet.
struct OutletStage<T>(Rc<Outlet<T>>);

impl<T: Data> Stage<T> for OutletStage<T> {
    #[inline]
    fn push(&mut self, record: T, time: Timestamp) {
        self.0.push(record, time);
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.0.watermark(watermark);
    }

    fn batch_end(&mut self) {}
}

/// Gives each record to several stages.
struct Fan<T> {
    stages: Vec<Box<dyn Stage<T>>>,
}

impl<T: Data> Stage<T> for Fan<T> {
    fn push(&mut self, record: T, time: Timestamp) {
        if let Some((last, others)) = self.stages.split_last_mut() {
            for stage in others {
                stage.push(record.clone(), time);
            }
            last.push(record, time);
        }
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.stages.iter_mut().for_each(|stage| stage.watermark(watermark));
    }

    fn batch_end(&mut self) {
        self.stages.iter_mut().for_each(|stage| stage.batch_end());
    }
}

/// The record type of a port, for whoever builds a chain without knowing it.
pub(crate) trait Port: Send + Sync {
    /// The type, and its name.
    fn record_type(&self) -> (TypeId, &'static str);
    /// The outlet of this port.
    fn outlet(&self, context: &mut BuildContext, port: usize) -> AnyStage;
    /// One stage in front of all that consume this port; records end here if nobody does.
    fn join(&self, stages: Vec<AnyStage>) -> AnyStage;
    /// A head that hands the records of its batches to `stage`.
    fn entry(&self, stage: AnyStage) -> Box<dyn Head>;
    /// A stage in front of `stage` that holds records until they are released.
    fn hold(&self, stage: AnyStage) -> (AnyStage, Rc<dyn Held>);
    /// A stage in front of `stage` that leaves out what it fails on.
    fn protect(&self, context: &mut BuildContext, stage: AnyStage, protection: Protection) -> AnyStage;
}

/// The port of a stream of `T`.
pub(crate) struct TypedPort<T>(PhantomData<fn() -> T>);

impl<T: Data> TypedPort<T> {
    /// The port.
    pub(crate) fn shared() -> Arc<dyn Port> {
        Arc::new(TypedPort::<T>(PhantomData))
    }
}

impl<T: Data> Port for TypedPort<T> {
    fn record_type(&self) -> (TypeId, &'static str) {
        record_type::<T>()
    }

    fn outlet(&self, context: &mut BuildContext, port: usize) -> AnyStage {
        erase::<T>(Box::new(OutletStage(Outlet::<T>::register(context, port))))
    }

    fn join(&self, stages: Vec<AnyStage>) -> AnyStage {
        let mut stages: Vec<Box<dyn Stage<T>>> = stages.into_iter().map(typed::<T>).collect();
        erase::<T>(if stages.len() == 1 { stages.remove(0) } else { Box::new(Fan { stages }) })
    }

    fn entry(&self, stage: AnyStage) -> Box<dyn Head> {
        Box::new(Entry { stage: typed::<T>(stage) })
    }

    fn hold(&self, stage: AnyStage) -> (AnyStage, Rc<dyn Held>) {
        protect::hold::<T>(stage)
    }

    fn protect(&self, context: &mut BuildContext, stage: AnyStage, protection: Protection) -> AnyStage {
        protect::protect::<T>(context, stage, protection)
    }
}

/// The head of a chain of stateless operators.
struct Entry<T> {
    stage: Box<dyn Stage<T>>,
}

impl<T: Data> Head for Entry<T> {
    fn batch(&mut self, _input: usize, batch: Batch) -> Result<(), Error> {
        match Arc::try_unwrap(batch.rows::<T>()) {
            Ok(rows) => {
                for (record, time) in rows.records.into_iter().zip(rows.times) {
                    self.stage.push(record, time);
                }
            }
            Err(shared) => {
                for (record, time) in shared.records.iter().zip(&shared.times) {
                    self.stage.push(record.clone(), *time);
                }
            }
        }
        self.stage.batch_end();
        Ok(())
    }

    fn watermark(&mut self, watermark: Timestamp) -> Result<(), Error> {
        self.stage.watermark(watermark);
        Ok(())
    }
}
