//! The program run straight through gives the rows of the naive reading, whatever it reads and however parallel it is.

use crate::naive::{self, assert_same, expected};
use crate::process::Scene;
use crate::{access_log, bundled_log};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

const WINDOW: i64 = 10;
const GAP: i64 = 1_800;

/// A log of so many lines in the scene's directory.
fn made_log(scene: &Scene, name: &str, lines: usize, seed: u64) -> PathBuf {
    let mut log = Vec::new();
    access_log::write(&mut log, lines, seed).expect("a vector takes all");
    scene.file(name, log)
}

/// The rejected rows without the names of their files.
fn without_files(mut outputs: naive::Outputs) -> naive::Outputs {
    outputs.rejected.iter_mut().for_each(|row| drop(row.remove(0)));
    outputs.rejected.sort();
    outputs
}

fn check(log: &Path) {
    let outputs = expected(&[log], WINDOW, GAP);
    for parallelism in ["1", "2", "4"] {
        // So short an interval puts epochs of all kinds around the end of the input.
        for interval in ["1h", "5ms"] {
            let scene = Scene::new();
            let log = log.to_str().expect("a path of letters");
            let summary =
                scene.summary(["--input", log, "--parallelism", parallelism, "--checkpoint-interval", interval]);
            assert_same(&scene.read(), &outputs);
            assert_eq!(summary["state"], "finished");
            assert_eq!(summary["restarts"], 0);
        }
    }
}

#[test]
fn the_bundled_log_gives_the_naive_rows_at_any_parallelism() {
    check(&bundled_log::path());
}

/// Ten thousand lines of a real server's log, which is not ours to bundle; beside the crate where there is a copy.
#[test]
fn a_real_log_gives_the_naive_rows_at_any_parallelism() {
    let log = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/access.log"));
    if !log.exists() {
        println!("skipped: there is no {}", log.display());
        return;
    }
    check(log);
}

#[test]
fn without_an_input_it_reads_the_bundled_log() {
    let scene = Scene::new();
    let ended = scene.run([] as [&str; 0]);
    assert!(ended.succeeded().stdout.starts_with("10000 records, 7 rejected, in "), "{}", ended.stdout);
    assert_same(&scene.read(), &expected(&[&bundled_log::path()], WINDOW, GAP));
}

#[test]
fn several_inputs_one_of_them_compressed_and_one_from_stdin_are_read_side_by_side() {
    let scene = Scene::new();
    let plain = made_log(&scene, "plain.log", 2_000, 11);
    let squeezed = made_log(&scene, "squeezed", 2_000, 12);
    let piped = made_log(&scene, "piped", 2_000, 13);
    let gzip = scene.path("squeezed.gz");
    let mut encoder = flate2::write::GzEncoder::new(File::create(&gzip).unwrap(), flate2::Compression::fast());
    encoder.write_all(&fs::read(&squeezed).unwrap()).unwrap();
    encoder.finish().unwrap();

    let inputs = ["--input", plain.to_str().unwrap(), "--input", gzip.to_str().unwrap(), "--input", "-"];
    let mut command = scene.command(inputs);
    command.args(["--parallelism", "2", "--checkpoint-interval", "10ms"]).stdin(File::open(&piped).unwrap());
    scene.start_command(command).wait().succeeded();
    let outputs = expected(&[&plain, &squeezed, &piped], WINDOW, GAP);
    assert_same(&without_files(scene.read()), &without_files(outputs));
}

#[test]
fn the_summary_counts_what_the_files_hold() {
    let log = bundled_log::path();
    let outputs = expected(&[&log], WINDOW, GAP);
    for parallelism in ["1", "3"] {
        let scene = Scene::new();
        let summary = scene.summary(["--parallelism", parallelism, "--checkpoint-interval", "20ms"]);
        assert_eq!(summary["records"], 10_000);
        assert_eq!(summary["rejected"], outputs.rejected.len());
        assert_eq!(summary["late"], serde_json::json!({ "users": 0, "visits": 0 }));
        let rows = serde_json::json!({
            "site.csv": outputs.site.len(),
            "users.csv": outputs.users.len(),
            "visits.csv": outputs.visits.len(),
            "rejected.jsonl": outputs.rejected.len(),
            "late.jsonl": 0,
        });
        assert_eq!(summary["rows"], rows);
        assert_eq!(summary["failed_checkpoints"], 0);
        assert_eq!(fs::read(scene.output().join("late.jsonl")).unwrap(), b"");
    }
}
