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
    let options = StoreOptions { memory: 2_000_000 };
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
    let mut store = create(&path);
    let values = store.value::<u64, String>("cart").unwrap();
    (0..4000).for_each(|i| values.put(Keyed::of(&i), "x".repeat(1600)).unwrap());
    checkpoint(&mut store, 1).unwrap();
    let fold = store.free(epoch(1)).expect("so much is folded into the base");
    store.folded(fold.run());
    assert_eq!(store.runs(), 0);
    let mut most = 0;
    for count in 2..100 {
        values.put(Keyed::of(&(count % 40)), count.to_string()).unwrap();
        values.remove(Keyed::of(&(2000 + count))).unwrap();
        checkpoint(&mut store, count).unwrap();
        if let Some(fold) = store.free(epoch(count)) {
            store.folded(fold.run());
        }
        most = most.max(store.runs());
    }
    assert!((4..12).contains(&most), "{most}");
    drop((store, values));
    assert!(check_base(&path) > 100);
    let values = open(&path, epoch(99)).unwrap().value::<u64, String>("cart").unwrap();
    assert_eq!(values.get(Keyed::of(&39)).unwrap(), Some("79".into()));
    assert_eq!(values.get(Keyed::of(&2099)).unwrap(), None);
    assert_eq!(values.get(Keyed::of(&2100)).unwrap(), Some("x".repeat(1600)));
}

/// In whatever order the two threads come: nothing that is read depends on how far the fold is.
#[test]
fn a_fold_beside_flushes_and_reads_is_not_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0.redb");
    let options = StoreOptions { memory: 500_000 };
    let mut store = Store::create(&path, &identity(0, 0), options).unwrap();
    let values = store.value::<u64, String>("cart").unwrap();
    let text = |i: u64, round: u64| format!("{i:01000}-{round}");
    let mut model = BTreeMap::new();
    let mut fold = None;
    let mut folds = 0;
    for round in 1..60 {
        for i in (0..1500).filter(|i| round == 1 || (i * round) % 7 == 1) {
            if i % 3 == round % 3 {
                assert_eq!(values.remove(Keyed::of(&i)).unwrap(), model.remove(&i));
            } else {
                values.put(Keyed::of(&i), text(i, round)).unwrap();
                model.insert(i, text(i, round));
            }
        }
        checkpoint(&mut store, round).unwrap();
        (0..1500).step_by(5).for_each(|i| assert_eq!(values.get(Keyed::of(&i)).unwrap(), model.get(&i).cloned()));
        if let Relief::Spill(flush) = store.relieve() {
            store.flushed(flush.run());
        }
        // Given some rounds of time, since it does not matter when it is done.
        if round % 4 == 0
            && let Some(thread) = fold.take()
        {
            let outcome: FoldOutcome = std::thread::JoinHandle::join(thread).unwrap();
            outcome.result().unwrap();
            store.folded(outcome);
            folds += 1;
        }
        if let Some(work) = store.free(epoch(round)) {
            fold = Some(std::thread::spawn(|| work.run()));
        }
    }
    if let Some(thread) = fold {
        thread.join().unwrap().result().unwrap();
    }
    assert!(folds > 3 && store.unforeseen_reads() > 1000, "{folds} {}", store.unforeseen_reads());
    drop((store, values));
    let values = open(&path, epoch(59)).unwrap().value::<u64, String>("cart").unwrap();
    (0..1500).for_each(|i| assert_eq!(values.get(Keyed::of(&i)).unwrap(), model.get(&i).cloned()));
    drop(values);
    check_base(&path);
}
