//! The grammar: Flink's statements around the general parser's queries and expressions.
//!
//! The text is cut into tokens, a few of which are rewritten (`tokens`); a small recursive reader takes the statements
//! (`CREATE TABLE`, `STATEMENT SET`, ..), and the general parser reads what is common to all SQL. Nothing is read and
//! forgotten: what has no place in the statements below is refused.

mod calls;
mod table;
mod tokens;

pub(super) use calls::{DISTINCT, NOT_DISTINCT};
pub(super) use table::{ColumnDef, ColumnDefKind, CreateTable};
pub(super) use tokens::{LOOKUP, PARTITION_BY};

use super::Position;
use super::error::{Error, Text};
use super::types::{self, is_word, message};
use datafusion_sql::sqlparser::ast;
use datafusion_sql::sqlparser::dialect::GenericDialect;
use datafusion_sql::sqlparser::parser::Parser;
use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// The most tokens of one query or expression: a longer chain of operators could outgrow the stack of whoever walks it.
const LENGTH: usize = 4000;

/// A name or a string and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quoted {
    pub(super) value: String,
    pub(super) at: Position,
}

/// A query and the tokens it was read from, to find the place of a name in it.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) ast: Box<ast::Query>,
    pub(super) tokens: Vec<TokenWithSpan>,
    pub(super) at: Position,
}

/// One statement of the text.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    Table(Box<CreateTable>),
    View {
        name: Quoted,
        columns: Vec<Quoted>,
        if_not_exists: bool,
        query: Query,
    },
    Insert {
        table: Quoted,
        columns: Vec<Quoted>,
        query: Query,
        explain: bool,
    },
    /// A query alone: its rows are printed.
    Select {
        query: Query,
        explain: bool,
    },
    Set {
        key: Quoted,
        value: Quoted,
    },
}

/// Reads a whole text.
pub(super) fn parse(text: &str) -> Result<Vec<Statement>, Error> {
    let text = Text(text);
    let tokens = tokens::tokens(text)?;
    let parser = Parser::new(&GenericDialect {}).with_tokens_with_locations(tokens.clone());
    let mut cursor = Cursor { text, parser, tokens };
    let mut statements = Vec::new();
    loop {
        while cursor.parser.consume_token(&Token::SemiColon) {}
        if cursor.is_at_end() {
            return Ok(statements);
        }
        cursor.statement(&mut statements)?;
        if !cursor.is_at_end() {
            cursor.expect(&Token::SemiColon, "`;` or the end of the statement")?;
        }
    }
}

/// A parser at its place in a text.
struct Cursor<'a> {
    text: Text<'a>,
    parser: Parser<'a>,
    tokens: Vec<TokenWithSpan>,
}

impl Cursor<'_> {
    fn is_at_end(&self) -> bool {
        self.parser.peek_token_ref().token == Token::EOF
    }

    /// The place of the next token; at the end of the text that of the last one.
    fn at(&self) -> Position {
        let next = self.tokens.get(self.parser.index()).or(self.tokens.last());
        next.map_or(Position { line: 1, column: 1 }, |token| token.span.start.into())
    }

    /// Whether these words follow.
    fn sees(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(nth, word)| is_word(&self.parser.peek_nth_token_ref(nth).token, word))
    }

    /// Takes these words, if they follow.
    fn next_are(&mut self, words: &[&str]) -> bool {
        let found = self.sees(words);
        for _ in words.iter().filter(|_| found) {
            self.parser.next_token();
        }
        found
    }

    fn words(&mut self, words: &[&str]) -> Result<(), Error> {
        types::words(self.text, &mut self.parser, words)
    }

    fn found(&self, expected: &str) -> Error {
        let found = match &self.parser.peek_token_ref().token {
            Token::EOF => "the end of the text".to_owned(),
            token => format!("`{token}`"),
        };
        self.text.syntax(self.at(), format!("found {found}, expected {expected}"))
    }

    fn expect(&mut self, token: &Token, expected: &str) -> Result<(), Error> {
        if self.parser.consume_token(token) { Ok(()) } else { Err(self.found(expected)) }
    }

    fn name(&mut self) -> Result<Quoted, Error> {
        let at = self.at();
        match &self.parser.peek_token_ref().token {
            Token::Word(_) => {
                let name = self.parser.parse_identifier().map_err(|error| self.text.syntax(at, message(&error)))?;
                Ok(Quoted { value: name.value, at })
            }
            _ => Err(self.found("a name")),
        }
    }

    /// The name of a table; catalogs and databases are refused, for there is one of each.
    fn table_name(&mut self) -> Result<Quoted, Error> {
        let name = self.name()?;
        if self.parser.peek_token_ref().token == Token::Period {
            return Err(self.text.unsupported(
                name.at,
                "the name of a catalog or database",
                "write the table's name alone",
            ));
        }
        Ok(name)
    }

    fn names(&mut self) -> Result<Vec<Quoted>, Error> {
        let mut names = vec![self.name()?];
        while self.parser.consume_token(&Token::Comma) {
            names.push(self.name()?);
        }
        Ok(names)
    }

    /// `(a, b)`, if a parenthesis follows.
    fn columns(&mut self) -> Result<Vec<Quoted>, Error> {
        // `INSERT INTO t (SELECT ..)` has a query in parentheses, not columns.
        let is_query =
            ["SELECT", "WITH", "VALUES"].iter().any(|w| is_word(&self.parser.peek_nth_token_ref(1).token, w));
        if is_query || !self.parser.consume_token(&Token::LParen) {
            return Ok(Vec::new());
        }
        let names = self.names()?;
        self.expect(&Token::RParen, "`,` or `)`")?;
        Ok(names)
    }

    fn string(&mut self) -> Result<Quoted, Error> {
        let at = self.at();
        match self.parser.peek_token().token {
            Token::SingleQuotedString(value) => {
                self.parser.next_token();
                Ok(Quoted { value, at })
            }
            _ => Err(self.found("a string in single quotes")),
        }
    }

    fn comment(&mut self) -> Result<Option<String>, Error> {
        if self.next_are(&["COMMENT"]) { Ok(Some(self.string()?.value)) } else { Ok(None) }
    }

    fn if_not_exists(&mut self) -> Result<bool, Error> {
        if !self.next_are(&["IF"]) {
            return Ok(false);
        }
        self.words(&["NOT", "EXISTS"])?;
        Ok(true)
    }

    fn expression(&mut self) -> Result<ast::Expr, Error> {
        let (at, from) = (self.at(), self.parser.index());
        let expression = self.parser.parse_expr().map_err(|error| self.text.syntax(self.at(), message(&error)))?;
        self.is_short(at, from)?;
        Ok(expression)
    }

    fn query(&mut self) -> Result<Query, Error> {
        let (at, from) = (self.at(), self.parser.index());
        let ast = self.parser.parse_query().map_err(|error| self.text.syntax(self.at(), message(&error)))?;
        self.is_short(at, from)?;
        let tokens = self.tokens.get(from..self.parser.index()).unwrap_or_default().to_vec();
        Ok(Query { ast, tokens, at })
    }

    fn is_short(&self, at: Position, from: usize) -> Result<(), Error> {
        if self.parser.index() - from <= LENGTH {
            return Ok(());
        }
        let instead = format!("at most {LENGTH} words and signs; put parts of it into views");
        Err(self.text.unsupported(at, "a query this long", instead))
    }

    /// `('key' = 'value', ..)`; a key may stand without quotes, also with dots.
    fn options(&mut self) -> Result<Vec<(Quoted, String)>, Error> {
        self.expect(&Token::LParen, "the options in parentheses")?;
        let mut options: Vec<(Quoted, String)> = Vec::new();
        loop {
            let mut key = match self.parser.peek_token_ref().token {
                Token::SingleQuotedString(_) => self.string()?,
                _ => self.name()?,
            };
            while self.parser.consume_token(&Token::Period) {
                key.value = format!("{}.{}", key.value, self.name()?.value);
            }
            self.expect(&Token::Eq, "`=` and the option's value")?;
            let value = self.string()?.value;
            if options.iter().any(|(other, _)| other.value == key.value) {
                return Err(self.text.meaning(key.at, format!("the option '{}' is there twice", key.value)));
            }
            options.push((key, value));
            if !self.parser.consume_token(&Token::Comma) {
                break;
            }
        }
        self.expect(&Token::RParen, "`,` or the `)` that ends the options")?;
        Ok(options)
    }

    fn statement(&mut self, statements: &mut Vec<Statement>) -> Result<(), Error> {
        let at = self.at();
        if self.next_are(&["CREATE"]) {
            return self.create(at, statements);
        }
        let explain = self.next_are(&["EXPLAIN"]);
        if explain {
            self.next_are(&["PLAN", "FOR"]);
        }
        if self.next_are(&["EXECUTE", "STATEMENT", "SET"]) || (explain && self.next_are(&["STATEMENT", "SET"])) {
            self.words(&["BEGIN"])?;
            return self.set_of_inserts(explain, statements);
        }
        if self.next_are(&["BEGIN", "STATEMENT", "SET"]) {
            self.expect(&Token::SemiColon, "`;`")?;
            return self.set_of_inserts(explain, statements);
        }
        self.next_are(&["EXECUTE"]);
        if self.next_are(&["INSERT"]) {
            statements.push(self.insert(explain)?);
            return Ok(());
        }
        if ["SELECT", "WITH", "VALUES"].iter().any(|word| self.sees(&[word])) {
            statements.push(Statement::Select { query: self.query()?, explain });
            return Ok(());
        }
        if explain {
            return Err(self.found("INSERT INTO, STATEMENT SET, or a query behind EXPLAIN"));
        }
        if self.next_are(&["SET"]) {
            let key = self.string()?;
            self.expect(&Token::Eq, "`=` and the setting's value")?;
            statements.push(Statement::Set { key, value: self.string()? });
            return Ok(());
        }
        let refused = [
            ("DROP", "a program has only the tables it creates: leave the CREATE out"),
            ("ALTER", "change the CREATE TABLE"),
            ("UPDATE", "a stream's rows are changed by a query that yields changes"),
            ("DELETE", "a stream's rows are changed by a query that yields changes"),
            ("USE", "there is one catalog and one database"),
            ("SHOW", "ask the command line: `millstream functions`, `millstream connectors`"),
            ("DESCRIBE", "ask the command line: `millstream check`"),
            ("RESET", "leave the SET out"),
            ("ADD", "functions are registered in Rust"),
            ("CALL", "there are no procedures"),
            ("TRUNCATE", "delete the file"),
            ("MERGE", "INSERT INTO a table with a PRIMARY KEY updates by key"),
        ];
        for (word, instead) in refused {
            if self.sees(&[word]) {
                return Err(self.text.unsupported(self.at(), format!("{word} as a statement"), instead));
            }
        }
        Err(self.found(
            "a statement: CREATE TABLE, CREATE VIEW, INSERT INTO, EXECUTE STATEMENT SET, SELECT, SET, or EXPLAIN",
        ))
    }

    fn set_of_inserts(&mut self, explain: bool, statements: &mut Vec<Statement>) -> Result<(), Error> {
        let at = self.at();
        let before = statements.len();
        while !self.next_are(&["END"]) {
            if !self.next_are(&["INSERT"]) {
                return Err(self.found("INSERT INTO or END"));
            }
            statements.push(self.insert(explain)?);
            self.expect(&Token::SemiColon, "`;` behind each INSERT")?;
        }
        if statements.len() == before {
            return Err(self.text.syntax(at, "a statement set has at least one INSERT INTO"));
        }
        Ok(())
    }

    fn insert(&mut self, explain: bool) -> Result<Statement, Error> {
        let at = self.at();
        if self.sees(&["OVERWRITE"]) {
            let instead = "write INSERT INTO: a stream never ends, so there is nothing to replace";
            return Err(self.text.unsupported(at, "INSERT OVERWRITE", instead));
        }
        self.words(&["INTO"])?;
        let table = self.table_name()?;
        if self.sees(&["PARTITION"]) {
            return Err(self.text.unsupported(self.at(), "PARTITION", "give the column a value in the query"));
        }
        Ok(Statement::Insert { table, columns: self.columns()?, query: self.query()?, explain })
    }

    fn create(&mut self, at: Position, statements: &mut Vec<Statement>) -> Result<(), Error> {
        if self.next_are(&["OR"]) {
            return Err(self.text.unsupported(at, "CREATE OR REPLACE", "a name is created once in a program"));
        }
        self.next_are(&["TEMPORARY"]);
        if self.next_are(&["TABLE"]) {
            statements.push(Statement::Table(Box::new(CreateTable::parse(self)?)));
            return Ok(());
        }
        if self.next_are(&["VIEW"]) {
            let if_not_exists = self.if_not_exists()?;
            let name = self.table_name()?;
            let columns = self.columns()?;
            self.comment()?;
            self.words(&["AS"])?;
            statements.push(Statement::View { name, columns, if_not_exists, query: self.query()? });
            return Ok(());
        }
        let refused = [
            ("FUNCTION", "functions are registered in Rust"),
            ("SYSTEM", "functions are registered in Rust"),
            ("CATALOG", "there is one catalog"),
            ("DATABASE", "there is one database"),
            ("MATERIALIZED", "write CREATE VIEW, and INSERT INTO a table what is to be kept"),
            ("SOURCE", "write CREATE TABLE"),
            ("SINK", "write CREATE TABLE, and INSERT INTO it"),
            ("MODEL", "there are no models"),
        ];
        for (word, instead) in refused {
            if self.sees(&[word]) {
                return Err(self.text.unsupported(at, format!("CREATE {word}"), instead));
            }
        }
        Err(self.found("TABLE or VIEW"))
    }
}
