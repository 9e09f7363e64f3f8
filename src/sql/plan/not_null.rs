//! NOT NULL at a sink: a row with NULL in such a column is an error of that row, or is dropped.

use super::build::Statement;
use crate::sql::catalog::Table;
use crate::sql::error::Error;
use crate::sql::settings::NotNull;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, exec_err};
use datafusion_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// Enforces NOT NULL, and the columns of the PRIMARY KEY, which are so too, on a plan that has the columns that are written.
///
/// Flink fails the job for a NULL; here the row becomes a dead letter.
pub(super) fn enforce(table: &Table, how: NotNull, plan: LogicalPlan, of: Statement<'_>) -> Result<LogicalPlan, Error> {
    let schema = Arc::clone(plan.schema());
    let written: Vec<_> = table.written().collect();
    let must = |at: usize| {
        let column = written[at];
        (!column.nullable || table.primary_key.contains(&column.name)) && schema.field(at).is_nullable()
    };
    let columns = schema.columns();
    if !(0..columns.len()).any(must) {
        return Ok(plan);
    }
    let builder = LogicalPlanBuilder::from(plan);
    let columns = columns.into_iter().enumerate();
    let enforced = match how {
        NotNull::Error => builder.project(columns.map(|(at, column)| match must(at) {
            true => {
                let name = column.name.clone();
                function(&table.name, &name).call(vec![Expr::Column(column)]).alias(name)
            }
            false => Expr::Column(column),
        })),
        NotNull::Drop => {
            let known = columns.filter(|(at, _)| must(*at)).map(|(_, column)| Expr::Column(column).is_not_null());
            known.reduce(Expr::and).map_or(Ok(builder.clone()), |known| builder.filter(known))
        }
    };
    enforced.and_then(LogicalPlanBuilder::build).map_err(|error| of.meaning(&error))
}

/// What is checked, if an expression is such a check, else the expression: its value is the same.
pub(super) fn inner(expression: &Expr) -> &Expr {
    match expression {
        Expr::Alias(alias) => inner(&alias.expr),
        Expr::ScalarFunction(call) if call.func.inner().is::<CheckNotNull>() => call.args.first().unwrap_or(expression),
        expression => expression,
    }
}

fn function(table: &str, column: &str) -> ScalarUDF {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::from(CheckNotNull { table: table.to_owned(), column: column.to_owned(), signature })
}

/// Gives its argument, and fails for NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CheckNotNull {
    table: String,
    column: String,
    signature: Signature,
}

impl ScalarUDFImpl for CheckNotNull {
    fn name(&self) -> &str {
        "not_null"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(arguments[0].clone())
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), arguments.arg_fields[0].data_type().clone(), false)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = arguments.args.into_iter().next();
        let has_null = match &value {
            Some(ColumnarValue::Array(values)) => values.null_count() > 0,
            Some(ColumnarValue::Scalar(value)) => value.is_null(),
            None => true,
        };
        match value {
            Some(value) if !has_null => Ok(value),
            _ => exec_err!("`{}` of `{}` is NOT NULL, and the row has NULL there", self.column, self.table),
        }
    }
}
