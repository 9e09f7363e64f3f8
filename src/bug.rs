//! Ways to break the engine, one at a time, to show that the simulation finds each of them.
//!
//! Only with the feature `seeded-bugs`, which is for the tests of this crate alone: without it [`is`] is never true, and
//! nothing of this is left in the program. A bug is chosen for a thread, by [`with_bug`], since a simulation runs on one.

/// A way to break the engine.
#[cfg_attr(not(feature = "seeded-bugs"), expect(unreachable_pub, reason = "it can be reached with that feature only"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A commit does not wait for the disk.
    SkipFsync,
    /// The manifest is committed when the first subtask has acknowledged.
    CommitEarly,
    /// Of the timers in a snapshot the earliest are not restored.
    ForgetTimer,
    /// What a subtask of an older life tells is taken for the present one's.
    SkipFence,
    /// The attempt is not raised, so numbers of epochs are used twice.
    ReuseEpoch,
    /// A row that was sent is not counted, so a replay does not hold it back.
    MiscountEmitted,
    /// A sink writes rows while the call that brings them may still fail.
    EmitInCall,
    /// What waits behind a barrier is dropped when all barriers have come.
    DropStash,
    /// What a failed commit held does not go out with the next.
    DropFrozen,
    /// A subtask's clock and the watermarks of its inputs are not part of its snapshot.
    ForgetWatermarks,
    /// What younger epochs wrote is not deleted when state goes back.
    SkipRollback,
    /// The position of a source stays at its first block.
    StalePosition,
    /// A barrier overtakes what waits in the outlets.
    BarrierFirst,
    /// Sinks show an epoch before the manifest is committed.
    ApplyEarly,
    /// Sinks show what was prepared for an epoch that never completed.
    ApplyPending,
}

impl Bug {
    /// All of them.
    #[cfg(feature = "seeded-bugs")]
    pub const ALL: [Bug; 15] = [
        Bug::SkipFsync,
        Bug::CommitEarly,
        Bug::ForgetTimer,
        Bug::SkipFence,
        Bug::ReuseEpoch,
        Bug::MiscountEmitted,
        Bug::EmitInCall,
        Bug::DropStash,
        Bug::DropFrozen,
        Bug::ForgetWatermarks,
        Bug::SkipRollback,
        Bug::StalePosition,
        Bug::BarrierFirst,
        Bug::ApplyEarly,
        Bug::ApplyPending,
    ];
}

#[cfg(feature = "seeded-bugs")]
thread_local! {
    static CHOSEN: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Whether the engine has this bug now.
#[cfg(feature = "seeded-bugs")]
pub(crate) fn is(bug: Bug) -> bool {
    CHOSEN.get() == Some(bug)
}

/// Whether the engine has this bug: never.
#[cfg(not(feature = "seeded-bugs"))]
#[inline(always)]
pub(crate) const fn is(_: Bug) -> bool {
    false
}

/// Runs `code` while the engine has that bug, on this thread.
///
/// # Panics
/// As `code` does; the engine is whole again then, too.
///
/// ```
/// use millstream::testing::{Bug, with_bug};
///
/// assert_eq!(with_bug(Bug::SkipFsync, || 7), 7);
/// ```
#[cfg(feature = "seeded-bugs")]
pub fn with_bug<R>(bug: Bug, code: impl FnOnce() -> R) -> R {
    struct Whole;
    impl Drop for Whole {
        fn drop(&mut self) {
            CHOSEN.set(None);
        }
    }
    let _whole = Whole;
    CHOSEN.set(Some(bug));
    code()
}
