//! Changes, as Debezium tells them.

use super::digits::Digits;
use super::json::{style, write_object};
use super::object::{Fields, NameSeed, RowSeed, message};
use super::{Format, Found, ReadLine, WriteLine};
use crate::sql::catalog::OptionError;
use crate::sql::connector::{OptionDoc, Options};
use crate::sql::row::{RowKind, Value};
use crate::sql::text::TimeStyle;
use arrow::datatypes::SchemaRef;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;
use std::sync::Arc;

/// `debezium-json`: a change per line, `{"before":…,"after":…,"op":"u"}`.
///
/// | `op` | read as |
/// |---|---|
/// | `c`, `r` | `+I` of `after` |
/// | `u` | `-U` of `before`, `+U` of `after` |
/// | `d` | `-D` of `before` |
///
/// Written as Flink writes it: `+I` and `+U` are an `op` of `c`, `-U` and `-D` one of `d`.
///
/// ```
/// use millstream::sql::format::{DebeziumJson, Format};
///
/// assert!(DebeziumJson.takes_changes() && DebeziumJson.brings_changes());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DebeziumJson;

const OPTIONS: &[OptionDoc] = &[
    OptionDoc { key: "schema-include", default: Some("false"), doc: "the change stands in a member `payload`" },
    OptionDoc { key: "ignore-parse-errors", default: Some("false"), doc: "a line that is none is left out" },
    OptionDoc { key: "timestamp-format.standard", default: Some("SQL"), doc: "how times are written: SQL or ISO-8601" },
];

impl Format for DebeziumJson {
    fn name(&self) -> &'static str {
        "debezium-json"
    }

    fn doc(&self) -> &'static str {
        "changes, as Debezium tells them"
    }

    fn options(&self) -> &'static [OptionDoc] {
        OPTIONS
    }

    fn takes_changes(&self) -> bool {
        true
    }

    fn brings_changes(&self) -> bool {
        true
    }

    fn reader(
        &self,
        options: Options<'_>,
        columns: &SchemaRef,
        wanted: &[usize],
    ) -> Result<Arc<dyn ReadLine>, OptionError> {
        style(options)?;
        let ignore = options.flag("ignore-parse-errors", false)?;
        let fields = Fields::new(columns, wanted, ignore, false);
        Ok(Arc::new(Reader { fields, ignore, in_payload: options.flag("schema-include", false)? }))
    }

    fn writer(&self, options: Options<'_>, columns: &SchemaRef) -> Result<Arc<dyn WriteLine>, OptionError> {
        if options.flag("schema-include", false)? {
            return Err(options.refuse("schema-include", "changes are written without their schema, as in Flink"));
        }
        Ok(Arc::new(Writer { columns: Arc::clone(columns), style: style(options)? }))
    }
}

struct Reader {
    fields: Fields,
    ignore: bool,
    in_payload: bool,
}

/// What a line tells.
#[derive(Default)]
struct Change<'l> {
    before: Option<Vec<Value<'l>>>,
    after: Option<Vec<Value<'l>>>,
    op: String,
}

impl Reader {
    fn change<'l>(&self, line: &'l [u8], found: &mut Found<'l>) -> Result<(), String> {
        let mut reader = serde_json::Deserializer::from_slice(line);
        let digits = Digits::of(line);
        let seed = Seed { fields: &self.fields, digits, in_payload: self.in_payload };
        let Change { before, after, op } = seed.deserialize(&mut reader).map_err(|error| message(&error))?;
        reader.end().map_err(|error| message(&error))?;
        let missing = |what: &str| format!("an `op` of `{op}` without `{what}`");
        let old = || "; let the database tell the row before it changed (REPLICA IDENTITY FULL in PostgreSQL)";
        match op.as_str() {
            "c" | "r" => {
                found.values.extend(after.ok_or_else(|| missing("after"))?);
                found.row(RowKind::Insert);
            }
            "u" => {
                let before = before.ok_or_else(|| missing("before") + old())?;
                let after = after.ok_or_else(|| missing("after"))?;
                found.values.extend(before);
                found.row(RowKind::UpdateBefore);
                found.values.extend(after);
                found.row(RowKind::UpdateAfter);
            }
            "d" => {
                found.values.extend(before.ok_or_else(|| missing("before") + old())?);
                found.row(RowKind::Delete);
            }
            "" => return Err("there is no `op`".to_owned()),
            _ => return Err(format!("`op` is `{op}`, not c, r, u or d")),
        }
        Ok(())
    }
}

impl ReadLine for Reader {
    fn read<'l>(&self, line: &'l [u8], found: &mut Found<'l>) -> Result<(), String> {
        // A tombstone for Kafka's compaction is an empty line.
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        match self.change(line, found) {
            Err(_) if self.ignore => found.ignored += 1,
            other => return other,
        }
        Ok(())
    }
}

struct Seed<'f, 'l> {
    fields: &'f Fields,
    digits: Digits<'l>,
    in_payload: bool,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = Change<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Change<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = Change<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Change<'de>, M::Error> {
        let Seed { fields, digits, in_payload } = self;
        let mut change = Change::default();
        while let Some(name) = members.next_key_seed(NameSeed)? {
            match &*name {
                "payload" if in_payload => {
                    change = members.next_value_seed(Seed { fields, digits, in_payload: false })?;
                }
                "before" if !in_payload => change.before = members.next_value_seed(Perhaps { fields, digits })?,
                "after" if !in_payload => change.after = members.next_value_seed(Perhaps { fields, digits })?,
                "op" if !in_payload => change.op = members.next_value()?,
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(change)
    }
}

/// A row, or null.
struct Perhaps<'f, 'l> {
    fields: &'f Fields,
    digits: Digits<'l>,
}

impl<'de> DeserializeSeed<'de> for Perhaps<'_, '_> {
    type Value = Option<Vec<Value<'de>>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Perhaps<'_, '_> {
    type Value = Option<Vec<Value<'de>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        RowSeed { fields: self.fields, digits: self.digits }.deserialize(deserializer).map(Some)
    }
}

struct Writer {
    columns: SchemaRef,
    style: TimeStyle,
}

impl WriteLine for Writer {
    fn write(&self, kind: RowKind, values: &[Value<'_>], out: &mut String) -> Result<(), String> {
        let row = |out: &mut String| write_object(out, values, &self.columns, self.style, false);
        if kind.adds() {
            out.push_str("{\"before\":null,\"after\":");
            row(out);
            out.push_str(",\"op\":\"c\"}");
        } else {
            out.push_str("{\"before\":");
            row(out);
            out.push_str(",\"after\":null,\"op\":\"d\"}");
        }
        Ok(())
    }
}
