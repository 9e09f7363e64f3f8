//! Restart strategies: when a failed job is started again.

use crate::fault::Fault;
use std::time::Duration;

/// When a failed job is restarted from its last complete checkpoint.
///
/// | whose fault | none | fixed delay, exponential backoff |
/// |---|---|---|
/// | [`User`](Fault::User): missing file, wrong settings | gives up | gives up: a restart would meet it again |
/// | [`External`](Fault::External): disk full, device gone | gives up | restarts, until the attempts are used up |
/// | [`Internal`](Fault::Internal): a panic in an operator | gives up | restarts, until the attempts are used up |
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Restart {
    /// Never: the first failure ends the job.
    None,
    /// After the same delay each time.
    FixedDelay {
        /// The delay.
        delay: Duration,
        /// How many restarts there may be in all.
        attempts: u32,
    },
    /// After a delay that doubles each time.
    ExponentialBackoff {
        /// The first delay.
        initial: Duration,
        /// The longest delay.
        max: Duration,
        /// How many restarts there may be in a row.
        attempts: u32,
        /// After this long without a failure, counting begins anew.
        reset_after: Duration,
    },
}

impl Restart {
    /// [`Restart::FixedDelay`].
    pub const fn fixed_delay(delay: Duration, attempts: u32) -> Self {
        Restart::FixedDelay { delay, attempts }
    }

    /// [`Restart::ExponentialBackoff`] that resets after 10 minutes.
    pub const fn exponential(initial: Duration, max: Duration, attempts: u32) -> Self {
        Restart::ExponentialBackoff { initial, max, attempts, reset_after: Duration::from_secs(600) }
    }
}

impl Default for Restart {
    fn default() -> Self {
        Restart::exponential(Duration::from_millis(100), Duration::from_secs(60), 10)
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
    in_a_row: u32,
    last: Option<Duration>,
}

impl RestartState {
    pub(crate) fn new(strategy: Restart) -> Self {
        RestartState { strategy, in_a_row: 0, last: None }
    }

    /// A failure at `now` (any clock that never goes back).
    pub(crate) fn failure(&mut self, fault: Fault, now: Duration) -> Decision {
        if fault == Fault::User {
            return Decision::GiveUp("a restart would meet it again");
        }
        let (attempts, delay) = match self.strategy {
            Restart::None => return Decision::GiveUp("the restart strategy is `none`"),
            Restart::FixedDelay { delay, attempts } => (attempts, delay),
            Restart::ExponentialBackoff { initial, max, attempts, reset_after } => {
                if self.last.is_some_and(|last| now.saturating_sub(last) >= reset_after) {
                    self.in_a_row = 0;
                }
                (attempts, initial.saturating_mul(1 << self.in_a_row.min(30)).min(max))
            }
        };
        self.last = Some(now);
        if self.in_a_row >= attempts {
            return Decision::GiveUp("the restart strategy has no attempt left");
        }
        self.in_a_row += 1;
        Decision::RestartAfter(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Decision::{GiveUp, RestartAfter};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_users_fault_is_never_retried() {
        for strategy in [Restart::None, Restart::fixed_delay(SECOND, 9), Restart::default()] {
            let decision = RestartState::new(strategy).failure(Fault::User, SECOND);
            assert_eq!(decision, GiveUp("a restart would meet it again"));
        }
    }

    #[test]
    fn none_gives_up_at_once() {
        for fault in [Fault::External, Fault::Internal] {
            assert!(matches!(RestartState::new(Restart::None).failure(fault, SECOND), GiveUp(_)));
        }
    }

    #[test]
    fn fixed_delay_gives_up_after_its_attempts() {
        for fault in [Fault::External, Fault::Internal] {
            let mut state = RestartState::new(Restart::fixed_delay(SECOND, 2));
            assert_eq!(state.failure(fault, SECOND), RestartAfter(SECOND));
            assert_eq!(state.failure(fault, 9_000 * SECOND), RestartAfter(SECOND));
            assert!(matches!(state.failure(fault, 9_001 * SECOND), GiveUp(_)));
        }
    }

    #[test]
    fn exponential_backoff_doubles_up_to_its_bound_and_begins_anew_after_peace() {
        for fault in [Fault::External, Fault::Internal] {
            let mut state = RestartState::new(Restart::exponential(SECOND, 3 * SECOND, 3));
            for delay in [1, 2, 3] {
                assert_eq!(state.failure(fault, SECOND), RestartAfter(delay * SECOND));
            }
            assert!(matches!(state.failure(fault, 2 * SECOND), GiveUp(_)));
            assert_eq!(state.failure(fault, 700 * SECOND), RestartAfter(SECOND));
        }
    }
}
