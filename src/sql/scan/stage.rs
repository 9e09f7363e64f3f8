//! The operator behind the source of a table.

use super::columns::Columns;
use super::decode::{Decode, Decoded};
use crate::operator::{
    AnyStage, Aside, BuildContext, Error, Gathers, Inlet, Law, OnError, Poison, Site, SplitClock, Stage, StageFactory,
    erase, only,
};
use crate::record::{Batch, RecordView};
use crate::sql::EvalError;
use crate::sql::connector::Emit;
use crate::sql::eval::{Steps, isolate};
use crate::sql::row::{Row, RowCodec};
use crate::time::{Timestamp, Watermarks};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// Makes the rows of a table of the records of its source.
///
/// Shape: one record in, any number of rows out, in order. State: how far the event time of each split has come.
pub(super) struct Scan<D> {
    how: Arc<How<D>>,
    watermarks: Option<Watermarks>,
}

struct How<D> {
    decode: D,
    columns: Columns,
    steps: Steps,
    output: RowCodec,
    emit: Emit,
}

impl<D: Decode> Scan<D> {
    pub(super) fn new(
        decode: D,
        columns: Columns,
        steps: Steps,
        (watermarks, emit): (Option<Watermarks>, Emit),
    ) -> Result<Self, EvalError> {
        let output = RowCodec::new(steps.output())?;
        Ok(Scan { how: Arc::new(How { decode, columns, steps, output, emit }), watermarks })
    }
}

impl<D: Decode> StageFactory for Scan<D> {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        let clock = self.watermarks.as_ref().map(|watermarks| SplitClock::register(context, watermarks)).transpose()?;
        let shared = Rc::new(RefCell::new(Gathered {
            how: Arc::clone(&self.how),
            records: Vec::new(),
            times: Vec::new(),
            clock,
            now: context.now.clone(),
            site: context.site(),
            aside: Aside::new(context, context.policy),
            policy: context.policy,
            node: context.node(),
            failure: context.failure.clone(),
            next: only::<Row>(outputs),
        }));
        context.gathering.push(shared.clone());
        context.inlets.push((context.uid().to_owned(), shared.clone()));
        Ok(erase::<D::Record>(Box::new(ScanStage(shared))))
    }

    fn law(&self) -> Law {
        Law::Free
    }

    fn makes_watermarks(&self) -> bool {
        self.watermarks.is_some()
    }

    fn minds_errors(&self) -> bool {
        true
    }
}

/// The records that wait, and what is done with them.
struct Gathered<D: Decode> {
    how: Arc<How<D>>,
    records: Vec<D::Record>,
    times: Vec<Timestamp>,
    clock: Option<SplitClock>,
    now: Rc<Cell<Timestamp>>,
    site: Site,
    aside: Aside,
    policy: OnError,
    node: usize,
    failure: Rc<RefCell<Option<(usize, Error)>>>,
    next: Box<dyn Stage<Row>>,
}

struct ScanStage<D: Decode>(Rc<RefCell<Gathered<D>>>);

impl<D: Decode> Stage<D::Record> for ScanStage<D> {
    fn push(&mut self, record: D::Record, time: Timestamp) {
        self.0.borrow_mut().push(record, time);
    }

    /// Of a table with event time only the end of input passes.
    fn watermark(&mut self, watermark: Timestamp) {
        let mut gathered = self.0.borrow_mut();
        gathered.scan(true);
        let is_told = match &mut gathered.clock {
            Some(clock) => watermark == Timestamp::MAX && clock.tell(watermark),
            None => true,
        };
        if is_told {
            gathered.next.watermark(watermark);
        }
    }

    fn batch_end(&mut self) {
        let mut gathered = self.0.borrow_mut();
        gathered.scan(true);
        let watermark = gathered.clock.as_mut().and_then(SplitClock::at_batch_end);
        watermark.into_iter().for_each(|watermark| gathered.next.watermark(watermark));
        gathered.next.batch_end();
    }
}

impl<D: Decode> Gathers for RefCell<Gathered<D>> {
    fn release(&self) {
        self.borrow_mut().scan(true);
    }
}

impl<D: Decode> Inlet for RefCell<Gathered<D>> {
    /// What comes again belongs to no split, and moves no watermark.
    fn feed(&self, batch: Batch) {
        let rows = batch.into_rows::<D::Record>();
        let mut gathered = self.borrow_mut();
        rows.records.into_iter().zip(rows.times).for_each(|(record, time)| gathered.push(record, time));
        gathered.scan(false);
        gathered.next.batch_end();
    }
}

impl<D: Decode> Gathered<D> {
    fn push(&mut self, record: D::Record, time: Timestamp) {
        self.site.record();
        self.records.push(record);
        self.times.push(time);
    }

    /// * `in_split`: whether the records are of the present split.
    fn scan(&mut self, in_split: bool) {
        if self.records.is_empty() {
            return;
        }
        self.site.enter();
        let (records, times) = (std::mem::take(&mut self.records), std::mem::take(&mut self.times));
        let how = Arc::clone(&self.how);
        let decoded = crate::fault::guard(|| how.decode.decode(&records)).unwrap_or_else(Err);
        match decoded {
            Ok(decoded) => self.rows(&records, &times, decoded, in_split),
            // Which record it is about is not known: each is tried alone.
            Err(_) => {
                for (record, time) in records.iter().zip(&times) {
                    let alone = std::slice::from_ref(record);
                    match crate::fault::guard(|| how.decode.decode(alone)).unwrap_or_else(Err) {
                        Ok(decoded) => self.rows(alone, std::slice::from_ref(time), decoded, in_split),
                        Err(cause) => self.fail(record, *time, cause),
                    }
                }
            }
        }
        // What they took is used again.
        (self.records, self.times) = (records, times);
        self.records.clear();
        self.times.clear();
    }

    fn rows(&mut self, records: &[D::Record], times: &[Timestamp], decoded: Decoded, in_split: bool) {
        (0..decoded.ignored).for_each(|_| self.site.filtered());
        for (record, cause) in &decoded.failed {
            self.fail(&records[*record], times[*record], cause.clone());
        }
        let mut work = |this: &mut Self, from: usize, to: usize| this.work(times, &decoded, (from, to), in_split);
        let mut fail = |this: &mut Self, row: usize, cause| {
            let record = decoded.from[row];
            this.fail(&records[record], times[record], cause);
        };
        isolate(self, 0, decoded.kinds.len(), &mut work, &mut fail);
    }

    /// Makes rows and hands them on; all of a range, or none and why.
    fn work(
        &mut self,
        times: &[Timestamp],
        decoded: &Decoded,
        (from, to): (usize, usize),
        in_split: bool,
    ) -> Result<(), String> {
        let now = self.now.get();
        let How { columns, steps, output, .. } = &*self.how;
        let made = columns.make(&decoded.columns.slice(from, to - from), now)?;
        let read = made.columns.project(steps.reads()).map_err(|error| error.to_string())?;
        let outcome = steps.run(read, now)?;
        let result = match &outcome.columns {
            Some(columns) => Some(columns.clone()),
            None if steps.keeps_columns() => Some(kept(&made.columns, &outcome.kept)?),
            None => None,
        };
        let kind = |row: usize| decoded.kinds[from + outcome.kept[row]];
        let rows =
            result.map(|columns| output.changes(&columns, kind)).transpose().map_err(|error| error.to_string())?;
        // From here on nothing fails.
        let marks = made.marks();
        let emits = in_split && self.how.emit == Emit::OnEvent;
        if let Some(clock) = self.clock.as_ref().filter(|_| in_split && !emits) {
            marks.iter().max().into_iter().for_each(|highest| clock.rise(*highest));
        }
        (outcome.kept.len()..to - from).for_each(|_| self.site.filtered());
        let mut told = 0;
        for (row, number) in rows.into_iter().flatten().zip(&outcome.kept) {
            if emits {
                // Also rows that are filtered out move the watermark.
                marks[told..*number].iter().for_each(|mark| self.rise(*mark));
                told = *number;
            }
            let time = made.times.as_ref().map_or_else(|| times[decoded.from[from + number]], |times| times[*number]);
            self.site.out();
            self.next.push(row, time);
        }
        if emits {
            marks[told..].iter().for_each(|mark| self.rise(*mark));
        }
        Ok(())
    }

    /// Moves the watermark at once.
    fn rise(&mut self, mark: Timestamp) {
        if let Some(clock) = &mut self.clock {
            clock.rise(mark);
            clock.risen().into_iter().for_each(|watermark| self.next.watermark(watermark));
        }
    }

    fn fail(&mut self, record: &D::Record, time: Timestamp, cause: String) {
        self.site.enter();
        let place = self.how.decode.place(record);
        if self.policy.poison == Poison::Fail {
            let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
            let error = Error::User(format!("{place}{cause}").into());
            self.failure.borrow_mut().get_or_insert((self.node, error));
            return;
        }
        let view = RecordView { record, type_name: std::any::type_name::<D::Record>(), time, hash: None };
        self.aside.put(&view, cause, place, None);
    }
}

/// Some rows of a batch, by number.
fn kept(columns: &arrow::array::RecordBatch, rows: &[usize]) -> Result<arrow::array::RecordBatch, String> {
    if rows.len() == columns.num_rows() {
        return Ok(columns.clone());
    }
    let rows: arrow::array::UInt64Array = rows.iter().map(|row| *row as u64).collect();
    arrow::compute::take_record_batch(columns, &rows).map_err(|error| error.to_string())
}
