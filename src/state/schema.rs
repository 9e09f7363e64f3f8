//! The shape of a stored type, as it lies in the file beside the state's name.
//!
//! Postcard writes bare fields one after the other, so bytes alone do not tell what they mean. The shape does: with it, they
//! are read although the type has changed since.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What serde sees of a type. Wrappers of one field are seen as what they hold, and types have no name: a type that was
/// renamed has the same shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Schema {
    /// Not known yet, while a type is traced. In no finished shape.
    Unseen,
    Unit,
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Str,
    Bytes,
    Option(Box<Schema>),
    Seq(Box<Schema>),
    Map(Box<Schema>, Box<Schema>),
    Tuple(Vec<Schema>),
    /// Its fields, in the order in which they are stored.
    Struct(Vec<(String, Schema)>),
    /// Its variants, by number: each a unit, a tuple, a struct, or the one thing it holds.
    Enum(Vec<(String, Schema)>),
    /// The so-manyth tuple, struct or enum around it, 1 being the innermost: a type that holds itself.
    Up(usize),
}

impl Schema {
    /// Whether nothing in it is unseen.
    pub(super) fn is_complete(&self) -> bool {
        match self {
            Schema::Unseen => false,
            Schema::Option(inner) | Schema::Seq(inner) => inner.is_complete(),
            Schema::Map(key, value) => key.is_complete() && value.is_complete(),
            Schema::Tuple(parts) => parts.iter().all(Schema::is_complete),
            Schema::Struct(parts) | Schema::Enum(parts) => parts.iter().all(|(_, part)| part.is_complete()),
            _ => true,
        }
    }
}

/// As a Rust programmer would write it, but for names of types.
impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Schema::Option(inner) => return write!(f, "Option<{inner}>"),
            Schema::Seq(inner) => return write!(f, "[{inner}]"),
            Schema::Map(key, value) => return write!(f, "Map<{key}, {value}>"),
            Schema::Tuple(parts) => {
                let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
                return write!(f, "({})", parts.join(", "));
            }
            Schema::Struct(fields) => {
                let fields: Vec<String> = fields.iter().map(|(name, field)| format!("{name}: {field}")).collect();
                return write!(f, "{{ {} }}", fields.join(", "));
            }
            Schema::Enum(variants) => {
                let variant = |(name, content): &(String, Schema)| match content {
                    Schema::Unit => name.clone(),
                    Schema::Struct(_) => format!("{name} {content}"),
                    Schema::Tuple(_) => format!("{name}{content}"),
                    _ => format!("{name}({content})"),
                };
                let variants: Vec<String> = variants.iter().map(variant).collect();
                return write!(f, "enum {{ {} }}", variants.join(", "));
            }
            Schema::Up(levels) => return write!(f, "Self^{levels}"),
            Schema::Unseen => "?",
            Schema::Unit => "()",
            Schema::Bool => "bool",
            Schema::I8 => "i8",
            Schema::I16 => "i16",
            Schema::I32 => "i32",
            Schema::I64 => "i64",
            Schema::I128 => "i128",
            Schema::U8 => "u8",
            Schema::U16 => "u16",
            Schema::U32 => "u32",
            Schema::U64 => "u64",
            Schema::U128 => "u128",
            Schema::F32 => "f32",
            Schema::F64 => "f64",
            Schema::Char => "char",
            Schema::Str => "String",
            Schema::Bytes => "bytes",
        };
        f.write_str(name)
    }
}
