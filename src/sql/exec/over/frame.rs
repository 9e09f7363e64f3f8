//! How far back a function looks.

use crate::sql::aggregate::Refused;
use datafusion_common::ScalarValue;
use datafusion_expr::{WindowFrame, WindowFrameBound, WindowFrameUnits};

/// The rows before a row that count for it, besides itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// So many; `None`: all.
    Rows(Option<u64>),
    /// Those at most so many milliseconds earlier, and all of its own time; `None`: all.
    Range(Option<i64>),
}

impl Frame {
    /// Reads a frame of the plan.
    pub(super) fn new(frame: &WindowFrame) -> Result<Self, Refused> {
        let refuse = |instead: &str| Err(Refused { what: format!("the frame `{frame}`"), instead: instead.to_owned() });
        if frame.end_bound != WindowFrameBound::CurrentRow {
            return refuse("end it with CURRENT ROW: rows that are still to come are not known");
        }
        let start = match &frame.start_bound {
            WindowFrameBound::Preceding(bound) => Some(bound),
            WindowFrameBound::CurrentRow => None,
            WindowFrameBound::Following(_) => return refuse("begin it with PRECEDING or CURRENT ROW"),
        };
        match (frame.units, start) {
            (WindowFrameUnits::Rows, None) => Ok(Frame::Rows(Some(0))),
            (WindowFrameUnits::Range, None) => Ok(Frame::Range(Some(0))),
            (WindowFrameUnits::Rows, Some(bound)) if bound.is_null() => Ok(Frame::Rows(None)),
            (WindowFrameUnits::Range, Some(bound)) if bound.is_null() => Ok(Frame::Range(None)),
            (WindowFrameUnits::Rows, Some(bound)) => match count(bound) {
                Some(count) => Ok(Frame::Rows(Some(count))),
                None => refuse("say how many rows: ROWS BETWEEN 10 PRECEDING AND CURRENT ROW"),
            },
            (WindowFrameUnits::Range, Some(bound)) => match millis(bound) {
                Some(millis) => Ok(Frame::Range(Some(millis))),
                None => {
                    refuse("say how long in days or less: RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW")
                }
            },
            (WindowFrameUnits::Groups, _) => refuse("use ROWS or RANGE"),
        }
    }

    /// Whether it ends with the last row of the same time, not with the row itself.
    pub(super) fn has_peers(self) -> bool {
        matches!(self, Frame::Range(_))
    }

    /// Whether rows leave it.
    pub(super) fn is_bounded(self) -> bool {
        !matches!(self, Frame::Rows(None) | Frame::Range(None))
    }
}

fn count(bound: &ScalarValue) -> Option<u64> {
    match bound {
        ScalarValue::UInt64(Some(count)) => Some(*count),
        ScalarValue::Int64(Some(count)) => u64::try_from(*count).ok(),
        _ => None,
    }
}

/// An interval without months, in milliseconds.
fn millis(bound: &ScalarValue) -> Option<i64> {
    const DAY: i64 = 86_400_000;
    let millis = match bound {
        ScalarValue::IntervalMonthDayNano(Some(interval)) if interval.months == 0 => {
            i64::from(interval.days) * DAY + interval.nanoseconds / 1_000_000
        }
        ScalarValue::IntervalDayTime(Some(interval)) => {
            i64::from(interval.days) * DAY + i64::from(interval.milliseconds)
        }
        _ => return None,
    };
    (millis >= 0).then_some(millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::IntervalMonthDayNano;

    #[test]
    fn a_frame_that_looks_ahead_or_goes_by_months_is_refused() {
        let frame = |units, start, end| Frame::new(&WindowFrame::new_bounds(units, start, end));
        let month = ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(1, 0, 0)));
        let hour = ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(0, 1, 5_000_000)));
        use WindowFrameBound::{CurrentRow, Following, Preceding};
        let two = || ScalarValue::UInt64(Some(2));
        assert_eq!(frame(WindowFrameUnits::Rows, Preceding(two()), CurrentRow), Ok(Frame::Rows(Some(2))));
        assert_eq!(frame(WindowFrameUnits::Range, Preceding(hour), CurrentRow), Ok(Frame::Range(Some(86_400_005))));
        assert_eq!(
            frame(WindowFrameUnits::Rows, Preceding(ScalarValue::UInt64(None)), CurrentRow),
            Ok(Frame::Rows(None))
        );
        assert!(frame(WindowFrameUnits::Range, Preceding(month), CurrentRow).is_err());
        assert!(frame(WindowFrameUnits::Rows, Preceding(two()), Following(two())).is_err());
        assert!(frame(WindowFrameUnits::Rows, Preceding(two()), Preceding(ScalarValue::UInt64(Some(1)))).is_err());
        assert!(frame(WindowFrameUnits::Groups, Preceding(two()), CurrentRow).is_err());
    }
}
