//! What becomes of a record that an operator fails on, again and again.

/// What an operator does about a record on which its code panics or gives up.
///
/// A failed operator is first built anew from its last snapshot, in place, and handed the record again: many failures pass.
/// A record on which it fails once more after so many restarts is *poison*.
///
/// | policy | a poison record |
/// |---|---|
/// | [`fail`](OnError::fail), the default | fails the job, which its [restart strategy](crate::config::Restart) may start again |
/// | [`skip`](OnError::skip) | is left out and counted (`dead` in the status) |
/// | [`dead_letter`](OnError::dead_letter) | is left out, counted, and kept as a [`DeadLetter`](crate::record::DeadLetter) |
///
/// What the operator had sent on for a record that is left out is left out too. Operators without state are not built anew:
/// they are handed the record again at once. A record of a broadcast stream always fails the job: to skip it in one subtask
/// would part it from the others.
///
/// ```
/// use millstream::prelude::*;
///
/// let job = Job::new("quotients");
/// let sink = CollectSink::new();
/// let rows = sink.handle();
/// job.source(MemorySource::new(vec![4_u32, 0, 2]))
///     .map(|n| 8 / n)
///     .on_error(OnError::skip())
///     .sink(sink);
/// job.run(Config::default())?;
/// assert_eq!(rows.rows(), [2, 4]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnError {
    pub(crate) poison: Poison,
    pub(crate) restarts: u32,
}

/// What to do with poison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Poison {
    Fail,
    Skip,
    DeadLetter,
}

impl OnError {
    const fn new(poison: Poison) -> Self {
        OnError { poison, restarts: 2 }
    }

    /// Poison fails the job.
    pub const fn fail() -> Self {
        OnError::new(Poison::Fail)
    }

    /// Poison is left out.
    pub const fn skip() -> Self {
        OnError::new(Poison::Skip)
    }

    /// Poison is put aside.
    pub const fn dead_letter() -> Self {
        OnError::new(Poison::DeadLetter)
    }

    /// After how many restarts on the same record it is poison. Default: 2.
    #[must_use]
    pub const fn after_restarts(mut self, restarts: u32) -> Self {
        self.restarts = restarts;
        self
    }
}

impl Default for OnError {
    fn default() -> Self {
        OnError::fail()
    }
}
