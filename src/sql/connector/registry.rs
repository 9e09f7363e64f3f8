//! All connectors and formats of a program, by name.

use super::line_key::line_keys;
use super::nexmark::Nexmark;
use super::output::Goes;
use super::timing::{TIMING, Timing};
use super::{
    Blackhole, Connector, Datagen, Filesystem, Input, OptionDoc, Options, Output, Print, Socket, Stdin, Stdout,
};
use crate::sql::catalog::{Column, ColumnKind, OptionError, Table, Takes};
use crate::sql::format::{AccessLog, Csv, DebeziumJson, Format, Json, Raw, WriteLine};
use crate::sql::settings::unknown;
use arrow::datatypes::{Field, Schema, SchemaRef};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Connectors and formats, by name.
///
/// ```
/// use millstream::sql::connector::Registry;
///
/// let registry = Registry::standard();
/// assert!(registry.connectors().any(|connector| connector.name() == "filesystem"));
/// assert!(registry.formats().any(|format| format.name() == "csv"));
/// ```
#[derive(Clone)]
pub struct Registry {
    connectors: BTreeMap<String, Arc<dyn Connector>>,
    formats: BTreeMap<String, Arc<dyn Format>>,
}

/// What a table's options name.
type Found<'r> = (&'r dyn Connector, Option<Arc<dyn Format>>);

/// The options that every table has.
const CONNECTOR: OptionDoc = OptionDoc { key: "connector", default: None, doc: "where the table is" };
const FORMAT: OptionDoc = OptionDoc { key: "format", default: None, doc: "what its lines say" };
impl Registry {
    /// Those that Millstream has.
    pub fn standard() -> Self {
        let registry = Registry { connectors: BTreeMap::new(), formats: BTreeMap::new() };
        let registry = registry.with_format(Csv).with_format(Json).with_format(Raw).with_format(DebeziumJson);
        let registry = registry.with_format(AccessLog::Combined).with_format(AccessLog::Common);
        let registry = registry.with_connector(Filesystem).with_connector(Print).with_connector(Blackhole);
        let registry = registry.with_connector(Datagen).with_connector(Nexmark).with_connector(Socket);
        registry.with_connector(Stdin).with_connector(Stdout)
    }

    /// With another connector; one of the same name is replaced.
    #[must_use]
    pub fn with_connector(mut self, connector: impl Connector) -> Self {
        self.connectors.insert(connector.name().to_owned(), Arc::new(connector));
        self
    }

    /// With another format; one of the same name is replaced.
    #[must_use]
    pub fn with_format(mut self, format: impl Format + 'static) -> Self {
        self.formats.insert(format.name().to_owned(), Arc::new(format));
        self
    }

    /// The connectors, by name.
    pub fn connectors(&self) -> impl Iterator<Item = &dyn Connector> {
        self.connectors.values().map(|connector| &**connector)
    }

    /// The formats, by name.
    pub fn formats(&self) -> impl Iterator<Item = &dyn Format> {
        self.formats.values().map(|format| &**format)
    }

    /// Where a table is read from, and what reads its lines.
    pub(in crate::sql) fn input(&self, table: &Table) -> Result<(Input, Option<Arc<dyn Format>>), OptionError> {
        let (connector, format) = self.find(table)?;
        let input = connector.source(Options::new(table))?;
        for column in &table.columns {
            if let ColumnKind::Metadata { key, .. } = &column.kind {
                input.check_metadata(column, key)?;
            }
        }
        Ok((input, format))
    }

    /// What its options say of the table's event time.
    pub(in crate::sql) fn timing(&self, table: &Table) -> Result<Timing, OptionError> {
        Timing::of(Options::new(table))
    }

    /// Where a table is written, and what writes its lines.
    pub(in crate::sql) fn output(&self, table: &Table) -> Result<(Output, Option<Arc<dyn WriteLine>>), OptionError> {
        let (connector, format) = self.find(table)?;
        let output = connector.sink(Options::new(table))?;
        if let Some(column) = table.written().find(|column| matches!(column.kind, ColumnKind::Metadata { .. })) {
            let message =
                format!("`{0}` is METADATA, which no connector writes; write `{0}` … METADATA VIRTUAL", column.name);
            return Err(OptionError { key: None, message });
        }
        let output = match (output.0, &format) {
            (Goes::Lines { keyed: Some(end), .. }, Some(format))
                if !table.primary_key.is_empty() && !format.takes_changes() =>
            {
                let (keys, columns) = line_keys(table, &**format)?;
                Output(Goes::Keyed { end, keys, columns })
            }
            (other, _) => Output(other),
        };
        let writer = format.map(|format| format.writer(Options::new(table).of(format.name()), &written(table)));
        Ok((output, writer.transpose()?))
    }

    fn find(&self, table: &Table) -> Result<Found<'_>, OptionError> {
        let options = Options::new(table);
        let name = options.required("connector", "filesystem")?;
        let connector = self.connectors.get(name).ok_or_else(|| {
            options.refuse("connector", unknown("connector", name, self.connectors.keys().map(String::as_str)))
        })?;
        let mut known: Vec<(Option<&str>, &[OptionDoc])> =
            vec![(None, &[CONNECTOR]), (None, TIMING), (None, connector.options())];
        let format = if connector.has_format() {
            let name = options.required("format", "csv")?;
            let format = self.formats.get(name).ok_or_else(|| {
                options.refuse("format", unknown("format", name, self.formats.keys().map(String::as_str)))
            })?;
            known.extend([(None, &[FORMAT][..]), (Some(format.name()), format.options())]);
            Some(Arc::clone(format))
        } else {
            None
        };
        options.check(&known)?;
        self.timing(table)?;
        Ok((&**connector, format))
    }

    /// Checks the options of a table that a query reads.
    ///
    /// # Errors
    /// What is wrong, and the option it is about, if it is about one.
    pub fn check_source(&self, table: &Table) -> Result<(), OptionError> {
        let (_, format) = self.input(table)?;
        format.map(|format| format.reader(Options::new(table).of(format.name()), &physical(table), &[])).transpose()?;
        Ok(())
    }

    /// Whether the rows of a table change, as far as its options can be read.
    pub fn brings_changes(&self, table: &Table) -> bool {
        self.find(table).is_ok_and(|(_, format)| format.is_some_and(|format| format.brings_changes()))
    }

    /// Checks the options of a table that an INSERT writes, and tells what it takes.
    ///
    /// # Errors
    /// What is wrong, and the option it is about, if it is about one.
    pub fn check_sink(&self, table: &Table) -> Result<Takes, OptionError> {
        let (_, format) = self.find(table)?;
        let (output, _) = self.output(table)?;
        Ok(match output.0 {
            Goes::Rows(takes, _) => takes,
            Goes::Keyed { .. } => Takes::Changes,
            Goes::Lines { .. } if format.is_some_and(|format| format.takes_changes()) => Takes::Changes,
            Goes::Lines { .. } => Takes::Appends,
        })
    }
}

/// The columns that stand in the table's lines, or come in its rows.
pub(in crate::sql) fn physical(table: &Table) -> SchemaRef {
    let is_physical = |column: &&Column| matches!(column.kind, ColumnKind::Physical);
    schema(table.columns.iter().filter(is_physical))
}

/// The columns that an INSERT writes.
pub(in crate::sql) fn written(table: &Table) -> SchemaRef {
    schema(table.written())
}

fn schema<'c>(columns: impl Iterator<Item = &'c Column>) -> SchemaRef {
    let field = |column: &Column| Field::new(&column.name, column.data_type.clone(), true);
    Arc::new(Schema::new(columns.map(field).collect::<Vec<_>>()))
}
