//! An object per line.

use super::object::{Fields, read_fields};
use super::{Format, Found, ReadLine, WriteLine};
use crate::sql::catalog::OptionError;
use crate::sql::connector::{OptionDoc, Options};
use crate::sql::row::{RowKind, Value};
use crate::sql::text::{TimeStyle, write_member};
use arrow::datatypes::SchemaRef;
use std::sync::Arc;

/// `json`: an object per line, whose members are the columns by their names.
///
/// What a member must be: a number or a text of one for numbers, a text for times and BYTES (base 64), an array for an ARRAY, an
/// object for a ROW or MAP, anything for a STRING, whose text it is then. Members that are no columns are passed over. Both
/// forms of times are read; a fraction is no whole number (Flink cuts it off).
///
/// ```
/// use millstream::sql::format::{Format, Json};
///
/// assert_eq!(Json.name(), "json");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Json;

const OPTIONS: &[OptionDoc] = &[
    OptionDoc {
        key: "fail-on-missing-field",
        default: Some("false"),
        doc: "a member that is missing is an error, not NULL",
    },
    OptionDoc {
        key: "ignore-parse-errors",
        default: Some("false"),
        doc: "a member that does not fit is NULL, a line that is none is left out",
    },
    OptionDoc {
        key: "timestamp-format.standard",
        default: Some("SQL"),
        doc: "how times are written: SQL, `2020-01-31 12:00:00`, or ISO-8601, with a T",
    },
    OptionDoc {
        key: "encode.ignore-null-fields",
        default: Some("false"),
        doc: "members that are NULL are not written",
    },
    OptionDoc {
        key: "encode.decimal-as-plain-number",
        default: Some("true"),
        doc: "decimals are written without an exponent; Flink's default, with one, does not exist",
    },
    OptionDoc {
        key: "map-null-key.mode",
        default: Some("FAIL"),
        doc: "FAIL, DROP or LITERAL: all the same, as keys of a MAP are never NULL",
    },
];

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn doc(&self) -> &'static str {
        "an object per line"
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
        style(options)?;
        check_writing(options)?;
        let ignore = options.flag("ignore-parse-errors", false)?;
        if ignore && options.flag("fail-on-missing-field", false)? {
            let message = "a member that is missing is an error or ignored, not both; leave one of the two options out";
            return Err(options.refuse("fail-on-missing-field", message));
        }
        let fields = Fields::new(columns, wanted, ignore, options.flag("fail-on-missing-field", false)?);
        Ok(Arc::new(Reader { fields, ignore }))
    }

    fn writer(&self, options: Options<'_>, columns: &SchemaRef) -> Result<Arc<dyn WriteLine>, OptionError> {
        check_writing(options)?;
        let drops_nulls = options.flag("encode.ignore-null-fields", false)?;
        Ok(Arc::new(Writer { columns: Arc::clone(columns), style: style(options)?, drops_nulls }))
    }
}

/// Refuses options about writing that ask for what is not done.
fn check_writing(options: Options<'_>) -> Result<(), OptionError> {
    options.one_of("map-null-key.mode", &["FAIL", "DROP", "LITERAL"])?;
    if options.flag("encode.decimal-as-plain-number", true)? {
        return Ok(());
    }
    let message = "decimals are written without an exponent; leave the option out, or write 'true'";
    Err(options.refuse("encode.decimal-as-plain-number", message))
}

/// How times are written.
pub(super) fn style(options: Options<'_>) -> Result<TimeStyle, OptionError> {
    match options.one_of("timestamp-format.standard", &["SQL", "ISO-8601"])? {
        "SQL" => Ok(TimeStyle::Sql),
        _ => Ok(TimeStyle::Iso),
    }
}

struct Reader {
    fields: Fields,
    ignore: bool,
}

impl ReadLine for Reader {
    fn read<'l>(&self, line: &'l [u8], found: &mut Found<'l>) -> Result<(), String> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        match read_fields(&self.fields, line) {
            Ok(values) => {
                found.values.extend(values);
                found.row(RowKind::Insert);
            }
            Err(_) if self.ignore => found.ignored += 1,
            Err(cause) => return Err(cause),
        }
        Ok(())
    }
}

struct Writer {
    columns: SchemaRef,
    style: TimeStyle,
    drops_nulls: bool,
}

impl WriteLine for Writer {
    fn write(&self, kind: RowKind, values: &[Value<'_>], out: &mut String) -> Result<(), String> {
        if kind != RowKind::Insert {
            return Err(format!("format 'json' has no way to say {kind}"));
        }
        write_object(out, values, &self.columns, self.style, self.drops_nulls);
        Ok(())
    }
}

/// Appends the object of a row.
pub(super) fn write_object(
    out: &mut String,
    values: &[Value<'_>],
    columns: &SchemaRef,
    style: TimeStyle,
    drops_nulls: bool,
) {
    out.push('{');
    let members = values.iter().zip(columns.fields()).filter(|(value, _)| !(drops_nulls && value.is_null()));
    for (number, (value, field)) in members.enumerate() {
        write_member(out, number, field.name(), value, field.data_type(), style);
    }
    out.push('}');
}
