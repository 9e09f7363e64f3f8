//! Two small tables, and what their joins are by definition.

use super::shape::Shape;
use super::{Columns, Join, Side};
use crate::api::Stream;
use crate::operator::process::{CoProcess, CoProcessOperator};
use crate::operator::{BuildContext, Head, HeadFactory, Stage, erase};
use crate::record::{Batch, Epoch, Rows, hash_key};
use crate::sql::position::Position;
use crate::sql::row::{Row, RowCodec, RowKey, RowKind, Value};
use crate::state::{Identity, Store, StoreOptions};
use crate::time::Timestamp;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion_common::{DFSchema, JoinType};
use datafusion_expr::Expr;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which side a row is for, and the row.
pub(super) type Arrival = (usize, Row);

/// The kinds of joins there are.
pub(super) const KINDS: [JoinType; 8] = [
    JoinType::Inner,
    JoinType::Left,
    JoinType::Right,
    JoinType::Full,
    JoinType::LeftSemi,
    JoinType::RightSemi,
    JoinType::LeftAnti,
    JoinType::RightAnti,
];

/// What rows are made of: a key, and a number.
pub(super) type Fields = (Option<i64>, i64);

fn schema() -> Schema {
    Schema::new(["k", "v"].map(|name| Field::new(name, DataType::Int64, true)).to_vec())
}

/// A number and a key, keyed by the key.
pub(super) fn columns() -> Columns {
    Columns { codec: RowCodec::new(&schema()).unwrap(), width: 2, keys: vec![0] }
}

pub(super) fn row(kind: RowKind, (key, number): Fields) -> Row {
    columns().codec.row(kind, &[key.map_or(Value::Null, Value::Int), Value::Int(number)]).unwrap()
}

/// A side: what is for it of a stream.
pub(super) fn side(arrivals: &Stream<Arrival>, side: usize) -> Side {
    let stream = arrivals.flat_map(move |(to, row): Arrival| (to == side).then_some(row));
    Side { stream, columns: columns() }
}

/// The columns `l.k`, `l.v`, `r.k`, `r.v`.
pub(super) fn both() -> DFSchema {
    let of = |table: &str| DFSchema::try_from_qualified_schema(table, &schema()).unwrap();
    of("l").join(&of("r")).unwrap()
}

fn gives_pairs(kind: JoinType) -> bool {
    matches!(kind, JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full)
}

/// The columns of a result.
pub(super) fn output(kind: JoinType) -> Schema {
    if gives_pairs(kind) { both().as_arrow().clone() } else { schema() }
}

/// Builds a join of a kind.
pub(super) fn join<R>(kind: JoinType, condition: Option<&Expr>, build: impl FnOnce(&Join<'_>) -> R) -> R {
    let (both, output) = (both(), output(kind));
    let condition = condition.map(|condition| (&both, condition));
    let at = Position { line: 1, column: 1 };
    build(&Join { kind, condition, output: &output, at, uid: "join" })
}

/// Takes everything and keeps nothing.
struct Nowhere;

impl Stage<Row> for Nowhere {
    fn push(&mut self, _: Row, _: Timestamp) {}
    fn watermark(&mut self, _: Timestamp) {}
    fn batch_end(&mut self) {}
}

/// A join by itself, to look into its state.
pub(super) struct Bench {
    context: BuildContext,
    head: Box<dyn Head>,
    shape: Arc<Shape>,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// * `function`: of a shape.
    pub(super) fn new<F>(kind: JoinType, function: impl FnOnce(Arc<Shape>) -> F) -> Self
    where
        F: CoProcess<Key = RowKey, Left = Row, Right = Row, Output = Row>,
    {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity { job_id: 1, uid: "join".into(), subtask: 0, generation: 0 };
        let mut context = BuildContext::new(0, 1, 64);
        let path = folder.path().join("0.redb");
        context.store = Some(Store::create(&path, &identity, StoreOptions::default()).unwrap());
        context.begin(0, "join");
        let shape = Arc::new(join(kind, None, |join| Shape::new(&columns(), &columns(), join)).unwrap().0);
        let key = |side: usize| {
            let shape = Arc::clone(&shape);
            Arc::new(move |row: &Row| shape.key(side, row).unwrap())
        };
        let operator = CoProcessOperator::new(key(0), key(1), function(Arc::clone(&shape)));
        let head = operator.build(&mut context, vec![erase::<Row>(Box::new(Nowhere))]).unwrap();
        Bench { context, head, shape, _folder: folder }
    }

    pub(super) fn push(&mut self, side: usize, row: Row, time: i64) {
        let hashes = vec![hash_key(&self.shape.key(side, &row).unwrap())];
        let rows = Rows { records: vec![row], times: vec![Timestamp::from_millis(time)], hashes };
        self.head.batch(side, Batch::new(rows)).unwrap();
    }

    pub(super) fn watermark(&mut self, millis: i64) {
        self.context.clock.set(Timestamp::from_millis(millis));
        self.head.watermark(Timestamp::from_millis(millis)).unwrap();
        while !self.head.resume().unwrap() {}
    }

    /// Whether nothing is there that a checkpoint would have to write.
    pub(super) fn is_empty(&mut self) -> bool {
        self.context.store().hand_off(Epoch::new(1, 1)).is_none()
    }
}

/// A row of a result, like `+I 1 2 1 3`.
pub(super) fn show(kind: JoinType, row: &Row) -> String {
    let codec = RowCodec::new(&output(kind)).unwrap();
    let values = codec.values(row).unwrap().into_iter().map(|value| match value {
        Value::Int(number) => number.to_string(),
        _ => "-".to_owned(),
    });
    format!("{} {}", row.kind(), values.collect::<Vec<_>>().join(" "))
}

/// The table that a changelog leads to: how many times each row is there.
///
/// # Panics
/// If it takes back a row that is not there.
pub(super) fn table(changes: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
    let mut table = BTreeMap::new();
    for change in changes {
        let (kind, row) = change.split_at(2);
        let count = table.entry(row.trim().to_owned()).or_insert(0_usize);
        *count = if kind.starts_with('+') { *count + 1 } else { count.checked_sub(1).expect(&change) };
    }
    table.retain(|_, count| *count > 0);
    table
}

/// A join as it is defined.
///
/// * `lefts`, `rights`: the tables, with whatever else `fits` is to know of a row.
pub(super) fn reference<T>(
    kind: JoinType,
    lefts: &[(Fields, T)],
    rights: &[(Fields, T)],
    fits: impl Fn(&(Fields, T), &(Fields, T)) -> bool,
) -> BTreeMap<String, usize> {
    let fits = |l: &(Fields, T), r: &(Fields, T)| l.0.0.is_some() && l.0.0 == r.0.0 && fits(l, r);
    let shown = |(key, number): Fields| format!("{} {number}", key.map_or("-".to_owned(), |key| key.to_string()));
    let mut rows = Vec::new();
    if gives_pairs(kind) {
        for l in lefts {
            let of_left = rights.iter().filter(|r| fits(l, r));
            rows.extend(of_left.map(|r| format!("{} {}", shown(l.0), shown(r.0))));
        }
    }
    let (wants_partner, of_left, of_right) = match kind {
        JoinType::Left => (false, true, false),
        JoinType::Right => (false, false, true),
        JoinType::Full => (false, true, true),
        JoinType::LeftSemi => (true, true, false),
        JoinType::RightSemi => (true, false, true),
        JoinType::LeftAnti => (false, true, false),
        JoinType::RightAnti => (false, false, true),
        _ => (false, false, false),
    };
    let (before, behind) = if gives_pairs(kind) { ("- - ", " - -") } else { ("", "") };
    if of_left {
        let told = lefts.iter().filter(|l| rights.iter().any(|r| fits(l, r)) == wants_partner);
        rows.extend(told.map(|l| format!("{}{behind}", shown(l.0))));
    }
    if of_right {
        let told = rights.iter().filter(|r| lefts.iter().any(|l| fits(l, r)) == wants_partner);
        rows.extend(told.map(|r| format!("{before}{}", shown(r.0))));
    }
    table(rows.into_iter().map(|row| format!("+I {row}")))
}
