//! Epochs, crashes at each step of a commit, and files that someone else touched.

use super::*;
use crate::fault::{Fault, Faulty};
use crate::record::Epoch;
use crate::time::Timestamp;
use serde_json::Value;
use std::fs;
use std::path::Path;

fn epoch(count: u64) -> Epoch {
    Epoch::new(1, count)
}

fn sink(directory: &Path) -> KeyedFileSink<String> {
    KeyedFileSink::new(directory.join("users.csv"), |line| line.split_once(',').map(|(name, _)| name.to_owned()))
        .header("name,hits")
}

struct Job {
    directory: tempfile::TempDir,
    committer: Box<dyn Committer>,
    writers: Vec<Box<dyn SinkWriter<LineChange>>>,
}

impl Job {
    fn start(directory: tempfile::TempDir, records: &[Value], parallelism: usize) -> Result<Self, Error> {
        let sink = sink(directory.path());
        let mut committer = sink.committer()?.unwrap();
        committer.recover(records, false)?;
        let writer = |subtask| sink.writer(&SinkContext { uid: "sink".to_owned(), subtask, parallelism }).unwrap();
        let writers = (0..parallelism).map(writer).collect();
        Ok(Job { directory, committer, writers })
    }

    fn new() -> Self {
        Self::start(tempfile::tempdir().unwrap(), &[], 2).unwrap()
    }

    /// `+line` and `-line` for one subtask.
    fn write(&mut self, subtask: usize, changes: &[&str]) -> &mut Self {
        for change in changes {
            let (sign, line) = change.split_at(1);
            let line = line.to_owned();
            let change = if sign == "+" { LineChange::Put(line) } else { LineChange::Remove(line) };
            self.writers[subtask].write(change, Timestamp::MIN).unwrap();
        }
        self
    }

    fn plan(&mut self, epoch: Epoch) -> Value {
        let prepared: Vec<_> =
            self.writers.iter_mut().map(|writer| writer.prepare(epoch)().unwrap()).enumerate().collect();
        self.committer.plan(epoch, &prepared).unwrap()
    }

    fn commit(&mut self, epoch: Epoch) -> Value {
        let record = self.plan(epoch);
        self.committer.apply(&record).unwrap();
        record
    }

    fn text(&self) -> String {
        fs::read_to_string(self.directory.path().join("users.csv")).unwrap()
    }

    /// Ends the job here, and starts another one of these records.
    fn crash(self, records: &[Value], parallelism: usize) -> Result<Self, Error> {
        Self::start(self.directory, records, parallelism)
    }

    fn files(&self) -> usize {
        fs::read_dir(self.directory.path()).unwrap().count()
    }
}

#[test]
fn the_file_holds_the_last_line_of_each_key_in_order_of_the_keys() {
    let mut job = Job::new();
    job.write(0, &["+eve,1", "+ada,1", "-ada,1", "+ada,2"]).write(1, &["+bob,1"]);
    let first = job.commit(epoch(1));
    assert_eq!(job.text(), "name,hits\nada,2\nbob,1\neve,1\n");
    job.write(1, &["-bob,1"]).write(0, &["+cid,1", "-nobody,1"]);
    job.commit(epoch(2));
    assert_eq!(job.text(), "name,hits\nada,2\ncid,1\neve,1\n");
    assert_eq!(job.files(), 1);
    job.committer.may_rewind(&[first]).unwrap_err();
}

#[test]
fn an_epoch_without_changes_writes_nothing_but_the_first_makes_the_file() {
    let mut job = Job::new();
    job.commit(epoch(1));
    assert_eq!(job.text(), "name,hits\n");
    let second = job.plan(epoch(2));
    assert_eq!((second.get("next"), job.files()), (None, 1));
    job.committer.may_rewind(&[second]).unwrap();
}

#[test]
fn what_failed_before_its_commit_goes_out_with_the_next_epoch() {
    let mut job = Job::new();
    job.write(0, &["+ada,1"]);
    job.plan(epoch(1));
    job.write(0, &["+ada,2"]).write(1, &["+bob,1"]);
    job.commit(epoch(2));
    assert_eq!((job.text().as_str(), job.files()), ("name,hits\nada,2\nbob,1\n", 1));
}

#[test]
fn a_crash_before_the_commit_leaves_the_table_as_it_was() {
    let mut job = Job::new();
    job.write(0, &["+ada,1"]);
    let first = job.commit(epoch(1));
    job.write(0, &["+ada,2"]);
    job.plan(epoch(2));
    let job = job.crash(&[first], 1).unwrap();
    assert_eq!((job.text().as_str(), job.files()), ("name,hits\nada,1\n", 1));
}

#[test]
fn a_crash_after_the_commit_is_made_good_at_another_parallelism() {
    for applied in [false, true] {
        let mut job = Job::new();
        job.write(0, &["+ada,1"]).write(1, &["+bob,1"]);
        let first = job.commit(epoch(1));
        job.write(0, &["+ada,2"]);
        let second = job.plan(epoch(2));
        if applied {
            job.committer.apply(&second).unwrap();
        }
        let mut job = job.crash(&[first, second.clone()], 3).unwrap();
        assert_eq!((job.text().as_str(), job.files()), ("name,hits\nada,2\nbob,1\n", 1));
        job.write(2, &["-ada,2", "+bob,9"]);
        let third = job.commit(epoch(3));
        job.committer.apply(&third).unwrap();
        assert_eq!(job.text(), "name,hits\nbob,9\n");
    }
}

#[test]
fn a_file_that_someone_else_has_changed_is_refused() {
    let changes: [fn(&Path); 3] = [
        |file| fs::write(file, "name,hits\nada,7\n").unwrap(),
        |file| fs::write(file, "").unwrap(),
        |file| fs::remove_file(file).unwrap(),
    ];
    for change in changes {
        // At the start, with a commit that is done or still to be done, and in the middle.
        for planned in [false, true] {
            let mut job = Job::new();
            job.write(0, &["+ada,1"]);
            let mut records = vec![job.commit(epoch(1))];
            if planned {
                job.write(0, &["+ada,2"]);
                records.push(job.plan(epoch(2)));
            }
            change(&job.directory.path().join("users.csv"));
            let error = job.crash(&records, 2).map(|_| ()).unwrap_err();
            assert_eq!(error.fault(), Fault::User, "{error}");
            assert!(error.to_string().contains("something else has written to it"), "{error}");
        }
        let mut job = Job::new();
        job.write(0, &["+ada,1"]).commit(epoch(1));
        change(&job.directory.path().join("users.csv"));
        job.write(0, &["+ada,2"]);
        let prepared = [(0, job.writers[0].prepare(epoch(2))().unwrap())];
        assert!(job.committer.plan(epoch(2), &prepared).is_err());
    }
}

#[test]
fn a_file_of_another_job_is_only_replaced_if_that_is_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("users.csv");
    fs::write(&file, "old\n").unwrap();
    let mut committer = sink(directory.path()).committer().unwrap().unwrap();
    let error = committer.recover(&[], false).unwrap_err();
    assert!(error.to_string().contains("was not written by this job"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "old\n");
    committer.recover(&[], true).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "");
}
