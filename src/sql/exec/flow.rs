//! What a relation gives, and what is still to be computed of it.

use super::ExecError;
use crate::api::{Job, Stream};
use crate::operator::OnError;
use crate::sql::EvalError;
use crate::sql::catalog::Table;
use crate::sql::eval::{Evaluate, Expressions, Steps};
use crate::sql::plan::{Env, column};
use crate::sql::row::{Row, RowCodec};
use crate::sql::scan::scan;
use crate::sql::settings::Settings;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion_common::DFSchema;
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
}

#[derive(Clone)]
enum Origin {
    Table { table: Arc<Table>, columns: Vec<usize> },
    Rows(Stream<Row>),
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
    pub(in crate::sql) fn table(table: &Arc<Table>, columns: &[usize], schema: &Schema) -> Self {
        let origin = Origin::Table { table: Arc::clone(table), columns: columns.to_vec() };
        let columns = open(schema);
        Flow { origin, input: Arc::clone(&columns), steps: Vec::new(), columns }
    }

    /// Rows as they are.
    pub(in crate::sql) fn rows(prepared: Prepared) -> Self {
        let columns = prepared.codec.schema();
        Flow {
            origin: Origin::Rows(prepared.stream),
            input: Arc::clone(columns),
            steps: Vec::new(),
            columns: Arc::clone(columns),
        }
    }

    /// Keeps the rows for which a condition over `input` holds; `input` names the columns.
    pub(in crate::sql) fn filter(mut self, input: &DFSchema, predicate: &Expr) -> Result<Self, EvalError> {
        self.steps.push(Arc::new(Expressions::new(input, Some(predicate), None)?));
        Ok(self)
    }

    /// Computes one column per expression over `input`, with the names and types of `output`.
    pub(in crate::sql) fn project(
        mut self,
        input: &DFSchema,
        expressions: &[Expr],
        output: &Schema,
    ) -> Result<Self, EvalError> {
        self.steps.push(Arc::new(Expressions::new(input, None, Some((expressions, output)))?));
        self.columns = open(output);
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
    pub(in crate::sql) fn prepare(
        self,
        (job, env, settings): (&Job, &Env, &Settings),
        uid: &str,
    ) -> Result<Prepared, ExecError> {
        let codec = RowCodec::new(&self.columns)?;
        let stream = match self.origin {
            Origin::Table { table, columns } => {
                let idle = settings.idle_timeout.filter(|idle| !idle.is_zero());
                scan(job, &env.connectors, &table, &columns, self.steps, idle)?
            }
            Origin::Rows(stream) if self.steps.is_empty() => stream,
            Origin::Rows(stream) => {
                let evaluate = Evaluate::new(Steps::new(&self.input, self.steps))?;
                stream.then("compute", evaluate).uid(uid).on_error(OnError::dead_letter())
            }
        };
        Ok(Prepared { stream, codec })
    }
}

/// The columns as rows have them: each may be NULL.
fn open(schema: &Schema) -> SchemaRef {
    let field = |field: &Arc<Field>| Field::new(field.name(), field.data_type().clone(), true);
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}
