//! The sink that takes the place of all others.

use crate::connector::{CollectSink, Collected};
use crate::sql::catalog::{OptionError, Takes};
use crate::sql::connector::{Connector, OptionDoc, Options, Output, written};
use crate::sql::plan::{Changes, Op};
use crate::sql::row::{Row, RowCodec, RowKind};
use crate::sql::testing::Failed;
use crate::sql::{Env, ExecError, Program, Table, TableOption};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Its name; no table of a user has it.
const NAME: &str = "test collector";

/// Collects what is written, by table; several INSERTs may write one.
#[derive(Clone, Default)]
pub(super) struct Collecting(Arc<Mutex<BTreeMap<String, Vec<Collected<Row>>>>>);

impl Connector for Collecting {
    fn name(&self) -> &str {
        NAME
    }

    fn doc(&self) -> &str {
        "keeps rows to be compared"
    }

    fn options(&self) -> &[OptionDoc] {
        &[]
    }

    fn sink(&self, options: Options<'_>) -> Result<Output, OptionError> {
        let sink = CollectSink::new();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(options.table().name.clone()).or_default().push(sink.handle());
        Ok(Output::rows(Takes::Changes, sink))
    }
}

impl Collecting {
    /// The same program, with this in the place of its sinks.
    pub(super) fn instead_of_sinks(program: &Program) -> Program {
        let mut program = program.clone();
        for rel in &mut program.rels {
            if let Op::Sink { table } = &mut rel.op {
                let option = TableOption { key: "connector".to_owned(), value: NAME.to_owned(), at: table.at };
                *table = Arc::new(Table { options: vec![option], ..Table::clone(table) });
            }
        }
        program
    }

    /// What was collected of a program, as sorted lines by table.
    pub(super) fn lines(&self, program: &Program, env: &Env) -> Result<BTreeMap<String, Vec<String>>, Failed> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tables = BTreeMap::new();
        for (name, collected) in all.iter() {
            let rows = || collected.iter().flat_map(Collected::rows);
            let table = &program.tables[name];
            let changes = program.sinks.iter().map(|sink| program.rel(*sink)).any(|rel| {
                let is_it = matches!(&rel.op, Op::Sink { table } if table.name == *name);
                is_it && rel.inputs.iter().any(|input| program.rel(input.rel).changes == Changes::Update)
            });
            let mut lines = if changes { left(rows(), table)? } else { added(rows(), table, env)? };
            lines.sort();
            tables.insert(name.clone(), lines);
        }
        Ok(tables)
    }
}

fn codec(table: &Table) -> Result<RowCodec, Failed> {
    RowCodec::new(&written(table)).map_err(|error| ExecError::from(error).into())
}

/// What the format writes, or how rows are printed.
fn added(rows: impl Iterator<Item = Row>, table: &Table, env: &Env) -> Result<Vec<String>, Failed> {
    let codec = codec(table)?;
    let (_, writer) = env.connectors.output(table).map_err(|error| ExecError::table(&table.name, error))?;
    let Some(writer) = writer else { return Ok(rows.map(|row| codec.show(&row)).collect()) };
    let line = |row: Row| {
        let mut line = String::new();
        let written = codec.values(&row).map_err(|error| error.to_string());
        written.and_then(|values| writer.write(row.kind(), &values, &mut line)).map_err(|cause| {
            let message = format!("{cause}; the row is {}", codec.show(&row));
            Failed::Row { table: table.name.clone(), message }
        })?;
        Ok(line)
    };
    rows.map(line).collect()
}

/// The rows that are there when all have come and gone.
fn left(rows: impl Iterator<Item = Row>, table: &Table) -> Result<Vec<String>, Failed> {
    let codec = codec(table)?;
    let mut counts: BTreeMap<Row, i64> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.with_kind(RowKind::Insert)).or_default() += if row.kind().adds() { 1 } else { -1 };
    }
    let lines = |(row, count): (Row, i64)| {
        let kind = if count < 0 { RowKind::Delete } else { RowKind::Insert };
        let times = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        std::iter::repeat_n(codec.show(&row.with_kind(kind)), times)
    };
    Ok(counts.into_iter().flat_map(lines).collect())
}
