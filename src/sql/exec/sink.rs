//! Rows on their way into a table.

use super::{ExecError, Prepared};
use crate::api::Stream;
use crate::connector::LineChange;
use crate::operator::process::{Context, Failure, KeyedProcess, States};
use crate::operator::{OnError, TimeDomain};
use crate::record::Data;
use crate::sql::catalog::Table;
use crate::sql::connector::{Goes, Registry};
use crate::sql::format::WriteLine;
use crate::sql::row::{KeyCodec, Row, RowCodec, RowKey, RowKind};
use crate::state::{Ttl, ValueState};
use std::sync::Arc;
use std::time::Duration;

/// What is written.
pub(super) struct Written<'w> {
    pub(super) rows: &'w Prepared,
    /// Whether its changes tell by no key which row they replace.
    pub(super) without_key: bool,
    /// How long state is kept after it was last written; `None`: for ever.
    pub(super) ttl: Option<Duration>,
}

/// Ends a stream in a table.
///
/// * `uid`: of the sink.
///
/// A row that the format cannot write fails the operator in front of the sink, and is a dead letter.
pub(super) fn sink(written: &Written<'_>, table: &Table, registry: &Registry, uid: &str) -> Result<(), ExecError> {
    let (output, writer) = registry.output(table).map_err(|error| ExecError::table(&table.name, error))?;
    let header = writer.as_ref().and_then(|writer| writer.header());
    let rows = written.rows;
    let line = Line { codec: rows.codec.clone(), writer };
    let end = match output.0 {
        Goes::Rows(_, end) => end(&rows.stream),
        Goes::Lines { all, .. } => all(header)(&lines(&rows.stream, uid, move |row| {
            line.of(row, row.kind()).unwrap_or_else(|e| panic!("{e}"))
        })),
        Goes::Keyed { end, keys, columns } => {
            let key = KeyCodec::new(&rows.codec, &columns)?;
            let keyed = rows.stream.key_by(move |row| key.key(row).expect("a row has the columns of its stream"));
            let keyed = keyed.uid(format!("{uid}/key")).on_error(OnError::dead_letter());
            let latest = keyed.process(Latest { keeps: written.without_key, ttl: written.ttl });
            let latest = latest.uid(format!("{uid}/latest")).on_error(OnError::dead_letter());
            let known = Arc::clone(&keys);
            let change = move |row: &Row| {
                let text = line.of(row, RowKind::Insert).unwrap_or_else(|cause| panic!("{cause}"));
                // What cannot be found again must not come into the file.
                assert!(known(&text).is_some(), "the key of this line cannot be read back: {text}");
                if row.kind().adds() { LineChange::Put(text) } else { LineChange::Remove(text) }
            };
            end(header, keys)(&lines(&latest, uid, change))
        }
    };
    end.uid(uid).name(&table.name);
    Ok(())
}

/// A panic of the function is what its policy is for.
fn lines<T: Data>(rows: &Stream<Row>, uid: &str, line: impl Fn(&Row) -> T + Send + Sync + 'static) -> Stream<T> {
    rows.map(move |row: Row| line(&row)).uid(format!("{uid}/lines")).on_error(OnError::dead_letter())
}

/// Writes the lines of rows.
struct Line {
    codec: RowCodec,
    writer: Option<Arc<dyn WriteLine>>,
}

impl Line {
    fn of(&self, row: &Row, kind: RowKind) -> Result<String, String> {
        let mut line = String::with_capacity(2 * row.bytes().len());
        let written =
            self.codec.values(row).map_err(|error| error.to_string()).and_then(|values| {
                self.writer.as_ref().map_or(Ok(()), |writer| writer.write(kind, &values, &mut line))
            });
        written.map_err(|cause| format!("{cause}; the row is {}", self.codec.show(row)))?;
        Ok(line)
    }
}

/// The current row of each key, as it changes.
///
/// Changes by a key come in order, so each is handed on as it is. Others may come in any order from several operators, the row that
/// is taken back behind the one that replaces it: then the rows that a key has are kept, and the one that came last of
/// those that are left is the current one, as in Flink. State: those rows, per key, in that case only.
struct Latest {
    keeps: bool,
    ttl: Option<Duration>,
}

impl KeyedProcess for Latest {
    type Key = RowKey;
    type Input = Row;
    type Output = Row;
    /// In the order in which they came, as `+I`.
    type State = Option<ValueState<RowKey, Vec<Row>>>;

    fn open(&self, states: &mut States<'_, RowKey>) -> Result<Self::State, Failure> {
        Ok(match self.ttl {
            _ if !self.keeps => None,
            Some(ttl) => Some(states.value_with_ttl("rows", Ttl::after(ttl), TimeDomain::Processing)?),
            None => Some(states.value("rows")?),
        })
    }

    fn process(&self, state: &Self::State, row: Row, ctx: &mut Context<'_, RowKey, Row>) -> Result<(), Failure> {
        let Some(state) = state else {
            ctx.emit(row);
            return Ok(());
        };
        let mut rows = state.get(ctx.keyed())?.unwrap_or_default();
        let plain = row.with_kind(RowKind::Insert);
        if row.kind().adds() {
            rows.push(plain.clone());
            ctx.emit(plain);
        } else {
            // State that has expired does not know the row any more.
            let at = rows.iter().rposition(|known| *known == plain);
            let was_current = at.is_none_or(|at| at + 1 == rows.len());
            at.map(|at| rows.remove(at));
            match rows.last() {
                None => ctx.emit(row.with_kind(RowKind::Delete)),
                Some(last) if was_current => ctx.emit(last.clone()),
                Some(_) => {}
            }
        }
        if rows.is_empty() {
            state.remove(ctx.keyed())?;
            return Ok(());
        }
        Ok(state.put(ctx.keyed(), rows)?)
    }
}
