//! What is stored, as JSON, by its shape alone: for people, who look at it without the program that wrote it.
//!
//! The JSON is what `serde_json` makes of the value in the program, where a shape can tell: wrappers of one field are what
//! they hold, and variants stand by their names. It differs in three places. A variant that holds `()` is shown as one that
//! holds nothing, a whole number beyond 64 bits is text, and a map whose keys are no text and no whole numbers is an array
//! of pairs.
//!
//! Bytes may be damaged, and a shape may be: nothing here panics, nests without end, or makes much out of little.

use super::schema::Schema;
use crate::record::decode_prefix;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Deeper than a person nests, and no deeper than a thread's stack bears.
const DEPTH: usize = 128;
/// Values that take no bytes may be so many; beyond, one must stand for some byte.
const FREE: usize = 100_000;

/// Reads a value of that shape from the front of `bytes`, and returns what follows it.
///
/// # Errors
/// What is wrong with the bytes, as text.
pub(super) fn to_json<'b>(schema: &Schema, bytes: &'b [u8]) -> Result<(Value, &'b [u8]), String> {
    let mut reader = Reader { rest: bytes, left: bytes.len().saturating_mul(16).saturating_add(FREE) };
    let value = reader.read(schema, None, 0)?;
    Ok((value, reader.rest))
}

/// Bytes as text: two hexadecimal digits for each.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The tuples, structs and enums around a place, innermost first.
#[derive(Clone, Copy)]
struct Around<'a> {
    schema: &'a Schema,
    around: Option<&'a Around<'a>>,
}

struct Reader<'b> {
    rest: &'b [u8],
    /// How many values may still be read.
    left: usize,
}

impl Reader<'_> {
    fn take<T: DeserializeOwned>(&mut self) -> Result<T, String> {
        let (value, rest) = decode_prefix(self.rest).map_err(|error| error.to_string())?;
        self.rest = rest;
        Ok(value)
    }

    fn read(&mut self, schema: &Schema, around: Option<&Around<'_>>, depth: usize) -> Result<Value, String> {
        if depth > DEPTH {
            return Err(format!("it is nested more than {DEPTH} deep"));
        }
        self.left = self.left.checked_sub(1).ok_or("it claims to hold more than its bytes can tell")?;
        let here = Around { schema, around };
        let depth = depth + 1;
        Ok(match schema {
            Schema::Unseen => return Err("its shape is not known".into()),
            Schema::Unit => Value::Null,
            Schema::Bool => self.take::<bool>()?.into(),
            Schema::I8 => self.take::<i8>()?.into(),
            Schema::I16 => self.take::<i16>()?.into(),
            Schema::I32 => self.take::<i32>()?.into(),
            Schema::I64 => self.take::<i64>()?.into(),
            Schema::I128 => whole(self.take::<i128>()?),
            Schema::U8 => self.take::<u8>()?.into(),
            Schema::U16 => self.take::<u16>()?.into(),
            Schema::U32 => self.take::<u32>()?.into(),
            Schema::U64 => self.take::<u64>()?.into(),
            Schema::U128 => whole(self.take::<u128>()?),
            Schema::F32 => self.take::<f32>()?.into(),
            Schema::F64 => self.take::<f64>()?.into(),
            Schema::Char => self.take::<char>()?.to_string().into(),
            Schema::Str => self.take::<String>()?.into(),
            Schema::Bytes => {
                let count = self.take::<usize>()?;
                let (bytes, rest) = self.rest.split_at_checked(count).ok_or("it ends before its last byte")?;
                self.rest = rest;
                bytes.to_vec().into()
            }
            Schema::Option(inner) => match self.take::<bool>()? {
                true => self.read(inner, around, depth)?,
                false => Value::Null,
            },
            Schema::Seq(item) => {
                let count = self.take::<usize>()?;
                (0..count).map(|_| self.read(item, around, depth)).collect::<Result<Vec<_>, _>>()?.into()
            }
            Schema::Tuple(parts) => {
                parts.iter().map(|part| self.read(part, Some(&here), depth)).collect::<Result<Vec<_>, _>>()?.into()
            }
            Schema::Map(key, value) => {
                let count = self.take::<usize>()?;
                let pair = |_| Ok((self.read(key, around, depth)?, self.read(value, around, depth)?));
                object((0..count).map(pair).collect::<Result<_, String>>()?)
            }
            Schema::Struct(fields) => {
                let field =
                    |(name, field): &(String, Schema)| Ok((name.clone(), self.read(field, Some(&here), depth)?));
                Value::Object(fields.iter().map(field).collect::<Result<Map<_, _>, String>>()?)
            }
            Schema::Enum(variants) => {
                let number = self.take::<u32>()?;
                let found = usize::try_from(number).ok().and_then(|number| variants.get(number));
                let (name, content) = found.ok_or_else(|| format!("there is no variant {number}"))?;
                match content {
                    Schema::Unit => name.clone().into(),
                    _ => Value::Object(Map::from_iter([(name.clone(), self.read(content, Some(&here), depth)?)])),
                }
            }
            Schema::Up(levels) => {
                let outer = around.and_then(|nearest| (1..*levels).try_fold(nearest, |place, _| place.around));
                let Some(Around { schema, around }) = outer.copied() else {
                    return Err("its shape points nowhere".into());
                };
                self.read(schema, around, depth)?
            }
        })
    }
}

/// A whole number, as text if it is too large for a reader of JSON.
fn whole<T: Copy + ToString + TryInto<i64> + TryInto<u64>>(number: T) -> Value {
    let small: Option<i64> = number.try_into().ok();
    let large: Option<u64> = number.try_into().ok();
    small.map(Value::from).or(large.map(Value::from)).unwrap_or_else(|| number.to_string().into())
}

/// A map: an object, if its keys can be names.
fn object(pairs: Vec<(Value, Value)>) -> Value {
    let name = |key: &Value| match key {
        Value::String(name) => Some(name.clone()),
        Value::Bool(key) => Some(key.to_string()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    };
    let names: Option<Vec<String>> = pairs.iter().map(|(key, _)| name(key)).collect();
    match names {
        Some(names) => Value::Object(names.into_iter().zip(pairs.into_iter().map(|(_, value)| value)).collect()),
        None => pairs.into_iter().map(|(key, value)| Value::Array(vec![key, value])).collect::<Vec<_>>().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::trace::trace;
    use super::*;
    use crate::record::encode;
    use crate::time::Timestamp;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};
    use serde_json::json;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug, Serialize, Deserialize)]
    enum Step {
        Stop,
        Wait(u32),
        Move(i16, i16),
        Turn { degrees: f32, names: Vec<String> },
        Both(Box<Step>, Box<Step>),
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Name(String);

    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Nothing;

    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Zoo {
        small: (i8, u8, i16, u16),
        large: (i32, u32, i64, u64),
        largest: (i128, u128),
        floats: (f32, f64),
        letter: char,
        is_open: bool,
        name: Option<Name>,
        nothing: Nothing,
        unit: (),
        steps: Vec<Step>,
        cages: BTreeMap<String, Option<u64>>,
        numbered: BTreeMap<i32, [u8; 3]>,
        at: Timestamp,
    }

    fn shown<T: Serialize + DeserializeOwned>(value: &T) -> Value {
        let bytes = encode(value).unwrap();
        let (value, rest) = to_json(&trace::<T>().unwrap(), &bytes).unwrap();
        assert_eq!(rest, [0_u8; 0]);
        value
    }

    fn step() -> impl Strategy<Value = Step> {
        let leaf = prop_oneof![
            Just(Step::Stop),
            any::<u32>().prop_map(Step::Wait),
            any::<(i16, i16)>().prop_map(|(x, y)| Step::Move(x, y)),
            any::<(f32, Vec<String>)>().prop_map(|(degrees, names)| Step::Turn { degrees, names }),
        ];
        leaf.prop_recursive(4, 16, 2, |inner| {
            (inner.clone(), inner).prop_map(|(a, b)| Step::Both(Box::new(a), Box::new(b)))
        })
    }

    fn zoo() -> impl Strategy<Value = Zoo> {
        let numbers = (any::<(i8, u8, i16, u16)>(), any::<(i32, u32, i64, u64)>(), any::<(i64, u64)>());
        let others = (any::<(f32, f64)>(), any::<char>(), any::<bool>(), any::<Option<String>>(), any::<i32>());
        let nested = (vec(step(), 0..3), any::<BTreeMap<String, Option<u64>>>(), any::<BTreeMap<i32, [u8; 3]>>());
        (numbers, others, nested).prop_map(|(numbers, (floats, letter, is_open, name, at), nested)| Zoo {
            small: numbers.0,
            large: numbers.1,
            largest: (numbers.2.0.into(), numbers.2.1.into()),
            floats,
            letter,
            is_open,
            name: name.map(Name),
            nothing: Nothing,
            unit: (),
            steps: nested.0,
            cages: nested.1,
            numbered: nested.2,
            at: Timestamp::from_seconds(at.into()),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn what_is_shown_is_what_the_program_would_show(zoo in zoo()) {
            let mut expected = serde_json::to_value(&zoo).unwrap();
            // Times have another form for people than for files.
            expected["at"] = zoo.at.millis().into();
            prop_assert_eq!(shown(&zoo), expected);
        }

        #[test]
        fn damaged_bytes_are_told_and_never_panic(bytes in vec(any::<u8>(), 0..200)) {
            let _ = to_json(&trace::<Zoo>().unwrap(), &bytes);
            let _ = to_json(&trace::<Vec<Vec<()>>>().unwrap(), &bytes);
            let _ = to_json(&trace::<Step>().unwrap(), &bytes);
        }
    }

    #[test]
    fn what_json_has_no_form_for_has_one_here() {
        assert_eq!(shown(&(i128::MIN, u128::MAX)), json!([i128::MIN.to_string(), u128::MAX.to_string()]));
        assert_eq!(shown(&f64::NAN), Value::Null);
        assert_eq!(shown(&BTreeMap::from([((1, 2), 3)])), json!([[[1, 2], 3]]));
        assert_eq!(shown(&BTreeMap::from([('a', 1)])), json!({ "a": 1 }));
        assert_eq!(hex(&[0, 255, 16]), "00ff10");
    }

    #[test]
    fn what_claims_to_be_endless_ends() {
        let deep = [4_u8; 100_000];
        assert!(to_json(&trace::<Step>().unwrap(), &deep).unwrap_err().contains("nested more than 128 deep"));
        let many = encode(&u64::MAX).unwrap();
        let error = to_json(&trace::<Vec<()>>().unwrap(), &many).unwrap_err();
        assert!(error.contains("more than its bytes can tell"), "{error}");
        assert_eq!(shown(&vec![(); 1000]), Value::Array(vec![Value::Null; 1000]));
        let nowhere = Schema::Tuple(vec![Schema::Up(2)]);
        assert!(to_json(&nowhere, &[]).unwrap_err().contains("points nowhere"));
        let endless = Schema::Tuple(vec![Schema::Up(1), Schema::Up(1)]);
        assert!(to_json(&endless, &[]).is_err());
        assert!(to_json(&Schema::Bytes, &[200, 1]).is_err());
    }
}
