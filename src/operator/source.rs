//! The front of a chain that begins with a source.
//!
//! Reading and decoding are apart: a [`Reader`] brings blocks, on a thread that may block, and the [`Decoder`] in the
//! subtask's core makes records of them. What is behind the decoder does not know that it stands behind a source.

use super::{AnyStage, BuildContext, Error, Law, Site, Stage, only};
use crate::connector::{self, Position, Read, Source, Split, SplitReader};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// A split and how far it has been read: what a checkpoint holds of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SplitState {
    /// Which split.
    pub(crate) split: Split,
    /// Behind the last block that was decoded; `None` at the start.
    pub(crate) position: Option<Position>,
    /// It has been read to its end.
    pub(crate) finished: bool,
}

/// A block whose type only its source knows.
pub(crate) type Block = Box<dyn Any + Send>;

/// What reading a split brought.
pub(crate) enum ReadOutcome {
    Block(Block, Position),
    Wait(Duration),
    End,
}

/// Reads one split; a [`SplitReader`] whose block type does not matter.
pub(crate) trait Reader: Send {
    fn read(&mut self) -> Result<ReadOutcome, connector::Error>;
    fn blocks(&self) -> bool;
}

struct TypedReader<B>(Box<dyn SplitReader<Block = B>>);

impl<B: Send + 'static> Reader for TypedReader<B> {
    fn read(&mut self) -> Result<ReadOutcome, connector::Error> {
        Ok(match self.0.read()? {
            Read::Block(block, position) => ReadOutcome::Block(Box::new(block), position),
            Read::Wait(duration) => ReadOutcome::Wait(duration),
            Read::End => ReadOutcome::End,
        })
    }

    fn blocks(&self) -> bool {
        self.0.blocks()
    }
}

/// Makes records of blocks and hands them to the chain.
pub(crate) trait Decoder {
    fn block(&mut self, block: Block);
    fn watermark(&mut self, watermark: Timestamp);
    fn batch_end(&mut self);
}

struct TypedDecoder<S: Source> {
    source: Arc<S>,
    site: Site,
    next: Box<dyn Stage<S::Record>>,
}

impl<S: Source> Decoder for TypedDecoder<S> {
    fn block(&mut self, block: Block) {
        let block = *block.downcast::<S::Block>().expect("a reader and its decoder are of one source");
        let (site, next) = (&self.site, &mut self.next);
        site.enter();
        self.source.decode(block, &mut |record, time| {
            site.record();
            site.out();
            next.push(record, time);
            site.enter();
        });
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.next.watermark(watermark);
    }

    fn batch_end(&mut self) {
        self.next.batch_end();
    }
}

/// A source whose types do not matter.
pub(crate) trait SourceFactory: Send + Sync {
    fn describe(&self) -> String;
    fn splits(&self) -> Result<Vec<Split>, connector::Error>;
    fn open(&self, split: &Split, position: Option<&Position>) -> Result<Box<dyn Reader>, connector::Error>;
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Decoder>, Error>;

    /// What must hold between its counts. A source takes what it gives.
    fn law(&self) -> Law {
        Law::OneToOne
    }

    /// Whether event time begins here.
    fn makes_watermarks(&self) -> bool {
        false
    }
}

/// A source in the graph.
pub(crate) struct SourceOperator<S> {
    source: Arc<S>,
}

impl<S: Source> SourceOperator<S> {
    pub(crate) fn new(source: S) -> Self {
        SourceOperator { source: Arc::new(source) }
    }
}

impl<S: Source> SourceFactory for SourceOperator<S> {
    fn describe(&self) -> String {
        self.source.describe()
    }

    fn splits(&self) -> Result<Vec<Split>, connector::Error> {
        self.source.splits()
    }

    fn open(&self, split: &Split, position: Option<&Position>) -> Result<Box<dyn Reader>, connector::Error> {
        Ok(Box::new(TypedReader(self.source.open(split, position)?)))
    }

    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<Box<dyn Decoder>, Error> {
        let next = only::<S::Record>(outputs);
        Ok(Box::new(TypedDecoder { source: self.source.clone(), site: context.site(), next }))
    }
}
