//! What the parser reads and no stream has: refused by its own word, before the planner meets it.
//!
//! Some of it the planner would pass over in silence, the rest it would refuse without saying what to write.

use super::build::Statement;
use crate::sql::error::Error;
use datafusion_sql::sqlparser::ast::{self, Distinct, JoinOperator, SetOperator, TableFactor, Visit};
use std::ops::ControlFlow;

/// Refuses the first such thing in a query.
pub(super) fn check(query: &ast::Query, of: Statement<'_>) -> Result<(), Error> {
    match Visit::visit(query, &mut Search) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(Found { word, what, instead }) => Err(of.unsupported(&[word.as_str()], what, instead)),
    }
}

struct Search;

struct Found {
    /// The word that it begins with.
    word: String,
    what: String,
    instead: &'static str,
}

fn refuse(word: &str, what: &str, instead: &'static str) -> ControlFlow<Found> {
    ControlFlow::Break(Found { word: word.to_owned(), what: what.to_owned(), instead })
}

impl ast::Visitor for Search {
    type Break = Found;

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<Found> {
        if query.with.as_ref().is_some_and(|with| with.recursive) {
            return refuse("RECURSIVE", "WITH RECURSIVE", "a stream has no last step; write the steps out as views");
        }
        if !query.locks.is_empty() {
            return refuse("FOR", "FOR UPDATE", "leave it out: nothing is locked");
        }
        let others = [
            (query.for_clause.is_some(), "FOR", "leave it out, and give the table it goes into a format"),
            (query.settings.is_some(), "SETTINGS", "write SET 'key' = 'value' as a statement"),
            (query.format_clause.is_some(), "FORMAT", "give the table it goes into a format"),
            (!query.pipe_operators.is_empty(), "|>", "write the query as SELECT .. FROM .. WHERE .."),
            (query.fetch.is_some(), "FETCH", "write LIMIT n"),
        ];
        for (is_there, word, instead) in others {
            if is_there {
                return refuse(word, word, instead);
            }
        }
        if let ast::SetExpr::SetOperation { op, set_quantifier, .. } = &*query.body {
            let word = op.to_string();
            match op {
                SetOperator::Union if set_quantifier.to_string().contains("NAME") => {
                    return refuse("NAME", "UNION BY NAME", "write the columns of both in the same order");
                }
                SetOperator::Union => {}
                SetOperator::Intersect => {
                    return refuse(&word, &word, "write SELECT DISTINCT .. WHERE EXISTS (SELECT .. WHERE a.x = b.x)");
                }
                SetOperator::Except | SetOperator::Minus => {
                    return refuse(
                        &word,
                        &word,
                        "write SELECT DISTINCT .. WHERE NOT EXISTS (SELECT .. WHERE a.x = b.x)",
                    );
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &ast::Select) -> ControlFlow<Found> {
        if matches!(select.distinct, Some(Distinct::On(_))) {
            let instead = "keep the first row of each key: WHERE ROW_NUMBER() OVER (PARTITION BY key ORDER BY ts) = 1";
            return refuse("DISTINCT", "DISTINCT ON", instead);
        }
        let others = [
            (select.top.is_some(), "TOP", "write ORDER BY .. LIMIT n"),
            (select.into.is_some(), "INTO", "write INSERT INTO table before the SELECT"),
            (!select.lateral_views.is_empty(), "LATERAL", "join a view"),
            (select.prewhere.is_some(), "PREWHERE", "write WHERE"),
            (!select.connect_by.is_empty(), "CONNECT", "write the steps out as views"),
            (!select.cluster_by.is_empty(), "CLUSTER", "leave it out: rows are spread by key"),
            (!select.distribute_by.is_empty(), "DISTRIBUTE", "leave it out: rows are spread by key"),
            (!select.sort_by.is_empty(), "SORT", "write ORDER BY .. LIMIT n"),
            (select.value_table_mode.is_some(), "AS", "write the columns out"),
            (select.select_modifiers.is_some(), "SELECT", "leave what stands behind SELECT out"),
        ];
        for (is_there, word, instead) in others {
            if is_there {
                return refuse(word, word, instead);
            }
        }
        for join in select.from.iter().flat_map(|from| &from.joins) {
            match &join.join_operator {
                JoinOperator::AsOf { .. } => {
                    return refuse(
                        "ASOF",
                        "ASOF JOIN",
                        "join by an interval of time, and keep the last row of each key",
                    );
                }
                JoinOperator::CrossApply | JoinOperator::OuterApply => {
                    return refuse("APPLY", "APPLY", "write a JOIN");
                }
                JoinOperator::ArrayJoin | JoinOperator::LeftArrayJoin | JoinOperator::InnerArrayJoin => {
                    return refuse("ARRAY", "ARRAY JOIN", "write the elements out, or flatten them before");
                }
                _ if join.global => return refuse("GLOBAL", "GLOBAL JOIN", "write JOIN"),
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Found> {
        match factor {
            TableFactor::Table { name, with_hints, with_ordinality, partitions, json_path, index_hints, .. } => {
                if name.0.len() > 1 {
                    let word = name.0[0].to_string();
                    return refuse(
                        word.trim_matches('`'),
                        "the name of a catalog or database",
                        "write the table's name alone",
                    );
                }
                let word = name.to_string();
                let word = word.trim_matches('`');
                if !with_hints.is_empty() || !partitions.is_empty() || !index_hints.is_empty() {
                    return refuse(word, "a hint behind a table", "write options into the WITH of CREATE TABLE");
                }
                if *with_ordinality {
                    return refuse("ORDINALITY", "WITH ORDINALITY", "number the rows with ROW_NUMBER()");
                }
                if json_path.is_some() {
                    return refuse(word, "a path behind a table", "select what you need of its columns");
                }
            }
            TableFactor::Derived { lateral: true, .. } | TableFactor::Function { .. } => {
                return refuse("LATERAL", "LATERAL", "write it as a join, or as a query with ROW_NUMBER()");
            }
            TableFactor::Derived { sample: Some(_), .. } => {
                return refuse("TABLESAMPLE", "TABLESAMPLE", "write WHERE RANDOM() < 0.1");
            }
            TableFactor::UNNEST { .. } => {
                return refuse("UNNEST", "UNNEST", "write the elements out, or flatten them before");
            }
            TableFactor::Pivot { .. } => {
                return refuse("PIVOT", "PIVOT", "write one aggregate per column: SUM(x) FILTER (WHERE item = 'a')");
            }
            TableFactor::Unpivot { .. } => {
                return refuse("UNPIVOT", "UNPIVOT", "write one SELECT per column, and UNION ALL");
            }
            TableFactor::MatchRecognize { .. } => {
                let instead = "join the rows by an interval of time, or write an operator in Rust";
                return refuse("MATCH_RECOGNIZE", "MATCH_RECOGNIZE", instead);
            }
            TableFactor::JsonTable { .. } | TableFactor::OpenJsonTable { .. } | TableFactor::XmlTable { .. } => {
                return refuse("FROM", "a table made of a value", "use the functions for JSON in SELECT");
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
