//! A job takes savepoints by itself.

use millstream::JobHandle;
use millstream::prelude::*;
use millstream::savepoint;
use millstream::time::{Clock, SystemClock};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// Where the child finds its state.
const FOLDER: &str = "MILLSTREAM_TEST_AUTOMATIC_FOLDER";

fn job() -> Job {
    failing(Arc::default())
}

/// Fails once whenever it is told to, and goes back as a whole.
fn failing(armed: Arc<AtomicBool>) -> Job {
    let job = Job::new("counts");
    let numbers = job.source(GeneratorSource::new(|n| n).rate(20_000.0)).uid("numbers");
    let numbers = numbers.map(move |n| if armed.swap(false, Relaxed) { panic!("struck") } else { n });
    numbers.key_by(|n| n % 1_000).count().uid("counts").sink(DiscardSink).uid("nowhere");
    job
}

fn config(folder: &Path) -> Config {
    let config = Config::default().state_dir(folder.join("state")).checkpoint_interval(millis(10));
    config.savepoint_every(millis(20)).restart(Restart::fixed_delay(millis(1), 1_000))
}

fn until(handle: &JobHandle, reached: impl Fn(&JobStatus) -> bool) {
    while !reached(&handle.status()) {
        assert!(!handle.wait_for(millis(1)), "the job has ended");
    }
}

fn stop(handle: JobHandle) {
    handle.stop();
    assert_eq!(handle.wait().unwrap().state, JobState::Stopped);
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_youngest_are_kept_sorted_by_time_and_no_other_file_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = folder.path().join("state/savepoints");
    let handle = job().start(config(folder.path())).unwrap();
    until(&handle, |status| status.savepoints >= 1);
    let mine = handle.savepoint(shelf.join("mine.savepoint")).unwrap();
    let stranger = "auto-0000000000000007-00000001-0000000000001.savepoint";
    fs::copy(&mine.path, shelf.join(stranger)).unwrap();
    let seen = handle.status().savepoints;
    until(&handle, |status| status.savepoints >= seen + 4);
    stop(handle);
    let left = names(&shelf);
    assert!(left.contains(&"mine.savepoint".to_owned()) && left.contains(&stranger.to_owned()), "{left:?}");
    let found = savepoint::list(&shelf).unwrap();
    let is_own = |listed: &&savepoint::Listed| {
        let name = listed.path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("auto-") && name != stranger
    };
    let own: Vec<_> = found.iter().filter(is_own).collect();
    assert_eq!((own.len(), left.len()), (2, 4), "{left:?}");
    let times: Vec<_> = own.iter().map(|listed| listed.info.as_ref().unwrap().created_at).collect();
    assert!(times.is_sorted(), "{times:?}");
    for listed in own {
        Savepoint::open(&listed.path).unwrap().verify().unwrap();
        assert!(job().plan_diff(&Config::default(), &listed.path).unwrap().fits());
    }
}

#[test]
fn failures_are_told_and_the_next_interval_tries_again() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = folder.path().join("shelf");
    fs::write(&shelf, "a file is in the way").unwrap();
    let handle = job().start(config(folder.path()).savepoint_dir(&shelf)).unwrap();
    until(&handle, |status| status.failed_savepoints >= 2);
    let told = handle.status();
    assert!(told.failure.as_ref().is_some_and(|told| told.contains("shelf")), "{told:?}");
    assert_eq!((told.savepoints, told.restarts), (0, 0));
    fs::remove_file(&shelf).unwrap();
    until(&handle, |status| status.savepoints >= 1);
    stop(handle);
    assert!(names(&shelf).iter().all(|name| name.ends_with(".savepoint")), "{:?}", names(&shelf));
}

#[test]
fn a_job_that_goes_back_and_is_started_again_goes_on_taking_them() {
    let folder = tempfile::tempdir().unwrap();
    let armed = Arc::new(AtomicBool::new(false));
    for _ in 0..2 {
        let handle = failing(armed.clone()).start(config(folder.path())).unwrap();
        for _ in 0..3 {
            let before = handle.status();
            armed.store(true, Relaxed);
            until(&handle, |status| status.restarts > before.restarts && status.savepoints > before.savepoints + 1);
        }
        stop(handle);
    }
    let shelf = folder.path().join("state/savepoints");
    assert_eq!(names(&shelf).len(), 2, "{:?}", names(&shelf));
    // None was taken for long: the first is not waited for.
    let hourly = config(folder.path()).savepoint_every(hours(1)).savepoint_dir(folder.path().join("other"));
    let handle = job().start(hourly).unwrap();
    until(&handle, |status| status.savepoints == 1);
    stop(handle);
}

#[test]
#[ignore = "the child of the test below, which never ends"]
fn child_takes_savepoints_by_itself() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    job().run(config(&folder).savepoint_every(millis(1))).unwrap();
}

fn child(folder: &Path) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "--ignored", "automatic::child_takes_savepoints_by_itself"]);
    command.env(FOLDER, folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_killed_job_leaves_whole_ones_only_and_its_next_life_clears_away_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = folder.path().join("state/savepoints");
    let is_partial = |name: &String| name.ends_with(".partial");
    let mut cut = 0;
    for _ in 0..20 {
        let mut child = child(folder.path());
        let clock = SystemClock::new();
        while !shelf.is_dir() || !names(&shelf).iter().any(is_partial) {
            let is_alive = child.try_wait().unwrap().is_none();
            assert!(clock.elapsed() < Duration::from_secs(120) && is_alive, "it should be writing");
            thread::sleep(Duration::from_micros(50));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for listed in savepoint::list(&shelf).unwrap() {
            Savepoint::open(&listed.path).unwrap().verify().unwrap();
        }
        cut += usize::from(names(&shelf).iter().any(is_partial));
        if cut > 1 {
            break;
        }
    }
    assert!(cut > 0, "never in the middle");
    let handle = job().start(config(folder.path())).unwrap();
    until(&handle, |status| status.savepoints >= 2);
    stop(handle);
    let left = names(&shelf);
    assert!(left.len() == 2 && !left.iter().any(is_partial), "{left:?}");
}

#[test]
fn the_refusal_of_damaged_state_names_the_youngest_whole_one_which_can_be_restored_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let (state, shelf) = (folder.path().join("state"), folder.path().join("state/savepoints"));
    let handle = job().start(config(folder.path())).unwrap();
    until(&handle, |status| status.savepoints >= 2 && status.operator("counts").unwrap().records_in > 1_000);
    stop(handle);
    let [older, younger] = savepoint::list(&shelf).unwrap().try_into().unwrap();
    let bytes = fs::read(&younger.path).unwrap();
    fs::write(&younger.path, &bytes[..bytes.len() - 9]).unwrap();
    fs::remove_file(state.join("1/counts/0.redb")).unwrap();
    // Also a start that takes none names them.
    let plain = || Config::default().state_dir(&state);
    let refused = job().run(plain()).unwrap_err().to_string();
    assert!(refused.contains(&format!("--restore-from {} --fresh", older.path.display())), "{refused}");
    let handle = job().start(plain().restore_from(&older.path).fresh(true)).unwrap();
    until(&handle, |status| status.state == JobState::Running);
    stop(handle);
    assert_eq!(names(&shelf).len(), 2, "a fresh start leaves savepoints");
}

#[test]
fn a_job_whose_manifest_is_lost_does_not_begin_with_nothing_beside_its_savepoints() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::create_dir_all(state.join("savepoints")).unwrap();
    let plain = || Config::default().state_dir(&state);
    let refused = job().run(plain()).unwrap_err().to_string();
    assert!(refused.contains("holds `savepoints` but no job.redb"), "{refused}");
    let handle = job().start(plain().fresh(true)).unwrap();
    until(&handle, |status| status.checkpoints > 0);
    stop(handle);
}

#[test]
fn without_a_place_that_stays_they_are_refused() {
    let refused = job().run(Config::default().savepoint_every(hours(1))).unwrap_err().to_string();
    assert!(refused.contains("set `state_dir` or `savepoint_dir`"), "{refused}");
    let refused = job().run(Config::default().keep_savepoints(0)).unwrap_err().to_string();
    assert!(refused.contains("`keep_savepoints` is 0"), "{refused}");
}
