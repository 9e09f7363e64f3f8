//! From the records of a source to columns.

use super::Columns;
use crate::connector::Line;
use crate::record::Data;
use crate::sql::EvalError;
use crate::sql::catalog::{ColumnKind, OptionError, Table};
use crate::sql::connector::{LinePart, Options, physical};
use crate::sql::format::{Format, Found, ReadLine};
use crate::sql::row::{Column, Row, RowCodec, RowKind, Value};
use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use std::sync::Arc;

/// Makes columns of records.
pub(super) trait Decode: Send + Sync + 'static {
    /// What the source brings.
    type Record: Data;

    /// Makes columns of some records, those that are stored.
    ///
    /// # Errors
    /// If the columns cannot be made at all.
    fn decode(&self, records: &[Self::Record]) -> Result<Decoded, String>;

    /// Where a record stood; `None`: as far as the engine knows.
    fn place(&self, record: &Self::Record) -> Option<String>;
}

/// The columns of some records.
pub(super) struct Decoded {
    pub(super) columns: RecordBatch,
    /// The kind of each row.
    pub(super) kinds: Vec<RowKind>,
    /// Which record each row was in, ascending.
    pub(super) from: Vec<usize>,
    /// Records that are none, and why.
    pub(super) failed: Vec<(usize, String)>,
    /// How many records were left out because the table says so.
    pub(super) ignored: u64,
}

/// What a column of a line is filled with.
#[derive(Clone, Copy, Debug)]
enum Fill {
    /// The next value that the format has read.
    Format,
    Line(LinePart),
}

/// Reads lines by a format.
pub(super) struct Lines {
    reader: Arc<dyn ReadLine>,
    schema: SchemaRef,
    fills: Vec<Fill>,
    /// How many of them the format fills.
    width: usize,
}

impl Lines {
    pub(super) fn new(table: &Table, format: Option<Arc<dyn Format>>, columns: &Columns) -> Result<Self, OptionError> {
        let format = format.ok_or_else(|| OptionError {
            key: Some("connector".to_owned()),
            message: "a connector that brings lines has a format".to_owned(),
        })?;
        let (mut fills, mut wanted) = (Vec::new(), Vec::new());
        for &number in columns.stored() {
            let column = &table.columns[number];
            fills.push(match &column.kind {
                ColumnKind::Metadata { key, .. } => Fill::Line(LinePart::of(column, key)?),
                _ => {
                    let before = &table.columns[..number];
                    wanted.push(before.iter().filter(|c| matches!(c.kind, ColumnKind::Physical)).count());
                    Fill::Format
                }
            });
        }
        let reader = format.reader(Options::new(table).of(format.name()), &physical(table), &wanted)?;
        Ok(Lines { reader, schema: Arc::clone(columns.stored_schema()), fills, width: wanted.len() })
    }
}

impl Decode for Lines {
    type Record = Line;

    fn decode(&self, lines: &[Line]) -> Result<Decoded, String> {
        let fields = self.schema.fields().iter();
        let columns = fields.map(|field| Column::new(field.data_type(), lines.len()));
        let mut columns = columns.collect::<Option<Vec<_>>>().ok_or("a column has no type of rows")?;
        let (mut kinds, mut from) = (Vec::with_capacity(lines.len()), Vec::with_capacity(lines.len()));
        let (mut failed, mut ignored) = (Vec::new(), 0);
        // Values of one line after the other; what they borrow from lives as long as the lines.
        let mut found = Found::default();
        for (number, line) in lines.iter().enumerate() {
            found.values.clear();
            found.kinds.clear();
            found.ignored = 0;
            if self.reader.has_header() && line.offset() == 0 {
                continue;
            }
            if let Err(cause) = self.reader.read(line.bytes(), &mut found) {
                failed.push((number, cause));
                continue;
            }
            ignored += found.ignored;
            for (row, kind) in found.kinds.iter().enumerate() {
                let mut values = found.values[row * self.width..(row + 1) * self.width].iter();
                for (fill, column) in self.fills.iter().zip(&mut columns) {
                    match fill {
                        Fill::Format => {
                            values.next().map(|value| column.push(value));
                        }
                        Fill::Line(LinePart::Path) => {
                            column.push(&Value::Text(line.path().into()));
                        }
                        Fill::Line(LinePart::Name) => {
                            let name = line.path().rsplit('/').next().unwrap_or_default();
                            column.push(&Value::Text(name.into()));
                        }
                        Fill::Line(LinePart::Offset) => {
                            column.push(&Value::Int(i64::try_from(line.offset()).unwrap_or(i64::MAX)));
                        }
                    }
                }
                kinds.push(*kind);
                from.push(number);
            }
        }
        let arrays: Result<Vec<ArrayRef>, _> = columns.into_iter().map(Column::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(kinds.len()));
        let columns =
            arrays.and_then(|arrays| RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options));
        Ok(Decoded { columns: columns.map_err(|error| error.to_string())?, kinds, from, failed, ignored })
    }

    fn place(&self, line: &Line) -> Option<String> {
        Some(format!("{} at byte {}", line.path(), line.offset()))
    }
}

/// Takes columns out of rows with all physical columns of a table.
pub(super) struct Rows {
    codec: RowCodec,
    wanted: Vec<usize>,
    schema: SchemaRef,
}

impl Rows {
    pub(super) fn new(table: &Table, columns: &Columns) -> Result<Self, EvalError> {
        let codec = RowCodec::new(&physical(table))?;
        let place = |number: &usize| {
            let before = &table.columns[..*number];
            before.iter().filter(|column| matches!(column.kind, ColumnKind::Physical)).count()
        };
        let wanted = columns.stored().iter().map(place).collect();
        Ok(Rows { codec, wanted, schema: Arc::clone(columns.stored_schema()) })
    }
}

impl Decode for Rows {
    type Record = Row;

    fn decode(&self, rows: &[Row]) -> Result<Decoded, String> {
        let columns = self.codec.batch_of(rows, &self.wanted, Arc::clone(&self.schema));
        Ok(Decoded {
            columns: columns.map_err(|error| error.to_string())?,
            kinds: rows.iter().map(Row::kind).collect(),
            from: (0..rows.len()).collect(),
            failed: Vec::new(),
            ignored: 0,
        })
    }

    fn place(&self, _: &Row) -> Option<String> {
        None
    }
}
