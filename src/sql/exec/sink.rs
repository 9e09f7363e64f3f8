//! Rows on their way into a table.

use super::{ExecError, Prepared};
use crate::operator::OnError;
use crate::sql::catalog::Table;
use crate::sql::connector::{Goes, Registry};
use crate::sql::row::Row;

/// Ends a stream in a table.
///
/// * `uid`: of the sink.
///
/// A row that the format cannot write fails the operator in front of the sink, and is a dead letter.
pub(super) fn sink(rows: &Prepared, table: &Table, registry: &Registry, uid: &str) -> Result<(), ExecError> {
    let (output, writer) = registry.output(table).map_err(|error| ExecError::table(&table.name, error))?;
    let end = match output.0 {
        Goes::Rows(_, end) => end(&rows.stream),
        Goes::Lines(open) => {
            let header = writer.as_ref().and_then(|writer| writer.header());
            let codec = rows.codec.clone();
            let lines = rows.stream.map(move |row: Row| {
                let mut line = String::with_capacity(2 * row.bytes().len());
                let written = codec.values(&row).map_err(|error| error.to_string()).and_then(|values| {
                    writer.as_ref().map_or(Ok(()), |writer| writer.write(row.kind(), &values, &mut line))
                });
                // A panic of a function is what its policy is for.
                written.unwrap_or_else(|cause| panic!("{cause}; the row is {}", codec.show(&row)));
                line
            });
            open(header)(&lines.uid(format!("{uid}/lines")).on_error(OnError::dead_letter()))
        }
    };
    end.uid(uid).name(&table.name);
    Ok(())
}
