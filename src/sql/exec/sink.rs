//! Rows on their way into a table.

use super::ExecError;
use super::flow::{Flow, Within};
use crate::api::Stream;
use crate::connector::LineChange;
use crate::operator::process::{Context, Failure, KeyedProcess, States};
use crate::operator::{MapRef, OnError, TimeDomain};
use crate::record::Data;
use crate::sql::catalog::Table;
use crate::sql::connector::Goes;
use crate::sql::format::WriteLine;
use crate::sql::row::{KeyCodec, Row, RowCodec, RowKey, RowKind};
use crate::state::{Ttl, ValueState};
use datafusion_common::DFSchema;
use datafusion_expr::Expr;
use std::sync::Arc;
use std::time::Duration;

/// What is written.
pub(super) struct Written<'w> {
    pub(super) flow: Flow,
    /// Names its columns.
    pub(super) input: &'w DFSchema,
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
pub(super) fn sink(written: Written<'_>, within: Within<'_>, table: &Table, uid: &str) -> Result<(), ExecError> {
    let output = within.env.connectors.output(table);
    let (output, writer) = output.map_err(|error| ExecError::table(&table.name, error))?;
    let header = writer.as_ref().and_then(|writer| writer.header());
    let Written { flow, input, without_key, ttl } = written;
    let before = format!("{uid}/input");
    let end = match output.0 {
        Goes::Rows(_, end) => end(&flow.prepare(within, &before)?.stream),
        Goes::Lines { all, .. } => {
            let every: Vec<Expr> = input.columns().into_iter().map(Expr::Column).collect();
            let (rows, columns) = flow.without_riding()?.prepare_columns(within, (input, &every), &before)?;
            let line = Line { codec: rows.codec, columns, writer };
            all(header)(&lines(&rows.stream, uid, move |row| line.of(row, row.kind())))
        }
        Goes::Keyed { end, keys, columns } => {
            let rows = flow.prepare(within, &before)?;
            let key = KeyCodec::new(&rows.codec, &columns)?;
            let keyed = rows.stream.key_by(move |row| key.key(row).expect("a row has the columns of its stream"));
            let keyed = keyed.uid(format!("{uid}/key"));
            let latest = keyed.process(Latest { keeps: without_key, ttl }).uid(format!("{uid}/latest"));
            let all = (0..rows.codec.schema().fields().len()).collect();
            let (known, line) = (Arc::clone(&keys), Line { codec: rows.codec, columns: all, writer });
            let change = move |row: &Row| {
                let text = line.of(row, RowKind::Insert)?;
                // What cannot be found again must not come into the file.
                match known(&text) {
                    None => Err(format!("the key of this line cannot be read back: {text}")),
                    Some(_) if row.kind().adds() => Ok(LineChange::Put(text)),
                    Some(_) => Ok(LineChange::Remove(text)),
                }
            };
            end(header, keys)(&lines(&latest, uid, change))
        }
    };
    end.uid(uid).name(&table.name);
    Ok(())
}

fn lines<T: Data>(
    rows: &Stream<Row>,
    uid: &str,
    line: impl Fn(&Row) -> Result<T, String> + Send + Sync + 'static,
) -> Stream<T> {
    rows.then("map", MapRef::new(line)).uid(format!("{uid}/lines")).on_error(OnError::dead_letter())
}

/// Writes the lines of rows.
struct Line {
    codec: RowCodec,
    /// Which columns, in order.
    columns: Vec<usize>,
    writer: Option<Arc<dyn WriteLine>>,
}

impl Line {
    fn of(&self, row: &Row, kind: RowKind) -> Result<String, String> {
        let mut line = String::with_capacity(2 * row.bytes().len());
        let values = self.columns.iter().map(|column| self.codec.value(row, *column)).collect::<Result<Vec<_>, _>>();
        let written = values
            .map_err(|error| error.to_string())
            .and_then(|values| self.writer.as_ref().map_or(Ok(()), |writer| writer.write(kind, &values, &mut line)));
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
