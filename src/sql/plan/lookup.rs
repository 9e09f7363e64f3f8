//! `JOIN dim FOR SYSTEM_TIME AS OF o.proc AS d`: rows meet those of a small table, as it is when they are handled.

use super::attribute::{self, Attribute};
use super::build::{Made, Rels, Statement};
use super::context::Source;
use super::rel::{Input, Op};
use crate::sql::catalog::Table;
use crate::sql::error::Error;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_common::{Column, DFSchemaRef, JoinType, NullEquality, Result, plan_err};
use datafusion_expr::logical_plan::builder::build_join_schema;
use datafusion_expr::planner::RelationPlannerContext;
use datafusion_expr::utils::conjunction;
use datafusion_expr::{Expr, Extension, Join, LogicalPlan, LogicalPlanBuilder, TableScan, UserDefinedLogicalNodeCore};
use datafusion_sql::sqlparser::ast::{self, TableAlias};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A table that is looked up, as a node of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lookup {
    /// The table, perhaps under another name.
    input: LogicalPlan,
    /// The time as of which, a column of the left side; `None`: `PROCTIME()`.
    time: Option<Column>,
}

impl PartialOrd for Lookup {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for Lookup {
    fn name(&self) -> &str {
        "Lookup"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookup")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        match <[LogicalPlan; 1]>::try_from(inputs) {
            Ok([input]) => Ok(Self { input, time: self.time.clone() }),
            Err(_) => plan_err!("a lookup has one table"),
        }
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![output_columns.to_vec()])
    }
}

/// The node of `table FOR SYSTEM_TIME AS OF time AS alias`; `arguments` are the table and the time.
pub(super) fn plan(
    arguments: &[ast::Expr],
    alias: Option<TableAlias>,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    let [ast::Expr::Identifier(table), time] = arguments else {
        return plan_err!("FOR SYSTEM_TIME AS OF stands behind the name of a table, and before a time");
    };
    let time = match time {
        ast::Expr::Identifier(column) => Some(Column::new_unqualified(&column.value)),
        ast::Expr::CompoundIdentifier(path) if path.len() == 2 => {
            Some(Column::new(Some(path[0].value.as_str()), &path[1].value))
        }
        ast::Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("proctime") => None,
        other => return plan_err!("`{table}` is looked up as of a processing time, not {other}; write PROCTIME()"),
    };
    let input = context.plan(super::window::named(ast::ObjectName::from(vec![table.clone()])))?;
    let input = match alias {
        Some(alias) if !alias.columns.is_empty() => {
            return plan_err!("`{table}` is looked up by its own column names; rename them in SELECT");
        }
        Some(alias) => LogicalPlanBuilder::from(input).alias(alias.name.value)?.build()?,
        None => input,
    };
    if scan_of(&input).is_none() {
        return plan_err!("`{table}` is a view; only a table can be looked up: join a view without FOR SYSTEM_TIME");
    }
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(Lookup { input, time }) }))
}

/// Checks that each lookup is the right side of a join that can do it, by processing time.
pub(super) fn check(plan: &LogicalPlan) -> Result<()> {
    let mut error = None;
    let mut joined = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Join(join) = node
            && let Some(lookup) = node_of(&join.right)
        {
            joined.push(std::ptr::from_ref(lookup));
            error = error.take().or_else(|| refusal(join, lookup));
        }
        if let Some(lookup) = node_of(node)
            && !joined.contains(&std::ptr::from_ref(lookup))
        {
            let name = name(lookup);
            error = error.take().or(Some(format!(
                "`{name}` is looked up only as the right side of a join: \
                 o JOIN {name} FOR SYSTEM_TIME AS OF o.proc AS d ON o.id = d.id"
            )));
        }
        Ok(if error.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    error.map_or(Ok(()), |message| plan_err!("{message}"))
}

/// Why a join with a lookup is none.
fn refusal(join: &Join, lookup: &Lookup) -> Option<String> {
    let name = name(lookup);
    if !matches!(join.join_type, JoinType::Inner | JoinType::Left) {
        let kind = join.join_type.to_string().to_uppercase();
        return Some(format!("`{name}` is looked up: that is no {kind} join; write JOIN or LEFT JOIN"));
    }
    let time = lookup.time.as_ref()?;
    let Some(found) = join.left.schema().maybe_index_of_column(time) else {
        return Some(format!("`{}` is no column of what `{name}` is joined to", time.name));
    };
    let column = Expr::Column(join.left.schema().columns().swap_remove(found));
    match attribute::of(&column, &join.left) {
        Some(Attribute::Processing) => None,
        Some(Attribute::Event) => Some(format!(
            "`{}` is event time: no table keeps its older versions; give `{name}`'s partner a column proc AS \
             PROCTIME(), and write FOR SYSTEM_TIME AS OF proc",
            time.name
        )),
        None => Some(format!("`{}` is not processing time: declare it as {} AS PROCTIME()", time.name, time.name)),
    }
}

fn node_of(plan: &LogicalPlan) -> Option<&Lookup> {
    match plan {
        LogicalPlan::Extension(extension) => extension.node.as_any().downcast_ref::<Lookup>(),
        _ => None,
    }
}

fn scan_of(plan: &LogicalPlan) -> Option<(&TableScan, &Arc<Table>)> {
    match plan {
        LogicalPlan::TableScan(scan) => Some((scan, scan.source.downcast_ref::<Source>()?.table.as_ref()?)),
        LogicalPlan::SubqueryAlias(alias) => scan_of(&alias.input),
        _ => None,
    }
}

fn name(lookup: &Lookup) -> &str {
    scan_of(&lookup.input).map_or("it", |(_, table)| table.name.as_str())
}

/// Whether nothing below is read as a stream.
pub(super) fn is_lookup(plan: &LogicalPlan) -> bool {
    node_of(plan).is_some()
}

/// The table that the right side of a join is looked up in.
pub(super) struct Right<'p> {
    lookup: &'p Lookup,
    filters: Vec<Expr>,
}

/// The lookup on the right side, with the conditions that the planner has pushed down to it.
pub(super) fn right(plan: &LogicalPlan) -> Option<Right<'_>> {
    match plan {
        LogicalPlan::Filter(filter) => {
            let mut right = right(&filter.input)?;
            right.filters.push(filter.predicate.clone());
            Some(right)
        }
        LogicalPlan::Projection(projection) if projection.expr.iter().all(|e| matches!(e, Expr::Column(_))) => {
            right(&projection.input)
        }
        plan => Some(Right { lookup: node_of(plan)?, filters: Vec::new() }),
    }
}

/// The relation of a join with a table that is looked up.
pub(super) fn build(
    rels: &mut Rels,
    left: Input,
    right: Right<'_>,
    join: &Join,
    of: Statement<'_>,
) -> Result<Input, Error> {
    let places = [crate::sql::dialect::LOOKUP];
    let Some((scan, table)) = scan_of(&right.lookup.input) else {
        return Err(of.unsupported(&places, "this table", "look up one that CREATE TABLE has made"));
    };
    let kind = join.join_type;
    if join.on.is_empty() || join.null_equality != NullEquality::NullEqualsNothing {
        let instead = format!("join on equal columns: ON o.id = {}.id", table.name);
        return Err(of.unsupported(&places, "a lookup without an equality", instead));
    }
    if table.option("connector").is_none_or(|option| option.value != "filesystem") {
        let instead = "only a table of connector 'filesystem' is looked up; join it without FOR SYSTEM_TIME";
        return Err(of.unsupported(&places, format!("looking up `{}`", table.name), instead));
    }
    if let Some(option) = table.option("source.monitor-interval") {
        let instead = "it is read once, at the start: leave the option out";
        return Err(of.text.unsupported(
            option.at,
            format!("a table that is followed and looked up (`{}`)", table.name),
            instead,
        ));
    }
    if rels.changing.contains(&table.name) {
        let instead = "its rows change; join it without FOR SYSTEM_TIME";
        return Err(of.unsupported(&places, format!("looking up `{}`", table.name), instead));
    }
    let width = table.columns.len();
    let columns = scan.projection.clone().unwrap_or_else(|| (0..width).collect());
    let looked_up = Arc::clone(right.lookup.input.schema());
    let schema = build_join_schema(&left.schema, &looked_up, &kind).map_err(|error| of.meaning(&error))?;
    let rel = rels.of(&left);
    let keys: Vec<_> = join.on.iter().filter_map(|(_, right)| super::build::index(right, &looked_up)).collect();
    let is_key = |name: &String| keys.iter().any(|at| looked_up.field(*at).name() == name);
    let is_unique = !table.primary_key.is_empty() && table.primary_key.iter().all(is_key);
    let filter = conjunction(join.filter.iter().cloned().chain(right.filters));
    let made = Made {
        time: rel.time,
        window: rel.window,
        changes: rel.changes,
        key: rel.key.clone().filter(|_| is_unique),
        op: Op::LookupJoin { table: Arc::clone(table), columns, schema: looked_up, kind, on: join.on.clone(), filter },
        inputs: vec![left],
        schema: Arc::new(schema),
    };
    Ok(rels.add(made, of.query.at))
}
