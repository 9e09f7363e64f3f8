//! The source trait.

use super::Error;
use crate::record::Data;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;
use std::time::Duration;

/// Brings records in.
///
/// A source is divided into *splits* (a file, a partition), each read in order by one reader. Reading is done in two
/// halves, so that waiting never stops the actor that moves the data:
/// * [`SplitReader::read`] runs on a thread of its own, may block, and returns *blocks* of undecoded input, each with the
///   position behind it;
/// * [`Source::decode`] runs in the subtask's actor and makes records of a block. It must be a function of the block alone.
///
/// A checkpoint stores the position behind the last block that was decoded. After a restart [`Source::open`] is called
/// with it and must go on right there; a source that cannot (stdin) must return an error when asked to.
pub trait Source: Send + Sync + 'static {
    /// What it brings.
    type Record: Data;
    /// What a reader hands to the decoder.
    type Block: Send + 'static;

    /// What it reads, for messages and plans: "files access.log".
    fn describe(&self) -> String;

    /// All splits there are now, in a stable order. Their ids must be unique and stay the same over restarts.
    ///
    /// # Errors
    /// If the input cannot be found or listed; the error names it.
    fn splits(&self) -> Result<Vec<Split>, Error>;

    /// Opens a split, at its start or behind the block that returned `position`.
    ///
    /// # Errors
    /// If it cannot be opened, or no longer holds what was read; the error names it.
    fn open(
        &self,
        split: &Split,
        position: Option<&Position>,
    ) -> Result<Box<dyn SplitReader<Block = Self::Block>>, Error>;

    /// Makes records of a block, in order, each with its event time ([`Timestamp::MIN`] if the source knows none).
    fn decode(&self, block: Self::Block, emit: &mut dyn FnMut(Self::Record, Timestamp));
}

/// Reads one split, in order, on a thread that may block.
pub trait SplitReader: Send {
    /// What it hands to [`Source::decode`].
    type Block;

    /// Reads the next block. May block as long as it likes: checkpoints go on meanwhile.
    ///
    /// # Errors
    /// If reading fails; the job then restarts as its strategy says.
    fn read(&mut self) -> Result<Read<Self::Block>, Error>;

    /// Whether [`read`](SplitReader::read) may wait or do I/O. One that only computes says `false` and is called right in the
    /// actor, which saves a hop between threads.
    fn blocks(&self) -> bool {
        true
    }
}

/// What one call of [`SplitReader::read`] brought.
#[derive(Debug)]
pub enum Read<B> {
    /// A block, and the position behind it. About 1,000 records or 256 KiB serve well.
    Block(B, Position),
    /// Nothing now; ask again after this long.
    Wait(Duration),
    /// The split has ended for good.
    End,
}

/// A part of a source that is read in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Split(String);

impl Split {
    /// A split with this id, for example a path.
    pub fn new(id: impl Into<String>) -> Self {
        Split(id.into())
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where in a split reading goes on: any serialisable value, stored as JSON in the job's manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(serde_json::Value);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Position {
    /// Wraps a value.
    ///
    /// # Panics
    /// If the value cannot be written as JSON (a map with keys that are no text).
    pub fn new(value: impl Serialize) -> Self {
        Position(serde_json::to_value(value).expect("a position can be written as JSON"))
    }

    /// The value, read back.
    ///
    /// # Errors
    /// If it is no `T`: it was written by another source or version.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_value(self.0.clone()).map_err(|cause| {
            let message = format!(
                "position {} was written by another kind of source ({cause}); start with a new state directory",
                self.0
            );
            Error::new(crate::fault::Fault::User, message)
        })
    }
}
