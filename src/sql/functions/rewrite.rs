//! Expressions that mean something else here than to the planner's library.

use super::cast::{is_read, is_to_text};
use super::{CASTS, named};
use crate::sql::type_name;
use arrow::datatypes::{DataType, FieldRef};
use datafusion_common::config::ConfigOptions;
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion_expr::expr::{Case, Cast, Like, ScalarFunction, TryCast};
use datafusion_expr::expr_rewriter::FunctionRewrite;
use datafusion_expr::{Expr, ExprSchemable, lit, not};
use std::sync::Arc;

/// Before types are made equal: what chooses between expressions must not compute them all, and some syntax is a function.
#[derive(Debug)]
pub(in crate::sql) struct Meanings;

impl FunctionRewrite for Meanings {
    fn name(&self) -> &str {
        "meanings"
    }

    fn rewrite(&self, expression: Expr, _: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        match expression {
            Expr::ScalarFunction(call) if call.func.name() == "if" && call.args.len() == 3 => {
                let mut arguments = call.args.into_iter().map(Box::new);
                let (when, then, otherwise) = (arguments.next(), arguments.next(), arguments.next());
                let cases = when.zip(then).into_iter().collect();
                Ok(Transformed::yes(Expr::Case(Case::new(None, cases, otherwise))))
            }
            Expr::ScalarFunction(call) if call.func.name() == "unix_timestamp" && call.args.is_empty() => {
                Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(named("unix_now")?, Vec::new()))))
            }
            Expr::SimilarTo(like) => similar(like).map(Transformed::yes),
            Expr::Like(like) if like.escape_char != Some(ESCAPE) => escaped(like),
            other => Ok(Transformed::no(other)),
        }
    }
}

fn similar(like: Like) -> Result<Expr> {
    let mut arguments = vec![*like.expr, *like.pattern];
    arguments.extend(like.escape_char.map(|escape| lit(escape.to_string())));
    let is = Expr::ScalarFunction(ScalarFunction::new_udf(named("similar_to")?, arguments));
    Ok(if like.negated { not(is) } else { is })
}

/// What the library escapes with, whether a text says so or not.
const ESCAPE: char = '\\';

/// LIKE with the character of its own before what stands for itself; without one, nothing is escaped, as in Flink.
fn escaped(mut like: Like) -> Result<Transformed<Expr>> {
    let text = match &*like.pattern {
        Expr::Literal(value, _) => value.try_as_str(),
        _ => None,
    };
    if like.escape_char.is_none() && text.is_some_and(|text| !text.is_some_and(|text| text.contains(ESCAPE))) {
        return Ok(Transformed::no(Expr::Like(like)));
    }
    let own = like.escape_char.replace(ESCAPE);
    like.pattern = Box::new(match (text, own) {
        (Some(Some(text)), own) => lit(pattern(text, own)?),
        (Some(None), _) => *like.pattern,
        (None, None) => {
            let arguments = vec![*like.pattern, lit(ESCAPE.to_string()), lit(format!("{ESCAPE}{ESCAPE}"))];
            Expr::ScalarFunction(ScalarFunction::new_udf(named("replace")?, arguments))
        }
        (None, Some(_)) => return plan_err!("ESCAPE needs a pattern that stands in the text: LIKE '50!%' ESCAPE '!'"),
    });
    Ok(Transformed::yes(Expr::Like(like)))
}

/// A pattern in which [`ESCAPE`] escapes.
fn pattern(text: &str, own: Option<char>) -> Result<String> {
    let mut pattern = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let is_escaped = own == Some(character);
        let character = if is_escaped { characters.next() } else { Some(character) };
        match character {
            Some(plain) if is_escaped && (matches!(plain, '%' | '_') || own == Some(plain)) => {
                pattern.extend([ESCAPE, plain])
            }
            Some(plain) if !is_escaped && plain == ESCAPE => pattern.extend([ESCAPE, ESCAPE]),
            Some(plain) if !is_escaped => pattern.push(plain),
            _ => {
                return plan_err!("in LIKE '{text}' the character of ESCAPE stands before another than %, _ or itself");
            }
        }
    }
    Ok(pattern)
}

/// After types are made equal: casts of texts, and those that Flink refuses.
#[derive(Debug)]
pub(in crate::sql) struct Conversions;

impl FunctionRewrite for Conversions {
    fn name(&self) -> &str {
        "conversions"
    }

    fn rewrite(&self, expression: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        let (from, to, is_try) = match &expression {
            Expr::Cast(Cast { expr, field }) => (expr.get_type(schema)?, field, false),
            Expr::TryCast(TryCast { expr, field }) => (expr.get_type(schema)?, field, true),
            _ => return Ok(Transformed::no(expression)),
        };
        let Some(name) = conversion(&from, to, is_try)? else { return Ok(Transformed::no(expression)) };
        let to = to.data_type().clone();
        let (Expr::Cast(Cast { expr, .. }) | Expr::TryCast(TryCast { expr, .. })) = expression else {
            return Ok(Transformed::no(expression));
        };
        let mut arguments = vec![*expr];
        if name != "cast_to_string" {
            arguments.push(Expr::Literal(ScalarValue::try_from(&to)?, None));
        }
        Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&CASTS[name]), arguments))))
    }
}

/// The function that does a cast; `None` if it is the library's.
fn conversion(from: &DataType, to: &FieldRef, is_try: bool) -> Result<Option<&'static str>> {
    let to = to.data_type();
    let is_time = |data_type: &DataType| {
        matches!(data_type, DataType::Timestamp(..) | DataType::Date32 | DataType::Time32(_) | DataType::Time64(_))
    };
    if (is_time(from) && to.is_numeric()) || (from.is_numeric() && is_time(to)) {
        let instead = "a time is made of a number by TO_TIMESTAMP_LTZ(n, 3), a number of a time by UNIX_TIMESTAMP";
        return plan_err!("a {} cannot be cast to {}; {instead}", type_name(from), type_name(to));
    }
    if is_to_text(from, to) {
        return Ok(Some("cast_to_string"));
    }
    if super::form::is_text(from) && is_read(to) {
        return Ok(Some(if is_try { "try_cast_string" } else { "cast_string" }));
    }
    if let (DataType::Struct(left), DataType::Struct(right)) = (from, to)
        && left.len() == right.len()
    {
        return Ok(Some("cast_row"));
    }
    Ok(None)
}

/// A lone expression, rewritten; what stands between the two makes types equal.
pub(in crate::sql) fn rewritten(rewrite: &dyn FunctionRewrite, expression: Expr, schema: &DFSchema) -> Result<Expr> {
    let options = ConfigOptions::default();
    Ok(expression.transform_up(|expression| rewrite.rewrite(expression, schema, &options))?.data)
}
