//! Joins with a small table that does not change.
//!
//! The table is read when the dataflow is made, by a job of its own that runs to its end: whatever can be read as a stream can
//! be looked up, and a row that cannot be read is known before the first one is joined.

use super::kind::Kind;
use super::shape::Shape;
use super::{Columns, Join, Side};
use crate::api::Job;
use crate::config::{Config, Restart};
use crate::connector::CollectSink;
use crate::operator::process::Failure;
use crate::operator::{AnyStage, BuildContext, Error, OnError, Site, Stage, StageFactory, erase, only};
use crate::sql::exec::flow::{Flow, Within};
use crate::sql::exec::late::LateRows;
use crate::sql::exec::{ExecError, Prepared};
use crate::sql::plan::Env;
use crate::sql::row::{KeyCodec, Row, RowKey};
use crate::sql::settings::Settings;
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// The rows of a table, by key.
#[derive(Debug)]
pub(in crate::sql) struct TableRows {
    columns: Columns,
    rows: HashMap<RowKey, Vec<Row>>,
}

impl TableRows {
    /// Reads the table, in this thread.
    ///
    /// * `name`: of the table.
    /// * `flow`: its columns, and behind the first `width` of them what has been computed for the join.
    ///
    /// # Errors
    /// If it cannot be read, or one of its rows cannot.
    pub(in crate::sql) fn read(
        name: &str,
        (flow, width, keys): (Flow, usize, Vec<usize>),
        (env, settings): (&Env, &Settings),
    ) -> Result<Self, ExecError> {
        let job = Job::new(format!("read {name}"));
        job.record_type::<Row>();
        let Prepared { stream, codec } =
            flow.prepare(Within { job: &job, env, settings, late: &LateRows::default() }, "rows")?;
        let sink = CollectSink::new();
        let rows = sink.handle();
        stream.on_error(OnError::fail().after_restarts(0)).sink(sink).uid("table");
        let config = Config::default().parallelism(1).restart(Restart::None);
        job.start(config).and_then(|running| running.wait()).map_err(|error| ExecError::Table {
            table: name.to_owned(),
            message: format!("it is looked up, and cannot be read whole: {error}"),
        })?;
        Self::new(Columns { codec, width, keys }, rows.rows())
    }

    /// * `columns`: of the rows. Those with a NULL in a key are left out: they are equal to nothing.
    ///
    /// # Errors
    /// If a row is none of these columns.
    pub(in crate::sql) fn new(columns: Columns, rows: impl IntoIterator<Item = Row>) -> Result<Self, ExecError> {
        let keys = KeyCodec::new(&columns.codec, &columns.keys)?;
        let mut by_key: HashMap<RowKey, Vec<Row>> = HashMap::new();
        for row in rows {
            let key = keys.key(&row)?;
            if !keys.has_null(&key)? {
                by_key.entry(key).or_default().push(row);
            }
        }
        Ok(TableRows { columns, rows: by_key })
    }
}

/// Joins each row with those of a table that does not change.
///
/// Shape: one result per row of the table with the same key for which the condition holds, in the order of the table; one for a
/// row without any, if the kind of join tells it. Each has the kind and the event time of the row of the stream, so a stream that
/// changes stays right. Stateless.
///
/// * `left`: the stream; `table` is the right side.
///
/// # Errors
/// If the columns do not fit, the condition cannot be evaluated, or the kind of join tells rows of the table that have no
/// partner: that is known only when the stream has ended.
pub(in crate::sql) fn lookup(left: &Side, table: Arc<TableRows>, join: &Join<'_>) -> Result<Prepared, ExecError> {
    let (shape, exchanged) = Shape::new(&left.columns, &table.columns, join)?;
    if exchanged || shape.kind.tells_alone(1) {
        return Err(ExecError::Unsupported {
            at: join.at,
            what: format!("a {} join with a table that is looked up", join.kind),
            instead: "write an inner or a left join, with that table on the right".to_owned(),
        });
    }
    let codec = shape.output().clone();
    let joined = left.stream.then("lookup_join", LookupJoin { shape: Arc::new(shape), table });
    Ok(Prepared { stream: joined.uid(join.uid).on_error(OnError::dead_letter()), codec })
}

struct LookupJoin {
    shape: Arc<Shape>,
    table: Arc<TableRows>,
}

impl StageFactory for LookupJoin {
    fn build(&self, context: &mut BuildContext, outputs: Vec<AnyStage>) -> Result<AnyStage, Error> {
        Ok(erase::<Row>(Box::new(LookupStage {
            shape: Arc::clone(&self.shape),
            table: Arc::clone(&self.table),
            now: context.now.clone(),
            site: context.site(),
            node: context.node(),
            failure: context.failure.clone(),
            next: only::<Row>(outputs),
        })))
    }
}

struct LookupStage {
    shape: Arc<Shape>,
    table: Arc<TableRows>,
    now: Rc<Cell<Timestamp>>,
    site: Site,
    node: usize,
    failure: Rc<RefCell<Option<(usize, Error)>>>,
    next: Box<dyn Stage<Row>>,
}

impl LookupStage {
    fn results(&self, row: &Row) -> Result<Vec<Row>, Failure> {
        let (shape, kind) = (&*self.shape, row.kind());
        let key = shape.key(0, row)?;
        // A key with a NULL is not in the table.
        let candidates = self.table.rows.get(&key).map_or(&[][..], Vec::as_slice);
        let partners = shape.partners(0, row, candidates, self.now.get())?;
        let mut found = candidates.iter().enumerate().filter(|(number, _)| partners.has(*number)).peekable();
        let is_alone = found.peek().is_none();
        let mut results = Vec::new();
        if shape.kind.gives_pairs() {
            for (_, partner) in found {
                results.push(shape.pair(0, row, partner, kind)?);
            }
        }
        if if is_alone { shape.kind.tells_alone(0) } else { shape.kind == Kind::Semi } {
            results.push(shape.alone(0, row, kind)?);
        }
        Ok(results)
    }
}

impl Stage<Row> for LookupStage {
    fn push(&mut self, row: Row, time: Timestamp) {
        self.site.record();
        match self.results(&row) {
            Ok(results) => results.into_iter().for_each(|row| {
                self.site.out();
                self.next.push(row, time);
            }),
            Err(cause) => {
                self.failure.borrow_mut().get_or_insert((self.node, Error::User(cause)));
            }
        }
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.next.watermark(watermark);
    }

    fn batch_end(&mut self) {
        self.next.batch_end();
    }
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{self, Arrival, columns, row, show, side};
    use super::*;
    use crate::sql::row::RowKind;
    use crate::testing::Harness;
    use datafusion_common::JoinType;
    use datafusion_expr::{Expr, col, lit};

    fn harness(kind: JoinType, condition: Option<&Expr>) -> Result<Harness<Arrival, Row>, ExecError> {
        let rows = [(Some(1), 20), (Some(2), 0), (None, 5), (Some(1), 10)].map(|fields| row(RowKind::Insert, fields));
        let table = Arc::new(TableRows::new(columns(), rows)?);
        let mut refused = None;
        let harness = Harness::new(|arrivals| {
            let left = side(&arrivals, 0);
            match testkit::join(kind, condition, |join| lookup(&left, table, join)) {
                Ok(joined) => joined.stream,
                Err(error) => {
                    refused = Some(error);
                    left.stream
                }
            }
        });
        refused.map_or(Ok(harness), Err)
    }

    fn told(kind: JoinType, condition: Option<&Expr>) -> Vec<String> {
        let mut join = harness(kind, condition).unwrap();
        let changes = [
            (RowKind::Insert, (Some(1), 15)),
            (RowKind::UpdateBefore, (Some(2), 7)),
            (RowKind::Delete, (Some(3), 8)),
            (RowKind::Insert, (None, 9)),
        ];
        for (change, fields) in changes {
            join.push((0, row(change, fields)), Timestamp::EPOCH);
        }
        join.snapshot();
        let mut told: Vec<_> = join.drain().iter().map(|row| show(kind, row)).collect();
        told.extend(join.dead_letters().list(None, 9, |_| true).unwrap().into_iter().map(|dead| dead.letter.cause));
        told
    }

    #[test]
    fn a_row_meets_the_rows_of_the_table_in_their_order_and_keeps_its_kind() {
        let pairs = ["+I 1 15 1 20", "+I 1 15 1 10", "-U 2 7 2 0"];
        assert_eq!(told(JoinType::Inner, None), pairs);
        assert_eq!(told(JoinType::Left, None), [&pairs[..], &["-D 3 8 - -", "+I - 9 - -"]].concat());
        assert_eq!(told(JoinType::LeftSemi, None), ["+I 1 15", "-U 2 7"]);
        assert_eq!(told(JoinType::LeftAnti, None), ["-D 3 8", "+I - 9"]);
    }

    #[test]
    fn the_condition_is_part_of_the_match_and_a_row_for_which_it_fails_is_a_dead_letter() {
        let condition = (col("l.v") / col("r.v")).gt(lit(0_i64));
        let told = told(JoinType::Left, Some(&condition));
        assert_eq!(told[..3], ["+I 1 15 1 10", "-D 3 8 - -", "+I - 9 - -"]);
        assert!(told.len() == 4 && told[3].contains("ivide by zero"), "{told:?}");
    }

    #[test]
    fn rows_of_the_table_are_not_told_alone() {
        for kind in [JoinType::Right, JoinType::Full, JoinType::RightAnti] {
            let refused = harness(kind, None).map(drop).unwrap_err().to_string();
            assert!(
                refused.contains("table that is looked up cannot be run; write an inner or a left join"),
                "{refused}"
            );
        }
    }
}
