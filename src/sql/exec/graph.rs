//! The walk over the plan.

use super::ExecError;
use super::flow::{Bound, Flow, Prepared, Within};
use super::group_aggregate::{GroupAggregate, group_aggregate};
use super::join::{Columns, Join, Side, TableRows, interval, lookup, regular, window};
use super::late::{LATE, LateRows, Riding, uid as late_uid};
use super::order::{By, Order};
use super::over::{Planned, over};
use super::rank::{Rank, rank};
use super::sink::{Written, sink};
use super::values::values;
use super::window_aggregate::{From, WindowAggregate, window_aggregate};
use super::windowing::Windowing;
use crate::api::Job;
use crate::connector::MemorySource;
use crate::sql::EvalError;
use crate::sql::aggregate::{Lowered, Refused};
use crate::sql::catalog::Table;
use crate::sql::plan::{Changes, Env, Input, Op, Program, RankBy, Rel, RelId, Window};
use crate::sql::row::{Row, RowCodec};
use crate::time::Timestamp;
use datafusion_common::{DFSchema, JoinType};
use datafusion_expr::Expr;
use datafusion_expr::logical_plan::builder::build_join_schema;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The dataflow of a program: what all its INSERTs do, except those that are only explained.
///
/// * `env`: with the connectors that have checked the tables.
/// * `now`: what a query of constants tells the time by.
///
/// # Errors
/// What is planned but cannot be run, and tables that cannot be read or written.
pub fn job(program: &Program, env: &Env, now: Timestamp) -> Result<Job, ExecError> {
    let job = Job::new(program.settings.name.as_deref().unwrap_or("sql"));
    job.record_type::<Row>();
    let mut walk = Walk {
        program,
        env,
        job: &job,
        now,
        readers: vec![0; program.rels.len()],
        flows: Vec::new(),
        late: LateRows::default(),
    };
    walk.count_readers();
    for number in 0..program.rels.len() {
        let flow = if walk.readers[number] > 0 { Some(walk.relation(&program.rels[number])?) } else { None };
        walk.flows.push(flow);
    }
    Ok(job)
}

struct Walk<'p> {
    program: &'p Program,
    env: &'p Env,
    job: &'p Job,
    now: Timestamp,
    /// How many relations read each; a sink that is run counts as read.
    readers: Vec<usize>,
    /// What each gives; `None` if nobody reads it.
    flows: Vec<Option<Flow>>,
    late: LateRows,
}

impl Walk<'_> {
    fn count_readers(&mut self) {
        let explained: BTreeSet<RelId> = self.program.explained.iter().copied().collect();
        let mut open: Vec<RelId> =
            self.program.sinks.iter().copied().filter(|sink| !explained.contains(sink)).collect();
        while let Some(RelId(number)) = open.pop() {
            self.readers[number] += 1;
            if self.readers[number] == 1 {
                open.extend(self.program.rels[number].inputs.iter().map(|input| input.rel));
            }
        }
    }

    fn flow(&self, input: &Input) -> Flow {
        self.flows[input.rel.0].clone().expect("the inputs of a relation stand before it")
    }

    fn prepare(&self, flow: Flow, uid: &str) -> Result<Prepared, ExecError> {
        flow.prepare(self.within(), uid)
    }

    fn within(&self) -> Within<'_> {
        Within { job: self.job, env: self.env, settings: &self.program.settings, late: &self.late }
    }

    /// With the columns that ride for late rows, if any do.
    fn prepare_riding(&self, flow: Flow, uid: &str) -> Result<(Prepared, Option<Arc<Riding>>), ExecError> {
        let riding = flow.riding();
        Ok((flow.prepare_riding(self.within(), uid)?, riding))
    }

    /// What rides behind the rows of a table: what its late rows are to be written with.
    fn riding(&self, table: &Table) -> Option<Arc<Riding>> {
        self.program.rels.iter().zip(&self.readers).find_map(|(rel, readers)| match &rel.op {
            Op::LateRows { table: of, columns } if *readers > 0 && of.name == table.name => {
                Some(Arc::new(Riding::new(of, columns)))
            }
            _ => None,
        })
    }

    /// Notes the rows that an operator drops, for each input of which columns ride.
    fn note_late(
        &self,
        operator: &Prepared,
        sides: &[(&RowCodec, &Option<Arc<Riding>>)],
        uid: &str,
    ) -> Result<(), ExecError> {
        for (side, (codec, riding)) in sides.iter().enumerate() {
            if let Some(riding) = riding {
                self.late.add(riding, codec, &operator.stream.side(&LATE[side]), &format!("{uid}/{side}"))?;
            }
        }
        Ok(())
    }

    fn ttl(&self) -> Option<Duration> {
        self.program.settings.state_ttl.filter(|ttl| !ttl.is_zero())
    }

    /// What a relation gives. If several read it, its rows are made once.
    fn relation(&self, rel: &Rel) -> Result<Flow, ExecError> {
        let flow = self.operator(rel)?;
        let is_shared =
            self.program.rels.iter().position(|other| std::ptr::eq(other, rel)).is_some_and(|at| self.readers[at] > 1);
        if !is_shared {
            return Ok(flow);
        }
        let (prepared, riding) = self.prepare_riding(flow, &format!("{}/shared", rel.uid))?;
        Ok(Flow::riding_rows(prepared, riding))
    }

    fn operator(&self, rel: &Rel) -> Result<Flow, ExecError> {
        let schema = rel.schema.as_arrow();
        Ok(match (&rel.op, rel.inputs.as_slice()) {
            (Op::Scan { table, columns }, _) => Flow::table(table, columns, schema, self.riding(table)),
            (Op::LateRows { table, .. }, _) => Flow::rows(self.late.of(self.job, table, schema, &rel.uid)?),
            (Op::Values { rows }, _) => {
                let codec = RowCodec::new(schema)?;
                let rows = values(rows, &codec, self.now)?;
                Flow::rows(Prepared { stream: self.job.source(MemorySource::new(rows)).uid(&rel.uid), codec })
            }
            (Op::Project { expressions }, [input]) => self.flow(input).project(&input.schema, expressions, schema)?,
            (Op::Filter { predicate }, [input]) => self.flow(input).filter(&input.schema, predicate)?,
            (Op::Union, [first, others @ ..]) => {
                let uid = |number: usize| format!("{}/{number}", rel.uid);
                let first = self.prepare(self.flow(first), &uid(0))?;
                let mut streams = Vec::new();
                for (number, other) in others.iter().enumerate() {
                    streams.push(self.prepare(self.flow(other), &uid(number + 1))?.stream);
                }
                Flow::rows(Prepared { stream: first.stream.union_all(&streams), codec: first.codec })
            }
            (Op::WindowAssign { window, time, partition }, [input]) => {
                self.flow(input).assign(&input.schema, (*window, *time, partition), schema, &rel.uid)?
            }
            (Op::Rank { partition, order, limit, by }, [input]) => {
                let reads: Vec<Expr> = partition.iter().chain(order.iter().map(|by| &by.expr)).cloned().collect();
                let (flow, columns) = self.flow(input).with_columns(&input.schema, &reads)?;
                let (partition, ordered) = columns.split_at(partition.len());
                let by_column = ordered.iter().zip(order).map(|(column, sort)| By {
                    column: *column,
                    ascending: sort.asc,
                    nulls_first: sort.nulls_first,
                });
                let uid = format!("{}/input", rel.uid);
                let (prepared, riding) = match by {
                    RankBy::Window => self.prepare_riding(flow, &uid)?,
                    _ => (self.prepare(flow, &uid)?, None),
                };
                let uid = late_uid(&rel.uid, riding.is_some());
                let source = self.program.rel(input.rel);
                let rank_of = Rank {
                    partition,
                    order: Order::new(&prepared.codec, by_column.collect()),
                    limit: usize::try_from(*limit).unwrap_or(usize::MAX),
                    by: *by,
                    windowing: match (source.window, self.at_end(input)) {
                        (_, Some(window)) => Some(Windowing::End(window)),
                        (columns, None) => columns.map(|window| Windowing::Columns(window.start, window.end)),
                    },
                    changes: source.changes == Changes::Update,
                    ttl: self.ttl(),
                    output: schema,
                    uid: &uid,
                };
                let (ranked, late) = rank(&prepared, rank_of)?;
                if let Some((riding, late)) = riding.zip(late) {
                    self.late.add_from_window(&riding, &prepared.codec, &late, &uid)?;
                }
                Flow::rows(ranked)
            }
            (Op::WindowAggregate { groups, start, end, aggregates, .. }, [input]) => {
                self.window_aggregate(rel, input, (groups, *start, *end), aggregates)?
            }
            (Op::GroupAggregate { groups, aggregates }, [input]) => {
                let lowered = self.lower(rel, input, groups, aggregates)?;
                let changes = self.program.rel(input.rel).changes == Changes::Update;
                if let Some(name) = lowered.irrevocable().filter(|_| changes) {
                    let what = format!("{name} over rows that change");
                    let instead = "use COUNT(DISTINCT ..), or aggregate in a window".to_owned();
                    return Err(ExecError::Unsupported { at: rel.at, what, instead });
                }
                let (uid, reads) = (format!("{}/input", rel.uid), (&*input.schema, &*lowered.columns));
                let (prepared, columns) =
                    self.flow(input).without_riding()?.prepare_columns(self.within(), reads, &uid)?;
                let aggregate = GroupAggregate {
                    keys: &columns[..groups.len()],
                    aggregates: lowered.placed(&columns).machine(prepared.codec.schema(), changes)?,
                    output: schema,
                    ttl: self.ttl(),
                    uid: &rel.uid,
                };
                Flow::rows(group_aggregate(&prepared, aggregate)?)
            }
            (Op::WindowJoin { kind, on, filter }, [left, right]) => {
                let end = |input: &Input| self.program.rel(input.rel).window.map(|window| window.end);
                let ends = end(left).zip(end(right)).expect("the inputs of a window join are in windows");
                let build = |l: &Side, r: &Side, join: &Join<'_>| window(l, r, ends, join);
                self.join(rel, (left, right), (*kind, on, filter.as_ref()), (true, build))?
            }
            (Op::IntervalJoin { kind, on, lower_ms, upper_ms, filter }, [left, right]) => {
                let build = |l: &Side, r: &Side, join: &Join<'_>| interval(l, r, (*lower_ms, *upper_ms), join);
                self.join(rel, (left, right), (*kind, on, filter.as_ref()), (true, build))?
            }
            (Op::RegularJoin { kind, on, filter }, [left, right]) => {
                let build = |l: &Side, r: &Side, join: &Join<'_>| regular(l, r, self.ttl(), join);
                self.join(rel, (left, right), (*kind, on, filter.as_ref()), (false, build))?
            }
            (Op::LookupJoin { table, columns, schema, kind, on, filter }, [input]) => {
                let read = Flow::table(table, columns, schema.as_arrow(), None);
                let right_keys: Vec<Expr> = on.iter().map(|(_, right)| right.clone()).collect();
                let (read, keys) = read.with_columns(schema, &right_keys)?;
                let read = (read, schema.fields().len(), keys);
                let rows = Arc::new(TableRows::read(&table.name, read, (self.env, &self.program.settings))?);
                let keys = on.iter().map(|(left, _)| left.clone()).collect();
                let (left, _) = self.side(rel, input, keys, ("left", false))?;
                let build = |join: &Join<'_>| lookup(&left, rows, join);
                Flow::rows(self.joined((rel, &rel.uid), (&input.schema, schema), (*kind, filter.as_ref()), build)?)
            }
            (Op::Over { functions }, [input]) => {
                let planned = Planned::new(&input.schema, functions, schema);
                let planned = planned.map_err(|refused| self.refused(rel, refused))?;
                let (flow, columns) = self.flow(input).with_columns(&input.schema, planned.reads())?;
                let (prepared, riding) = self.prepare_riding(flow, &format!("{}/input", rel.uid))?;
                let uid = late_uid(&rel.uid, riding.is_some());
                let widened = over(&prepared, planned, &columns, (schema, self.ttl(), &uid))?;
                self.note_late(&widened, &[(&prepared.codec, &riding)], &uid)?;
                Flow::rows(widened)
            }
            (Op::Sink { table }, [input]) => {
                let source = self.program.rel(input.rel);
                let without_key = source.changes == Changes::Update && source.key.is_none();
                let flow = self.flow(input);
                let written = Written { flow: flow.clone(), input: &input.schema, without_key, ttl: self.ttl() };
                sink(written, self.within(), table, &rel.uid)?;
                flow
            }
            (op, _) => unreachable!("the planner gives {} its inputs", op.title()),
        })
    }

    /// * `drops`: whether the join drops rows that come late.
    fn join(
        &self,
        rel: &Rel,
        (left, right): (&Input, &Input),
        (kind, on, filter): (JoinType, &[(Expr, Expr)], Option<&Expr>),
        (drops, build): (bool, impl FnOnce(&Side, &Side, &Join<'_>) -> Result<Prepared, ExecError>),
    ) -> Result<Flow, ExecError> {
        let (left_keys, right_keys) = on.iter().cloned().unzip();
        let (l, left_rides) = self.side(rel, left, left_keys, ("left", drops))?;
        let (r, right_rides) = self.side(rel, right, right_keys, ("right", drops))?;
        let uid = late_uid(&rel.uid, left_rides.is_some() || right_rides.is_some());
        let schemas = (&*left.schema, &*right.schema);
        let joined = self.joined((rel, &uid), schemas, (kind, filter), |join| build(&l, &r, join))?;
        self.note_late(&joined, &[(&l.columns.codec, &left_rides), (&r.columns.codec, &right_rides)], &uid)?;
        Ok(Flow::rows(joined))
    }

    /// One side of a join, with its keys as columns.
    ///
    /// * `rides`: whether columns for late rows come along.
    fn side(
        &self,
        rel: &Rel,
        input: &Input,
        keys: Vec<Expr>,
        (name, rides): (&str, bool),
    ) -> Result<(Side, Option<Arc<Riding>>), ExecError> {
        let (flow, keys) = self.flow(input).with_columns(&input.schema, &keys)?;
        let uid = format!("{}/{name}", rel.uid);
        let (Prepared { stream, codec }, riding) =
            if rides { self.prepare_riding(flow, &uid)? } else { (self.prepare(flow, &uid)?, None) };
        let columns = Columns { codec, width: input.schema.fields().len(), keys };
        Ok((Side { stream, columns }, riding))
    }

    /// * `left`, `right`: the columns that the condition is about.
    fn joined(
        &self,
        (rel, uid): (&Rel, &str),
        (left, right): (&DFSchema, &DFSchema),
        (kind, filter): (JoinType, Option<&Expr>),
        build: impl FnOnce(&Join<'_>) -> Result<Prepared, ExecError>,
    ) -> Result<Prepared, ExecError> {
        let both = build_join_schema(left, right, &JoinType::Inner);
        let both =
            both.map_err(|cause| EvalError::Expression { expression: rel.op.title(), cause: cause.strip_backtrace() })?;
        let condition = filter.map(|filter| (&both, filter));
        let join = Join { kind, condition, output: rel.schema.as_arrow(), at: rel.at, uid };
        build(&join)
    }

    fn lower(&self, rel: &Rel, input: &Input, keys: &[Expr], aggregates: &[Expr]) -> Result<Lowered, ExecError> {
        let fields = rel.schema.fields();
        let results: Vec<_> = fields[fields.len() - aggregates.len()..].iter().map(|f| f.data_type().clone()).collect();
        Lowered::new(&input.schema, keys, aggregates, &results).map_err(|refused| self.refused(rel, refused))
    }

    fn refused(&self, rel: &Rel, refused: Refused) -> ExecError {
        ExecError::Unsupported { at: rel.at, what: refused.what, instead: refused.instead }
    }

    /// The windows of rows that stand at the last instant of theirs, if it lies on a grid.
    fn at_end(&self, input: &Input) -> Option<Window> {
        let rel = self.program.rel(input.rel);
        match (&rel.op, rel.window.filter(|window| !window.processing).map(|window| window.window)) {
            (_, None | Some(Window::Session { .. })) => None,
            (Op::WindowAggregate { .. } | Op::Rank { by: RankBy::Window, .. }, window) => window,
            // The window is that of the left rows; a right one without a partner has none.
            (Op::WindowJoin { kind: JoinType::Right | JoinType::Full, .. }, _) => None,
            (Op::WindowJoin { .. }, window) => window,
            (Op::Project { .. } | Op::Filter { .. }, _) => self.at_end(&rel.inputs[0]),
            _ => None,
        }
    }

    fn window_aggregate(
        &self,
        rel: &Rel,
        input: &Input,
        (groups, start, end): (&[Expr], usize, usize),
        aggregates: &[Expr],
    ) -> Result<Flow, ExecError> {
        let flow = self.flow(input);
        let by_clock = self.program.rel(input.rel).window.is_some_and(|window| window.processing);
        // The key is all that is grouped by, but for what tells of the window.
        let (mut from, mut keys) = (Vec::new(), Vec::new());
        for (number, group) in groups.iter().enumerate() {
            from.push(match flow.bound(&input.schema, group) {
                _ if number == start => From::Start,
                _ if number == end => From::End,
                Some(Bound::Start) => From::Start,
                Some(Bound::End) => From::End,
                Some(Bound::Last) => From::Time,
                None => {
                    keys.push(group.clone());
                    From::Key(keys.len() - 1)
                }
            });
        }
        from.extend((0..aggregates.len()).map(From::Aggregate));
        let mut lowered = self.lower(rel, input, &keys, aggregates)?;
        let (flow, mut windowing) = match (flow.unassigned(&input.schema, &lowered.columns), self.at_end(input)) {
            (Some((flow, window)), _) if by_clock => (flow, Windowing::Clock(window)),
            (Some((flow, window)), _) => (flow, Windowing::EventTime(window)),
            (None, _) if by_clock => {
                let what = "an expression over the bounds of a window over processing time".to_owned();
                let instead = "compute it of the result, behind the aggregate".to_owned();
                return Err(ExecError::Unsupported { at: rel.at, what, instead });
            }
            (None, Some(window)) => (flow, Windowing::End(window)),
            (None, None) => {
                // The bounds come behind all that the aggregates read.
                let width = lowered.columns.len();
                lowered.columns.extend([groups[start].clone(), groups[end].clone()]);
                (flow, Windowing::Columns(width, width + 1))
            }
        };
        let (uid, riding) = (format!("{}/input", rel.uid), flow.riding());
        let (prepared, columns) = flow.prepare_columns(self.within(), (&input.schema, &lowered.columns), &uid)?;
        if let Windowing::Columns(start, end) = &mut windowing {
            (*start, *end) = (columns[*start], columns[*end]);
        }
        let aggregate = WindowAggregate {
            windowing,
            keys: &columns[..keys.len()],
            aggregates: lowered.placed(&columns).machine(prepared.codec.schema(), false)?,
            from,
            output: rel.schema.as_arrow(),
            uid: &rel.uid,
        };
        let (results, late) = window_aggregate(&prepared, aggregate)?;
        if let Some(riding) = riding {
            self.late.add_from_window(&riding, &prepared.codec, &late, &rel.uid)?;
        }
        Ok(Flow::rows(results))
    }
}
