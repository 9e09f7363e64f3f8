//! A sink that drops everything.

use super::{Error, Guarantee, Sink, SinkContext, SinkWriter};
use crate::record::Epoch;
use crate::time::Timestamp;

/// Drops every record, for benches of what comes before it.
///
/// Guarantee: at least once, in the weakest sense: it keeps nothing, so nothing can come twice.
///
/// ```
/// use millstream::connector::{DiscardSink, Sink};
///
/// assert_eq!(Sink::<u64>::describe(&DiscardSink), "nowhere");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct DiscardSink;

impl<T: 'static> Sink<T> for DiscardSink {
    fn describe(&self) -> String {
        "nowhere".to_owned()
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    fn writer(&self, _: &SinkContext) -> Result<Box<dyn SinkWriter<T>>, Error> {
        Ok(Box::new(DiscardSink))
    }
}

impl<T> SinkWriter<T> for DiscardSink {
    fn write(&mut self, _: T, _: Timestamp) -> Result<(), Error> {
        Ok(())
    }

    fn prepare(&mut self, _: Epoch) -> super::Prepared {
        Box::new(|| Ok(serde_json::Value::Null))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_a_record() {
        let context = SinkContext { uid: "sink".to_owned(), subtask: 0, parallelism: 1 };
        let mut writer = Sink::<u64>::writer(&DiscardSink, &context).unwrap();
        writer.write(1, Timestamp::MIN).unwrap();
        assert!(writer.spill(true).is_none());
        assert_eq!(writer.prepare(Epoch::new(0, 1))().unwrap(), serde_json::Value::Null);
    }
}
