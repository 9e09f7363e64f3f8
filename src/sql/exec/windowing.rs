//! How rows come to be in their windows.

use super::InColumns;
use super::grid::Grid;
use crate::operator::window::{Session, Sliding, Tumbling, Windows};
use crate::sql::plan::Window;
use crate::sql::row::{Row, RowCodec};
use crate::time::{Timestamp, millis};

/// How rows come to be in their windows.
#[derive(Clone, Copy, Debug)]
pub(in crate::sql) enum Windowing {
    /// By their event time.
    EventTime(Window),
    /// By when they come to the operator.
    Clock(Window),
    /// By their event time, which is the last instant of the one window that they are in. The window lies on a grid, so its
    /// end tells which it is.
    End(Window),
    /// Their own columns tell the bounds.
    Columns(usize, usize),
}

impl Windowing {
    /// Windows for the rows of a codec; [`start`](Self::start) tells where those of the result begin.
    pub(in crate::sql) fn windows(self, codec: &RowCodec) -> Windows<Row> {
        match self {
            Windowing::EventTime(window) => windows(window, false),
            Windowing::Clock(window) => windows(window, true),
            // Parts of time that end where the windows end; a size is a multiple of the slide or step.
            Windowing::End(Window::Hop { slide: size, offset, .. } | Window::Cumulate { step: size, offset, .. }) => {
                windows(Window::Tumble { size, offset }, false)
            }
            Windowing::End(window) => windows(window, false),
            Windowing::Columns(start, end) => Windows::custom(InColumns::new(codec, start, end)),
        }
    }

    /// Where the window begins whose rows have been found between `start` and `end`.
    pub(in crate::sql) fn start(self, start: Timestamp, end: Timestamp) -> Timestamp {
        match self {
            Windowing::End(Window::Hop { size, .. }) => end.plus_millis(-size),
            Windowing::End(Window::Cumulate { size, offset, .. }) => {
                let last = i128::from(end.plus_millis(-1).millis());
                let since = (last - i128::from(offset)).rem_euclid(i128::from(size));
                Timestamp::from_millis((last - since) as i64)
            }
            _ => start,
        }
    }
}

fn windows(window: Window, by_clock: bool) -> Windows<Row> {
    let positive = |ms: i64| millis(ms.unsigned_abs());
    match window {
        Window::Tumble { size, offset } => {
            let tumbling = Tumbling::of(positive(size)).offset(positive(offset.rem_euclid(size.max(1))));
            if by_clock { tumbling.processing_time().into() } else { tumbling.into() }
        }
        Window::Hop { size, slide, offset } => {
            let sliding = Sliding::of(positive(size)).every(positive(slide));
            let sliding = sliding.offset(positive(offset.rem_euclid(slide.max(1))));
            if by_clock { sliding.processing_time().into() } else { sliding.into() }
        }
        Window::Session { gap } => {
            let session = Session::gap(positive(gap));
            if by_clock { session.processing_time().into() } else { session.into() }
        }
        Window::Cumulate { .. } => Windows::custom(Grid::new(window).expect("CUMULATE lies on a grid")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_window_tells_its_start() {
        let grids = [
            Window::Tumble { size: 10, offset: 3 },
            Window::Hop { size: 12, slide: 4, offset: -1 },
            Window::Cumulate { size: 12, step: 4, offset: 2 },
        ];
        for window in grids {
            for time in -30..30 {
                Grid::new(window).expect("a grid").windows(Timestamp::from_millis(time), |found| {
                    // What the windows of time make of the last instant.
                    let (between, offset) = match window {
                        Window::Hop { slide, offset, .. } => (slide, offset),
                        Window::Cumulate { step, offset, .. } => (step, offset),
                        Window::Tumble { size, offset } => (size, offset),
                        Window::Session { .. } => unreachable!(),
                    };
                    let last = found.last_instant().millis();
                    let start = last - (last - offset).rem_euclid(between);
                    assert_eq!(start + between, found.end.millis(), "{window} ends where a part of time does");
                    let start = Windowing::End(window).start(Timestamp::from_millis(start), found.end);
                    assert_eq!(start, found.start, "{window} at {time}");
                });
            }
        }
    }
}
