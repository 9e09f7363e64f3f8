//! Which columns of a query are times that it may be run by, while it is still the planner's.

use super::context::Source;
use super::lookup::is_lookup;
use super::window::Assign;
use crate::sql::catalog::ColumnKind;
use crate::sql::functions::is_clock;
use datafusion_common::Column;
use datafusion_expr::{Expr, LogicalPlan};

/// What a time column is, besides a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    /// When it happened: the column of a WATERMARK, or the last instant of a window.
    Event,
    /// When it is handled: `PROCTIME()`.
    Processing,
}

/// The event-time columns of a plan.
pub(super) fn event_times(plan: &LogicalPlan) -> Vec<Column> {
    let columns = plan.schema().columns().into_iter().enumerate();
    columns.filter(|(at, _)| attribute(plan, *at) == Some(Attribute::Event)).map(|(_, column)| column).collect()
}

/// What time an expression over a plan's columns is.
pub(super) fn of(expression: &Expr, plan: &LogicalPlan) -> Option<Attribute> {
    match expression {
        Expr::Column(column) => attribute(plan, plan.schema().maybe_index_of_column(column)?),
        Expr::Alias(alias) => of(&alias.expr, plan),
        expression => is_proctime(expression).then_some(Attribute::Processing),
    }
}

/// What time a column is. Where rows of several inputs meet it is as in the first, which says too much if another differs: the
/// relations know better.
fn attribute(plan: &LogicalPlan, at: usize) -> Option<Attribute> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let table = scan.source.downcast_ref::<Source>()?.table.as_ref()?;
            let at = scan.projection.as_ref().map_or(Some(at), |columns| columns.get(at).copied())?;
            let column = table.columns.get(at)?;
            match &column.kind {
                _ if table.watermark.as_ref().is_some_and(|watermark| watermark.column == column.name) => {
                    Some(Attribute::Event)
                }
                ColumnKind::Computed(expression) => is_proctime(expression).then_some(Attribute::Processing),
                _ => None,
            }
        }
        LogicalPlan::Projection(projection) => of(projection.expr.get(at)?, &projection.input),
        LogicalPlan::Aggregate(aggregate) => of(aggregate.group_expr.get(at)?, &aggregate.input),
        LogicalPlan::SubqueryAlias(alias) => attribute(&alias.input, at),
        LogicalPlan::Filter(filter) => attribute(&filter.input, at),
        LogicalPlan::Window(window) if at < window.input.schema().fields().len() => attribute(&window.input, at),
        LogicalPlan::Union(union) => attribute(union.inputs.first()?, at),
        LogicalPlan::Join(join) => {
            let width = join.left.schema().fields().len();
            let inner = if at < width { attribute(&join.left, at) } else { attribute(&join.right, at - width) };
            inner.filter(|attribute| *attribute == Attribute::Processing || is_lookup(&join.right))
        }
        LogicalPlan::Extension(extension) => {
            let assign = extension.node.as_any().downcast_ref::<Assign>()?;
            let width = assign.input.schema().fields().len();
            match at {
                at if at < width => attribute(&assign.input, at).filter(|time| *time == Attribute::Processing),
                at if at == width + 2 => match of(assign.columns.first()?, &assign.input) {
                    Some(Attribute::Processing) => Some(Attribute::Processing),
                    _ => Some(Attribute::Event),
                },
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether an expression is `PROCTIME()`.
pub(in crate::sql) fn is_proctime(expression: &Expr) -> bool {
    matches!(expression, Expr::ScalarFunction(call) if is_clock(&call.func).is_some() && call.func.name() == "proctime")
}
