//! Tables for late rows: what `late-rows.table` names.

use super::Env;
use super::build::Rels;
use super::context::Context;
use super::program::refused;
use super::rel::{Op, RelId};
use crate::sql::catalog::{OptionError, Table};
use crate::sql::connector::LATE;
use crate::sql::error::{Error, Text};
use crate::sql::settings::unknown;
use crate::sql::types::type_name;
use datafusion_common::DFSchema;
use std::sync::Arc;

/// Adds, for each table that is read and names another one for its late rows, what writes them there.
pub(super) fn build(rels: &mut Rels, text: Text<'_>, context: &Context, env: &Env) -> Result<Vec<RelId>, Error> {
    let read = rels.rels.iter().filter_map(|rel| match &rel.op {
        Op::Scan { table, .. } => Some(Arc::clone(table)),
        _ => None,
    });
    let mut sinks = Vec::new();
    for table in read.collect::<Vec<_>>() {
        let Some(option) = table.option(LATE) else { continue };
        let refuse = |message| refused(text, env, &table, OptionError { key: Some(LATE.to_owned()), message });
        let names = context.tables.keys().map(String::as_str).filter(|name| *name != table.name);
        let Some(into) = context.tables.get(&option.value).filter(|into| into.name != table.name) else {
            return Err(refuse(unknown("other table", &option.value, names)));
        };
        let is_it = |table: &Table| table.name == into.name;
        if rels.rels.iter().any(|rel| matches!(&rel.op, Op::Sink { table } if is_it(table))) {
            let message =
                format!("`{}` is written by something else already; give late rows a table of their own", into.name);
            return Err(refuse(message));
        }
        if table.watermark.is_none() {
            return Err(refuse(format!("it is about event time, and `{}` has no WATERMARK FOR", table.name)));
        }
        let columns = columns(&table, into).map_err(refuse)?;
        env.connectors.check_sink(into).map_err(|error| refused(text, env, into, error))?;
        let schema = table.schema().project(&columns).map_err(|error| refuse(error.to_string()))?;
        let schema = DFSchema::try_from(schema).map_err(|error| refuse(error.to_string()))?;
        let late = rels.leaf(Op::LateRows { table: Arc::clone(&table), columns }, Arc::new(schema), option.at);
        let mut sink = rels.same(&late, Op::Sink { table: Arc::clone(into) });
        sink.schema = Arc::new(DFSchema::empty());
        sinks.push(rels.add(sink, option.at).rel);
    }
    Ok(sinks)
}

/// Which columns of a table those of another are, by name.
fn columns(from: &Table, into: &Table) -> Result<Vec<usize>, String> {
    let find = |column: &crate::sql::catalog::Column| {
        let names = from.columns.iter().map(|column| column.name.as_str());
        let found = names.clone().position(|name| name == column.name);
        let at = found.ok_or_else(|| format!("in `{}`: {}", from.name, unknown("column", &column.name, names)))?;
        let source = &from.columns[at];
        if source.data_type != column.data_type {
            let (is, wanted) = (type_name(&source.data_type), type_name(&column.data_type));
            let both = format!("`{}` is a {is} in `{}`, and a {wanted} in `{}`", column.name, from.name, into.name);
            return Err(format!("{both}; give it one type"));
        }
        if source.nullable && !column.nullable {
            let message =
                format!("`{}` may be NULL in `{}`, and is NOT NULL in `{}`", column.name, from.name, into.name);
            return Err(format!("{message}; leave NOT NULL out there"));
        }
        Ok(at)
    };
    into.written().map(find).collect()
}
