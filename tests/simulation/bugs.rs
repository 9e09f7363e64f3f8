//! The simulator can fail: it finds each way in which the engine can be broken for it. `cargo test --features seeded-bugs`.
//!
//! Without a bug the same seeds of the same graphs are clean: see the tests of the graphs.

use super::{SEEDS, graphs};
use millstream::testing::{Bug, Exploration, with_bug};

macro_rules! is_found {
    ($($name:ident: $bug:ident in $graph:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                let finding = with_bug(Bug::$bug, || Exploration::of(SEEDS).find(graphs::$graph));
                let finding = finding.expect("no seed finds the bug");
                let what = finding.what.lines().next().unwrap_or_default();
                println!("{:?} is found by seed {}: {what}", Bug::$bug, finding.seed);
            }
        )+

        #[test]
        fn every_bug_is_looked_for() {
            for bug in Bug::ALL {
                assert!([$(Bug::$bug),+].contains(&bug), "{bug:?}");
            }
        }
    };
}

is_found! {
    a_commit_that_does_not_wait_for_the_disk: SkipFsync in sessions,
    a_manifest_that_is_committed_early: CommitEarly in sessions,
    a_timer_that_is_forgotten: ForgetTimer in timers,
    a_word_of_an_older_life: SkipFence in sessions,
    an_epoch_number_that_is_used_twice: ReuseEpoch in diamond,
    a_row_that_is_not_counted: MiscountEmitted in diamond,
    a_row_that_leaves_in_the_middle_of_a_call: EmitInCall in diamond,
    a_stash_that_is_dropped: DropStash in diamond,
    a_frozen_layer_that_is_dropped: DropFrozen in timers,
    watermarks_that_are_not_in_the_snapshot: ForgetWatermarks in windows_with_late_records,
    a_delta_that_stays_when_state_goes_back: SkipRollback in timers,
    a_position_that_stays: StalePosition in sessions,
    a_barrier_that_overtakes: BarrierFirst in diamond,
    an_epoch_that_is_shown_before_it_is_committed: ApplyEarly in sessions,
    rows_of_an_epoch_that_never_completed: ApplyPending in timers,
}
