//! What a relation gives, and what is still to be computed of it.

use super::ExecError;
use super::late::{LateRows, Riding, uid as late_uid};
use super::window_assign::{Assign, window_assign};
use crate::api::{Job, Stream};
use crate::operator::OnError;
use crate::sql::EvalError;
use crate::sql::catalog::Table;
use crate::sql::eval::{Evaluate, Expressions, Steps};
use crate::sql::plan::{Env, Window, column};
use crate::sql::row::{Picker, Row, RowCodec};
use crate::sql::scan::scan;
use crate::sql::settings::Settings;
use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use datafusion_common::{Column, DFSchema, ScalarValue};
use datafusion_expr::{Expr, ExprSchemable};
use std::sync::Arc;

/// A stream, or the table that is to be read, and the steps that are still to be taken on its rows.
#[derive(Clone)]
pub(in crate::sql) struct Flow {
    origin: Origin,
    /// The columns in front of the first step.
    input: SchemaRef,
    steps: Vec<Arc<Expressions>>,
    /// The columns behind the last step.
    columns: SchemaRef,
    /// Which of them are bounds of a window that the rows are yet to be put into.
    bounds: Vec<Option<Bound>>,
    /// Whether a step computes something of such a bound.
    uses_bounds: bool,
    /// The columns behind all others that are there for late rows alone.
    riding: Option<Arc<Riding>>,
}

/// What a dataflow is made within.
#[derive(Clone, Copy)]
pub(in crate::sql) struct Within<'w> {
    pub(super) job: &'w Job,
    pub(super) env: &'w Env,
    pub(super) settings: &'w Settings,
    pub(super) late: &'w LateRows,
}

/// What a column tells of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sql) enum Bound {
    /// The first instant.
    Start,
    /// The instant behind the last.
    End,
    /// The last instant.
    Last,
}

#[derive(Clone)]
enum Origin {
    Table { table: Arc<Table>, columns: Vec<usize> },
    Rows(Stream<Row>),
    Assigned(Box<Assigned>),
}

/// Rows that are to be put into windows: by an operator, or by the aggregate that reads them.
#[derive(Clone)]
struct Assigned {
    rows: Flow,
    window: Window,
    time: usize,
    partition: Vec<usize>,
    uid: String,
    /// Puts NULLs where the bounds will stand.
    pad: Arc<Expressions>,
}

/// Rows, and how to read them.
#[derive(Clone)]
pub(in crate::sql) struct Prepared {
    /// The rows.
    pub(in crate::sql) stream: Stream<Row>,
    /// Of their columns.
    pub(in crate::sql) codec: RowCodec,
}

impl Flow {
    /// Some columns of a table.
    pub(in crate::sql) fn table(
        table: &Arc<Table>,
        columns: &[usize],
        schema: &Schema,
        riding: Option<Arc<Riding>>,
    ) -> Self {
        let also = riding.as_ref().map_or(&[][..], |riding| &riding.columns);
        let origin = Origin::Table { table: Arc::clone(table), columns: [columns, also].concat() };
        Flow::new(origin, &widened(schema, riding.as_deref()), riding)
    }

    /// Rows as they are.
    pub(in crate::sql) fn rows(prepared: Prepared) -> Self {
        Flow::riding_rows(prepared, None)
    }

    /// Rows as they are, whose last columns ride.
    pub(super) fn riding_rows(prepared: Prepared, riding: Option<Arc<Riding>>) -> Self {
        Flow::new(Origin::Rows(prepared.stream), prepared.codec.schema(), riding)
    }

    /// The columns that ride, if any do.
    pub(super) fn riding(&self) -> Option<Arc<Riding>> {
        self.riding.clone()
    }

    fn new(origin: Origin, columns: &SchemaRef, riding: Option<Arc<Riding>>) -> Self {
        let bounds = vec![None; columns.fields().len()];
        let (input, columns) = (Arc::clone(columns), Arc::clone(columns));
        Flow { origin, input, steps: Vec::new(), columns, bounds, uses_bounds: false, riding }
    }

    /// Puts the rows into windows: adds three columns.
    ///
    /// * `input`: names the columns.
    /// * `time`, `partition`: columns.
    /// * `output`: the columns and those three.
    /// * `uid`: of the operator that does it, if one does.
    pub(in crate::sql) fn assign(
        self,
        input: &DFSchema,
        (window, time, partition): (Window, usize, &[usize]),
        output: &Schema,
        uid: &str,
    ) -> Result<Self, EvalError> {
        let width = input.fields().len();
        let output = open(output);
        let nulls = output.fields()[width..].iter().map(|field| {
            let null = ScalarValue::try_from(field.data_type()).unwrap_or(ScalarValue::Null);
            Expr::Literal(null, None)
        });
        let all: Vec<Expr> = input.columns().into_iter().map(Expr::Column).chain(nulls).collect();
        let pad = self.projection(input, &all, &output)?;
        let (partition, uid, riding) = (partition.to_vec(), uid.to_owned(), self.riding());
        let assigned = Assigned { rows: self, window, time, partition, uid, pad };
        let output = widened(&output, riding.as_deref());
        let mut flow = Flow::new(Origin::Assigned(Box::new(assigned)), &output, riding);
        flow.bounds[width..width + 3].copy_from_slice(&[Some(Bound::Start), Some(Bound::End), Some(Bound::Last)]);
        Ok(flow)
    }

    /// The rows without their windows, with NULLs for the bounds, and what the windows are; `None` if they are in none that is
    /// still to be found, or something is computed of the bounds: here, or in one of `expressions` over `input`.
    pub(in crate::sql) fn unassigned(&self, input: &DFSchema, expressions: &[Expr]) -> Option<(Flow, Window)> {
        let Origin::Assigned(assigned) = &self.origin else { return None };
        if self.uses_bounds || expressions.iter().any(|expression| self.touches(input, expression)) {
            return None;
        }
        let mut flow = assigned.rows.clone();
        flow.steps.push(Arc::clone(&assigned.pad));
        flow.steps.extend(self.steps.iter().cloned());
        flow.columns = Arc::clone(&self.columns);
        flow.bounds = vec![None; self.bounds.len()];
        Some((flow, assigned.window))
    }

    /// What an expression tells of the window, if it is one of its columns.
    pub(in crate::sql) fn bound(&self, input: &DFSchema, expression: &Expr) -> Option<Bound> {
        column(expression, input).and_then(|column| self.bounds[column])
    }

    fn touches(&self, input: &DFSchema, expression: &Expr) -> bool {
        let refs = expression.column_refs();
        refs.iter().any(|name| input.maybe_index_of_column(name).is_some_and(|column| self.bounds[column].is_some()))
    }

    /// Keeps the rows for which a condition over `input` holds; `input` names the columns.
    pub(in crate::sql) fn filter(mut self, input: &DFSchema, predicate: &Expr) -> Result<Self, EvalError> {
        self.uses_bounds |= self.touches(input, predicate);
        self.steps.push(Arc::new(Expressions::new(&self.all(input)?, Some(predicate), None)?));
        Ok(self)
    }

    /// Computes one column per expression over `input`, with the names and types of `output`.
    pub(in crate::sql) fn project(
        mut self,
        input: &DFSchema,
        expressions: &[Expr],
        output: &Schema,
    ) -> Result<Self, EvalError> {
        let bounds: Vec<_> = expressions.iter().map(|expression| self.bound(input, expression)).collect();
        let mut computed = expressions.iter().zip(&bounds).filter(|(_, bound)| bound.is_none());
        self.uses_bounds |= computed.any(|(expression, _)| self.touches(input, expression));
        self.steps.push(self.projection(input, expressions, output)?);
        (self.columns, self.bounds) = (widened(output, self.riding.as_deref()), bounds);
        Ok(self)
    }

    /// The columns of `input`, and those that ride.
    fn all(&self, input: &DFSchema) -> Result<DFSchema, EvalError> {
        let Some(riding) = &self.riding else { return Ok(input.clone()) };
        let fields = input.iter().map(|(qualifier, field)| (qualifier.cloned(), Arc::clone(field)));
        let fields = fields.chain(riding.fields.iter().map(|field| (None, Arc::clone(field)))).collect();
        DFSchema::new_with_metadata(fields, input.metadata().clone()).map_err(|cause| EvalError::Expression {
            expression: "the columns of late rows".to_owned(),
            cause: cause.strip_backtrace(),
        })
    }

    /// One column per expression over `input`, and those that ride.
    fn projection(
        &self,
        input: &DFSchema,
        expressions: &[Expr],
        output: &Schema,
    ) -> Result<Arc<Expressions>, EvalError> {
        let mut all = expressions.to_vec();
        let riding = self.riding.iter().flat_map(|riding| &riding.fields);
        all.extend(riding.map(|field| Expr::Column(Column::new_unqualified(field.name()))));
        let output = widened(output, self.riding.as_deref());
        Ok(Arc::new(Expressions::new(&self.all(input)?, None, Some((&all, &output)))?))
    }

    /// The same without columns that ride.
    pub(super) fn without_riding(mut self) -> Result<Self, EvalError> {
        let Some(riding) = self.riding.take() else { return Ok(self) };
        let fields = self.columns.fields();
        let numbered =
            |(number, field): (usize, &FieldRef)| Field::new(format!("c{number}"), field.data_type().clone(), true);
        let input = DFSchema::try_from(Schema::new(fields.iter().enumerate().map(numbered).collect::<Vec<_>>()));
        let input = input.map_err(|cause| EvalError::Expression {
            expression: "the columns of late rows".to_owned(),
            cause: cause.strip_backtrace(),
        })?;
        let kept: Vec<FieldRef> = fields.iter().take(fields.len() - riding.fields.len()).cloned().collect();
        let all: Vec<Expr> = input.columns().into_iter().take(kept.len()).map(Expr::Column).collect();
        let output = Schema::new(kept);
        self.steps.push(Arc::new(Expressions::new(&input, None, Some((&all, &output)))?));
        self.columns = open(&output);
        Ok(self)
    }

    /// Computes one column per expression over `input`, in order, and nothing else.
    pub(in crate::sql) fn compute(self, input: &DFSchema, expressions: &[Expr]) -> Result<Self, EvalError> {
        let fields = expressions.iter().enumerate().map(|(number, expression)| {
            let data_type = expression.get_type(input).map_err(|cause| EvalError::Expression {
                expression: expression.to_string(),
                cause: cause.strip_backtrace(),
            })?;
            let name = expression.qualified_name().1;
            let name = if name.is_empty() { format!("column{number}") } else { name };
            Ok(Field::new(name, data_type, true))
        });
        let output = Schema::new(fields.collect::<Result<Vec<_>, EvalError>>()?);
        self.project(input, expressions, &output)
    }

    /// All columns, and behind them one for each expression that is no column; which column each expression is.
    pub(in crate::sql) fn with_columns(
        self,
        input: &DFSchema,
        expressions: &[Expr],
    ) -> Result<(Self, Vec<usize>), EvalError> {
        let mut all: Vec<Expr> = input.columns().into_iter().map(Expr::Column).collect();
        let width = all.len();
        let numbers = expressions.iter().map(|expression| {
            let known = column(expression, input)
                .or_else(|| all[width..].iter().position(|e| e == expression).map(|at| at + width));
            known.unwrap_or_else(|| {
                all.push(expression.clone());
                all.len() - 1
            })
        });
        let numbers = numbers.collect();
        Ok((if all.len() == width { self } else { self.compute(input, &all)? }, numbers))
    }

    /// Takes all steps: an operator, unless there are none.
    ///
    /// * `uid`: of that operator.
    pub(in crate::sql) fn prepare(self, within: Within<'_>, uid: &str) -> Result<Prepared, ExecError> {
        self.without_riding()?.prepare_riding(within, uid)
    }

    /// Rows in which expressions over `input` are columns, and which column each is: those of the rows as they are, if they
    /// are all there.
    ///
    /// * `uid`: of the operator that computes them, if there is one.
    pub(super) fn prepare_columns(
        self,
        within: Within<'_>,
        (input, expressions): (&DFSchema, &[Expr]),
        uid: &str,
    ) -> Result<(Prepared, Vec<usize>), ExecError> {
        let (origin, columns) = (self.origin.clone(), Arc::clone(&self.input));
        let flow = self.compute(input, expressions)?;
        let picked = picks(&flow.steps, columns.fields().len()).filter(|_| flow.riding.is_none());
        match (origin, picked) {
            (Origin::Rows(stream), Some(picked)) => Ok((Prepared { stream, codec: RowCodec::new(&columns)? }, picked)),
            _ => Ok((flow.prepare_riding(within, uid)?, (0..expressions.len()).collect())),
        }
    }

    /// The same with the columns that ride.
    pub(super) fn prepare_riding(self, within: Within<'_>, uid: &str) -> Result<Prepared, ExecError> {
        let Within { job, env, settings, late } = within;
        let codec = RowCodec::new(&self.columns)?;
        let evaluated = |stream: Stream<Row>, steps: Vec<Arc<Expressions>>| {
            if let Some(columns) = picks(&steps, self.input.fields().len()) {
                let picker = match columns.iter().copied().eq(0..self.input.fields().len()) {
                    true => return Ok(stream),
                    false => Picker::new(&RowCodec::new(&self.input)?, &columns, &codec),
                };
                if let Some(picker) = picker {
                    let pick = move |row: Row| picker.pick(&row).expect("a row has the columns of its stream");
                    return Ok(stream.map(pick).uid(uid));
                }
            }
            let evaluate = Evaluate::new(Steps::new(&self.input, steps))?;
            Ok::<_, ExecError>(stream.then("compute", evaluate).uid(uid).on_error(OnError::dead_letter()))
        };
        let stream = match self.origin {
            Origin::Table { table, columns } => {
                scan(job, &env.connectors, &table, &columns, self.steps, settings.idle_timeout)?
            }
            Origin::Rows(stream) => evaluated(stream, self.steps)?,
            Origin::Assigned(assigned) => {
                let Assigned { rows, window, time, partition, uid, .. } = *assigned;
                let riding = rows.riding();
                let rows = rows.prepare_riding(within, &format!("{uid}/input"))?;
                let behind = riding.as_ref().map_or(0, |riding| riding.fields.len());
                let uid = late_uid(&uid, riding.is_some());
                let assign = Assign { window, time, partition: &partition, behind, output: &self.input, uid: &uid };
                let (widened, dropped) = window_assign(&rows, assign)?;
                if let (Some(riding), Some(dropped)) = (riding, dropped) {
                    late.add_from_window(&riding, &rows.codec, &dropped, &uid)?;
                }
                evaluated(widened.stream, self.steps)?
            }
        };
        Ok(Prepared { stream, codec })
    }
}

/// The columns of the input, of which there are `width`, that steps leave, if they leave nothing that is computed.
fn picks(steps: &[Arc<Expressions>], width: usize) -> Option<Vec<usize>> {
    let all = (0..width).map(Some).collect::<Vec<_>>();
    let left = steps.iter().try_fold(all, |columns, step| {
        let picked = step.picks()?.iter().map(|pick| pick.and_then(|column| columns[column]));
        Some(picked.collect())
    });
    left?.into_iter().collect()
}

/// The columns as rows have them, and those that ride.
fn widened(schema: &Schema, riding: Option<&Riding>) -> SchemaRef {
    let riding = riding.into_iter().flat_map(|riding| &riding.fields);
    open(&Schema::new(schema.fields().iter().chain(riding).cloned().collect::<Vec<_>>()))
}

/// The columns as rows have them: each may be NULL.
pub(super) fn open(schema: &Schema) -> SchemaRef {
    let field = |field: &Arc<Field>| Field::new(field.name(), field.data_type().clone(), true);
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}
