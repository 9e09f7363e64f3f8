//! What a shell does while a disk takes nothing: it goes on in memory up to a limit, then takes no more data, and tries to
//! write again now and then. It cannot wait for the next barrier to do so: that may stand behind the very data.

use super::super::repeats::Repeats;
use super::{Shell, Work};
use crate::state::Relief;
use std::time::Duration;

/// How long to wait before something is written again that could not be.
const PAUSE: Duration = Duration::from_millis(100);

/// That something could not be written.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// When to try again; `None` if the last attempt went well.
    again_at: Option<Duration>,
    repeats: Repeats,
}

impl Outage {
    /// An attempt at `now` has failed.
    pub(super) fn begin(&mut self, now: Duration) {
        self.again_at = Some(now + PAUSE);
    }

    /// The same; how often it has in a row, if that is to be told.
    pub(super) fn begin_aloud(&mut self, now: Duration) -> Option<u64> {
        self.begin(now);
        self.repeats.again()
    }

    /// An attempt went well. How many had failed that were told of, if any.
    pub(super) fn end(&mut self) -> Option<u64> {
        self.again_at = None;
        self.repeats.over()
    }

    pub(super) fn is_on(&self) -> bool {
        self.again_at.is_some()
    }

    /// When to try again, if that is not yet.
    pub(super) fn waits_until(&self, now: Duration) -> Option<Duration> {
        self.again_at.filter(|at| *at > now)
    }
}

impl Shell {
    /// Whether a sink cannot write and has as much in memory as it may.
    pub(super) fn is_stalled(&self) -> bool {
        self.sink_outages.iter().any(Outage::is_on)
    }

    /// When something is to be written again for which data waits.
    pub(in super::super) fn retries_at(&self, now: Duration) -> Option<Duration> {
        let state = self.state_outage.waits_until(now).filter(|_| self.memory_short);
        self.sink_outages.iter().filter_map(|outage| outage.waits_until(now)).chain(state).min()
    }

    /// Lets stalled sinks try again. One that has nothing to try takes data again.
    pub(super) fn retry_sinks(&mut self) {
        let now = self.clock.elapsed();
        for sink in 0..self.sink_outages.len() {
            let outage = &self.sink_outages[sink];
            if !outage.is_on() || outage.waits_until(now).is_some() || self.sink_work[sink] > 0 {
                continue;
            }
            let job = self.core.as_ref().and_then(|core| core.sinks[sink].port.borrow_mut().spill(true));
            match job {
                Some(job) => self.ask(Work::Spill(sink, job)),
                None => self.sink_writes(sink),
            }
        }
    }

    /// A sink can write.
    pub(super) fn sink_writes(&mut self, sink: usize) {
        if let Some(times) = self.sink_outages[sink].end() {
            tracing::info!(operator = %self.sinks[sink], subtask = self.blueprint.subtask, times, "the sink can write again");
        }
    }

    /// A sink could not write what it no longer wants to keep in memory.
    pub(super) fn sink_fails(&mut self, sink: usize, error: &crate::connector::Error) {
        if let Some(times) = self.sink_outages[sink].begin_aloud(self.clock.elapsed()) {
            tracing::warn!(operator = %self.sinks[sink], subtask = self.blueprint.subtask, %error, times,
                "a sink cannot write; it takes no more rows until it can");
        }
    }

    /// State has been written.
    pub(super) fn state_writes(&mut self) {
        if let Some(times) = self.state_outage.end() {
            let operator = self.blueprint.label(self.blueprint.head());
            tracing::info!(operator, subtask = self.blueprint.subtask, times, "state can be written again");
        }
    }

    /// State could not be written; `aloud` if nobody else tells.
    pub(super) fn state_fails(&mut self, cause: &str, aloud: bool) {
        let now = self.clock.elapsed();
        if !aloud {
            self.state_outage.begin(now);
        } else if let Some(times) = self.state_outage.begin_aloud(now) {
            let operator = self.blueprint.label(self.blueprint.head());
            tracing::warn!(
                operator,
                subtask = self.blueprint.subtask,
                cause,
                times,
                "state cannot be written, and there is more of it than fits its memory; no more records are taken until it can"
            );
        }
    }

    /// Keeps the state within its memory.
    pub(super) fn relieve(&mut self) {
        let may_cut = self.may_cut();
        let waits = self.state_outage.waits_until(self.clock.elapsed()).is_some();
        let Some(store) = self.core.as_mut().and_then(|core| core.store.as_mut()) else { return };
        if !may_cut || waits {
            store.trim();
            self.memory_short = may_cut && store.is_over();
            return;
        }
        let relief = store.relieve();
        // What could not be written must be written first before there is more of it.
        self.memory_short = match relief {
            Relief::Fine => false,
            Relief::Wait => true,
            Relief::Spill(_) => self.state_outage.is_on(),
        };
        if let Relief::Spill(flush) = relief {
            self.flush_outlets();
            self.ask(Work::Flush(flush, None));
            self.handed_off(None);
        }
    }
}
