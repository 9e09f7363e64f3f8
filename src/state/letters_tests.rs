//! What the file of dead letters promises.

use super::testkit::epoch;
use super::*;
use crate::fault::{Fault, Faulty as _};
use crate::record::{DeadLetter, Epoch, LetterId, Remains};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn letter(text: &str) -> DeadLetter {
    DeadLetter {
        operator: "parse".into(),
        entry: "lines".into(),
        subtask: 1,
        input: 0,
        position: format!("record {text}"),
        time: None,
        hash: Some(u64::MAX),
        cause: "no number".into(),
        record_type: "String".into(),
        remains: Remains::Json(text.into()),
    }
}

fn create(dir: &tempfile::TempDir) -> (PathBuf, LetterFile) {
    let path = dir.path().join("dead-letters.redb");
    let file = LetterFile::create(&path, 7, Survives::PowerLoss).unwrap();
    (path, file)
}

fn reopen(path: &Path, file: LetterFile) -> LetterFile {
    drop(file);
    LetterFile::open(path, 7, Survives::PowerLoss).unwrap()
}

/// Ids, payloads and statuses.
fn all(file: &LetterFile, last: Epoch) -> Vec<(String, String, LetterStatus)> {
    let row = |stored: StoredLetter| {
        let Remains::Json(value) = stored.letter.remains else { panic!("all are JSON here") };
        (stored.id.to_string(), value.as_str().unwrap().to_owned(), stored.status)
    };
    file.page(last, None, usize::MAX, |_| true).unwrap().into_iter().map(row).collect()
}

fn ids(texts: &[&str]) -> Vec<LetterId> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn a_letter_counts_when_its_epoch_does_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let (path, file) = create(&dir);
    file.write(Epoch::ZERO, epoch(1), &[letter("a")], &[]).unwrap();
    assert!(all(&file, Epoch::ZERO).is_empty(), "nothing has been committed");
    // Epoch 1 could not be committed: what it held comes with the next one.
    file.write(Epoch::ZERO, epoch(2), &[letter("a"), letter("b")], &[]).unwrap();
    let file = reopen(&path, file);
    let waiting = |id: &str, text: &str| (id.to_owned(), text.to_owned(), LetterStatus::Waiting);
    assert_eq!(all(&file, epoch(2)), [waiting("1.2-0", "a"), waiting("1.2-1", "b")]);
    file.write(epoch(2), epoch(3), &[letter("c")], &[]).unwrap();
    file.roll_back(epoch(2)).unwrap();
    assert_eq!(all(&file, epoch(9)), [waiting("1.2-0", "a"), waiting("1.2-1", "b")]);
}

#[test]
fn a_replay_that_was_rolled_back_is_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let (path, file) = create(&dir);
    file.write(Epoch::ZERO, epoch(1), &[letter("a"), letter("b")], &[]).unwrap();
    let asked = ids(&["1.1-1"]);
    file.ask(&asked, true).unwrap();
    file.write(epoch(1), epoch(2), &[], &asked).unwrap();
    assert_eq!(all(&file, epoch(2))[1].2, LetterStatus::Replayed(epoch(2)));
    let file = reopen(&path, file);
    file.roll_back(epoch(1)).unwrap();
    assert_eq!(
        (all(&file, epoch(1))[1].2.clone(), file.asked(epoch(1)).unwrap()),
        (LetterStatus::Replaying, vec![(asked[0], true)]),
        "and in the same way"
    );
    file.write(epoch(1), epoch(3), &[], &asked).unwrap();
    file.roll_back(epoch(3)).unwrap();
    assert_eq!(
        (all(&file, epoch(3))[1].2.clone(), file.asked(epoch(3)).unwrap()),
        (LetterStatus::Replayed(epoch(3)), vec![])
    );
}

#[test]
fn what_nobody_asked_for_is_not_marked() {
    let dir = tempfile::tempdir().unwrap();
    let (_, file) = create(&dir);
    file.write(Epoch::ZERO, epoch(1), &[letter("a")], &[]).unwrap();
    file.write(epoch(1), epoch(2), &[], &ids(&["1.1-0", "1.1-7"])).unwrap();
    assert_eq!(all(&file, epoch(2))[0].2, LetterStatus::Waiting);
    file.refuse(&ids(&["1.1-0"]), "it is gone").unwrap();
    file.roll_back(epoch(1)).unwrap();
    assert_eq!(all(&file, epoch(2))[0].2, LetterStatus::Refused("it is gone".into()));
}

#[test]
fn letters_are_found_page_by_page_and_removed_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let (path, file) = create(&dir);
    let five: Vec<_> = ["a", "b", "c", "d", "e"].map(letter).into();
    file.write(Epoch::ZERO, epoch(1), &five[..3], &[]).unwrap();
    file.write(epoch(1), epoch(2), &five[3..], &[]).unwrap();
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = file.page(epoch(2), after, 2, |stored| stored.letter.position != "record b").unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.iter().map(|stored| stored.id.to_string()));
    }
    assert_eq!(seen, ["1.1-0", "1.1-2", "1.2-0", "1.2-1"]);
    file.remove(&ids(&["1.1-2", "1.2-1"])).unwrap();
    let file = reopen(&path, file);
    assert_eq!((file.len().unwrap(), file.get(epoch(2), ids(&["1.1-2"])[0]).unwrap()), (3, None));
    assert_eq!(file.get(epoch(2), ids(&["1.2-0"])[0]).unwrap().unwrap().letter, five[3]);
    assert_eq!(file.get(epoch(1), ids(&["1.2-0"])[0]).unwrap(), None, "its epoch is not committed");
}

#[test]
fn whatever_write_fails_the_file_holds_all_of_an_epoch_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (_, file) = create(&dir);
    let (mut last, mut kept, mut failed) = (Epoch::ZERO, 0, 0);
    for writes in 0..30 {
        let next = Epoch::new(1, writes + 1);
        file.file.faults.fail_after(writes as i64);
        let written = file.write(last, next, &[letter("x"), letter("y")], &[]);
        file.file.faults.mend();
        match written {
            Ok(()) => {
                last = next;
                kept += 2;
            }
            Err(error) => {
                failed += 1;
                assert_eq!(error.fault(), Fault::External, "{error}");
                file.roll_back(last).unwrap();
            }
        }
        assert_eq!(all(&file, Epoch::new(9, 0)).len(), kept, "after {writes} writes");
    }
    assert!(failed > 0 && kept > 0, "{failed} failed");
}

#[test]
fn a_file_of_another_job_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (path, file) = create(&dir);
    drop(file);
    let error = LetterFile::open(&path, 8, Survives::PowerLoss).unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }), "{error}");
}

#[test]
fn damage_is_told_with_the_letter_that_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let (_, file) = create(&dir);
    file.write(Epoch::ZERO, epoch(1), &[letter("a"), letter("b")], &[]).unwrap();
    file.damage("1.1-1".parse().unwrap());
    let error = file.page(epoch(1), None, 9, |_| true).unwrap_err().to_string();
    assert!(error.contains("dead-letters.redb") && error.contains("dead letter 1.1-1"), "{error}");
    assert!(file.get(epoch(1), "1.1-0".parse().unwrap()).unwrap().is_some());
}

#[derive(Clone, Debug)]
enum Event {
    /// An epoch with so many letters, and a replay of what was asked for; committed or not.
    Epoch(usize, bool, bool),
    Ask(usize),
    Crash,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => (0_usize..3, any::<bool>(), any::<bool>()).prop_map(|(n, replay, commit)| Event::Epoch(n, replay, commit)),
        2 => (0_usize..9).prop_map(Event::Ask),
        1 => Just(Event::Crash),
    ];
    proptest::collection::vec(event, 0..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Against a naive model: a map of what has been committed.
    #[test]
    fn what_is_in_the_file_follows_from_the_commits_alone(events in events()) {
        let dir = tempfile::tempdir().unwrap();
        let (path, mut file) = create(&dir);
        let mut model: BTreeMap<LetterId, LetterStatus> = BTreeMap::new();
        let (mut last, mut next) = (Epoch::ZERO, epoch(1));
        for event in events {
            match event {
                Event::Epoch(letters, replay, commit) => {
                    let replayed = if replay { file.asked(last).unwrap() } else { Vec::new() };
                    let replayed: Vec<LetterId> = replayed.into_iter().map(|(id, _)| id).collect();
                    file.write(last, next, &vec![letter("x"); letters], &replayed).unwrap();
                    if commit {
                        last = next;
                        for id in replayed {
                            model.insert(id, LetterStatus::Replayed(last));
                        }
                        let born = (0..letters as u32).map(|number| LetterId { epoch: last, number });
                        model.extend(born.map(|id| (id, LetterStatus::Waiting)));
                    }
                    next = next.next();
                }
                Event::Ask(number) => {
                    let waiting: Vec<_> =
                        model.iter().filter(|(_, s)| **s == LetterStatus::Waiting).map(|(id, _)| *id).collect();
                    if !waiting.is_empty() {
                        let id = waiting[number % waiting.len()];
                        file.ask(&[id], false).unwrap();
                        model.insert(id, LetterStatus::Replaying);
                    }
                }
                Event::Crash => {
                    file = reopen(&path, file);
                    file.roll_back(last).unwrap();
                    next = Epoch::new(next.attempt() + 1, 1);
                }
            }
            // What a void epoch has left does not count before a rollback either.
            let found: Vec<_> =
                file.page(last, None, 999, |_| true).unwrap().into_iter().map(|s| (s.id, s.status)).collect();
            prop_assert_eq!(&found, &model.iter().map(|(id, status)| (*id, status.clone())).collect::<Vec<_>>());
        }
    }
}
