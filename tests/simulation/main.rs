//! Whatever goes wrong, and in whatever order things happen, a job gives the answer that it gives when nothing does.
//!
//! Each test runs one graph under some seeds. Each seed is a run in virtual time in which processes die, the power goes in the
//! middle of a write, disks fail for a while, operators and the user's code panic, the clock jumps, and jobs go on at another
//! parallelism; then the rows are compared with those of a run without any of that.
//!
//! `MILLSTREAM_SEEDS=1000` in the environment runs so many seeds of each graph. A failure says which command runs its seed
//! again.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

#[cfg(feature = "seeded-bugs")]
mod bugs;
mod drip;
mod graphs;
mod processes;

use millstream::testing::{Exploration, Explored};

/// Each of nine graphs, so more than 500 in all.
const SEEDS: u64 = 60;

/// Runs of which nothing has happened to would show nothing.
fn eventful(explored: Explored) {
    if explored.seeds >= SEEDS {
        assert!(explored.restarts > explored.seeds && explored.failed_checkpoints > 10, "{explored:?}");
        assert!(explored.checkpoints > 5 * explored.seeds && explored.local_restarts > explored.seeds, "{explored:?}");
    }
}

macro_rules! give_one_answer {
    ($($name:ident),+) => {$(
        #[test]
        fn $name() {
            eventful(Exploration::of(SEEDS).run(graphs::$name));
        }
    )+};
}

give_one_answer!(
    windows_with_late_records,
    sessions,
    sliding_windows,
    timers,
    diamond,
    interval_join,
    broadcast,
    file_sink
);

/// From one split the records of a key come in one order, and so do the rows.
#[test]
fn running_totals() {
    eventful(Exploration::of(SEEDS).run_ordered(graphs::running_totals, |row| (row.0, row.1)));
}
