//! The windows that a moment lies in, on a regular grid.

use crate::operator::window::{Assigner, Window as Span};
use crate::sql::plan::Window;
use crate::sql::row::Row;
use crate::time::Timestamp;

/// Puts rows into the windows of TUMBLE, HOP or CUMULATE by their event time.
#[derive(Clone, Copy, Debug)]
pub(in crate::sql) struct Grid(Window);

impl Grid {
    /// `None` for sessions, which lie on no grid.
    pub(in crate::sql) fn new(window: Window) -> Option<Self> {
        (!matches!(window, Window::Session { .. })).then_some(Grid(window))
    }

    /// Calls `each` with every window that holds `time`, the earliest end first. What would lie beyond the range of time is
    /// cut off there.
    pub(in crate::sql) fn windows(&self, time: Timestamp, mut each: impl FnMut(Span)) {
        let time = i128::from(time.millis());
        let floor = |step: i64, offset: i64| time - (time - i128::from(offset)).rem_euclid(i128::from(step.max(1)));
        let cut = |millis: i128| Timestamp::from_millis(millis.clamp(i64::MIN.into(), i64::MAX.into()) as i64);
        let mut span = |start: i128, end: i128| each(Span::new(cut(start), cut(end)));
        match self.0 {
            Window::Tumble { size, offset } => {
                let start = floor(size, offset);
                span(start, start + i128::from(size));
            }
            Window::Hop { size, slide, offset } => {
                let (size, slide) = (i128::from(size), i128::from(slide.max(1)));
                let last = floor(slide as i64, offset);
                let before = (time - last..size).step_by(slide as usize).count() as i128;
                (0..before).rev().for_each(|back| span(last - back * slide, last - back * slide + size));
            }
            Window::Cumulate { size, step, offset } => {
                let start = floor(size, offset);
                let step = i128::from(step.max(1));
                let mut end = start + ((time - start) / step + 1) * step;
                while end <= start + i128::from(size) {
                    span(start, end);
                    end += step;
                }
            }
            Window::Session { .. } => {}
        }
    }
}

impl Assigner<Row> for Grid {
    fn name(&self) -> String {
        self.0.to_string()
    }

    fn assign(&self, _: &Row, time: Timestamp, windows: &mut Vec<Span>) {
        self.windows(time, |window| windows.push(window));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(window: Window, time: i64) -> Vec<(i64, i64)> {
        let mut found = Vec::new();
        let grid = Grid::new(window).unwrap();
        grid.windows(Timestamp::from_millis(time), |w| found.push((w.start.millis(), w.end.millis())));
        found
    }

    #[test]
    fn a_moment_lies_in_the_windows_that_hold_it_and_in_no_other() {
        let tumble = Window::Tumble { size: 10, offset: 3 };
        assert_eq!(windows(tumble, 12), [(3, 13)]);
        assert_eq!(windows(tumble, 13), [(13, 23)]);
        assert_eq!(windows(tumble, -1), [(-7, 3)]);
        let hop = Window::Hop { size: 10, slide: 5, offset: 0 };
        assert_eq!(windows(hop, 12), [(5, 15), (10, 20)]);
        assert_eq!(windows(hop, 15), [(10, 20), (15, 25)]);
        let apart = Window::Hop { size: 2, slide: 5, offset: 0 };
        assert_eq!(windows(apart, 11), [(10, 12)]);
        assert_eq!(windows(apart, 12), []);
        let cumulate = Window::Cumulate { size: 10, step: 5, offset: 0 };
        assert_eq!(windows(cumulate, 12), [(10, 15), (10, 20)]);
        assert_eq!(windows(cumulate, 15), [(10, 20)]);
    }

    #[test]
    fn at_the_end_of_time_windows_are_cut_off() {
        let last = windows(Window::Tumble { size: 1000, offset: 0 }, i64::MAX - 1);
        assert_eq!(last.len(), 1);
        assert_eq!(last[0].1, i64::MAX);
    }
}
