//! Complaints that would be made again and again.

/// Counts how often something has failed in a row, and says when that is worth a line in the log: at the first time and then
/// ever more seldom, at the 2nd, 4th, 8th and so on. A disk that is full for a night takes some twenty lines.
#[derive(Debug, Default)]
pub(super) struct Repeats(u64);

impl Repeats {
    /// It has failed again. How often it has in a row, if that is to be told.
    pub(super) fn again(&mut self) -> Option<u64> {
        self.0 += 1;
        self.0.is_power_of_two().then_some(self.0)
    }

    /// It has gone well. How often it had failed before, if it had.
    pub(super) fn over(&mut self) -> Option<u64> {
        let times = std::mem::take(&mut self.0);
        (times > 0).then_some(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_for_long_is_told_ever_more_seldom_and_anew_after_it_went_well() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.over(), None);
        let told: Vec<_> = (0..20).filter_map(|_| repeats.again()).collect();
        assert_eq!(told, [1, 2, 4, 8, 16]);
        assert_eq!((repeats.over(), repeats.over(), repeats.again()), (Some(20), None, Some(1)));
    }
}
