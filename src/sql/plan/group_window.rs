//! Windows in `GROUP BY`, of the event time of what is in `FROM`.
//!
//! | Flink | the same in short |
//! |---|---|
//! | `GROUP BY TUMBLE(ts, size)` | `GROUP BY tumble(size)` |
//! | `GROUP BY HOP(ts, slide, size)` | `GROUP BY hop(slide, size)` |
//! | `GROUP BY SESSION(ts, gap)` | `GROUP BY session(gap)` |
//! | `TUMBLE_START(ts, size)`, `TUMBLE_END(..)` | `window.start`, `window.end` |
//! | `TUMBLE_ROWTIME(ts, size)` | |
//!
//! In short the time is the only event-time column there is, and the window may also be selected: as a row of `start` and `end`,
//! by whose name or number it may then be grouped.
//!
//! # How
//! First [`name_bounds`] makes of `GROUP BY TUMBLE(..)` a grouping by its bounds, as the functions that name them: so the planner
//! finds those in SELECT and HAVING by itself. Then [`assign`] puts the node of the window functions below that aggregate, and
//! its columns in the places of those functions. A session is kept apart by all else that is grouped by.

use super::attribute::event_times;
use super::functions::FunctionDoc;
use super::window::{Assign, END, START, TIME, Window};
use crate::sql::catalog::milliseconds;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, DFSchemaRef, Result, exec_err, plan_err};
use datafusion_expr::{
    Aggregate, ColumnarValue, Expr, Extension, LogicalPlan, LogicalPlanBuilder, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion_sql::sqlparser::ast::{self, Ident, ObjectName, SelectItem, VisitMut};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The three windows that a query may group by.
const KINDS: [&str; 3] = ["tumble", "hop", "session"];

/// The function that names a bound of a window, if it is one: `tumble_start`, ..
pub(super) fn bound_function(name: &str) -> Option<Arc<ScalarUDF>> {
    let (kind, bound) = name.rsplit_once('_')?;
    let kind = KINDS.into_iter().find(|known| *known == kind)?;
    let (bound, column) =
        [("start", START), ("end", END), ("rowtime", TIME)].into_iter().find(|(known, _)| *known == bound)?;
    let signature = Signature::variadic_any(Volatility::Immutable);
    Some(Arc::new(ScalarUDF::from(BoundFunction { name: format!("{kind}_{bound}"), kind, column, signature })))
}

/// Those functions, for people.
pub(super) fn bound_docs() -> Vec<FunctionDoc> {
    let bounds = [
        ("start", "The first instant of the window that GROUP BY names with the same arguments."),
        ("end", "The instant behind the last of the window that GROUP BY names with the same arguments."),
        ("rowtime", "The last instant of the window that GROUP BY names with the same arguments, as event time."),
    ];
    let doc = |kind: &str, bound: &str, doc: &str| {
        let name = format!("{kind}_{bound}");
        let arguments = if kind == "hop" { "time, slide, size" } else { "time, size" };
        let arguments = if kind == "session" { "time, gap" } else { arguments };
        let syntax = format!("{}({arguments})", name.to_uppercase());
        FunctionDoc { name, kind: "window", syntax, doc: doc.to_owned() }
    };
    KINDS.into_iter().flat_map(|kind| bounds.map(|(bound, text)| doc(kind, bound, text))).collect()
}

/// Stands for a bound of a window until [`assign`] has put a column into its place.
#[derive(Debug, PartialEq, Eq, Hash)]
struct BoundFunction {
    name: String,
    kind: &'static str,
    /// The column that tells it.
    column: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for BoundFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(match arguments.first() {
            Some(time @ DataType::Timestamp(..)) if self.column == TIME => time.clone(),
            _ => DataType::Timestamp(TimeUnit::Millisecond, None),
        })
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, false)))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("{} must be replaced by a column of its window", self.name)
    }
}

/// Makes of each `GROUP BY TUMBLE(..)` in a query a `GROUP BY TUMBLE_START(..), TUMBLE_END(..)`.
pub(super) fn name_bounds(query: &mut ast::Query) -> Result<()> {
    match VisitMut::visit(query, &mut Selects) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(message) => plan_err!("{message}"),
    }
}

struct Selects;

impl ast::VisitorMut for Selects {
    type Break = String;

    fn pre_visit_select(&mut self, select: &mut ast::Select) -> ControlFlow<String> {
        match in_select(select) {
            Ok(()) => ControlFlow::Continue(()),
            Err(message) => ControlFlow::Break(message),
        }
    }
}

/// A call of one of the [`KINDS`].
struct Call {
    function: ast::Function,
    kind: &'static str,
    /// Without the time.
    is_short: bool,
}

impl Call {
    fn of(expression: &ast::Expr) -> Option<Self> {
        let ast::Expr::Function(function) = expression else { return None };
        let kind = KINDS.into_iter().find(|kind| function.name.to_string().eq_ignore_ascii_case(kind))?;
        let ast::FunctionArguments::List(list) = &function.args else { return None };
        let short = if kind == "hop" { 2 } else { 1 };
        Some(Self { function: function.clone(), kind, is_short: list.args.len() == short })
    }

    fn bound(&self, bound: &str) -> ast::Expr {
        let mut function = self.function.clone();
        function.name = ObjectName::from(vec![Ident::new(format!("{}_{bound}", self.kind))]);
        ast::Expr::Function(function)
    }

    /// `start` and `end` as one value.
    fn row(&self) -> ast::Expr {
        let argument = |expression| ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expression));
        let text = |text: &str| ast::Expr::value(ast::Value::SingleQuotedString(text.to_owned()));
        let arguments = [text("start"), self.bound("start"), text("end"), self.bound("end")].map(argument);
        let mut row = self.function.clone();
        row.name = ObjectName::from(vec![Ident::new("named_struct")]);
        row.args = ast::FunctionArguments::List(ast::FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments.into(),
            clauses: Vec::new(),
        });
        ast::Expr::Function(row)
    }
}

fn in_select(select: &mut ast::Select) -> std::result::Result<(), String> {
    let item = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expression) => Some((Call::of(expression)?, None)),
        SelectItem::ExprWithAlias { expr, alias } => Some((Call::of(expr)?, Some(alias.value.clone()))),
        _ => None,
    };
    let selected: Vec<_> = select.projection.iter().map(item).collect();
    if let Some((call, _)) = selected.iter().flatten().find(|(call, _)| !call.is_short) {
        let kind = call.kind.to_uppercase();
        return Err(format!("`{kind}` stands in GROUP BY; in SELECT write {kind}_START(..) and {kind}_END(..)"));
    }
    let ast::GroupByExpr::Expressions(groups, _) = &mut select.group_by else { return Ok(()) };
    let find = |group: &ast::Expr| match group {
        ast::Expr::Identifier(name) => {
            selected.iter().position(|item| matches!(item, Some((_, Some(alias))) if *alias == name.value))
        }
        ast::Expr::Value(number) => {
            let number: usize = number.to_string().parse().ok()?;
            number.checked_sub(1).filter(|at| selected.get(*at).is_some_and(Option::is_some))
        }
        _ => None,
    };
    let (mut window, mut others) = (None, Vec::new());
    for group in std::mem::take(groups) {
        let call = Call::of(&group).or_else(|| {
            let (call, _) = selected[find(&group)?].as_ref()?;
            Some(Call { function: call.function.clone(), ..*call })
        });
        match call {
            Some(call) if window.is_none() => window = Some(call),
            Some(call) => {
                let kind = call.kind.to_uppercase();
                return Err(format!("`{kind}` is a second window in GROUP BY; put the first one into a view"));
            }
            None => others.push(group),
        }
    }
    let Some(call) = window else {
        if let Some((call, _)) = selected.iter().flatten().next() {
            return Err(format!("`{}` is selected but not grouped by; write GROUP BY {}", call.kind, call.function));
        }
        *groups = others;
        return Ok(());
    };
    let mut bounds = vec![call.bound("start"), call.bound("end")];
    let (mut needs_time, mut error) = (false, None);
    let name = selected.iter().flatten().find_map(|(_, alias)| alias.clone()).unwrap_or_else(|| "window".to_owned());
    let mut replace = |expression: &mut ast::Expr| {
        match expression {
            ast::Expr::Function(function) => {
                let function = function.name.to_string();
                let is = |bound: &str| function.eq_ignore_ascii_case(&format!("{}_{bound}", call.kind));
                needs_time |= is("rowtime");
                if is("proctime") {
                    error = Some(format!("`{function}` is when the result is told; write PROCTIME()"));
                }
            }
            ast::Expr::CompoundIdentifier(path) => {
                if let [of, bound] = path.as_slice()
                    && of.value == name
                    && ["start", "end"].contains(&bound.value.as_str())
                {
                    *expression = call.bound(&bound.value);
                }
            }
            _ => {}
        }
        ControlFlow::<()>::Continue(())
    };
    // Neither of them breaks off.
    let _ = ast::visit_expressions_mut(&mut select.projection, &mut replace);
    let _ = ast::visit_expressions_mut(&mut select.having, &mut replace);
    if let Some(error) = error {
        return Err(error);
    }
    if needs_time {
        bounds.push(call.bound("rowtime"));
    }
    bounds.extend(others);
    *groups = bounds;
    for (item, selected) in select.projection.iter_mut().zip(&selected) {
        if let Some((call, alias)) = selected {
            let alias = Ident::new(alias.as_deref().unwrap_or("window"));
            *item = SelectItem::ExprWithAlias { expr: call.row(), alias };
        }
    }
    Ok(())
}

/// Puts rows into windows below each aggregate that groups by bounds.
pub(super) fn assign(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.iter().any(|e| bound(e).is_some()) => {
            Ok(Transformed::yes(below(aggregate)?))
        }
        node => Ok(Transformed::no(node)),
    })?;
    let mut left = None;
    plan.data.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                left = left.take().or_else(|| bound(part).map(|bound| (bound.name.to_uppercase(), bound.kind)));
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    match left {
        Some((function, kind)) => {
            let kind = kind.to_uppercase();
            plan_err!("`{function}` needs GROUP BY {kind}(..) in the same SELECT, with the same arguments")
        }
        None => Ok(plan.data),
    }
}

fn bound(expression: &Expr) -> Option<&BoundFunction> {
    match expression {
        Expr::ScalarFunction(function) => function.func.inner().downcast_ref::<BoundFunction>(),
        _ => None,
    }
}

/// An aggregate over windows, with the columns that it had before.
fn below(aggregate: Aggregate) -> Result<LogicalPlan> {
    let Aggregate { input, group_expr, aggr_expr, schema, .. } = aggregate;
    let mut calls = group_expr.iter().filter_map(|group| match group {
        Expr::ScalarFunction(call) => bound(group).map(|bound| (bound.kind, &call.args)),
        _ => None,
    });
    let Some((kind, arguments)) = calls.next_back() else { return plan_err!("a window in GROUP BY has bounds") };
    let (time, spans) = read(kind, arguments, &input)?;
    let window = window(kind, &spans)?;
    let mut columns = vec![Expr::Column(time)];
    let mut groups = group_expr.clone();
    let mut builder = LogicalPlanBuilder::from(input);
    if matches!(window, Window::Session { .. }) {
        let mut computed: Vec<Expr> = builder.schema().columns().into_iter().map(Expr::Column).collect();
        let width = computed.len();
        for group in groups.iter_mut().filter(|group| bound(group).is_none()) {
            if !matches!(group, Expr::Column(_)) {
                let name = format!("session_key_{}", computed.len() - width);
                computed.push(group.clone().alias(&name));
                *group = Expr::Column(Column::new_unqualified(name));
            }
            columns.push(group.clone());
        }
        if computed.len() > width {
            builder = builder.project(computed)?;
        }
    }
    for group in &mut groups {
        let column = bound(group).map(|bound| bound.column);
        if let Some(column) = column {
            *group = Expr::Column(Column::new_unqualified(column));
        }
    }
    let node = Arc::new(Assign::new(builder.build()?, window, columns)?);
    let aggregate = Aggregate::try_new(Arc::new(LogicalPlan::Extension(Extension { node })), groups, aggr_expr)?;
    let names = renamed(&aggregate.schema, &schema);
    LogicalPlanBuilder::from(LogicalPlan::Aggregate(aggregate)).project(names)?.build()
}

/// The columns of one schema under the names that another has for them.
fn renamed(from: &DFSchemaRef, to: &DFSchemaRef) -> Vec<Expr> {
    let pairs = from.columns().into_iter().zip(to.columns());
    let named = pairs.map(|(column, name)| match column == name {
        true => Expr::Column(column),
        false => Expr::Column(column).alias_qualified(name.relation, name.name),
    });
    named.collect()
}

/// The time's column and the spans of a call.
fn read(kind: &str, arguments: &[Expr], input: &LogicalPlan) -> Result<(Column, Vec<i64>)> {
    let shape = match kind {
        "hop" => "HOP(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND)".to_owned(),
        kind => format!("{}(ts, INTERVAL '10' SECOND)", kind.to_uppercase()),
    };
    let spans = if kind == "hop" { 2 } else { 1 };
    let (time, given) = match arguments {
        [Expr::Column(time), given @ ..] if given.len() == spans => (time.clone(), given),
        given if given.len() == spans => match event_times(input).as_slice() {
            [time] => (time.clone(), given),
            [] => {
                return plan_err!(
                    "`{kind}` needs event time: no column of FROM has a WATERMARK, or keeps it; write {shape}"
                );
            }
            [one, other, ..] => {
                return plan_err!("`{kind}` has the choice between {one} and {other}; write {shape}");
            }
        },
        [other, ..] if arguments.len() == spans + 1 => {
            return plan_err!("`{kind}` in GROUP BY is over a column, not {other}; compute it in the table or a view");
        }
        _ => return plan_err!("`{kind}` in GROUP BY is written {shape}; found {} arguments", arguments.len()),
    };
    let ms = |span: &Expr| match span {
        Expr::Literal(value, _) => milliseconds(value).filter(|ms| *ms > 0),
        _ => None,
    };
    match given.iter().map(ms).collect() {
        Some(spans) => Ok((time, spans)),
        None => plan_err!("`{kind}` takes times above zero in whole milliseconds: {shape}"),
    }
}

fn window(kind: &str, spans: &[i64]) -> Result<Window> {
    match (kind, spans) {
        ("tumble", [size]) => Ok(Window::Tumble { size: *size, offset: 0 }),
        ("hop", [slide, size]) if size % slide == 0 => Ok(Window::Hop { size: *size, slide: *slide, offset: 0 }),
        ("hop", _) => plan_err!("the size of `hop`, its last argument, must be a multiple of the slide before it"),
        (_, [gap]) => Ok(Window::Session { gap: *gap }),
        _ => plan_err!("`{kind}` in GROUP BY is given too many times"),
    }
}
