//! Syntax that stands for a function.

use crate::sql::dialect::{DISTINCT, NOT_DISTINCT};
use arrow::datatypes::{DataType, Field};
use datafusion_common::{Column, DFSchema, Result, ScalarValue, TableReference};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr};
use datafusion_expr::{BinaryExpr, Expr, ExprSchemable, GetFieldAccess, Operator, lit, not};
use datafusion_functions::core::get_field;
use datafusion_sql::sqlparser::ast::BinaryOperator;

/// The function that stands in a text for the right side of `x IS NOT DISTINCT FROM it`, which is how `x IS JSON` is read.
pub(super) const IS_JSON: &str = "is_json_of";

/// Plans `SUBSTRING(.. FROM ..)`, `a[1]`, `ARRAY[..]` and the like as functions of ours.
#[derive(Debug)]
pub(in crate::sql) struct Syntax;

fn call<T>(name: &str, arguments: Vec<Expr>) -> Result<PlannerResult<T>> {
    let function = super::named(name)?;
    Ok(PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction::new_udf(function, arguments))))
}

impl ExprPlanner for Syntax {
    fn plan_binary_op(&self, binary: RawBinaryExpr, _: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = binary;
        let is_distinct = match &op {
            BinaryOperator::Custom(name) if name == DISTINCT => true,
            BinaryOperator::Custom(name) if name == NOT_DISTINCT => false,
            _ => return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
        };
        Ok(PlannerResult::Planned(match right {
            Expr::ScalarFunction(call) if call.func.name() == IS_JSON => {
                let arguments = std::iter::once(left).chain(call.args).collect();
                let is = Expr::ScalarFunction(ScalarFunction::new_udf(call.func, arguments));
                if is_distinct { not(is) } else { is }
            }
            right => {
                let op = if is_distinct { Operator::IsDistinctFrom } else { Operator::IsNotDistinctFrom };
                Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
            }
        }))
    }

    fn plan_extract(&self, arguments: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        call("extract", arguments)
    }

    fn plan_substring(&self, arguments: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        call("substring", arguments)
    }

    fn plan_position(&self, mut arguments: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        // The text comes first.
        arguments.reverse();
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

    /// `bid.price` as a column is named by its last word, as in Flink.
    fn plan_compound_identifier(
        &self,
        field: &Field,
        qualifier: Option<&TableReference>,
        nested: &[String],
    ) -> Result<PlannerResult<Vec<Expr>>> {
        let row = Expr::Column(Column::from((qualifier, field)));
        let get = |row: Expr, name: &String| {
            let arguments = vec![row, lit(ScalarValue::from(name.clone()))];
            Expr::ScalarFunction(ScalarFunction::new_udf(get_field(), arguments))
        };
        let value = nested.iter().fold(row, get);
        Ok(PlannerResult::Planned(match nested.last() {
            Some(name) => value.alias(name),
            None => value,
        }))
    }

    fn plan_field_access(
        &self,
        access: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let data_type = access.expr.get_type(schema)?;
        let is_collection = matches!(data_type, DataType::List(_) | DataType::Map(..) | DataType::Null);
        match access.field_access {
            GetFieldAccess::ListIndex { key } if is_collection => call("item", vec![access.expr, *key]),
            GetFieldAccess::NamedStructField { name: ScalarValue::Utf8(Some(name)) } if is_collection => {
                call("item", vec![access.expr, lit(name)])
            }
            GetFieldAccess::NamedStructField { name: ScalarValue::Utf8(Some(name)) }
                if matches!(data_type, DataType::Struct(_)) =>
            {
                let arguments = vec![access.expr, lit(name)];
                Ok(PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction::new_udf(get_field(), arguments))))
            }
            field_access => Ok(PlannerResult::Original(RawFieldAccessExpr { field_access, expr: access.expr })),
        }
    }
}
