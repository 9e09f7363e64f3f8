//! One record in, one record out, by a function that looks at the record and may fail.

use super::protect::Inlet;
use super::{AnyStage, Aside, BuildContext, Error, Law, OnError, Poison, Site, Stage, StageFactory, erase, only};
use crate::fault::guard;
use crate::record::{Batch, Data, RecordView};
use crate::time::Timestamp;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

type Function<T, U> = Arc<dyn Fn(&T) -> Result<U, String> + Send + Sync>;

/// Makes of each record another one, or goes the way of its [`OnError`], without a second attempt.
///
/// As it only looks at the record, there is no copy to be kept for the case that it fails, as there is around a
/// [`Map`](super::Map) with a policy.
pub(crate) struct MapRef<T, U> {
    function: Function<T, U>,
}

impl<T: Data, U: Data> MapRef<T, U> {
    pub(crate) fn new(function: impl Fn(&T) -> Result<U, String> + Send + Sync + 'static) -> Self {
        MapRef { function: Arc::new(function) }
    }
}

impl<T: Data, U: Data> StageFactory for MapRef<T, U> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let policy = context.policy;
        let shared = Rc::new(RefCell::new(Mapping {
            function: self.function.clone(),
            site: context.site(),
            aside: Aside::new(context, policy),
            policy,
            node: context.node(),
            failure: context.failure.clone(),
            next: only::<U>(outputs),
        }));
        context.inlets.push((context.uid().to_owned(), shared.clone()));
        Ok(erase::<T>(Box::new(MapRefStage(shared))))
    }

    fn law(&self) -> Law {
        Law::OneToOne
    }

    fn minds_errors(&self) -> bool {
        true
    }
}

struct Mapping<T, U> {
    function: Function<T, U>,
    site: Site,
    aside: Aside,
    policy: OnError,
    node: usize,
    failure: Rc<RefCell<Option<(usize, Error)>>>,
    next: Box<dyn Stage<U>>,
}

struct MapRefStage<T, U>(Rc<RefCell<Mapping<T, U>>>);

impl<T: Data, U: Data> Stage<T> for MapRefStage<T, U> {
    fn push(&mut self, record: T, time: Timestamp) {
        self.0.borrow_mut().push(&record, time);
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.0.borrow_mut().next.watermark(watermark);
    }

    fn batch_end(&mut self) {
        self.0.borrow_mut().next.batch_end();
    }
}

impl<T: Data, U: Data> Inlet for RefCell<Mapping<T, U>> {
    fn feed(&self, batch: Batch) {
        let rows = batch.into_rows::<T>();
        let mut mapping = self.borrow_mut();
        rows.records.iter().zip(rows.times).for_each(|(record, time)| mapping.push(record, time));
        mapping.next.batch_end();
    }
}

impl<T: Data, U: Data> Mapping<T, U> {
    fn push(&mut self, record: &T, time: Timestamp) {
        self.site.record();
        let made = guard(|| (self.function)(record)).and_then(|made| made);
        let cause = match made {
            Ok(made) => {
                self.site.out();
                return self.next.push(made, time);
            }
            Err(cause) => cause,
        };
        if self.policy.poison == Poison::Fail {
            self.failure.borrow_mut().get_or_insert_with(|| (self.node, Error::User(cause.into())));
            return;
        }
        let view = RecordView { record, type_name: std::any::type_name::<T>(), time, hash: None };
        self.aside.put(&view, cause, None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Stream;
    use crate::testing::Harness;

    /// A tenth of even numbers, and a panic for 7.
    fn tenths(policy: OnError) -> Harness<i64, i64> {
        let tenth = |number: &i64| {
            assert_ne!(*number, 7, "seven has come");
            if number % 2 == 0 { Ok(number / 10) } else { Err(format!("{number} is odd")) }
        };
        Harness::new(|numbers: Stream<i64>| numbers.then("map", MapRef::new(tenth)).uid("tenths").on_error(policy))
    }

    #[test]
    fn what_it_fails_on_is_left_out_with_the_reason() {
        let mut numbers = tenths(OnError::dead_letter());
        for number in [20, 3, 7, 40] {
            numbers.push(number, Timestamp::EPOCH);
        }
        assert_eq!(numbers.drain(), [2, 4]);
        numbers.snapshot();
        let letters = numbers.dead_letters().list(None, 9, |_| true).unwrap();
        let causes: Vec<_> = letters.iter().map(|dead| dead.letter.cause.clone()).collect();
        assert_eq!(causes[0], "3 is odd");
        assert!(causes[1].contains("seven has come"), "{causes:?}");
        let status = numbers.status();
        let tenths = status.operator("tenths").unwrap();
        assert_eq!((tenths.records_in, tenths.records_out, tenths.dead), (4, 2, 2));
    }

    #[test]
    fn without_a_policy_the_job_fails_with_the_reason() {
        let mut numbers = tenths(OnError::fail());
        let failed = numbers.try_push(3, Timestamp::EPOCH).unwrap_err();
        assert!(failed.to_string().contains("3 is odd"), "{failed}");
    }
}
