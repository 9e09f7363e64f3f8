//! The operator that filters and projects.

use super::{EvalError, Steps, isolate};
use crate::operator::{
    AnyStage, Aside, BuildContext, Error, Gathers, Inlet, Law, OnError, Poison, Site, Stage, StageFactory, erase, only,
};
use crate::record::{Batch, RecordView, Remains};
use crate::sql::row::{Row, RowCodec};
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// So many rows are gathered at most before they are evaluated.
const GATHER: usize = 2048;

/// Keeps the rows for which a condition holds, and computes columns of them.
///
/// Shape: one row in, at most one out, order, kind and event time kept. Stateless. A row that fails goes the way of the
/// operator's [`OnError`], without a second attempt: expressions are deterministic.
#[derive(Debug)]
pub(in crate::sql) struct Evaluate {
    steps: Steps,
    input: RowCodec,
    output: RowCodec,
}

impl Evaluate {
    /// Takes these steps.
    ///
    /// # Errors
    /// If rows cannot hold a column.
    pub(in crate::sql) fn new(steps: Steps) -> Result<Self, EvalError> {
        let (input, output) = steps.codecs()?;
        Ok(Evaluate { steps, input, output })
    }
}

impl StageFactory for Evaluate {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let policy = context.policy;
        let shared = Rc::new(RefCell::new(Gathered {
            steps: self.steps.clone(),
            input: self.input.clone(),
            output: self.output.clone(),
            rows: Vec::new(),
            times: Vec::new(),
            now: context.now.clone(),
            site: context.site(),
            aside: Aside::new(context, policy),
            policy,
            node: context.node(),
            failure: context.failure.clone(),
            next: only::<Row>(outputs),
        }));
        context.gathering.push(shared.clone());
        context.inlets.push((context.uid().to_owned(), shared.clone()));
        Ok(erase::<Row>(Box::new(EvaluateStage(shared))))
    }

    fn law(&self) -> Law {
        Law::Filters
    }

    fn minds_errors(&self) -> bool {
        true
    }
}

/// The rows that wait, and what is done with them.
struct Gathered {
    steps: Steps,
    input: RowCodec,
    output: RowCodec,
    rows: Vec<Row>,
    times: Vec<Timestamp>,
    now: Rc<Cell<Timestamp>>,
    site: Site,
    aside: Aside,
    policy: OnError,
    node: usize,
    failure: Rc<RefCell<Option<(usize, Error)>>>,
    next: Box<dyn Stage<Row>>,
}

struct EvaluateStage(Rc<RefCell<Gathered>>);

impl Stage<Row> for EvaluateStage {
    fn push(&mut self, row: Row, time: Timestamp) {
        self.0.borrow_mut().push(row, time);
    }

    fn watermark(&mut self, watermark: Timestamp) {
        let mut gathered = self.0.borrow_mut();
        gathered.evaluate();
        gathered.next.watermark(watermark);
    }

    fn batch_end(&mut self) {
        let mut gathered = self.0.borrow_mut();
        gathered.evaluate();
        gathered.next.batch_end();
    }
}

impl Gathers for RefCell<Gathered> {
    fn release(&self) {
        self.borrow_mut().evaluate();
    }
}

impl Inlet for RefCell<Gathered> {
    fn feed(&self, batch: Batch) {
        let rows = batch.into_rows::<Row>();
        let mut gathered = self.borrow_mut();
        rows.records.into_iter().zip(rows.times).for_each(|(row, time)| gathered.push(row, time));
        gathered.evaluate();
        gathered.next.batch_end();
    }
}

impl Gathered {
    fn push(&mut self, row: Row, time: Timestamp) {
        self.site.record();
        self.rows.push(row);
        self.times.push(time);
        if self.rows.len() >= GATHER {
            self.evaluate();
        }
    }

    fn evaluate(&mut self) {
        if self.rows.is_empty() {
            return;
        }
        self.site.enter();
        let (rows, times) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.times));
        let mut work = |this: &mut Self, from: usize, to: usize| this.work(&rows[from..to], &times[from..to]);
        let mut fail = |this: &mut Self, row: usize, cause| this.fail(&rows[row], times[row], cause);
        isolate(self, 0, rows.len(), &mut work, &mut fail);
        // What they took is used again.
        (self.rows, self.times) = (rows, times);
        self.rows.clear();
        self.times.clear();
    }

    /// Evaluates and hands on; all rows, or none and why.
    fn work(&mut self, rows: &[Row], times: &[Timestamp]) -> Result<(), String> {
        let columns = self.input.batch_of(rows, self.steps.reads(), self.steps.read_schema());
        let outcome = self.steps.run(columns.map_err(|error| error.to_string())?, self.now.get())?;
        let kept = outcome.kept;
        let made = match &outcome.columns {
            None => kept.iter().map(|row| rows[*row].clone()).collect(),
            Some(columns) => {
                let made = self.output.changes(columns, |row| rows[kept[row]].kind());
                made.map_err(|error| error.to_string())?
            }
        };
        // From here on nothing fails.
        (kept.len()..rows.len()).for_each(|_| self.site.filtered());
        for (made, row) in made.into_iter().zip(kept) {
            self.site.out();
            self.next.push(made, times[row]);
        }
        Ok(())
    }

    /// A row for which an expression fails.
    fn fail(&mut self, row: &Row, time: Timestamp, cause: String) {
        self.site.enter();
        if self.policy.poison == Poison::Fail {
            let shown = self.input.show(row);
            let error = Error::User(format!("{cause}; the row is {shown}").into());
            self.failure.borrow_mut().get_or_insert((self.node, error));
            return;
        }
        let view = RecordView { record: row, type_name: std::any::type_name::<Row>(), time, hash: None };
        self.aside.put(&view, cause, None, Some(Remains::Json(self.input.letter(row))));
    }
}
