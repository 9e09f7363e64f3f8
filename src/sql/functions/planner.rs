//! Syntax that stands for a function.

use arrow::datatypes::DataType;
use datafusion_common::{DFSchema, Result, ScalarValue};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::planner::{ExprPlanner, PlannerResult, RawFieldAccessExpr};
use datafusion_expr::{Expr, ExprSchemable, GetFieldAccess, lit};

/// Plans `SUBSTRING(.. FROM ..)`, `a[1]`, `ARRAY[..]` and the like as functions of ours.
#[derive(Debug)]
pub(in crate::sql) struct Syntax;

fn call<T>(name: &str, arguments: Vec<Expr>) -> Result<PlannerResult<T>> {
    let function = super::named(name)?;
    Ok(PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction::new_udf(function, arguments))))
}

impl ExprPlanner for Syntax {
    fn plan_extract(&self, arguments: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        call("extract", arguments)
    }

    fn plan_substring(&self, arguments: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        call("substring", arguments)
    }

    fn plan_position(&self, arguments: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        call("position", arguments)
    }

    fn plan_overlay(&self, arguments: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        call("overlay", arguments)
    }

    fn plan_array_literal(&self, items: Vec<Expr>, _: &DFSchema) -> Result<PlannerResult<Vec<Expr>>> {
        call("array", items)
    }

    fn plan_make_map(&self, entries: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        call("map", entries)
    }

    fn plan_field_access(
        &self,
        access: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let is_collection =
            matches!(access.expr.get_type(schema)?, DataType::List(_) | DataType::Map(..) | DataType::Null);
        match access.field_access {
            GetFieldAccess::ListIndex { key } if is_collection => call("item", vec![access.expr, *key]),
            GetFieldAccess::NamedStructField { name: ScalarValue::Utf8(Some(name)) } if is_collection => {
                call("item", vec![access.expr, lit(name)])
            }
            field_access => Ok(PlannerResult::Original(RawFieldAccessExpr { field_access, expr: access.expr })),
        }
    }
}
