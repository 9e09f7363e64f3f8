//! From the aggregates of a plan to columns and functions over them.

use super::Aggregates;
use super::function::{Function, Kind, Number};
use super::general::{Argument, Call, Keep};
use crate::sql::exec::By;
use crate::sql::functions::user::is_user_aggregate;
use crate::sql::row::{RowCodec, RowError};
use arrow::datatypes::{DataType, Schema};
use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::expr::{AggregateFunctionParams, NullTreatment};
use datafusion_expr::{AggregateUDF, Expr, ExprSchemable};
use datafusion_functions_aggregate::string_agg::string_agg_udaf;
use std::sync::Arc;

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
            let (name, params) = (call.func.name().to_lowercase(), call.params.clone());
            let keep = if is_user_aggregate(&call.func) { Some(Keep::All) } else { Keep::of(&name) };
            if let Some(keep) = keep {
                functions.push(general(input, call.func, params, (name, keep), result, &mut column)?);
                continue;
            }
            if name.starts_with("approx_percentile") || name == "approx_median" {
                functions.push(approximate(&params, &name, result, &mut column)?);
                continue;
            }
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
                    let instead = "use one of those that `millstream functions` lists";
                    return refused(format!("the aggregate {}", name.to_uppercase()), instead);
                }
            };
            functions.push(Function {
                kind,
                argument: argument.map(&mut column),
                filter: params.filter.as_deref().map(&mut column),
                distinct: params.distinct && !matches!(kind, Kind::Min | Kind::Max | Kind::ApproxDistinct),
                result: result.clone(),
                call: None,
            });
        }
        Ok(Lowered { columns, functions })
    }

    /// The same over rows in which the `n`th of the columns is the one with the number `columns[n]`.
    pub(in crate::sql) fn placed(mut self, columns: &[usize]) -> Self {
        for function in &mut self.functions {
            let kept = function.call.iter_mut().flat_map(|call| &mut call.columns);
            let read = [&mut function.argument, &mut function.filter].into_iter().flatten();
            kept.chain(read).for_each(|column| *column = columns[*column]);
        }
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
        self.functions.iter().find_map(|function| match function.kind {
            Kind::ApproxDistinct => Some("APPROX_DISTINCT"),
            Kind::ApproxPercentile(_) => Some("an approximate percentile"),
            _ => None,
        })
    }
}

/// An aggregate that is computed of all values.
fn general(
    input: &DFSchema,
    function: Arc<AggregateUDF>,
    params: AggregateFunctionParams,
    (name, keep): (String, Keep),
    result: &DataType,
    column: &mut impl FnMut(&Expr) -> usize,
) -> Result<Function, Refused> {
    let title = name.to_uppercase();
    let is_list = matches!(name.as_str(), "array_agg" | "json_arrayagg" | "json_objectagg");
    let nulls = match params.null_treatment {
        None => is_list,
        Some(NullTreatment::IgnoreNulls) => false,
        Some(NullTreatment::RespectNulls) if is_list => true,
        Some(NullTreatment::RespectNulls) => {
            return refused(format!("{title} with RESPECT NULLS"), "leave it out: NULLs do not count");
        }
    };
    let mut arguments = Vec::new();
    for (number, argument) in params.args.iter().enumerate() {
        arguments.push(match argument {
            Expr::Literal(value, _) if number > 0 => Argument::Constant(value.clone()),
            _ => {
                let data_type = argument.get_type(input).map_err(|error| Refused {
                    what: format!("{title} of {argument} ({})", error.strip_backtrace()),
                    instead: "cast it to a type".to_owned(),
                })?;
                Argument::Column(column(argument), data_type)
            }
        });
    }
    let Some(Argument::Column(first, _)) = arguments.first() else {
        return refused(format!("{title} without an argument"), "say of what");
    };
    let (first, is_percentile) = (*first, name == "percentile_cont");
    // WITHIN GROUP repeats the argument.
    let order = if is_percentile { &[][..] } else { &params.order_by[..] };
    if is_percentile && params.order_by.iter().any(|by| !by.asc) {
        return refused(format!("{title} in descending order"), "take 1 less the fraction, in ascending order");
    }
    let order: Vec<(usize, By)> = order
        .iter()
        .map(|by| (column(&by.expr), By { column: 0, ascending: by.asc, nulls_first: by.nulls_first }))
        .collect();
    // With an order of its own, it is nothing in which order the values came.
    let keep = if order.is_empty() { keep } else { Keep::All };
    let function = if name == "listagg" {
        if arguments.len() == 1 {
            arguments.push(Argument::Constant(ScalarValue::from(",")));
        }
        string_agg_udaf()
    } else {
        function
    };
    if name == "any_value" && params.distinct {
        return refused(format!("{title} with DISTINCT"), "leave DISTINCT out");
    }
    let call = Call::new(function, arguments, order, (params.distinct, nulls))?;
    Ok(Function {
        kind: Kind::General(keep),
        argument: Some(first),
        filter: params.filter.as_deref().map(column),
        distinct: params.distinct,
        result: result.clone(),
        call: Some(Box::new(call)),
    })
}

/// A percentile by a sketch.
fn approximate(
    params: &AggregateFunctionParams,
    name: &str,
    result: &DataType,
    column: &mut impl FnMut(&Expr) -> usize,
) -> Result<Function, Refused> {
    let title = name.to_uppercase();
    if params.distinct || params.order_by.iter().any(|by| !by.asc) {
        return refused(format!("{title} with DISTINCT or in descending order"), "write PERCENTILE(x, p)");
    }
    let (of, fraction) = match &params.args[..] {
        [of] if name == "approx_median" => (of, Some(0.5)),
        [of, Expr::Literal(fraction, _)] => {
            let fraction = fraction.cast_to(&DataType::Float64).ok();
            (of, fraction.and_then(|fraction| if let ScalarValue::Float64(f) = fraction { f } else { None }))
        }
        _ => return refused(format!("{title} with these arguments"), "write APPROX_PERCENTILE_CONT(x, 0.99)"),
    };
    let Some(fraction) = fraction.filter(|fraction| (0.0..=1.0).contains(fraction)) else {
        return refused(format!("{title} of what is no fraction"), "give a number from 0 to 1");
    };
    if !matches!(Number::of(result), Some(Number::Whole | Number::Float)) {
        return refused(format!("{title} of a {result}"), "cast it to DOUBLE");
    }
    Ok(Function {
        kind: Kind::ApproxPercentile(fraction),
        argument: Some(column(of)),
        filter: params.filter.as_deref().map(column),
        distinct: false,
        result: result.clone(),
        call: None,
    })
}
