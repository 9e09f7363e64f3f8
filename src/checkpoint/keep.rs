//! Older checkpoints that are kept, and what going back to one means.

use super::manifest::{Life, Manifest};
use super::resolve::Refusal;
use crate::record::Epoch;

/// The manifest of a job that goes back to a kept epoch: all as it was then, but for what must only grow.
///
/// * `kept`: the manifests of older epochs.
pub(crate) fn go_back(present: &Manifest, kept: &[Manifest], epoch: Epoch) -> Result<Manifest, Refusal> {
    if epoch == present.epoch {
        return Ok(present.clone());
    }
    let Some(then) = kept.iter().find(|kept| kept.epoch == epoch) else {
        return Err(Refusal::NotKept { epoch, kept: list(kept.iter().chain([present])) });
    };
    Ok(Manifest {
        attempt: present.attempt,
        checkpoints: present.checkpoints,
        restarts: present.restarts,
        // It neither runs nor has it crashed.
        life: Life::Stopped,
        rewinding: true,
        ..then.clone()
    })
}

/// Whether a job may go back from its newest epoch to an older one.
///
/// * `shown`: the exactly-once sinks, whose readers have seen what came after.
/// * `rewinds`: the user has said that this output may be taken back.
pub(crate) fn may_take_back<'a>(
    newest: Epoch,
    epoch: Epoch,
    shown: impl Iterator<Item = &'a String>,
    rewinds: bool,
) -> Result<(), Refusal> {
    let sinks: Vec<String> = shown.map(|uid| format!("`{uid}`")).collect();
    if rewinds || sinks.is_empty() {
        return Ok(());
    }
    Err(Refusal::OutputShown { epoch, newest, sinks: sinks.join(", ") })
}

/// The epochs of some checkpoints, for a message.
fn list<'a>(manifests: impl Iterator<Item = &'a Manifest>) -> String {
    let epochs: Vec<String> = manifests.map(|manifest| manifest.epoch.to_string()).collect();
    epochs.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(count: u64) -> Manifest {
        let mut manifest = Manifest::birth("pageviews", 7, Vec::new());
        (manifest.epoch, manifest.checkpoints, manifest.attempt) = (Epoch::new(1, count), count, 1);
        manifest
    }

    fn present() -> Manifest {
        Manifest { attempt: 4, restarts: 2, life: Life::Finished, ..manifest(9) }
    }

    #[test]
    fn what_must_only_grow_is_not_taken_back() {
        let kept = [manifest(7), manifest(8)];
        let back = go_back(&present(), &kept, Epoch::new(1, 7)).unwrap();
        assert_eq!((back.attempt, back.restarts, back.checkpoints), (4, 2, 9));
        assert_eq!((back.epoch, back.life, back.rewinding), (Epoch::new(1, 7), Life::Stopped, true));
    }

    #[test]
    fn going_back_to_where_one_is_changes_nothing() {
        assert_eq!(go_back(&present(), &[], Epoch::new(1, 9)), Ok(present()));
    }

    #[test]
    fn an_epoch_that_is_not_kept_is_refused_with_those_that_are() {
        let refused = go_back(&present(), &[manifest(7), manifest(8)], Epoch::new(1, 3)).unwrap_err();
        assert!(refused.to_string().contains("epoch 1.3 is not kept; those that are: 1.7, 1.8, 1.9"), "{refused}");
    }

    #[test]
    fn output_that_was_seen_is_taken_back_only_by_an_explicit_word() {
        let sinks = ["rows".to_owned(), "sums".to_owned()];
        let may = |sinks: &[String], rewinds| may_take_back(Epoch::new(1, 9), Epoch::new(1, 8), sinks.iter(), rewinds);
        let refused = may(&sinks, false).unwrap_err().to_string();
        assert!(refused.contains("from epoch 1.9 to 1.8") && refused.contains("`rows`, `sums`"), "{refused}");
        assert_eq!((may(&sinks, true), may(&[], false)), (Ok(()), Ok(())));
    }
}
