//! Which columns of a table are read, which are computed, and what event time is.

use super::{EvalError, Expressions};
use crate::sql::catalog::{Column, ColumnKind, Table};
use crate::time::Timestamp;
use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use datafusion_common::DFSchema;
use datafusion_expr::Expr;
use std::collections::BTreeSet;
use std::sync::Arc;

/// From the columns that the input has to those that the steps are given.
#[derive(Debug)]
pub(super) struct Columns {
    /// The columns that are read of the input, by their number in the table, ascending.
    stored: Vec<usize>,
    stored_schema: SchemaRef,
    /// What makes all others of them: those that are given, then the event time, then the mark; `None` if they are the same.
    compute: Option<Expressions>,
    given: SchemaRef,
    /// Where the event time stands behind [`compute`](Self::compute).
    time: Option<usize>,
    /// Where what the watermark's expression says stands, if it is not the event time less a constant.
    mark: Option<usize>,
}

/// A batch, ready for the steps.
pub(super) struct Made {
    /// The columns that are given.
    pub(super) columns: RecordBatch,
    /// The event time of each row; `None` if the table has none.
    pub(super) times: Option<Vec<Timestamp>>,
    /// What each row moves the watermark to; `None` if that is its event time.
    marks: Option<Vec<Timestamp>>,
}

impl Made {
    /// What each row moves the watermark to.
    pub(super) fn marks(&self) -> &[Timestamp] {
        self.marks.as_deref().or(self.times.as_deref()).unwrap_or_default()
    }
}

impl Columns {
    /// * `given`: the columns that are wanted, by their number in the table, ascending.
    pub(super) fn new(table: &Table, given: &[usize]) -> Result<Self, EvalError> {
        let position = |name: &str| table.columns.iter().position(|column| column.name == name);
        let time = table.watermark.as_ref().and_then(|watermark| position(&watermark.column));
        let mark = table.watermark.as_ref().filter(|watermark| watermark.delay_ms.is_none());
        let mark = mark.map(|watermark| &watermark.expression);
        // What is given, and what is needed besides.
        let mut made: Vec<(Field, Expr)> = given.iter().map(|number| column(&table.columns[*number])).collect();
        let time = time.map(|number| {
            given.iter().position(|column| *column == number).unwrap_or_else(|| {
                made.push(column(&table.columns[number]));
                made.len() - 1
            })
        });
        let mark = mark.map(|expression| {
            let millis = DataType::Timestamp(TimeUnit::Millisecond, None);
            made.push((Field::new("<watermark>", millis, true), inlined(expression, table)));
            made.len() - 1
        });
        let mut stored = BTreeSet::new();
        for (_, expression) in &made {
            stored.extend(expression.column_refs().iter().filter_map(|column| position(&column.name)));
        }
        let stored: Vec<usize> = stored.into_iter().collect();
        let field = |column: &Column| Field::new(&column.name, column.data_type.clone(), true);
        let stored_schema = Schema::new(stored.iter().map(|at| field(&table.columns[*at])).collect::<Vec<_>>());
        let is_same =
            stored == given && made.len() == given.len() && made.iter().all(|(_, e)| matches!(e, Expr::Column(_)));
        let (fields, expressions): (Vec<Field>, Vec<Expr>) = made.into_iter().unzip();
        let given = Arc::new(Schema::new(fields[..given.len()].to_vec()));
        let compute = if is_same {
            None
        } else {
            let input = DFSchema::try_from(stored_schema.clone())
                .map_err(|cause| EvalError::Expression { expression: table.name.clone(), cause: cause.to_string() })?;
            Some(Expressions::new(&input, None, Some((&expressions, &Schema::new(fields))))?)
        };
        Ok(Columns { stored, stored_schema: Arc::new(stored_schema), compute, given, time, mark })
    }

    /// The columns that are read of the input, by their number in the table, ascending.
    pub(super) fn stored(&self) -> &[usize] {
        &self.stored
    }

    /// Their names and types.
    pub(super) fn stored_schema(&self) -> &SchemaRef {
        &self.stored_schema
    }

    /// The columns that the steps are given.
    pub(super) fn given(&self) -> &SchemaRef {
        &self.given
    }

    /// Whether the watermark is computed for each row.
    pub(super) fn has_mark(&self) -> bool {
        self.mark.is_some()
    }

    /// Computes what is not stored.
    ///
    /// # Errors
    /// The message of an error or panic, or that there is no event time; it is about some row of the batch.
    pub(super) fn make(&self, stored: &RecordBatch, now: Timestamp) -> Result<Made, String> {
        let all = match &self.compute {
            None => stored.clone(),
            Some(compute) => {
                let read = stored.project(compute.reads()).map_err(|error| error.to_string())?;
                compute.evaluate(&read, now)?.columns.unwrap_or(read)
            }
        };
        let times = self.time.map(|at| event_times(&all, at)).transpose()?;
        let marks = self.mark.map(|at| marks(&all, at)).transpose()?;
        let columns: Vec<usize> = (0..self.given.fields().len()).collect();
        let columns = all.project(&columns).map_err(|error| error.to_string())?;
        Ok(Made { columns, times, marks })
    }
}

fn column(column: &Column) -> (Field, Expr) {
    let expression = match &column.kind {
        ColumnKind::Computed(expression) => expression.clone(),
        _ => Expr::Column(datafusion_common::Column::new_unqualified(&column.name)),
    };
    (Field::new(&column.name, column.data_type.clone(), true), expression)
}

/// An expression over all columns of a table, over the stored ones alone.
fn inlined(expression: &Expr, table: &Table) -> Expr {
    use datafusion_common::tree_node::{Transformed, TreeNode};
    let replaced = expression.clone().transform(|part| {
        let Expr::Column(name) = &part else { return Ok(Transformed::no(part)) };
        let found = table.columns.iter().find(|column| column.name == name.name);
        match found.map(|column| &column.kind) {
            Some(ColumnKind::Computed(computed)) => Ok(Transformed::yes(computed.clone())),
            _ => Ok(Transformed::no(part)),
        }
    });
    replaced.map_or_else(|_| expression.clone(), |replaced| replaced.data)
}

/// The event time of each row.
fn event_times(columns: &RecordBatch, at: usize) -> Result<Vec<Timestamp>, String> {
    let array = columns.column(at);
    if array.null_count() > 0 {
        return Err(format!("event time `{}` is NULL", columns.schema().field(at).name()));
    }
    Ok(millis(array)?.values().iter().map(|millis| Timestamp::from_millis(*millis)).collect())
}

/// What the watermark's expression says of each row; a row of which it says NULL moves nothing, as in Flink.
fn marks(columns: &RecordBatch, at: usize) -> Result<Vec<Timestamp>, String> {
    let marks = millis(columns.column(at))?;
    Ok(marks.iter().map(|mark| mark.map_or(Timestamp::MIN, Timestamp::from_millis)).collect())
}

/// A column of moments in milliseconds.
fn millis(array: &ArrayRef) -> Result<PrimitiveArray<Int64Type>, String> {
    let millis = match array.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => Arc::clone(array),
        _ => cast(array, &DataType::Timestamp(TimeUnit::Millisecond, None)).map_err(|error| error.to_string())?,
    };
    let millis = cast(&millis, &DataType::Int64).map_err(|error| error.to_string())?;
    Ok(millis.as_primitive::<Int64Type>().clone())
}
