//! Which of the three joins a join is.

use super::build::{Made, Rels, Statement, index};
use super::rel::{Changes, Input, Op};
use crate::sql::catalog::milliseconds;
use crate::sql::error::Error;
use datafusion_common::{JoinType, NullEquality};
use datafusion_expr::logical_plan::builder::build_join_schema;
use datafusion_expr::utils::split_conjunction;
use datafusion_expr::{Expr, Join, Operator};
use std::sync::Arc;

/// A join of two relations: by window if both are in the same kind of window and its bounds are equal, by interval if their
/// event times are bounded against each other from both sides, else of all rows.
pub(super) fn build(
    rels: &mut Rels,
    left: Input,
    right: Input,
    join: &Join,
    of: Statement<'_>,
) -> Result<Input, Error> {
    let places = ["JOIN", "FROM"];
    let kind = join.join_type;
    if join.null_equality != NullEquality::NullEqualsNothing || join.null_aware {
        return Err(of.unsupported(&["NOT", "IN"], "NOT IN, or a join on NULLs", "write NOT EXISTS, or a LEFT JOIN"));
    }
    if join.on.is_empty() {
        let instead = "join on equal columns: all rows of one side with all of the other never end";
        return Err(of.unsupported(&places, "a join without an equality", instead));
    }
    let schema = build_join_schema(&left.schema, &right.schema, &kind).map_err(|error| of.meaning(&error))?;
    let (l, r) = (rels.of(&left), rels.of(&right));
    let width = left.schema.fields().len();
    let has_left = !matches!(kind, JoinType::RightSemi | JoinType::RightAnti);
    let has =
        |a, b| join.on.iter().any(|(x, y)| index(x, &left.schema) == Some(a) && index(y, &right.schema) == Some(b));
    let (on, filter) = (join.on.clone(), join.filter.clone());
    let appends = l.changes == Changes::Append && r.changes == Changes::Append;
    let same_window = match (l.window, r.window) {
        (Some(a), Some(b)) => a.window == b.window && has(a.start, b.start) && has(a.end, b.end),
        _ => false,
    };
    let times = l.time.zip(r.time);
    let bounds = times.and_then(|(a, b)| bounds(filter.as_ref()?, &left, a, &right, b));
    let (op, time, changes, window) = match bounds {
        _ if same_window && appends => (
            Op::WindowJoin { kind, on, filter },
            l.time.filter(|_| has_left),
            Changes::Append,
            l.window.filter(|_| has_left),
        ),
        Some((lower_ms, upper_ms)) if appends => {
            if lower_ms > upper_ms {
                return Err(of.text.meaning(of.place(&["BETWEEN", "JOIN"]), "no two times are within these bounds"));
            }
            let Some(filter) = filter else { return Err(of.unsupported(&places, "this join", "say its bounds")) };
            (Op::IntervalJoin { kind, on, lower_ms, upper_ms, filter }, None, Changes::Append, None)
        }
        _ => {
            let stays = matches!(kind, JoinType::Inner | JoinType::LeftSemi | JoinType::RightSemi) && appends;
            let changes = if stays { Changes::Append } else { Changes::Update };
            (Op::RegularJoin { kind, on, filter }, None, changes, None)
        }
    };
    // A row of the result is known by the keys of both sides.
    let key = match (&l.key, &r.key, kind) {
        (Some(a), Some(b), JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full) => {
            Some(a.iter().copied().chain(b.iter().map(|at| at + width)).collect())
        }
        (Some(a), _, JoinType::LeftSemi | JoinType::LeftAnti) => Some(a.clone()),
        _ => None,
    };
    let made = Made { op, inputs: vec![left, right], schema: Arc::new(schema), time, window, changes, key };
    Ok(rels.add(made, of.query.at))
}

/// The least and greatest `left - right` in milliseconds that a condition allows, if it says both.
fn bounds(filter: &Expr, left: &Input, left_time: usize, right: &Input, right_time: usize) -> Option<(i64, i64)> {
    let (mut lower, mut upper) = (None::<i64>, None::<i64>);
    // A column with so many milliseconds added, and whether it is the left one.
    let side = |expression: &Expr| -> Option<(bool, i64)> {
        let (column, shift) = match expression {
            Expr::BinaryExpr(binary) => {
                let Expr::Literal(value, _) = &*binary.right else { return None };
                let ms = milliseconds(value)?;
                match binary.op {
                    Operator::Plus => (&*binary.left, ms),
                    Operator::Minus => (&*binary.left, ms.checked_neg()?),
                    _ => return None,
                }
            }
            other => (other, 0),
        };
        if index(column, &left.schema) == Some(left_time) {
            Some((true, shift))
        } else {
            (index(column, &right.schema) == Some(right_time)).then_some((false, shift))
        }
    };
    let mut conditions = Vec::new();
    for part in split_conjunction(filter) {
        match part {
            Expr::BinaryExpr(binary) => conditions.push((binary.left.as_ref(), binary.op, binary.right.as_ref())),
            Expr::Between(between) if !between.negated => {
                conditions.push((&between.expr, Operator::GtEq, &between.low));
                conditions.push((&between.expr, Operator::LtEq, &between.high));
            }
            _ => {}
        }
    }
    for (a, op, b) in conditions {
        let (Some((a_is_left, a_shift)), Some((b_is_left, b_shift))) = (side(a), side(b)) else { continue };
        if a_is_left == b_is_left {
            continue;
        }
        // With the left time on the left: left + x op right + y, so left - right op y - x.
        let (op, difference) = match (a_is_left, op.swap()) {
            (true, _) => (op, b_shift.checked_sub(a_shift)?),
            (false, Some(swapped)) => (swapped, a_shift.checked_sub(b_shift)?),
            (false, None) => continue,
        };
        let (least, greatest) = match op {
            Operator::Gt => (Some(difference.checked_add(1)?), None),
            Operator::GtEq => (Some(difference), None),
            Operator::Lt => (None, Some(difference.checked_sub(1)?)),
            Operator::LtEq => (None, Some(difference)),
            Operator::Eq => (Some(difference), Some(difference)),
            _ => continue,
        };
        lower = least.map(|l| lower.map_or(l, |before| before.max(l))).or(lower);
        upper = greatest.map(|g| upper.map_or(g, |before| before.min(g))).or(upper);
    }
    lower.zip(upper)
}
