//! From the aggregates of a plan to columns and functions over them.

use super::Aggregates;
use super::function::{Function, Kind, Number};
use crate::sql::row::{RowCodec, RowError};
use arrow::datatypes::{DataType, Schema};
use datafusion_common::DFSchema;
use datafusion_expr::{Expr, ExprSchemable};

/// What is to be computed in front of an aggregation, and what is done with it.
#[derive(Clone, Debug)]
pub(in crate::sql) struct Lowered {
    /// The columns: first the keys, then what the aggregates read.
    pub(in crate::sql) columns: Vec<Expr>,
    functions: Vec<Function>,
}

/// Why an aggregate of a plan cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sql) struct Refused {
    /// What was found.
    pub(in crate::sql) what: String,
    /// What to write.
    pub(in crate::sql) instead: String,
}

fn refused<T>(what: impl Into<String>, instead: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { what: what.into(), instead: instead.into() })
}

impl Lowered {
    /// * `input`: the columns that the expressions are over.
    /// * `keys`: what is grouped by.
    /// * `aggregates`: `Expr::AggregateFunction`, perhaps with an alias.
    /// * `results`: the type of each aggregate's result.
    pub(in crate::sql) fn new(
        input: &DFSchema,
        keys: &[Expr],
        aggregates: &[Expr],
        results: &[DataType],
    ) -> Result<Self, Refused> {
        let mut columns = keys.to_vec();
        let mut column = |expression: &Expr| {
            columns.iter().skip(keys.len()).position(|known| known == expression).map_or_else(
                || {
                    columns.push(expression.clone());
                    columns.len() - 1
                },
                |at| at + keys.len(),
            )
        };
        let mut functions = Vec::new();
        for (aggregate, result) in aggregates.iter().zip(results) {
            let Expr::AggregateFunction(call) = aggregate.clone().unalias() else {
                return refused(format!("the aggregate {aggregate}"), "use COUNT, SUM, AVG, MIN or MAX");
            };
            let (name, params) = (call.func.name().to_lowercase(), call.params);
            if !params.order_by.is_empty() {
                return refused(format!("{} with ORDER BY", name.to_uppercase()), "leave the order out");
            }
            let is_row = |expression: &Expr| matches!(expression, Expr::Literal(value, _) if !value.is_null());
            let argument = match &params.args[..] {
                [] => None,
                [only] if name == "count" && is_row(only) && !params.distinct => None,
                [only] => Some(only),
                [..] => {
                    return refused(format!("{} of several columns", name.to_uppercase()), "concatenate them first");
                }
            };
            let number = || {
                let data_type = argument.and_then(|argument| argument.get_type(input).ok());
                let number = data_type.as_ref().and_then(Number::of);
                number.ok_or_else(|| Refused {
                    what: format!("{} of what is no number", name.to_uppercase()),
                    instead: "cast it to one".to_owned(),
                })
            };
            let kind = match name.as_str() {
                "count" => Kind::Count,
                "sum" => Kind::Sum(number()?),
                "avg" => Kind::Avg(number()?),
                "min" => Kind::Min,
                "max" => Kind::Max,
                "approx_distinct" => Kind::ApproxDistinct,
                _ => {
                    let instead = "use COUNT, SUM, AVG, MIN, MAX or APPROX_DISTINCT";
                    return refused(format!("the aggregate {}", name.to_uppercase()), instead);
                }
            };
            functions.push(Function {
                kind,
                argument: argument.map(&mut column),
                filter: params.filter.as_deref().map(&mut column),
                distinct: params.distinct && !matches!(kind, Kind::Min | Kind::Max | Kind::ApproxDistinct),
                result: result.clone(),
            });
        }
        Ok(Lowered { columns, functions })
    }

    /// The same over rows in which the `n`th of the columns is the one with the number `columns[n]`.
    pub(in crate::sql) fn placed(mut self, columns: &[usize]) -> Self {
        let places = self.functions.iter_mut().flat_map(|function| [&mut function.argument, &mut function.filter]);
        places.flatten().for_each(|column| *column = columns[*column]);
        self
    }

    /// The machine over the computed columns.
    ///
    /// * `retracts`: whether rows are taken back.
    pub(in crate::sql) fn machine(&self, columns: &Schema, retracts: bool) -> Result<Aggregates, RowError> {
        Aggregates::new(&RowCodec::new(columns)?, self.functions.clone(), retracts)
    }

    /// Which of the aggregates cannot take rows back.
    pub(in crate::sql) fn irrevocable(&self) -> Option<&'static str> {
        self.functions.iter().any(|function| function.kind == Kind::ApproxDistinct).then_some("APPROX_DISTINCT")
    }
}
