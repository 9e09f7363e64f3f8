//! Restart strategies: when a failed job is started again.

use crate::fault::Fault;
use humantime::format_duration;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// When a failed job, or a failed subtask of it, is restarted.
///
/// Every failure is counted, whether one subtask restarts by itself or the whole job goes back to its last complete
/// checkpoint; one error that comes twice is counted twice. The strategy does not ask what failed, only whose fault it is:
///
/// | a way to die | whose fault |
/// |---|---|
/// | a panic in user code | [`Internal`](Fault::Internal) |
/// | an error that user code returns | as the error says, if it is one of Millstream or of [`std::io`]; else [`User`](Fault::User) |
/// | a source or sink fails | as its error says |
/// | a subtask cannot be built, a life of the job cannot begin | as the error says |
/// | it is not known whether the manifest was written | [`External`](Fault::External) |
/// | a checkpoint fails, the manifest cannot be written | no failure of the job: the next checkpoint tries again |
///
/// What follows:
///
/// | whose fault | [`None`](Restart::None) | another strategy | another, used up |
/// |---|---|---|---|
/// | [`User`](Fault::User): missing file, wrong settings | gives up | gives up: a restart would meet it again | gives up |
/// | [`External`](Fault::External): disk full, device gone | gives up | restarts | gives up |
/// | [`Internal`](Fault::Internal): a panic in an operator | gives up | restarts | gives up |
///
/// A job that gives up ends with [`Error::Failed`](crate::Error::Failed), which tells the cause and why it was not
/// restarted; its state directory stays as the last complete checkpoint left it. What cannot be opened at the very first
/// start is told at once, whatever the strategy.
///
/// The names and the defaults are Flink's where it has the same; the delays double instead of growing by half.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Restart {
    /// Never: the first failure ends the job.
    None,
    /// After the same delay each time.
    FixedDelay {
        /// The delay.
        delay: Duration,
        /// How many restarts there may be in all, at least 1.
        attempts: u32,
    },
    /// After a delay that doubles each time.
    ExponentialBackoff {
        /// The first delay, at least 1 ms.
        initial: Duration,
        /// The longest delay, at least `initial`.
        max: Duration,
        /// How many restarts there may be in a row, at least 1.
        attempts: u32,
        /// After this long without a failure, counted from the last restart, counting begins anew. At least 1 ms.
        reset_after: Duration,
        /// By which part of itself a delay may be longer or shorter, 0 to 1, so that jobs that failed together do not try
        /// again together. It is drawn from the job's random id and the number of the failure, so a job that is run again
        /// waits as long as before.
        jitter: f64,
    },
    /// After the same delay each time, as long as failures are rare.
    FailureRate {
        /// How many failures within `interval` are followed by a restart, at least 1; the next one ends the job.
        failures: u32,
        /// Over which time failures are counted, at least 1 ms. One that was exactly so long ago still counts.
        interval: Duration,
        /// The delay.
        delay: Duration,
    },
}

impl Restart {
    /// [`Restart::FixedDelay`].
    pub const fn fixed_delay(delay: Duration, attempts: u32) -> Self {
        Restart::FixedDelay { delay, attempts }
    }

    /// [`Restart::ExponentialBackoff`] that resets after 10 minutes, with a jitter of a tenth.
    pub const fn exponential(initial: Duration, max: Duration, attempts: u32) -> Self {
        let reset_after = Duration::from_secs(600);
        Restart::ExponentialBackoff { initial, max, attempts, reset_after, jitter: 0.1 }
    }

    /// [`Restart::FailureRate`].
    pub const fn failure_rate(failures: u32, interval: Duration, delay: Duration) -> Self {
        Restart::FailureRate { failures, interval, delay }
    }

    /// Sets the time after which an exponential backoff counts anew. Others have no such time.
    #[must_use]
    pub const fn reset_after(mut self, time: Duration) -> Self {
        if let Restart::ExponentialBackoff { reset_after, .. } = &mut self {
            *reset_after = time;
        }
        self
    }

    /// Sets the jitter of an exponential backoff, 0 to 1. Others have none.
    #[must_use]
    pub const fn jitter(mut self, part: f64) -> Self {
        if let Restart::ExponentialBackoff { jitter, .. } = &mut self {
            *jitter = part;
        }
        self
    }

    /// What is wrong with the settings, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        let wrong = |setting: &str, found: &dyn fmt::Display, wanted: &str| {
            Err(format!("setting `restart.{setting}` is {found}; {wanted}"))
        };
        let short = |time: &Duration| time.as_millis() == 0;
        match self {
            Restart::FixedDelay { attempts: 0, .. } | Restart::ExponentialBackoff { attempts: 0, .. } => {
                wrong("attempts", &0, "set it to at least 1, or use the strategy `none`")
            }
            Restart::FailureRate { failures: 0, .. } => {
                wrong("failures", &0, "set it to at least 1, or use the strategy `none`")
            }
            Restart::FailureRate { interval, .. } if short(interval) => {
                wrong("interval", &format_duration(*interval), "set it to at least 1ms")
            }
            Restart::ExponentialBackoff { initial, .. } if short(initial) => {
                wrong("initial", &format_duration(*initial), "set it to at least 1ms")
            }
            Restart::ExponentialBackoff { initial, max, .. } if max < initial => {
                let initial = format!("set it to at least the first delay, {}", format_duration(*initial));
                wrong("max", &format_duration(*max), &initial)
            }
            Restart::ExponentialBackoff { reset_after, .. } if short(reset_after) => {
                wrong("reset_after", &format_duration(*reset_after), "set it to at least 1ms")
            }
            Restart::ExponentialBackoff { jitter, .. } if !(0.0..=1.0).contains(jitter) => {
                wrong("jitter", jitter, "set it to a number from 0 to 1")
            }
            _ => Ok(()),
        }
    }
}

impl Default for Restart {
    fn default() -> Self {
        Restart::exponential(Duration::from_millis(100), Duration::from_secs(60), 10)
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Restart::None => f.write_str("none"),
            Restart::FixedDelay { delay, attempts } => {
                write!(f, "fixed delay of {}, {attempts} attempts", format_duration(delay))
            }
            Restart::ExponentialBackoff { initial, max, attempts, reset_after, jitter } => {
                let [initial, max, reset_after] = [initial, max, reset_after].map(format_duration);
                write!(f, "exponential backoff from {initial} to {max}, jitter {jitter}, {attempts} attempts, ")?;
                write!(f, "anew after {reset_after}")
            }
            Restart::FailureRate { failures, interval, delay } => {
                let [interval, delay] = [interval, delay].map(format_duration);
                write!(f, "failure rate of at most {failures} in {interval}, delay of {delay}")
            }
        }
    }
}

/// What a strategy says about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    RestartAfter(Duration),
    GiveUp(&'static str),
}

/// A strategy and the failures it has seen.
#[derive(Debug)]
pub(crate) struct RestartState {
    strategy: Restart,
    seed: u64,
    /// Of all failures, for the jitter.
    count: u64,
    in_a_row: u32,
    /// When the last restart was due.
    due: Option<Duration>,
    /// When failures were that still count, oldest first.
    recent: VecDeque<Duration>,
}

impl RestartState {
    pub(crate) fn new(strategy: Restart) -> Self {
        RestartState { strategy, seed: 0, count: 0, in_a_row: 0, due: None, recent: VecDeque::new() }
    }

    /// Draws the jitter of this job: `seed` is its random id.
    pub(crate) fn seed(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// A failure at `now` (any clock that never goes back).
    pub(crate) fn failure(&mut self, fault: Fault, now: Duration) -> Decision {
        if fault == Fault::User {
            return Decision::GiveUp("a restart would meet it again");
        }
        self.count += 1;
        let delay = match self.strategy {
            Restart::None => return Decision::GiveUp("the restart strategy is `none`"),
            Restart::FixedDelay { delay, attempts } => (self.in_a_row < attempts).then_some(delay),
            Restart::ExponentialBackoff { initial, max, attempts, reset_after, jitter } => {
                if self.due.is_some_and(|due| now.saturating_sub(due) >= reset_after) {
                    self.in_a_row = 0;
                }
                let delay = initial.saturating_mul(1 << self.in_a_row.min(30)).min(max);
                (self.in_a_row < attempts).then(|| self.jittered(delay, jitter).min(max))
            }
            Restart::FailureRate { failures, interval, delay } => {
                self.recent.retain(|past| now.saturating_sub(*past) <= interval);
                self.recent.push_back(now);
                (self.recent.len() <= failures as usize).then_some(delay)
            }
        };
        let Some(delay) = delay else {
            return Decision::GiveUp("the restart strategy has no attempt left");
        };
        self.in_a_row += 1;
        self.due = Some(now.saturating_add(delay));
        Decision::RestartAfter(delay)
    }

    /// A delay, longer or shorter by up to its `jitter`th part. The same for the same job and failure.
    fn jittered(&self, delay: Duration, jitter: f64) -> Duration {
        let mixed = splitmix(self.seed ^ splitmix(self.count));
        // The upper 53 bits: a number in -1..1, evenly.
        let part = (mixed >> 11) as f64 / (1_u64 << 52) as f64 - 1.0;
        Duration::try_from_secs_f64(delay.as_secs_f64() * (1.0 + jitter * part)).unwrap_or(delay)
    }
}

/// A number whose bits all depend on all bits of `x`. Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators", OOPSLA 2014.
fn splitmix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use Decision::{GiveUp, RestartAfter};

    const SECOND: Duration = Duration::from_secs(1);

    /// One of each.
    fn strategies() -> [Restart; 3] {
        [
            Restart::fixed_delay(SECOND, 2),
            Restart::exponential(SECOND, 3 * SECOND, 2),
            Restart::failure_rate(2, 60 * SECOND, SECOND),
        ]
    }

    #[test]
    fn the_users_fault_is_never_retried() {
        for strategy in [&strategies()[..], &[Restart::None]].concat() {
            let decision = RestartState::new(strategy).failure(Fault::User, SECOND);
            assert_eq!(decision, GiveUp("a restart would meet it again"), "{strategy}");
        }
    }

    #[test]
    fn none_gives_up_at_once() {
        for fault in [Fault::External, Fault::Internal] {
            let decision = RestartState::new(Restart::None).failure(fault, SECOND);
            assert_eq!(decision, GiveUp("the restart strategy is `none`"));
        }
    }

    #[test]
    fn what_is_not_the_users_fault_is_retried_until_the_attempts_are_used_up() {
        for strategy in strategies() {
            for fault in [Fault::External, Fault::Internal] {
                let mut state = RestartState::new(strategy);
                assert!(matches!(state.failure(fault, SECOND), RestartAfter(_)), "{strategy}");
                assert!(matches!(state.failure(fault, 2 * SECOND), RestartAfter(_)), "{strategy}");
                let third = state.failure(fault, 3 * SECOND);
                assert_eq!(third, GiveUp("the restart strategy has no attempt left"), "{strategy}");
            }
        }
    }

    #[test]
    fn fixed_delay_counts_all_failures_however_long_ago() {
        let mut state = RestartState::new(Restart::fixed_delay(SECOND, 2));
        assert_eq!(state.failure(Fault::Internal, SECOND), RestartAfter(SECOND));
        assert_eq!(state.failure(Fault::Internal, 9_000 * SECOND), RestartAfter(SECOND));
        assert!(matches!(state.failure(Fault::Internal, 99_001 * SECOND), GiveUp(_)));
    }

    #[test]
    fn exponential_backoff_doubles_up_to_its_bound_and_begins_anew_after_peace() {
        let mut state = RestartState::new(Restart::exponential(SECOND, 3 * SECOND, 3).jitter(0.0));
        for delay in [1, 2, 3] {
            assert_eq!(state.failure(Fault::External, SECOND), RestartAfter(delay * SECOND));
        }
        assert!(matches!(state.failure(Fault::External, 2 * SECOND), GiveUp(_)));
        assert_eq!(state.failure(Fault::External, 700 * SECOND), RestartAfter(SECOND));
    }

    #[test]
    fn peace_is_counted_from_the_restart_so_a_long_delay_is_none() {
        let strategy = Restart::exponential(10 * SECOND, 10 * SECOND, 2).jitter(0.0).reset_after(5 * SECOND);
        let mut state = RestartState::new(strategy);
        assert!(matches!(state.failure(Fault::External, SECOND), RestartAfter(_)));
        assert!(matches!(state.failure(Fault::External, 12 * SECOND), RestartAfter(_)));
        assert!(matches!(state.failure(Fault::External, 23 * SECOND), GiveUp(_)));
    }

    #[test]
    fn jitter_stays_within_its_part_and_the_bound_and_differs_by_job_and_failure_only() {
        let delays = |seed| {
            let strategy = Restart::exponential(SECOND, SECOND + SECOND / 20, 1_000).jitter(0.1);
            let mut state = RestartState::new(strategy);
            state.seed(seed);
            let decisions = (0..100).map(|_| state.failure(Fault::Internal, SECOND));
            let delays = decisions.map(|decision| match decision {
                RestartAfter(delay) => delay,
                GiveUp(reason) => panic!("{reason}"),
            });
            delays.collect::<Vec<_>>()
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
        let all = delays(1);
        assert!(all.iter().all(|delay| (9 * SECOND / 10..=21 * SECOND / 20).contains(delay)), "{all:?}");
        assert!(all.iter().any(|delay| *delay < SECOND) && all.iter().any(|delay| *delay > SECOND), "{all:?}");
    }

    #[test]
    fn a_failure_rate_forgets_what_was_longer_ago_than_its_interval() {
        let mut state = RestartState::new(Restart::failure_rate(2, 10 * SECOND, SECOND));
        for at in [1, 5, 12, 16, 23] {
            assert_eq!(state.failure(Fault::Internal, at * SECOND), RestartAfter(SECOND), "at {at}");
        }
        // 16 was exactly the interval ago.
        assert!(matches!(state.failure(Fault::Internal, 26 * SECOND), GiveUp(_)));
    }

    #[test]
    fn wrong_settings_are_named() {
        let zero = Duration::ZERO;
        for (strategy, setting) in [
            (Restart::fixed_delay(SECOND, 0), "attempts"),
            (Restart::exponential(SECOND, SECOND, 0), "attempts"),
            (Restart::exponential(zero, SECOND, 1), "initial"),
            (Restart::exponential(2 * SECOND, SECOND, 1), "max"),
            (Restart::default().reset_after(zero), "reset_after"),
            (Restart::default().jitter(1.1), "jitter"),
            (Restart::default().jitter(f64::NAN), "jitter"),
            (Restart::failure_rate(0, SECOND, zero), "failures"),
            (Restart::failure_rate(1, zero, zero), "interval"),
        ] {
            let wrong = strategy.check().unwrap_err();
            assert!(wrong.starts_with(&format!("setting `restart.{setting}` is ")), "{wrong}");
        }
        for strategy in strategies().into_iter().chain([Restart::None, Restart::default()]) {
            strategy.check().unwrap();
        }
    }

    #[test]
    fn a_strategy_says_what_it_does() {
        let told = [Restart::None, Restart::default(), strategies()[0], strategies()[2]].map(|it| it.to_string());
        assert_eq!(told[0], "none");
        assert_eq!(told[1], "exponential backoff from 100ms to 1m, jitter 0.1, 10 attempts, anew after 10m");
        assert_eq!(told[2], "fixed delay of 1s, 2 attempts");
        assert_eq!(told[3], "failure rate of at most 2 in 1m, delay of 1s");
    }
}
