//! A program as text for people (a tree per INSERT), as JSON, and as a picture (Mermaid, Graphviz).

use super::catalog::Table;
use super::plan::{Changes, Op, Program, RankBy, Rel, RelId};
use datafusion_expr::Expr;
use std::collections::BTreeSet;
use std::fmt::{Display, Write};

fn list<T: Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn pairs(on: &[(Expr, Expr)]) -> String {
    on.iter().map(|(left, right)| format!("{left} = {right}")).collect::<Vec<_>>().join(" AND ")
}

/// A table with some of its columns.
fn listed(table: &Table, columns: &[usize]) -> String {
    let names: Vec<_> = columns.iter().map(|at| table.columns[*at].name.as_str()).collect();
    format!("{} ({})", table.name, names.join(", "))
}

impl Op {
    /// A word for the kind of operator; the first part of its uid.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Scan { .. } => "scan",
            Self::LateRows { .. } => "late_rows",
            Self::Values { .. } => "values",
            Self::Project { .. } => "project",
            Self::Filter { .. } => "filter",
            Self::WindowAssign { .. } => "window_assign",
            Self::WindowAggregate { .. } => "window_aggregate",
            Self::GroupAggregate { .. } => "group_aggregate",
            Self::Union => "union",
            Self::WindowJoin { .. } => "window_join",
            Self::IntervalJoin { .. } => "interval_join",
            Self::RegularJoin { .. } => "regular_join",
            Self::LookupJoin { .. } => "lookup_join",
            Self::Rank { by: RankBy::Window, .. } => "window_top_n",
            Self::Rank { by: RankBy::First | RankBy::Last, .. } => "deduplicate",
            Self::Rank { by: RankBy::Any, .. } => "top_n",
            Self::Over { .. } => "over",
            Self::Sink { .. } => "sink",
        }
    }

    /// All that makes the operator what it is, in one line; equal for equal operators.
    pub fn detail(&self) -> String {
        let joined = |kind: &dyn Display, on: &[(Expr, Expr)], filter: Option<&Expr>| {
            let filter = filter.map(|filter| format!(" AND {filter}")).unwrap_or_default();
            format!("{} ON {}{filter}", kind.to_string().to_lowercase(), pairs(on))
        };
        match self {
            Self::Scan { table, columns } | Self::LateRows { table, columns } => listed(table, columns),
            Self::Values { rows } => rows.iter().map(|row| format!("({})", list(row))).collect::<Vec<_>>().join(", "),
            Self::Project { expressions } => list(expressions),
            Self::Filter { predicate } => predicate.to_string(),
            Self::WindowAssign { window, time, partition } => {
                let partition: Vec<_> = partition.iter().map(|at| format!(" by #{at}")).collect();
                format!("{window} of #{time}{}", partition.join(""))
            }
            Self::WindowAggregate { window, groups, aggregates, .. } => {
                format!("{window} of {}: {}", list(groups), list(aggregates))
            }
            Self::GroupAggregate { groups, aggregates } => format!("{}: {}", list(groups), list(aggregates)),
            Self::Union => String::new(),
            Self::WindowJoin { kind, on, filter } | Self::RegularJoin { kind, on, filter } => {
                joined(kind, on, filter.as_ref())
            }
            Self::IntervalJoin { kind, on, lower_ms, upper_ms, filter } => {
                format!("{lower_ms} ms to {upper_ms} ms, {}", joined(kind, on, filter.as_ref()))
            }
            Self::LookupJoin { table, columns, kind, on, filter, .. } => {
                format!("{}, {}", listed(table, columns), joined(kind, on, filter.as_ref()))
            }
            Self::Rank { partition, order, limit, by } => {
                let by = match by {
                    RankBy::First => " (the earliest)",
                    RankBy::Last => " (the latest)",
                    RankBy::Window | RankBy::Any => "",
                };
                format!("{limit} of [{}] in the order {}{by}", list(partition), list(order))
            }
            Self::Over { functions } => list(functions),
            Self::Sink { table } => table.name.clone(),
        }
    }

    /// The operator in words, for messages.
    pub fn title(&self) -> String {
        match self {
            Self::GroupAggregate { .. } => "an aggregate without a window".to_owned(),
            Self::RegularJoin { kind, .. } => {
                format!("a {} join without a time bound", kind.to_string().to_lowercase())
            }
            Self::Rank { .. } => "a ROW_NUMBER() outside of a window".to_owned(),
            other => format!("`{}`", other.name()),
        }
    }

    /// By which expressions the rows of each input are spread over subtasks; `None`: as they come.
    pub fn exchange(&self, input: usize) -> Option<Vec<Expr>> {
        match self {
            Self::WindowAggregate { groups, start, end, .. } => {
                let keys = groups.iter().enumerate().filter(|(at, _)| at != start && at != end);
                Some(keys.map(|(_, key)| key.clone()).collect())
            }
            Self::GroupAggregate { groups, .. } => Some(groups.clone()),
            Self::Rank { partition, .. } => Some(partition.clone()),
            Self::WindowJoin { on, .. } | Self::IntervalJoin { on, .. } | Self::RegularJoin { on, .. } => {
                let side = |(left, right): &(Expr, Expr)| if input == 0 { left.clone() } else { right.clone() };
                Some(on.iter().map(side).collect())
            }
            Self::Over { functions } => match functions.first().cloned().map(Expr::unalias) {
                Some(Expr::WindowFunction(function)) => Some(function.params.partition_by),
                _ => None,
            },
            _ => None,
        }
    }

    /// What the operator remembers, if it remembers anything.
    pub fn state(&self) -> Option<&'static str> {
        match self {
            Self::WindowAggregate { .. } => Some("open windows by key"),
            Self::GroupAggregate { .. } => Some("one aggregate per key, until the state TTL"),
            Self::WindowJoin { .. } => Some("the rows of open windows, both sides"),
            Self::IntervalJoin { .. } => Some("the rows within the bounds, both sides"),
            Self::RegularJoin { .. } => Some("all rows of both sides, until the state TTL"),
            Self::Rank { by: RankBy::Window, .. } => Some("the first rows of open windows"),
            Self::Rank { .. } => Some("the first rows per key, until the state TTL"),
            Self::Over { .. } => Some("the rows of the frame, per key"),
            _ => None,
        }
    }
}

impl Program {
    /// The program as text: for each INSERT a tree, the sink first; what was shown before is named by its uid only.
    pub fn explain(&self) -> String {
        let mut text = String::new();
        let mut shown = BTreeSet::new();
        for sink in &self.sinks {
            self.tree(*sink, 0, &mut shown, &mut text);
        }
        text
    }

    fn tree(&self, id: RelId, depth: usize, shown: &mut BTreeSet<RelId>, text: &mut String) {
        let rel = self.rel(id);
        let indent = "  ".repeat(depth);
        if !shown.insert(id) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{indent}{} (as above)", rel.uid);
            return;
        }
        let _ = write!(text, "{indent}{} {}", rel.op.name(), rel.op.detail());
        if rel.changes == Changes::Update {
            text.push_str(" | changes");
        }
        if let Some(keys) = rel.op.exchange(0) {
            let keys = if keys.is_empty() { "one subtask".to_owned() } else { format!("hash({})", list(&keys)) };
            let _ = write!(text, " | {keys}");
        }
        if let Some(state) = rel.op.state() {
            let _ = write!(text, " | keeps {state}");
        }
        let _ = writeln!(text);
        for input in &rel.inputs {
            self.tree(input.rel, depth + 1, shown, text);
        }
    }

    /// The program as JSON: an array of operators, the inputs of each before it.
    pub fn explain_json(&self) -> serde_json::Value {
        let operator = |rel: &Rel| {
            let inputs: Vec<_> = (0..rel.inputs.len())
                .map(|nth| {
                    let keys =
                        rel.op.exchange(nth).map(|keys| keys.iter().map(ToString::to_string).collect::<Vec<_>>());
                    serde_json::json!({ "uid": self.rel(rel.inputs[nth].rel).uid, "hash": keys })
                })
                .collect();
            let time = rel.time.map(|at| rel.schema.field(at).name().clone());
            serde_json::json!({
                "uid": rel.uid,
                "kind": rel.op.name(),
                "detail": rel.op.detail(),
                "inputs": inputs,
                "columns": rel.schema.fields().iter().map(|field| {
                    serde_json::json!({ "name": field.name(), "type": super::types::type_name(field.data_type()) })
                }).collect::<Vec<_>>(),
                "event_time": time,
                "state": rel.op.state(),
                "changes": rel.changes == Changes::Update,
            })
        };
        serde_json::Value::Array(self.rels.iter().map(operator).collect())
    }

    /// The program as a Mermaid flowchart.
    pub fn explain_mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        for (id, rel) in self.rels.iter().enumerate() {
            let label = format!("{} {}", rel.op.name(), rel.op.detail()).replace('"', "#quot;");
            let _ = writeln!(text, "  r{id}[\"{label}\"]");
            for (nth, input) in rel.inputs.iter().enumerate() {
                let arrow = if rel.op.exchange(nth).is_some() { "-->|hash|" } else { "-->" };
                let _ = writeln!(text, "  r{} {arrow} r{id}", input.rel.0);
            }
        }
        text
    }

    /// The program as a Graphviz graph.
    pub fn explain_dot(&self) -> String {
        let mut text = "digraph program {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
        for (id, rel) in self.rels.iter().enumerate() {
            let label = format!("{} {}", rel.op.name(), rel.op.detail()).replace('\\', "\\\\").replace('"', "\\\"");
            let _ = writeln!(text, "  r{id} [label=\"{label}\"];");
            for (nth, input) in rel.inputs.iter().enumerate() {
                let label = if rel.op.exchange(nth).is_some() { " [label=hash]" } else { "" };
                let _ = writeln!(text, "  r{} -> r{id}{label};", input.rel.0);
            }
        }
        text.push_str("}\n");
        text
    }
}
