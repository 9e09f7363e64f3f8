//! Fields between delimiters, RFC 4180.

use super::{Format, Found, ReadLine, WriteLine, misfit};
use crate::sql::catalog::OptionError;
use crate::sql::connector::{OptionDoc, Options};
use crate::sql::row::{RowKind, Value};
use crate::sql::text::{read_text, write_plain};
use crate::sql::type_name;
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use std::borrow::Cow;
use std::sync::Arc;

/// `csv`: fields between delimiters, in the order of the columns.
///
/// Times are as in SQL, `2020-01-31 12:00:00`; BYTES in base 64; the elements of an ARRAY or ROW stand between delimiters of
/// their own. A line must have as many fields as the table has columns. A line break within quotes is not read.
///
/// ```
/// use millstream::sql::format::{Csv, Format};
///
/// assert!(Csv.options().iter().any(|option| option.key == "field-delimiter"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Csv;

const OPTIONS: &[OptionDoc] = &[
    OptionDoc { key: "field-delimiter", default: Some(","), doc: "stands between fields" },
    OptionDoc { key: "quote-character", default: Some("\""), doc: "encloses a field that holds a delimiter" },
    OptionDoc { key: "disable-quote-character", default: Some("false"), doc: "no field is enclosed" },
    OptionDoc { key: "escape-character", default: None, doc: "takes the next character as it is" },
    OptionDoc {
        key: "null-literal",
        default: None,
        doc: "a field that is NULL; NULL is written as an empty one without it",
    },
    OptionDoc { key: "allow-comments", default: Some("false"), doc: "a line that begins with # is left out" },
    OptionDoc {
        key: "ignore-parse-errors",
        default: Some("false"),
        doc: "a field that does not fit is NULL, a line that is none is left out",
    },
    OptionDoc {
        key: "array-element-delimiter",
        default: Some(";"),
        doc: "stands between the elements of an ARRAY or ROW",
    },
    OptionDoc {
        key: "header",
        default: Some("false"),
        doc: "the first line of each file has the names of the columns (not in Flink)",
    },
];

/// What the options say.
#[derive(Clone, Debug)]
struct Shape {
    delimiter: char,
    quote: Option<char>,
    escape: Option<char>,
    null: Option<String>,
    comments: bool,
    ignore: bool,
    element: String,
    header: bool,
}

impl Shape {
    fn new(options: Options<'_>) -> Result<Self, OptionError> {
        let quote = options.character("quote-character", '"')?;
        let shape = Shape {
            delimiter: options.character("field-delimiter", ',')?,
            quote: (!options.flag("disable-quote-character", false)?).then_some(quote),
            escape: match options.text("escape-character") {
                None => None,
                Some(_) => Some(options.character("escape-character", '\\')?),
            },
            null: options.text("null-literal").map(str::to_owned),
            comments: options.flag("allow-comments", false)?,
            ignore: options.flag("ignore-parse-errors", false)?,
            element: options.text("array-element-delimiter").unwrap_or(";").to_owned(),
            header: options.flag("header", false)?,
        };
        if shape.quote == Some(shape.delimiter) || shape.escape == Some(shape.delimiter) {
            let message = "the delimiter of fields must differ from the characters that quote and escape".to_owned();
            return Err(options.refuse("field-delimiter", message));
        }
        if shape.element.is_empty() {
            return Err(options.refuse("array-element-delimiter", "it must not be empty"));
        }
        Ok(shape)
    }
}

/// Whether fields can hold the type.
fn check(column: &FieldRef) -> Result<(), OptionError> {
    let is_plain = |data_type: &DataType| !data_type.is_nested() && *data_type != DataType::Null;
    let fits = match column.data_type() {
        DataType::List(item) => is_plain(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_plain(field.data_type())),
        other => is_plain(other),
    };
    if fits {
        return Ok(());
    }
    let message =
        format!("format 'csv' has no {}, the type of `{}`; use 'json'", type_name(column.data_type()), column.name());
    Err(OptionError { key: Some("format".to_owned()), message })
}

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn doc(&self) -> &'static str {
        "fields between delimiters, RFC 4180"
    }

    fn options(&self) -> &'static [OptionDoc] {
        OPTIONS
    }

    fn reader(
        &self,
        options: Options<'_>,
        columns: &SchemaRef,
        wanted: &[usize],
    ) -> Result<Arc<dyn ReadLine>, OptionError> {
        columns.fields().iter().try_for_each(check)?;
        Ok(Arc::new(Reader { shape: Shape::new(options)?, columns: Arc::clone(columns), wanted: wanted.to_vec() }))
    }

    fn writer(&self, options: Options<'_>, columns: &SchemaRef) -> Result<Arc<dyn WriteLine>, OptionError> {
        columns.fields().iter().try_for_each(check)?;
        Ok(Arc::new(Writer::new(Shape::new(options)?, columns)))
    }
}

struct Reader {
    shape: Shape,
    columns: SchemaRef,
    wanted: Vec<usize>,
}

/// A field as it is meant, and what stands behind its delimiter; `None` if it is the last.
type First<'l> = (Cow<'l, str>, Option<&'l str>);

/// Takes the first field off.
fn split<'l>(shape: &Shape, line: &'l str) -> Result<First<'l>, String> {
    let quote = shape.quote.filter(|quote| line.starts_with(*quote));
    if quote.is_none() && shape.escape.is_none() {
        let end = match shape.delimiter {
            delimiter if delimiter.is_ascii() => memchr::memchr(delimiter as u8, line.as_bytes()),
            delimiter => line.find(delimiter),
        };
        return Ok(match end {
            Some(at) => (Cow::Borrowed(&line[..at]), Some(&line[at + shape.delimiter.len_utf8()..])),
            None => (Cow::Borrowed(line), None),
        });
    }
    let Some(quote) = quote else { return Ok(escaped(shape, line)) };
    let body = &line[quote.len_utf8()..];
    let (mut field, mut from) = (Cow::Borrowed(""), 0);
    let mut add = |piece: &'l str| {
        if field.is_empty() {
            field = Cow::Borrowed(piece);
        } else {
            field.to_mut().push_str(piece);
        }
    };
    loop {
        let found = body[from..].find(|c| c == quote || shape.escape == Some(c));
        let Some(at) = found.map(|at| from + at) else {
            return Err("a quoted field has no end (a line break within quotes is not read)".to_owned());
        };
        let is_escape = !body[at..].starts_with(quote);
        let behind = at + if is_escape { shape.escape.map_or(0, char::len_utf8) } else { quote.len_utf8() };
        let rest = &body[behind..];
        if is_escape || rest.starts_with(quote) {
            // A doubled quote, or what is escaped, stands for itself.
            let length = rest.chars().next().map_or(0, char::len_utf8);
            add(&body[from..at]);
            add(&body[behind..behind + length]);
            from = behind + length;
            continue;
        }
        add(&body[from..at]);
        return match rest.strip_prefix(shape.delimiter) {
            Some(rest) => Ok((field, Some(rest))),
            None if rest.is_empty() => Ok((field, None)),
            None => {
                let found = rest.chars().next().unwrap_or_default();
                Err(format!("found '{found}' behind a quoted field, expected '{}'", shape.delimiter))
            }
        };
    }
}

/// Takes a field off that is not quoted, and may hold what is escaped.
fn escaped<'l>(shape: &Shape, line: &'l str) -> First<'l> {
    let mut field = String::new();
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == shape.delimiter {
            return (Cow::Owned(field), Some(&line[at + character.len_utf8()..]));
        }
        let escaped = (Some(character) == shape.escape).then(|| characters.next()).flatten();
        field.push(escaped.map_or(character, |(_, escaped)| escaped));
    }
    (Cow::Owned(field), None)
}

impl Reader {
    fn value<'l>(&self, text: Cow<'l, str>, column: usize) -> Result<Value<'l>, String> {
        let field = self.columns.field(column);
        if self.shape.null.as_deref() == Some(&*text) {
            return Ok(Value::Null);
        }
        let data_type = field.data_type();
        let element = |text: &str, data_type: &DataType| {
            if self.shape.null.as_deref() == Some(text) {
                return Some(Value::Null);
            }
            read_text(Cow::Owned(text.to_owned()), data_type)
        };
        let elements = || text.split(&*self.shape.element);
        let value = match data_type {
            DataType::List(_) if text.is_empty() => Some(Value::List(Vec::new())),
            DataType::List(item) => {
                elements().map(|text| element(text, item.data_type())).collect::<Option<_>>().map(Value::List)
            }
            DataType::Struct(fields) => {
                let values = elements().zip(fields).map(|(text, field)| element(text, field.data_type()));
                let values = values.collect::<Option<Vec<_>>>();
                values.filter(|values| values.len() == fields.len()).map(Value::Row)
            }
            DataType::Utf8View | DataType::Utf8 => return Ok(Value::Text(text)),
            _ => read_text(Cow::Borrowed(&*text), data_type).map(|value| match value {
                Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
                Value::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
                other => plain(other),
            }),
        };
        match value {
            Some(value) => Ok(value),
            None if self.shape.ignore => Ok(Value::Null),
            None => Err(misfit(field.name(), &text, data_type)),
        }
    }

    fn fields<'l>(&self, line: &'l str, found: &mut Found<'l>) -> Result<(), String> {
        let (mut rest, mut column, mut wanted) = (Some(line), 0, self.wanted.iter().copied().peekable());
        let expected = self.columns.fields().len();
        while let Some(line) = rest {
            let (field, behind) = split(&self.shape, line)?;
            rest = behind;
            if wanted.next_if_eq(&column).is_some() {
                found.values.push(self.value(field, column)?);
            }
            column += 1;
        }
        let complete = column == expected || (self.shape.ignore && column < expected);
        if !complete {
            return Err(format!("{expected} fields expected, {column} found"));
        }
        wanted.for_each(|_| found.values.push(Value::Null));
        Ok(())
    }
}

/// A value that borrows nothing, with another lifetime.
fn plain<'l>(value: Value<'_>) -> Value<'l> {
    match value {
        Value::Bool(value) => Value::Bool(value),
        Value::Int(value) => Value::Int(value),
        Value::Unsigned(value) => Value::Unsigned(value),
        Value::Float(value) => Value::Float(value),
        Value::Decimal(value) => Value::Decimal(value),
        _ => Value::Null,
    }
}

impl ReadLine for Reader {
    fn read<'l>(&self, line: &'l [u8], found: &mut Found<'l>) -> Result<(), String> {
        let is_blank = line.is_empty() && self.columns.fields().len() > 1;
        if is_blank || (self.shape.comments && line.first() == Some(&b'#')) {
            return Ok(());
        }
        let before = found.values.len();
        let read = std::str::from_utf8(line).map_err(|_| "the line is no UTF-8".to_owned());
        match read.and_then(|line| self.fields(line, found)) {
            Ok(()) => found.row(RowKind::Insert),
            Err(_) if self.shape.ignore => {
                found.values.truncate(before);
                found.ignored += 1;
            }
            Err(cause) => return Err(cause),
        }
        Ok(())
    }

    fn has_header(&self) -> bool {
        self.shape.header
    }
}

struct Writer {
    shape: Shape,
    columns: SchemaRef,
    /// Whether no number or time needs quotes.
    simple: bool,
}

impl Writer {
    fn new(shape: Shape, columns: &SchemaRef) -> Self {
        // What numbers, times and truths are written with.
        let plain = |c: char| c.is_ascii_alphanumeric() || " .:+-".contains(c);
        let marks = [Some(shape.delimiter), shape.quote, shape.escape];
        let is_null = shape.null.as_deref().is_some_and(|null| !null.is_empty() && null.chars().all(plain));
        let simple = !is_null && !marks.into_iter().flatten().any(plain);
        Writer { shape, columns: Arc::clone(columns), simple }
    }

    fn field(&self, out: &mut String, text: &str) {
        let null = self.shape.null.as_deref().unwrap_or_default();
        let Some(quote) = self.shape.quote else {
            out.push_str(text);
            return;
        };
        let is_special = match (self.shape.delimiter, quote) {
            (delimiter, quote) if delimiter.is_ascii() && quote.is_ascii() => {
                let bytes = text.as_bytes();
                memchr::memchr3(delimiter as u8, quote as u8, b'\n', bytes).or(memchr::memchr(b'\r', bytes)).is_some()
            }
            (delimiter, quote) => text.contains([delimiter, quote, '\n', '\r']),
        };
        let is_comment = self.shape.comments && text.starts_with('#');
        if text != null && !is_comment && !is_special && self.shape.escape.is_none_or(|c| !text.contains(c)) {
            out.push_str(text);
            return;
        }
        out.push(quote);
        for character in text.chars() {
            if character == quote || Some(character) == self.shape.escape {
                out.push(self.shape.escape.unwrap_or(quote));
            }
            out.push(character);
        }
        out.push(quote);
    }

    fn plain(&self, out: &mut String, value: &Value<'_>, data_type: &DataType) {
        match value {
            Value::Null => out.push_str(self.shape.null.as_deref().unwrap_or_default()),
            _ => write_plain(out, value, data_type, ' '),
        }
    }
}

impl WriteLine for Writer {
    fn write(&self, kind: RowKind, values: &[Value<'_>], out: &mut String) -> Result<(), String> {
        if kind != RowKind::Insert {
            return Err(format!("format 'csv' has no way to say {kind}"));
        }
        let mut text = String::new();
        for (number, (value, field)) in values.iter().zip(self.columns.fields()).enumerate() {
            if number > 0 {
                out.push(self.shape.delimiter);
            }
            text.clear();
            let mut elements = |values: &mut dyn Iterator<Item = (&Value<'_>, &DataType)>| {
                for (number, (value, data_type)) in values.enumerate() {
                    if number > 0 {
                        text.push_str(&self.shape.element);
                    }
                    self.plain(&mut text, value, data_type);
                }
            };
            match (value, field.data_type()) {
                (Value::Null, data_type) => {
                    self.plain(out, value, data_type);
                    continue;
                }
                (Value::Text(text), _) => {
                    self.field(out, text);
                    continue;
                }
                (Value::List(items), DataType::List(item)) => {
                    elements(&mut items.iter().map(|value| (value, item.data_type())));
                }
                (Value::Row(values), DataType::Struct(fields)) => {
                    elements(&mut values.iter().zip(fields).map(|(value, field)| (value, field.data_type())));
                }
                (Value::Bytes(_), data_type) => self.plain(&mut text, value, data_type),
                (value, data_type) if self.simple => {
                    self.plain(out, value, data_type);
                    continue;
                }
                (value, data_type) => self.plain(&mut text, value, data_type),
            }
            self.field(out, &text);
        }
        Ok(())
    }

    fn header(&self) -> Option<String> {
        let mut line = String::new();
        for (number, field) in self.columns.fields().iter().enumerate() {
            if number > 0 {
                line.push(self.shape.delimiter);
            }
            self.field(&mut line, field.name());
        }
        self.shape.header.then_some(line)
    }
}
