//! A filter and a projection, ready to be evaluated.

use super::EvalError;
use crate::fault::guard;
use crate::sql::functions::{INSTANT, is_clock};
use crate::time::Timestamp;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, TimestampMillisecondArray,
};
use arrow::compute::{and, cast, filter_record_batch, is_not_null};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{Column, DFSchema, DataFusionError, TableReference};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_expr::{Expr, cast as cast_to};
use datafusion_physical_expr::{PhysicalExpr, create_physical_expr};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The column in which the stamp of the element is handed to expressions that ask for the time.
const CLOCK: &str = "<clock>";

/// An optional filter and then an optional projection, over the columns of some schema.
#[derive(Debug)]
pub(crate) struct Expressions {
    /// The columns that are read, by their number in the input.
    reads: Vec<usize>,
    /// Their names and types, and the clock's.
    schema: SchemaRef,
    clock: bool,
    filter: Option<Arc<dyn PhysicalExpr>>,
    /// With the columns of the result; `None`: what came in goes out.
    project: Option<(Vec<Arc<dyn PhysicalExpr>>, SchemaRef)>,
    /// For each column of the result the one of the input that it is, or `None` if it is computed; `None` if rows are filtered,
    /// or nothing is projected.
    picks: Option<Vec<Option<usize>>>,
}

/// What became of a batch.
pub(crate) struct Evaluated {
    /// The result; `None` if what came in goes out.
    pub(crate) columns: Option<RecordBatch>,
    /// Which rows of the input it holds; `None`: all.
    pub(crate) kept: Option<BooleanArray>,
}

impl Expressions {
    /// Prepares expressions over the columns of `input`.
    ///
    /// * `filter`: keeps the rows for which it is true.
    /// * `project`: one expression per column of `output`.
    pub(crate) fn new(
        input: &DFSchema,
        filter: Option<&Expr>,
        project: Option<(&[Expr], &Schema)>,
    ) -> Result<Self, EvalError> {
        let failed = |expression: &Expr, cause: &DataFusionError| EvalError::Expression {
            expression: expression.to_string(),
            cause: cause.strip_backtrace(),
        };
        let picks = project.filter(|_| filter.is_none());
        let picks = picks.map(|(expressions, _)| expressions.iter().map(|e| picked(e, input)).collect());
        let mut clock = false;
        let mut prepared = |expression: &Expr| with_clock(expression, &mut clock);
        let filter = filter.map(|e| prepared(e).map_err(|cause| failed(e, &cause))).transpose()?;
        let project = project.map(|(expressions, output)| {
            let expressions = expressions.iter().map(|e| prepared(e).map_err(|cause| failed(e, &cause)));
            expressions.collect::<Result<Vec<_>, _>>().map(|expressions| (expressions, output))
        });
        let project = project.transpose()?;
        let mut reads = BTreeSet::new();
        for expression in filter.iter().chain(project.iter().flat_map(|(expressions, _)| expressions)) {
            for column in expression.column_refs() {
                if column.name == CLOCK && column.relation.is_none() {
                    continue;
                }
                let found = input.index_of_column(column).map_err(|cause| failed(expression, &cause))?;
                reads.insert(found);
            }
        }
        let reads: Vec<usize> = reads.into_iter().collect();
        let mut fields: Vec<(Option<TableReference>, FieldRef)> = Vec::new();
        for &column in &reads {
            let (relation, field) = input.qualified_field(column);
            fields.push((relation.cloned(), Arc::clone(field)));
        }
        if clock {
            fields.push((None, Arc::new(Field::new(CLOCK, INSTANT.clone(), false))));
        }
        let seen = DFSchema::new_with_metadata(fields, Default::default());
        let seen =
            seen.map_err(|cause| EvalError::Expression { expression: "*".to_owned(), cause: cause.to_string() })?;
        let (props, context) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        let plan = |e: &Expr| create_physical_expr(e, &seen, &props, &context).map_err(|cause| failed(e, &cause));
        let project = project.map(|(expressions, output)| {
            let planned = expressions.iter().map(plan).collect::<Result<Vec<_>, _>>()?;
            // A value may turn out to be NULL where the plan says that it is not: an outer join's padding, a TRY_CAST.
            let open = |field: &FieldRef| Field::new(field.name(), field.data_type().clone(), true);
            Ok::<_, EvalError>((planned, Arc::new(Schema::new(output.fields().iter().map(open).collect::<Vec<_>>()))))
        });
        let project = project.transpose()?;
        let filter = filter.as_ref().map(plan).transpose()?;
        // Names of different tables may be the same, and mean nothing to what has been planned.
        let open = |field: &FieldRef| Field::new(field.name(), field.data_type().clone(), true);
        let schema = Arc::new(Schema::new(seen.fields().iter().map(open).collect::<Vec<_>>()));
        Ok(Expressions { reads, schema, clock, filter, project, picks })
    }

    /// The columns that are read, by their number in the input, ascending.
    pub(crate) fn reads(&self) -> &[usize] {
        &self.reads
    }

    /// Whether it changes columns.
    pub(crate) fn projects(&self) -> bool {
        self.project.is_some()
    }

    /// For each column of the result the one of the input that it is, or `None` if it is computed; `None` if rows are filtered,
    /// or nothing is projected.
    pub(crate) fn picks(&self) -> Option<&[Option<usize>]> {
        self.picks.as_deref()
    }

    /// The columns it computes; `None`: those that came in.
    pub(crate) fn output(&self) -> Option<&SchemaRef> {
        self.project.as_ref().map(|(_, schema)| schema)
    }

    /// Evaluates over a batch of the columns that are read.
    ///
    /// * `now`: the stamp of the element.
    ///
    /// # Errors
    /// The message of an error or panic; it is about some row of the batch.
    pub(crate) fn evaluate(&self, columns: &RecordBatch, now: Timestamp) -> Result<Evaluated, String> {
        guard(|| self.evaluated(columns, now)).unwrap_or_else(Err)
    }

    fn evaluated(&self, columns: &RecordBatch, now: Timestamp) -> Result<Evaluated, String> {
        let rows = columns.num_rows();
        let mut columns = self.with_clock(columns, now)?;
        let mut kept = None;
        if let Some(filter) = &self.filter {
            let mask = filter.evaluate(&columns).and_then(|value| value.into_array(rows)).map_err(|e| message(&e))?;
            let mask = truths(&mask)?;
            if mask.true_count() < rows {
                columns = filter_record_batch(&columns, &mask).map_err(|error| error.to_string())?;
                kept = Some(mask);
            }
        }
        let Some((expressions, schema)) = &self.project else { return Ok(Evaluated { columns: None, kept }) };
        let rows = columns.num_rows();
        let arrays = expressions.iter().zip(schema.fields()).map(|(expression, field)| {
            let array =
                expression.evaluate(&columns).and_then(|value| value.into_array(rows)).map_err(|e| message(&e))?;
            if array.data_type() == field.data_type() {
                return Ok(array);
            }
            cast(&array, field.data_type()).map_err(|error| error.to_string())
        });
        let arrays = arrays.collect::<Result<Vec<_>, String>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options);
        Ok(Evaluated { columns: Some(columns.map_err(|error| error.to_string())?), kept })
    }

    fn with_clock(&self, columns: &RecordBatch, now: Timestamp) -> Result<RecordBatch, String> {
        let rows = columns.num_rows();
        let mut arrays: Vec<ArrayRef> = columns.columns().to_vec();
        if self.clock {
            let stamps = TimestampMillisecondArray::from_value(now.millis(), rows);
            arrays.push(Arc::new(stamps.with_data_type(INSTANT.clone())));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options).map_err(|error| error.to_string())
    }
}

/// The column that an expression is.
fn picked(expression: &Expr, input: &DFSchema) -> Option<usize> {
    match expression {
        Expr::Alias(alias) => picked(&alias.expr, input),
        Expr::Column(column) => input.maybe_index_of_column(column),
        _ => None,
    }
}

/// True where a condition is true, false where it is false or NULL.
fn truths(mask: &ArrayRef) -> Result<BooleanArray, String> {
    if mask.data_type() == &DataType::Null {
        return Ok(BooleanArray::from(vec![false; mask.len()]));
    }
    let mask = mask.as_boolean_opt().ok_or_else(|| format!("a condition is a {}", mask.data_type()))?;
    if mask.null_count() == 0 {
        return Ok(mask.clone());
    }
    let known = is_not_null(mask).map_err(|error| error.to_string())?;
    let values = BooleanArray::new(mask.values().clone(), None);
    and(&values, &known).map_err(|error| error.to_string())
}

fn message(error: &DataFusionError) -> String {
    let message = error.find_root().strip_backtrace();
    let prefixes = ["Execution error: ", "Arrow error: ", "Cast error: ", "Divide by zero error", "Parser error: "];
    let plain = prefixes.iter().find_map(|prefix| message.strip_prefix(prefix)).filter(|rest| !rest.is_empty());
    plain.unwrap_or(&message).trim_end().to_owned()
}

/// The expression with columns in the place of functions that tell the time.
fn with_clock(expression: &Expr, clock: &mut bool) -> Result<Expr, DataFusionError> {
    let replaced = expression.clone().transform(|expression| {
        let Expr::ScalarFunction(call) = &expression else { return Ok(Transformed::no(expression)) };
        let Some(data_type) = is_clock(&call.func) else { return Ok(Transformed::no(expression)) };
        *clock = true;
        let stamp = Expr::Column(Column::new_unqualified(CLOCK));
        Ok(Transformed::yes(match data_type {
            data_type if data_type == *INSTANT => stamp,
            // Whole seconds.
            DataType::Int64 => cast_to(cast_to(stamp, DataType::Timestamp(TimeUnit::Second, None)), DataType::Int64),
            data_type => cast_to(stamp, data_type),
        }))
    });
    replaced.map(|replaced| replaced.data)
}
