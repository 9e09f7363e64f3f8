//! Folds at a size where they have many chunks and several pieces, interrupted and beside other work.

use super::testkit::{check_base, checkpoint, create, epoch, identity, open};
use super::*;
use crate::record::Epoch;
use std::collections::BTreeMap;

/// A large base, folded in pieces, each of which may be the last that is written.
#[test]
fn a_crash_in_the_middle_of_a_fold_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    // Too little for all, so that some is read from chunks by key.
    let options = StoreOptions { memory: 2_000_000, ..Default::default() };
    let again = |at| {
        let mut store = Store::open(&path, &identity(0, 0), at, Epoch::ZERO, options.clone()).unwrap();
        let values = store.value::<u64, String>("cart").unwrap();
        (store, values)
    };
    drop(create(&path));
    let mut model = BTreeMap::new();
    let (mut failed, mut done, mut most) = (0, 0, 0);
    for round in 1..6_u64 {
        let (mut store, values) = again(epoch(round - 1));
        let keys = if round == 1 { 0..4000 } else { round * 300..round * 300 + 3000 };
        for i in keys {
            let value = format!("{:01600}", i + round);
            if (i + round).is_multiple_of(5) {
                assert_eq!(values.remove(Keyed::of(&i)).unwrap(), model.remove(&i));
            } else {
                values.put(Keyed::of(&i), value.clone()).unwrap();
                model.insert(i, value);
            }
        }
        checkpoint(&mut store, round).unwrap();
        drop((store, values));
        for writes in [5, 20, 80, 300, i64::MAX] {
            let (mut store, values) = again(epoch(round));
            (0..6000).step_by(97).for_each(|i| assert_eq!(values.get(Keyed::of(&i)).unwrap(), model.get(&i).cloned()));
            let Some(fold) = store.free(epoch(round)) else { break };
            store.faults().fail_after(writes);
            let outcome = fold.run();
            store.faults().mend();
            *if outcome.result().is_ok() { &mut done } else { &mut failed } += 1;
        }
        most = most.max(check_base(&path));
    }
    assert!(failed > 5 && done > 2 && (100..400).contains(&most), "{failed} failed, {done} done, {most} chunks");
    let (_store, values) = again(epoch(5));
    (0..6000).for_each(|i| assert_eq!(values.get(Keyed::of(&i)).unwrap(), model.get(&i).cloned()));
}

#[test]
fn small_deltas_over_a_large_base_become_one_run() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    // Too little for all, so that reads meet the runs.
    let options = StoreOptions { memory: 20_000, ..Default::default() };
    let mut store = Store::create(&path, &identity(0, 0), options).unwrap();
    let values = store.value::<u64, String>("cart").unwrap();
    (0..4000).for_each(|i| values.put(Keyed::of(&i), "x".repeat(1600)).unwrap());
    checkpoint(&mut store, 1).unwrap();
    let fold = store.free(epoch(1)).expect("so much is folded into the base");
    store.folded(fold.run());
    assert_eq!(store.runs(), 0);
    let mut most = 0;
    for count in 2..100 {
        values.put(Keyed::of(&(count % 2)), count.to_string()).unwrap();
        values.remove(Keyed::of(&(2000 + count))).unwrap();
        checkpoint(&mut store, count).unwrap();
        // The two youngest epochs are kept: what is merged lies below them.
        if let Some(fold) = store.free(epoch(count - 2)) {
            store.folded(fold.run());
        }
        most = most.max(store.runs());
        for _ in 0..3 {
            (0..20).for_each(|i| drop(values.get(Keyed::of(&(i * 90 + count))).unwrap()));
            assert!(matches!(store.relieve(), Relief::Fine));
        }
        assert_eq!(values.get(Keyed::of(&(count % 2))).unwrap(), Some(count.to_string()));
    }
    assert!((4..14).contains(&most), "{most}");
    let runs = store.runs();
    drop((store, values));
    assert!(check_base(&path) > 100);
    let mut store = open(&path, epoch(99)).unwrap();
    assert!(store.runs() <= runs, "what has been merged is gone");
    let values = store.value::<u64, String>("cart").unwrap();
    assert_eq!(values.get(Keyed::of(&1)).unwrap(), Some("99".into()));
    assert_eq!(values.get(Keyed::of(&2099)).unwrap(), None);
    assert_eq!(values.get(Keyed::of(&2100)).unwrap(), Some("x".repeat(1600)));
}

#[test]
fn a_fold_that_failed_half_way_is_finished_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let mut store = create(&path);
    let values = store.value::<u64, String>("cart").unwrap();
    (0..6000).for_each(|i| values.put(Keyed::of(&i), "x".repeat(1600)).unwrap());
    checkpoint(&mut store, 1).unwrap();
    // The first pieces fit in the database's cache; the sync of the last one does not succeed.
    let mut writes = 10;
    loop {
        let fold = store.free(epoch(1)).expect("a fold is due until one has succeeded");
        store.faults().fail_after(writes);
        let outcome = fold.run();
        store.faults().mend();
        let done = outcome.result().is_ok();
        store.folded(outcome);
        if done {
            break;
        }
        writes *= 2;
    }
    assert!(writes > 10);
    drop((store, values));
    assert!(check_base(&path) > 250);
}

/// What is read then lists runs whose rows are gone.
#[test]
fn a_fold_that_nobody_has_told_of_yet_is_not_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions { memory: 0, ..Default::default() };
    let mut store = Store::create(&dir.path().join("0.redb"), &identity(0, 0), options).unwrap();
    let maps = store.map::<u64, u64, String>("carts").unwrap();
    let windows = store.windowed_value::<u64, u64>("windows").unwrap();
    let end = |count| crate::time::Timestamp::from_seconds(count as i64);
    let evict = |store: &mut Store| (0..3).for_each(|_| assert!(matches!(store.relieve(), Relief::Fine)));
    for count in 1..=10 {
        for key in 0..20 {
            maps.put(Keyed::of(&key), count % 4, count.to_string()).unwrap();
            windows.put(end(count), Keyed::of(&key), count).unwrap();
        }
        checkpoint(&mut store, count).unwrap();
    }
    let outcome = store.free(epoch(10)).expect("ten runs are folded").run();
    outcome.result().unwrap();
    windows.remove(end(1), Keyed::of(&0)).unwrap();
    checkpoint(&mut store, 11).unwrap();
    for told in [None, Some(outcome)] {
        let first = if told.is_none() { 1 } else { 2 };
        told.into_iter().for_each(|outcome| store.folded(outcome));
        evict(&mut store);
        let expected = [(0, "8".into()), (1, "9".into()), (2, "10".into()), (3, "7".into())];
        (0..20).for_each(|key| assert_eq!(maps.entries(Keyed::of(&key)).unwrap(), expected));
        evict(&mut store);
        let (_, slots) = windows.drain_first(end(first)).unwrap().unwrap();
        assert_eq!(slots.len(), if first == 1 { 19 } else { 20 });
        assert!(slots.iter().all(|&(_, _, count)| count == first));
        checkpoint(&mut store, 11 + first).unwrap();
    }
}

/// In whatever order the two threads come: nothing that is read depends on how far the fold is.
#[test]
fn a_fold_beside_flushes_and_reads_is_not_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let options = StoreOptions { memory: 500_000, ..Default::default() };
    let mut store = Store::create(&path, &identity(0, 0), options).unwrap();
    let values = store.value::<u64, String>("cart").unwrap();
    let text = |i: u64, round: u64| format!("{i:01000}-{round}");
    let mut model = BTreeMap::new();
    let mut fold = None;
    let mut folds = 0;
    for round in 1..100 {
        for i in (0..1500).filter(|i| round == 1 || (i * round) % 7 == 1) {
            if i % 3 == round % 3 {
                assert_eq!(values.remove(Keyed::of(&i)).unwrap(), model.remove(&i));
            } else {
                values.put(Keyed::of(&i), text(i, round)).unwrap();
                model.insert(i, text(i, round));
            }
        }
        // Now and then the disk fails, whichever thread that meets.
        let fails = round % 5 == 0;
        store.faults().fail_after(if fails { i64::try_from(round).unwrap() } else { i64::MAX });
        assert!(checkpoint(&mut store, round).is_ok() || fails);
        store.faults().mend();
        (0..1500).step_by(5).for_each(|i| assert_eq!(values.get(Keyed::of(&i)).unwrap(), model.get(&i).cloned()));
        if let Relief::Spill(flush) = store.relieve() {
            store.flushed(flush.run());
        }
        // Only durable epochs are freed. Given some rounds of time, since it does not matter when it is done.
        if round % 4 == 0
            && let Some(thread) = fold.take()
        {
            let outcome: FoldOutcome = std::thread::JoinHandle::join(thread).unwrap();
            folds += usize::from(outcome.result().is_ok());
            store.folded(outcome);
        }
        if let Some(work) = store.free(epoch(round)) {
            fold = Some(std::thread::spawn(|| work.run()));
        }
    }
    if let Some(thread) = fold {
        drop(thread.join().unwrap());
    }
    assert!(folds > 3 && store.unforeseen_reads() > 1000, "{folds} {}", store.unforeseen_reads());
    drop((store, values));
    let values = open(&path, epoch(99)).unwrap().value::<u64, String>("cart").unwrap();
    (0..1500).for_each(|i| assert_eq!(values.get(Keyed::of(&i)).unwrap(), model.get(&i).cloned()));
    drop(values);
    check_base(&path);
}
