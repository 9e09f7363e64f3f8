//! Three lives of one job, with a savepoint between each two.

use crate::everything::job;
use millstream::prelude::*;
use millstream::testing::{Simulation, assert_same_rows};

const EVENTS: u64 = 600;

fn config(parallelism: usize) -> Config {
    Config::default().parallelism(parallelism).batch_size(4)
}

fn straight() -> Vec<String> {
    let (job, rows) = job(EVENTS);
    Simulation::start(&job, config(1), 0).unwrap().run().unwrap();
    rows.rows()
}

#[test]
fn every_kind_of_state_goes_from_one_to_three_to_two_subtasks() {
    let expected = straight();
    for word in ["kept", "processing", "named Some(\"rule 3\")", "minute", "slide", "visit", "group"] {
        assert!(expected.iter().any(|row| row.contains(word)), "nothing of {word}");
    }
    for seed in 1..4 {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Vec::new();
        let mut from = None;
        for (life, parallelism) in [1, 3, 2].into_iter().enumerate() {
            let state = folder.path().join(format!("state-{life}"));
            let (job, rows) = job(EVENTS);
            let mut settings = config(parallelism).state_dir(&state);
            settings.restore_from = from.take();
            let mut simulation = Simulation::start(&job, settings, seed * 10 + life as u64).unwrap();
            if life == 2 {
                simulation.checkpoints_one_in(50).crashes_one_in(300, 2).run().unwrap();
                seen.extend(rows.rows());
                continue;
            }
            simulation.checkpoints_one_in(60).crashes_one_in(200, 1);
            simulation.step(400).unwrap();
            simulation.checkpoint().unwrap();
            let shown = rows.rows();
            // What comes behind the last checkpoint is not in the savepoint.
            simulation.checkpoints_one_in(0).step(30).unwrap();
            drop(simulation);
            seen.extend(shown);
            let path = folder.path().join(format!("{life}.savepoint"));
            let savepoint = Savepoint::create(&state, &path).unwrap();
            savepoint.verify().unwrap();
            assert!(savepoint.info().entries > 20, "{:?}", savepoint.info());
            from = Some(path);
        }
        assert_same_rows(seen, expected.clone());
    }
}

#[test]
fn a_savepoint_of_a_restored_job_that_has_done_nothing_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (job, _rows) = job(EVENTS);
    let mut simulation = Simulation::start(&job, config(3).state_dir(at("a")), 5).unwrap();
    simulation.step(900).unwrap();
    simulation.checkpoint().unwrap();
    drop(simulation);
    let first = Savepoint::create(at("a"), at("a.savepoint")).unwrap();
    let settings = config(2).state_dir(at("b")).restore_from(at("a.savepoint"));
    drop(Simulation::start(&job, settings, 6).unwrap());
    let second = Savepoint::create(at("b"), at("b.savepoint")).unwrap();
    assert_eq!(first.info().entries, second.info().entries);
    let diff = job.plan_diff(&config(3), at("b.savepoint")).unwrap();
    assert!(diff.fits(), "{diff}");
    // Taking one changes nothing: the job goes on from its own directory.
    drop(Simulation::start(&job, config(3).state_dir(at("a")), 7).unwrap());
}

#[test]
fn a_finished_job_can_be_restored_over_more_input() {
    let folder = tempfile::tempdir().unwrap();
    let (state, path) = (folder.path().join("state"), folder.path().join("a.savepoint"));
    let counts = |sources: &[&str]| {
        let (job, sink) = (Job::new("counts"), CollectSink::new());
        let rows = sink.handle();
        let numbers = sources.iter().map(|uid| job.source(MemorySource::new([7_u64, 8])).uid(*uid));
        let numbers = numbers.reduce(|all, more| all.union(&more)).unwrap();
        numbers.key_by(|_| 0_u64).count().uid("counts").sink(sink).uid("rows");
        (job, rows)
    };
    let (first, _rows) = counts(&["first"]);
    Simulation::start(&first, config(1).state_dir(&state), 1).unwrap().run().unwrap();
    Savepoint::create(&state, &path).unwrap();
    let (second, rows) = counts(&["first", "second"]);
    Simulation::start(&second, config(2).restore_from(&path), 1).unwrap().run().unwrap();
    assert_eq!(rows.rows(), [(0, 3), (0, 4)], "the second source alone is read");
}
