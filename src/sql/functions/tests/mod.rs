//! Expressions and their values: planned as part of a query, evaluated as constants and over columns.

mod conditions;
mod flink;
mod numbers;
mod texts;
mod times;

use crate::sql::eval::Expressions;
use crate::sql::{Env, Op, Program, plan};
use crate::time::Timestamp;
use arrow::array::{AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use datafusion_expr::Expr;
use std::sync::Arc;

/// The stamp of the element: 2024-02-29 12:34:56.789.
const NOW: i64 = 1_709_210_096_789;

/// One row of columns: of each type a value, and NULLs.
const COLUMNS: &str =
    "(VALUES ('Hello World', 5, 2.5, CAST(1.25 AS DECIMAL(10, 2)), TRUE, TIMESTAMP '2024-02-29 12:34:56.789',
  DATE '2024-02-29', CAST(NULL AS STRING), CAST(NULL AS BIGINT))) AS t (s, n, d, c, b, ts, day, no_s, no_n)";

fn planned(expression: &str) -> Result<Program, String> {
    let text = format!(
        "CREATE TABLE p (v STRING) WITH ('connector' = 'print');
         INSERT INTO p SELECT CAST({expression} AS STRING) FROM {COLUMNS}"
    );
    plan(&text, &Env::default()).map_err(|error| error.to_string())
}

/// The batch that some expressions make of another.
fn made(
    expressions: &[Expr],
    input: &RecordBatch,
    named: &datafusion_common::DFSchema,
    output: &Schema,
) -> Result<RecordBatch, String> {
    let ready = Expressions::new(named, None, Some((expressions, output))).map_err(|error| error.to_string())?;
    let read = input.project(ready.reads()).map_err(|error| error.to_string())?;
    ready.evaluate(&read, Timestamp::from_millis(NOW))?.columns.ok_or_else(|| "no columns".to_owned())
}

/// The value of an expression as CAST makes a text of it; `NULL` for NULL.
fn value(expression: &str) -> Result<String, String> {
    let program = planned(expression)?;
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let mut batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).unwrap();
    for rel in &program.rels {
        let schema: Schema = rel.schema.as_arrow().clone();
        match &rel.op {
            Op::Values { rows } => batch = made(&rows[0], &batch, &datafusion_common::DFSchema::empty(), &schema)?,
            Op::Project { expressions } => batch = made(expressions, &batch, &rel.inputs[0].schema, &schema)?,
            Op::Sink { .. } => {}
            other => return Err(format!("the plan has a {}", other.title())),
        }
    }
    let column = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8View).unwrap();
    let texts = column.as_string_view();
    Ok(texts.iter().next().flatten().map_or_else(|| "NULL".to_owned(), str::to_owned))
}

/// Holds each expression to its value; a value that begins with `error:` is a part of a message.
fn hold(cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (expression, expected) in cases {
        let found = value(expression);
        let is_right = match (&found, expected.strip_prefix("error: ")) {
            (Err(message), Some(part)) => message.contains(part),
            (Ok(found), None) => found == expected,
            _ => false,
        };
        if !is_right {
            wrong.push(format!("{expression}\n  expected {expected}\n  found    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
