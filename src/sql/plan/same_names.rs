//! Columns that a query does not name and that would have one name: they get names of their own, as in Flink.
//!
//! The planner names a column by its expression, without casts, and refuses two of one name: `SELECT id, id`, or
//! `SELECT CAST(x AS INT), CAST(x AS STRING)`. In Flink a further `id` is `id0`, and what is no column is `EXPR$1` by its place.

use datafusion_sql::sqlparser::ast::{self, Expr, Ident, SelectItem, VisitMut};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Names those columns, in all SELECTs of a query.
pub(super) fn tell_apart(query: &mut ast::Query) {
    let _: ControlFlow<()> = VisitMut::visit(query, &mut Selects);
}

struct Selects;

impl ast::VisitorMut for Selects {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut ast::Select) -> ControlFlow<()> {
        let mut named: BTreeSet<String> = select.projection.iter().filter_map(name).collect();
        let mut seen = BTreeSet::new();
        for (number, item) in select.projection.iter_mut().enumerate() {
            let SelectItem::UnnamedExpr(expression) = item else { continue };
            if seen.insert(planned(expression)) {
                continue;
            }
            let (first, stem) = match column(expression) {
                Some(name) => (None, name.to_owned()),
                None => (Some(format!("EXPR${number}")), format!("EXPR${number}_")),
            };
            let others = (0..).map(|number: usize| format!("{stem}{number}"));
            let free = first.into_iter().chain(others).find(|name| !named.contains(name));
            let Some(name) = free else { continue };
            named.insert(name.clone());
            *item = SelectItem::ExprWithAlias { expr: expression.clone(), alias: Ident::with_quote('`', name) };
        }
        ControlFlow::Continue(())
    }
}

/// The name of a column that is selected as it is.
fn column(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Identifier(name) => Some(&name.value),
        Expr::CompoundIdentifier(parts) => parts.last().map(|name| name.value.as_str()),
        _ => None,
    }
}

/// The name that an item has by itself.
fn name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(expression) => column(expression).map(str::to_owned),
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        _ => None,
    }
}

/// What the planner calls an expression; two that differ may be told to be equal, which only names the second one.
fn planned(expression: &Expr) -> String {
    if column(expression).is_some() {
        return expression.to_string();
    }
    let mut bare = expression.clone();
    let _: ControlFlow<()> = VisitMut::visit(&mut bare, &mut Casts);
    bare.to_string().to_lowercase()
}

/// Takes casts and parentheses off.
struct Casts;

impl ast::VisitorMut for Casts {
    type Break = ();

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Expr::Cast { expr, .. } | Expr::Nested(expr) = expression {
            *expression = Expr::clone(expr);
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::tell_apart;
    use datafusion_sql::sqlparser::ast::Statement;
    use datafusion_sql::sqlparser::{dialect::GenericDialect, parser::Parser};

    fn told(text: &str) -> String {
        let mut statements = Parser::parse_sql(&GenericDialect, text).unwrap();
        let Some(Statement::Query(mut query)) = statements.pop() else { panic!("{text} is a query") };
        tell_apart(&mut query);
        query.to_string()
    }

    #[test]
    fn a_column_that_is_selected_again_is_numbered() {
        assert_eq!(told("SELECT id, a, id, id FROM t"), "SELECT id, a, id AS `id0`, id AS `id1` FROM t");
        assert_eq!(told("SELECT t.id, u.id, t.id, id0 FROM t"), "SELECT t.id, u.id, t.id AS `id1`, id0 FROM t");
        assert_eq!(told("SELECT a, A FROM t"), "SELECT a, A FROM t");
    }

    #[test]
    fn an_expression_that_differs_by_its_casts_only_is_named_by_its_place() {
        assert_eq!(
            told("SELECT CAST(a AS INT), TRY_CAST(a AS DOUBLE), a + 1, A + 1 FROM t"),
            "SELECT CAST(a AS INT), TRY_CAST(a AS DOUBLE) AS `EXPR$1`, a + 1, A + 1 AS `EXPR$3` FROM t"
        );
        assert_eq!(told("SELECT a, CAST(a AS INT) FROM t"), "SELECT a, CAST(a AS INT) AS `EXPR$1` FROM t");
    }

    #[test]
    fn queries_within_queries_are_told_apart_too() {
        assert_eq!(told("SELECT x FROM (SELECT x, x FROM t)"), "SELECT x FROM (SELECT x, x AS `x0` FROM t)");
        assert_eq!(told("SELECT COUNT(*), COUNT(*) AS n FROM t"), "SELECT COUNT(*), COUNT(*) AS n FROM t");
    }
}
