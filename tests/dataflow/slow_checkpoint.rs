//! A checkpoint that does not complete is told of, with the subtask that it waits for, and completes when that goes on.

use crate::support::{Bar, eventually};
use millstream::connector::{Error, Guarantee, Prepared, Sink, SinkContext, SinkWriter};
use millstream::prelude::*;
use millstream::record::Epoch;

fn config() -> Config {
    Config::default().checkpoint_interval(millis(1)).checkpoint_warning(millis(1))
}

/// Waits until the status tells that a checkpoint waits for subtask 0 of `operator`, and why.
fn waits_for(handle: &JobHandle, operator: &str, reason: &str) {
    eventually(reason, || {
        let waits = handle.status().slow_checkpoint.into_iter().flat_map(|slow| slow.waits);
        waits.into_iter().any(|wait| wait.operator == operator && wait.subtask == 0 && wait.reason == reason)
    });
}

/// Opens the bar; the job must go on to its end, with nothing to complain of.
fn goes_on(handle: JobHandle, bar: &Bar) {
    bar.open();
    assert!(handle.wait_for(seconds(60)), "the job stands still: {:?}", handle.status());
    let last = handle.wait().unwrap();
    assert_eq!((last.slow_checkpoint, last.failed_checkpoints), (None, 0));
}

#[test]
fn a_subtask_that_is_held_up_in_the_users_code_is_named() {
    let (job, bar, seen) = (Job::new("held-up"), Bar::default(), CollectSink::new());
    let (held, rows) = (bar.clone(), seen.handle());
    let slow = job.source(MemorySource::new(0..9_u64)).map(move |n| {
        held.pass();
        n
    });
    slow.isolated().uid("slow").sink(seen);
    let handle = job.start(config()).unwrap();
    waits_for(&handle, "slow", "it has not come to the barrier: it is busy with what is before it");
    goes_on(handle, &bar);
    assert_eq!(rows.rows().len(), 9);
}

/// A sink that holds back when it is to make its rows durable.
struct Held(Bar);

impl Sink<u64> for Held {
    fn describe(&self) -> String {
        "a sink that is held up".to_owned()
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    fn writer(&self, _: &SinkContext) -> Result<Box<dyn SinkWriter<u64>>, Error> {
        Ok(Box::new(HeldWriter(self.0.clone())))
    }
}

struct HeldWriter(Bar);

impl SinkWriter<u64> for HeldWriter {
    fn write(&mut self, _: u64, _: Timestamp) -> Result<(), Error> {
        Ok(())
    }

    fn prepare(&mut self, _: Epoch) -> Prepared {
        let bar = self.0.clone();
        Box::new(move || {
            bar.pass();
            Ok(serde_json::Value::Null)
        })
    }
}

#[test]
fn a_sink_that_does_not_get_done_is_named_with_its_subtask() {
    let (job, bar) = (Job::new("held-sink"), Bar::default());
    job.source(GeneratorSource::new(|n| n).count(9)).sink(Held(bar.clone())).uid("out");
    let handle = job.start(config()).unwrap();
    let source = handle.status().operators[0].name.clone();
    waits_for(&handle, &source, "sink `out` makes its rows durable");
    goes_on(handle, &bar);
}
