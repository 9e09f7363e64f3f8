//! What a shell tells of event time.

use super::super::watermarks::{ChannelTime, Generator, Times};
use super::Shell;

impl Shell {
    /// Brings up to date what is published of its event time. While its core is restarted that stays as it was before, but for
    /// the channels.
    pub(in super::super) fn tell_times(&self, times: &mut Times) {
        let channels = self.input_clock.channels();
        times.channels.clear();
        times.channels.extend(channels.map(|(watermark, idle, holds)| ChannelTime { watermark, idle, holds }));
        let Some(core) = self.core() else { return };
        times.clock = core.clock.get();
        times.holds_splits = self.reading.as_ref().is_some_and(|reading| reading.holds());
        times.generators.resize_with(core.generators.len(), Generator::default);
        for (told, (node, splits)) in times.generators.iter_mut().zip(&core.generators) {
            let splits = splits.borrow();
            told.node = *node;
            told.watermark = splits.watermark();
            told.splits.clear();
            told.splits.extend(splits.views());
        }
    }
}
