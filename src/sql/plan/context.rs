//! What the planner may look up: tables, views, functions, types.

use super::group_window::bound_function;
use super::message::mended;
use super::window::WindowFunctions;
use crate::sql::aggregate;
use crate::sql::catalog::Table;
use crate::sql::error::{Error, Text};
use crate::sql::functions::user::Functions;
use crate::sql::functions::{Conversions, Meanings, Syntax, rewritten, scalar};
use crate::sql::position::Position;
use crate::sql::settings::unknown;
use crate::sql::types;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{DFSchema, DataFusionError, Result, TableReference, plan_err};
use datafusion_expr::planner::{ContextProvider, ExprPlanner, RelationPlanner, TypePlanner};
use datafusion_expr::simplify::SimplifyContext;
use datafusion_expr::{
    AggregateUDF, Expr, ExprSchemable, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF,
};
use datafusion_optimizer::simplify_expressions::ExprSimplifier;
use datafusion_sql::planner::{NullOrdering, ParserOptions, PlannerContext, SqlToRel};
use datafusion_sql::sqlparser::ast;
use datafusion_sql::sqlparser::dialect::GenericDialect;
use datafusion_sql::sqlparser::parser::Parser;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names and what they stand for, while a program is planned.
pub(in crate::sql) struct Context {
    pub(super) tables: BTreeMap<String, Arc<Table>>,
    pub(super) views: BTreeMap<String, LogicalPlan>,
    scalar: BTreeMap<String, Arc<ScalarUDF>>,
    aggregate: BTreeMap<String, Arc<AggregateUDF>>,
    window: BTreeMap<String, Arc<WindowUDF>>,
    options: ConfigOptions,
    expr_planners: Vec<Arc<dyn ExprPlanner>>,
    relation_planners: Vec<Arc<dyn RelationPlanner>>,
}

impl Context {
    pub(in crate::sql) fn new() -> Self {
        let mut context = Self {
            tables: BTreeMap::new(),
            views: BTreeMap::new(),
            scalar: BTreeMap::new(),
            aggregate: BTreeMap::new(),
            window: BTreeMap::new(),
            options: ConfigOptions::default(),
            expr_planners: vec![
                Arc::new(Syntax),
                Arc::new(datafusion_functions::core::planner::CoreFunctionPlanner::default()),
                Arc::new(datafusion_functions_aggregate::planner::AggregateFunctionPlanner),
                Arc::new(datafusion_functions_window::planner::WindowFunctionPlanner),
            ],
            relation_planners: vec![Arc::new(WindowFunctions)],
        };
        for function in datafusion_functions::all_default_functions() {
            for name in std::iter::once(function.name()).chain(function.aliases().iter().map(String::as_str)) {
                context.scalar.insert(name.to_owned(), Arc::clone(&function));
            }
        }
        context.scalar.extend(scalar().map(|(name, function)| (name.clone(), Arc::clone(function))));
        for function in datafusion_functions_aggregate::all_default_aggregate_functions() {
            for name in std::iter::once(function.name()).chain(function.aliases().iter().map(String::as_str)) {
                context.aggregate.insert(name.to_owned(), Arc::clone(&function));
            }
        }
        for function in aggregate::functions() {
            context.aggregate.insert(function.name().to_owned(), function);
        }
        for (name, of) in aggregate::SYNONYMS {
            context.aggregate.insert(name.to_owned(), Arc::clone(&context.aggregate[of]));
        }
        for function in datafusion_functions_window::all_default_window_functions() {
            for name in std::iter::once(function.name()).chain(function.aliases().iter().map(String::as_str)) {
                context.window.insert(name.to_owned(), Arc::clone(&function));
            }
        }
        context
    }

    /// Adds functions of a user's; they take the place of those that are there.
    pub(super) fn add(&mut self, functions: &Functions) {
        self.aggregate.retain(|name, _| !functions.scalar.contains_key(name));
        self.scalar.retain(|name, _| !functions.aggregate.contains_key(name));
        self.scalar.extend(functions.scalar.iter().map(|(name, function)| (name.clone(), Arc::clone(function))));
        self.aggregate.extend(functions.aggregate.iter().map(|(name, function)| (name.clone(), Arc::clone(function))));
    }

    pub(super) fn planner(&self) -> SqlToRel<'_, Self> {
        let options = ParserOptions::new()
            .with_enable_ident_normalization(false)
            .with_collect_spans(true)
            .with_map_string_types_to_utf8view(true)
            // Flink: NULL is the smallest value.
            .with_default_null_ordering(NullOrdering::NullsMin);
        SqlToRel::new_with_options(self, options)
    }

    /// Plans a lone expression over the columns of `schema`; with it its type and whether it may be NULL.
    pub(in crate::sql) fn expression(
        &self,
        text: Text<'_>,
        at: Position,
        expression: &ast::Expr,
        schema: &Schema,
    ) -> Result<(Expr, DataType, bool), Error> {
        let schema = DFSchema::try_from(schema.clone()).map_err(|error| meaning(text, at, &error))?;
        let plan = || {
            let planned = self.planner().sql_to_expr(expression.clone(), &schema, &mut PlannerContext::new())?;
            let simplifier =
                ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::new(schema.clone())).build());
            let planned = simplifier.coerce(rewritten(&Meanings, planned, &schema)?, &schema)?;
            let planned = rewritten(&Conversions, planned, &schema)?;
            let (data_type, nullable) = (planned.get_type(&schema)?, planned.nullable(&schema)?);
            Ok((planned, data_type, nullable))
        };
        plan().map_err(|error| meaning(text, at, &error))
    }
}

/// The planner's refusal as ours: at its own place if it knows one, else at `at`.
pub(super) fn meaning(text: Text<'_>, at: Position, error: &DataFusionError) -> Error {
    let place = error
        .diagnostic()
        .and_then(|diagnostic| diagnostic.span)
        .map(|span| Position { line: span.start.line.max(1), column: span.start.column.max(1) });
    let message = error.find_root().strip_backtrace();
    text.meaning(place.unwrap_or(at), mended(&message))
}

/// A table or view in the planner's hands.
pub(super) struct Source {
    pub(super) table: Option<Arc<Table>>,
    schema: SchemaRef,
    view: Option<LogicalPlan>,
}

impl TableSource for Source {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn get_logical_plan(&'_ self) -> Option<Cow<'_, LogicalPlan>> {
        self.view.as_ref().map(Cow::Borrowed)
    }
}

impl ContextProvider for Context {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        if let Some(table) = self.tables.get(name.table()) {
            return Ok(Arc::new(Source { table: Some(Arc::clone(table)), schema: table.schema(), view: None }));
        }
        if let Some(view) = self.views.get(name.table()) {
            let schema = Arc::clone(view.schema().inner());
            return Ok(Arc::new(Source { table: None, schema, view: Some(view.clone()) }));
        }
        let known = self.tables.keys().chain(self.views.keys()).map(String::as_str);
        plan_err!("{}", unknown("table or view", name.table(), known))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.expr_planners
    }

    fn get_relation_planners(&self) -> &[Arc<dyn RelationPlanner>] {
        &self.relation_planners
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::new(FlinkTypes))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        let name = name.to_lowercase();
        self.scalar.get(&name).cloned().or_else(|| bound_function(&name))
    }

    fn get_higher_order_meta(&self, _: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.aggregate.get(&name.to_lowercase()).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.window.get(&name.to_lowercase()).cloned()
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.options
    }

    fn udf_names(&self) -> Vec<String> {
        self.scalar.keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.aggregate.keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.window.keys().cloned().collect()
    }
}

/// The types of `CAST`, read as those of columns are.
#[derive(Debug)]
struct FlinkTypes;

impl TypePlanner for FlinkTypes {
    fn plan_type_field(&self, sql_type: &ast::DataType) -> Result<Option<FieldRef>> {
        if matches!(sql_type, ast::DataType::Interval { .. }) {
            return Ok(None);
        }
        let written = sql_type.to_string().replace("STRUCT<", "ROW<").replace(">>", "> >");
        let read = Parser::new(&GenericDialect {})
            .try_with_sql(&written)
            .map_err(|error| DataFusionError::Plan(error.to_string()))
            .and_then(|mut parser| {
                types::parse(Text(&written), &mut parser).map_err(|error| {
                    DataFusionError::Plan(match error {
                        Error::Syntax { message, .. } | Error::Meaning { message, .. } => message,
                        Error::Unsupported { what, instead, .. } => format!("{what} is not supported; {instead}"),
                    })
                })
            })?;
        Ok(Some(Arc::new(arrow::datatypes::Field::new("", read, true))))
    }
}
