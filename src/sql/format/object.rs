//! Members of a JSON object as values, without a tree in between.

use super::digits::Digits;
use super::misfit;
use crate::sql::row::Value;
use crate::sql::text::read_text;
use crate::sql::type_name;
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// Which members are read, and what they must be.
#[derive(Debug)]
pub(super) struct Fields {
    wanted: Vec<FieldRef>,
    /// The place of each name among them.
    places: HashMap<String, usize>,
    ignore: bool,
    all: bool,
}

impl Fields {
    /// * `wanted`: the columns that are read, by number.
    /// * `ignore`: what does not fit is NULL.
    /// * `all`: a member that is missing is an error.
    pub(super) fn new(columns: &SchemaRef, wanted: &[usize], ignore: bool, all: bool) -> Self {
        let wanted: Vec<FieldRef> = wanted.iter().map(|column| columns.fields()[*column].clone()).collect();
        let places = wanted.iter().enumerate().map(|(place, field)| (field.name().clone(), place)).collect();
        Fields { wanted, places, ignore, all }
    }
}

/// The members of the object that a line is: one value per wanted column.
///
/// # Errors
/// Why it is none, in a sentence.
pub(super) fn read_fields<'l>(fields: &Fields, line: &'l [u8]) -> Result<Vec<Value<'l>>, String> {
    let mut reader = serde_json::Deserializer::from_slice(line);
    let seed = RowSeed { fields, digits: Digits::of(line) };
    let values = seed.deserialize(&mut reader).map_err(|error| message(&error))?;
    reader.end().map_err(|error| message(&error))?;
    Ok(values)
}

/// What the library says, without the line it thinks it is in.
pub(super) fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((text, _)) => format!("{text} at byte {}", error.column()),
        None => text,
    }
}

/// Reads an object.
pub(super) struct RowSeed<'f, 'l> {
    pub(super) fields: &'f Fields,
    /// Those of the line.
    pub(super) digits: Digits<'l>,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_, '_> {
    type Value = Vec<Value<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_, '_> {
    type Value = Vec<Value<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Self::Value, M::Error> {
        let Fields { wanted, places, ignore, all } = self.fields;
        let mut values = vec![None; wanted.len()];
        while let Some(name) = members.next_key_seed(NameSeed)? {
            let Some(&place) = places.get(&*name) else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            let field = &wanted[place];
            let seed = ValueSeed { data_type: field.data_type(), digits: self.digits.behind(&name) };
            let read = members.next_value_seed(seed)?;
            values[place] = Some(match read {
                Ok(value) => value,
                Err(_) if *ignore => Value::Null,
                Err(found) => return Err(M::Error::custom(misfit(field.name(), &found, field.data_type()))),
            });
        }
        if let Some(missing) = values.iter().position(Option::is_none).filter(|_| *all) {
            return Err(M::Error::custom(format!("`{}` is missing", wanted[missing].name())));
        }
        Ok(values.into_iter().map(|value| value.unwrap_or(Value::Null)).collect())
    }
}

/// Reads the name of a member, borrowed if it can be.
pub(super) struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// Reads a value of a type; what is none is read over, and told.
struct ValueSeed<'t, 'l> {
    data_type: &'t DataType,
    /// Those from the value on.
    digits: Digits<'l>,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, '_> {
    type Value = Result<Value<'de>, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl ValueSeed<'_, '_> {
    fn is_text(&self) -> bool {
        matches!(self.data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
    }

    /// A scalar by its text, as the text of a number is a number to Flink.
    fn of_text<'t>(&self, text: Cow<'t, str>) -> Result<Value<'t>, String> {
        let shown = text.to_string();
        read_text(text, self.data_type).ok_or(shown)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, '_> {
    type Value = Result<Value<'de>, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&type_name(self.data_type))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Ok(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        match self.data_type {
            DataType::Boolean => Ok(Ok(Value::Bool(value))),
            _ if self.is_text() => Ok(Ok(Value::Text(value.to_string().into()))),
            _ => Ok(Err(value.to_string())),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        match self.data_type {
            DataType::Int64 => Ok(Ok(Value::Int(number))),
            DataType::Float64 => Ok(Ok(Value::Float(number as f64))),
            data_type if data_type.is_temporal() => Ok(Err(number.to_string())),
            _ => Ok(self.of_text(number.to_string().into())),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Ok(self.of_text(number.to_string().into())),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        match self.data_type {
            DataType::Float64 => Ok(Ok(Value::Float(number))),
            data_type if data_type.is_temporal() => Ok(Err(number.to_string())),
            DataType::Decimal128(..) => {
                let digits = self.digits.number(number).map_or_else(|| number.to_string(), str::to_owned);
                Ok(self.of_text(digits.into()))
            }
            _ => Ok(self.of_text(number.to_string().into())),
        }
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(self.of_text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.of_text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Self::Value, S::Error> {
        let DataType::List(item) = self.data_type else {
            let mut all = Vec::new();
            while let Some(item) = items.next_element::<serde_json::Value>()? {
                all.push(item);
            }
            let text = serde_json::Value::Array(all).to_string();
            return Ok(if self.is_text() { Ok(Value::Text(text.into())) } else { Err(text) });
        };
        let (mut values, mut wrong) = (Vec::new(), None);
        let mut digits = self.digits.items();
        while let Some(value) = items.next_element_seed(ValueSeed { data_type: item.data_type(), digits })? {
            digits = digits.next();
            match value {
                Ok(value) => values.push(value),
                Err(found) => wrong = wrong.or(Some(found)),
            }
        }
        Ok(wrong.map_or(Ok(Value::List(values)), Err))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Self::Value, M::Error> {
        let mut wrong = None;
        match self.data_type {
            DataType::Struct(fields) => {
                let mut values = vec![Value::Null; fields.len()];
                while let Some(name) = members.next_key_seed(NameSeed)? {
                    let Some(place) = fields.iter().position(|field| *field.name() == *name) else {
                        members.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    let digits = self.digits.behind(&name);
                    match members.next_value_seed(ValueSeed { data_type: fields[place].data_type(), digits })? {
                        Ok(value) => values[place] = value,
                        Err(found) => wrong = wrong.or(Some(found)),
                    }
                }
                Ok(wrong.map_or(Ok(Value::Row(values)), Err))
            }
            DataType::Map(entries, _) => {
                let DataType::Struct(pair) = entries.data_type() else { return Ok(Err("an object".to_owned())) };
                let mut values = Vec::new();
                while let Some(name) = members.next_key_seed(NameSeed)? {
                    let digits = self.digits.behind(&name);
                    let key = ValueSeed { data_type: pair[0].data_type(), digits }.of_text(name);
                    let value = members.next_value_seed(ValueSeed { data_type: pair[1].data_type(), digits })?;
                    match (key, value) {
                        (Ok(key), Ok(value)) => values.push((key, value)),
                        (Err(found), _) | (_, Err(found)) => wrong = wrong.or(Some(found)),
                    }
                }
                Ok(wrong.map_or(Ok(Value::Map(values)), Err))
            }
            _ => {
                let mut all = serde_json::Map::new();
                while let Some((name, value)) = members.next_entry::<String, serde_json::Value>()? {
                    all.insert(name, value);
                }
                let text = serde_json::Value::Object(all).to_string();
                Ok(if self.is_text() { Ok(Value::Text(text.into())) } else { Err(text) })
            }
        }
    }
}
