//! Numbers. What is not here is the planner's library's: ABS, SQRT, LN, LOG10, LOG2, EXP, SIN and its family, DEGREES, RADIANS, PI.

use super::form::{Form, Types, general};
use super::function::{Function, function};
use crate::sql::row::Value;
use arrow::datatypes::DataType;

pub(super) fn functions() -> Vec<Function> {
    vec![
        function("e", "E()", "Euler's number.").of(|| std::f64::consts::E),
        function("power", "POWER(number, exponent)", "A power, as a DOUBLE.").alias("pow").of(f64::powf),
        function("log", "LOG([base, ]number)", "The logarithm, the natural one without a base.")
            .of(f64::ln)
            .of(|base: f64, number: f64| number.ln() / base.ln()),
        function("ceil", "CEIL(number)", "The least whole number that is not below it.")
            .alias("ceiling")
            .form(rounded(ceil)),
        function("floor", "FLOOR(number)", "The greatest whole number that is not above it.").form(rounded(floor)),
        function(
            "round",
            "ROUND(number[, digits])",
            "The nearest number with so many digits behind the point, 0 if not said; a half goes away from zero.",
        )
        .form(digits(1, round))
        .form(digits(2, round)),
        function(
            "truncate",
            "TRUNCATE(number[, digits])",
            "The number cut to so many digits behind the point, 0 if not said.",
        )
        .alias("trunc")
        .form(digits(1, truncate))
        .form(digits(2, truncate)),
        function("sign", "SIGN(number)", "-1, 0 or 1, of the number's own type.").alias("signum").form(general(
            "number",
            number,
            |arguments| arguments[0].clone(),
            false,
            |values, types| match (&values[0], types.result) {
                (Value::Int(number), _) => Ok(Value::Int(number.signum())),
                (Value::Decimal(number), DataType::Decimal128(_, scale)) => scaled(number.signum(), *scale),
                (Value::Float(number), _) => Ok(Value::Float(if *number == 0.0 { *number } else { number.signum() })),
                _ => Ok(Value::Null),
            },
        )),
    ]
}

/// One number; anything else without digits is not taken.
fn number(given: &[DataType]) -> Option<Vec<DataType>> {
    match given {
        [DataType::Null] => Some(vec![DataType::Float64]),
        [DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64] => Some(vec![DataType::Int64]),
        [number] if number.is_numeric() => Some(vec![number.clone()]),
        _ => None,
    }
}

/// A number, and how many digits.
fn number_and_digits(given: &[DataType]) -> Option<Vec<DataType>> {
    let [first, digits] = given else { return None };
    let mut converted = number(std::slice::from_ref(first))?;
    converted.push(Some(DataType::Int64).filter(|_| digits.is_integer() || *digits == DataType::Null)?);
    Some(converted)
}

/// 10 to the power of a scale; `None` if it has too many digits.
fn unit(digits: i64) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(digits).ok()?)
}

fn scaled(number: i128, scale: i8) -> Result<Value<'static>, String> {
    let made = unit(scale.into()).and_then(|unit| number.checked_mul(unit));
    made.map(Value::Decimal).ok_or_else(|| "a number with more than 38 digits".to_owned())
}

/// To a whole number, of the same type; of a DECIMAL without a scale.
fn rounded(of_values: super::form::OfValues) -> Form {
    let gives: fn(&[DataType]) -> DataType = |arguments| match &arguments[0] {
        DataType::Decimal128(precision, _) => DataType::Decimal128(*precision, 0),
        other => other.clone(),
    };
    general("number", number, gives, false, of_values)
}

fn floor(values: &[Value<'_>], types: &Types<'_>) -> Result<Value<'static>, String> {
    whole(values, types, f64::floor, i128::div_euclid)
}

fn ceil(values: &[Value<'_>], types: &Types<'_>) -> Result<Value<'static>, String> {
    whole(values, types, f64::ceil, |number, unit| -(-number).div_euclid(unit))
}

fn whole(
    values: &[Value<'_>],
    types: &Types<'_>,
    of_float: fn(f64) -> f64,
    divide: fn(i128, i128) -> i128,
) -> Result<Value<'static>, String> {
    Ok(match (&values[0], &types.arguments[0]) {
        (Value::Float(number), _) => Value::Float(of_float(*number)),
        (Value::Decimal(number), DataType::Decimal128(_, scale)) => {
            unit((*scale).into()).map_or(Value::Null, |unit| Value::Decimal(divide(*number, unit)))
        }
        (other, _) => other.clone().into_owned(),
    })
}

/// To some digits; the type stays, so that it does not depend on a value.
fn digits(arguments: usize, of_values: super::form::OfValues) -> Form {
    let same = |arguments: &[DataType]| arguments[0].clone();
    match arguments {
        1 => general("number", number, same, false, of_values),
        _ => general("number, INT", number_and_digits, same, false, of_values),
    }
}

fn round(values: &[Value<'_>], types: &Types<'_>) -> Result<Value<'static>, String> {
    // A half goes away from zero.
    to_digits(values, types, f64::round, |number, unit| {
        let (whole, rest) = (number / unit, number % unit);
        whole + if rest.unsigned_abs() >= unit.unsigned_abs().div_ceil(2) { number.signum() } else { 0 }
    })
}

fn truncate(values: &[Value<'_>], types: &Types<'_>) -> Result<Value<'static>, String> {
    to_digits(values, types, f64::trunc, |number, unit| number / unit)
}

fn to_digits(
    values: &[Value<'_>],
    types: &Types<'_>,
    of_float: fn(f64) -> f64,
    divide: fn(i128, i128) -> i128,
) -> Result<Value<'static>, String> {
    let digits = match values.get(1) {
        Some(Value::Int(digits)) => *digits,
        _ => 0,
    };
    let exact = |number: i128, scale: i64| {
        // How many of the last digits go.
        let cut = scale.saturating_sub(digits);
        if cut <= 0 { Some(number) } else { unit(cut).map_or(Some(0), |unit| divide(number, unit).checked_mul(unit)) }
    };
    let large = || "the rounded number is too large".to_owned();
    match (&values[0], &types.arguments[0]) {
        (Value::Int(number), _) => {
            let made = exact((*number).into(), 0).and_then(|made| i64::try_from(made).ok());
            made.map(Value::Int).ok_or_else(large)
        }
        (Value::Decimal(number), DataType::Decimal128(_, scale)) => {
            exact(*number, (*scale).into()).map(Value::Decimal).ok_or_else(large)
        }
        (Value::Float(number), _) => {
            let number = *number;
            if !number.is_finite() || digits > 300 {
                return Ok(Value::Float(number));
            }
            // By its shortest text, as Java's BigDecimal has it: 1.005 has three digits, whatever its bits say.
            Ok(Value::Float(by_text(number, digits, of_float)))
        }
        _ => Ok(Value::Null),
    }
}

fn by_text(number: f64, digits: i64, of_float: fn(f64) -> f64) -> f64 {
    let shifted = |number: f64, by: i64| {
        format!("{number:e}").split_once('e').and_then(|(mantissa, exponent)| {
            let exponent = exponent.parse::<i64>().ok()?.checked_add(by)?;
            format!("{mantissa}e{exponent}").parse::<f64>().ok()
        })
    };
    let rounded = shifted(number, digits).map(of_float).and_then(|whole| shifted(whole, digits.saturating_neg()));
    rounded.unwrap_or(number)
}
