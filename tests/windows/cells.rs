//! The table of the docs, cell by cell.

use crate::support::{Advance, At, End, Said, Valued, Watermark, late, said};
use millstream::operator::window::Timing::{Early, Late, OnTime};
use millstream::operator::window::trigger::{
    ContinuousTrigger, CountTrigger, DeltaTrigger, EarlyLateTrigger, EventTimeTrigger, NeverTrigger,
    ProcessingTimeTrigger, PurgingTrigger,
};
use millstream::prelude::*;

fn nothing() -> Vec<Said> {
    Vec::new()
}

mod tumbling {
    use super::*;

    const STEPS: &[crate::support::Step] =
        &[At(1), At(3), Watermark(8), Watermark(9), At(5), Watermark(13), At(6), Watermark(14), At(7), End];

    #[test]
    fn by_default_a_window_speaks_once_at_its_last_instant_and_later_records_are_late() {
        let windows = |hits: KeyedStream<u8, _>| hits.window(Tumbling::of(millis(10)));
        let mut expected = vec![nothing(); STEPS.len()];
        expected[3] = vec![(0, 10, vec![1, 3], OnTime, 0)];
        assert_eq!(said(windows, STEPS), expected);
        assert_eq!(late(windows, STEPS), [5, 6, 7]);
    }

    #[test]
    fn with_lateness_a_window_speaks_again_at_each_late_record_until_it_is_gone() {
        let windows = |hits: KeyedStream<u8, _>| hits.window(Tumbling::of(millis(10))).allowed_lateness(millis(5));
        let mut expected = vec![nothing(); STEPS.len()];
        expected[3] = vec![(0, 10, vec![1, 3], OnTime, 0)];
        expected[4] = vec![(0, 10, vec![1, 3, 5], Late, 1)];
        expected[6] = vec![(0, 10, vec![1, 3, 5, 6], Late, 2)];
        assert_eq!(said(windows, STEPS), expected);
        assert_eq!(late(windows, STEPS), [7]);
    }

    #[test]
    fn a_window_that_opens_within_its_lateness_speaks_late_at_once() {
        let windows = |hits: KeyedStream<u8, _>| hits.window(Tumbling::of(millis(10))).allowed_lateness(millis(5));
        let steps = [At(12), Watermark(11), At(2), At(3)];
        let expected = [nothing(), nothing(), vec![(0, 10, vec![2], Late, 0)], vec![(0, 10, vec![2, 3], Late, 1)]];
        assert_eq!(said(windows, &steps), expected);
    }
}
