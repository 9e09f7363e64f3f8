//! Access logs, by the parser of [`formats`](crate::formats).

use super::{Format, Found, ReadLine, WriteLine, one_way};
use crate::formats::LogEntry;
use crate::sql::catalog::OptionError;
use crate::sql::connector::{OptionDoc, Options};
use crate::sql::row::{RowKind, Value};
use crate::sql::settings::unknown;
use crate::sql::type_name;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use std::borrow::Cow;
use std::sync::Arc;

/// `combined-log` and `common-log`: the lines that Apache and Nginx write of each request.
///
/// The columns go by their names, in any order, and any of them may be left out:
///
/// | column | type | what |
/// |---|---|---|
/// | `host` | STRING | the client |
/// | `ident`, `user` | STRING | NULL where the log has `-` |
/// | `ts` | TIMESTAMP_LTZ or TIMESTAMP (in UTC) | when |
/// | `method`, `path`, `protocol` | STRING | of the request; NULL if it is none. The path is without the query |
/// | `request` | STRING | the first line of the request, as the client sent it |
/// | `status` | whole number | of the answer |
/// | `bytes` | whole number | of the answer; NULL where the log has `-` |
/// | `referer`, `agent` | STRING | `combined-log` only; NULL where the log has `-`, or is a common one |
///
/// Bytes that are no UTF-8 are replaced by U+FFFD. Flink has no such format.
///
/// ```
/// use millstream::sql::format::{AccessLog, Format};
///
/// assert_eq!(AccessLog::Combined.name(), "combined-log");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLog {
    /// With referer and agent.
    Combined,
    /// Without.
    Common,
}

const OPTIONS: &[OptionDoc] =
    &[OptionDoc { key: "ignore-parse-errors", default: Some("false"), doc: "a line that is none is left out" }];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Host,
    Ident,
    User,
    /// So many of its units are a millisecond: times or divided by.
    Time(TimeUnit),
    Method,
    Path,
    Protocol,
    Request,
    Status,
    Bytes,
    Referer,
    Agent,
}

const PARTS: [&str; 12] =
    ["host", "ident", "user", "ts", "method", "path", "protocol", "request", "status", "bytes", "referer", "agent"];

impl AccessLog {
    fn part(self, name: &str, data_type: &DataType) -> Result<Part, OptionError> {
        let known = if self == AccessLog::Combined { &PARTS[..] } else { &PARTS[..10] };
        let refused = |message| OptionError { key: Some("format".to_owned()), message };
        let wrong = |wanted: &str| {
            let found = type_name(data_type);
            Err(refused(format!("format '{}' has `{name}` as {wanted}, the table as {found}", self.name())))
        };
        let text = |part| match data_type {
            DataType::Utf8View | DataType::Utf8 => Ok(part),
            _ => wrong("a STRING"),
        };
        let number = |part| match data_type {
            DataType::Int16 if part == Part::Status => Ok(part),
            DataType::Int32 | DataType::Int64 => Ok(part),
            _ => wrong(if part == Part::Status { "an INT" } else { "a BIGINT" }),
        };
        match name {
            "host" => text(Part::Host),
            "ident" => text(Part::Ident),
            "user" => text(Part::User),
            "ts" => match data_type {
                DataType::Timestamp(unit, _) => Ok(Part::Time(*unit)),
                _ => wrong("a TIMESTAMP_LTZ(3)"),
            },
            "method" => text(Part::Method),
            "path" => text(Part::Path),
            "protocol" => text(Part::Protocol),
            "request" => text(Part::Request),
            "status" => number(Part::Status),
            "bytes" => number(Part::Bytes),
            "referer" if self == AccessLog::Combined => text(Part::Referer),
            "agent" if self == AccessLog::Combined => text(Part::Agent),
            _ => {
                let thing = format!("column of format '{}'", self.name());
                Err(refused(unknown(&thing, name, known.iter().copied())))
            }
        }
    }
}

impl Format for AccessLog {
    fn name(&self) -> &'static str {
        match self {
            AccessLog::Combined => "combined-log",
            AccessLog::Common => "common-log",
        }
    }

    fn doc(&self) -> &'static str {
        "access logs of Apache and Nginx"
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
        let parts = columns.fields().iter().map(|column| {
            let part = self.part(column.name(), column.data_type())?;
            Ok((part, matches!(column.data_type(), DataType::Int32)))
        });
        let parts = parts.collect::<Result<Vec<_>, OptionError>>()?;
        let wanted = wanted.iter().map(|column| parts[*column]).collect();
        Ok(Arc::new(Reader { wanted, ignore: options.flag("ignore-parse-errors", false)? }))
    }

    fn writer(&self, _: Options<'_>, _: &SchemaRef) -> Result<Arc<dyn WriteLine>, OptionError> {
        Err(one_way(self.name(), "is read, not written; use 'csv' or 'json'"))
    }
}

struct Reader {
    /// And whether the column is an INT.
    wanted: Vec<(Part, bool)>,
    ignore: bool,
}

fn text(bytes: Option<&[u8]>) -> Value<'_> {
    bytes.map_or(Value::Null, |bytes| Value::Text(String::from_utf8_lossy(bytes)))
}

/// As [`text`]; NULL for `-`.
fn known(bytes: Option<&[u8]>) -> Value<'_> {
    text(bytes.filter(|bytes| *bytes != b"-"))
}

impl Reader {
    fn parts<'l>(&self, line: &'l [u8], found: &mut Found<'l>) -> Result<(), String> {
        let entry = LogEntry::parse(line).map_err(|error| error.to_string())?;
        for (part, is_int) in &self.wanted {
            found.values.push(match part {
                Part::Host => Value::Text(Cow::Borrowed(entry.client)),
                Part::Ident => known(Some(entry.ident.as_bytes())),
                Part::User => known(Some(entry.user.as_bytes())),
                Part::Time(unit) => Value::Int(match unit {
                    TimeUnit::Second => entry.time.millis() / 1000,
                    TimeUnit::Millisecond => entry.time.millis(),
                    TimeUnit::Microsecond => entry.time.millis() * 1_000,
                    TimeUnit::Nanosecond => entry.time.millis().saturating_mul(1_000_000),
                }),
                Part::Method => text(entry.method()),
                Part::Path => text(entry.path()),
                Part::Protocol => text(entry.protocol()),
                Part::Request => text(Some(entry.request)),
                Part::Status => Value::Int(entry.status.into()),
                Part::Bytes => match entry.bytes {
                    None => Value::Null,
                    Some(bytes) => {
                        let most = if *is_int { i32::MAX.into() } else { i64::MAX };
                        let number = i64::try_from(bytes).ok().filter(|bytes| *bytes <= most);
                        Value::Int(number.ok_or_else(|| format!("bytes: {bytes} does not fit the column's type"))?)
                    }
                },
                Part::Referer => known(entry.referer),
                Part::Agent => known(entry.agent),
            });
        }
        Ok(())
    }
}

impl ReadLine for Reader {
    fn read<'l>(&self, line: &'l [u8], found: &mut Found<'l>) -> Result<(), String> {
        let before = found.values.len();
        match self.parts(line, found) {
            Ok(()) => found.row(RowKind::Insert),
            Err(_) if self.ignore => {
                found.values.truncate(before);
                found.ignored += 1;
            }
            Err(cause) => return Err(cause),
        }
        Ok(())
    }
}
