//! The window functions TUMBLE, HOP, CUMULATE and SESSION, in all their spellings, as one node of the plan.
//!
//! `TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))`, the same without `TABLE( )` and without `DESCRIPTOR`,
//! and with named arguments. The node adds `window_start`, `window_end` and `window_time` to its input's columns.

use super::attribute::{self, Attribute};
use super::lookup;
use crate::sql::catalog::milliseconds;
use crate::sql::dialect::{LOOKUP, PARTITION_BY};
use arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion_common::{Column, DFSchema, DFSchemaRef, ExprSchema, Result, plan_err};
use datafusion_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion_sql::sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments, TableFactor};
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// How rows are put into windows. All numbers are milliseconds, above zero but for offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Window {
    /// Each row is in one window `[start, start + size)`; starts are multiples of `size` plus `offset`.
    Tumble {
        /// The length.
        size: i64,
        /// The shift of the grid.
        offset: i64,
    },
    /// Each row is in `size / slide` windows; starts are multiples of `slide` plus `offset`; `size` is one of `slide`.
    Hop {
        /// The length.
        size: i64,
        /// From start to start.
        slide: i64,
        /// The shift of the grid.
        offset: i64,
    },
    /// Windows of lengths `step`, `2 * step`, .. `size` from each multiple of `size` plus `offset`.
    Cumulate {
        /// The longest.
        size: i64,
        /// From end to end.
        step: i64,
        /// The shift of the grid.
        offset: i64,
    },
    /// Rows that follow each other by at most `gap` are in one window, which ends `gap` behind its last row.
    Session {
        /// The silence that ends it.
        gap: i64,
    },
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |ms: i64| humantime::format_duration(std::time::Duration::from_millis(ms.unsigned_abs()));
        let shift = match self {
            Self::Tumble { size, offset } => {
                write!(f, "tumble({}", text(*size))?;
                *offset
            }
            Self::Hop { size, slide, offset } => {
                write!(f, "hop({}, every {}", text(*size), text(*slide))?;
                *offset
            }
            Self::Cumulate { size, step, offset } => {
                write!(f, "cumulate({}, every {}", text(*size), text(*step))?;
                *offset
            }
            Self::Session { gap } => {
                write!(f, "session({}", text(*gap))?;
                0
            }
        };
        match shift {
            0 => f.write_str(")"),
            ms => write!(f, ", offset {}{})", if ms < 0 { "-" } else { "" }, text(ms)),
        }
    }
}

/// The names of the columns that a window function adds.
pub(super) const START: &str = "window_start";
pub(super) const END: &str = "window_end";
pub(super) const TIME: &str = "window_time";

/// Puts each row of its input into windows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Assign {
    pub(super) input: LogicalPlan,
    pub(super) window: Window,
    /// The column of event time or processing time, then what a session is partitioned by.
    pub(super) columns: Vec<Expr>,
    pub(super) schema: DFSchemaRef,
}

impl Assign {
    pub(super) fn new(input: LogicalPlan, window: Window, columns: Vec<Expr>) -> Result<Self> {
        let Some(Expr::Column(time)) = columns.first() else {
            return plan_err!("a window is over a column: DESCRIPTOR(ts)");
        };
        let time_type = input.schema().field_from_column(time)?.data_type().clone();
        if !matches!(time_type, DataType::Timestamp(..)) {
            return plan_err!("`{}` is not a timestamp", time.name);
        }
        if matches!(window, Window::Cumulate { .. })
            && attribute::of(&columns[0], &input) == Some(Attribute::Processing)
        {
            return plan_err!(
                "`{}` is processing time, and CUMULATE is over event time; use TUMBLE or HOP, or write a column of the time \
                 of arrival into the table: arrived AS CURRENT_TIMESTAMP, WATERMARK FOR arrived AS arrived",
                time.name
            );
        }
        let added = |name: &str, data_type| (None, Arc::new(Field::new(name, data_type, false)));
        let bound = DataType::Timestamp(TimeUnit::Millisecond, None);
        let mut fields: Vec<_> =
            input.schema().iter().map(|(table, field)| (table.cloned(), Arc::clone(field))).collect();
        fields.extend([added(START, bound.clone()), added(END, bound), added(TIME, time_type)]);
        let schema = Arc::new(DFSchema::new_with_metadata(fields, input.schema().as_arrow().metadata().clone())?);
        Ok(Self { input, window, columns, schema })
    }
}

impl PartialOrd for Assign {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for Assign {
    fn name(&self) -> &str {
        "WindowAssign"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.columns.clone()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        [START, END, TIME].map(str::to_owned).into()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WindowAssign: {}", self.window)
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        match <[LogicalPlan; 1]>::try_from(inputs) {
            Ok([input]) => Self::new(input, self.window, exprs),
            Err(_) => plan_err!("a window has one input"),
        }
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let width = self.input.schema().fields().len();
        let mut needed: Vec<usize> = output_columns.iter().copied().filter(|at| *at < width).collect();
        for column in &self.columns {
            let mut refs: Vec<usize> = Vec::new();
            for column in column.column_refs() {
                refs.push(self.input.schema().index_of_column(column).ok()?);
            }
            needed.extend(refs);
        }
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}

/// Plans the window functions in `FROM`.
#[derive(Debug)]
pub(super) struct WindowFunctions;

impl RelationPlanner for WindowFunctions {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let (name, args, alias) = match &relation {
            TableFactor::TableFunction { expr: ast::Expr::Function(function), alias } => match &function.args {
                FunctionArguments::List(list) => (function.name.to_string(), list.args.clone(), alias.clone()),
                _ => return Ok(RelationPlanning::Original(Box::new(relation))),
            },
            TableFactor::Table { name, args: Some(args), alias, .. } => {
                (name.to_string(), args.args.clone(), alias.clone())
            }
            TableFactor::Table { version: Some(_), .. } => {
                return plan_err!(
                    "FOR SYSTEM_TIME AS OF stands behind a table's name and before PROCTIME() or a column"
                );
            }
            TableFactor::Table { sample: Some(_), .. } => {
                return plan_err!("`TABLESAMPLE` is not supported; write WHERE RANDOM() < 0.1");
            }
            _ => return Ok(RelationPlanning::Original(Box::new(relation))),
        };
        let name = name.to_uppercase();
        if name == LOOKUP {
            let arguments: Vec<_> = args.iter().filter_map(plain).collect();
            let plan = lookup::plan(&arguments, alias, context)?;
            return Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, None))));
        }
        // What each function calls its arguments, in order.
        let parameters: &[&str] = match name.as_str() {
            "TUMBLE" => &["DATA", "TIMECOL", "SIZE", "OFFSET"],
            "HOP" => &["DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"],
            "CUMULATE" => &["DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"],
            "SESSION" => &["DATA", "TIMECOL", "GAP"],
            _ => return plan_err!("no table function is called `{name}`; there are TUMBLE, HOP, CUMULATE, SESSION"),
        };
        let plan = Arguments::read(&name, parameters, args)?.plan(&name, context)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
    }
}

/// The arguments of a window function by parameter.
struct Arguments {
    given: Vec<(&'static str, ast::Expr)>,
    partition: Vec<ast::Expr>,
}

impl Arguments {
    fn read(function: &str, parameters: &[&'static str], args: Vec<FunctionArg>) -> Result<Self> {
        let mut read = Self { given: Vec::new(), partition: Vec::new() };
        let mut position = 0;
        for arg in args {
            let (name, value) = match arg {
                FunctionArg::Named { name, arg, .. } => (Some(name.value.to_uppercase()), arg),
                FunctionArg::ExprNamed { name, arg, .. } => (Some(name.to_string().to_uppercase()), arg),
                FunctionArg::Unnamed(arg) => (None, arg),
            };
            let FunctionArgExpr::Expr(value) = value else {
                return plan_err!("`{function}` takes no `*`");
            };
            if let Some(columns) = call(&value, PARTITION_BY) {
                if function != "SESSION" {
                    return plan_err!("only `SESSION` has a PARTITION BY");
                }
                read.partition = columns;
                continue;
            }
            let parameter = match &name {
                Some(name) => parameters.iter().find(|parameter| *parameter == name).copied(),
                None => parameters.get(position).copied(),
            };
            position += 1;
            let Some(parameter) = parameter else {
                return plan_err!(
                    "`{function}` takes {}; found {}",
                    parameters.join(", "),
                    name.unwrap_or(value.to_string())
                );
            };
            if read.given.iter().any(|(other, _)| *other == parameter) {
                return plan_err!("`{function}` was given {parameter} twice");
            }
            read.given.push((parameter, value));
        }
        // Without DESCRIPTOR all behind PARTITION BY looks like its columns: the time and the gap are the last two.
        if read.given.len() == 1 && read.partition.len() > 2 {
            let (gap, time) = (read.partition.pop(), read.partition.pop());
            read.given.extend(time.map(|time| ("TIMECOL", time)));
            read.given.extend(gap.map(|gap| ("GAP", gap)));
        }
        Ok(read)
    }

    fn get(&self, function: &str, parameter: &str) -> Result<ast::Expr> {
        match self.given.iter().find(|(name, _)| *name == parameter) {
            Some((_, value)) => Ok(value.clone()),
            None => plan_err!("`{function}` needs {parameter}"),
        }
    }

    fn duration(&self, function: &str, parameter: &str, context: &mut dyn RelationPlannerContext) -> Result<i64> {
        let written = self.get(function, parameter)?;
        let planned = context.sql_to_expr(written.clone(), &DFSchema::empty())?;
        let ms = match &planned {
            Expr::Literal(value, _) => milliseconds(value),
            _ => None,
        };
        match ms {
            Some(ms) if ms > 0 || parameter == "OFFSET" => Ok(ms),
            _ => plan_err!(
                "{parameter} of `{function}` is a time above zero in whole milliseconds, like INTERVAL '10' SECOND; \
                 found {written}"
            ),
        }
    }

    fn plan(&self, function: &str, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
        let table = match self.get(function, "DATA")? {
            ast::Expr::Identifier(name) => ast::ObjectName::from(vec![name]),
            other => return plan_err!("DATA of `{function}` is the name of a table or view, not {other}"),
        };
        let input = context.plan(named(table))?;
        let time = self.get(function, "TIMECOL")?;
        let time = match call(&time, "DESCRIPTOR") {
            Some(mut columns) if columns.len() == 1 => columns.remove(0),
            Some(_) => return plan_err!("DESCRIPTOR of `{function}` names one column"),
            None => time,
        };
        let mut columns = Vec::new();
        for column in std::iter::once(time).chain(self.partition.iter().cloned()) {
            match context.sql_to_expr(column, input.schema())? {
                // Spans take part in no comparison that matters here.
                Expr::Column(column) => columns.push(Expr::Column(Column::new(column.relation, column.name))),
                other => {
                    return plan_err!("`{function}` takes columns, not the expression {other}; compute it in a view");
                }
            }
        }
        let has_offset = self.given.iter().any(|(name, _)| *name == "OFFSET");
        let offset = if has_offset { self.duration(function, "OFFSET", context)? } else { 0 };
        let mut of = |parameter| self.duration(function, parameter, context);
        let window = match function {
            "TUMBLE" => Window::Tumble { size: of("SIZE")?, offset },
            "HOP" => Window::Hop { slide: of("SLIDE")?, size: of("SIZE")?, offset },
            "CUMULATE" => Window::Cumulate { step: of("STEP")?, size: of("SIZE")?, offset },
            _ => Window::Session { gap: of("GAP")? },
        };
        match window {
            Window::Hop { size, slide: part, .. } | Window::Cumulate { size, step: part, .. } if size % part != 0 => {
                return plan_err!(
                    "SIZE of `{function}` must be a multiple of {}",
                    if function == "HOP" { "SLIDE" } else { "STEP" }
                );
            }
            _ => {}
        }
        let node = Arc::new(Assign::new(input, window, columns)?);
        Ok(LogicalPlan::Extension(Extension { node }))
    }
}

/// A table or view in `FROM`.
pub(super) fn named(name: ast::ObjectName) -> TableFactor {
    TableFactor::Table {
        name,
        alias: None,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}

/// The arguments of a call of `function`, if the expression is one.
fn call(expression: &ast::Expr, function: &str) -> Option<Vec<ast::Expr>> {
    let ast::Expr::Function(called) = expression else { return None };
    if !called.name.to_string().eq_ignore_ascii_case(function) {
        return None;
    }
    let FunctionArguments::List(list) = &called.args else { return None };
    list.args.iter().map(plain).collect()
}

fn plain(argument: &FunctionArg) -> Option<ast::Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression.clone()),
        _ => None,
    }
}
