//! When a job gives up, and what it says then.

use crate::fuse::Fuse;
use crate::trickle::Trickle;
use millstream::Error;
use millstream::connector::{self, Guarantee, Prepared, SinkContext, SinkWriter};
use millstream::fault::{Fault, Faulty};
use millstream::prelude::*;
use millstream::record::Epoch;

fn config(restart: Restart) -> Config {
    Config::default().checkpoint_interval(millis(4)).restart(restart)
}

/// Runs a job whose operator `doubler` does `what` with each number, and which must fail.
fn fail(restart: Restart, parallelism: usize, what: impl Fn(u64) -> u64 + Send + Sync + 'static) -> Error {
    let job = Job::new("doubling");
    let doubler = job.source(Trickle::new(400)).uid("numbers").rebalance().map(what).uid("doubler");
    doubler.sink(DiscardSink);
    let error = job.run(config(restart).parallelism(parallelism)).map(|_| ()).expect_err("it gives up");
    assert_eq!(error.to_string().lines().count(), 1, "one line: {error}");
    error
}

#[test]
fn an_operator_that_always_panics_fails_the_job_when_no_restart_is_left() {
    for (restart, tries, reason) in [
        (Restart::None, 1, "the restart strategy is `none`"),
        (Restart::fixed_delay(millis(1), 2), 3, "no attempt left"),
        (Restart::exponential(millis(1), millis(4), 3), 4, "no attempt left"),
    ] {
        let fuse = Fuse::at(1..1_000);
        let tried = fuse.clone();
        let error = fail(restart, 1, move |number| {
            fuse.call();
            number
        });
        let told = error.to_string();
        assert!(told.starts_with("job `doubling` failed in operator `doubler`, subtask 0: panic: "), "{told}");
        let Error::Failed { job, operator, subtask, cause, fault, reason: why } = error else { panic!("{told}") };
        assert_eq!((job.as_str(), operator.as_str(), subtask, fault), ("doubling", "doubler", 0, Fault::Internal));
        assert!(cause.starts_with("panic: the fuse blew at call "), "{cause}");
        assert!(cause.contains("tests/recovery/fuse.rs:"), "{cause}");
        assert!(why.contains(reason), "{why}");
        assert_eq!(tried.calls(), tries, "{restart:?}");
    }
}

#[test]
fn a_panic_is_told_with_the_subtask_in_which_it_was() {
    let error = fail(Restart::None, 3, |number| if number == 200 { panic!("no {number} please") } else { number });
    let Error::Failed { operator, subtask, cause, .. } = error else { panic!("{error}") };
    assert_eq!(operator, "doubler");
    assert!(subtask < 3 && cause.starts_with("panic: no 200 please ("), "{cause}");
}

#[test]
fn a_panic_message_of_several_lines_is_told_in_one() {
    let error = fail(Restart::None, 1, |number| {
        assert_eq!(number, 1_000, "numbers are\nthousands");
        number
    });
    let told = error.to_string();
    for part in ["numbers are", "thousands", "left: ", "right: 1000", "given_up.rs:"] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn a_panic_whose_payload_is_no_text_is_told_with_its_place() {
    let error = fail(Restart::None, 1, |_| std::panic::panic_any(42_u32));
    let Error::Failed { cause, .. } = error else { panic!("{error}") };
    assert!(cause.starts_with("panic: (no message) (tests/recovery/given_up.rs:"), "{cause}");
}

#[test]
fn an_operator_without_a_name_is_told_by_its_kind() {
    let job = Job::new("nameless");
    job.source(Trickle::new(100)).filter(|_| panic!("no")).sink(DiscardSink);
    let error = job.run(config(Restart::None)).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("filter") && error.contains("subtask 0: panic: no ("), "{error}");
}

/// Runs a job over a source, and returns its rows, sorted.
fn read(source: Trickle, restart: Restart, parallelism: usize) -> millstream::Result<(JobStatus, Vec<u64>)> {
    let (job, sink) = (Job::new("reading"), CollectSink::new());
    let rows = sink.handle();
    job.source(source).uid("numbers").sink(sink);
    let status = job.run(config(restart).parallelism(parallelism))?;
    let mut rows = rows.rows();
    rows.sort_unstable();
    Ok((status, rows))
}

#[test]
fn a_source_that_fails_by_the_users_fault_is_not_read_again() {
    for blocks in [true, false] {
        let source = Trickle::new(800).failing(1, Fault::User).blocking(blocks);
        let error = read(source, Restart::fixed_delay(millis(1), 5), 1).map(|_| ()).unwrap_err();
        assert_eq!(error.fault(), Fault::User);
        for words in ["operator `numbers`, subtask 0: the trickle ran dry; wait for rain", "would meet it again"] {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}

#[test]
fn a_source_that_something_outside_fails_is_read_again_and_nothing_is_lost() {
    for blocks in [true, false] {
        for parallelism in [1, 2] {
            let source = Trickle::new(800).failing(3, Fault::External).blocking(blocks);
            let (status, rows) = read(source, Restart::fixed_delay(millis(1), 5), parallelism).unwrap();
            // Both splits may fail before the first failure is heard.
            assert!((2..=3).contains(&status.restarts), "{} restarts", status.restarts);
            assert_eq!(rows, (0..800).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_source_that_something_outside_always_fails_uses_up_the_restarts() {
    let source = Trickle::new(800).failing(u64::MAX, Fault::External);
    let error = read(source, Restart::fixed_delay(millis(1), 3), 2).map(|_| ()).unwrap_err();
    assert_eq!(error.fault(), Fault::External);
    assert!(error.to_string().contains("no attempt left"), "{error}");
}

/// A sink that refuses a record.
struct Picky(Fault);

impl Sink<u64> for Picky {
    fn describe(&self) -> String {
        "picky".to_owned()
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    fn writer(&self, _: &SinkContext) -> Result<Box<dyn SinkWriter<u64>>, connector::Error> {
        Ok(Box::new(Picky(self.0)))
    }
}

impl SinkWriter<u64> for Picky {
    fn write(&mut self, record: u64, _: Timestamp) -> Result<(), connector::Error> {
        if record < 300 { Ok(()) } else { Err(connector::Error::new(self.0, format!("{record} is too much"))) }
    }

    fn prepare(&mut self, _: Epoch) -> Prepared {
        Box::new(|| Ok(serde_json::Value::Null))
    }
}

#[test]
fn a_sink_that_refuses_a_record_is_told_by_name_and_tried_again_if_that_can_help() {
    for (fault, reason) in [(Fault::User, "would meet it again"), (Fault::External, "no attempt left")] {
        let job = Job::new("writing");
        job.source(Trickle::new(400)).sink(Picky(fault)).uid("target");
        let error = job.run(config(Restart::fixed_delay(millis(1), 2))).map(|_| ()).unwrap_err();
        assert_eq!(error.fault(), fault);
        let told = error.to_string();
        assert!(told.contains("operator `target`, subtask 0: ") && told.contains(" is too much"), "{told}");
        assert!(told.contains(reason), "{told}");
    }
}
