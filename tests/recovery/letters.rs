//! A record that its operator fails on again and again is kept, exactly once, and can be handed to it again, exactly once.

use millstream::fault::{Fault, Faulty as _};
use millstream::prelude::*;
use millstream::record::{LetterId, Remains};
use millstream::state::{LetterStatus, StoredLetter};
use millstream::testing::{Harness, Simulation};
use millstream::{DeadLetters, Error};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// Code that fails on 13 until it is mended.
#[derive(Clone, Default)]
struct Code(Arc<AtomicBool>);

impl Code {
    fn mend(&self) {
        self.0.store(true, Relaxed);
    }

    fn run(&self, n: u64) -> u64 {
        assert!(n % 100 != 13 || self.0.load(Relaxed), "no luck with {n}");
        n
    }
}

/// A running sum by the last digit.
fn sums(numbers: Stream<u64>, code: &Code) -> Stream<u64> {
    let code = code.clone();
    let sums = numbers.key_by(|n| n % 10).reduce(move |sum: &u64, n| sum + code.run(*n));
    sums.uid("sums").on_error(OnError::dead_letter())
}

fn all(letters: &DeadLetters) -> Vec<StoredLetter> {
    letters.list(None, 1_000, |_| true).unwrap()
}

fn ids(letters: &DeadLetters) -> Vec<LetterId> {
    all(letters).into_iter().map(|stored| stored.id).collect()
}

fn push(harness: &mut Harness<u64, u64>, numbers: impl IntoIterator<Item = u64>) {
    for n in numbers {
        harness.push(n, Timestamp::EPOCH);
    }
}

#[test]
fn operators_one_behind_the_other_leave_out_what_each_of_them_fails_on() {
    let avoid = |stream: Stream<u64>, bad: u64, uid: &str| {
        let checked = move |n: u64| if n == bad { panic!("no luck with {n}") } else { n + 100 };
        stream.map(checked).uid(uid).on_error(OnError::dead_letter())
    };
    let mut harness = Harness::new(|numbers| avoid(avoid(numbers, 13, "first"), 114, "second"));
    push(&mut harness, [12, 13, 14, 15]);
    assert_eq!(harness.drain(), [212, 215]);
    harness.snapshot();
    let letters = all(&harness.dead_letters());
    let told: Vec<_> =
        letters.iter().map(|stored| (stored.letter.operator.as_str(), stored.letter.remains.clone())).collect();
    assert_eq!(told, [("first", Remains::Json(13.into())), ("second", Remains::Json(114.into()))]);
}

#[test]
fn a_letter_tells_who_failed_on_what_and_why() {
    let code = Code::default();
    let mut harness = Harness::new(|numbers| sums(numbers, &code));
    push(&mut harness, [3, 13, 23]);
    assert_eq!(harness.drain(), [3, 26], "the others are not touched");
    assert!(all(&harness.dead_letters()).is_empty(), "its checkpoint is not complete");
    harness.snapshot();
    let [stored] = &all(&harness.dead_letters())[..] else { panic!("one letter") };
    assert_eq!((stored.id.to_string().as_str(), &stored.status), ("1.1-0", &LetterStatus::Waiting));
    let letter = &stored.letter;
    assert_eq!((letter.operator.as_str(), letter.time), ("sums", Some(Timestamp::EPOCH)));
    assert_eq!(letter.remains, Remains::Json(13.into()));
    assert!(letter.cause.contains("no luck with 13") && letter.cause.contains("letters.rs:"), "{letter}");
    let mut lines = Vec::new();
    assert_eq!(harness.dead_letters().export(&mut lines, |stored| stored.letter.operator == "sums").unwrap(), 1);
    let line: serde_json::Value = serde_json::from_slice(&lines).unwrap();
    assert_eq!((&line["id"], &line["remains"]["json"]), (&"1.1-0".into(), &13.into()));
    assert_eq!(harness.dead_letters().export(&mut lines, |stored| stored.letter.operator == "other").unwrap(), 0);
}

#[test]
fn a_letter_goes_with_its_epoch_and_comes_again_with_the_record() {
    let code = Code::default();
    let mut harness = Harness::new(|numbers| sums(numbers, &code));
    push(&mut harness, [3]);
    harness.snapshot();
    push(&mut harness, [13, 23]);
    harness.crash();
    assert!(all(&harness.dead_letters()).is_empty());
    harness.snapshot().crash();
    assert_eq!(all(&harness.dead_letters()).len(), 1);
    push(&mut harness, [113]);
    harness.crash_and_restore().crash();
    let payloads: Vec<_> = all(&harness.dead_letters()).into_iter().map(|stored| stored.letter.remains).collect();
    assert_eq!(payloads, [Remains::Json(13.into()), Remains::Json(113.into())]);
}

#[test]
fn a_record_is_handed_to_its_operator_again_exactly_once_whatever_crashes() {
    for parallelism in [1, 3] {
        let code = Code::default();
        let mut harness = Harness::new(|numbers| sums(numbers, &code));
        push(&mut harness, [3, 13, 23]);
        harness.snapshot();
        code.mend();
        let asked = ids(&harness.dead_letters());
        harness.dead_letters().replay(&asked).unwrap();
        assert_eq!(all(&harness.dead_letters())[0].status, LetterStatus::Replaying);
        harness.drain();
        // It is handed out, and a crash takes that back.
        push(&mut harness, [33]);
        harness.crash();
        if parallelism > 1 {
            harness.rescale(parallelism);
        }
        push(&mut harness, [43]);
        harness.snapshot();
        harness.crash();
        push(&mut harness, [53]);
        assert_eq!(harness.drain().last(), Some(&(3 + 13 + 23 + 33 + 43 + 53)));
        let [stored] = &all(&harness.dead_letters())[..] else { panic!("one letter") };
        assert!(matches!(stored.status, LetterStatus::Replayed(epoch) if epoch > stored.id.epoch), "{}", stored.status);
        // Asked for twice, it is there once.
        harness.dead_letters().replay(&asked).unwrap();
        push(&mut harness, [63]);
        assert_eq!(harness.drain(), [3 + 13 + 23 + 33 + 43 + 53 + 63]);
    }
}

#[test]
fn a_record_that_fails_again_is_another_letter() {
    let mut harness = Harness::new(|numbers| sums(numbers, &Code::default()));
    push(&mut harness, [3, 13]);
    harness.snapshot();
    let asked = ids(&harness.dead_letters());
    harness.dead_letters().replay(&asked).unwrap();
    harness.snapshot().snapshot();
    let statuses: Vec<_> = all(&harness.dead_letters()).into_iter().map(|stored| stored.status).collect();
    assert!(matches!(statuses[..], [LetterStatus::Replayed(_), LetterStatus::Waiting]), "{statuses:?}");
}

#[test]
fn an_operator_within_a_chain_gets_its_own_record_again() {
    let code = Code::default();
    let mut harness = Harness::new(|numbers: Stream<u64>| {
        let code = code.clone();
        let checked = numbers.map(|n| n + 10).map(move |n| code.run(n)).uid("checked");
        checked.on_error(OnError::dead_letter()).map(|n| n * 2)
    });
    push(&mut harness, [1, 3, 5]);
    assert_eq!(harness.snapshot().drain(), [22, 30]);
    code.mend();
    let asked = ids(&harness.dead_letters());
    assert_eq!(all(&harness.dead_letters())[0].letter.remains, Remains::Json(13.into()));
    harness.dead_letters().replay(&asked).unwrap();
    push(&mut harness, [7]);
    harness.snapshot();
    let mut rows = harness.drain();
    rows.sort();
    assert_eq!(rows, [26, 34]);
    assert!(matches!(all(&harness.dead_letters())[0].status, LetterStatus::Replayed(_)));
}

#[test]
fn a_record_whose_window_is_gone_by_then_is_late() {
    let code = Code::default();
    let late = millstream::testing::Probe::new();
    let seen = late.clone();
    let mut harness = Harness::new(|numbers: Stream<u64>| {
        let code = code.clone();
        let windows = numbers.key_by(|_| 0_u8).window(Tumbling::of(seconds(10)));
        windows.late().map(|late| late.record).sink(late);
        let sums = windows.aggregate(Sum::of(move |n: &u64| code.run(*n))).uid("windows");
        sums.on_error(OnError::dead_letter()).map(|window| window.value)
    });
    push(&mut harness, [1, 13, 2]);
    harness.watermark(Timestamp::from_seconds(20)).snapshot();
    code.mend();
    let asked = ids(&harness.dead_letters());
    harness.dead_letters().replay(&asked).unwrap();
    harness.snapshot().watermark(Timestamp::from_seconds(21));
    assert_eq!((harness.drain(), seen.drain()), (vec![3], vec![13]));
    assert_eq!(harness.status().operator("windows").unwrap().late, 1);
}

#[test]
fn a_window_that_is_gone_opens_once_more_if_that_is_asked_for_and_tells_of_that_record_alone() {
    /// Replays 13, which fell out of the windows of 1, 13 and 2 at second 3; returns what came behind it.
    fn replayed(windows: Windows<u64>, lateness: Duration, crash: bool) -> Vec<(i64, u64)> {
        let code = Code::default();
        let mut harness = Harness::new(|numbers: Stream<u64>| {
            let code = code.clone();
            let windows = numbers.key_by(|_| 0_u8).window(windows).allowed_lateness(lateness);
            let sums = windows.aggregate(Sum::of(move |n: &u64| code.run(*n))).uid("windows");
            sums.on_error(OnError::dead_letter()).map(|window| (window.start.millis() / 1_000, window.value))
        });
        for n in [1, 13, 2] {
            harness.push(n, Timestamp::from_seconds(3));
        }
        harness.watermark(Timestamp::from_seconds(60)).snapshot();
        assert!(harness.drain().iter().all(|(_, sum)| *sum == 3));
        code.mend();
        let asked = ids(&harness.dead_letters());
        harness.dead_letters().replay_reopening(&asked).unwrap();
        if crash {
            harness.watermark(Timestamp::from_seconds(61)).crash_and_restore();
        }
        harness.watermark(Timestamp::from_seconds(62)).snapshot().watermark(Timestamp::from_seconds(63));
        assert_eq!(harness.status().operator("windows").unwrap().late, 0);
        assert!(matches!(all(&harness.dead_letters())[0].status, LetterStatus::Replayed(_)));
        let mut rows = harness.drain();
        rows.sort_unstable();
        rows
    }
    for (windows, expected) in [
        (Windows::from(Tumbling::of(seconds(10))), vec![(0, 13)]),
        (Sliding::of(seconds(10)).every(seconds(5)).into(), vec![(-5, 13), (0, 13)]),
        (Session::gap(seconds(10)).into(), vec![(3, 13)]),
    ] {
        for lateness in [Duration::ZERO, seconds(1)] {
            assert_eq!(replayed(windows.clone(), lateness, false), expected, "{windows}, {lateness:?}");
        }
        // What was told before the crash is told again: the harness keeps it, since it is no exactly-once sink.
        let told = replayed(windows.clone(), Duration::ZERO, true);
        assert_eq!(told.iter().collect::<std::collections::BTreeSet<_>>(), expected.iter().collect(), "{windows}");
    }
}

/// A record of a type that the job knows nothing of.
#[derive(Clone)]
struct Secret(u64);

#[test]
fn a_record_that_was_not_kept_cannot_be_replayed_and_the_type_is_named() {
    let mut harness = Harness::new(|numbers: Stream<u64>| {
        let checked = numbers.map(Secret).map(|secret| Code::default().run(secret.0)).uid("checked");
        checked.on_error(OnError::dead_letter())
    });
    push(&mut harness, [13]);
    harness.snapshot();
    let asked = ids(&harness.dead_letters());
    let refused = harness.dead_letters().replay(&asked).unwrap_err();
    let told = refused.to_string();
    assert!(told.contains("dead letter 1.1-0") && told.contains("Secret") && told.contains("record_type"), "{told}");
    assert_eq!((refused.fault(), &all(&harness.dead_letters())[0].status), (Fault::User, &LetterStatus::Waiting));
}

#[test]
fn letters_are_removed_for_good_unless_they_are_being_replayed() {
    let code = Code::default();
    let mut harness = Harness::new(|numbers| sums(numbers, &code));
    push(&mut harness, [3, 13, 113, 213]);
    harness.snapshot();
    let found = ids(&harness.dead_letters());
    let nobody: LetterId = "7.7-7".parse().unwrap();
    let letters = harness.dead_letters();
    assert!(letters.remove(&[found[0], nobody]).unwrap_err().to_string().contains("7.7-7"));
    assert!(letters.replay(&[nobody]).unwrap_err().to_string().contains("7.7-7"));
    letters.replay(&found[..1]).unwrap();
    assert!(letters.remove(&found).unwrap_err().to_string().contains("being replayed"));
    letters.remove(&found[1..2]).unwrap();
    assert_eq!((ids(&letters), letters.get(found[1]).is_err()), (vec![found[0], found[2]], true));
}

#[test]
fn letters_that_cannot_be_written_fail_the_checkpoint_and_come_with_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let job = Job::new("unlucky");
    sums(job.source(GeneratorSource::new(|n| n)), &Code::default()).sink(DiscardSink);
    let config = Config::default().state_dir(dir.path()).batch_size(16).without_checkpoints();
    let mut simulation = Simulation::start(&job, config, 5).unwrap();
    while simulation.status().operator("sums").unwrap().dead < 2 {
        simulation.step(16).unwrap();
    }
    // Where the file is to be made there is something else.
    let obstacle = dir.path().join("dead-letters.unborn");
    std::fs::create_dir(&obstacle).unwrap();
    for _ in 0..2 {
        let refused = simulation.checkpoint().unwrap_err().to_string();
        assert!(refused.contains("dead-letters.unborn"), "{refused}");
    }
    std::fs::remove_dir(&obstacle).unwrap();
    simulation.checkpoint().unwrap();
    simulation.checkpoint().unwrap();
    let found: Vec<_> = all(&simulation.dead_letters()).into_iter().map(|stored| stored.letter.remains).collect();
    let expected: Vec<_> = (0..found.len()).map(|n| Remains::Json((n * 100 + 13).into())).collect();
    assert!(found.len() >= 2 && found == expected, "{found:?}");
}

/// Runs the numbers below `count` to their end.
fn run(dir: &Path, count: u64, limit: u64) -> millstream::Result<JobStatus> {
    let job = Job::new("limited");
    sums(job.source(MemorySource::new(0..count)), &Code::default()).sink(DiscardSink);
    job.run(Config::default().state_dir(dir).dead_letter_limit(limit).checkpoint_interval(millis(5)))
}

#[test]
fn a_job_with_too_many_letters_fails_by_name_and_loses_none() {
    let dir = tempfile::tempdir().unwrap();
    let error = run(dir.path(), 1_000, 9).map(drop).unwrap_err();
    assert!(error.fault() == Fault::User && error.to_string().contains("`dead_letter_limit` is 9"), "{error}");
    assert_eq!(run(dir.path(), 1_000, 10).unwrap().operator("sums").unwrap().dead, 10);
    let letters = DeadLetters::open(dir.path()).unwrap();
    assert_eq!(all(&letters).len(), 10);
    let refused = letters.replay(&ids(&letters)[..1]).unwrap_err();
    assert!(matches!(refused, Error::Finished { .. }), "{refused}");
}

#[test]
fn a_fresh_start_has_no_letters() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), 100, 9).unwrap();
    assert_eq!(all(&DeadLetters::open(dir.path()).unwrap()).len(), 1);
    let job = Job::new("limited");
    job.source(MemorySource::new(0..3_u64)).sink(DiscardSink);
    job.run(Config::default().state_dir(dir.path()).fresh(true)).unwrap();
    assert!(all(&DeadLetters::open(dir.path()).unwrap()).is_empty());
}

#[test]
fn a_directory_without_a_job_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let refused = DeadLetters::open(dir.path()).map(drop).unwrap_err().to_string();
    assert!(refused.contains("job.redb") && refused.contains("find a job"), "{refused}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is made");
}

/// Sums of numbers without end.
fn endless(code: &Code) -> Job {
    let job = Job::new("endless");
    sums(job.source(GeneratorSource::new(|n| n % 50).rate(2_000)), code).sink(DiscardSink);
    job
}

/// Waits until a letter's status is as wanted.
fn wait_for(letters: &DeadLetters, id: LetterId, wanted: impl Fn(&LetterStatus) -> bool) -> LetterStatus {
    for _ in 0..3_000 {
        let status = letters.get(id).unwrap().status;
        if wanted(&status) {
            return status;
        }
        std::thread::sleep(millis(10));
    }
    panic!("dead letter {id} stays {}", letters.get(id).unwrap().status);
}

fn wait_for_letter(letters: &DeadLetters) -> LetterId {
    for _ in 0..3_000 {
        if let Some(id) = ids(letters).first() {
            return *id;
        }
        std::thread::sleep(millis(10));
    }
    panic!("no letter has come");
}

#[test]
fn letters_of_a_running_job_are_replayed_at_once_and_those_of_a_stopped_one_at_its_start() {
    let dir = tempfile::tempdir().unwrap();
    let config = || Config::default().parallelism(2).state_dir(dir.path()).checkpoint_interval(millis(20));
    let code = Code::default();
    let job = endless(&code).start(config()).unwrap();
    let letters = job.dead_letters().unwrap();
    let first = wait_for_letter(&letters);
    let held = DeadLetters::open(dir.path()).map(drop).unwrap_err();
    assert!(matches!(held, Error::StateDirectoryInUse { .. }), "{held}");
    code.mend();
    letters.replay(&[first]).unwrap();
    wait_for(&letters, first, |status| matches!(status, LetterStatus::Replayed(_)));
    job.stop();
    job.wait().unwrap();
    assert!(matches!(letters.get(first), Err(Error::Over { .. })));

    let stopped = DeadLetters::open(dir.path()).unwrap();
    let second = stopped.list(None, 1, |stored| stored.status == LetterStatus::Waiting).unwrap();
    let Some(second) = second.first().map(|stored| stored.id) else { panic!("13 has come more than once") };
    stopped.replay(&[second]).unwrap();
    drop(stopped);
    let job = endless(&code).start(config()).unwrap();
    let letters = job.dead_letters().unwrap();
    wait_for(&letters, second, |status| matches!(status, LetterStatus::Replayed(_)));
    job.stop();
    job.wait().unwrap();
}

/// Numbers without end through an operator that takes them as they are, or as texts.
fn checked<T: millstream::record::Data>(
    code: &Code,
    make: impl Fn(u64) -> T + Send + Sync + 'static,
    read: impl Fn(T) -> u64 + Send + Sync + 'static,
) -> Job {
    let (job, code) = (Job::new("checked"), code.clone());
    let numbers = job.source(GeneratorSource::new(|n| n % 50).rate(2_000)).uid("numbers").map(make).uid("made");
    let checked = numbers.map(move |n| code.run(read(n))).uid("checked").on_error(OnError::dead_letter());
    checked.sink(DiscardSink).uid("nowhere");
    job
}

#[test]
fn a_record_that_does_not_fit_the_program_any_more_is_marked_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let config = || Config::default().state_dir(dir.path()).checkpoint_interval(millis(20));
    let code = Code::default();
    let job = checked(&code, |n| n, |n| n).start(config()).unwrap();
    let id = wait_for_letter(&job.dead_letters().unwrap());
    job.stop();
    job.wait().unwrap();
    DeadLetters::open(dir.path()).unwrap().replay(&[id]).unwrap();
    code.mend();

    let texts = checked(&code, |n| n.to_string(), |text| text.len() as u64).start(config()).unwrap();
    let letters = texts.dead_letters().unwrap();
    let status = wait_for(&letters, id, |status| matches!(status, LetterStatus::Refused(_)));
    assert!(status.to_string().contains("String") && status.to_string().contains("invalid type"), "{status}");
    let refused = letters.replay(&[id]).unwrap_err().to_string();
    assert!(refused.contains(&id.to_string()) && refused.contains("String"), "{refused}");
    texts.stop();
    texts.wait().unwrap();

    // The program as it was, but mended.
    let job = checked(&code, |n| n, |n| n).start(config()).unwrap();
    let letters = job.dead_letters().unwrap();
    letters.replay(&[id]).unwrap();
    wait_for(&letters, id, |status| matches!(status, LetterStatus::Replayed(_)));
    job.stop();
    job.wait().unwrap();
}

#[test]
fn a_damaged_file_of_letters_is_refused_and_says_what_is_lost_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let job = endless(&Code::default());
    let config = || Config::default().state_dir(dir.path()).checkpoint_interval(millis(20));
    let running = job.start(config()).unwrap();
    wait_for_letter(&running.dead_letters().unwrap());
    running.stop();
    running.wait().unwrap();
    let file = dir.path().join("dead-letters.redb");
    std::fs::write(&file, "nothing of the kind").unwrap();
    let refused = job.run(config()).map(drop).unwrap_err();
    let told = refused.to_string();
    assert!(told.contains("dead-letters.redb") && told.contains("without it the job goes on"), "{told}");
    std::fs::remove_file(&file).unwrap();
    let running = job.start(config()).unwrap();
    wait_for_letter(&running.dead_letters().unwrap());
    running.stop();
    running.wait().unwrap();
}
/// Sums of numbers, with everything that may come between: crashes at any move, other parallelisms, local restarts, replays
/// asked for before and after the code is mended. Returns how many letters there were, and how many replays.
fn everything_between(seed: u64) -> (usize, usize) {
    let (job, code, sink) = (Job::new("between"), Code::default(), CollectSink::new());
    let (rows, broken) = (sink.handle(), code.clone());
    let sums = job.source(MemorySource::new(0..1_500_u64)).key_by(|n| n % 10);
    let sums = sums.aggregate(Sum::of(move |n: &u64| broken.run(*n))).uid("sums").on_error(OnError::dead_letter());
    sums.sink(sink);
    let config = Config::default().batch_size(16).without_checkpoints();
    let mut simulation = Simulation::start(&job, config, seed).unwrap();
    simulation.checkpoints_one_in(60);
    let mut dice = seed;
    let mut roll = |sides: u64| {
        dice = millstream::record::hash_key(&dice);
        dice % sides
    };
    let mended_after = roll(12);
    for round in 0.. {
        if !simulation.step(40).unwrap() {
            break;
        }
        if round == mended_after {
            code.mend();
        }
        match roll(8) {
            0 => simulation.crash().unwrap(),
            1 => simulation.crash_into(1 + roll(3) as usize).unwrap(),
            _ => {}
        }
        if roll(2) == 0 {
            let letters = simulation.dead_letters();
            let waiting = letters.list(None, 9, |stored| stored.status == LetterStatus::Waiting).unwrap();
            let asked: Vec<_> = waiting.into_iter().map(|stored| stored.id).filter(|_| roll(2) == 0).collect();
            letters.replay(&asked).unwrap();
        }
    }
    simulation.run().unwrap();
    let letters = all(&simulation.dead_letters());
    let left = letters.iter().filter(|stored| !matches!(stored.status, LetterStatus::Replayed(_)));
    let left: Vec<u64> = left
        .map(|stored| match &stored.letter.remains {
            Remains::Json(value) => value.as_u64().unwrap(),
            other => panic!("seed {seed}: {other:?}"),
        })
        .collect();
    let rows = rows.rows();
    let sums = (0..10).filter_map(|key| rows.iter().filter(|row| row.0 == key).map(|row| row.1).max());
    let sum: u64 = sums.sum::<u64>() + left.iter().sum::<u64>();
    let told = format!("seed {seed}: {} letters, left {left:?}", letters.len());
    assert_eq!((rows.len() + left.len(), sum), (1_500, (0..1_500).sum()), "{told}");
    (letters.len(), letters.len() - left.len())
}

#[test]
fn whatever_comes_between_each_record_is_in_the_sums_or_in_a_letter_once() {
    let found = (0..30).map(everything_between);
    let (letters, replays) = found.fold((0, 0), |sum, found| (sum.0 + found.0, sum.1 + found.1));
    assert!(replays > 30 && letters > replays, "{letters} letters, {replays} replays");
}
