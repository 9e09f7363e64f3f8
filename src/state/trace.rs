//! Finding the shape of a type: by letting its `Deserialize` ask for what it wants to read.
//!
//! The deserializer here answers each question with some value of the kind that is asked for, and notes the question. One
//! pass sees one variant of an enum, so there are passes until all have been seen. Where a type holds itself, the shape
//! points up ([`Schema::Up`]), and the answers below only see to it that the value ends.
//!
//! Some types have no shape that can be found so: those that read themselves differently each time (untagged enums), refuse
//! the values made up here (an empty text, the number 1) or panic on them, give a variant of an enum several names, or hold
//! themselves through wrappers of one field only.

use super::schema::Schema;
use crate::fault;
use serde::de::value::U32Deserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer as _, Visitor};
use std::any::type_name;
use std::collections::BTreeSet;
use std::fmt;

/// More passes than any type needs that a person has written.
const PASSES: usize = 10_000;
/// So deep within itself a type must have ended, and so many answers suffice for a pass.
const DEPTH: usize = 64;
const ANSWERS: usize = 100_000;

/// The shape of a type; `None` if it cannot be found.
pub(super) fn trace<T: DeserializeOwned>() -> Option<Schema> {
    let mut schema = Schema::Unseen;
    let mut notes = Notes::default();
    for _ in 0..PASSES {
        notes.around.clear();
        (notes.depth, notes.answers) = (0, 0);
        let pass = || T::deserialize(Tracer { schema: &mut schema, notes: &mut notes, is_over: false }).map(drop);
        match fault::guard(pass).ok()? {
            Ok(()) if schema.is_complete() => return Some(schema),
            Ok(()) => {}
            Err(refusal) => notes.learn(&refusal)?,
        }
    }
    None
}

/// What is remembered beside the shape.
#[derive(Default)]
struct Notes {
    /// The tuples, structs and enums around the present place, by the types of their visitors.
    around: Vec<&'static str>,
    depth: usize,
    answers: usize,
    /// Names of fields, by visitor and number, that are second names of others.
    aliases: BTreeSet<(&'static str, usize)>,
    /// The field named last, and the one before it in the same struct: visitor, number, name.
    named: Option<(&'static str, usize, &'static str)>,
    before: Option<usize>,
}

impl Notes {
    /// Answers what is asked within an answer.
    fn within<R>(&mut self, answer: impl FnOnce(&mut Notes) -> Result<R, Refusal>) -> Result<R, Refusal> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Refusal { twice: None });
        }
        let result = answer(self)?;
        self.depth -= 1;
        Ok(result)
    }

    /// A struct names the field of which it was told two names.
    fn learn(&mut self, refusal: &Refusal) -> Option<()> {
        let (visitor, number, name) = self.named.take()?;
        let alias = if refusal.twice? == name { self.before? } else { number };
        self.aliases.insert((visitor, alias)).then_some(())
    }
}

/// Why a value was refused.
#[derive(Debug)]
struct Refusal {
    /// The field that was there twice.
    twice: Option<&'static str>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that was made up has been refused")
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Refusal { twice: None }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Refusal { twice: Some(field) }
    }
}

/// Answers for one place in a type.
struct Tracer<'a> {
    schema: &'a mut Schema,
    notes: &'a mut Notes,
    /// Whether this place has been seen further up: the value is to end soon.
    is_over: bool,
}

impl Tracer<'_> {
    fn note(&mut self, schema: Schema) -> Result<(), Refusal> {
        self.notes.answers += 1;
        if self.notes.answers > ANSWERS {
            return Err(Refusal { twice: None });
        }
        if *self.schema == Schema::Unseen {
            *self.schema = schema;
        }
        Ok(())
    }

    /// Goes into a tuple, struct or enum, read by a visitor of type `V`.
    fn enter<V, R>(
        mut self,
        fresh: Schema,
        inside: impl FnOnce(Tracer<'_>, usize) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let name = type_name::<V>();
        let depth = self.notes.around.iter().filter(|around| **around == name).count();
        let above = self.notes.around.iter().rev().position(|around| *around == name);
        let mut scratch = Schema::Unseen;
        let mut place = match above {
            Some(above) => {
                self.note(Schema::Up(above + 1))?;
                Tracer { schema: &mut scratch, notes: self.notes, is_over: true }
            }
            None => Tracer { schema: self.schema, notes: self.notes, is_over: self.is_over },
        };
        place.note(fresh)?;
        place.notes.around.push(name);
        let result = inside(Tracer { schema: place.schema, notes: place.notes, is_over: place.is_over }, depth);
        place.notes.around.pop();
        result
    }

    fn tuple<'de, V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.enter::<V, _>(Schema::Tuple(vec![Schema::Unseen; len]), |tracer, _| {
            let Schema::Tuple(parts) = tracer.schema else { return Err(Refusal { twice: None }) };
            visitor.visit_seq(Parts { parts: parts.iter_mut(), notes: tracer.notes, is_over: tracer.is_over })
        })
    }

    fn fields<'de, V: Visitor<'de>>(self, names: &'static [&'static str], visitor: V) -> Result<V::Value, Refusal> {
        let is_main = |i: &usize| !self.notes.aliases.contains(&(type_name::<V>(), *i));
        let numbers: Vec<usize> = (0..names.len()).filter(is_main).collect();
        let fresh: Vec<(String, Schema)> = numbers.iter().map(|&i| (names[i].to_owned(), Schema::Unseen)).collect();
        self.enter::<V, _>(Schema::Struct(fresh.clone()), |tracer, _| {
            let Schema::Struct(fields) = tracer.schema else { return Err(Refusal { twice: None }) };
            if fields.len() != fresh.len() {
                // A second name has been found out since.
                *fields = fresh;
            }
            let named = numbers.iter().map(|&i| (type_name::<V>(), i, names[i])).collect::<Vec<_>>().into_iter();
            let (notes, is_over) = (tracer.notes, tracer.is_over);
            visitor.visit_map(Fields { fields: fields.iter_mut(), named, before: None, notes, is_over })
        })
    }
}

macro_rules! leaf {
    ($($method:ident $visit:ident $schema:ident $value:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
            self.note(Schema::$schema)?;
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Refusal;

    leaf! {
        deserialize_bool visit_bool Bool false;
        deserialize_i8 visit_i8 I8 1;
        deserialize_i16 visit_i16 I16 1;
        deserialize_i32 visit_i32 I32 1;
        deserialize_i64 visit_i64 I64 1;
        deserialize_i128 visit_i128 I128 1;
        deserialize_u8 visit_u8 U8 1;
        deserialize_u16 visit_u16 U16 1;
        deserialize_u32 visit_u32 U32 1;
        deserialize_u64 visit_u64 U64 1;
        deserialize_u128 visit_u128 U128 1;
        deserialize_f32 visit_f32 F32 1.0;
        deserialize_f64 visit_f64 F64 1.0;
        deserialize_char visit_char Char 'a';
        deserialize_str visit_borrowed_str Str "";
        deserialize_string visit_string Str String::new();
        deserialize_bytes visit_borrowed_bytes Bytes &[];
        deserialize_byte_buf visit_byte_buf Bytes Vec::new();
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refusal> {
        Err(Refusal { twice: None })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_any(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_any(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.note(Schema::Unit)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refusal> {
        let Tracer { schema, notes, is_over } = self;
        notes.within(|notes| visitor.visit_newtype_struct(Tracer { schema, notes, is_over }))
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.note(Schema::Option(Box::new(Schema::Unseen)))?;
        let Tracer { schema: Schema::Option(schema), notes, is_over: false } = self else {
            return visitor.visit_none();
        };
        notes.within(|notes| visitor.visit_some(Tracer { schema, notes, is_over: false }))
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.note(Schema::Seq(Box::new(Schema::Unseen)))?;
        let Tracer { schema: Schema::Seq(item), notes, is_over } = self else { return Err(Refusal { twice: None }) };
        let items = if is_over { &mut [] } else { std::slice::from_mut(&mut **item) };
        visitor.visit_seq(Parts { parts: items.iter_mut(), notes, is_over })
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.note(Schema::Map(Box::new(Schema::Unseen), Box::new(Schema::Unseen)))?;
        let Tracer { schema: Schema::Map(key, value), notes, is_over } = self else {
            return Err(Refusal { twice: None });
        };
        let entry = (!is_over).then_some((&mut **key, &mut **value));
        visitor.visit_map(Entry { entry, notes })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.tuple(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.fields(fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let fresh = names.iter().map(|name| ((*name).to_owned(), Schema::Unseen)).collect();
        self.enter::<V, _>(Schema::Enum(fresh), |tracer, depth| {
            let Schema::Enum(variants) = tracer.schema else { return Err(Refusal { twice: None }) };
            // Within itself another variant at each depth: one of them ends.
            let unseen = variants.iter().position(|(_, content)| !content.is_complete()).unwrap_or(0);
            let number = if tracer.is_over { depth % variants.len().max(1) } else { unseen };
            let Some((_, schema)) = variants.get_mut(number) else { return Err(Refusal { twice: None }) };
            visitor.visit_enum(Variant {
                number: number as u32,
                content: Tracer { schema, notes: tracer.notes, is_over: tracer.is_over },
            })
        })
    }
}

/// The parts of a tuple, or the one item of a sequence.
struct Parts<'a> {
    parts: std::slice::IterMut<'a, Schema>,
    notes: &'a mut Notes,
    is_over: bool,
}

impl<'de> de::SeqAccess<'de> for Parts<'_> {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refusal> {
        let Some(schema) = self.parts.next() else { return Ok(None) };
        let is_over = self.is_over;
        self.notes.within(|notes| seed.deserialize(Tracer { schema, notes, is_over }).map(Some))
    }
}

/// The one entry of a map.
struct Entry<'a> {
    entry: Option<(&'a mut Schema, &'a mut Schema)>,
    notes: &'a mut Notes,
}

impl<'de> de::MapAccess<'de> for Entry<'_> {
    type Error = Refusal;

    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refusal> {
        let Some((key, _)) = &mut self.entry else { return Ok(None) };
        self.notes.within(|notes| seed.deserialize(Tracer { schema: key, notes, is_over: false }).map(Some))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Refusal> {
        let Some((_, value)) = self.entry.take() else { return Err(Refusal { twice: None }) };
        self.notes.within(|notes| seed.deserialize(Tracer { schema: value, notes, is_over: false }))
    }
}

/// The fields of a struct, by name: so it tells when two names are one field's.
struct Fields<'a> {
    fields: std::slice::IterMut<'a, (String, Schema)>,
    named: std::vec::IntoIter<(&'static str, usize, &'static str)>,
    before: Option<usize>,
    notes: &'a mut Notes,
    is_over: bool,
}

impl<'de> de::MapAccess<'de> for Fields<'_> {
    type Error = Refusal;

    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refusal> {
        let Some(named) = self.named.next() else { return Ok(None) };
        (self.notes.named, self.notes.before) = (Some(named), self.before.replace(named.1));
        seed.deserialize(named.2.into_deserializer()).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Refusal> {
        self.notes.named = None;
        let Some((_, schema)) = self.fields.next() else { return Err(Refusal { twice: None }) };
        let is_over = self.is_over;
        self.notes.within(|notes| seed.deserialize(Tracer { schema, notes, is_over }))
    }
}

/// One variant of an enum.
struct Variant<'a> {
    number: u32,
    content: Tracer<'a>,
}

impl<'de, 'a> de::EnumAccess<'de> for Variant<'a> {
    type Error = Refusal;
    type Variant = Tracer<'a>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Tracer<'a>), Refusal> {
        let number: U32Deserializer<Refusal> = self.number.into_deserializer();
        Ok((seed.deserialize(number)?, self.content))
    }
}

impl<'de> de::VariantAccess<'de> for Tracer<'_> {
    type Error = Refusal;

    fn unit_variant(mut self) -> Result<(), Refusal> {
        self.note(Schema::Unit)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Refusal> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Refusal> {
        self.fields(fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reread::reread;
    use super::*;
    use crate::record::{decode, encode};
    use serde::{Deserialize, Serialize};
    use std::collections::{BTreeMap, BTreeSet};
    use std::num::NonZeroU8;
    use std::rc::Rc;
    use std::time::Duration;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Point<T> {
        x: T,
        #[serde(alias = "height", alias = "a")]
        y: T,
        #[serde(rename = "where", alias = "at")]
        place: Option<Vec<(u8, String)>>,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Tree {
        Fork(Box<Tree>, Box<Tree>),
        Leaf(Point<Point<i64>>),
        Named { name: String, trees: BTreeMap<u16, Tree> },
        Empty,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct List {
        value: u32,
        next: Option<Box<List>>,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Unit;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Meters(f64);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        A(u8),
        B(String),
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Renamed {
        #[serde(alias = "Old")]
        New,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Endless(Box<Endless>);

    fn shape<T: DeserializeOwned>() -> String {
        trace::<T>().unwrap().to_string()
    }

    #[test]
    fn a_shape_says_what_serde_sees() {
        assert_eq!(shape::<(u8, Vec<bool>, [i16; 2], Unit, Meters)>(), "(u8, [bool], (i16, i16), (), f64)");
        assert_eq!(
            shape::<Point<Option<char>>>(),
            "{ x: Option<char>, y: Option<char>, where: Option<[(u8, String)]> }"
        );
        let point = "{ x: i64, y: i64, where: Option<[(u8, String)]> }";
        let leaf = format!("Leaf({{ x: {point}, y: {point}, where: Option<[(u8, String)]> }})");
        let leaf = leaf.replace("Leaf({", "Leaf {").replace("})", "}");
        let named = "Named { name: String, trees: Map<u16, Self^2> }";
        assert_eq!(shape::<Tree>(), format!("enum {{ Fork(Self^2, Self^2), {leaf}, {named}, Empty }}"));
        assert_eq!(shape::<List>(), "{ value: u32, next: Option<Self^1> }");
        assert_eq!(shape::<Result<NonZeroU8, Duration>>(), "enum { Ok(u8), Err { secs: u64, nanos: u32 } }");
        assert_eq!(shape::<Rc<BTreeSet<i128>>>(), "[i128]");
        assert_eq!(
            shape::<std::net::IpAddr>(),
            "enum { V4(u8, u8, u8, u8), V6(u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8) }"
        );
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(try_from = "u8")]
    struct Picky(u8);

    impl From<u8> for Picky {
        fn from(number: u8) -> Self {
            assert_eq!(number, 7);
            Picky(number)
        }
    }

    #[test]
    fn a_type_that_cannot_be_traced_has_no_shape() {
        assert_eq!(trace::<Picky>(), None);
        assert_eq!(trace::<Untagged>(), None);
        assert_eq!(trace::<Renamed>(), None);
        assert_eq!(trace::<Endless>(), None);
    }

    #[test]
    fn what_is_stored_is_read_back_by_its_shape() {
        fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
            let schema = trace::<T>().unwrap();
            let stored = serde_json::to_vec(&schema).unwrap();
            assert_eq!(serde_json::from_slice::<Schema>(&stored).unwrap(), schema);
            assert_eq!(reread::<T>(&schema, &encode(&value).unwrap()).unwrap(), value);
            assert_eq!(decode::<T>(&encode(&value).unwrap()).unwrap(), value);
        }
        let point = Point { x: -1, y: i64::MAX, place: Some(vec![(1, "here".into()), (2, String::new())]) };
        let leaf = Tree::Leaf(Point { x: point.clone(), y: point, place: None });
        let named = Tree::Named { name: "n".into(), trees: BTreeMap::from([(7, leaf.clone()), (300, Tree::Empty)]) };
        check(Tree::Fork(Box::new(named), Box::new(Tree::Fork(Box::new(leaf), Box::new(Tree::Empty)))));
        check(List { value: 1, next: Some(Box::new(List { value: 2, next: None })) });
        check((i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN));
        check((u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
        check((1.5_f32, f64::MIN, 'ß', true, Unit, Meters(2.0)));
        check((Duration::MAX, std::net::IpAddr::from([1, 2, 3, 4]), Some(()), [Some(1_u8), None, Some(3)]));
    }

    #[test]
    fn bytes_that_do_not_fit_their_shape_are_refused() {
        let schema = trace::<(u32, Vec<String>)>().unwrap();
        let stored = encode(&(7_u32, vec!["a", "b"])).unwrap();
        for cut in 0..stored.len() {
            reread::<(u32, Vec<String>)>(&schema, &stored[..cut]).unwrap_err();
        }
        reread::<(u32, Vec<String>)>(&schema, &[&stored[..], &[0]].concat()).unwrap_err();
        let schema = trace::<Result<u8, u8>>().unwrap();
        reread::<Result<u8, u8>>(&schema, &[2, 0]).unwrap_err();
    }
}
