//! Where sliding windows begin and end, and the panes and blocks that they share.
//!
//! * A window begins every `slide`, `size` long. Time is cut into *panes* where a window begins or ends and nowhere else: one
//!   pane per slide if the size is a multiple of it, else two that take turns. So each window is a run of whole panes.
//!   Source: paired windows in Krishnamurthy, Wu and Franklin, "On-the-fly sharing for streamed aggregation", SIGMOD 2006.
//! * Panes are gathered in *blocks*, as long as the smallest multiple of the slide that is no shorter than a window. Blocks
//!   begin where windows begin, so a window lies in one block, if it begins with it, or in two that follow one another.
//! * Positions are milliseconds, or numbers of records. What would end behind the last position ends there and holds it
//!   too; of the windows that would end behind it there is one, the first.

/// Equal windows at equal distances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paired {
    size: i64,
    slide: i64,
    offset: i64,
    /// How far behind the last start of a window the next end of one is; 0 if that is the next start.
    rest: i64,
}

/// Where a position lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The end of its pane.
    pub(super) pane: i64,
    /// The end of the last window that holds it.
    pub(super) last: i64,
}

/// A window among panes and blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: i64,
    pub(super) end: i64,
    /// The block in which it ends.
    pub(super) block: i64,
    /// Where that block begins.
    pub(super) block_start: i64,
    /// Whether it begins with that block, so that it lies in no other.
    pub(super) begins_block: bool,
}

/// The nearest position.
fn clamp(exact: i128) -> i64 {
    exact.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

impl Paired {
    /// Windows of `size` that begin at `offset` and every `slide` before and behind it.
    ///
    /// * size, slide: at least 1, and less than the range of positions.
    /// * offset: any.
    pub(super) fn new(size: i64, slide: i64, offset: i64) -> Self {
        Paired { size, slide, offset: offset.rem_euclid(slide), rest: size % slide }
    }

    /// Where a position lies; `None` in a gap between windows.
    #[inline]
    pub(super) fn place(self, position: i64) -> Option<Place> {
        // In this order nothing leaves the range of positions.
        let beyond = position.rem_euclid(self.slide) - self.offset;
        let beyond = if beyond < 0 { beyond + self.slide } else { beyond };
        if beyond >= self.size {
            return None;
        }
        let cut = if beyond < self.rest { self.rest } else { self.slide };
        let (pane, last) = (position.saturating_add(cut - beyond), position.saturating_add(self.size - beyond));
        Some(Place { pane, last })
    }

    fn block_length(self) -> i128 {
        let slides = (i128::from(self.size) + i128::from(self.slide) - 1) / i128::from(self.slide);
        slides * i128::from(self.slide)
    }

    /// The block in which something that ends at `end` ends.
    fn block_of(self, end: i128) -> i128 {
        (end - 1 - i128::from(self.offset)).div_euclid(self.block_length())
    }

    /// The block of the pane that ends at `end`.
    pub(super) fn block_of_pane(self, end: i64) -> i64 {
        clamp(self.block_of(end.into()))
    }

    /// Where a block begins.
    pub(super) fn block_start(self, block: i64) -> i64 {
        clamp(i128::from(self.offset) + i128::from(block) * self.block_length())
    }

    /// The first window that ends at or behind `position`.
    pub(super) fn first_end(self, position: i64) -> Span {
        let (size, slide, offset) = (i128::from(self.size), i128::from(self.slide), i128::from(self.offset));
        let number = (i128::from(position) - size - offset + slide - 1).div_euclid(slide);
        let start = offset + number * slide;
        let block = self.block_of(start + size);
        let block_start = offset + block * self.block_length();
        Span {
            start: clamp(start),
            end: clamp(start + size),
            block: clamp(block),
            block_start: clamp(block_start),
            begins_block: start == block_start,
        }
    }

    /// The window behind one.
    pub(super) fn next(self, span: Span) -> Option<Span> {
        Some(self.first_end(span.end.checked_add(1)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid() -> impl Strategy<Value = Paired> {
        (1..40_i64, 1..40_i64)
            .prop_flat_map(|(size, slide)| (0..slide).prop_map(move |offset| Paired::new(size, slide, offset)))
    }

    #[test]
    fn panes_are_cut_at_starts_and_ends_of_windows_only() {
        let cuts = |paired: Paired| {
            let mut ends: Vec<i64> = (0..20).filter_map(|t| paired.place(t)).map(|place| place.pane).collect();
            ends.dedup();
            ends
        };
        assert_eq!(cuts(Paired::new(10, 5, 0)), [5, 10, 15, 20]);
        assert_eq!(cuts(Paired::new(12, 5, 0)), [2, 5, 7, 10, 12, 15, 17, 20]);
        assert_eq!(cuts(Paired::new(12, 5, 1)), [1, 3, 6, 8, 11, 13, 16, 18, 21]);
        assert_eq!(cuts(Paired::new(3, 10, 1)), [4, 14], "what is between is in no window");
    }

    #[test]
    fn nothing_lies_outside_of_time() {
        let paired = Paired::new(10, 4, 3);
        let last = paired.place(i64::MAX).unwrap();
        assert_eq!((last.pane, last.last), (i64::MAX, i64::MAX));
        let span = paired.first_end(i64::MAX);
        assert_eq!(span.end, i64::MAX);
        assert!(span.start < i64::MAX - 3 && paired.next(span).is_none());
        assert_eq!(paired.first_end(i64::MIN).start, i64::MIN);
        assert!(paired.place(i64::MIN).unwrap().pane > i64::MIN);
        let huge = Paired::new(i64::MAX - 1, i64::MAX - 2, i64::MAX - 3);
        for position in [i64::MIN, -1, 0, 1, i64::MAX] {
            let place = huge.place(position).unwrap();
            assert!(place.pane >= position && place.last >= place.pane && huge.first_end(place.pane).end >= place.pane);
        }
    }

    proptest! {
        #[test]
        fn a_window_is_a_run_of_whole_panes(paired in grid(), at in -500..500_i64) {
            let span = paired.first_end(at);
            prop_assert!(at <= span.end && span.end < at + paired.slide);
            prop_assert_eq!(span.end - span.start, paired.size);
            prop_assert_eq!((span.start - paired.offset).rem_euclid(paired.slide), 0);
            prop_assert_eq!(paired.next(span).unwrap().start, span.start + paired.slide);
            for t in span.start - 1..=span.end {
                let inside = (span.start..span.end).contains(&t);
                if let Some(place) = paired.place(t) {
                    prop_assert_eq!((span.start + 1..=span.end).contains(&place.pane), inside);
                    prop_assert!(!inside || span.end <= place.last);
                } else {
                    prop_assert!(!inside);
                }
            }
        }

        #[test]
        fn a_window_lies_in_the_block_it_begins_or_in_two(paired in grid(), at in -500..500_i64) {
            let span = paired.first_end(at);
            prop_assert_eq!(paired.block_start(span.block), span.block_start);
            prop_assert_eq!(paired.block_of_pane(span.end), span.block);
            if span.begins_block {
                prop_assert_eq!(span.start, span.block_start);
            } else {
                prop_assert!(paired.block_start(span.block - 1) < span.start && span.start < span.block_start);
            }
        }
    }
}
