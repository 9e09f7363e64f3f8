//! Lines as they are.

use super::{Format, Found, ReadLine, WriteLine};
use crate::sql::catalog::OptionError;
use crate::sql::connector::{OptionDoc, Options};
use crate::sql::row::{RowKind, Value};
use crate::sql::type_name;
use arrow::datatypes::{DataType, SchemaRef};
use std::borrow::Cow;
use std::sync::Arc;

/// `raw`: the line as it is, for a table of one column, a STRING or BYTES.
///
/// Flink's takes numbers too, as bytes; lines of text have none. A line that is no UTF-8 is malformed as a STRING.
///
/// ```
/// use millstream::sql::format::{Format, Raw};
///
/// assert!(Raw.options().is_empty());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Raw;

impl Raw {
    /// Whether the one column holds bytes.
    fn is_bytes(columns: &SchemaRef) -> Result<bool, OptionError> {
        let refused = |message| OptionError { key: Some("format".to_owned()), message };
        let [column] = &columns.fields()[..] else {
            let message = format!("format 'raw' has one column, the table {}", columns.fields().len());
            return Err(refused(message));
        };
        match column.data_type() {
            DataType::Utf8View | DataType::Utf8 => Ok(false),
            DataType::BinaryView | DataType::Binary => Ok(true),
            other => {
                let message =
                    format!("format 'raw' has a STRING or BYTES, `{}` is a {}", column.name(), type_name(other));
                Err(refused(message))
            }
        }
    }
}

impl Format for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn doc(&self) -> &'static str {
        "the line as it is"
    }

    fn options(&self) -> &'static [OptionDoc] {
        &[]
    }

    fn reader(&self, _: Options<'_>, columns: &SchemaRef, wanted: &[usize]) -> Result<Arc<dyn ReadLine>, OptionError> {
        Ok(Arc::new(Line { is_bytes: Raw::is_bytes(columns)?, is_wanted: !wanted.is_empty() }))
    }

    fn writer(&self, _: Options<'_>, columns: &SchemaRef) -> Result<Arc<dyn WriteLine>, OptionError> {
        Ok(Arc::new(Line { is_bytes: Raw::is_bytes(columns)?, is_wanted: true }))
    }
}

struct Line {
    is_bytes: bool,
    is_wanted: bool,
}

impl ReadLine for Line {
    fn read<'l>(&self, line: &'l [u8], found: &mut Found<'l>) -> Result<(), String> {
        if self.is_wanted {
            found.values.push(match self.is_bytes {
                true => Value::Bytes(Cow::Borrowed(line)),
                false => {
                    let text = std::str::from_utf8(line).map_err(|_| "the line is no UTF-8".to_owned())?;
                    Value::Text(Cow::Borrowed(text))
                }
            });
        }
        found.row(RowKind::Insert);
        Ok(())
    }
}

impl WriteLine for Line {
    fn write(&self, kind: RowKind, values: &[Value<'_>], out: &mut String) -> Result<(), String> {
        if kind != RowKind::Insert {
            return Err(format!("format 'raw' has no way to say {kind}"));
        }
        match values {
            [Value::Text(text)] => out.push_str(text),
            [Value::Bytes(bytes)] => {
                out.push_str(
                    std::str::from_utf8(bytes).map_err(|_| "the bytes are no UTF-8, and a line is".to_owned())?,
                );
            }
            _ => {}
        }
        if out.contains('\n') {
            return Err("the text has a line break; a line has none".to_owned());
        }
        Ok(())
    }
}
