//! Filters and projections one behind the other, over the columns of a batch.

use super::{EvalError, Expressions};
use crate::sql::row::RowCodec;
use crate::time::Timestamp;
use arrow::array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Some [`Expressions`], each over the columns that the one before it leaves.
#[derive(Clone, Debug)]
pub(in crate::sql) struct Steps {
    steps: Vec<Arc<Expressions>>,
    /// The columns of the input that are read, ascending.
    reads: Vec<usize>,
    /// The columns of the input.
    input: SchemaRef,
    /// The columns of the result.
    output: SchemaRef,
}

/// What the steps have made of a batch.
pub(in crate::sql) struct Outcome {
    /// The columns of the result; `None` if no step has projected: they are the input's.
    pub(in crate::sql) columns: Option<RecordBatch>,
    /// The rows of the input that are in it, by number, ascending.
    pub(in crate::sql) kept: Vec<usize>,
}

impl Steps {
    /// Over rows with the columns of `input`.
    pub(in crate::sql) fn new(input: &SchemaRef, steps: Vec<Arc<Expressions>>) -> Self {
        let first = steps.iter().position(|step| step.projects());
        let (reads, output) = match first {
            // What comes in goes out, so only the conditions are read.
            None => (steps.iter().flat_map(|step| step.reads()).copied().collect(), Arc::clone(input)),
            Some(first) => {
                let reads: BTreeSet<usize> = steps[..=first].iter().flat_map(|step| step.reads()).copied().collect();
                let last = steps.iter().rev().find_map(|step| step.output());
                (reads, last.map_or_else(|| Arc::clone(input), Arc::clone))
            }
        };
        Steps { reads: reads.into_iter().collect(), steps, input: Arc::clone(input), output }
    }

    /// The columns of the input that are read, by number, ascending.
    pub(in crate::sql) fn reads(&self) -> &[usize] {
        &self.reads
    }

    /// The columns that [`run`](Self::run) is to be given.
    pub(in crate::sql) fn read_schema(&self) -> SchemaRef {
        let fields = self.reads.iter().map(|column| Arc::clone(&self.input.fields()[*column]));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The columns of the result.
    pub(in crate::sql) fn output(&self) -> &SchemaRef {
        &self.output
    }

    /// Whether rows that are kept come out as they went in.
    pub(in crate::sql) fn keeps_columns(&self) -> bool {
        !self.steps.iter().any(|step| step.projects())
    }

    /// The codecs of what goes in and what comes out.
    ///
    /// # Errors
    /// If rows cannot hold a column.
    pub(in crate::sql) fn codecs(&self) -> Result<(RowCodec, RowCodec), EvalError> {
        Ok((RowCodec::new(&self.input)?, RowCodec::new(&self.output)?))
    }

    /// Takes all steps.
    ///
    /// * `columns`: those that are [read](Self::reads).
    /// * `now`: the stamp of the element.
    ///
    /// # Errors
    /// The message of an error or panic; it is about some row of the batch.
    pub(in crate::sql) fn run(&self, columns: RecordBatch, now: Timestamp) -> Result<Outcome, String> {
        let mut kept: Vec<usize> = (0..columns.num_rows()).collect();
        let (mut columns, mut projected) = (columns, false);
        for step in &self.steps {
            let at = |column: &usize| {
                if projected { *column } else { self.reads.partition_point(|read| read < column) }
            };
            let read: Vec<usize> = step.reads().iter().map(at).collect();
            let given = columns.project(&read).map_err(|error| error.to_string())?;
            let evaluated = step.evaluate(&given, now)?;
            if let Some(mask) = &evaluated.kept {
                let mut row = 0;
                kept.retain(|_| {
                    row += 1;
                    mask.value(row - 1)
                });
            }
            columns = match (evaluated.columns, &evaluated.kept) {
                (Some(columns), _) => {
                    projected = true;
                    columns
                }
                (None, Some(mask)) => filter(&columns, mask)?,
                (None, None) => columns,
            };
            if kept.is_empty() {
                break;
            }
        }
        let columns = projected.then_some(columns).filter(|_| !kept.is_empty());
        Ok(Outcome { columns, kept })
    }
}

fn filter(columns: &RecordBatch, mask: &BooleanArray) -> Result<RecordBatch, String> {
    if columns.num_columns() == 0 {
        let options = RecordBatchOptions::new().with_row_count(Some(mask.true_count()));
        let batch = RecordBatch::try_new_with_options(columns.schema(), Vec::new(), &options);
        return batch.map_err(|error| error.to_string());
    }
    filter_record_batch(columns, mask).map_err(|error| error.to_string())
}
