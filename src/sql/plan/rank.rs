//! `ROW_NUMBER()` with a bound (Top-N and deduplication), and the other functions with `OVER`.

use super::build::{Made, Rels, Statement, index};
use super::rel::{Changes, Input, Op, RankBy};
use crate::sql::error::Error;
use datafusion_common::{DFSchemaRef, ScalarValue};
use datafusion_expr::expr::Sort;
use datafusion_expr::{BinaryExpr, Expr, Operator, Window, WindowFunctionDefinition};
use std::sync::Arc;

/// The first `limit` rows of each partition.
pub(super) struct Rank {
    partition: Vec<Expr>,
    order: Vec<Sort>,
    limit: u64,
}

/// Reads `WHERE ROW_NUMBER() OVER (..) <= n`: the only function of its window, the bound the only condition.
pub(super) fn of_filter(window: &Window, predicate: &Expr) -> Option<Rank> {
    let [function] = window.window_expr.as_slice() else { return None };
    let (column, limit) = match predicate {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let Expr::Literal(bound, _) = &**right else { return None };
            let bound = number(bound)?;
            match op {
                Operator::LtEq => (&**left, bound),
                Operator::Lt => (&**left, bound.checked_sub(1)?),
                Operator::Eq if bound == 1 => (&**left, 1),
                _ => return None,
            }
        }
        _ => return None,
    };
    if index(column, &window.schema) != Some(window.schema.fields().len() - 1) || limit == 0 {
        return None;
    }
    let Expr::WindowFunction(function) = function.clone().unalias() else { return None };
    let WindowFunctionDefinition::WindowUDF(udf) = &function.fun else { return None };
    if !udf.name().eq_ignore_ascii_case("row_number") {
        return None;
    }
    Some(Rank { partition: function.params.partition_by, order: function.params.order_by, limit })
}

fn number(value: &ScalarValue) -> Option<u64> {
    match value {
        ScalarValue::UInt64(Some(n)) => Some(*n),
        ScalarValue::Int64(Some(n)) => u64::try_from(*n).ok(),
        ScalarValue::Int32(Some(n)) => u64::try_from(*n).ok(),
        _ => None,
    }
}

/// The relation of a rank over `input`; `planned` ends with the column of the number.
pub(super) fn build(
    rels: &mut Rels,
    input: Input,
    rank: Rank,
    planned: DFSchemaRef,
    of: Statement<'_>,
) -> Result<Input, Error> {
    let Rank { partition, order, limit } = rank;
    let rel = rels.of(&input);
    let keys: Vec<Option<usize>> = partition.iter().map(|e| index(e, &input.schema)).collect();
    let by_time = match order.as_slice() {
        [one] if rel.time.is_some() && index(&one.expr, &input.schema) == rel.time => Some(one.asc),
        _ => None,
    };
    let in_window = rel.window.filter(|w| keys.contains(&Some(w.start)) && keys.contains(&Some(w.end)));
    let by = match (in_window, by_time) {
        (Some(_), _) => RankBy::Window,
        (None, Some(true)) if limit == 1 && rel.changes == Changes::Append => RankBy::First,
        (None, Some(false)) if limit == 1 && rel.changes == Changes::Append => RankBy::Last,
        _ => RankBy::Any,
    };
    let stays = matches!(by, RankBy::Window | RankBy::First);
    // The input may carry columns that the planner had pruned: so the number is put behind the input's own columns.
    let mut fields: Vec<_> = input.schema.iter().map(|(q, f)| (q.cloned(), Arc::clone(f))).collect();
    fields.extend(planned.iter().last().map(|(q, f)| (q.cloned(), Arc::clone(f))));
    let schema = datafusion_common::DFSchema::new_with_metadata(fields, input.schema.metadata().clone());
    let mut key: Option<Vec<usize>> = keys.iter().copied().collect();
    if limit > 1
        && let Some(key) = &mut key
    {
        key.push(input.schema.fields().len());
    }
    let made = Made {
        time: rel.time.filter(|_| stays),
        window: rel.window.filter(|_| stays),
        changes: if stays { Changes::Append } else { Changes::Update },
        key,
        op: Op::Rank { partition, order, limit, by },
        schema: Arc::new(schema.map_err(|error| of.meaning(&error))?),
        inputs: vec![input],
    };
    Ok(rels.add(made, of.query.at))
}

/// `ORDER BY .. LIMIT n`: the first rows of all, without a column for their number.
pub(super) fn top(
    rels: &mut Rels,
    input: Input,
    order: Vec<Sort>,
    limit: usize,
    of: Statement<'_>,
) -> Result<Input, Error> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let number = Arc::new(arrow::datatypes::Field::new("row_num", arrow::datatypes::DataType::UInt64, false));
    let fields = vec![(None, number)];
    let planned = datafusion_common::DFSchema::new_with_metadata(fields, Default::default());
    let planned = Arc::new(planned.map_err(|error| of.meaning(&error))?);
    let own = Arc::clone(&input.schema);
    let ranked = build(rels, input, Rank { partition: Vec::new(), order, limit }, planned, of)?;
    let columns = own.columns().into_iter().map(Expr::Column).collect();
    rels.project(ranked, columns, own, of.query.at).map_err(|error| of.meaning(&error))
}

/// Functions with `OVER (PARTITION BY .. ORDER BY ts ..)`.
pub(super) fn over(rels: &mut Rels, input: Input, window: &Window, of: Statement<'_>) -> Result<Input, Error> {
    let rel = rels.of(&input);
    for function in &window.window_expr {
        let Expr::WindowFunction(function) = function.clone().unalias() else { continue };
        let by_time = match function.params.order_by.as_slice() {
            [one] => rel.time.is_some() && index(&one.expr, &input.schema) == rel.time && one.asc,
            _ => false,
        };
        if let WindowFunctionDefinition::WindowUDF(udf) = &function.fun
            && ["row_number", "rank", "dense_rank"].contains(&udf.name())
            && !by_time
        {
            let instead = "number the rows in a subquery and bound them in the outer query: WHERE row_num <= 10";
            return Err(of.unsupported(
                &[udf.name()],
                format!("{} without a bound", udf.name().to_uppercase()),
                instead,
            ));
        }
        if !by_time {
            let instead =
                "order by the event-time column, ascending: a row's result is final when the watermark passes it";
            return Err(of.unsupported(&["OVER"], "OVER in another order than event time", instead));
        }
    }
    if rel.changes == Changes::Update {
        let instead = "OVER takes rows that stay: put it before the updating aggregate or join";
        return Err(of.unsupported(&["OVER"], "OVER over rows that change", instead));
    }
    let mut fields: Vec<_> = input.schema.iter().map(|(q, f)| (q.cloned(), Arc::clone(f))).collect();
    let added = window.schema.fields().len() - window.window_expr.len();
    fields.extend(window.schema.iter().skip(added).map(|(q, f)| (q.cloned(), Arc::clone(f))));
    let schema = datafusion_common::DFSchema::new_with_metadata(fields, input.schema.metadata().clone());
    let mut made = rels.same(&input, Op::Over { functions: window.window_expr.clone() });
    made.schema = Arc::new(schema.map_err(|error| of.meaning(&error))?);
    Ok(rels.add(made, of.query.at))
}
