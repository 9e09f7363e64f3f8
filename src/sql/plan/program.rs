//! From a text to a program: statement by statement, then all INSERTs together.

use super::build::{Rels, Statement as Of};
use super::context::Context;
use super::rel::{Changes, Op, Program, Rel, RelId};
use super::{group_window, late, lookup, not_null, refused, same_names};
use crate::sql::catalog::{OptionError, Table, Takes};
use crate::sql::connector::Registry;
use crate::sql::dialect::{self, Query, Quoted, Statement};
use crate::sql::error::{Error, Text};
use crate::sql::functions::user::Functions;
use crate::sql::functions::{Conversions, Meanings};
use crate::sql::outside::Outside;
use crate::sql::position::Position;
use crate::sql::settings::{NotNull, Settings, unknown};
use crate::sql::types::type_name;
use arrow::datatypes::DataType;
use datafusion_common::config::ConfigOptions;
use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion_common::{DFSchema, DataFusionError, ScalarValue};
use datafusion_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};
use datafusion_optimizer::analyzer::function_rewrite::ApplyFunctionRewrites;
use datafusion_optimizer::common_subexpr_eliminate::CommonSubexprEliminate;
use datafusion_optimizer::decorrelate_predicate_subquery::DecorrelatePredicateSubquery;
use datafusion_optimizer::eliminate_cross_join::EliminateCrossJoin;
use datafusion_optimizer::eliminate_duplicated_expr::EliminateDuplicatedExpr;
use datafusion_optimizer::eliminate_filter::EliminateFilter;
use datafusion_optimizer::eliminate_outer_join::EliminateOuterJoin;
use datafusion_optimizer::extract_equijoin_predicate::ExtractEquijoinPredicate;
use datafusion_optimizer::optimize_projections::OptimizeProjections;
use datafusion_optimizer::optimize_unions::OptimizeUnions;
use datafusion_optimizer::push_down_filter::PushDownFilter;
use datafusion_optimizer::push_down_limit::PushDownLimit;
use datafusion_optimizer::replace_distinct_aggregate::ReplaceDistinctWithAggregate;
use datafusion_optimizer::simplify_expressions::SimplifyExpressions;
use datafusion_optimizer::{Analyzer, Optimizer, OptimizerContext, OptimizerRule};
use datafusion_sql::sqlparser::ast;
use datafusion_sql::sqlparser::tokenizer::TokenWithSpan;
use std::sync::Arc;

/// The stack of the planning thread: queries nest, and their planner is recursive.
const STACK: usize = 256 << 20;

/// What a program may use besides its own text.
///
/// ```
/// let env = millstream::sql::Env::default();
/// assert!(millstream::sql::plan("SET 'parallelism.default' = '2'", &env).is_ok());
/// ```
#[derive(Clone)]
pub struct Env {
    /// The connectors and formats of its tables.
    pub connectors: Registry,
    /// The functions that are its own.
    pub functions: Functions,
    /// What its text takes from outside.
    pub outside: Outside,
}

impl Default for Env {
    fn default() -> Self {
        Self { connectors: Registry::standard(), functions: Functions::default(), outside: Outside::default() }
    }
}

/// Plans a text: all its statements, the INSERTs together as one dataflow.
///
/// Statements are read in order, so a name is created before it is used. Nothing runs and nothing outside is touched.
///
/// # Errors
/// The first mistake of the text, with its place.
pub fn plan(text: &str, env: &Env) -> Result<Program, Error> {
    std::thread::scope(|scope| {
        let planned = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || plan_here(text, env));
        let start = Position { line: 1, column: 1 };
        match planned {
            Ok(thread) => thread.join().unwrap_or_else(|_| {
                let what = "a query that the planner cannot take";
                Err(Text(text).unsupported(start, what, "cut it into views to find the part"))
            }),
            Err(error) => Err(Text(text).meaning(start, format!("no thread to plan in: {error}"))),
        }
    })
}

/// One INSERT that is planned but not yet cut into relations.
struct Insert {
    table: Arc<Table>,
    at: Position,
    query: Query,
    plan: LogicalPlan,
    explain: bool,
}

fn plan_here(source: &str, env: &Env) -> Result<Program, Error> {
    let text = Text(source);
    let mut context = Context::new();
    context.add(&env.functions);
    let mut settings = Settings::default();
    let mut inserts = Vec::new();
    for statement in dialect::parse(source)? {
        match statement {
            Statement::Set { key, value } => {
                settings.set(&key.value, &value.value).map_err(|error| text.meaning(key.at, error))?;
            }
            Statement::Table(written) => {
                if is_new(text, &context, &written.name, written.if_not_exists)? {
                    let table = env.outside.prepared(text, Table::new(text, *written, &context)?)?;
                    context.tables.insert(table.name.clone(), Arc::new(table));
                }
            }
            Statement::View { name, columns, if_not_exists, query } => {
                if is_new(text, &context, &name, if_not_exists)? {
                    let plan = view(text, &context, &columns, &query)?;
                    context.views.insert(name.value, plan);
                }
            }
            Statement::Insert { table, columns, query, explain } => {
                inserts.push(insert(text, &context, (&table, &columns), (query, explain), settings.not_null)?);
            }
            Statement::Select { query: written, explain } => {
                let plan = query(text, &context, &written)?;
                let name = (1..).map(|n| format!("query-{n}")).find(|name| !context.tables.contains_key(name));
                let table = Table::print(name.unwrap_or_default(), plan.schema().fields(), written.at);
                let target = Quoted { value: table.name.clone(), at: written.at };
                context.tables.insert(table.name.clone(), Arc::new(table));
                inserts.push(insert(text, &context, (&target, &[]), (written, explain), settings.not_null)?);
            }
        }
    }
    let changing = context.tables.values().filter(|table| env.connectors.brings_changes(table));
    let mut rels = Rels::default();
    rels.changing = changing.map(|table| table.name.clone()).collect();
    for insert in &inserts {
        let of = Of { text, query: &insert.query };
        rels.note(&insert.plan).map_err(|error| of.meaning(&error))?;
    }
    let (mut sinks, mut explained) = (Vec::new(), Vec::new());
    for insert in inserts {
        let sink = write(&mut rels, text, &insert, env)?;
        sinks.push(sink);
        explained.extend(insert.explain.then_some(sink));
    }
    processing_windows(text, &rels.rels)?;
    sinks.extend(late::build(&mut rels, text, &context, env)?);
    for rel in &rels.rels {
        if let Op::Scan { table, .. } | Op::LookupJoin { table, .. } = &rel.op {
            env.connectors.check_source(table).map_err(|error| refused(text, env, table, error))?;
        }
    }
    Ok(Program { settings, tables: context.tables, rels: rels.rels, sinks, explained })
}

/// Refuses windows by processing time but for aggregates, as Flink does: when a row's window begins is known when it comes to the
/// operator, and there it is only a part of the aggregate's key.
fn processing_windows(text: Text<'_>, rels: &[Rel]) -> Result<(), Error> {
    let is_in_one = |rel: &Rel| rel.window.is_some_and(|window| window.processing);
    for rel in rels {
        let reads_one = rel.inputs.iter().any(|input| is_in_one(&rels[input.rel.0]));
        let goes_on = match rel.op {
            Op::WindowAggregate { .. } => true,
            Op::Project { .. } | Op::Filter { .. } => is_in_one(rel),
            _ => false,
        };
        if reads_one && !goes_on {
            let what = "a window over processing time without an aggregate by window_start and window_end";
            let instead = "GROUP BY both, or write a column of the time of arrival into the table: \
                           arrived AS CURRENT_TIMESTAMP, WATERMARK FOR arrived AS arrived";
            return Err(text.unsupported(rel.at, what, instead));
        }
    }
    Ok(())
}

/// An error about a table's options, with its place.
pub(super) fn refused(text: Text<'_>, env: &Env, table: &Table, error: OptionError) -> Error {
    let at = error.key.and_then(|key| table.option(&key)).map_or(table.at, |option| option.at);
    text.meaning(at, env.outside.redacted(&error.message))
}

fn is_new(text: Text<'_>, context: &Context, name: &Quoted, if_not_exists: bool) -> Result<bool, Error> {
    let is_there = context.tables.contains_key(&name.value) || context.views.contains_key(&name.value);
    if is_there && !if_not_exists {
        return Err(text.meaning(name.at, format!("there is a table or view `{}` already", name.value)));
    }
    Ok(!is_there)
}

fn query(text: Text<'_>, context: &Context, query: &Query) -> Result<LogicalPlan, Error> {
    refused::check(&query.ast, Of { text, query })?;
    let plan = || {
        let mut ast = query.ast.clone();
        same_names::tell_apart(&mut ast);
        group_window::name_bounds(&mut ast)?;
        let plan = context.planner().sql_statement_to_plan(ast::Statement::Query(ast))?;
        lookup::check(&plan)?;
        group_window::assign(plan)
    };
    plan().map_err(|error: DataFusionError| {
        match super::context::meaning(text, query.at, &error) {
            // The planner knows no place: that of a name in the message is a better one than the beginning of the query.
            Error::Meaning { place, message } if place.at == query.at => {
                text.meaning(named_in(&message, query).unwrap_or(query.at), message)
            }
            other => other,
        }
    })
}

/// The place of the first word of a message that the query has too: of those in quotes, else of all that are no common ones.
fn named_in(message: &str, query: &Query) -> Option<Position> {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        words.filter(|word| word.len() > 1 || text.len() == 1).map(str::to_lowercase).collect()
    };
    let quoted = message.split(['\'', '`', '"']).skip(1).step_by(2).flat_map(words);
    let others = words(message).into_iter().filter(|word| !COMMON.contains(&word.as_str()));
    let find = |word: String| {
        let is = |token: &&TokenWithSpan| token.token.to_string().trim_matches('`').to_lowercase() == word;
        query.tokens.iter().find(is).map(|token| token.span.start.into())
    };
    quoted.chain(others).find_map(find)
}

/// Words that a message may use without meaning the one in the query.
const COMMON: &[&str] = &[
    "is", "in", "to", "the", "not", "of", "and", "or", "for", "with", "on", "as", "at", "found", "no", "by", "from",
    "like", "select", "group",
];

fn view(text: Text<'_>, context: &Context, columns: &[Quoted], written: &Query) -> Result<LogicalPlan, Error> {
    let plan = query(text, context, written)?;
    if columns.is_empty() {
        return Ok(plan);
    }
    let of = Of { text, query: written };
    let have = plan.schema().columns();
    if have.len() != columns.len() {
        let message = format!("the view names {} columns, its query gives {}", columns.len(), have.len());
        return Err(text.meaning(columns[0].at, message));
    }
    let named = have.into_iter().zip(columns).map(|(column, name)| Expr::Column(column).alias(&name.value));
    LogicalPlanBuilder::from(plan)
        .project(named.collect::<Vec<_>>())
        .and_then(LogicalPlanBuilder::build)
        .map_err(|error| of.meaning(&error))
}

fn insert(
    text: Text<'_>,
    context: &Context,
    (name, columns): (&Quoted, &[Quoted]),
    (written, explain): (Query, bool),
    not_null: NotNull,
) -> Result<Insert, Error> {
    let Some(table) = context.tables.get(&name.value) else {
        if context.views.contains_key(&name.value) {
            return Err(text.meaning(name.at, format!("`{}` is a view; rows go into a table", name.value)));
        }
        return Err(text.meaning(name.at, unknown("table", &name.value, context.tables.keys().map(String::as_str))));
    };
    let of = Of { text, query: &written };
    let plan = query(text, context, &written)?;
    let plan = fit(text, name, table, columns, plan, of)?;
    let plan = not_null::enforce(table, not_null, plan, of)?;
    let plan = optimise(plan).map_err(|error| of.meaning(&error))?;
    refuse_subqueries(&plan, of)?;
    Ok(Insert { table: Arc::clone(table), at: name.at, plan, explain, query: written })
}

/// Refuses what the optimiser has left as a query in an expression.
fn refuse_subqueries(plan: &LogicalPlan, of: Of<'_>) -> Result<(), Error> {
    let mut found = false;
    let searched = plan.apply(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                found |= matches!(
                    part,
                    Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_)
                );
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    searched.map_err(|error| of.meaning(&error))?;
    if !found {
        return Ok(());
    }
    let is_select = |token: &&TokenWithSpan| token.token.to_string().eq_ignore_ascii_case("SELECT");
    let at = of.query.tokens.iter().filter(is_select).nth(1).map_or(of.query.at, |token| token.span.start.into());
    let instead = "write it as a JOIN, or as IN or EXISTS in WHERE, apart from OR";
    Err(of.text.unsupported(at, "a subquery as a value", instead))
}

/// Puts the query's columns into the order and types of the table's.
fn fit(
    text: Text<'_>,
    name: &Quoted,
    table: &Table,
    columns: &[Quoted],
    plan: LogicalPlan,
    of: Of<'_>,
) -> Result<LogicalPlan, Error> {
    let written: Vec<_> = table.written().collect();
    let schema = Arc::clone(plan.schema());
    let have = schema.columns();
    let mut order: Vec<&str> = written.iter().map(|column| column.name.as_str()).collect();
    if !columns.is_empty() {
        for column in columns {
            if !order.contains(&column.value.as_str()) {
                return Err(text.meaning(column.at, unknown("column", &column.value, order.iter().copied())));
            }
        }
        order = columns.iter().map(|column| column.value.as_str()).collect();
    }
    if order.len() != have.len() {
        let names: Vec<_> = have.iter().map(|column| column.name.as_str()).collect();
        let message = format!(
            "`{}` takes {} columns ({}), the query gives {} ({})",
            table.name,
            order.len(),
            order.join(", "),
            have.len(),
            names.join(", ")
        );
        return Err(text.meaning(name.at, message));
    }
    let mut expressions = Vec::new();
    for column in &written {
        let Some(at) = order.iter().position(|name| *name == column.name) else {
            if !column.nullable {
                let message = format!("`{}` is NOT NULL, so the INSERT must give it a value", column.name);
                return Err(text.meaning(name.at, message));
            }
            let null = Expr::Literal(ScalarValue::Null, None);
            expressions.push(cast(null, column.data_type.clone()).alias(&column.name));
            continue;
        };
        let found = schema.field(at).data_type();
        let given = Expr::Column(have[at].clone());
        expressions.push(if *found == column.data_type {
            given.alias(&column.name)
        } else if fits(found, &column.data_type) {
            cast(given, column.data_type.clone()).alias(&column.name)
        } else {
            let (is, wanted) = (type_name(found), type_name(&column.data_type));
            let message = format!(
                "`{}` is a {wanted}, the query gives it a {is}; write CAST({} AS {wanted})",
                column.name, have[at].name
            );
            return Err(text.meaning(of.place(&[&have[at].name]), message));
        });
    }
    LogicalPlanBuilder::from(plan).project(expressions).and_then(LogicalPlanBuilder::build).map_err(|e| of.meaning(&e))
}

/// Whether a value is converted without being asked: where nothing is lost, or only digits behind the point, as in Flink; and
/// from one whole number to another, since numbers in the text are BIGINT here and INT in Flink. One that is too large for its
/// column is a dead letter.
fn fits(from: &DataType, to: &DataType) -> bool {
    let rank = |data_type: &DataType| match data_type {
        DataType::Int8 => Some(1),
        DataType::Int16 | DataType::UInt8 => Some(2),
        DataType::Int32 | DataType::UInt16 => Some(3),
        // Counts and row numbers are unsigned in the planner, BIGINT in Flink.
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => Some(4),
        DataType::Decimal128(..) => Some(5),
        DataType::Float32 => Some(6),
        DataType::Float64 => Some(7),
        _ => None,
    };
    let is_text = |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let is_bytes = |t: &DataType| matches!(t, DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
    match (from, to) {
        (DataType::Null, _) => true,
        (DataType::Timestamp(..) | DataType::Date32, DataType::Timestamp(..)) => true,
        (DataType::List(a), DataType::List(b)) => a.data_type() == b.data_type() || fits(a.data_type(), b.data_type()),
        (DataType::Struct(a), DataType::Struct(b)) => {
            let pairs = || a.iter().zip(b.iter());
            a.len() == b.len()
                && pairs().all(|(a, b)| a.data_type() == b.data_type() || fits(a.data_type(), b.data_type()))
        }
        _ if is_text(from) || is_bytes(from) => is_text(from) == is_text(to) && is_bytes(from) == is_bytes(to),
        _ => rank(from).zip(rank(to)).is_some_and(|(from, to)| from <= to.max(4)),
    }
}

/// Type coercion, then the rules that are right for streams. Left out: SingleDistinctToGroupBy (it makes two aggregates of a
/// COUNT DISTINCT), FilterNullJoinKeys (it stacks filters), and those that need statistics or a last row.
fn optimise(plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    let options = Arc::new(ConfigOptions::default());
    let mut analyzer = Analyzer::new();
    analyzer.add_function_rewrite(Arc::new(Meanings));
    analyzer.rules.push(Arc::new(ApplyFunctionRewrites::new(vec![Arc::new(Conversions)])));
    let plan = analyzer.execute_and_check(plan, &options, |_, _| {})?;
    let rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = vec![
        Arc::new(OptimizeUnions::new()),
        Arc::new(SimplifyExpressions::new()),
        Arc::new(ReplaceDistinctWithAggregate::new()),
        Arc::new(DecorrelatePredicateSubquery::new()),
        Arc::new(ExtractEquijoinPredicate::new()),
        Arc::new(EliminateDuplicatedExpr::new()),
        Arc::new(EliminateFilter::new()),
        Arc::new(EliminateCrossJoin::new()),
        Arc::new(EliminateOuterJoin::new()),
        Arc::new(PushDownLimit::new()),
        Arc::new(PushDownFilter::new()),
        Arc::new(CommonSubexprEliminate::new()),
        Arc::new(OptimizeProjections::new()),
    ];
    let context = OptimizerContext::new_with_config_options(options).without_query_execution_start_time();
    Optimizer::with_rules(rules).optimize(plan, &context, |_, _| {})
}

fn write(rels: &mut Rels, text: Text<'_>, insert: &Insert, env: &Env) -> Result<RelId, Error> {
    let input = rels.build(&insert.plan, Of { text, query: &insert.query })?;
    let takes = env.connectors.check_sink(&insert.table).map_err(|error| refused(text, env, &insert.table, error))?;
    let rel = rels.of(&input);
    if rel.changes == Changes::Update && takes == Takes::Appends {
        let what = "an INSERT of rows that change later into a table that only takes new ones";
        let instead = format!(
            "{}; give `{}` a PRIMARY KEY if it is a file, or a connector or format for changes, or aggregate in a window",
            rels.reason(input.rel),
            insert.table.name
        );
        return Err(text.unsupported(insert.at, what, instead));
    }
    if let Some(error) = other_key(rel, insert, text) {
        return Err(error);
    }
    let mut made = rels.same(&input, Op::Sink { table: Arc::clone(&insert.table) });
    made.schema = Arc::new(DFSchema::empty());
    (made.time, made.window) = (None, None);
    Ok(rels.add(made, insert.at).rel)
}

/// The refusal of changes whose key is not within the PRIMARY KEY: rows of several keys would replace each other there, in no
/// certain order.
fn other_key(rel: &Rel, insert: &Insert, text: Text<'_>) -> Option<Error> {
    let table = &insert.table;
    let key = rel.key.as_ref().filter(|_| rel.changes == Changes::Update && !table.primary_key.is_empty())?;
    let written: Vec<&str> = table.written().map(|column| column.name.as_str()).collect();
    let names: Vec<&str> = key.iter().map(|at| written[*at]).collect();
    if names.iter().all(|name| table.primary_key.iter().any(|column| column == name)) {
        return None;
    }
    let what = format!(
        "an INSERT of rows that change by ({}) into a table with PRIMARY KEY ({})",
        names.join(", "),
        table.primary_key.join(", ")
    );
    let instead = format!(
        "rows of the query that differ only in the former would replace each other; write PRIMARY KEY ({}), or group by \
         its columns alone",
        names.join(", ")
    );
    Some(text.unsupported(insert.at, what, instead))
}

impl Rels {
    /// Which operator makes the rows change.
    fn reason(&self, id: RelId) -> String {
        let rel = &self.rels[id.0];
        match rel.inputs.iter().find(|input| self.of(input).changes == Changes::Update) {
            Some(input) => self.reason(input.rel),
            None => format!("the rows change because of {}", rel.op.title()),
        }
    }
}
