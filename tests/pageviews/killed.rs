//! `kill -9` at any moment loses nothing and doubles nothing, and no reader ever sees a row go.

use crate::bundled_log;
use crate::naive::{assert_same, expected};
use crate::process::{Dice, Life, Scene};
use crate::witness::Witness;
use millstream::time::{Clock, SystemClock};
use std::time::Duration;

const KILLS: usize = 15;

/// Lets the process live for a random while, behind the first rows that it shows if `grown`.
fn live(life: &mut Life, witness: &mut Witness, grown: bool, dice: &mut Dice) {
    let clock = SystemClock::new();
    let before = witness.look();
    if grown {
        crate::process::wait_until("new rows", || witness.look() > before || life.is_over());
    }
    let (begin, span) = (clock.elapsed(), Duration::from_micros(dice.roll(80_000)));
    while clock.elapsed() - begin < span {
        witness.look();
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn check(seed: u64, parallelism: &[&str]) {
    let mut dice = Dice::new(seed);
    let scene = Scene::new();
    let mut witness = Witness::new(scene.output());
    for kill in 0..KILLS {
        let parallelism = parallelism[dice.roll(parallelism.len() as u64) as usize];
        let options = ["--rate", "2000", "--checkpoint-interval", "10ms", "--parallelism", parallelism];
        let mut life = scene.start(options);
        // Every third is killed wherever it is, perhaps in the middle of its start.
        live(&mut life, &mut witness, kill % 3 != 2, &mut dice);
        assert!(!life.is_over(), "it cannot be over before kill {kill}: {}", life.stderr());
        life.kill();
        witness.look();
    }
    let summary = scene.summary(["--checkpoint-interval", "50ms", "--parallelism", parallelism[0]]);
    witness.look_at_the_end();
    assert_same(&scene.read(), &expected(&[&bundled_log::path()], 10, 1_800));
    assert_eq!(summary["records"], 10_000, "a record that is read again counts once");
    // A life that was killed in its start has not counted itself yet.
    let restarts = summary["restarts"].as_u64().expect("a number of restarts");
    assert!((1..=KILLS as u64).contains(&restarts), "{restarts} restarts after {KILLS} kills");
}

#[test]
fn a_job_killed_fifteen_times_gives_the_naive_rows() {
    check(20_260_504, &["2"]);
}

#[test]
fn a_job_killed_fifteen_times_and_rescaled_each_time_gives_the_naive_rows() {
    check(7, &["3", "1", "4", "2"]);
}

#[test]
fn a_job_killed_or_stopped_at_full_speed_gives_the_naive_rows() {
    let mut dice = Dice::new(11);
    let outputs = expected(&[&bundled_log::path()], 10, 1_800);
    for parallelism in ["1", "2", "4"] {
        let scene = Scene::new();
        let mut witness = Witness::new(scene.output());
        for kill in 0..6 {
            // So soon that some lives end in their start, and others about where the input does.
            let life = scene.start(["--checkpoint-interval", "5ms", "--parallelism", parallelism]);
            std::thread::sleep(Duration::from_micros(dice.roll(120_000)));
            if kill % 2 == 0 {
                life.kill();
            } else {
                life.terminate();
                let ended = life.wait();
                // Before it listens this signal ends it as any other process, and behind the job's end at once.
                assert!(ended.stderr.is_empty() && matches!(ended.code, Some(0 | 130) | None), "{ended:?}");
            }
            witness.look();
        }
        let summary = scene.summary(["--parallelism", parallelism]);
        witness.look_at_the_end();
        assert_same(&scene.read(), &outputs);
        assert_eq!((&summary["records"], &summary["rejected"]), (&10_000.into(), &7.into()));
    }
}

/// Once the manifest was there before anything was in it, and a kill in between had to be cleared up by hand.
#[test]
fn a_job_killed_while_its_manifest_was_made_is_born_again() {
    let scene = Scene::new();
    std::fs::create_dir_all(scene.state()).unwrap();
    std::fs::write(scene.state().join("lock"), "1").unwrap();
    std::fs::write(scene.state().join("job.unborn"), [0; 4_096]).unwrap();
    let summary = scene.summary([] as [&str; 0]);
    assert_eq!(summary["restarts"], 0);
    assert_same(&scene.read(), &expected(&[&bundled_log::path()], 10, 1_800));
}
