//! A process is killed while it writes savepoints.

use millstream::prelude::*;
use millstream::time::{Clock, SystemClock};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Where the child finds the state, and puts its savepoints.
const FOLDER: &str = "MILLSTREAM_TEST_FOLDER";

fn job() -> Job {
    let job = Job::new("large");
    let numbers = job.source(MemorySource::new(0..4_000_u64)).uid("numbers");
    let text = |text: &mut String, _: &u64, n: u64| {
        *text = n.to_string().repeat(200);
        text.len()
    };
    let lengths = numbers.key_by(|n| *n).map_with_state(String::new, text).uid("texts");
    lengths.sink(DiscardSink).uid("nowhere");
    job
}

#[test]
#[ignore = "the child of the test below, which never ends"]
fn child_takes_savepoints_for_ever() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    for number in 0.. {
        let path = folder.join(format!("{number}.savepoint"));
        if !path.exists() {
            Savepoint::create(folder.join("state"), &path).unwrap();
        }
    }
}

fn child(folder: &Path) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "--ignored", "killed::child_takes_savepoints_for_ever"]);
    command.env(FOLDER, folder).stdout(Stdio::null()).spawn().unwrap()
}

fn partial(folder: &Path) -> Option<u64> {
    let mut entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let entry = entries.find(|entry| entry.path().extension().is_some_and(|extension| extension == "partial"))?;
    entry.metadata().ok().map(|file| file.len())
}

#[test]
fn no_half_savepoint_is_left_under_its_name_and_the_next_process_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    job().run(Config::default().parallelism(2).state_dir(folder.path().join("state"))).unwrap();
    let mut cut = 0;
    for round in 0..6_u64 {
        let mut child = child(folder.path());
        let clock = SystemClock::new();
        // At another length each round.
        while partial(folder.path()).is_none_or(|length| length < round * 300_000) {
            assert!(
                clock.elapsed() < Duration::from_secs(120) && child.try_wait().unwrap().is_none(),
                "it should be writing"
            );
            thread::sleep(Duration::from_micros(100));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        cut += u64::from(partial(folder.path()).is_some());
        for listed in millstream::savepoint::list(folder.path()).unwrap() {
            Savepoint::open(&listed.path).unwrap().verify().unwrap();
        }
    }
    assert!(cut > 0, "never in the middle");
    let path = folder.path().join("last.savepoint");
    let info = Savepoint::create(folder.path().join("state"), &path).unwrap().info();
    assert_eq!(info.entries, 4_000);
    assert!(job().plan_diff(&Config::default(), &path).unwrap().fits());
}
