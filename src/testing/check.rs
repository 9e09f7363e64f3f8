//! A checker between two operators.

use crate::api::Stream;
use crate::operator::{AnyStage, BuildContext, Law, Site, Stage, StageFactory, erase, only};
use crate::record::Data;
use crate::time::Timestamp;
use std::marker::PhantomData;

/// Streams between which a checker can be put.
///
/// The checker passes everything on, and panics, naming itself, if a watermark goes back, a record or watermark follows the
/// end of input, or (with [`checked`](Checked::checked)) a record comes at or before the watermark.
///
/// ```
/// use millstream::prelude::*;
/// use millstream::testing::{Checked, Harness};
///
/// let mut clean = Harness::new(|numbers: Stream<u8>| numbers.checked());
/// clean.watermark(Timestamp::from_seconds(5));
/// let late = clean.try_push(1, Timestamp::from_seconds(5)).unwrap_err().to_string();
/// assert!(late.contains("a record of 1970-01-01T00:00:05Z behind the watermark 1970-01-01T00:00:05Z"), "{late}");
/// ```
pub trait Checked<T> {
    /// Checks the protocol, and that no record is late.
    #[must_use]
    fn checked(&self) -> Self;

    /// Checks the protocol; records may be late.
    #[must_use]
    fn checked_with_late(&self) -> Self;
}

impl<T: Data> Checked<T> for Stream<T> {
    fn checked(&self) -> Self {
        self.then("check", Check::<T> { late: false, record: PhantomData })
    }

    fn checked_with_late(&self) -> Self {
        self.then("check", Check::<T> { late: true, record: PhantomData })
    }
}

struct Check<T> {
    late: bool,
    record: PhantomData<fn() -> T>,
}

impl<T: Data> StageFactory for Check<T> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<AnyStage, crate::operator::Error> {
        let watermark = context.clock.get();
        let stage = CheckStage { late: self.late, watermark, site: context.site(), next: only::<T>(outputs) };
        Ok(erase::<T>(Box::new(stage)))
    }

    fn law(&self) -> Law {
        Law::OneToOne
    }
}

struct CheckStage<T> {
    late: bool,
    watermark: Timestamp,
    site: Site,
    next: Box<dyn Stage<T>>,
}

impl<T> Stage<T> for CheckStage<T> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.site.record();
        assert!(self.watermark < Timestamp::MAX, "a record of {time} behind the end of input");
        let on_time = self.late || time > self.watermark || self.watermark == Timestamp::MIN;
        assert!(on_time, "a record of {time} behind the watermark {}", self.watermark);
        self.site.out();
        self.next.push(record, time);
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.site.enter();
        assert!(watermark >= self.watermark, "the watermark went back from {} to {watermark}", self.watermark);
        self.watermark = watermark;
        self.next.watermark(watermark);
    }

    fn batch_end(&mut self) {
        self.next.batch_end();
    }
}
