//! Side outputs: typed tags, and how the graph and a running operator find each other by them.

use crate::operator::{AnyStage, Stage, typed};
use crate::record::Data;
use crate::time::Timestamp;
use std::any::{Any, TypeId};
use std::fmt;
use std::marker::PhantomData;

/// The name of a side output, with the type of its records.
///
/// Best a constant, so that the function that writes to it and the dataflow that reads it mean the same:
///
/// ```
/// use millstream::prelude::*;
///
/// const REFUSED: Tag<String> = Tag::new("refused");
///
/// struct Numbers;
///
/// impl KeyedProcess for Numbers {
///     type Key = String;
///     type Input = String;
///     type Output = u64;
///     type State = ();
///
///     fn open(&self, _: &mut States<'_, String>) -> Result<(), Failure> {
///         Ok(())
///     }
///
///     fn process(&self, (): &(), word: String, ctx: &mut Context<'_, String, u64>) -> Result<(), Failure> {
///         match word.parse() {
///             Ok(number) => ctx.emit(number),
///             Err(_) => ctx.side(&REFUSED, word),
///         }
///         Ok(())
///     }
/// }
///
/// let job = Job::new("numbers");
/// let (good, bad) = (CollectSink::new(), CollectSink::new());
/// let (numbers, refused) = (good.handle(), bad.handle());
/// let words = job.source(MemorySource::new(["7", "seven"].map(String::from)));
/// let parsed = words.key_by(|word| word.clone()).process(Numbers);
/// parsed.side(&REFUSED).sink(bad);
/// parsed.sink(good);
/// job.run(Config::default())?;
/// assert_eq!((numbers.rows(), refused.rows()), (vec![7], vec!["seven".to_string()]));
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct Tag<T> {
    name: &'static str,
    record: PhantomData<fn() -> T>,
}

impl<T> Tag<T> {
    /// A tag. Of one operator, tags with one name must have one type.
    pub const fn new(name: &'static str) -> Self {
        Tag { name, record: PhantomData }
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T> Clone for Tag<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Tag<T> {}

impl<T> fmt::Debug for Tag<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({:?}: {})", self.name, std::any::type_name::<T>())
    }
}

/// A side output that somebody reads: a tag whose type is not seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) type_name: &'static str,
    type_id: TypeId,
    open: fn(AnyStage) -> Box<dyn SideStage>,
}

impl Side {
    /// What a tag stands for.
    pub(crate) fn of<T: Data>(tag: &Tag<T>) -> Self {
        let open = |stage: AnyStage| -> Box<dyn SideStage> { Box::new(typed::<T>(stage)) };
        Side { name: tag.name, type_name: std::any::type_name::<T>(), type_id: TypeId::of::<T>(), open }
    }

    /// Whether both have one record type.
    pub(crate) fn is_like(&self, other: &Side) -> bool {
        self.type_id == other.type_id
    }

    /// The way out, in front of `stage`.
    pub(super) fn open(&self, stage: AnyStage) -> Box<dyn SideStage> {
        (self.open)(stage)
    }
}

/// The stage behind a side output. Only who holds the tag knows its record type.
pub(super) trait SideStage {
    /// It, as a `Box<dyn Stage<T>>`.
    fn stage(&mut self) -> &mut dyn Any;
    fn watermark(&mut self, watermark: Timestamp);
    fn batch_end(&mut self);
}

impl<T: 'static> SideStage for Box<dyn Stage<T>> {
    fn stage(&mut self) -> &mut dyn Any {
        self
    }

    fn watermark(&mut self, watermark: Timestamp) {
        (**self).watermark(watermark);
    }

    fn batch_end(&mut self) {
        (**self).batch_end();
    }
}
