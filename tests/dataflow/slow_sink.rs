//! A sink that writes slowly holds its source back, and loses nothing by it.

use millstream::connector::{Error, Guarantee, Prepared, Sink, SinkContext, SinkJob, SinkWriter};
use millstream::prelude::*;
use millstream::record::Epoch;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Hands each record to the blocking pool, where it takes its time.
struct Slow {
    written: Arc<AtomicU64>,
}

struct SlowWriter {
    waiting: u64,
    written: Arc<AtomicU64>,
}

impl Sink<u64> for Slow {
    fn describe(&self) -> String {
        "a slow sink".to_owned()
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    fn writer(&self, _: &SinkContext) -> Result<Box<dyn SinkWriter<u64>>, Error> {
        Ok(Box::new(SlowWriter { waiting: 0, written: self.written.clone() }))
    }
}

impl SinkWriter<u64> for SlowWriter {
    fn write(&mut self, _: u64, _: Timestamp) -> Result<(), Error> {
        self.waiting += 1;
        Ok(())
    }

    fn spill(&mut self, _: bool) -> Option<SinkJob> {
        let (batch, written) = (std::mem::take(&mut self.waiting), self.written.clone());
        (batch > 0).then(|| -> SinkJob {
            Box::new(move || {
                thread::sleep(millis(10));
                written.fetch_add(batch, Ordering::SeqCst);
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
    for interval in [Some(millis(20)), None] {
        let written = Arc::new(AtomicU64::new(0));
        let job = Job::new("slow-sink");
        let records = job.source(MemorySource::from_fn(20_000, |index| index)).map(|record| record).isolated();
        records.sink(Slow { written: written.clone() });
        let config = Config::default().batch_size(64);
        let config = match interval {
            Some(interval) => config.checkpoint_interval(interval),
            None => config.without_checkpoints(),
        };
        let handle = job.start(config).unwrap();
        assert!(handle.wait_for(seconds(60)), "the job stands still: {:?}", handle.status());
        handle.wait().unwrap();
        assert_eq!(written.load(Ordering::SeqCst), 20_000);
    }
}
