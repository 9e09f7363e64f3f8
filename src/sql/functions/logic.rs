//! Functions that choose one of their arguments, and the remainder.

use super::form::{Types, general};
use super::function::{Function, function};
use super::text::owned;
use crate::sql::exec::compare;
use crate::sql::row::Value;
use crate::sql::type_name;
use arrow::datatypes::DataType;
use datafusion_expr::type_coercion::binary::type_union_resolution;
use std::cmp::Ordering;

pub(super) fn functions() -> Vec<Function> {
    vec![
        // The planner makes a CASE of it, which computes only what it chooses: see `rewrite`.
        function("if", "IF(condition, then, else)", "One of two values: the first if the condition is true.").form(
            general(
                "BOOLEAN, t, t",
                |given| {
                    let [DataType::Boolean | DataType::Null, left, right] = given else { return None };
                    let both = common(&[left.clone(), right.clone()])?;
                    Some(std::iter::once(DataType::Boolean).chain(both).collect())
                },
                |arguments| arguments[1].clone(),
                true,
                |values, _| match values {
                    [Value::Bool(true), chosen, _] | [_, _, chosen] => Ok(chosen.clone().into_owned()),
                    _ => Ok(Value::Null),
                },
            ),
        ),
        function("typeof", "TYPEOF(value)", "The name of the type of a value.").form(general(
            "t",
            |given| Some(given.to_vec()).filter(|given| given.len() == 1),
            |_| DataType::Utf8View,
            true,
            |_, types| Ok(owned(type_name(&types.arguments[0]))),
        )),
        function("greatest", "GREATEST(value, ..)", "The greatest value; NULL if one is NULL.").form(general(
            "t, ..",
            common,
            |arguments| arguments[0].clone(),
            false,
            |values, _| Ok(extreme(values, Ordering::Greater)),
        )),
        function("least", "LEAST(value, ..)", "The least value; NULL if one is NULL.").form(general(
            "t, ..",
            common,
            |arguments| arguments[0].clone(),
            false,
            |values, _| Ok(extreme(values, Ordering::Less)),
        )),
        function("mod", "MOD(number, by)", "The remainder of a division, with the sign of the first number.").form(
            general(
                "number, number",
                |given| Some(given).filter(|given| given.len() == 2 && given.iter().all(is_number)).and_then(common),
                |arguments| arguments[0].clone(),
                false,
                remainder,
            ),
        ),
    ]
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric() || *data_type == DataType::Null
}

/// The common type, for each.
pub(super) fn common(given: &[DataType]) -> Option<Vec<DataType>> {
    let common = type_union_resolution(given)?;
    Some(vec![common; given.len()])
}

fn extreme(values: &[Value<'_>], wanted: Ordering) -> Value<'static> {
    let best = values.iter().reduce(|best, value| if compare(value, best) == wanted { value } else { best });
    best.map_or(Value::Null, |best| best.clone().into_owned())
}

fn remainder(values: &[Value<'_>], _: &Types<'_>) -> Result<Value<'static>, String> {
    let zero = || "a division by zero".to_owned();
    match values {
        // The least number has no remainder by -1 in the processor, but in mathematics.
        [Value::Int(_), Value::Int(-1)] => Ok(Value::Int(0)),
        [Value::Int(number), Value::Int(by)] => number.checked_rem(*by).map(Value::Int).ok_or_else(zero),
        [Value::Decimal(number), Value::Decimal(by)] => number.checked_rem(*by).map(Value::Decimal).ok_or_else(zero),
        [Value::Float(number), Value::Float(by)] => Ok(Value::Float(number % by)),
        _ => Ok(Value::Null),
    }
}
