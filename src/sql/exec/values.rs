//! Rows written in the text.

use super::ExecError;
use crate::sql::eval::Expressions;
use crate::sql::row::{Row, RowCodec};
use crate::time::Timestamp;
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use datafusion_common::DFSchema;
use datafusion_expr::Expr;
use std::sync::Arc;

/// The rows of VALUES, or the one row of a query without FROM.
///
/// * `now`: what functions tell the time by.
///
/// # Errors
/// If an expression fails; there is no row to put aside then, the text itself is wrong.
pub(super) fn values(rows: &[Vec<Expr>], codec: &RowCodec, now: Timestamp) -> Result<Vec<Row>, ExecError> {
    let nothing = DFSchema::empty();
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let one = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options);
    let one = one.expect("a row without columns is a batch");
    let mut made = Vec::new();
    for row in rows {
        let expressions = Expressions::new(&nothing, None, Some((row, codec.schema())))?;
        let evaluated = expressions.evaluate(&one, now).map_err(|cause| crate::sql::EvalError::Expression {
            expression: row.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            cause,
        })?;
        made.extend(evaluated.columns.map(|columns| codec.rows(&columns)).transpose()?.into_iter().flatten());
    }
    Ok(made)
}
