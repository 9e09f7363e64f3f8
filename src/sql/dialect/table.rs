//! `CREATE TABLE`: columns, watermark, primary key, options.

use super::{Cursor, Quoted};
use crate::sql::Position;
use crate::sql::error::Error;
use crate::sql::types;
use arrow::datatypes::DataType;
use datafusion_sql::sqlparser::ast;
use datafusion_sql::sqlparser::tokenizer::Token;

/// A `CREATE TABLE` as written.
#[derive(Clone, Debug)]
pub(in crate::sql) struct CreateTable {
    pub(in crate::sql) name: Quoted,
    pub(in crate::sql) if_not_exists: bool,
    pub(in crate::sql) columns: Vec<ColumnDef>,
    pub(in crate::sql) watermark: Option<(Quoted, ast::Expr)>,
    pub(in crate::sql) primary_key: Vec<Quoted>,
    pub(in crate::sql) comment: Option<String>,
    pub(in crate::sql) options: Vec<(Quoted, String)>,
}

/// One column as written.
#[derive(Clone, Debug)]
pub(in crate::sql) struct ColumnDef {
    pub(in crate::sql) name: Quoted,
    pub(in crate::sql) kind: ColumnDefKind,
    pub(in crate::sql) comment: Option<String>,
}

#[derive(Clone, Debug)]
pub(in crate::sql) enum ColumnDefKind {
    Physical { data_type: DataType, nullable: bool },
    Metadata { data_type: DataType, nullable: bool, key: Option<String>, is_virtual: bool },
    Computed(Box<ast::Expr>),
}

impl CreateTable {
    /// Reads what follows `CREATE [TEMPORARY] TABLE`.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Error> {
        let if_not_exists = cursor.if_not_exists()?;
        let mut table = Self {
            name: cursor.table_name()?,
            if_not_exists,
            columns: Vec::new(),
            watermark: None,
            primary_key: Vec::new(),
            comment: None,
            options: Vec::new(),
        };
        cursor.expect(&Token::LParen, "a list of columns")?;
        loop {
            table.element(cursor)?;
            if !cursor.parser.consume_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect(&Token::RParen, "`,` or the `)` that ends the columns")?;
        table.behind(cursor)?;
        Ok(table)
    }

    /// One line between the parentheses.
    fn element(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Error> {
        let at = cursor.at();
        // A column may be called `watermark` or `primary`: the second word tells.
        if cursor.next_are(&["WATERMARK", "FOR"]) {
            let column = cursor.name()?;
            cursor.words(&["AS"])?;
            let bound = cursor.expression()?;
            if self.watermark.is_some() {
                return Err(cursor.text.meaning(at, "a table has one WATERMARK; this is the second"));
            }
            self.watermark = Some((column, bound));
            return Ok(());
        }
        if cursor.next_are(&["CONSTRAINT"]) {
            cursor.name()?;
            if !cursor.sees(&["PRIMARY", "KEY"]) {
                let instead = "the only constraint is PRIMARY KEY (..) NOT ENFORCED";
                return Err(cursor.text.unsupported(cursor.at(), "this constraint", instead));
            }
        }
        if cursor.next_are(&["PRIMARY", "KEY"]) {
            cursor.expect(&Token::LParen, "the columns of the key in parentheses")?;
            let key = cursor.names()?;
            cursor.expect(&Token::RParen, "`)`")?;
            return self.key(cursor, at, key);
        }
        if cursor.next_are(&["UNIQUE"]) {
            return Err(cursor.text.unsupported(at, "UNIQUE", "write PRIMARY KEY (..) NOT ENFORCED"));
        }
        let column = self.column(cursor)?;
        if self.columns.iter().any(|other| other.name.value == column.name.value) {
            let message = format!("the column `{}` is there twice; names are told apart by case", column.name.value);
            return Err(cursor.text.meaning(column.name.at, message));
        }
        self.columns.push(column);
        Ok(())
    }

    fn key(&mut self, cursor: &mut Cursor<'_>, at: Position, key: Vec<Quoted>) -> Result<(), Error> {
        if !cursor.next_are(&["NOT", "ENFORCED"]) {
            let instead = "write PRIMARY KEY (..) NOT ENFORCED: the rows are not searched for duplicates";
            return Err(cursor.text.unsupported(at, "an enforced PRIMARY KEY", instead));
        }
        if !self.primary_key.is_empty() {
            return Err(cursor.text.meaning(at, "a table has one PRIMARY KEY; this is the second"));
        }
        self.primary_key = key;
        Ok(())
    }

    fn column(&mut self, cursor: &mut Cursor<'_>) -> Result<ColumnDef, Error> {
        let name = cursor.name()?;
        if cursor.next_are(&["AS"]) {
            let kind = ColumnDefKind::Computed(Box::new(cursor.expression()?));
            return Ok(ColumnDef { name, kind, comment: cursor.comment()? });
        }
        let data_type = types::parse(cursor.text, &mut cursor.parser)?;
        let nullable = types::nullable(cursor.text, &mut cursor.parser)?;
        let at = cursor.at();
        if cursor.next_are(&["PRIMARY", "KEY"]) {
            self.key(cursor, at, vec![name.clone()])?;
        }
        let kind = if cursor.next_are(&["METADATA"]) {
            let key = if cursor.next_are(&["FROM"]) { Some(cursor.string()?.value) } else { None };
            let is_virtual = cursor.next_are(&["VIRTUAL"]);
            ColumnDefKind::Metadata { data_type, nullable, key, is_virtual }
        } else {
            ColumnDefKind::Physical { data_type, nullable }
        };
        Ok(ColumnDef { name, kind, comment: cursor.comment()? })
    }

    /// What stands behind the columns.
    fn behind(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Error> {
        self.comment = cursor.comment()?;
        let at = cursor.at();
        let refused = [
            ("PARTITIONED", "PARTITIONED BY", "name the path in WITH; files are not split by a column's value"),
            ("DISTRIBUTED", "DISTRIBUTED BY", "rows are spread by the key of the query"),
            ("LIKE", "LIKE", "write the columns and options out"),
            ("AS", "CREATE TABLE .. AS", "create the table, then INSERT INTO it"),
        ];
        for round in [false, true] {
            for (word, what, instead) in refused {
                if cursor.sees(&[word]) {
                    return Err(cursor.text.unsupported(cursor.at(), what, instead));
                }
            }
            if round {
                break;
            }
            if !cursor.next_are(&["WITH"]) {
                let message = "a table needs its options: WITH ('connector' = '..', ..)";
                return Err(cursor.text.syntax(at, message));
            }
            self.options = cursor.options()?;
        }
        Ok(())
    }
}
