//! A sink that writes slowly holds its source back, and loses nothing by it.

use crate::support::eventually;
use millstream::connector::{Error, Guarantee, Prepared, Sink, SinkContext, SinkJob, SinkWriter};
use millstream::prelude::*;
use millstream::record::Epoch;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// What the test and the sink share.
#[derive(Default)]
struct Shared {
    /// Records that were written.
    written: AtomicU64,
    /// Jobs that were handed to the blocking pool.
    jobs: AtomicU64,
    /// Jobs wait before this is open.
    open: Mutex<bool>,
    opened: Condvar,
}

/// Hands its records to the blocking pool, where nothing happens before the gate is open.
struct Gated(Arc<Shared>);

struct GatedWriter {
    waiting: u64,
    shared: Arc<Shared>,
}

impl Sink<u64> for Gated {
    fn describe(&self) -> String {
        "a gated sink".to_owned()
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    fn writer(&self, _: &SinkContext) -> Result<Box<dyn SinkWriter<u64>>, Error> {
        Ok(Box::new(GatedWriter { waiting: 0, shared: self.0.clone() }))
    }
}

impl SinkWriter<u64> for GatedWriter {
    fn write(&mut self, _: u64, _: Timestamp) -> Result<(), Error> {
        self.waiting += 1;
        Ok(())
    }

    fn spill(&mut self, _: bool) -> Option<SinkJob> {
        let (batch, shared) = (std::mem::take(&mut self.waiting), self.shared.clone());
        (batch > 0).then(|| -> SinkJob {
            shared.jobs.fetch_add(1, Ordering::SeqCst);
            Box::new(move || {
                let open = shared.open.lock().unwrap();
                drop(shared.opened.wait_while(open, |open| !*open).unwrap());
                shared.written.fetch_add(batch, Ordering::SeqCst);
                Ok(())
            })
        })
    }

    fn prepare(&mut self, _: Epoch) -> Prepared {
        let job = self.spill(true);
        Box::new(move || job.map_or(Ok(()), |job| job()).map(|()| serde_json::Value::Null))
    }
}

#[test]
fn a_full_lane_stops_the_subtask_and_room_in_it_wakes_it_again() {
    const RECORDS: u64 = 1_000_000;
    let shared = Arc::new(Shared::default());
    let job = Job::new("gated-sink");
    let records = job.source(MemorySource::from_fn(RECORDS, |index| index)).map(|record| record).isolated();
    records.sink(Gated(shared.clone()));
    let handle = job.start(Config::default().without_checkpoints()).unwrap();
    let mut before = 0;
    eventually("the subtask stops", || {
        let taken = handle.status().operators.iter().map(|operator| operator.records_in).sum();
        thread::sleep(millis(20));
        let stands = std::mem::replace(&mut before, taken) == taken;
        stands && shared.jobs.load(Ordering::SeqCst) >= 4
    });
    assert_eq!(shared.written.load(Ordering::SeqCst), 0);
    *shared.open.lock().unwrap() = true;
    shared.opened.notify_all();
    assert!(handle.wait_for(seconds(60)), "the job stands still: {:?}", handle.status());
    handle.wait().unwrap();
    assert_eq!(shared.written.load(Ordering::SeqCst), RECORDS);
}
