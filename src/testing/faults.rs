//! What may go wrong in a simulation, and how often.

use crate::runtime::Random;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

/// What may go wrong in a [`Simulation`](super::Simulation), by chance: one in so many moves. 0: never, which is where
/// [`Faults::default`] begins.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::testing::{Faults, Simulation};
///
/// let job = Job::new("unlucky");
/// let sink = CollectSink::new();
/// let rows = sink.handle();
/// job.source(MemorySource::new(0..100_u64)).key_by(|n| n % 3).count().filter(|(_, count)| *count == 33).sink(sink);
///
/// let faults = Faults { power_losses: 50, disk_failures: 30, checkpoints: 10, ..Faults::default() };
/// let mut simulation = Simulation::start(&job, Config::default().parallelism(2), 7)?;
/// simulation.faults(faults).run()?;
/// let mut counts = rows.rows();
/// counts.sort();
/// assert_eq!(counts, [(0, 33), (1, 33), (2, 33)]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// A checkpoint is taken, besides those that the clock brings.
    pub checkpoints: usize,
    /// The process dies and is started again.
    pub crashes: usize,
    /// The machine loses its power: of what the state files did not sync, each write may be gone in whole or in part.
    pub power_losses: usize,
    /// The process dies, or the power goes, at one of the next writes or syncs of a state file: in the middle of a commit.
    pub deaths_in_writes: usize,
    /// Some of the next writes and syncs of the state files fail: the disk is full for a while.
    pub disk_failures: usize,
    /// An operator panics at the end of what it is handed next, and is restarted by itself.
    pub panics: usize,
    /// The user's code panics: the [`Fuse`] that it was given blows.
    pub fuses: usize,
    /// The clock moves on though there is something to do, by up to [`jump`](Faults::jump).
    pub clock_jumps: usize,
    /// How far it moves at most.
    pub jump: Duration,
    /// At which parallelisms a job that has died may go on; empty: at the one it had.
    pub rescales: Vec<usize>,
    /// How often the process dies at most, in whatever way.
    pub most_deaths: u32,
}

impl Faults {
    /// Faults of some kinds and not of others, and how often, by chance. Runs of which each leaves something out find more
    /// than runs that all do everything.
    ///
    /// Source: swarm testing, Groce et al., "Swarm testing", ISSTA 2012.
    pub fn from_seed(seed: u64) -> Self {
        let mut chance = Random::new(seed ^ 0x5eed_fa17);
        let mut rate = |often: &[usize]| often[chance.below(often.len())];
        Faults {
            checkpoints: rate(&[20, 40, 80, 160]),
            crashes: rate(&[0, 0, 40, 150]),
            power_losses: rate(&[0, 40, 100, 200]),
            deaths_in_writes: rate(&[0, 0, 40, 100]),
            disk_failures: rate(&[0, 0, 15, 50]),
            panics: rate(&[0, 10, 20, 50]),
            fuses: rate(&[0, 0, 30, 100]),
            clock_jumps: rate(&[0, 20, 60]),
            jump: Duration::from_millis(rate(&[20, 2_000, 20_000]) as u64),
            rescales: if rate(&[0, 1]) == 0 { Vec::new() } else { vec![1, 2, 3] },
            most_deaths: 6,
        }
    }
}

/// Makes the user's code panic when chance says so, once each time.
///
/// Built into a dataflow's closures, and handed to a simulation by [`Simulation::fuse`](super::Simulation::fuse). A clone is
/// the same fuse.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::testing::{Faults, Fuse, Simulation};
///
/// let (job, sink, fuse) = (Job::new("sparks"), CollectSink::new(), Fuse::default());
/// let (rows, inside) = (sink.handle(), fuse.clone());
/// let checked = move |n: u64| {
///     inside.check();
///     n
/// };
/// job.source(MemorySource::new(0..100_u64)).map(checked).sink(sink);
/// let mut simulation = Simulation::start(&job, Config::default().restart(Restart::fixed_delay(millis(1), 99)), 1)?;
/// simulation.fuse(&fuse).faults(Faults { fuses: 20, ..Faults::default() }).run()?;
/// assert_eq!(rows.rows().len(), 100);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fuse {
    /// After how many checks it blows; not at all below zero.
    left: Arc<AtomicI64>,
}

impl Default for Fuse {
    fn default() -> Self {
        Fuse { left: Arc::new(AtomicI64::new(-1)) }
    }
}

impl Fuse {
    /// The user's code comes by.
    ///
    /// # Panics
    /// If the fuse blows.
    pub fn check(&self) {
        let left = self.left.load(Relaxed);
        if left >= 0 {
            self.left.store(left - 1, Relaxed);
            assert!(left > 0, "the fuse has blown");
        }
    }

    /// It lets that many more checks pass.
    pub(super) fn blow_after(&self, checks: usize) {
        self.left.store(checks as i64, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fuse_blows_once() {
        let fuse = Fuse::default();
        fuse.check();
        fuse.blow_after(1);
        fuse.check();
        assert!(std::panic::catch_unwind(|| fuse.check()).is_err());
        fuse.check();
    }

    #[test]
    fn seeds_choose_different_faults() {
        let some: Vec<Faults> = (0..40).map(Faults::from_seed).collect();
        assert!(some.iter().any(|faults| faults.panics == 0) && some.iter().any(|faults| faults.panics > 0));
        assert!(some.iter().any(|faults| faults.crashes == 0) && some.iter().any(|faults| faults.crashes > 0));
        assert_eq!(some[7], Faults::from_seed(7));
    }
}
