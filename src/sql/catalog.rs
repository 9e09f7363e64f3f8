//! The tables and views of a program, and what the connectors say of them.

use super::dialect::{ColumnDef, ColumnDefKind, CreateTable};
use super::error::{Error, Text};
use super::plan::{Context, is_proctime};
use super::position::Position;
use super::settings::unknown;
use super::types;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use datafusion_common::ScalarValue;
use datafusion_expr::{Expr, Operator};
use std::sync::Arc;

/// A table as created: what a source reads and a sink writes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Table {
    /// Its name, case kept.
    pub name: String,
    /// Its columns in order, all kinds.
    pub columns: Vec<Column>,
    /// How event time is known, if it is.
    pub watermark: Option<Watermark>,
    /// The columns of `PRIMARY KEY (..) NOT ENFORCED`; empty if there is none.
    pub primary_key: Vec<String>,
    /// The options of `WITH`, in order.
    pub options: Vec<TableOption>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// Where its name stands.
    pub at: Position,
}

/// One column of a table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Column {
    /// Its name, case kept.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Where its values come from.
    pub kind: ColumnKind,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// Where its name stands.
    pub at: Position,
}

/// Where a column's values come from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ColumnKind {
    /// The record itself.
    Physical,
    /// An expression over the physical and metadata columns; a sink does not write it.
    Computed(Expr),
    /// Something the connector knows of the record.
    Metadata {
        /// What, in the connector's words: `FROM 'key'`, else the column's name.
        key: String,
        /// Read only: a sink does not write it.
        is_virtual: bool,
    },
}

/// `WATERMARK FOR column AS expression`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Watermark {
    /// The event-time column.
    pub column: String,
    /// The watermark each row suggests, over all columns of the table.
    pub expression: Expr,
    /// By how many milliseconds the expression stays behind the column, if it has the usual form `ts - INTERVAL ..`.
    pub delay_ms: Option<i64>,
}

/// One `'key' = 'value'` of `WITH`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableOption {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// Where the key stands.
    pub at: Position,
}

impl Table {
    /// The value of an option.
    pub fn option(&self, key: &str) -> Option<&TableOption> {
        self.options.iter().find(|option| option.key == key)
    }

    /// All columns, as a query sees them.
    pub fn schema(&self) -> SchemaRef {
        let field = |column: &Column| Field::new(&column.name, column.data_type.clone(), column.nullable);
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }

    /// The columns an INSERT writes, in order: physical ones, and metadata that is not `VIRTUAL`.
    pub fn written(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| match &column.kind {
            ColumnKind::Physical => true,
            ColumnKind::Metadata { is_virtual, .. } => !is_virtual,
            ColumnKind::Computed(_) => false,
        })
    }

    /// A table that prints rows of these columns. Names are as Flink gives them: `id` and `id0`, `EXPR$1` for what has none.
    pub(super) fn print(name: String, fields: &Fields, at: Position) -> Self {
        let mut names: Vec<String> = Vec::new();
        for (number, field) in fields.iter().enumerate() {
            let is_name = field.name().chars().all(|c| c.is_alphanumeric() || "_.-".contains(c));
            let name = if is_name { field.name().clone() } else { format!("EXPR${number}") };
            let others = (0..).map(|number| format!("{name}{number}"));
            let free = std::iter::once(name.clone()).chain(others).find(|name| !names.contains(name));
            names.extend(free);
        }
        let column = |(field, name): (&Arc<Field>, String)| Column {
            name,
            data_type: types::stored(field.data_type()),
            nullable: true,
            kind: ColumnKind::Physical,
            comment: None,
            at,
        };
        Self {
            name,
            columns: fields.iter().zip(names).map(column).collect(),
            watermark: None,
            primary_key: Vec::new(),
            options: vec![TableOption { key: "connector".to_owned(), value: "print".to_owned(), at }],
            comment: None,
            at,
        }
    }

    /// Checks what was written and plans the expressions in it.
    pub(super) fn new(text: Text<'_>, written: CreateTable, context: &Context) -> Result<Self, Error> {
        let mut table = Self {
            at: written.name.at,
            name: written.name.value,
            columns: Vec::new(),
            watermark: None,
            primary_key: Vec::new(),
            options: Vec::new(),
            comment: written.comment,
        };
        // Computed columns see the others, not each other, as in Flink: so those come first.
        let stored = written.columns.iter().filter_map(stored_column).collect::<Vec<_>>();
        let schema = Schema::new(
            stored.iter().map(|c| Field::new(&c.name, c.data_type.clone(), c.nullable)).collect::<Vec<_>>(),
        );
        for def in &written.columns {
            let column = match &def.kind {
                ColumnDefKind::Computed(expression) => {
                    let (expression, data_type, nullable) =
                        context.expression(text, def.name.at, expression, &schema)?;
                    column(def, data_type, nullable, ColumnKind::Computed(expression))
                }
                _ => stored_column(def),
            };
            table.columns.extend(column);
        }
        for (key, value) in written.options {
            table.options.push(TableOption { key: key.value, value, at: key.at });
        }
        for key in written.primary_key {
            let names = table.columns.iter().map(|column| column.name.as_str());
            let Some(column) = table.columns.iter().find(|column| column.name == key.value) else {
                return Err(text.meaning(key.at, unknown("column", &key.value, names)));
            };
            if !types::is_key(&column.data_type) {
                let message =
                    format!("`{}` is a {}, which no key can hold", key.value, types::type_name(&column.data_type));
                return Err(text.meaning(key.at, message));
            }
            table.primary_key.push(key.value);
        }
        if let Some((name, bound)) = written.watermark {
            table.watermark = Some(table.watermark(text, &name.value, name.at, &bound, context)?);
        }
        Ok(table)
    }

    fn watermark(
        &self,
        text: Text<'_>,
        name: &str,
        at: Position,
        bound: &datafusion_sql::sqlparser::ast::Expr,
        context: &Context,
    ) -> Result<Watermark, Error> {
        let names = self.columns.iter().map(|column| column.name.as_str());
        let Some(column) = self.columns.iter().find(|column| column.name == name) else {
            return Err(text.meaning(at, unknown("column", name, names)));
        };
        if !matches!(column.data_type, DataType::Timestamp(..)) {
            let found = types::type_name(&column.data_type);
            let message = format!("event time is a TIMESTAMP(3) or TIMESTAMP_LTZ(3); `{name}` is a {found}");
            return Err(text.meaning(at, message));
        }
        if let ColumnKind::Computed(expression) = &column.kind
            && is_proctime(expression)
        {
            let message = format!(
                "`{name}` is processing time, which has no watermark; for the time of arrival write {name} AS CURRENT_TIMESTAMP"
            );
            return Err(text.meaning(at, message));
        }
        let (expression, data_type, _) = context.expression(text, at, bound, &self.schema())?;
        if !matches!(data_type, DataType::Timestamp(..)) {
            let found = types::type_name(&data_type);
            return Err(text.meaning(at, format!("a watermark is a timestamp; this expression is a {found}")));
        }
        let delay_ms = delay(&expression, name);
        if delay_ms.is_some_and(|delay| delay < 0) {
            return Err(text.meaning(at, "this watermark runs ahead of the rows; write ts - INTERVAL '5' SECOND"));
        }
        Ok(Watermark { column: name.to_owned(), expression, delay_ms })
    }
}

fn column(def: &ColumnDef, data_type: DataType, nullable: bool, kind: ColumnKind) -> Option<Column> {
    let (name, comment) = (def.name.value.clone(), def.comment.clone());
    Some(Column { name, data_type, nullable, kind, comment, at: def.name.at })
}

fn stored_column(def: &ColumnDef) -> Option<Column> {
    match &def.kind {
        ColumnDefKind::Physical { data_type, nullable } => {
            column(def, data_type.clone(), *nullable, ColumnKind::Physical)
        }
        ColumnDefKind::Metadata { data_type, nullable, key, is_virtual } => {
            let key = key.clone().unwrap_or_else(|| def.name.value.clone());
            column(def, data_type.clone(), *nullable, ColumnKind::Metadata { key, is_virtual: *is_virtual })
        }
        ColumnDefKind::Computed(_) => None,
    }
}

/// The `d` of `column - INTERVAL d`, or 0 for the bare column.
fn delay(expression: &Expr, name: &str) -> Option<i64> {
    let is_time = |side: &Expr| matches!(side, Expr::Column(column) if column.name == name);
    match expression {
        Expr::BinaryExpr(binary) if is_time(&binary.left) => {
            let Expr::Literal(value, _) = &*binary.right else { return None };
            let ms = milliseconds(value)?;
            match binary.op {
                Operator::Minus => Some(ms),
                Operator::Plus => ms.checked_neg(),
                _ => None,
            }
        }
        bare => is_time(bare).then_some(0),
    }
}

/// A day-time interval in milliseconds; `None` for one with months or below a millisecond.
pub(super) fn milliseconds(value: &ScalarValue) -> Option<i64> {
    const DAY: i64 = 86_400_000;
    match value {
        ScalarValue::IntervalMonthDayNano(Some(v)) if v.months == 0 && v.nanoseconds % 1_000_000 == 0 => {
            i64::from(v.days).checked_mul(DAY)?.checked_add(v.nanoseconds / 1_000_000)
        }
        ScalarValue::IntervalDayTime(Some(v)) => {
            i64::from(v.days).checked_mul(DAY)?.checked_add(i64::from(v.milliseconds))
        }
        _ => None,
    }
}

/// What a table's connector can do; a connector tells it when the table is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Takes {
    /// Rows are only ever added: an updating query is refused.
    Appends,
    /// Changes: a row with the primary key of another replaces it, and keys are deleted.
    Changes,
}

/// Why the options of a table are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionError {
    /// The key of the option it is about; else it is about the table.
    pub key: Option<String>,
    /// What was found and what to write.
    pub message: String,
}
