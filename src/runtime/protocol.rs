//! The legal order of elements on a channel, checked where debug assertions are on.
//!
//! ```text
//! (Batch | Watermark | Idle | Barrier)* End Barrier*
//! ```
//! * Watermarks do not fall.
//! * Barriers grow, and all are of one attempt.

use crate::record::{Element, Epoch};
use crate::time::Timestamp;

/// What has passed on one channel.
#[derive(Debug, Default)]
pub(super) struct Protocol {
    watermark: Option<Timestamp>,
    barrier: Option<Epoch>,
    ended: bool,
}

impl Protocol {
    /// An element passes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn pass(&mut self, element: &Element) -> Result<(), String> {
        if self.ended && !matches!(element, Element::Barrier(_)) {
            return Err(format!("{element:?} behind the end of input"));
        }
        match element {
            Element::Watermark(watermark) => match self.watermark.replace(*watermark) {
                Some(before) if before > *watermark => Err(format!("watermark {watermark} behind {before}")),
                _ => Ok(()),
            },
            Element::Barrier(epoch) => match self.barrier.replace(*epoch) {
                Some(before) if before >= *epoch || before.attempt() != epoch.attempt() => {
                    Err(format!("barrier {epoch} behind {before}"))
                }
                _ => Ok(()),
            },
            Element::End => {
                self.ended = true;
                Ok(())
            }
            Element::Batch(_) | Element::Idle => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(elements: &[Element]) -> Result<(), String> {
        let mut protocol = Protocol::default();
        elements.iter().try_for_each(|element| protocol.pass(element))
    }

    fn watermark(millis: i64) -> Element {
        Element::Watermark(Timestamp::from_millis(millis))
    }

    fn barrier(attempt: u32, count: u64) -> Element {
        Element::Barrier(Epoch::new(attempt, count))
    }

    #[test]
    fn what_may_pass_passes() {
        let legal = [watermark(1), barrier(1, 1), watermark(1), Element::Idle, watermark(4), barrier(1, 3)];
        assert_eq!(run(&legal), Ok(()));
        assert_eq!(run(&[Element::End, barrier(1, 1), barrier(1, 2)]), Ok(()));
    }

    #[test]
    fn what_may_not_pass_is_told() {
        assert!(run(&[watermark(2), watermark(1)]).is_err());
        assert!(run(&[barrier(1, 2), barrier(1, 2)]).is_err());
        assert!(run(&[barrier(1, 2), barrier(2, 3)]).is_err());
        assert!(run(&[Element::End, watermark(2)]).is_err());
        assert!(run(&[Element::End, Element::End]).is_err());
    }
}
