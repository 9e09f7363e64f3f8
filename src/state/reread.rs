//! Reading what was stored with another shape than the type has now: by the old shape, in the new type's own way.
//!
//! The bytes are walked by the old shape and shown as if they described themselves: structs as maps with the names of their
//! fields, variants by name, numbers as what they are. So serde's rules decide what fits: fields in another order, old
//! ones that nobody asks for, new ones with a default, other names by an alias, numbers in wider types (or narrower ones, if
//! they fit), `T` as `Option<T>`.

use super::schema::Schema;
use crate::record::decode_prefix;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;

/// Reads a value that was stored with another shape. The error says what does not fit.
pub(super) fn reread<T: DeserializeOwned>(schema: &Schema, mut bytes: &[u8]) -> Result<T, Misfit> {
    let value = T::deserialize(Reader { schema, around: None, rest: &mut bytes })?;
    if bytes.is_empty() { Ok(value) } else { Err(Misfit(format!("{} bytes are left over", bytes.len()))) }
}

/// What does not fit.
#[derive(Debug)]
pub(super) struct Misfit(pub(super) String);

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(found: T) -> Self {
        Misfit(found.to_string())
    }
}

/// The tuples, structs and enums around a place, innermost first.
#[derive(Clone, Copy)]
struct Around<'a> {
    schema: &'a Schema,
    around: Option<&'a Around<'a>>,
}

/// Reads what lies at the front of `rest`.
struct Reader<'a, 'b> {
    schema: &'a Schema,
    around: Option<&'a Around<'a>>,
    rest: &'a mut &'b [u8],
}

impl<'b> Reader<'_, 'b> {
    fn take<T: DeserializeOwned>(&mut self) -> Result<T, Misfit> {
        let (value, rest) = decode_prefix(self.rest).map_err(|e| Misfit(e.to_string()))?;
        *self.rest = rest;
        Ok(value)
    }

    fn within<'c>(&'c mut self, schema: &'c Schema, around: Option<&'c Around<'c>>) -> Reader<'c, 'b> {
        Reader { schema, around, rest: self.rest }
    }
}

impl<'de> Deserializer<'de> for Reader<'_, '_> {
    type Error = Misfit;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Misfit> {
        let (schema, around) = (self.schema, self.around);
        let here = Around { schema, around };
        match schema {
            Schema::Unseen => Err(Misfit("its shape is not known".into())),
            Schema::Unit => visitor.visit_unit(),
            Schema::Bool => visitor.visit_bool(self.take()?),
            Schema::I8 => visitor.visit_i8(self.take()?),
            Schema::I16 => visitor.visit_i16(self.take()?),
            Schema::I32 => visitor.visit_i32(self.take()?),
            Schema::I64 => visitor.visit_i64(self.take()?),
            Schema::I128 => visitor.visit_i128(self.take()?),
            Schema::U8 => visitor.visit_u8(self.take()?),
            Schema::U16 => visitor.visit_u16(self.take()?),
            Schema::U32 => visitor.visit_u32(self.take()?),
            Schema::U64 => visitor.visit_u64(self.take()?),
            Schema::U128 => visitor.visit_u128(self.take()?),
            Schema::F32 => visitor.visit_f32(self.take()?),
            Schema::F64 => visitor.visit_f64(self.take()?),
            Schema::Char => visitor.visit_char(self.take()?),
            Schema::Str => visitor.visit_string(self.take()?),
            Schema::Bytes => visitor.visit_byte_buf(self.take()?),
            Schema::Option(inner) => {
                if self.take()? {
                    visitor.visit_some(Reader { schema: inner, ..self })
                } else {
                    visitor.visit_none()
                }
            }
            Schema::Seq(item) => {
                let count = self.take::<usize>()?;
                let mut items = Parts { reader: self, around, parts: std::iter::repeat_n(&**item, count) };
                items.all(|items| visitor.visit_seq(items))
            }
            Schema::Tuple(parts) => {
                let mut items = Parts { reader: self, around: Some(&here), parts: parts.iter() };
                items.all(|items| visitor.visit_seq(items))
            }
            Schema::Map(key, value) => {
                let left = self.take::<usize>()?;
                visitor.visit_map(Entries { reader: self, key, value, left })
            }
            Schema::Struct(fields) => {
                visitor.visit_map(Fields { reader: self, around: &here, fields: fields.iter(), value: None })
            }
            Schema::Enum(variants) => {
                let number = self.take::<u32>()?;
                let found = usize::try_from(number).ok().and_then(|number| variants.get(number));
                let Some((name, content)) = found else { return Err(Misfit(format!("there is no variant {number}"))) };
                visitor.visit_enum(Variant { name, content: self.within(content, Some(&here)) })
            }
            Schema::Up(levels) => {
                let outer = (1..*levels).fold(around, |around, _| around.and_then(|around| around.around));
                let Some(Around { schema, around }) = outer.copied() else {
                    return Err(Misfit("its shape points nowhere".into()));
                };
                Reader { schema, around, rest: self.rest }.deserialize_any(visitor)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.schema {
            Schema::Option(_) => self.deserialize_any(visitor),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// Parts one after the other.
struct Parts<'a, 'b, I> {
    reader: Reader<'a, 'b>,
    around: Option<&'a Around<'a>>,
    parts: I,
}

impl<'a, I: Iterator<Item = &'a Schema>> Parts<'a, '_, I> {
    /// Passes over what `read` has left.
    fn all<R>(&mut self, read: impl FnOnce(&mut Self) -> Result<R, Misfit>) -> Result<R, Misfit> {
        let result = read(self)?;
        while de::SeqAccess::next_element::<IgnoredAny>(self)?.is_some() {}
        Ok(result)
    }
}

impl<'de, 'a, I: Iterator<Item = &'a Schema>> de::SeqAccess<'de> for Parts<'a, '_, I> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        let Some(schema) = self.parts.next() else { return Ok(None) };
        seed.deserialize(self.reader.within(schema, self.around)).map(Some)
    }
}

/// The entries of a map.
struct Entries<'a, 'b> {
    reader: Reader<'a, 'b>,
    key: &'a Schema,
    value: &'a Schema,
    left: usize,
}

impl<'de> de::MapAccess<'de> for Entries<'_, '_> {
    type Error = Misfit;

    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let around = self.reader.around;
        seed.deserialize(self.reader.within(self.key, around)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Misfit> {
        let around = self.reader.around;
        seed.deserialize(self.reader.within(self.value, around))
    }
}

/// The fields of a struct, by name.
struct Fields<'a, 'b> {
    reader: Reader<'a, 'b>,
    around: &'a Around<'a>,
    fields: std::slice::Iter<'a, (String, Schema)>,
    value: Option<&'a Schema>,
}

impl<'de> de::MapAccess<'de> for Fields<'_, '_> {
    type Error = Misfit;

    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        let Some((name, value)) = self.fields.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Misfit> {
        let schema = self.value.take().ok_or_else(|| Misfit("a field is read before its name".into()))?;
        seed.deserialize(self.reader.within(schema, Some(self.around)))
    }
}

/// A variant, by name, and what it holds.
struct Variant<'a, 'b> {
    name: &'a str,
    content: Reader<'a, 'b>,
}

impl<'de, 'a, 'b> de::EnumAccess<'de> for Variant<'a, 'b> {
    type Error = Misfit;
    type Variant = Reader<'a, 'b>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Reader<'a, 'b>), Misfit> {
        Ok((seed.deserialize(StrDeserializer::<Misfit>::new(self.name))?, self.content))
    }
}

impl<'de> de::VariantAccess<'de> for Reader<'_, '_> {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        match self.schema {
            Schema::Unit => Ok(()),
            content => Err(Misfit(format!("a variant that held {content} holds nothing now"))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_any(visitor)
    }
}
