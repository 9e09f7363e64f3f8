//! From DataFusion's optimised plan to our relations.

use super::attribute::{self, Attribute};
use super::context::{Source, meaning};
use super::join;
use super::lookup;
use super::not_null;
use super::rank;
use super::rel::{Changes, InWindow, Input, Op, Rel, RelId};
use super::window::{Assign, END, START, TIME, Window};
use crate::sql::catalog::Table;
use crate::sql::dialect::Query;
use crate::sql::error::{Error, Text};
use crate::sql::position::Position;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_common::{Column, DFSchema, DFSchemaRef, DataFusionError};
use datafusion_expr::{Aggregate, Expr, LogicalPlan};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// The relations of a program, as they come; equal ones once.
#[derive(Default)]
pub(super) struct Rels {
    pub(super) rels: Vec<Rel>,
    by_uid: BTreeMap<String, RelId>,
    /// The tables whose rows change.
    pub(super) changing: BTreeSet<String>,
    /// The columns of each table that the program needs.
    needed: BTreeMap<String, BTreeSet<usize>>,
}

/// One INSERT under work: where to look for the place of a mistake.
#[derive(Clone, Copy)]
pub(super) struct Statement<'a> {
    pub(super) text: Text<'a>,
    pub(super) query: &'a Query,
}

impl Statement<'_> {
    /// The first of these words in the query, else its beginning.
    pub(super) fn place(&self, words: &[&str]) -> Position {
        let is = |token: &str| words.iter().any(|word| token.eq_ignore_ascii_case(word));
        let token = self.query.tokens.iter().find(|token| is(token.token.to_string().trim_matches('`')));
        token.map_or(self.query.at, |token| token.span.start.into())
    }

    pub(super) fn unsupported(&self, words: &[&str], what: impl Into<String>, instead: impl Into<String>) -> Error {
        self.text.unsupported(self.place(words), what, instead)
    }

    pub(super) fn meaning(&self, error: &DataFusionError) -> Error {
        meaning(self.text, self.query.at, error)
    }
}

/// What a relation is made of; [`Rels::add`] gives it its uid.
pub(super) struct Made {
    pub(super) op: Op,
    pub(super) inputs: Vec<Input>,
    pub(super) schema: DFSchemaRef,
    pub(super) time: Option<usize>,
    pub(super) window: Option<InWindow>,
    pub(super) changes: Changes,
    pub(super) key: Option<Vec<usize>>,
}

impl Rels {
    /// Notes which columns a plan reads, before any is built: a table is read once for the whole program.
    pub(super) fn note(&mut self, plan: &LogicalPlan) -> Result<(), DataFusionError> {
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                let width = scan.source.schema().fields().len();
                let needed = self.needed.entry(scan.table_name.table().to_owned()).or_default();
                needed.extend(scan.projection.clone().unwrap_or_else(|| (0..width).collect()));
            }
            Ok(if lookup::is_lookup(node) { TreeNodeRecursion::Jump } else { TreeNodeRecursion::Continue })
        })?;
        Ok(())
    }

    pub(super) fn of(&self, input: &Input) -> &Rel {
        &self.rels[input.rel.0]
    }

    /// Adds a relation, or finds the equal one that is there.
    pub(super) fn add(&mut self, made: Made, at: Position) -> Input {
        let kind = made.op.name();
        let inputs: Vec<&str> = made.inputs.iter().map(|input| self.of(input).uid.as_str()).collect();
        let uid = match &made.op {
            Op::Scan { table, .. } => format!("scan/{}", table.name),
            op => format!("{kind}/{:016x}", xxh3_64(format!("{kind} {} {}", op.detail(), inputs.join(" ")).as_bytes())),
        };
        if let Some(id) = self.by_uid.get(&uid).filter(|_| !matches!(made.op, Op::Sink { .. })) {
            return Input { rel: *id, schema: made.schema };
        }
        let id = RelId(self.rels.len());
        self.by_uid.insert(uid.clone(), id);
        let Made { op, inputs, schema, time, window, changes, key } = made;
        let input = Input { rel: id, schema: Arc::clone(&schema) };
        self.rels.push(Rel { op, inputs, schema, time, window, changes, key, uid, at });
        input
    }

    /// Builds a plan's relations from the leaves up.
    pub(super) fn build(&mut self, plan: &LogicalPlan, of: Statement<'_>) -> Result<Input, Error> {
        let at = of.query.at;
        match plan {
            LogicalPlan::TableScan(scan) => {
                let Some(table) = scan.source.downcast_ref::<Source>().and_then(|source| source.table.clone()) else {
                    return Err(of.unsupported(&["FROM"], "this table", "create it with CREATE TABLE"));
                };
                self.scan(&table, &scan.table_name, at).map_err(|error| of.meaning(&error))
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let input = self.build(&alias.input, of)?;
                let columns =
                    input.schema.fields().iter().map(|f| (Some(alias.alias.clone()), Arc::clone(f))).collect();
                let schema = DFSchema::new_with_metadata(columns, input.schema.metadata().clone());
                Ok(Input { rel: input.rel, schema: Arc::new(schema.map_err(|error| of.meaning(&error))?) })
            }
            LogicalPlan::Projection(projection) => {
                let input = self.build(&projection.input, of)?;
                self.project(input, projection.expr.clone(), Arc::clone(&projection.schema), at)
                    .map_err(|error| of.meaning(&error))
            }
            LogicalPlan::Filter(filter) => {
                // The planner drops unused columns between the two.
                let (below, kept) = match &*filter.input {
                    LogicalPlan::Projection(projection) => (&*projection.input, Some(projection)),
                    other => (other, None),
                };
                if let LogicalPlan::Window(window) = below
                    && let Some(rank) = rank::of_filter(window, &filter.predicate)
                {
                    let input = self.build(&window.input, of)?;
                    let ranked = rank::build(self, input, rank, Arc::clone(&window.schema), of)?;
                    let Some(kept) = kept else { return Ok(ranked) };
                    return self
                        .project(ranked, kept.expr.clone(), Arc::clone(&kept.schema), at)
                        .map_err(|error| of.meaning(&error));
                }
                let input = self.build(&filter.input, of)?;
                let made = self.same(&input, Op::Filter { predicate: filter.predicate.clone() });
                Ok(self.add(made, at))
            }
            LogicalPlan::Aggregate(aggregate) => {
                let input = self.build(&aggregate.input, of)?;
                self.aggregate(input, aggregate, of)
            }
            LogicalPlan::Extension(extension) => match extension.node.as_any().downcast_ref::<Assign>() {
                Some(assign) => {
                    let input = self.build(&assign.input, of)?;
                    self.assign(input, assign, of)
                }
                None => Err(of.unsupported(&[], "this query", "write it in another way")),
            },
            LogicalPlan::Union(union) => {
                let mut inputs = Vec::new();
                for input in &union.inputs {
                    let built = self.build(input, of)?;
                    inputs.push(self.only(built, input.schema(), at).map_err(|error| of.meaning(&error))?);
                }
                let rels: Vec<&Rel> = inputs.iter().map(|input| self.of(input)).collect();
                let changes = rels.iter().map(|rel| rel.changes).max().unwrap_or(Changes::Append);
                let time = rels[0].time.filter(|time| rels.iter().all(|rel| rel.time == Some(*time)));
                let made = Made {
                    op: Op::Union,
                    inputs,
                    schema: Arc::clone(&union.schema),
                    time,
                    window: None,
                    changes,
                    key: None,
                };
                Ok(self.add(made, at))
            }
            LogicalPlan::Values(values) => {
                Ok(self.leaf(Op::Values { rows: values.values.clone() }, Arc::clone(&values.schema), at))
            }
            LogicalPlan::EmptyRelation(empty) => {
                let rows = if empty.produce_one_row { vec![Vec::new()] } else { Vec::new() };
                Ok(self.leaf(Op::Values { rows }, Arc::clone(&empty.schema), at))
            }
            LogicalPlan::Join(join) => {
                if let Some(right) = lookup::right(&join.right) {
                    let left = self.build(&join.left, of)?;
                    return lookup::build(self, left, right, join, of);
                }
                let (left, right) = (self.build(&join.left, of)?, self.build(&join.right, of)?);
                join::build(self, left, right, join, of)
            }
            LogicalPlan::Window(window) => {
                let input = self.build(&window.input, of)?;
                rank::over(self, input, window, of)
            }
            LogicalPlan::Sort(sort) => match sort.fetch {
                Some(limit) => {
                    let input = self.build(&sort.input, of)?;
                    rank::top(self, input, sort.expr.clone(), limit, of)
                }
                None => {
                    let instead = "a stream has no last row; sort in a window with ROW_NUMBER(), or add LIMIT";
                    Err(of.unsupported(&["ORDER"], "ORDER BY over a whole stream", instead))
                }
            },
            LogicalPlan::Limit(limit) => match &*limit.input {
                LogicalPlan::Sort(sort) if sort.fetch.is_some() && limit.skip.is_none() => self.build(&limit.input, of),
                _ => Err(of.unsupported(
                    &["LIMIT", "FETCH", "OFFSET"],
                    "LIMIT without ORDER BY, or with OFFSET",
                    "say which rows are the first: ORDER BY .. LIMIT n",
                )),
            },
            LogicalPlan::Subquery(_) | LogicalPlan::RecursiveQuery(_) => {
                Err(of.unsupported(&["RECURSIVE", "EXISTS", "IN"], "this subquery", "write it as a join"))
            }
            LogicalPlan::Unnest(_) => {
                Err(of.unsupported(&["UNNEST"], "UNNEST", "write the elements out, or flatten them before"))
            }
            other => {
                let name = other.display().to_string();
                Err(of.unsupported(&[], format!("this query ({name})"), "write it in another way"))
            }
        }
    }

    /// A relation without inputs.
    pub(super) fn leaf(&mut self, op: Op, schema: DFSchemaRef, at: Position) -> Input {
        let changes = Changes::Append;
        self.add(Made { op, inputs: Vec::new(), schema, time: None, window: None, changes, key: None }, at)
    }

    fn scan(
        &mut self,
        table: &Arc<Table>,
        name: &datafusion_common::TableReference,
        at: Position,
    ) -> Result<Input, DataFusionError> {
        let columns: Vec<usize> = self.needed.get(&table.name).into_iter().flatten().copied().collect();
        let schema = table.schema().project(&columns)?;
        let schema = Arc::new(DFSchema::try_from_qualified_schema(name.clone(), &schema)?);
        let time = table.watermark.as_ref();
        let time = time.and_then(|time| columns.iter().position(|at| table.columns[*at].name == time.column));
        let made = Made {
            op: Op::Scan { table: Arc::clone(table), columns },
            inputs: Vec::new(),
            schema,
            time,
            window: None,
            changes: if self.changing.contains(&table.name) { Changes::Update } else { Changes::Append },
            key: None,
        };
        Ok(self.add(made, at))
    }

    /// A relation with its input's columns and properties.
    pub(super) fn same(&self, input: &Input, op: Op) -> Made {
        let rel = self.of(input);
        Made {
            op,
            inputs: vec![input.clone()],
            schema: Arc::clone(&input.schema),
            time: rel.time,
            window: rel.window,
            changes: rel.changes,
            key: rel.key.clone(),
        }
    }

    pub(super) fn project(
        &mut self,
        input: Input,
        expressions: Vec<Expr>,
        schema: DFSchemaRef,
        at: Position,
    ) -> Result<Input, DataFusionError> {
        let from: Vec<Option<usize>> = expressions.iter().map(|e| index(not_null::inner(e), &input.schema)).collect();
        let to = |at: usize| from.iter().position(|source| *source == Some(at));
        let rel = self.of(&input);
        let window = rel.window.and_then(|w| Some(InWindow { start: to(w.start)?, end: to(w.end)?, ..w }));
        let made = Made {
            time: rel.time.and_then(to),
            window,
            changes: rel.changes,
            key: rel.key.as_ref().and_then(|key| key.iter().map(|at| to(*at)).collect()),
            op: Op::Project { expressions },
            inputs: vec![input],
            schema,
        };
        Ok(self.add(made, at))
    }

    /// An input without the columns that other queries need of the same table: where columns go by their place.
    fn only(&mut self, input: Input, wanted: &DFSchemaRef, at: Position) -> Result<Input, DataFusionError> {
        if input.schema.fields().len() == wanted.fields().len() {
            return Ok(input);
        }
        let columns = wanted.iter().map(|(of, field)| Expr::Column(Column::new(of.cloned(), field.name()))).collect();
        self.project(input, columns, Arc::clone(wanted), at)
    }

    fn assign(&mut self, input: Input, assign: &Assign, of: Statement<'_>) -> Result<Input, Error> {
        let places = ["TUMBLE", "HOP", "CUMULATE", "SESSION"];
        let columns: Option<Vec<usize>> = assign.columns.iter().map(|e| index(e, &input.schema)).collect();
        let columns = columns.unwrap_or_default();
        let rel = self.of(&input);
        let processing = assign.columns.first().and_then(|time| attribute::of(time, &assign.input));
        let processing = processing == Some(Attribute::Processing);
        let is_time = |time: usize| processing || rel.time == Some(time);
        let Some((&time, partition)) = columns.split_first().filter(|(time, _)| is_time(**time)) else {
            let wanted = assign.columns.first().map(ToString::to_string).unwrap_or_default();
            let message = match rel.time {
                Some(time) => format!("event time is `{}` here; found {wanted}", input.schema.field(time).name()),
                None => format!(
                    "{wanted} is not event time: give its table a WATERMARK FOR it, and select the column as it is; an \
                     expression, an aggregate or a join over it is an ordinary timestamp"
                ),
            };
            return Err(of.text.meaning(of.place(&places), message));
        };
        if rel.changes == Changes::Update {
            let instead = "a window takes rows that stay: put the window before the updating aggregate or join";
            return Err(of.unsupported(&places, "a window over rows that change", instead));
        }
        let width = input.schema.fields().len();
        // The input may carry columns that the planner had pruned: so the schema is made anew.
        let added = assign.schema.fields().len() - 3;
        let mut fields: Vec<_> = input.schema.iter().map(|(q, f)| (q.cloned(), Arc::clone(f))).collect();
        fields.extend(assign.schema.iter().skip(added).map(|(q, f)| (q.cloned(), Arc::clone(f))));
        let schema = DFSchema::new_with_metadata(fields, input.schema.metadata().clone());
        let schema = Arc::new(schema.map_err(|error| of.meaning(&error))?);
        debug_assert_eq!(schema.field(width + 2).name(), TIME);
        let made = Made {
            op: Op::WindowAssign { window: assign.window, time, partition: partition.to_vec() },
            inputs: vec![input],
            schema,
            time: (!processing).then_some(width + 2),
            window: Some(InWindow { window: assign.window, start: width, end: width + 1, processing }),
            changes: Changes::Append,
            key: None,
        };
        Ok(self.add(made, of.query.at))
    }

    fn aggregate(&mut self, input: Input, aggregate: &Aggregate, of: Statement<'_>) -> Result<Input, Error> {
        let rel = self.of(&input);
        let groups: Vec<Option<usize>> = aggregate.group_expr.iter().map(|e| index(e, &input.schema)).collect();
        if aggregate.group_expr.iter().any(|e| matches!(e, Expr::GroupingSet(_))) {
            let instead = "write one query per grouping, and UNION ALL";
            return Err(of.unsupported(&["GROUPING", "ROLLUP", "CUBE"], "grouping by several sets", instead));
        }
        let (op, changes) = (rel.changes, aggregate.aggr_expr.is_empty());
        let place = |at: usize| groups.iter().position(|group| *group == Some(at));
        let bounds = rel.window.map(|w| (w.window, place(w.start), place(w.end)));
        let processing = rel.window.is_some_and(|w| w.processing);
        let (group_expr, aggregates) = (aggregate.group_expr.clone(), aggregate.aggr_expr.clone());
        let made = match bounds {
            Some((window, Some(start), Some(end))) => Made {
                op: Op::WindowAggregate { window, groups: group_expr, start, end, aggregates },
                time: rel.time.and_then(place),
                // The results come when the clock says so: they are in no window that could be told by rows.
                window: (!processing).then_some(InWindow { window, start, end, processing }),
                schema: Arc::clone(&aggregate.schema),
                changes: Changes::Append,
                key: None,
                inputs: vec![input],
            },
            Some((Window::Session { .. }, _, _)) => {
                let instead = format!("group by both {START} and {END}");
                return Err(of.unsupported(&["GROUP", START, END], "grouping a session without its bounds", instead));
            }
            _ => Made {
                time: None,
                window: None,
                schema: Arc::clone(&aggregate.schema),
                changes: if changes { op } else { Changes::Update },
                key: Some((0..group_expr.len()).collect()),
                op: Op::GroupAggregate { groups: group_expr, aggregates },
                inputs: vec![input],
            },
        };
        Ok(self.add(made, of.query.at))
    }
}

/// Which column of the schema an expression is, perhaps under another name.
pub(in crate::sql) fn index(expression: &Expr, schema: &DFSchema) -> Option<usize> {
    match expression {
        Expr::Column(column) => column_index(column, schema),
        Expr::Alias(alias) => index(&alias.expr, schema),
        _ => None,
    }
}

fn column_index(column: &Column, schema: &DFSchema) -> Option<usize> {
    schema.maybe_index_of_column(column)
}
