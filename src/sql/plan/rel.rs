//! The plan: a graph of relations, each an operator with its inputs, columns, event time, changes, and key.

use super::window::Window;
use crate::sql::Settings;
use crate::sql::catalog::Table;
use crate::sql::position::Position;
use datafusion_common::DFSchemaRef;
use datafusion_expr::expr::Sort;
use datafusion_expr::{Expr, JoinType};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A checked program: what all INSERTs of a text do together, as one dataflow.
///
/// ```
/// use millstream::sql::{Env, plan};
///
/// let program = plan(
///     "CREATE TABLE words (word STRING) WITH ('connector' = 'filesystem', 'path' = 'words', 'format' = 'csv');
///      CREATE TABLE long_words (word STRING) WITH ('connector' = 'print');
///      INSERT INTO long_words SELECT word FROM words WHERE CHAR_LENGTH(word) > 10",
///     &Env::default(),
/// )?;
/// assert_eq!(program.sinks.len(), 1);
/// assert!(program.explain().contains("filter"));
/// # Ok::<(), millstream::sql::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Program {
    /// What `SET` said.
    pub settings: Settings,
    /// All tables, used or not, by name.
    pub tables: BTreeMap<String, Arc<Table>>,
    /// All relations; the inputs of each stand before it.
    pub rels: Vec<Rel>,
    /// The relation that writes, for each INSERT in order.
    pub sinks: Vec<RelId>,
    /// The sinks whose INSERT stood behind EXPLAIN: to be shown, not run.
    pub explained: Vec<RelId>,
}

impl Program {
    /// The relation of this number.
    ///
    /// # Panics
    /// If the number is of another program.
    pub fn rel(&self, id: RelId) -> &Rel {
        &self.rels[id.0]
    }
}

/// The number of a relation in its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelId(pub usize);

/// A relation as an input, with its columns under the names the reader's expressions use.
#[derive(Clone, Debug)]
pub struct Input {
    /// Which.
    pub rel: RelId,
    /// Its columns in the same order and of the same types as its own schema; a table's alias may differ.
    pub schema: DFSchemaRef,
}

/// One operator of the plan.
///
/// Expressions are DataFusion's, over [`Input::schema`]; those of a join are over the columns of the left input followed by
/// those of the right one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rel {
    /// What it does.
    pub op: Op,
    /// What it reads: none for a source, two for a join, one or more for a union, else one.
    pub inputs: Vec<Input>,
    /// Its columns.
    pub schema: DFSchemaRef,
    /// Which column is the event time, if it is still among the columns: the watermark holds for it.
    pub time: Option<usize>,
    /// The window each row is in, if a window function stands before and its columns are still there.
    pub window: Option<InWindow>,
    /// Whether its rows are only added or also changed.
    pub changes: Changes,
    /// The columns by which a later row replaces an earlier one; `None` if there are none.
    pub key: Option<Vec<usize>>,
    /// Under which state is found again: a hash of what it does and of all it reads. So another INSERT, another position in the
    /// text, or a further column of a source changes no uid; another expression changes its own and all behind it.
    pub uid: String,
    /// The statement it came from.
    pub at: Position,
}

/// Whether a relation's rows stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Changes {
    /// Rows are only added.
    Append,
    /// Rows are also replaced and taken back.
    Update,
}

/// The columns that tell a row's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InWindow {
    /// How windows are made.
    pub window: Window,
    /// The column of the first instant.
    pub start: usize,
    /// The column of the instant behind the last.
    pub end: usize,
    /// Whether it is by the machine's clock: then only an aggregate per window is told.
    pub processing: bool,
}

/// What an operator does.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Op {
    /// Reads a table. Computed columns are computed here, of the stored ones.
    Scan {
        /// Which table.
        table: Arc<Table>,
        /// Which of its columns, ascending: those that some INSERT of the program needs.
        columns: Vec<usize>,
    },
    /// The rows of a table that operators of the program drop because they come too late.
    LateRows {
        /// Which table.
        table: Arc<Table>,
        /// Which of its columns, in this order.
        columns: Vec<usize>,
    },
    /// Rows written in the text; the input ends with them.
    Values {
        /// Row by row, without columns.
        rows: Vec<Vec<Expr>>,
    },
    /// Computes columns.
    Project {
        /// One per column.
        expressions: Vec<Expr>,
    },
    /// Keeps the rows for which a condition is true, not false or NULL.
    Filter {
        /// The condition.
        predicate: Expr,
    },
    /// Puts rows into windows: adds `window_start`, `window_end` and `window_time` (`window_end` less 1 ms). A row of two windows
    /// becomes two. A session's are known when it closes.
    WindowAssign {
        /// How.
        window: Window,
        /// The column of event time, or of processing time.
        time: usize,
        /// What a session is kept apart by.
        partition: Vec<usize>,
    },
    /// Aggregates by key and window; one row each when the watermark passes the window's end.
    WindowAggregate {
        /// How the input's rows were put into windows.
        window: Window,
        /// The columns of the result before the aggregates, the window's two among them.
        groups: Vec<Expr>,
        /// Which of `groups` is `window_start`.
        start: usize,
        /// Which of `groups` is `window_end`.
        end: usize,
        /// The aggregates: `Expr::AggregateFunction`, perhaps with an alias.
        aggregates: Vec<Expr>,
    },
    /// Aggregates by key for ever (or until `table.exec.state.ttl`): each row changes its group's result.
    GroupAggregate {
        /// The columns of the result before the aggregates; none: one group.
        groups: Vec<Expr>,
        /// The aggregates; none: distinct rows, each given once.
        aggregates: Vec<Expr>,
    },
    /// All rows of all inputs.
    Union,
    /// Joins the rows of the same window, when the watermark passes its end.
    WindowJoin {
        /// What of each side stays.
        kind: JoinType,
        /// Equal expressions, left and right; the window's bounds are among them.
        on: Vec<(Expr, Expr)>,
        /// A further condition.
        filter: Option<Expr>,
    },
    /// Joins rows whose event times are near: `lower <= left - right <= upper`.
    IntervalJoin {
        /// What of each side stays.
        kind: JoinType,
        /// Equal expressions, left and right.
        on: Vec<(Expr, Expr)>,
        /// Milliseconds; negative: the left row may be the earlier one.
        lower_ms: i64,
        /// Milliseconds.
        upper_ms: i64,
        /// A further condition. It repeats the bounds if event time has parts of a millisecond.
        filter: Option<Expr>,
    },
    /// Joins all rows of both sides for ever (or until `table.exec.state.ttl`).
    RegularJoin {
        /// What of each side stays.
        kind: JoinType,
        /// Equal expressions, left and right.
        on: Vec<(Expr, Expr)>,
        /// A further condition.
        filter: Option<Expr>,
    },
    /// Joins each row with those of a small table that are there when the job starts. The rows keep their event time.
    LookupJoin {
        /// The table.
        table: Arc<Table>,
        /// Which of its columns, ascending.
        columns: Vec<usize>,
        /// Those columns, under the names that `on` and `filter` use for the right side.
        schema: DFSchemaRef,
        /// Inner or left.
        kind: JoinType,
        /// Equal expressions, of the row and of the table.
        on: Vec<(Expr, Expr)>,
        /// A further condition, over the columns of both.
        filter: Option<Expr>,
    },
    /// The first rows of each partition, with their number as the last column.
    Rank {
        /// Kept apart by; none: one partition.
        partition: Vec<Expr>,
        /// The order.
        order: Vec<Sort>,
        /// How many rows.
        limit: u64,
        /// Which of the three operators can do it.
        by: RankBy,
    },
    /// Adds columns computed over the rows before and with each row, in the order of event time.
    Over {
        /// `Expr::WindowFunction`, one per added column, of one partition and order.
        functions: Vec<Expr>,
    },
    /// Writes a table.
    Sink {
        /// Which.
        table: Arc<Table>,
    },
}

/// How the first rows of a partition are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RankBy {
    /// The partition is a window: its rows are given once, when it closes.
    Window,
    /// One row by event time, the earliest: given once.
    First,
    /// One row by event time, the latest: each later one replaces it.
    Last,
    /// Any order: rows come and go.
    Any,
}
