//! State that aggregates what is added to it.

use crate::operator::Aggregate;
use crate::record::Key;
use crate::state::{Error, Keyed, ValueState};
use std::marker::PhantomData;
use std::sync::Arc;

/// What the records that were added to a key come to: a [`ValueState`] of an aggregate's accumulator. Made by
/// [`States::aggregating`](super::States::aggregating).
///
/// A clone is another handle to the same state. Every method may have to read from the file what does not fit in memory, and
/// then fails as the disk does.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::testing::Harness;
///
/// /// Tells when a reading is twice the mean of those before it.
/// struct Peaks;
///
/// impl KeyedProcess for Peaks {
///     type Key = u8;
///     type Input = f64;
///     type Output = f64;
///     type State = AggregatingState<u8, f64, Avg<fn(&f64) -> f64>>;
///
///     fn open(&self, states: &mut States<'_, u8>) -> Result<Self::State, Failure> {
///         let reading: fn(&f64) -> f64 = |reading| *reading;
///         states.aggregating("mean", Avg::of(reading))
///     }
///
///     fn process(&self, mean: &Self::State, reading: f64, ctx: &mut Context<'_, u8, f64>) -> Result<(), Failure> {
///         if mean.get(ctx.keyed())?.is_some_and(|mean| reading > 2.0 * mean) {
///             ctx.emit(reading);
///         }
///         Ok(mean.add(ctx.keyed(), &reading)?)
///     }
/// }
///
/// let mut peaks = Harness::new(|readings: Stream<f64>| readings.key_by(|_| 0).process(Peaks));
/// for reading in [3.0, 5.0, 9.0, 5.0] {
///     peaks.push(reading, Timestamp::EPOCH);
/// }
/// assert_eq!(peaks.drain(), [9.0]);
/// ```
pub struct AggregatingState<K, T, A: Aggregate<T>> {
    state: ValueState<K, A::Accumulator>,
    aggregate: Arc<A>,
    record: PhantomData<fn() -> T>,
}

impl<K, T, A: Aggregate<T>> Clone for AggregatingState<K, T, A> {
    fn clone(&self) -> Self {
        AggregatingState { state: self.state.clone(), aggregate: self.aggregate.clone(), record: PhantomData }
    }
}

impl<K: Key, T, A: Aggregate<T>> AggregatingState<K, T, A> {
    pub(super) fn new(state: ValueState<K, A::Accumulator>, aggregate: A) -> Self {
        AggregatingState { state, aggregate: Arc::new(aggregate), record: PhantomData }
    }

    /// Adds a record to the key's.
    ///
    /// # Errors
    /// If the state must be read from the file and cannot.
    pub fn add(&self, at: Keyed<'_, K>, record: &T) -> Result<(), Error> {
        let aggregate = &*self.aggregate;
        self.state.update(at, || aggregate.create(), |accumulator| aggregate.add(accumulator, record))
    }

    /// What the key's records come to; `None` if none was added.
    ///
    /// # Errors
    /// If the state must be read from the file and cannot.
    pub fn get(&self, at: Keyed<'_, K>) -> Result<Option<A::Output>, Error> {
        Ok(self.state.get(at)?.map(|accumulator| self.aggregate.finish(accumulator)))
    }

    /// Forgets the key's records.
    ///
    /// # Errors
    /// If the state must be read from the file and cannot.
    pub fn clear(&self, at: Keyed<'_, K>) -> Result<(), Error> {
        self.state.remove(at).map(drop)
    }
}
