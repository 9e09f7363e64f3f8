//! A job goes back to a kept checkpoint on demand, with its state, its input and its output.

use crate::job::{rows, run, run_with};
use millstream::prelude::*;
use millstream::record::Epoch;
use std::path::Path;

/// A job that was stopped in its middle, and how many epochs it completed.
fn stopped(keep: usize) -> (tempfile::TempDir, u64) {
    let directory = tempfile::tempdir().unwrap();
    let status = run_with(directory.path(), Some(300), |config| config.keep_checkpoints(keep)).unwrap();
    (directory, status.checkpoints)
}

fn straight() -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), None).unwrap();
    rows(directory.path())
}

fn back(directory: &Path, epoch: Epoch, rewind: bool) -> millstream::Result<JobStatus> {
    run_with(directory, None, |config| config.go_back_to(epoch).rewind_output(rewind))
}

#[test]
fn each_kept_checkpoint_can_be_gone_back_to_and_leads_to_the_same_rows() {
    let straight = straight();
    for age in 0..5 {
        let (directory, newest) = stopped(5);
        back(directory.path(), Epoch::new(1, newest - age), true).unwrap();
        assert_eq!(rows(directory.path()), straight, "{age} epochs back");
    }
}

#[test]
fn a_finished_job_can_be_done_again_from_a_kept_checkpoint() {
    let (directory, middle) = stopped(20);
    run_with(directory.path(), None, |config| config.keep_checkpoints(20)).unwrap();
    let straight = rows(directory.path());
    back(directory.path(), Epoch::new(1, middle), true).unwrap();
    assert_eq!(rows(directory.path()), straight);
}

#[test]
fn output_that_was_seen_is_not_taken_back_unless_the_user_says_so() {
    let (directory, newest) = stopped(3);
    let before = rows(directory.path());
    let refused = back(directory.path(), Epoch::new(1, newest - 1), false).unwrap_err().to_string();
    for words in ["`kept-rows`, `window-rows`", "rewind_output(true)"] {
        assert!(refused.contains(words), "{refused}");
    }
    assert_eq!(rows(directory.path()), before, "nothing has changed");
    run(directory.path(), None).unwrap();
    assert_eq!(rows(directory.path()), straight());
}

#[test]
fn no_more_than_the_last_checkpoints_are_kept() {
    for keep in [1, 3] {
        let (directory, newest) = stopped(keep as usize);
        let refused = back(directory.path(), Epoch::new(1, newest - keep), true).unwrap_err().to_string();
        let kept: Vec<String> = (newest - keep + 1..=newest).map(|epoch| format!("1.{epoch}")).collect();
        assert!(refused.contains(&format!("is not kept; those that are: {}", kept.join(", "))), "{refused}");
    }
}

#[test]
fn what_came_after_the_epoch_gone_back_to_is_forgotten() {
    let (directory, newest) = stopped(3);
    let to = Epoch::new(1, newest - 1);
    run_with(directory.path(), Some(300), |config| config.go_back_to(to).rewind_output(true)).unwrap();
    let refused = back(directory.path(), Epoch::new(1, newest), true).unwrap_err().to_string();
    assert!(refused.contains("is not kept"), "{refused}");
    run(directory.path(), None).unwrap();
    assert_eq!(rows(directory.path()), straight());
}
