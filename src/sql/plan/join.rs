//! Which of the three joins a join is.

use super::build::{Made, Rels, Statement, index};
use super::rel::{Changes, Input, Op};
use crate::sql::catalog::milliseconds;
use crate::sql::error::Error;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion_common::{JoinType, NullEquality};
use datafusion_expr::logical_plan::builder::build_join_schema;
use datafusion_expr::utils::{conjunction, split_conjunction};
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
    if matches!(kind, JoinType::LeftMark | JoinType::RightMark) {
        let instead = "write one query for each side of the OR, and UNION";
        return Err(of.unsupported(&["OR", "IN", "EXISTS"], "IN or EXISTS within OR, CASE, or SELECT", instead));
    }
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
        Some((lower_ms, upper_ms, filter)) if appends => {
            if lower_ms > upper_ms {
                return Err(of.text.meaning(of.place(&["BETWEEN", "JOIN"]), "no two times are within these bounds"));
            }
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

/// The least and greatest `left - right` in milliseconds that a condition allows, if it says both, and what else it says.
fn bounds(
    filter: &Expr,
    left: &Input,
    left_time: usize,
    right: &Input,
    right_time: usize,
) -> Option<(i64, i64, Option<Expr>)> {
    let (mut lower, mut upper) = (None::<i64>, None::<i64>);
    // Event time is in milliseconds. Of finer columns the bounds let a little too much pass, and the condition says the rest.
    let is_whole = |input: &Input, time: usize| {
        let data_type = input.schema.field(time).data_type();
        matches!(data_type, DataType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond, _))
    };
    let exact = is_whole(left, left_time) && is_whole(right, right_time);
    let strict = i64::from(exact);
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
    let mut bound = |a: &Expr, op: Operator, b: &Expr| -> Option<()> {
        let ((a_is_left, a_shift), (b_is_left, b_shift)) = (side(a)?, side(b)?);
        if a_is_left == b_is_left {
            return None;
        }
        // With the left time on the left: left + x op right + y, so left - right op y - x.
        let (op, difference) = match (a_is_left, op.swap()) {
            (true, _) => (op, b_shift.checked_sub(a_shift)?),
            (false, Some(swapped)) => (swapped, a_shift.checked_sub(b_shift)?),
            (false, None) => return None,
        };
        let (least, greatest) = match op {
            Operator::Gt => (Some(difference.checked_add(strict)?), None),
            Operator::GtEq => (Some(difference), None),
            Operator::Lt => (None, Some(difference.checked_sub(strict)?)),
            Operator::LtEq => (None, Some(difference)),
            Operator::Eq => (Some(difference), Some(difference)),
            _ => return None,
        };
        lower = least.map(|l| lower.map_or(l, |before| before.max(l))).or(lower);
        upper = greatest.map(|g| upper.map_or(g, |before| before.min(g))).or(upper);
        Some(())
    };
    let others = split_conjunction(filter).into_iter().filter(|part| {
        let is_bound = match part {
            Expr::BinaryExpr(binary) => bound(&binary.left, binary.op, &binary.right).is_some(),
            Expr::Between(between) if !between.negated => {
                let low = bound(&between.expr, Operator::GtEq, &between.low);
                low.and(bound(&between.expr, Operator::LtEq, &between.high)).is_some()
            }
            _ => false,
        };
        !(is_bound && exact)
    });
    let others: Vec<Expr> = others.cloned().collect();
    Some((lower?, upper?, conjunction(others)))
}
