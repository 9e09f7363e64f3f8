//! There is no room for a savepoint.

use crate::small_disk::SmallDisk;
use millstream::prelude::*;
use std::fs;

#[test]
fn a_savepoint_on_a_full_disk_leaves_nothing_and_the_job_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path().join("disk"), "1m") else {
        println!("skipped: this user may not mount");
        return;
    };
    let (job, sink) = (Job::new("counts"), CollectSink::new());
    let rows = sink.handle();
    let numbers = job.source(GeneratorSource::new(|n| n).rate(10_000.0)).uid("numbers");
    numbers.key_by(|n| n % 1_000).count().uid("counts").sink(sink).uid("rows");
    let handle = job.start(Config::default().checkpoint_interval(millis(20))).unwrap();
    let path = disk.0.join("a.savepoint");
    let filler = disk.fill();
    let refused = handle.savepoint(&path).unwrap_err().to_string();
    assert!(refused.contains("No space left on device"), "{refused}");
    let left: Vec<_> = fs::read_dir(&disk.0).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, std::slice::from_ref(&filler));
    let before = rows.rows().len();
    while rows.rows().len() <= before {
        assert!(!handle.wait_for(millis(1)), "it goes on");
    }
    fs::remove_file(filler).unwrap();
    handle.savepoint(&path).unwrap();
    handle.stop();
    handle.wait().unwrap();
    Savepoint::open(&path).unwrap().verify().unwrap();
}
