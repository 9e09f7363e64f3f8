//! What a start finds and what it does about it.

use super::manifest::{FORMAT, Life, Manifest, OperatorEntry};
use crate::connector::Split;
use crate::record::Epoch;
use std::path::{Path, PathBuf};

/// What a start has to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Resolution {
    /// There is nothing yet: begin at epoch 0.
    Birth,
    /// Go on at the manifest's epoch, after taking back what is younger.
    Resume {
        /// The last life ended without a word: this start is a restart.
        crashed: bool,
    },
    /// The input has ended long ago: say so and change nothing.
    Finished,
}

/// Why a start must not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The directory belongs to another job.
    #[error("it holds the state of job `{found}`, not of `{job}`; give each job a state directory of its own")]
    OtherJob {
        /// The job that is to be started.
        job: String,
        /// The job whose state this is.
        found: String,
    },
    /// The directory was written by a newer version.
    #[error("it was written in format {found}; this version reads up to {FORMAT}: use a newer version of Millstream")]
    NewerFormat {
        /// The format found.
        found: u32,
    },
    /// State files without a manifest.
    #[error(
        "it holds `{found}` but no job.redb: it is no state directory of Millstream, or its manifest is lost; empty it or start with --fresh"
    )]
    NoManifest {
        /// A file or directory that should not be there.
        found: String,
    },
    /// An operator whose state is there is no longer in the program.
    #[error(
        "operator `{uid}` ({kind}) has state but is not in the program any more; give the operator that continues it .uid(\"{uid}\"), or start with --fresh or another state directory"
    )]
    OperatorGone {
        /// Its uid.
        uid: String,
        /// Its kind.
        kind: String,
    },
    /// An operator is new.
    #[error(
        "operator `{uid}` ({kind}) is not in the checkpoint; if it is an old operator, give it its old uid by .uid(\"…\"), else start with --fresh or another state directory"
    )]
    OperatorNew {
        /// Its uid.
        uid: String,
        /// Its kind.
        kind: String,
    },
    /// An operator does something else now.
    #[error(
        "operator `{uid}` was {found} and is now {kind}, so its state does not fit; change it back, or start with --fresh or another state directory"
    )]
    OperatorChanged {
        /// Its uid.
        uid: String,
        /// Its kind in the checkpoint.
        found: String,
        /// Its kind now.
        kind: String,
    },
    /// The epoch to go back to is not there.
    #[error("epoch {epoch} is not kept; those that are: {kept}")]
    NotKept {
        /// The epoch asked for.
        epoch: Epoch,
        /// The epochs that are kept, oldest first.
        kept: String,
    },
    /// Readers have seen output that would be taken back.
    #[error(
        "going back from epoch {newest} to {epoch} would take back what {sinks} showed since then; if no reader minds, say so by rewind_output(true) (--rewind-output)"
    )]
    OutputShown {
        /// The epoch to go back to.
        epoch: Epoch,
        /// The newest epoch.
        newest: Epoch,
        /// The sinks, by uid.
        sinks: String,
    },
    /// State that the checkpoint needs cannot be used.
    #[error(
        "the state of operator `{uid}`, subtask {subtask} (key groups {first} to {last}), at epoch {epoch} is lost: {cause}; put the file back from a copy, {}",
        remedy(*whole, savepoint.as_deref())
    )]
    Damaged {
        /// The operator.
        uid: String,
        /// Which subtask of it.
        subtask: usize,
        /// The first of its key groups.
        first: u8,
        /// The last of its key groups.
        last: u8,
        /// The epoch that needs it.
        epoch: Epoch,
        /// What is wrong with which file.
        cause: String,
        /// The youngest kept epoch whose files are all whole.
        whole: Option<Epoch>,
        /// The youngest automatic savepoint that is whole.
        savepoint: Option<PathBuf>,
    },
    /// The job has finished, but over another input.
    #[error(
        "it holds the finished job over {found}, and now the input of `{uid}` is {now}; start with --fresh or another state directory"
    )]
    OtherInput {
        /// The source.
        uid: String,
        /// The splits it has read.
        found: String,
        /// The splits there are now.
        now: String,
    },
}

/// What can be done about damaged state.
fn remedy(whole: Option<Epoch>, savepoint: Option<&Path>) -> String {
    let back = |epoch| format!("go back to the kept epoch {epoch} by go_back_to (--go-back-to {epoch})");
    let restore = |path: &Path| {
        let path = path.display();
        format!("begin new output with the savepoint {path} by restore_from and fresh (--restore-from {path} --fresh)")
    };
    match (whole.map(back), savepoint.map(restore)) {
        (Some(back), Some(restore)) => format!("or {back}, or {restore}"),
        (Some(back), None) => format!("or {back}"),
        (None, Some(restore)) => format!("or {restore}: no older checkpoint that is kept is whole"),
        (None, None) => {
            "or restore a savepoint: no older checkpoint that is kept is whole; --fresh begins with nothing".into()
        }
    }
}

/// Decides what a start does.
///
/// * `found`: the manifest, or else what lies in the state directory instead.
/// * `operators`: the operators of the program that keep something.
/// * `splits`: the splits there are now, by source uid.
pub(crate) fn resolve(
    job: &str,
    found: Result<&Manifest, Option<String>>,
    operators: &[OperatorEntry],
    splits: &[(String, Vec<Split>)],
) -> Result<Resolution, Refusal> {
    let manifest = match found {
        Ok(manifest) => manifest,
        Err(None) => return Ok(Resolution::Birth),
        Err(Some(found)) => return Err(Refusal::NoManifest { found }),
    };
    if manifest.format > FORMAT {
        return Err(Refusal::NewerFormat { found: manifest.format });
    }
    if manifest.job != job {
        return Err(Refusal::OtherJob { job: job.to_owned(), found: manifest.job.clone() });
    }
    for old in &manifest.operators {
        match operators.iter().find(|new| new.uid == old.uid) {
            None => return Err(Refusal::OperatorGone { uid: old.uid.clone(), kind: old.kind.clone() }),
            Some(new) if new.kind != old.kind => {
                let (uid, found, kind) = (old.uid.clone(), old.kind.clone(), new.kind.clone());
                return Err(Refusal::OperatorChanged { uid, found, kind });
            }
            Some(_) => {}
        }
    }
    if let Some(new) = operators.iter().find(|new| manifest.parallelism(&new.uid).is_none()) {
        return Err(Refusal::OperatorNew { uid: new.uid.clone(), kind: new.kind.clone() });
    }
    if manifest.life != Life::Finished {
        return Ok(Resolution::Resume { crashed: manifest.life == Life::Running && manifest.attempt > 0 });
    }
    for (uid, now) in splits {
        let read: Vec<&Split> = manifest.chain(uid).flat_map(|entry| &entry.splits).map(|state| &state.split).collect();
        if now.iter().any(|split| !read.contains(&split)) {
            let list = |ids: Vec<&str>| format!("[{}]", ids.join(", "));
            return Err(Refusal::OtherInput {
                uid: uid.clone(),
                found: list(read.iter().map(|split| split.id()).collect()),
                now: list(now.iter().map(Split::id).collect()),
            });
        }
    }
    Ok(Resolution::Finished)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::SubtaskEntry;
    use crate::operator::SplitState;

    fn entry(uid: &str, kind: &str) -> OperatorEntry {
        OperatorEntry { uid: uid.into(), kind: kind.into(), parallelism: 1 }
    }

    fn program() -> Vec<OperatorEntry> {
        vec![entry("lines", "source"), entry("users", "tumbling(10s)")]
    }

    fn manifest() -> Manifest {
        let mut manifest = Manifest::birth("pageviews", 7, program());
        manifest.attempt = 1;
        manifest.subtasks.push(SubtaskEntry {
            chain: "lines".into(),
            index: 0,
            clock: 0,
            now: 0,
            watermarks: Default::default(),
            splits: vec![SplitState { split: Split::new("a.log"), position: None, finished: true }],
            operators: Default::default(),
        });
        manifest
    }

    fn on(manifest: &Manifest, operators: &[OperatorEntry]) -> Result<Resolution, Refusal> {
        resolve("pageviews", Ok(manifest), operators, &[("lines".into(), vec![Split::new("a.log")])])
    }

    #[test]
    fn an_empty_directory_is_a_birth_and_a_strange_one_is_refused() {
        assert_eq!(resolve("pageviews", Err(None), &program(), &[]), Ok(Resolution::Birth));
        let strange = resolve("pageviews", Err(Some("holiday.jpg".into())), &program(), &[]);
        assert!(strange.unwrap_err().to_string().contains("holiday.jpg"));
    }

    #[test]
    fn a_job_goes_on_where_it_was() {
        assert_eq!(on(&manifest(), &program()), Ok(Resolution::Resume { crashed: true }));
        let stopped = Manifest { life: Life::Stopped, ..manifest() };
        assert_eq!(on(&stopped, &program()), Ok(Resolution::Resume { crashed: false }));
        let newborn = Manifest { attempt: 0, ..manifest() };
        assert_eq!(on(&newborn, &program()), Ok(Resolution::Resume { crashed: false }));
    }

    #[test]
    fn a_finished_job_changes_nothing_but_another_input_is_told() {
        let finished = Manifest { life: Life::Finished, ..manifest() };
        assert_eq!(on(&finished, &program()), Ok(Resolution::Finished));
        let other = [("lines".to_owned(), vec![Split::new("b.log")])];
        let refused = resolve("pageviews", Ok(&finished), &program(), &other).unwrap_err().to_string();
        assert!(refused.contains("[a.log]") && refused.contains("[b.log]"), "{refused}");
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let foreign = Manifest { job: "payroll".into(), ..manifest() };
        assert!(on(&foreign, &program()).unwrap_err().to_string().contains("`payroll`"));
        let newer = Manifest { format: FORMAT + 1, ..manifest() };
        assert_eq!(on(&newer, &program()), Err(Refusal::NewerFormat { found: FORMAT + 1 }));
        let gone = on(&manifest(), &program()[..1]).unwrap_err().to_string();
        assert!(gone.contains("operator `users` (tumbling(10s))"), "{gone}");
        let changed = on(&manifest(), &[entry("lines", "source"), entry("users", "tumbling(20s)")]);
        let changed = changed.unwrap_err().to_string();
        assert!(changed.contains("was tumbling(10s) and is now tumbling(20s)"), "{changed}");
        let more = on(&manifest(), &[program(), vec![entry("visits", "session(30m)")]].concat());
        assert!(more.unwrap_err().to_string().contains("`visits`"));
    }
}
